//! The retention plan: read, shown, edited, and executed when its count is typed.

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::{Combo, KeyCode};
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Link, Resources};
use crate::domain::operation::Operation;
use crate::domain::request::{Objection, PruneRequest};
use crate::domain::retention::{GuestSnapshots, Policy, RetentionPlan, Row, plan};
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Now;

/// So many lists are read at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// The plan of what retention deletes.
#[derive(Debug, Clone, PartialEq)]
pub struct PruneDialog {
    guests: Vec<(GuestRef, Remote<SnapshotList>)>,
    policy: Policy,
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
    pub(in crate::app) fn new(guests: Vec<GuestRef>, policy: Policy) -> Self {
        Self {
            guests: guests
                .into_iter()
                .map(|guest| (guest, Remote::default()))
                .collect(),
            policy,
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
            self.plan = Some(plan(&lists, &self.policy, server));
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
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        match key {
            FormKey::Toggle => return self.toggle(),
            FormKey::Calls => self.shows_calls = !self.shows_calls,
            FormKey::Submit => {
                if self.is_confirmed()
                    && let Ok(operation) = &self.checked
                {
                    return Reply::Run(operation.clone());
                }
            }
            FormKey::NextField
            | FormKey::PreviousField
            | FormKey::NextChoice
            | FormKey::PreviousChoice => {}
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
