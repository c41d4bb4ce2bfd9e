//! How each event changes the state.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::census::Census;
use super::dialogs::{Dialog, Known};
use super::effect::{Answer, Effect, Query, Ticket};
use super::event::Event;
use super::jobs::JobId;
use super::state::State;
use super::toasts::News;
use super::{outcomes, privileges};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::Inventory;
use crate::domain::operation::{Operation, Product, Told, Update};
use crate::domain::pins::PinReport;
use crate::domain::snapshot::SnapshotList;
use crate::domain::task::Task;
use crate::domain::text::Text;
use crate::domain::time::Now;

/// The cursor rests so long before anything is read for the guest under it.
const REST: Duration = Duration::from_millis(200);

impl State {
    /// Takes in an event and returns what is to be done about it.
    pub fn update(&mut self, event: Event, now: Now) -> Vec<Effect> {
        self.now = now;
        self.toasts.age(now.moment);
        let mut effects = Vec::new();
        // What is only told asks for nothing, so that the loop may tell it in passing: a question
        // that nobody performs would be awaited for ever.
        match event {
            Event::Link(link) => {
                let new = link.strangers.iter();
                if let Some(stranger) = new.into_iter().find(|it| !self.link.strangers.contains(it))
                {
                    let text = format!(
                        "{stranger} shows a certificate that is not trusted; `certificates` among the \
                         commands says whose it is"
                    );
                    self.toasts.notice(text, now.moment);
                }
                self.link = link;
                return effects;
            }
            Event::NotKept(failure) => {
                let text = failure.message.to_string();
                self.toasts
                    .announce(News::Bad(text, failure, Vec::new()), now.moment);
                return effects;
            }
            Event::Drawn(page) => {
                self.page = page;
                return effects;
            }
            Event::Spent(ticket, spent) => {
                self.spent(ticket, spent);
                return effects;
            }
            Event::Key(combo) => self.key(combo, &mut effects),
            Event::Paste(text) => {
                if let Some(dialog) = self.dialogs.last_mut() {
                    dialog.paste(&text);
                }
                self.follow_filter(&mut effects);
            }
            Event::Resize | Event::Tick => {}
            Event::Suspend => effects.push(Effect::Suspend),
            Event::Leave => self.leave(&mut effects),
            Event::Inventory(inventory) => self.take_inventory(inventory, &mut effects),
            Event::Job(id, update) => self.job(id, update, &mut effects),
            Event::Channels(failing) => self.alerts.failing = failing,
            Event::Ledger(ledger) => self.usage.remember(*ledger),
            Event::Remembered(memory) => self.alerts.book.learn(memory),
            Event::Exported(result) => self.exported(result),
            Event::ClusterOpened(name, result) => self.cluster_opened(name, result, &mut effects),
            Event::SignedIn {
                result,
                wanted,
                wait,
            } => self.signed_in(result, wanted, wait, &mut effects),
            Event::Fetched(ticket, result) => self.fetched(ticket, result),
        }
        self.follow_time();
        self.follow_sign_in();
        self.check_dialogs();
        self.ask(&mut effects);
        effects
    }

