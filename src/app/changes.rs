//! What the keys that change something open, and what they refuse beforehand.

use super::action::Change;
use super::dialogs::{Dialog, FormDialog, NetworkDialog, OtherWay, PowerMenu, PruneDialog};
use super::effect::Effect;
use super::state::{Pane, State, View};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::inventory::SeenGuest;
use crate::domain::operation::{HalfMade, Operation, PowerAction, Stamp};
use crate::domain::request::{KeepMarkRequest, Objection, PowerRequest, refuses_power};
use crate::domain::retention::Mark;
use crate::domain::snapshot::Snapshot;

impl State {
    pub(super) fn change(&mut self, change: Change, effects: &mut Vec<Effect>) {
        if change == Change::Prune {
            return self.open_prune();
        }
        if change == Change::Enforce {
            return self.open_enforcement();
        }
        if change == Change::Create {
            return self.open_create();
        }
        if change == Change::Bracket {
            return self.open_brackets();
        }
        // Where the row is meant no mark is.
        if !self.acts_on_row()
            && let Some(marked) = self.marked()
        {
            return self.change_marked(change, marked);
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
                self.open_form(FormDialog::snapshot(&guest, list, self.server_time()));
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
                    self.open_form(FormDialog::roll_back(
                        &guest,
                        snapshot,
                        list,
                        self.server_time(),
                    ));
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
                    .push(Dialog::Power(PowerMenu::new(vec![guest.to_ref()], first)));
            }
            Change::Network => self.open_network(vec![guest.to_ref()]),
            Change::Create | Change::Prune | Change::Bracket | Change::Enforce => {}
            Change::Destroy => {
                let policy = self.setting.rules.retention.clone();
                self.open_form(FormDialog::destroy(&guest, policy, None));
            }
        }
    }

    /// Returns the marked guests as they are now, in the order of their numbers; nothing without marks.
    fn marked(&self) -> Option<Vec<GuestRef>> {
        let marks = self.guests.marks();
        if marks.is_empty() {
            return None;
        }
        let resources = self.inventory.resources.value()?;
        let guests = marks.iter().filter_map(|vmid| resources.guest(*vmid));
        Some(guests.map(|seen| seen.guest.to_ref()).collect())
    }

    /// Opens what is possible for several guests at once; `availability` lets nothing else through.
    fn change_marked(&mut self, change: Change, marked: Vec<GuestRef>) {
        if change == Change::Power {
            let resources = self.inventory.resources.value();
            let possible = |action: &PowerAction| {
                marked.iter().any(|guest| {
                    let seen = resources.and_then(|resources| resources.guest(guest.vmid));
                    seen.is_some_and(|seen| refuses_power(&seen.guest, *action).is_none())
                })
            };
            let first = PowerAction::ALL.iter().position(possible).unwrap_or(0);
            let menu = PowerMenu::new(marked, first);
            return self.dialogs.push(Dialog::Power(menu));
        }
        if change == Change::Network {
            return self.open_network(marked);
        }
        if change == Change::Snapshot
            && let Some(form) = FormDialog::batch_snapshot(marked, self.server_time())
        {
            self.open_form(form);
        }
    }

    /// Opens the network profile of guests, or the end of a trial that runs on the only one.
    fn open_network(&mut self, guests: Vec<GuestRef>) {
        let own_trial = match guests.as_slice() {
            [only] => self.jobs.on(only).filter(|job| job.is_trial),
            _ => None,
        };
        let own_trial = own_trial.map(|job| job.id);
        let profiles = &self.setting.rules.profiles;
        let named = guests.first().and_then(|guest| {
            let reality = self.networks.of(guest.vmid)?;
            let wanted = reality.profile()?;
            profiles.iter().position(|profile| profile.name == wanted)
        });
        let dialog = NetworkDialog::choose(
            guests,
            profiles,
            named.unwrap_or(0),
            own_trial,
            (self.server_time(), self.setting.read_only),
        );
        if let Some(dialog) = dialog {
            self.dialogs.push(Dialog::Network(Box::new(dialog)));
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
            Pane::Guests
            | Pane::Detail
            | Pane::Alerts
            | Pane::Projects
            | Pane::Tasks
            | Pane::Nodes
            | Pane::Storages
            | Pane::Templates
            | Pane::Profiles => None,
        };
        let stamp = Stamp::new(self.server_time(), self.draw());
        let Some(resources) = self.inventory.resources.value().cloned() else {
            return;
        };
        self.open_form(FormDialog::clone_guest(guest, snapshot, &resources, stamp));
    }

    /// Opens the form that destroys a guest that a failed change has left, as long as it is ours.
    pub(super) fn clean_up(&mut self, left: HalfMade) {
        let HalfMade {
            guest: meant,
            stamp,
        } = left;
        let resources = self.inventory.resources.value();
        let seen = resources.and_then(|resources| resources.guest(meant.vmid));
        let Some(seen) = seen else {
            let text = format!("{meant} is not listed by the cluster yet, or gone already");
            return self.toasts.notice(text, self.now.moment);
        };
        // Of a guest made seconds ago the list knows not even the name.
        let guest = Guest {
            name: seen.guest.name.clone().or(meant.name),
            ..seen.guest.clone()
        };
        let policy = self.setting.rules.retention.clone();
        self.open_form(FormDialog::destroy(&guest, policy, Some(stamp)));
    }

    /// Opens the form for the one or the other way to restore a snapshot.
    pub(super) fn restore(&mut self, way: OtherWay) {
        let OtherWay {
            guest: meant,
            snapshot,
            as_new,
        } = way;
        let stamp = Stamp::new(self.server_time(), self.draw());
        let Some(resources) = self.inventory.resources.value().cloned() else {
            return;
        };
        let seen = resources.guest(meant.vmid);
        let Some(guest) = seen.map(|seen| &seen.guest) else {
            let gone = format!("guest {} is gone", meant.vmid);
            return self.toasts.notice(gone, self.now.moment);
        };
        if as_new {
            return self.open_form(FormDialog::branch(guest, snapshot, &resources, stamp));
        }
        let list = self.snapshots.of(meant.vmid);
        if let Some(list) = list.and_then(|remote| remote.value()) {
            let form = FormDialog::roll_back(guest, snapshot, list, self.server_time());
            self.open_form(form);
        }
    }

    fn open_create(&mut self) {
        let stamp = Stamp::new(self.server_time(), self.draw());
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let rules = &self.setting.rules;
        let chosen = self.catalogue.row(&rules.templates);
        let at_projects = self.focus == Pane::Projects;
        let project = self.selected_project().filter(|_| at_projects);
        let project = project.map(|standing| standing.project.as_str());
        if let Some(form) = FormDialog::create_guest(rules, resources, chosen, project, stamp) {
            self.open_form(form);
        }
    }

    fn open_prune(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let rules = &self.setting.rules;
        let managed: Vec<&SeenGuest> = resources
            .guests
            .iter()
            .filter(|seen| rules.selection.manages(&seen.guest) && !seen.guest.template)
            // With marks only they are meant; in the view of all snapshots marks mean nothing.
            .filter(|seen| {
                let marks = self.guests.marks();
                let is_meant = self.focus.view() != View::Guests || marks.is_empty();
                is_meant || marks.contains(&seen.guest.vmid)
            })
            .collect();
        let guests = managed.iter().map(|seen| seen.guest.to_ref()).collect();
        let policy = rules.retention.clone();
        let mut dialog = PruneDialog::new(guests, policy, self.setting.read_only);
        // Each would take a place in the queue for as long as a silent node is waited for.
        for SeenGuest { guest, .. } in managed.into_iter().filter(|seen| !seen.vouched) {
            let failure = Failure::new(FailureKind::NodeUnreachable, guest.node.as_str());
            dialog.leave_unread(guest.vmid, &failure);
        }
        self.dialogs.push(Dialog::Prune(Box::new(dialog)));
    }

    /// Changes the power of the guest for which the menu opened, wherever the cursor is by now.
    ///
    /// It is done at once where nothing is interrupted, else after a question.
    pub(super) fn power(
        &mut self,
        targets: Vec<GuestRef>,
        action: PowerAction,
        effects: &mut Vec<Effect>,
    ) {
        let target = match <[GuestRef; 1]>::try_from(targets) {
            Ok([only]) => only,
            Err(several) => {
                if let Some(form) = FormDialog::batch_power(several, action) {
                    self.open_form(form);
                }
                return;
            }
        };
        let resources = self.inventory.resources.value();
        let guest = resources
            .and_then(|resources| resources.guest(target.vmid))
            .map(|seen| seen.guest.clone());
        let checked = PowerRequest::new(target, action).check(guest.as_ref());
        match (self.permit(checked), guest) {
            (Ok(_), Some(guest)) if action.interrupts() => {
                self.open_form(FormDialog::power(&guest, action));
            }
            (Ok(operation), _) => self.run(operation, effects),
            (Err(objections), _) => self.toasts.notice(
                format!("{action}: {}", in_a_row(&objections)),
                self.now.moment,
            ),
        }
    }

    fn run_checked(
        &mut self,
        checked: Result<Operation, Vec<Objection>>,
        effects: &mut Vec<Effect>,
    ) {
        match self.permit(checked) {
            Ok(operation) => self.run(operation, effects),
            Err(objections) => self.toasts.notice(in_a_row(&objections), self.now.moment),
        }
    }
}

/// Puts all reasons into one line.
fn in_a_row(objections: &[Objection]) -> String {
    let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
    reasons.join("; ")
}
