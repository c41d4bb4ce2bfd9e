//! The retention plan: read, shown, edited, and executed when its count is typed.

use std::time::Duration;

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::effect::{Query, Ticket};
use crate::app::keymap::{Combo, KeyCode};
use crate::app::reading_queue::AT_ONCE;
use crate::app::remote::Remote;
use crate::app::snapshot_lists::SnapshotLists;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::inventory::{Link, Resources};
use crate::domain::operation::Operation;
use crate::domain::request::{Objection, PruneRequest};
use crate::domain::retention::{GuestSnapshots, Policy, RetentionPlan, Row, plan};
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
                .map(|guest| (guest, Reading::Wanted))
                .collect(),
            opened: false,
            policy,
            plan: None,
            row: 0,
            typed: TextField::default(),
            shows_calls: false,
            checked: Err(Vec::new()),
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
