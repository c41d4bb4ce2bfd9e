//! How each event changes the state.

use std::time::Duration;

use super::dialogs::Dialog;
use super::effect::{Answer, Effect, Query, Ticket};
use super::event::Event;
use super::jobs::JobId;
use super::state::State;
use super::verdicts::Verdicts;
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
                self.follow_filter(&mut effects);
            }
            Event::Resize | Event::Tick => {}
            Event::Drawn(page) => self.page = page,
            Event::Suspend => effects.push(Effect::Suspend),
            Event::Leave => self.leave(&mut effects),
            Event::Inventory(inventory) => {
                self.inventory = inventory;
                self.outdate_snapshots();
                self.judge();
                self.rows_changed(&mut effects);
                self.measure_listed();
            }
            Event::Link(link) => self.link = link,
            Event::Job(id, update) => self.job(id, update, &mut effects),
            Event::Fetched(ticket, result) => self.fetched(ticket, result),
        }
        self.check_dialogs();
        self.ask(&mut effects);
        effects
    }

    /// Judges the inventory by the rules.
    fn judge(&mut self) {
        if let Some(resources) = self.inventory.resources.value() {
            self.verdicts = Verdicts::of(resources, &self.setting.rules, self.now.moment);
        }
    }

    /// Makes the rows of the guest table anew.
    pub(super) fn rows_changed(&mut self, effects: &mut Vec<Effect>) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let before = self.guests.cursor();
        let projects = &self.setting.rules.projects;
        self.guests.rebuild(resources, |guest| {
            projects
                .assign(guest)
                .project
                .map(super::super::domain::project::Project::name)
        });
        self.snapshots
            .retain(|vmid| resources.guest(vmid).is_some());
        self.detail.retain(|vmid| resources.guest(vmid).is_some());
        if self.guests.cursor() != before {
            self.selection_changed(effects);
        }
    }

    pub(super) fn selection_changed(&mut self, effects: &mut Vec<Effect>) {
        self.selected_at = self.now.moment;
        self.snapshots.reset();
        effects.push(Effect::Wake(u64::try_from(REST.as_millis()).unwrap_or(200)));
    }

    /// Notes lists of snapshots that a task has changed since they were read.
    fn outdate_snapshots(&mut self) {
        let Some(tasks) = self.inventory.tasks.value() else {
            return;
        };
        for task in tasks.iter().filter(|task| task.ended.is_some()) {
            let changes = matches!(
                task.upid.kind(),
                "qmsnapshot"
                    | "qmdelsnapshot"
                    | "qmrollback"
                    | "vzsnapshot"
                    | "vzdelsnapshot"
                    | "vzrollback"
            );
            if let Some(vmid) = task.upid.vmid().filter(|_| changes) {
                self.snapshots.changed_by(vmid, &task.upid);
            }
        }
    }

    pub(super) fn run(&mut self, operation: Operation, effects: &mut Vec<Effect>) {
        let id = self.jobs.start(&operation, self.now.moment);
        effects.push(Effect::Run(id, operation));
    }

    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
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
        let made = match &report.product {
            Some(Product::Snapshot(facts)) => format!(": {}", facts.name),
            Some(Product::Guest(guest)) => format!(": {guest}"),
            Some(Product::Power(facts)) => format!(": {}", facts.status),
            Some(Product::RolledBack(_)) | None => String::new(),
        };
        match &report.outcome {
            Outcome::Done => self.toasts.tell(format!("{title} done{made}"), now),
            Outcome::Warnings(count) => {
                let warnings = if *count == 1 {
                    "1 warning".to_owned()
                } else {
                    format!("{count} warnings")
                };
                self.toasts.tell(
                    format!("{title} done{made}, with {warnings} in the task's log"),
                    now,
                );
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
        self.detail.outdate(vmid);
        effects.push(Effect::Refresh);
    }

    fn fetched(&mut self, ticket: Ticket, result: Result<Answer, Failure>) {
        let now = self.now.moment;
        match result {
            Ok(Answer::Permissions(permissions)) => {
                self.permissions.settle(ticket, now, Ok(permissions));
            }
            Ok(Answer::Snapshots(list)) => self.snapshots.settle(ticket, now, Ok(list)),
            Ok(Answer::Status(status)) => self.settle_status(ticket, Ok(*status)),
            Ok(Answer::History(series)) => self.settle_history(ticket, Ok(series)),
            Ok(Answer::TaskLog(state, lines)) => self.settle_log(ticket, &Ok((state, lines))),
            // A failure carries no type; the ticket finds what was asked for.
            Err(failure) => {
                self.permissions.settle(ticket, now, Err(failure.clone()));
                self.snapshots.settle(ticket, now, Err(failure.clone()));
                self.settle_status(ticket, Err(failure.clone()));
                self.settle_history(ticket, Err(failure.clone()));
                self.settle_log(ticket, &Err(failure));
            }
        }
    }

    fn settle_log(&mut self, ticket: Ticket, result: &super::dialogs::LogPart) {
        for dialog in &mut self.dialogs {
            if let Dialog::Log(log) = dialog {
                log.settle(ticket, result.clone());
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
        if self.inventory.resources.answer.is_none() || self.leaving {
            return;
        }
        let now = self.now.moment;
        if self.permissions.is_due(now, PERMISSIONS_LIVE) {
            let ticket = self.next_ticket();
            self.permissions.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Permissions));
        }
        self.ask_for_log(effects);
        let Some(seen) = self.selected_guest() else {
            return;
        };
        let guest = seen.guest.to_ref();
        if now.since(self.selected_at) < REST {
            return;
        }
        self.ask_for_detail(effects);
        if self
            .snapshots
            .of_mut(guest.vmid)
            .is_due(now, SNAPSHOTS_LIVE)
        {
            let ticket = self.next_ticket();
            self.snapshots.of_mut(guest.vmid).ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Snapshots(guest)));
        }
    }

    fn ask_for_log(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.moment;
        let ticket = Ticket(self.tickets + 1);
        let Some(Dialog::Log(log)) = self.dialogs.last_mut() else {
            return;
        };
        let Some(read) = log.due(now) else { return };
        log.ask(ticket, now);
        effects.push(Effect::Fetch(
            ticket,
            Query::TaskLog(log.upid.clone(), read),
        ));
        self.tickets = ticket.0;
    }
}
