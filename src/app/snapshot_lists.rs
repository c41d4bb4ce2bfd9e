//! The lists of snapshots of all guests: the one place that holds them.
//!
//! Whoever needs a list takes it from here: the tree of the selected guest, the view of all
//! snapshots, forms, and the retention plan. A list that is asked for is not asked for again by
//! another, and the background fills in what nobody asked for (see
//! [`ReadingQueue`]).

use std::collections::HashMap;
use std::time::Duration;

use super::detail;
use super::effect::Ticket;
use super::reading_queue::{ReadingQueue, Standing};
use super::remote::Remote;
use super::resting::RestingNodes;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::Vmid;
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::snapshot::SnapshotList;
use crate::domain::task::Upid;
use crate::domain::time::Moment;

/// The list of the guest under the cursor is read again after so long.
const SELECTED_LIVES: Duration = Duration::from_secs(60);

/// What is known of one guest's list.
#[derive(Debug, Clone, PartialEq, Default)]
struct Known {
    list: Remote<SnapshotList>,
    /// How many readings in a row failed.
    failures: u32,
}

impl Known {
    fn standing(&self) -> Standing {
        if self.list.is_pending() {
            return Standing::Asked;
        }
        if self.list.is_outdated() {
            return Standing::Changed;
        }
        if let Some(failure) = self.list.dated_failure() {
            return Standing::Failed {
                at: failure.read,
                times: self.failures,
                refused: is_refusal(&failure.value),
            };
        }
        match self.list.answer() {
            Some(answer) => Standing::Read(answer.read),
            None => Standing::Unread,
        }
    }
}

/// Tells whether the server will say the same until somebody changes something there.
fn is_refusal(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Forbidden | FailureKind::NotImplemented
    )
}

/// The lists of all guests, and what is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotLists {
    known: HashMap<Vmid, Known>,
    /// Whose list each unanswered question is about; those of guests gone meanwhile included,
    /// because the server works on them all the same.
    asked: HashMap<Ticket, Vmid>,
    /// The last task known to have changed a guest's snapshots.
    changes: HashMap<Vmid, Upid>,
    queue: ReadingQueue,
    /// How many requests were noted for each unanswered question, and when.
    noted: HashMap<Ticket, (Moment, usize)>,
}

impl SnapshotLists {
    /// Returns what is known of a guest's list; absent before it was first asked for.
    pub fn of(&self, vmid: Vmid) -> Option<&Remote<SnapshotList>> {
        self.known.get(&vmid).map(|known| &known.list)
    }

    /// Returns a guest's list as last read.
    pub fn list(&self, vmid: Vmid) -> Option<&SnapshotList> {
        self.of(vmid)?.value()
    }

    /// Returns how many answers are awaited.
    pub fn flying(&self) -> usize {
        self.asked.len()
    }

    /// Returns how many lists were asked for in the last minute, at most 60.
    pub fn asked_in_last_minute(&self, now: Moment) -> usize {
        self.queue.in_last_minute(now)
    }

    /// Tells whether the list of the guest under the cursor is to be asked for.
    pub(super) fn is_due(&self, vmid: Vmid, now: Moment) -> bool {
        self.of(vmid)
            .is_none_or(|list| detail::is_due(list, now, SELECTED_LIVES))
    }

    /// Tells whether a list was read within a time, and has not changed since.
    pub(super) fn is_fresh(&self, vmid: Vmid, now: Moment, lifetime: Duration) -> bool {
        self.of(vmid).is_some_and(|list| {
            let answer = list.answer();
            !list.is_outdated()
                && list.failure().is_none()
                && answer.is_some_and(|answer| now.since(answer.read) < lifetime)
        })
    }

    /// Notes that a list is asked for.
    pub(super) fn ask(&mut self, vmid: Vmid, ticket: Ticket, now: Moment) {
        self.known.entry(vmid).or_default().list.ask(ticket);
        self.asked.insert(ticket, vmid);
        self.note(ticket, 1, now);
    }

    /// Names the guest whose list is to be read in the background now, if any.
    pub(super) fn next(
        &mut self,
        now: Moment,
        resources: &Resources,
        resting: &RestingNodes,
    ) -> Option<Vmid> {
        let lists = resources
            .guests
            .iter()
            .filter(|seen| is_readable(seen))
            .map(|seen| {
                let vmid = seen.guest.vmid;
                let known = self.known.get(&vmid);
                let standing = match resting.until(&seen.guest.node, now) {
                    Some(until) => Standing::Resting(until),
                    None => known.map_or(Standing::Unread, Known::standing),
                };
                (vmid, standing)
            });
        self.queue.next(now, self.asked.len(), lists)
    }

