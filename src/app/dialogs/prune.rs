//! The retention plan: read, shown, edited, and executed when its count is typed.

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::{Combo, Context};
use crate::app::reading_queue::AT_ONCE;
use crate::app::remote::Remote;
use crate::app::snapshot_lists::SnapshotLists;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Link, Resources};
use crate::domain::operation::Operation;
use crate::domain::request::{Objection, PruneRequest};
use crate::domain::retention::{
    GuestSnapshots, PlanDocument, Policy, RetentionPlan, Row, Verdict, plan,
};
use crate::domain::time::{Moment, Now};

/// A list read within this time is good enough to plan with; before a deletion it is read again.
const FRESH: Duration = Duration::from_secs(300);

/// How far the reading of a guest's list is, from where the plan stands.
#[derive(Debug, Clone, PartialEq)]
enum Reading {
    /// Its list is to be asked for.
    Wanted,
    /// Its list is asked for, by the plan or by somebody else.
    Asked,
    /// Its list is there.
    Read,
    /// Its list could not be read.
    Failed(Failure),
}

impl Reading {
    /// Takes what is read or asked for already instead of asking for it.
    fn begin(&mut self, lists: &SnapshotLists, guest: &GuestRef, now: Moment) {
        if *self != Self::Wanted {
            return;
        }
        if lists.of(guest.vmid).is_some_and(Remote::is_pending) {
            *self = Self::Asked;
        } else if lists.is_fresh(guest.vmid, now, FRESH) {
            *self = Self::Read;
        }
    }

    /// Follows a question, whoever asked it.
    fn follow(&mut self, lists: &SnapshotLists, guest: &GuestRef) {
        if *self != Self::Asked {
            return;
        }
        *self = match lists.of(guest.vmid) {
            Some(list) if list.is_pending() => Self::Asked,
            Some(list) => match list.failure() {
                Some(failure) => Self::Failed(failure.clone()),
                None => Self::Read,
            },
            None => Self::Failed(Failure::new(FailureKind::NoSuchGuest, "")),
        };
    }
}

/// The plan of what retention deletes.
#[derive(Debug, Clone, PartialEq)]
pub struct PruneDialog {
    guests: Vec<(GuestRef, Reading)>,
    /// Whether it was seen what is read already.
    opened: bool,
    policy: Policy,
    /// Whether the plan may only be looked at.
    pub read_only: bool,
    /// The plan, once every list is read.
    pub plan: Option<RetentionPlan>,
    /// The index of the plan's row under the cursor.
    pub row: usize,
    /// The count as typed.
    pub typed: TextField,
    /// Whether the API calls are shown.
    pub shows_calls: bool,
    /// What the plan describes, or why it cannot be done.
    pub checked: Result<Operation, Vec<Objection>>,
}

impl PruneDialog {
    pub(in crate::app) fn new(guests: Vec<GuestRef>, policy: Policy, read_only: bool) -> Self {
        Self {
            guests: guests
                .into_iter()
                .map(|guest| (guest, Reading::Wanted))
                .collect(),
            opened: false,
            policy,
            read_only,
            plan: None,
            row: 0,
            typed: TextField::default(),
            shows_calls: false,
            checked: Err(Vec::new()),
        }
    }

    /// Leaves a guest unread for a reason: it is not asked, and not in the plan.
    pub(in crate::app) fn leave_unread(&mut self, vmid: Vmid, failure: &Failure) {
        let mut guests = self.guests.iter_mut();
        if let Some((_, reading)) = guests.find(|(guest, _)| guest.vmid == vmid) {
            *reading = Reading::Failed(failure.clone());
        }
    }

