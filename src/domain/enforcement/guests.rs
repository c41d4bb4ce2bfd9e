//! Which guests of a project go down in an emergency, in which order, and with which snapshot.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::case::{EnforcementRules, Member, ProjectCase};
use super::steps::{Action, LeftAlone, ProjectPlan, Shutdown, SnapshotFirst, Why};
use crate::domain::guest::{Guest, Status};
use crate::domain::id::GuestKind;
use crate::domain::inventory::Resources;
use crate::domain::project::Resource;
use crate::domain::quota::{ResourceUsage, Tier};
use crate::domain::request::{StateNeeds, nearly_full};
use crate::domain::text::Text;

/// The tag of guests that go down before others.
const LOW: &str = "priority-low";
/// The tag of guests that go down after others.
const HIGH: &str = "priority-high";
/// The states of high availability that wants a guest down.
const REQUESTED: [&str; 2] = ["request_stop", "stopped"];

/// What the shutdowns of all projects share.
#[derive(Debug)]
pub(super) struct Emergency<'a> {
    pub(super) rules: &'a EnforcementRules,
    pub(super) resources: Option<&'a Resources>,
    pub(super) now: DateTime<Utc>,
    /// How many guests are to be shut down so far.
    planned: usize,
    /// The memory that their snapshots would save so far.
    needs: StateNeeds,
}

impl<'a> Emergency<'a> {
    pub(super) fn new(
        rules: &'a EnforcementRules,
        resources: Option<&'a Resources>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            rules,
            resources,
            now,
            planned: 0,
            needs: StateNeeds::default(),
        }
    }

    /// Adds a project's shutdowns; `marked` is since when the throttle has held the emergency.
    pub(super) fn shut_down(
        &mut self,
        case: &ProjectCase<'_>,
        marked: Option<DateTime<Utc>>,
        plan: &mut ProjectPlan,
    ) {
        let Some(violated) = violated(&plan.usage).map(|worst| worst.resource) else {
            return;
        };
        let over: Vec<Resource> = in_emergency(&plan.usage).map(|it| it.resource).collect();
        let mut members: Vec<&Member<'_>> = case.members.iter().collect();
        members.sort_by(|one, other| order(one, other, violated));
        // A guest may be listed twice while it migrates.
        let mut seen = BTreeSet::new();
        members.retain(|member| seen.insert(member.guest.vmid));
        for member in members {
            let guest = member.guest;
            if let Some(why) = self.spares(member, marked) {
                let guest = guest.to_ref();
                plan.left_alone.push(LeftAlone { guest, why });
                continue;
            }
            self.planned += 1;
            let snapshot = self.snapshot(member, &over);
            let reason = format!("{}; {snapshot}", place(member, violated));
            let shutdown = Shutdown {
                guest: guest.to_ref(),
                snapshot,
                ha_managed: guest.ha_state.is_some(),
                began_before: marked.unwrap_or(self.now),
            };
            plan.step(Action::Shutdown(shutdown), reason);
        }
        // In which order they were passed over says nothing.
        plan.left_alone.sort_by_key(|left| left.guest.vmid);
    }

    /// Says why a guest is not shut down, if so.
    fn spares(&self, member: &Member<'_>, marked: Option<DateTime<Utc>>) -> Option<Why> {
        let guest = member.guest;
        if guest.template {
            return Some(Why::Template);
        }
        if !member.vouched || guest.status == Status::Unknown {
            return Some(Why::Silent);
        }
        if !guest.is_running() {
            return Some(Why::NotRunning(guest.status.clone()));
        }
        if !member.managed {
            return Some(Why::Unmanaged);
        }
        let is_critical = |tag: &str| self.rules.critical.contains(tag);
        if let Some(tag) = guest.tags.iter().find(|tag| is_critical(tag.raw())) {
            return Some(Why::Critical(tag.clone()));
        }
        if let Some(lock) = &guest.lock {
            return Some(Why::Locked(lock.clone()));
        }
        if let Some(task) = member.task {
            return Some(Why::AtWork(task.to_owned()));
        }
        let is_requested = |state: &Text| REQUESTED.contains(&state.raw());
        if guest.ha_state.as_ref().is_some_and(is_requested) {
            return Some(Why::Requested);
        }
        if let Some(marked) = marked {
            match began(guest, self.now) {
                None => return Some(Why::UnknownStart),
                Some(began) if began > marked => return Some(Why::Restarted(began)),
                Some(_) => {}
            }
        }
        let most = self.rules.max_shutdowns;
        (self.planned >= most).then_some(Why::BeyondLimit(most))
    }

    /// Chooses the snapshot before a guest's shutdown.
    fn snapshot(&mut self, member: &Member<'_>, over: &[Resource]) -> SnapshotFirst {
        let none = |reason: &str| SnapshotFirst::None(reason.to_owned());
        if !self.rules.snapshot_first {
            return none("the config wants none");
        }
        if over.contains(&Resource::StorageGb) {
            return none("it would add to storage_gb");
        }
        if let Some(reason) = &member.refuses_snapshots {
            return none(reason);
        }
        let guest = member.guest;
        if let (Some(config), Some(resources)) = (member.config, self.resources)
            && let Some(reason) = nearly_full(guest, config, resources)
        {
            return SnapshotFirst::None(reason);
        }
        if guest.kind == GuestKind::Lxc {
            return SnapshotFirst::Disks;
        }
        let mut needs = self.needs.clone();
        needs.add(guest, member.config, self.resources);
        let refusal = self
            .resources
            .and_then(|resources| needs.refusal(resources));
        if let Some(reason) = refusal {
            return SnapshotFirst::None(reason);
        }
        self.needs = needs;
        SnapshotFirst::Ram
    }
}

