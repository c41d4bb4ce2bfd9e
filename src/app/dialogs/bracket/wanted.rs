//! The lists of snapshots that a dialog needs beside that of the selected guest.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::dialogs::several::AT_ONCE;
use crate::app::effect::{Query, Ticket};
use crate::app::remote::Remote;
use crate::app::snapshot_lists::SnapshotLists;
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
        lists: &mut SnapshotLists,
        next: &mut u64,
        now: Moment,
    ) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        for guest in &self.guests {
            if lists.flying() >= AT_ONCE {
                break;
            }
            let is_new = self.seen.insert(guest.vmid);
            let list = lists.of(guest.vmid);
            let has_failed = list.is_some_and(|list| list.failure().is_some()) && !is_new;
            let is_pending = list.is_some_and(Remote::is_pending);
            let lifetime = if is_new { FRESH } else { Duration::MAX };
            if has_failed || is_pending || lists.is_fresh(guest.vmid, now, lifetime) {
                continue;
            }
            *next += 1;
            let ticket = Ticket(*next);
            lists.ask(guest.vmid, ticket, now);
            questions.push((ticket, Query::Snapshots(guest.clone())));
        }
        questions
    }

    /// Returns how many lists are known or known to be unreadable, and of how many.
    pub(super) fn progress(&self, lists: &SnapshotLists) -> (usize, usize) {
        let is_settled =
            |list: &Remote<SnapshotList>| list.value().is_some() || list.failure().is_some();
        let settled = self
            .guests
            .iter()
            .filter(|guest| lists.of(guest.vmid).is_some_and(is_settled));
        (settled.count(), self.guests.len())
    }
}