    /// Returns how many lists are read, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        let read = self
            .guests
            .iter()
            .filter(|(_, reading)| matches!(reading, Reading::Read | Reading::Failed(_)))
            .count();
        (read, self.guests.len())
    }

    /// Returns the guests whose snapshots could not be read, and why; they are not in the plan.
    pub fn unread(&self) -> impl Iterator<Item = (&GuestRef, &Failure)> {
        self.guests
            .iter()
            .filter_map(|(guest, reading)| match reading {
                Reading::Failed(failure) => Some((guest, failure)),
                Reading::Wanted | Reading::Asked | Reading::Read => None,
            })
    }

    /// Returns the rows of the plan.
    pub fn rows(&self) -> &[Row] {
        self.plan.as_ref().map_or(&[], RetentionPlan::rows)
    }

    /// Returns the rows of the guest under the cursor, as a range of all rows.
    pub fn guest_rows(&self) -> Range<usize> {
        self.rows_around(self.row)
    }

    fn rows_around(&self, index: usize) -> Range<usize> {
        let rows = self.rows();
        let Some(vmid) = rows.get(index).map(|row| row.guest().vmid) else {
            return 0..0;
        };
        let is_other = |row: &Row| row.guest().vmid != vmid;
        let (before, after) = rows.split_at(index);
        let first = before.iter().rposition(is_other).map_or(0, |at| at + 1);
        let end = after.iter().position(is_other);
        first..end.map_or(rows.len(), |end| index + end)
    }

    /// Describes the plan, as it is edited, for others to read.
    pub fn document(&self, cluster: &str, time: DateTime<Utc>) -> Option<PlanDocument> {
        let read = self
            .guests
            .iter()
            .filter(|(_, reading)| *reading == Reading::Read);
        let (plan, guests) = (self.plan.as_ref()?, read.count());
        Some(PlanDocument::new(
            cluster,
            time,
            plan,
            guests,
            self.unread(),
        ))
    }

    /// Returns the first row of the next guest; of the last one its own.
    fn next_guest(&self) -> usize {
        let here = self.guest_rows();
        if here.end < self.rows().len() {
            here.end
        } else {
            here.start
        }
    }

    /// Returns the first row of the guest; where the cursor is there, that of the one before.
    fn previous_guest(&self) -> usize {
        let here = self.guest_rows().start;
        if self.row > here || here == 0 {
            return here;
        }
        self.rows_around(here - 1).start
    }

    /// Returns how many snapshots the plan deletes.
    pub fn count(&self) -> usize {
        self.plan.as_ref().map_or(0, |plan| plan.summary().delete)
    }

    /// Tells whether the count is typed.
    pub fn is_confirmed(&self) -> bool {
        self.count() > 0 && self.typed.value() == self.count().to_string()
    }

    /// Asks for the lists that are wanted and not asked for already, as many as may be at once.
    pub(in crate::app) fn questions(
        &mut self,
        lists: &mut SnapshotLists,
        next: &mut u64,
        now: Moment,
    ) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        for (guest, reading) in &mut self.guests {
            if lists.flying() >= AT_ONCE {
                break;
            }
            reading.begin(lists, guest, now);
            if *reading == Reading::Wanted {
                *reading = Reading::Asked;
                *next += 1;
                let ticket = Ticket(*next);
                lists.ask(guest.vmid, ticket, now);
                questions.push((ticket, Query::Snapshots(guest.clone())));
            }
        }
        questions
    }

    /// Makes the plan when everything is read, and checks it against the world as it is now.
    pub(in crate::app) fn check(
        &mut self,
        lists: &SnapshotLists,
        resources: Option<&Resources>,
        link: &Link,
        now: Now,
    ) {
        if self.plan.is_none() {
            let opening = !self.opened;
            self.opened = true;
            for (guest, reading) in &mut self.guests {
                if opening {
                    reading.begin(lists, guest, now.moment);
                }
                reading.follow(lists, guest);
            }
            let (read, all) = self.progress();
            if read < all {
                return;
            }
            let lists: Vec<GuestSnapshots<'_>> = self
                .guests
                .iter()
                .filter(|(_, reading)| *reading == Reading::Read)
                .filter_map(|(guest, _)| {
                    Some(GuestSnapshots {
                        guest,
                        list: lists.list(guest.vmid)?,
                    })
                })
                .collect();
            // Ages are those of the server's clock.
            let server = now.wall + link.clock_skew.unwrap_or_default();
            let plan = plan(&lists, &self.policy, server);
            // The eye is led to what would go.
            let deletes = |row: &Row| row.verdict() == Verdict::Delete;
            self.row = plan.rows().iter().position(deletes).unwrap_or(0);
            self.plan = Some(plan);
        }
        if let Some(plan) = &self.plan {
            self.checked = PruneRequest { plan: plan.clone() }.check(resources, link.clock_skew);
        }
    }

    /// Takes digits and their correction; every other key has its meaning from the table.
    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.typed.types_digit(combo)
    }

    pub(super) fn act(&mut self, action: Action, page: usize) -> Reply {
        if let Action::Move(motion) = action {
            let last = self.rows().len().saturating_sub(1);
            self.row = self.row.saturating_add_signed(motion.rows(page)).min(last);
            return Reply::Stay;
        }
        if action == Action::Help {
            return Reply::Help(Context::Plan);
        }
        if action == Action::Export {
            return match self.plan {
                Some(_) => Reply::Export,
                None => Reply::Notice("the plan is not made yet".to_owned()),
            };
        }
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        match key {
            FormKey::Toggle => return self.toggle(),
            FormKey::Calls => self.shows_calls = !self.shows_calls,
            FormKey::Submit => {
                if self.is_confirmed()
                    && !self.read_only
                    && let Ok(operation) = &self.checked
                {
                    return Reply::Run(operation.clone());
                }
            }
            FormKey::NextField => self.row = self.next_guest(),
            FormKey::PreviousField => self.row = self.previous_guest(),
            FormKey::NextChoice | FormKey::PreviousChoice => {}
        }
        Reply::Stay
    }

    fn toggle(&mut self) -> Reply {
        let Some(plan) = &mut self.plan else {
            return Reply::Stay;
        };
        let Some(row) = plan.rows().get(self.row) else {
            return Reply::Stay;
        };
        let (vmid, name) = (row.guest().vmid, row.name().clone());
        // The count that was typed was about another plan.
        self.typed = TextField::default();
        match plan.toggle(vmid, &name) {
            Ok(_) => Reply::Stay,
            Err(reason) => Reply::Notice(reason.to_string()),
        }
    }
}
