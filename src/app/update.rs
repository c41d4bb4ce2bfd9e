//! How each event changes the state.

use std::time::Duration;

use super::action::Action;
use super::availability::{Availability, availability};
use super::dialogs::{Dialog, Quit, Reply, SnapshotForm};
use super::effect::{Answer, Effect, Query, Ticket};
use super::event::Event;
use super::jobs::JobId;
use super::keymap::Combo;
use super::state::{Pane, State};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{Operation, Outcome, Product, Update};
use crate::domain::time::Now;

/// The cursor rests so long before anything is read for the guest under it.
const REST: Duration = Duration::from_millis(200);
/// A list of snapshots that nothing is known to have changed is read again after so long.
const SNAPSHOTS_LIVE: Duration = Duration::from_secs(60);
/// Privileges are read again after so long (SPEC §5.2).
const PERMISSIONS_LIVE: Duration = Duration::from_secs(600);

impl State {
    /// Takes in an event and returns what is to be done about it.
    pub fn update(&mut self, event: Event, now: Now) -> Vec<Effect> {
        self.now = now;
        self.toasts.age(now.moment);
        let mut effects = Vec::new();
        match event {
            Event::Key(combo) => self.key(combo, &mut effects),
            Event::Paste(text) => {
                if let Some(dialog) = self.dialogs.last_mut() {
                    dialog.paste(&text);
                }
            }
            Event::Resize | Event::Tick => {}
            Event::Drawn(page) => self.page = page,
            Event::Leave => self.leave(&mut effects),
            Event::Inventory(inventory) => {
                self.inventory = inventory;
                self.rows_changed(&mut effects);
            }
            Event::Link(link) => self.link = link,
            Event::Job(id, update) => self.job(id, update, &mut effects),
            Event::Fetched(ticket, result) => self.fetched(ticket, result),
        }
        self.check_dialogs();
        self.ask(&mut effects);
        effects
    }

