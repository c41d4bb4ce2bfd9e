//! What the key for brackets opens: the form for the marked guests, or the list of what is there.

use super::availability::Availability;
use super::dialogs::{BracketVerb, BracketsDialog, Dialog, FormDialog};
use super::state::State;
use crate::domain::bracket::{Bracket, Nonce};
use crate::domain::guest::GuestRef;
use crate::domain::inventory::SeenGuest;

impl State {
    pub(super) fn open_brackets(&mut self) {
        let nonce = Nonce::new(self.draw());
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let marks = self.guests.marks();
        if marks.is_empty() {
            return self.list_brackets();
        }
        let is_marked = |seen: &&SeenGuest| marks.contains(&seen.guest.vmid);
        // Each silent one would take a place in the queue for as long as its node is waited for.
        let asked = resources
            .guests
            .iter()
            .filter(|seen| !seen.guest.template && seen.vouched);
        let to_ref = |seen: &SeenGuest| seen.guest.to_ref();
        let marked = resources.guests.iter().filter(is_marked).map(to_ref);
        let others = asked.filter(|seen| !is_marked(seen)).map(to_ref);
        let others: Vec<GuestRef> = others.collect();
        let form = FormDialog::create_bracket(
            marked.collect(),
            &others,
            &self.snapshots.lists,
            nonce,
            self.server_time(),
        );
        self.dialogs
            .extend(form.map(|form| Dialog::Form(Box::new(form))));
    }

    /// Opens the list of all brackets.
    pub(super) fn list_brackets(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let guests = resources
            .guests
            .iter()
            .filter(|seen| !seen.guest.template && seen.vouched);
        let dialog = BracketsDialog::new(guests.map(|seen| seen.guest.to_ref()).collect());
        self.dialogs.push(Dialog::Brackets(Box::new(dialog)));
    }

    /// Opens the form for what is to be done to a bracket, on top of the list.
    pub(super) fn open_bracket(&mut self, bracket: Bracket, verb: BracketVerb) {
        if let Availability::No(reason) = self.may_change(&bracket) {
            return self.toasts.notice(reason, self.now.moment);
        }
        let form = match verb {
            BracketVerb::Restore => FormDialog::restore_bracket(bracket),
            BracketVerb::Drop => FormDialog::drop_bracket(bracket),
        };
        self.dialogs
            .extend(form.map(|form| Dialog::Form(Box::new(form))));
    }

    fn may_change(&self, bracket: &Bracket) -> Availability {
        if self.setting.read_only {
            return Availability::No("bracket: read-only".to_owned());
        }
        let mut members = bracket.members.iter();
        match members.find_map(|member| self.jobs.on(&member.guest)) {
            Some(job) => Availability::No(format!("bracket: busy: {}", job.title)),
            None => Availability::Yes,
        }
    }
}