    /// Tells whether something else may be read in the background now.
    pub(super) fn has_room(&mut self, now: Moment, flying: usize) -> bool {
        self.queue.has_room(now, self.asked.len() + flying)
    }

    /// Notes that something is read within the budget, by so many requests as far as is known.
    pub(super) fn note(&mut self, ticket: Ticket, requests: usize, now: Moment) {
        for _ in 0..requests {
            self.queue.note(now);
        }
        self.noted.insert(ticket, (now, requests));
    }

    /// Counts how many requests a question really was.
    pub(super) fn spent(&mut self, ticket: Ticket, requests: usize, now: Moment) {
        let Some((then, noted)) = self.noted.remove(&ticket) else {
            return;
        };
        self.queue.take_back(then, noted.saturating_sub(requests));
        for _ in noted..requests {
            self.queue.note(now);
        }
    }

    /// Forgets how much a question was taken for, which is answered now.
    pub(super) fn forget_cost(&mut self, ticket: Ticket) {
        self.noted.remove(&ticket);
    }

    /// Notes that something happened that may make a list due.
    pub(super) fn look_again(&mut self) {
        self.queue.look_again();
    }

    /// Notes that a list is known to be wrong.
    pub(super) fn outdate(&mut self, vmid: Vmid) {
        // A list that was never read needs no second reading.
        if let Some(known) = self.known.get_mut(&vmid) {
            known.list.outdate();
            self.queue.look_again();
        }
    }

    /// Lets lists whose reading failed be read again without waiting.
    pub(super) fn retry_failed(&mut self) {
        let failed = self
            .known
            .values_mut()
            .filter(|known| known.list.failure().is_some());
        for known in failed {
            known.list.outdate();
        }
        self.queue.look_again();
    }

    /// Notes that a task has changed a guest's snapshots.
    pub(super) fn changed_by(&mut self, vmid: Vmid, upid: &Upid) {
        let known = self.changes.get(&vmid);
        if known.is_some_and(|known| known.started() >= upid.started()) {
            return;
        }
        self.changes.insert(vmid, upid.clone());
        self.outdate(vmid);
    }

    /// Takes in the result of a question, and tells what it has changed.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<SnapshotList, Failure>,
    ) -> Settled {
        let Some(vmid) = self.asked.remove(&ticket) else {
            return Settled::NotOurs;
        };
        self.queue.look_again();
        let Some(known) = self.known.get_mut(&vmid) else {
            return Settled::Same;
        };
        if !known.list.awaits(ticket) {
            return Settled::Same;
        }
        let same = match &result {
            Ok(list) => known.list.value() == Some(list),
            Err(_) => true,
        };
        known.failures = match &result {
            Ok(_) => 0,
            Err(_) => known.failures.saturating_add(1),
        };
        known.list.settle(ticket, now, result);
        if same {
            Settled::Same
        } else {
            Settled::Changed(vmid)
        }
    }

    /// Forgets the lists of guests that are gone, and of those whose number another guest has now.
    pub(super) fn follow(&mut self, before: Option<&Resources>, now: &Resources) {
        let stays = |vmid: Vmid| {
            let Some(guest) = now.guest(vmid) else {
                return false;
            };
            let earlier = before.and_then(|before| before.guest(vmid));
            earlier.is_none_or(|earlier| !is_stranger(earlier, guest))
        };
        self.known.retain(|vmid, _| stays(*vmid));
        self.changes.retain(|vmid, _| stays(*vmid));
        self.queue.look_again();
    }
}

/// Tells whether a number names another guest than before; an unknown name accuses nobody.
fn is_stranger(before: &SeenGuest, now: &SeenGuest) -> bool {
    let (before, now) = (&before.guest, &now.guest);
    let renamed = match (&before.name, &now.name) {
        (Some(before), Some(now)) => before != now,
        _ => false,
    };
    before.kind != now.kind || renamed
}

/// Tells whether a guest's list can be read: templates have none, and a silent node says nothing.
pub fn is_readable(seen: &SeenGuest) -> bool {
    !seen.guest.template && seen.vouched
}

/// What an answer has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// It answers no question about a list.
    NotOurs,
    /// The list is as it was, or could not be read; only its date is another.
    Same,
    /// The guest's list is another.
    Changed(Vmid),
}