    fn rows_changed(&mut self, effects: &mut Vec<Effect>) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let before = self.guests.cursor();
        self.guests.rebuild(resources, |_| None);
        self.snapshots
            .retain(|vmid| resources.guest(vmid).is_some());
        if self.guests.cursor() != before {
            self.selection_changed(effects);
        }
    }

    fn selection_changed(&mut self, effects: &mut Vec<Effect>) {
        self.selected_at = self.now.moment;
        self.snapshots.reset();
        effects.push(Effect::Wake(u64::try_from(REST.as_millis()).unwrap_or(200)));
    }

    fn key(&mut self, combo: Combo, effects: &mut Vec<Effect>) {
        if let Some(dialog) = self.dialogs.last_mut()
            && dialog.types(combo)
        {
            return;
        }
        let Some(action) = self.setting.keymap.action(self.context(), combo) else {
            return;
        };
        if let Availability::No(reason) = availability(self, action) {
            let failure = Failure::new(FailureKind::Refused, reason.clone());
            self.toasts.complain(
                format!("{}: {reason}", action.name()),
                failure,
                self.now.moment,
            );
            return;
        }
        if action == Action::Interrupt && self.dialogs.is_empty() {
            return self.quit(effects);
        }
        match self.dialogs.last_mut() {
            Some(dialog) => {
                let reply = dialog.act(action);
                self.reply(reply, effects);
            }
            None => self.act(action, effects),
        }
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let page = isize::try_from(self.page.max(2) - 1).unwrap_or(isize::MAX);
        match action {
            Action::Down => self.move_by(1, effects),
            Action::Up => self.move_by(-1, effects),
            Action::PageDown => self.move_by(page, effects),
            Action::PageUp => self.move_by(-page, effects),
            Action::Top => self.move_by(isize::MIN, effects),
            Action::Bottom => self.move_by(isize::MAX, effects),
            Action::NextPane => self.focus_by(1),
            Action::PreviousPane => self.focus_by(Pane::ORDER.len() - 1),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Back => {
                if self.toasts.dismiss().is_none() {
                    self.zoomed = false;
                }
            }
            Action::Refresh => {
                if let Some(vmid) = self.guests.cursor() {
                    self.snapshots.of_mut(vmid).outdate();
                }
                effects.push(Effect::Refresh);
            }
            Action::Help => self.dialogs.push(Dialog::help(self.focus.context())),
            Action::Quit => self.quit(effects),
            Action::Snapshot => {
                if let Some(seen) = self.selected_guest() {
                    let list = self
                        .snapshots
                        .of(seen.guest.vmid)
                        .and_then(|remote| remote.value());
                    let form = SnapshotForm::new(&seen.guest, list, self.now.wall);
                    self.dialogs.push(Dialog::Snapshot(Box::new(form)));
                }
            }
            // These belong to dialogs and have no key here.
            Action::NextField
            | Action::PreviousField
            | Action::NextChoice
            | Action::PreviousChoice
            | Action::Toggle
            | Action::Submit
            | Action::Cancel
            | Action::Calls
            | Action::Interrupt => {}
        }
    }

    fn move_by(&mut self, rows: isize, effects: &mut Vec<Effect>) {
        match self.focus {
            Pane::Guests => {
                let before = self.guests.cursor();
                self.guests.move_by(rows);
                if self.guests.cursor() != before {
                    self.selection_changed(effects);
                }
            }
            Pane::Snapshots => {
                if let Some(vmid) = self.guests.cursor() {
                    self.snapshots.move_by(vmid, rows);
                }
            }
        }
    }

    fn focus_by(&mut self, steps: usize) {
        let at = Pane::ORDER
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        self.focus = Pane::ORDER[(at + steps) % Pane::ORDER.len()];
    }

    fn reply(&mut self, reply: Reply, effects: &mut Vec<Effect>) {
        match reply {
            Reply::Stay => {}
            Reply::Close => {
                self.dialogs.pop();
            }
            Reply::Run(operation) => {
                self.dialogs.pop();
                self.run(operation, effects);
            }
            Reply::Leave => self.leave(effects),
        }
    }

    fn run(&mut self, operation: Operation, effects: &mut Vec<Effect>) {
        let id = self.jobs.start(&operation, self.now.moment);
        effects.push(Effect::Run(id, operation));
    }

    fn quit(&mut self, effects: &mut Vec<Effect>) {
        let at_work: Vec<String> = self.jobs.running().map(|job| job.title.clone()).collect();
        if at_work.is_empty() {
            self.leave(effects);
        } else {
            self.dialogs.push(Dialog::Quit(Quit::new(at_work)));
        }
    }

    fn leave(&mut self, effects: &mut Vec<Effect>) {
        if !self.leaving {
            self.leaving = true;
            effects.push(Effect::Leave);
        }
    }

    fn job(&mut self, id: JobId, update: Update, effects: &mut Vec<Effect>) {
        let Some(job) = self.jobs.take(id, update, self.now.moment) else {
            return;
        };
        let Some((_, report)) = &job.end else { return };
        let (title, vmid, now) = (job.title.clone(), job.guest.vmid, self.now.moment);
        match &report.outcome {
            Outcome::Done | Outcome::Warnings(_) => {
                let made = match &report.product {
                    Some(Product::Snapshot(facts)) => format!(": {}", facts.name),
                    Some(Product::Guest(guest)) => format!(": {guest}"),
                    Some(Product::Power(facts)) => format!(": {}", facts.status),
                    Some(Product::RolledBack(_)) | None => String::new(),
                };
                let warnings = match report.outcome {
                    Outcome::Warnings(count) => {
                        format!(", with {count} warnings in the task's log")
                    }
                    Outcome::Done | Outcome::Failed(_) | Outcome::Stopped | Outcome::Unknown(_) => {
                        String::new()
                    }
                };
                self.toasts
                    .tell(format!("{title} done{made}{warnings}"), now);
            }
            Outcome::Failed(failure) => {
                self.toasts
                    .complain(format!("{title}: {failure}"), (**failure).clone(), now);
            }
            Outcome::Unknown(failure) => {
                let text = format!("{title}: nobody knows whether it happened: {failure}");
                self.toasts.complain(text, (**failure).clone(), now);
            }
            Outcome::Stopped => {
                let failure = Failure::new(FailureKind::TaskFailed, "stopped");
                self.toasts
                    .complain(format!("{title} was stopped"), failure, now);
            }
        }
        self.snapshots.of_mut(vmid).outdate();
        effects.push(Effect::Refresh);
    }

    fn fetched(&mut self, ticket: Ticket, result: Result<Answer, Failure>) {
        let now = self.now.moment;
        match result {
            Ok(Answer::Permissions(permissions)) => {
                self.permissions.settle(ticket, now, Ok(permissions))
            }
            Ok(Answer::Snapshots(list)) => self.snapshots.settle(ticket, now, Ok(list)),
            // A failure carries no type; the ticket finds what was asked for.
            Err(failure) => {
                self.permissions.settle(ticket, now, Err(failure.clone()));
                self.snapshots.settle(ticket, now, Err(failure));
            }
        }
    }

    /// Checks open forms against what is known now.
    fn check_dialogs(&mut self) {
        let Some(mut dialog) = self.dialogs.pop() else {
            return;
        };
        if let Dialog::Snapshot(form) = &mut dialog {
            let guest = self
                .inventory
                .resources
                .value()
                .and_then(|resources| resources.guest(form.target().vmid));
            let list = self
                .snapshots
                .of(form.target().vmid)
                .and_then(|remote| remote.value());
            form.check(guest.map(|seen| &seen.guest), list);
        }
        self.dialogs.push(dialog);
    }

    /// Asks for what is due.
    fn ask(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.moment;
        if self.inventory.resources.answer.is_none() || self.leaving {
            return;
        }
        if self.permissions.is_due(now, PERMISSIONS_LIVE) {
            let ticket = self.next_ticket();
            self.permissions.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Permissions));
        }
        let Some(seen) = self.selected_guest() else {
            return;
        };
        let guest = seen.guest.to_ref();
        if now.since(self.selected_at) >= REST
            && self
                .snapshots
                .of_mut(guest.vmid)
                .is_due(now, SNAPSHOTS_LIVE)
        {
            let ticket = self.next_ticket();
            self.snapshots.of_mut(guest.vmid).ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Snapshots(guest)));
        }
    }
}