    /// Takes in what the refresh knows; guests are gone through only when they were read anew.
    fn take_inventory(&mut self, inventory: Arc<Inventory>, effects: &mut Vec<Effect>) {
        let before = self.inventory.resources.value().cloned();
        self.inventory = inventory;
        let now = self.inventory.resources.value();
        let is_new = match (&before, now) {
            (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if let Some(resources) = now.filter(|_| is_new) {
            self.census = Census::of(resources, &self.setting.rules.selection);
            self.follow_guests(before.as_deref());
            self.follow_accounts();
            self.follow_fences();
            self.assess_projects();
            self.record_usage(effects);
            self.watch_limits();
        }
        self.follow_changes();
        self.look_for_alerts(effects);
        if is_new {
            self.rows_changed(effects);
            self.measure_listed();
        }
        self.follow_snapshots();
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
        self.detail.retain(|vmid| resources.guest(vmid).is_some());
        if self.guests.cursor() != before {
            self.selection_changed(effects);
        }
    }

    pub(super) fn selection_changed(&mut self, effects: &mut Vec<Effect>) {
        self.snapshots.reset();
        self.rest_begins(effects);
    }

    /// Waits for the cursor to rest before anything is read for what is under it.
    pub(super) fn rest_begins(&mut self, effects: &mut Vec<Effect>) {
        self.selected_at = self.now.moment;
        effects.push(Effect::Wake(u64::try_from(REST.as_millis()).unwrap_or(200)));
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
        let server = self.server_time();
        let Some(job) = self.jobs.take(id, update, self.now.moment) else {
            return;
        };
        let Some((_, report)) = &job.end else { return };
        let touched: Vec<Vmid> = job.guests.iter().map(|guest| guest.vmid).collect();
        let news = outcomes::news(&job.title, report);
        if let Some(denials) = privileges::denials_of(report) {
            self.permissions.learn(denials);
        }
        self.toasts.announce(news, self.now.moment);
        if let Some(reason) = &report.unlogged {
            let failure = Failure::new(FailureKind::FileNotWritten, reason.clone()).with_advice(
                "what was done stands in the server's task list; make room, or let the file be written",
            );
            let news = News::Bad(reason.clone(), Box::new(failure), Vec::new());
            self.toasts.announce(news, self.now.moment);
        }
        if let Some(Product::Enforced(steps)) = &report.product {
            self.throttles.outdate();
            let told: Vec<Told> = steps.iter().flat_map(|step| step.told.clone()).collect();
            if !told.is_empty() {
                effects.push(Effect::RecordTold(told, server));
            }
        }
        for vmid in touched {
            self.snapshots.lists.outdate(vmid);
            self.detail.outdate(vmid);
            self.networks.outdate(vmid);
        }
        effects.push(Effect::Refresh);
        if self.leaves_after_work && self.jobs.running().next().is_none() {
            self.depart(effects);
        }
    }

    fn fetched(&mut self, ticket: Ticket, result: Result<Answer, Failure>) {
        let now = self.now.moment;
        self.snapshots.lists.forget_cost(ticket);
        match result {
            Ok(Answer::Permissions(permissions)) => {
                self.permissions.settle(ticket, now, &Ok(permissions));
            }
            Ok(Answer::Snapshots(list)) => self.settle_snapshots(ticket, Ok(list)),
            Ok(Answer::Config(config)) => self.settle_config(ticket, &Ok(*config)),
            Ok(Answer::Status(status)) => self.settle_status(ticket, Ok(*status)),
            Ok(Answer::History(series)) => {
                self.settle_last_hour(ticket, Ok(&series));
                self.settle_history(ticket, Ok(series));
            }
            Ok(Answer::Tasks(tasks)) => {
                self.settle_tasks(ticket, &Ok(tasks));
            }
            Ok(Answer::Account(account)) => self.settle_account(ticket, Ok(*account)),
            Ok(Answer::Contents(volumes)) => self.settle_contents(ticket, Ok(volumes)),
            Ok(Answer::Pools(pools)) => self.throttles.settle(ticket, now, Ok(pools)),
            Ok(Answer::Zone(zone)) => self.settle_zone(ticket, Ok(zone)),
            Ok(Answer::Ends(ends)) => self.settle_ends(ticket, &Ok(ends)),
            Ok(Answer::TaskLog(state, lines)) => self.settle_log(ticket, &Ok((state, lines))),
            Ok(Answer::CanCopy(can)) => self.settle_feature(ticket, &Ok(can)),
            Ok(Answer::Pins(report)) => self.settle_pins(ticket, &Ok(*report)),
            Ok(Answer::PoolComment(comment)) => self.settle_comment(ticket, &Ok(comment)),
            Ok(Answer::Network(network)) => self.settle_network(ticket, Ok(*network)),
            Ok(Answer::Datacenter(firewall)) => self.settle_datacenter(ticket, Ok(*firewall)),
            Ok(Answer::Resolved(resolved)) => self.settle_names(ticket, &Ok(resolved)),
            // A failure carries no type; the ticket finds what was asked for.
            Err(failure) => {
                self.learn_from_refusal(ticket, &failure);
                self.permissions.settle(ticket, now, &Err(failure.clone()));
                self.settle_snapshots(ticket, Err(failure.clone()));
                self.settle_config(ticket, &Err(failure.clone()));
                self.settle_feature(ticket, &Err(failure.clone()));
                self.settle_comment(ticket, &Err(failure.clone()));
                self.settle_pins(ticket, &Err(failure.clone()));
                self.settle_status(ticket, Err(failure.clone()));
                self.settle_last_hour(ticket, Err(&failure));
                self.settle_history(ticket, Err(failure.clone()));
                self.settle_tasks(ticket, &Err(failure.clone()));
                self.settle_ends(ticket, &Err(failure.clone()));
                self.settle_account(ticket, Err(failure.clone()));
                self.settle_contents(ticket, Err(failure.clone()));
                self.settle_zone(ticket, Err(failure.clone()));
                self.throttles.settle(ticket, now, Err(failure.clone()));
                self.settle_network(ticket, Err(failure.clone()));
                self.settle_datacenter(ticket, Err(failure.clone()));
                self.settle_names(ticket, &Err(failure.clone()));
                self.settle_log(ticket, &Err(failure));
            }
        }
    }

    fn settle_snapshots(&mut self, ticket: Ticket, result: Result<SnapshotList, Failure>) {
        let settled = self.snapshots.lists.settle(ticket, self.now.moment, result);
        self.follow_list(settled);
    }

    fn settle_config(&mut self, ticket: Ticket, result: &Result<GuestConfig, Failure>) {
        self.disk_sizes.settle(ticket, self.now.moment, result);
        for dialog in &mut self.dialogs {
            if let Dialog::Form(form) = dialog {
                form.settle(ticket, self.now.moment, result);
            } else if let Dialog::Enforce(enforce) = dialog {
                enforce.settle_config(ticket, self.now.moment, result);
            }
        }
    }

    fn settle_feature(&mut self, ticket: Ticket, result: &Result<bool, Failure>) {
        for dialog in &mut self.dialogs {
            if let Dialog::Form(form) = dialog {
                form.settle_feature(ticket, self.now.moment, result);
            } else if let Dialog::Enforce(enforce) = dialog {
                enforce.settle_feature(ticket, self.now.moment, result);
            }
        }
    }

    fn settle_comment(&mut self, ticket: Ticket, result: &Result<Option<Text>, Failure>) {
        for dialog in &mut self.dialogs {
            if let Dialog::Form(form) = dialog {
                form.settle_comment(ticket, self.now.moment, result);
            }
        }
    }

    fn settle_pins(&mut self, ticket: Ticket, result: &Result<PinReport, Failure>) {
        let now = self.now.moment;
        for dialog in &mut self.dialogs {
            if let Dialog::Pins(pins) = dialog {
                pins.settle(ticket, now, result.clone());
            }
        }
    }

    fn settle_tasks(&mut self, ticket: Ticket, result: &Result<Vec<Task>, Failure>) {
        let now = self.now.moment;
        self.alerts.failed_tasks.settle(ticket, now, result.clone());
        for dialog in &mut self.dialogs {
            if let Dialog::Lock(lock) = dialog {
                lock.settle(ticket, now, result.clone());
            }
        }
    }

    fn settle_ends(&mut self, ticket: Ticket, result: &Result<Option<DateTime<Utc>>, Failure>) {
        let now = self.now.moment;
        self.alerts.certificates.settle(ticket, now, result.clone());
        self.alerts.token.settle(ticket, now, result.clone());
    }

    fn settle_log(&mut self, ticket: Ticket, result: &super::dialogs::LogPart) {
        for dialog in &mut self.dialogs {
            if let Dialog::Log(log) = dialog {
                log.settle(ticket, result.clone());
            }
        }
    }

    /// Checks the open form, plan or question against what is known now.
    fn check_dialogs(&mut self) {
        let Some(mut dialog) = self.dialogs.pop() else {
            return;
        };
        let resources = self
            .inventory
            .resources
            .value()
            .map(|resources| &**resources);
        let permissions = self.permissions.value();
        if let Dialog::Form(form) = &mut dialog {
            let snapshots = self
                .snapshots
                .of(form.target().vmid)
                .and_then(|remote| remote.value());
            form.check(&Known {
                resources,
                snapshots,
                lists: &self.snapshots.lists,
                rules: &self.setting.rules,
                usage: &self.usage,
                zone: self.quota_zone().calendar(),
                permissions,
                // Whatever is dated there was dated by the server.
                now: Now {
                    wall: self.server_time(),
                    ..self.now
                },
            });
            privileges::require(&mut form.form.checked, permissions);
            self.doubt(form.form.checked.as_ref().ok());
        } else if let Dialog::Prune(plan) = &mut dialog {
            plan.check(&self.snapshots.lists, resources, &self.link, self.now);
            privileges::require(&mut plan.checked, permissions);
            self.doubt(plan.checked.as_ref().ok());
        } else if let Dialog::Enforce(enforce) = &mut dialog {
            if let Some(resources) = resources {
                enforce.doubt(resources);
            }
            if let Some(resources) = resources.filter(|_| !enforce.is_whole) {
                let plan = self.enforcement_plan(resources, enforce.details());
                let are_read = self.throttles.is_settled_since(enforce.opened());
                if are_read {
                    enforce.follow(plan, self.caveats(resources), &self.usage);
                }
            }
            let timeout = self.setting.rules.enforcement.shutdown_timeout_seconds;
            enforce.check(resources, &self.link, &self.setting.cluster, timeout);
            privileges::require(&mut enforce.checked, permissions);
            self.doubt(enforce.checked.as_ref().ok());
        } else if let Dialog::Network(network) = &mut dialog {
            network.check(resources, self.server_time());
            privileges::require(&mut network.form.checked, permissions);
            self.doubt(network.form.checked.as_ref().ok());
        } else if let Dialog::Quit(quit) = &mut dialog {
            quit.update(self.jobs.titles());
        } else if let Dialog::Brackets(brackets) = &mut dialog {
            brackets.check(resources, &self.snapshots.lists);
        } else if let Dialog::Lock(lock) = &mut dialog {
            let seen = resources.and_then(|resources| resources.guest(lock.guest.vmid));
            let known = self.inventory.tasks.value().into_iter().flatten();
            let failed = self.alerts.failed_tasks.answers();
            let failed = failed.flat_map(|(_, tasks)| &tasks.value);
            lock.check(
                seen.map(|seen| &seen.guest),
                known.chain(failed),
                permissions,
            );
        }
        self.dialogs.push(dialog);
    }

    /// Asks what the open form or plan wants to know.
    fn ask_for_dialog(&mut self, effects: &mut Vec<Effect>) {
        let (lists, now) = (&mut self.snapshots.lists, self.now.moment);
        let questions = match self.dialogs.last_mut() {
            Some(Dialog::Lock(lock)) if lock.is_due(now) => {
                self.tickets += 1;
                let ticket = Ticket(self.tickets);
                lock.ask(ticket);
                vec![(ticket, Query::RunningTasks(lock.guest.clone()))]
            }
            Some(Dialog::Form(form)) => {
                let mut questions = form.questions(&mut self.tickets);
                questions.extend(form.list_questions(lists, &mut self.tickets, now));
                questions
            }
            Some(Dialog::Prune(plan)) => plan.questions(lists, &mut self.tickets, now),
            Some(Dialog::Enforce(plan)) => plan.questions(&mut self.tickets),
            Some(Dialog::Network(network)) => network.questions(&mut self.tickets),
            Some(Dialog::Brackets(brackets)) => brackets.questions(lists, &mut self.tickets, now),
            Some(
                Dialog::Power(_)
                | Dialog::Help(_)
                | Dialog::Quit(_)
                | Dialog::Filter(_)
                | Dialog::Log(_)
                | Dialog::Palette(_)
                | Dialog::Acknowledge(_)
                | Dialog::Lock(_)
                | Dialog::SignIn(_)
                | Dialog::Clusters(_)
                | Dialog::Pins(_)
                | Dialog::Console(_)
                | Dialog::Failure(_),
            )
            | None => return,
        };
        effects.extend(
            questions
                .into_iter()
                .map(|(ticket, query)| Effect::Fetch(ticket, query)),
        );
    }

    /// Asks for what is due.
    fn ask(&mut self, effects: &mut Vec<Effect>) {
        if self.inventory.resources.answer.is_none() || self.leaving {
            return;
        }
        let now = self.now.moment;
        self.ask_for_permissions(effects);
        self.ask_for_log(effects);
        self.ask_for_dialog(effects);
        let rested = now.since(self.selected_at) >= REST;
        if rested {
            self.ask_for_detail(effects);
        }
        self.ask_for_snapshots(rested, effects);
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
