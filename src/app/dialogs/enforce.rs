//! The enforcement plan: read, shown, and carried out when the count of its steps is typed.

use std::collections::BTreeMap;

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::{Combo, Context};
use crate::app::remote::Remote;
use crate::app::usage::UsageBook;
use crate::domain::enforcement::{
    Action as Enforcing, EnforcementPlan, LeftAlone, ProjectPlan, Shutdown, SnapshotFirst, Step,
};
use crate::domain::failure::Failure;
use crate::domain::guest::Status;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Link, Resources};
use crate::domain::operation::{Call, Operation};
use crate::domain::request::{EnforceRequest, Objection};
use crate::domain::time::Moment;

/// What the snapshot before a shutdown needs to know of a guest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestDetail {
    pub(in crate::app) config: Remote<GuestConfig>,
    can_snapshot: Remote<bool>,
}

impl GuestDetail {
    /// Says why no snapshot of it can be taken, where that is known.
    pub(in crate::app) fn refusal(&self) -> Option<String> {
        let refuses = self.can_snapshot.value() == Some(&false);
        refuses.then(|| "its disks cannot be snapshotted".to_owned())
    }

    /// Tells whether both questions are answered; what failed is left to the server.
    fn is_settled(&self) -> bool {
        !self.config.is_open() && !self.can_snapshot.is_open()
    }
}