/// Returns when a guest's process began, where that is known.
fn began(guest: &Guest, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let uptime = TimeDelta::from_std(guest.figures.uptime?).ok()?;
    now.checked_sub_signed(uptime)
}

fn in_emergency(usage: &[ResourceUsage]) -> impl Iterator<Item = &ResourceUsage> {
    usage.iter().filter(|each| each.tier == Tier::Emergency)
}

/// Finds the resource that is exceeded most, of those in an emergency.
fn violated(usage: &[ResourceUsage]) -> Option<&ResourceUsage> {
    let excess = |each: &ResourceUsage| each.excess.unwrap_or_default();
    // Of equal ones the first counts; `max_by` would take the last.
    in_emergency(usage).reduce(|worst, each| {
        if excess(each) > excess(worst) {
            each
        } else {
            worst
        }
    })
}

/// How much a guest matters, by its tags; one that carries both counts by the higher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    Low,
    None,
    High,
}

impl Priority {
    fn of(guest: &Guest) -> Self {
        let has = |word: &str| {
            let mut tags = guest.tags.iter();
            tags.any(|tag| tag.raw().eq_ignore_ascii_case(word))
        };
        if has(HIGH) {
            Self::High
        } else if has(LOW) {
            Self::Low
        } else {
            Self::None
        }
    }
}

/// Orders guests: the least critical first, among equals the heaviest user, then by number.
fn order(one: &Member<'_>, other: &Member<'_>, violated: Resource) -> Ordering {
    let priority = |member: &Member<'_>| Priority::of(member.guest);
    let used = |member: &Member<'_>| member.used.and_then(|used| used.amount(violated).value());
    let heaviest = match (used(one), used(other)) {
        (Some(one), Some(other)) => other.total_cmp(&one),
        // Whoever is not known to use anything comes last.
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    priority(one)
        .cmp(&priority(other))
        .then(heaviest)
        .then(one.guest.vmid.cmp(&other.guest.vmid))
}

/// Says why a guest stands where it stands in the order.
fn place(member: &Member<'_>, violated: Resource) -> String {
    let used = match member.used.map(|used| used.amount(violated)) {
        Some(amount) if amount.value().is_some() => {
            format!("{violated} {amount} {}", violated.unit())
        }
        Some(_) | None => format!("{violated} unknown"),
    };
    match Priority::of(member.guest) {
        Priority::Low => format!("{LOW}, {used}"),
        Priority::None => used,
        Priority::High => format!("{HIGH}, {used}"),
    }
}
