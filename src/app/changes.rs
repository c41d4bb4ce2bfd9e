//! What the keys that change something open, and what they refuse beforehand.

use super::action::Change;
use super::dialogs::{Dialog, FormDialog, PowerMenu, PruneDialog};
use super::effect::Effect;
use super::state::{Pane, State};
use crate::domain::guest::Guest;
use crate::domain::operation::{Operation, PowerAction, Stamp};
use crate::domain::request::{KeepMarkRequest, Objection, PowerRequest, refuses_power};
use crate::domain::retention::Mark;
use crate::domain::snapshot::Snapshot;

impl State {
    pub(super) fn change(&mut self, change: Change, effects: &mut Vec<Effect>) {
        if change == Change::Prune {
            return self.open_prune();
        }
        let Some(guest) = self.target_guest().map(|seen| seen.guest.clone()) else {
            return;
        };
        match change {
            Change::Snapshot => {
                let list = self
                    .snapshots
                    .of(guest.vmid)
                    .and_then(|remote| remote.value());
                self.open_form(FormDialog::snapshot(&guest, list, self.now.wall));
            }
            Change::RollBack => {
                let Some(snapshot) = self.chosen_snapshot() else {
                    return;
                };
                let list = self
                    .snapshots
                    .of(guest.vmid)
                    .and_then(|remote| remote.value());
                if let Some(list) = list {
                    self.open_form(FormDialog::roll_back(&guest, snapshot, list, self.now.wall));
                }
            }
            Change::DeleteSnapshot => {
                if let Some(snapshot) = self.chosen_snapshot() {
                    self.open_form(FormDialog::delete_snapshot(&guest, snapshot));
                }
            }
            Change::KeepMark => {
                if let Some(snapshot) = self.chosen_snapshot() {
                    self.toggle_keep(&guest, snapshot, effects);
                }
            }
            Change::Clone => self.open_clone(&guest),
            Change::Power => {
                let possible = |action: &PowerAction| refuses_power(&guest, *action).is_none();
                let first = PowerAction::ALL.iter().position(possible).unwrap_or(0);
                self.dialogs
                    .push(Dialog::Power(PowerMenu::new(guest.to_ref(), first)));
            }
            Change::Prune => {}
        }
    }

    fn open_form(&mut self, form: FormDialog) {
        self.dialogs.push(Dialog::Form(Box::new(form)));
    }

    /// Returns the snapshot under the cursor; without one, leads the eyes to where it is chosen.
    fn chosen_snapshot(&mut self) -> Option<Snapshot> {
        if self.focus == Pane::AllSnapshots {
            return self.target_snapshot().cloned();
        }
        let vmid = self.guests.cursor()?;
        let list = self.snapshots.of(vmid).and_then(|remote| remote.value());
        let Some(list) = list else {
            self.toasts
                .notice("the guest's snapshots are not read yet", self.now.moment);
            return None;
        };
        if list.snapshots.is_empty() {
            self.toasts
                .notice("this guest has no snapshot", self.now.moment);
            return None;
        }
        let chosen = self
            .snapshots
            .cursor()
            .and_then(|name| list.find(name.raw()))
            .cloned();
        if chosen.is_none() || self.focus != Pane::Snapshots {
            self.focus = Pane::Snapshots;
            self.toasts.notice(
                "choose the snapshot with j and k, then press the key again",
                self.now.moment,
            );
            if chosen.is_none() {
                // From the present the parent is one row up.
                self.snapshots.move_by(vmid, -1);
            }
            return None;
        }
        chosen
    }

    /// Marks a snapshot as to be kept, or takes the mark off; nothing is lost either way.
    fn toggle_keep(&mut self, guest: &Guest, snapshot: Snapshot, effects: &mut Vec<Effect>) {
        let policy = &self.setting.rules.retention;
        let keep = match policy.mark_of(&snapshot) {
            None => true,
            // A mark in the name cannot be taken off; the request says so.
            Some(Mark::Description(_) | Mark::Name(_)) => false,
        };
        let list = self
            .snapshots
            .of(guest.vmid)
            .and_then(|remote| remote.value());
        let request = KeepMarkRequest {
            guest: guest.to_ref(),
            snapshot,
            keep,
        };
        let checked = request.check(Some(guest), list, policy);
        self.run_checked(checked, effects);
    }

    fn open_clone(&mut self, guest: &Guest) {
        let snapshot = match self.focus {
            Pane::AllSnapshots => self.target_snapshot().cloned(),
            Pane::Snapshots => {
                let list = self.snapshots.lists.list(guest.vmid);
                let cursor = self.snapshots.cursor();
                cursor.and_then(|name| list?.find(name.raw())).cloned()
            }
            Pane::Guests | Pane::Detail | Pane::Tasks | Pane::Nodes | Pane::Storages => None,
        };
        let stamp = Stamp::new(self.now.wall, self.draw());
        let Some(resources) = self.inventory.resources.value().cloned() else {
            return;
        };
        self.open_form(FormDialog::clone_guest(guest, snapshot, &resources, stamp));
    }

    fn open_prune(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let rules = &self.setting.rules;
        let managed = resources
            .guests
            .iter()
            .map(|seen| &seen.guest)
            .filter(|guest| rules.selection.manages(guest) && !guest.template)
            .map(Guest::to_ref)
            .collect();
        let dialog = PruneDialog::new(managed, rules.retention.clone());
        self.dialogs.push(Dialog::Prune(Box::new(dialog)));
    }

    /// Changes a guest's power: at once where nothing is interrupted, else after a question.
    pub(super) fn power(&mut self, action: PowerAction, effects: &mut Vec<Effect>) {
        let Some(guest) = self.target_guest().map(|seen| seen.guest.clone()) else {
            return;
        };
        if let Some(reason) = refuses_power(&guest, action) {
            return self
                .toasts
                .notice(format!("{action}: {reason}"), self.now.moment);
        }
        if action.interrupts() {
            return self.open_form(FormDialog::power(&guest, action));
        }
        let checked = PowerRequest::new(guest.to_ref(), action).check(Some(&guest));
        self.run_checked(checked, effects);
    }

    fn run_checked(
        &mut self,
        checked: Result<Operation, Vec<Objection>>,
        effects: &mut Vec<Effect>,
    ) {
        match checked {
            Ok(operation) => self.run(operation, effects),
            Err(objections) => {
                let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
                self.toasts.notice(reasons.join("; "), self.now.moment);
            }
        }
    }
}
