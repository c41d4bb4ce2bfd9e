//! The writes that give sets their addresses.

use chrono::{DateTime, TimeDelta, Utc};

use super::action::Action;
use super::arrange::Steps;
use super::goal::WantedSet;
use super::host::Cidr;
use super::mark::{self, Seen};
use super::plan::Role;
use crate::domain::firewall::{AddressSet, GuestFirewall, Member};
use crate::domain::text::{Text, clean};

/// From this age on the time of an address that is still there is written anew.
const REWRITTEN_AFTER: TimeDelta = TimeDelta::hours(12);
/// An address that no name had for so long is removed.
const GONE_AFTER: TimeDelta = TimeDelta::hours(24);

/// What a set lacks and has too much.
#[derive(Debug, Default)]
pub(super) struct SetDifference {
    is_new: bool,
    /// Members that stand in the way of those to be added.
    in_the_way: Vec<Text>,
    additions: Vec<(Cidr, Option<String>, Role)>,
    rewritten: Vec<(Cidr, String)>,
    removals: Vec<(Member, Role)>,
}

impl SetDifference {
    /// Compares a set with what is wanted; `time` is when names were resolved, if they were.
    pub(super) fn of(
        firewall: &GuestFirewall,
        wanted: &WantedSet,
        time: Option<DateTime<Utc>>,
    ) -> Self {
        let mut found = Self::default();
        let existing = find(firewall, &wanted.name);
        found.is_new = existing.is_none();
        let mut present: Vec<Cidr> = Vec::new();
        for member in existing.iter().flat_map(|set| &set.members) {
            found.judge(member, wanted, time, &mut present);
        }
        let missing = |cidr: &Cidr| !present.contains(cidr);
        for cidr in wanted.fixed.iter().copied().filter(missing) {
            found.additions.push((cidr, None, Role::Mends));
        }
        let role = if found.is_new {
            Role::Mends
        } else {
            Role::Refreshes
        };
        for (address, name) in &wanted.addresses {
            let cidr = Cidr::host(*address);
            if !missing(&cidr) || wanted.fixed.contains(&cidr) {
                continue;
            }
            let name = name.clone();
            let comment = time.map(|time| Seen { time, name }.to_string());
            found.additions.push((cidr, comment, role));
        }
        found
    }

    /// Decides about one member that is there.
    fn judge(
        &mut self,
        member: &Member,
        wanted: &WantedSet,
        time: Option<DateTime<Utc>>,
        present: &mut Vec<Cidr>,
    ) {
        let gone = |role| (member.clone(), role);
        let Some(cidr) = read(member) else {
            self.removals.push(gone(Role::Mends));
            return;
        };
        let address = Some(cidr.address()).filter(|address| Cidr::host(*address) == cidr);
        let name = address.and_then(|address| wanted.addresses.get(&address));
        let is_fixed = wanted.fixed.contains(&cidr);
        if member.is_excluded {
            // A member can be in a set once, so an exclusion goes before what it excludes comes.
            if is_fixed || name.is_some() {
                self.in_the_way.push(member.cidr.clone());
            } else {
                self.removals.push(gone(Role::Mends));
            }
            return;
        }
        let seen = Seen::read(member.comment.as_ref());
        if is_fixed {
            present.push(cidr);
            return;
        }
        let seen = seen.filter(|seen| wanted.names.contains(&seen.name));
        let age = |seen: &Seen| time.map_or(TimeDelta::zero(), |time| time - seen.time);
        match (name, seen) {
            (Some(name), seen) => {
                present.push(cidr);
                let fresh =
                    seen.is_some_and(|seen| (-GONE_AFTER..=REWRITTEN_AFTER).contains(&age(&seen)));
                if let Some(time) = time.filter(|_| !fresh) {
                    let name = name.clone();
                    self.rewritten.push((cidr, Seen { time, name }.to_string()));
                }
            }
            (None, Some(seen)) if age(&seen) > GONE_AFTER => {
                self.removals.push(gone(Role::Refreshes));
            }
            // A time that lies far ahead would keep an address for ever.
            (None, Some(seen)) if age(&seen) < -GONE_AFTER => {
                self.removals.push(gone(Role::Mends));
            }
            (None, Some(_)) => {}
            (None, None) => self.removals.push(gone(Role::Mends)),
        }
    }