/// A line of the plan.
#[derive(Debug, Clone, Copy)]
pub enum EnforceLine<'a> {
    /// A project and how it stands.
    Project(&'a ProjectPlan),
    /// A step of the project above.
    Step(&'a Step),
    /// A guest of the project above that is left alone.
    LeftAlone(&'a LeftAlone),
    /// What should be known of the project above.
    Note(&'a str),
    /// What should be known of all figures.
    Caveat(&'a str),
}

/// The plan of what is done about projects over their budgets.
#[derive(Debug, Clone, PartialEq)]
pub struct EnforceDialog {
    opened: Moment,
    /// Whether the plan may only be looked at.
    pub read_only: bool,
    details: BTreeMap<Vmid, GuestDetail>,
    /// The plan as far as it can be made.
    pub plan: Option<EnforcementPlan>,
    /// What should be known of the figures that it was made from.
    pub caveats: Vec<String>,
    /// How many guests are read, of how many.
    pub progress: (usize, usize),
    /// Whether everything is read, so that the plan stays as it is.
    pub is_whole: bool,
    /// The line under the cursor.
    pub row: usize,
    /// The count as typed.
    pub typed: TextField,
    /// Whether the API calls are shown.
    pub shows_calls: bool,
    /// What the plan describes, or why it cannot be done.
    pub checked: Result<Operation, Vec<Objection>>,
}

impl EnforceDialog {
    pub(in crate::app) fn new(opened: Moment, read_only: bool) -> Self {
        Self {
            opened,
            read_only,
            details: BTreeMap::new(),
            plan: None,
            caveats: Vec::new(),
            progress: (0, 0),
            is_whole: false,
            row: 0,
            typed: TextField::default(),
            shows_calls: false,
            checked: Err(Vec::new()),
        }
    }

    /// Returns when it was opened; what is read before that is not good enough.
    pub(in crate::app) fn opened(&self) -> Moment {
        self.opened
    }

    /// Returns what is known of the guests that are shut down.
    pub(in crate::app) fn details(&self) -> &BTreeMap<Vmid, GuestDetail> {
        &self.details
    }

    /// Returns the lines of the plan.
    pub fn lines(&self) -> Vec<EnforceLine<'_>> {
        let mut lines = Vec::new();
        let projects = self.plan.iter().flat_map(EnforcementPlan::projects);
        for project in projects {
            lines.push(EnforceLine::Project(project));
            lines.extend(project.steps().iter().map(EnforceLine::Step));
            lines.extend(project.left_alone().iter().map(EnforceLine::LeftAlone));
            let notes = project.notes().iter().map(String::as_str);
            lines.extend(notes.map(EnforceLine::Note));
        }
        if self.plan.is_some() {
            let caveats = self.caveats.iter().map(String::as_str);
            lines.extend(caveats.map(EnforceLine::Caveat));
        }
        lines
    }

    /// Returns the API calls, as far as the plan can be carried out.
    pub fn calls(&self) -> Vec<Call> {
        self.checked
            .as_ref()
            .map(Operation::calls)
            .unwrap_or_default()
    }

    /// Counts the warnings, which are shown and not carried out.
    pub fn warnings(&self) -> usize {
        let steps = self.plan.iter().flat_map(EnforcementPlan::steps);
        steps
            .filter(|(_, step)| matches!(step.action, Enforcing::Warn))
            .count()
    }

    /// Returns how many steps are taken.
    pub fn count(&self) -> usize {
        self.plan.as_ref().map_or(0, EnforcementPlan::len)
    }

    /// Tells whether the count is typed.
    pub fn is_confirmed(&self) -> bool {
        self.is_whole && self.count() > 0 && self.typed.value() == self.count().to_string()
    }

    /// Gives a whole plan up when a guest that it shuts down has stopped meanwhile.
    ///
    /// It is made anew, and what was typed for the old one counts no more.
    pub(in crate::app) fn doubt(&mut self, resources: &Resources) {
        let has_stopped = |shutdown: &Shutdown| {
            let seen = resources.guest(shutdown.guest.vmid);
            seen.map(|seen| &seen.guest)
                .is_some_and(|guest| !guest.is_running() && guest.status != Status::Unknown)
        };
        let mut plans = self.plan.iter().filter(|_| self.is_whole);
        if plans.any(|plan| plan.shutdowns().any(has_stopped)) {
            self.is_whole = false;
            self.typed = TextField::default();
        }
    }

    /// Takes the plan as it can be made now, unless it is whole and stays as it was shown.
    ///
    /// It is whole when every guest of every project was read, or cannot be.
    pub(in crate::app) fn follow(
        &mut self,
        plan: EnforcementPlan,
        caveats: Vec<String>,
        usage: &UsageBook,
    ) {
        if self.is_whole {
            return;
        }
        self.caveats = caveats;
        self.progress = usage.progress();
        let is_settled = |shutdown: &Shutdown| {
            let detail = self.details.get(&shutdown.guest.vmid);
            matches!(shutdown.snapshot, SnapshotFirst::None(_))
                || detail.is_some_and(GuestDetail::is_settled)
        };
        self.is_whole = usage.is_read() && plan.shutdowns().all(is_settled);
        self.plan = Some(plan);
    }

    /// Checks the plan against the world as it is now.
    pub(in crate::app) fn check(
        &mut self,
        resources: Option<&Resources>,
        link: &Link,
        cluster: &str,
        shutdown_timeout_seconds: u32,
    ) {
        let plan = self.plan.clone().filter(|plan| !plan.is_empty());
        self.checked = match plan {
            None => Err(Vec::new()),
            Some(plan) => EnforceRequest {
                plan,
                cluster: cluster.to_owned(),
                shutdown_timeout_seconds,
            }
            .check(resources, link.clock_skew),
        };
    }

    /// Asks what the snapshots before shutdowns need, a few guests at once.
    pub(in crate::app) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        let Some(plan) = self.plan.as_ref().filter(|_| !self.is_whole) else {
            return questions;
        };
        let mut flying = self
            .details
            .values()
            .filter(|detail| !detail.is_settled())
            .count();
        for shutdown in plan.shutdowns() {
            let vmid = shutdown.guest.vmid;
            let wants = !matches!(shutdown.snapshot, SnapshotFirst::None(_));
            if !wants || self.details.contains_key(&vmid) {
                continue;
            }
            if flying >= 2 {
                break;
            }
            flying += 1;
            let mut ask = || {
                *next += 1;
                Ticket(*next)
            };
            let (config, feature) = (ask(), ask());
            let detail = self.details.entry(vmid).or_default();
            detail.config.ask(config);
            detail.can_snapshot.ask(feature);
            questions.push((config, Query::Config(shutdown.guest.clone())));
            questions.push((feature, Query::CanSnapshot(shutdown.guest.clone())));
        }
        questions
    }

    pub(in crate::app) fn settle_config(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestConfig, Failure>,
    ) {
        for detail in self.details.values_mut() {
            detail.config.settle(ticket, now, result.clone());
        }
    }

    pub(in crate::app) fn settle_feature(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<bool, Failure>,
    ) {
        for detail in self.details.values_mut() {
            detail.can_snapshot.settle(ticket, now, result.clone());
        }
    }

    /// Takes digits and their correction; every other key has its meaning from the table.
    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.typed.types_digit(combo)
    }

    pub(super) fn act(&mut self, action: Action, page: usize) -> Reply {
        if let Action::Move(motion) = action {
            let lines = if self.shows_calls {
                self.calls().len()
            } else {
                self.lines().len()
            };
            let last = lines.saturating_sub(1);
            self.row = self.row.saturating_add_signed(motion.rows(page)).min(last);
        } else if action == Action::Help {
            return Reply::Help(Context::Enforcement);
        } else if action == Action::Form(FormKey::Calls) {
            self.shows_calls = !self.shows_calls;
            self.row = 0;
        } else if action == Action::Form(FormKey::Submit)
            && self.is_confirmed()
            && !self.read_only
            && let Ok(operation) = &self.checked
        {
            return Reply::Run(operation.clone());
        }
        Reply::Stay
    }
}
