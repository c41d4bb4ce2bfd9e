//! The retention plan: read, shown, edited, and executed when its count is typed.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::{Combo, Context, KeyCode};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Link, Resources};
use crate::domain::operation::Operation;
use crate::domain::request::{Objection, PruneRequest};
use crate::domain::retention::{
    GuestSnapshots, PlanDocument, Policy, RetentionPlan, Row, Verdict, plan,
};
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Now;

/// So many lists are read at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// The plan of what retention deletes.
#[derive(Debug, Clone, PartialEq)]
pub struct PruneDialog {
    guests: Vec<(GuestRef, Remote<SnapshotList>)>,
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
                .map(|guest| (guest, Remote::default()))
                .collect(),
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
    pub(in crate::app) fn leave_unread(&mut self, vmid: Vmid, failure: &Failure, now: Now) {
        for (_, list) in self
            .guests
            .iter_mut()
            .filter(|(guest, _)| guest.vmid == vmid)
        {
            list.fail(now.moment, failure.clone());
        }
    }

    /// Returns how many lists are read, and of how many.
    pub fn progress(&self) -> (usize, usize) {
        let read = self
            .guests
            .iter()
            .filter(|(_, list)| is_settled(list))
            .count();
        (read, self.guests.len())
    }

    /// Returns the guests whose snapshots could not be read, and why; they are not in the plan.
    pub fn unread(&self) -> impl Iterator<Item = (&GuestRef, &Failure)> {
        self.guests
            .iter()
            .filter_map(|(guest, list)| Some((guest, list.failure()?)))
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
            .filter(|(_, list)| list.value().is_some());
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

    pub(in crate::app) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let flying = self
            .guests
            .iter()
            .filter(|(_, list)| list.is_pending())
            .count();
        let waiting = self
            .guests
            .iter_mut()
            .filter(|(_, list)| !list.is_pending() && !is_settled(list));
        waiting
            .take(AT_ONCE.saturating_sub(flying))
            .map(|(guest, list)| {
                *next += 1;
                let ticket = Ticket(*next);
                list.ask(ticket);
                (ticket, Query::Snapshots(guest.clone()))
            })
            .collect()
    }

    pub(in crate::app) fn settle(
        &mut self,
        ticket: Ticket,
        now: Now,
        result: &Result<SnapshotList, Failure>,
    ) {
        for (_, list) in &mut self.guests {
            list.settle(ticket, now.moment, result.clone());
        }
    }

    /// Makes the plan when everything is read, and checks it against the world as it is now.
    pub(in crate::app) fn check(&mut self, resources: Option<&Resources>, link: &Link, now: Now) {
        if self.plan.is_none() {
            let (read, all) = self.progress();
            if read < all {
                return;
            }
            let lists: Vec<GuestSnapshots<'_>> = self
                .guests
                .iter()
                .filter_map(|(guest, list)| {
                    Some(GuestSnapshots {
                        guest,
                        list: list.value()?,
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
        let digit = combo
            .typed()
            .is_some_and(|character| character.is_ascii_digit());
        (digit || combo == Combo::plain(KeyCode::Backspace)) && self.typed.types(combo)
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

fn is_settled(list: &Remote<SnapshotList>) -> bool {
    list.answer().is_some() || list.failure().is_some()
}
