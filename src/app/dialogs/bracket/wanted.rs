//! The lists of snapshots that a dialog needs beside that of the selected guest.

use std::collections::BTreeSet;
use std::time::Duration;

use super::AT_ONCE;
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::app::snapshots::SnapshotPane;
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Moment;

/// A list read within this time is good enough to look at; before a change it is read again.
const FRESH: Duration = Duration::from_secs(60);

/// The lists that a dialog needs; they are kept where all lists are.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app::dialogs) struct WantedLists {
    guests: Vec<GuestRef>,
    /// The guests whose list was asked for, or was found to be fresh.
    seen: BTreeSet<Vmid>,
}

impl WantedLists {
    /// Wants the lists of these guests, in this order.
    pub(super) fn new(guests: Vec<GuestRef>) -> Self {
        Self {
            guests,
            seen: BTreeSet::new(),
        }
    }

    /// Asks for what is wanted, once, and again only when it is known to have changed.
    pub(in crate::app::dialogs) fn questions(
        &mut self,
        lists: &mut SnapshotPane,
        next: &mut u64,
        now: Moment,
    ) -> Vec<(Ticket, Query)> {
        let pending = |guest: &&GuestRef| lists.of(guest.vmid).is_some_and(Remote::is_pending);
        let mut free = AT_ONCE.saturating_sub(self.guests.iter().filter(pending).count());
        let mut questions = Vec::new();
        for guest in &self.guests {
            if free == 0 {
                break;
            }
            let list = lists.of_mut(guest.vmid);
            let is_new = self.seen.insert(guest.vmid);
            let lifetime = if is_new { FRESH } else { Duration::MAX };
            let has_failed = list.failure().is_some() && !is_new;
            if has_failed || !list.is_due(now, lifetime) {
                continue;
            }
            *next += 1;
            let ticket = Ticket(*next);
            list.ask(ticket);
            questions.push((ticket, Query::Snapshots(guest.clone())));
            free -= 1;
        }
        questions
    }

    /// Returns how many lists are known or known to be unreadable, and of how many.
    pub(super) fn progress(&self, lists: &SnapshotPane) -> (usize, usize) {
        let is_settled =
            |list: &Remote<SnapshotList>| list.value().is_some() || list.failure().is_some();
        let settled = self
            .guests
            .iter()
            .filter(|guest| lists.of(guest.vmid).is_some_and(is_settled));
        (settled.count(), self.guests.len())
    }
}