    /// Tells whether a set that exists is to hold more than it does.
    pub(super) fn grows(&self) -> bool {
        !(self.is_new || self.additions.is_empty() && self.in_the_way.is_empty())
    }

    /// Tells whether something is taken out that cannot be put in again as it was.
    pub(super) fn loses_for_good(&self) -> bool {
        let odd = |member: &Member| member.is_excluded || read(member).is_none();
        !self.in_the_way.is_empty() || self.removals.iter().any(|(member, _)| odd(member))
    }

    /// Returns what is taken out.
    pub(super) fn removed(&self) -> impl Iterator<Item = &Member> {
        self.removals.iter().map(|(member, _)| member)
    }

    /// Returns what is added to a set that exists.
    pub(super) fn added(&self) -> impl Iterator<Item = Cidr> {
        let additions = self.additions.iter().filter(|_| !self.is_new);
        additions.map(|(cidr, _, _)| *cidr)
    }

    /// Tells whether the set has to be made.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Makes the set where it is new, and adds what it lacks.
    pub(super) fn fill(&self, steps: &mut Steps, name: &str, profile: &str) {
        if self.is_new {
            let action = Action::MakeSet {
                name: name.to_owned(),
                comment: mark::of(profile),
            };
            let made = Some("empty".to_owned());
            steps.push(action, Role::Mends, format!("set {name}"), None, made);
        }
        for member in &self.in_the_way {
            remove(steps, name, member, Role::Mends);
        }
        for (cidr, comment, role) in &self.additions {
            add(steps, name, *cidr, comment.clone(), *role);
        }
        for (cidr, comment) in &self.rewritten {
            let action = Action::RewriteMember {
                set: name.to_owned(),
                cidr: *cidr,
                comment: comment.clone(),
            };
            let subject = format!("{cidr} in set {name}");
            let after = Some(format!("seen {comment}"));
            steps.push(action, Role::Refreshes, subject, None, after);
        }
    }

    /// Removes what the set has too much.
    pub(super) fn thin_out(&self, steps: &mut Steps, name: &str) {
        for (member, role) in &self.removals {
            remove(steps, name, &member.cidr, *role);
        }
    }
}

fn read(member: &Member) -> Option<Cidr> {
    member.cidr.raw().parse().ok()
}

/// Puts a member into a set.
pub(super) fn add(steps: &mut Steps, set: &str, cidr: Cidr, comment: Option<String>, role: Role) {
    let host = comment.as_deref().and_then(|it| it.split_once(' '));
    let after = match host {
        Some((_, host)) => format!("{cidr} ({})", clean(host)),
        None => cidr.to_string(),
    };
    let action = Action::AddMember {
        set: set.to_owned(),
        cidr,
        comment,
    };
    steps.push(action, role, format!("set {set}"), None, Some(after));
}

/// Takes a member out of a set.
pub(super) fn remove(steps: &mut Steps, set: &str, member: &Text, role: Role) {
    let action = Action::RemoveMember {
        set: set.to_owned(),
        member: member.clone(),
    };
    let before = Some(member.to_string());
    steps.push(action, role, format!("set {set}"), before, None);
}

/// Removes a set with everything in it.
pub(super) fn delete(steps: &mut Steps, set: &AddressSet) {
    let name = set.name.raw().to_owned();
    let before = Some(format!("{} addresses", set.members.len()));
    let subject = format!("set {}", set.name);
    steps.push(
        Action::DeleteSet { name },
        Role::Mends,
        subject,
        before,
        None,
    );
}

/// Finds a set of the guest by its name.
pub(super) fn find<'a>(firewall: &'a GuestFirewall, name: &str) -> Option<&'a AddressSet> {
    firewall.sets.iter().find(|set| set.name.raw() == name)
}
