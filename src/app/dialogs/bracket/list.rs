//! The list of brackets, from which one is restored or dropped.

use super::WantedLists;
use crate::app::action::{Action, Change, FormKey};
use crate::app::dialogs::Reply;
use crate::app::effect::{Query, Ticket};
use crate::app::snapshot_lists::SnapshotLists;
use crate::domain::bracket::{Bracket, BracketName, Nonce, find_all};
use crate::domain::guest::GuestRef;
use crate::domain::inventory::Resources;
use crate::domain::time::Moment;

/// What can be done to a bracket that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BracketVerb {
    /// Its guests go back to it.
    Restore,
    /// Its snapshots are deleted.
    Drop,
}

/// The list of brackets.
#[derive(Debug, Clone, PartialEq)]
pub struct BracketsDialog {
    wanted: WantedLists,
    /// The brackets that are found so far, the newest first.
    pub brackets: Vec<Bracket>,
    /// How many guests are looked at, and of how many.
    pub progress: (usize, usize),
    /// The guests whose snapshots could not be read.
    pub unread: Vec<GuestRef>,
    cursor: Option<(BracketName, Nonce)>,
}

impl BracketsDialog {
    /// Looks for brackets on these guests; others are silent and not asked.
    pub(in crate::app) fn new(guests: Vec<GuestRef>) -> Self {
        Self {
            progress: (0, guests.len()),
            wanted: WantedLists::new(guests),
            brackets: Vec::new(),
            unread: Vec::new(),
            cursor: None,
        }
    }

    /// Returns the row of the cursor.
    pub fn row(&self) -> usize {
        let place = self.cursor.as_ref().and_then(|(name, nonce)| {
            let mut brackets = self.brackets.iter();
            brackets.position(|bracket| bracket.name == *name && bracket.nonce == *nonce)
        });
        place.unwrap_or(0)
    }

    /// Tells whether every guest was looked at.
    pub fn is_complete(&self) -> bool {
        self.progress.0 == self.progress.1
    }

    pub(in crate::app) fn questions(
        &mut self,
        lists: &mut SnapshotLists,
        next: &mut u64,
        now: Moment,
    ) -> Vec<(Ticket, Query)> {
        self.wanted.questions(lists, next, now)
    }

    /// Finds the brackets in what is read by now.
    pub(in crate::app) fn check(&mut self, resources: Option<&Resources>, lists: &SnapshotLists) {
        let guests = resources.map_or(&[][..], |resources| &resources.guests);
        let guests = guests.iter().filter(|seen| !seen.guest.template);
        let pairs: Vec<_> = guests
            .map(|seen| {
                let list = lists.of(seen.guest.vmid).and_then(|list| list.value());
                (seen, list)
            })
            .collect();
        self.brackets = find_all(pairs.iter().map(|(seen, list)| (&seen.guest, *list)));
        let is_unread = |vmid| lists.of(vmid).is_some_and(|list| list.failure().is_some());
        let unread = pairs
            .iter()
            .filter(|(seen, list)| list.is_none() && (!seen.vouched || is_unread(seen.guest.vmid)));
        self.unread = unread.map(|(seen, _)| seen.guest.to_ref()).collect();
        self.progress = self.wanted.progress(lists);
    }

    pub(in crate::app::dialogs) fn act(&mut self, action: Action, page: usize) -> Reply {
        let row = self.row();
        if let Action::Move(motion) = action {
            let last = self.brackets.len().saturating_sub(1);
            let row = row.saturating_add_signed(motion.rows(page)).min(last);
            let chosen = self.brackets.get(row);
            self.cursor = chosen.map(|bracket| (bracket.name.clone(), bracket.nonce.clone()));
            return Reply::Stay;
        }
        let verb = if action == Action::Form(FormKey::Submit) {
            BracketVerb::Restore
        } else if action == Action::Change(Change::DeleteSnapshot) {
            BracketVerb::Drop
        } else {
            return Reply::Stay;
        };
        match self.brackets.get(row) {
            Some(bracket) => Reply::Bracket(Box::new(bracket.clone()), verb),
            None => Reply::Stay,
        }
    }
}
