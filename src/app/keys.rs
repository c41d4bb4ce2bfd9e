//! What keys and actions do.

use super::action::{Action, Change, Motion};
use super::availability::{Availability, availability};
use super::dialogs::{
    ConsoleDialog, Dialog, FailureText, FilterLine, LogView, Palette, Parting, PinsDialog, Quit,
    Reply,
};
use super::effect::{Effect, Query};
use super::keymap::{Combo, word_of};
use super::signing_in::Asking;
use super::state::{Pane, State, View};
use crate::domain::console::Console;
use crate::domain::guest::Guest;
use crate::domain::permission::Need;
use crate::domain::task::Upid;

impl State {
    pub(super) fn key(&mut self, combo: Combo, effects: &mut Vec<Effect>) {
        if let Some(dialog) = self.dialogs.last_mut()
            && dialog.types(combo)
        {
            return self.follow_filter(effects);
        }
        if let Some(action) = self.setting.keymap.action(self.context(), combo) {
            self.dispatch(action, effects);
        }
    }

    fn dispatch(&mut self, action: Action, effects: &mut Vec<Effect>) {
        if action == Action::Suspend {
            return effects.push(Effect::Suspend);
        }
        let page = self.page;
        if let Some(dialog) = self.dialogs.last_mut() {
            if action == Action::Cancel && matches!(dialog, Dialog::Filter(_)) {
                self.set_filter("", effects);
            }
            let Some(dialog) = self.dialogs.last_mut() else {
                return;
            };
            let reply = dialog.act(action, page, self.now.moment);
            return self.reply(reply, effects);
        }
        match availability(self, action) {
            Availability::Yes => self.act(action, effects),
            Availability::No(reason) => self
                .toasts
                .notice(format!("{}: {reason}", word_of(action)), self.now.moment),
        }
    }

    fn reply(&mut self, reply: Reply, effects: &mut Vec<Effect>) {
        match reply {
            Reply::Stay => {}
            Reply::Close => {
                if let Some(Dialog::Clusters(_)) = self.dialogs.pop() {
                    self.stay_here();
                }
            }
            Reply::Run(operation) => {
                self.dialogs.pop();
                // The list has done its part; what is at work should be seen.
                if matches!(self.dialogs.last(), Some(Dialog::Brackets(_))) {
                    self.dialogs.pop();
                }
                self.run(operation, effects);
            }
            Reply::Part(parting, to) => {
                self.dialogs.pop();
                self.part(parting, to, effects);
            }
            Reply::Cluster(name) => self.switch_to(name, effects),
            Reply::Move(motion) => self.move_by(motion, effects),
            Reply::Act(action) => {
                if self.close_menu() {
                    self.dispatch(action, effects);
                }
            }
            Reply::Copy(text) => self.copy(text, effects),
            Reply::Power(target, action) => {
                self.dialogs.pop();
                self.power(target, action, effects);
            }
            Reply::CleanUp(left) => {
                self.dialogs.pop();
                self.clean_up(*left);
            }
            Reply::Restore(other) => {
                self.dialogs.pop();
                self.restore(*other);
            }
            Reply::Acknowledge(key, note) => {
                self.dialogs.pop();
                self.acknowledged(&key, &note, effects);
            }
            Reply::Bracket(bracket, verb) => self.open_bracket(*bracket, verb),
            Reply::Notice(text) => self.toasts.notice(text, self.now.moment),
            Reply::Export => self.export_plan(effects),
            Reply::EndTrial(job, keeps) => {
                self.dialogs.pop();
                effects.push(if keeps {
                    Effect::Keep(job)
                } else {
                    Effect::Stop(job)
                });
            }
            Reply::Help(context) => self.dialogs.push(Dialog::help(context)),
            Reply::SignIn(given) => Self::sign_in(given, effects),
            Reply::Decline => {
                self.dialogs.pop();
                self.decline_sign_in();
            }
        }
    }

    /// Closes the top dialog; tells whether what was chosen in it may be done.
    ///
    /// It may not where a menu was opened for another guest than the one that is selected now: its
    /// own has gone, and the cursor has moved on.
    fn close_menu(&mut self) -> bool {
        let Some(Dialog::Power(menu)) = self.dialogs.pop() else {
            return true;
        };
        let selected = self.target_guest().map(|seen| seen.guest.to_ref());
        // A menu about several guests has no such end.
        let Some(meant) = menu.only() else {
            return false;
        };
        let is_same = selected.is_some_and(|guest| meant.is_same_guest(&guest));
        if !is_same {
            let text = format!("{meant} is not there any more");
            self.toasts.notice(text, self.now.moment);
        }
        is_same
    }

    fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::Move(motion) => self.move_by(motion, effects),
            Action::Show(view) => self.show(view),
            Action::NextPane => self.focus_by(1),
            Action::PreviousPane => self.focus_by(self.focus.view().panes().len() - 1),
            Action::Open => self.open(effects),
            Action::Back => self.back(effects),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Filter => {
                let text = if self.focus == Pane::AllSnapshots {
                    self.all_snapshots.filter().text()
                } else {
                    self.guests.filter().text()
                };
                self.dialogs.push(Dialog::Filter(FilterLine::new(text)));
            }
            Action::SortNext if self.focus == Pane::AllSnapshots => {
                self.all_snapshots.sort_by_next();
                self.follow_snapshots();
            }
            Action::SortNext => {
                self.guests.sort_by_next();
                self.rows_changed(effects);
            }
            Action::SortReverse if self.focus == Pane::AllSnapshots => {
                self.all_snapshots.reversed = !self.all_snapshots.reversed;
                self.follow_snapshots();
            }
            Action::SortReverse => {
                self.guests.reversed = !self.guests.reversed;
                self.rows_changed(effects);
            }
            Action::Mark => {
                self.guests.toggle_mark();
                self.move_by(Motion::Down, effects);
            }
            Action::MarkAll => self.guests.toggle_all_marks(),
            Action::Change(change) => self.change(change, effects),
            Action::Acknowledge => self.acknowledge(effects),
            Action::Log => self.show_log(),
            Action::Console => self.show_console(),
            Action::HistoryShorter => self.detail.shorter(),
            Action::HistoryLonger => self.detail.longer(),
            Action::Copy => match self.under_cursor() {
                Some(text) => self.copy(text, effects),
                None => self
                    .toasts
                    .notice("copy: nothing is under the cursor", self.now.moment),
            },
            Action::Refresh => {
                self.asking = Asking::Free;
                if let Some(vmid) = self.target_guest().map(|seen| seen.guest.vmid) {
                    self.snapshots.lists.outdate(vmid);
                    self.detail.outdate(vmid);
                }
                if self.focus == Pane::AllSnapshots {
                    self.snapshots.lists.retry_failed();
                }
                if self.focus == Pane::Alerts {
                    self.alerts.failed_tasks.outdate();
                }
                effects.push(Effect::Refresh);
            }
            Action::Palette => self
                .dialogs
                .push(Dialog::Palette(Palette::new(self.focus.context()))),
            Action::Clusters => self.choose_cluster(),
            Action::Pins => {
                let ticket = self.next_ticket();
                let dialog = PinsDialog::new(self.setting.cluster.clone(), ticket);
                self.dialogs.push(Dialog::Pins(Box::new(dialog)));
                effects.push(Effect::Fetch(ticket, Query::Pins));
            }
            Action::Help => self.dialogs.push(Dialog::help(self.focus.context())),
            Action::Quit | Action::Interrupt => self.quit(effects),
            // These belong to dialogs and have no key here.
            Action::CleanUp
            | Action::Cancel
            | Action::Suspend
            | Action::Export
            | Action::Form(_) => {}
        }
    }

    /// Says how the console of the guest is reached, through the server that answers.
    fn show_console(&mut self) {
        let (Some(resources), Some(seen)) = (self.inventory.resources.value(), self.target_guest())
        else {
            return;
        };
        let guest = &seen.guest;
        let elsewhere = self.link.elsewhere.as_deref();
        let endpoint = elsewhere.unwrap_or(&self.setting.endpoint);
        let console = Console::of(guest, endpoint, resources.nodes.len());
        let need = Need::on_guest("VM.Console", guest.vmid);
        let permissions = self.permissions.value();
        let lacking = permissions.filter(|known| !need.is_met(known));
        let lacking = lacking.map(|_| need.to_string());
        let dialog = ConsoleDialog::new(guest.to_ref(), console, lacking);
        self.dialogs.push(Dialog::Console(Box::new(dialog)));
    }

    /// Lets the table follow the filter that is being typed.
    pub(super) fn follow_filter(&mut self, effects: &mut Vec<Effect>) {
        if let Some(Dialog::Filter(line)) = self.dialogs.last() {
            let text = line.field.value().to_owned();
            self.set_filter(&text, effects);
        }
    }

    /// Filters the table that has the keys.
    fn set_filter(&mut self, text: &str, effects: &mut Vec<Effect>) {
        if self.focus == Pane::AllSnapshots {
            self.all_snapshots.set_filter(text);
            self.follow_snapshots();
        } else {
            self.guests.set_filter(text);
            self.rows_changed(effects);
        }
    }

    fn move_by(&mut self, motion: Motion, effects: &mut Vec<Effect>) {
        let rows = motion.rows(self.page);
        match self.focus {
            Pane::Guests | Pane::Detail => {
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
            Pane::Alerts => self.move_among_alerts(rows),
            Pane::AllSnapshots => self.move_among_snapshots(rows, effects),
            Pane::Projects => self.move_among_projects(rows),
            Pane::Tasks => {
                let tasks = self.inventory.tasks.value().map_or(&[][..], Vec::as_slice);
                self.tasks.move_by(tasks, rows);
            }
            Pane::Nodes => {
                if let Some(resources) = self.inventory.resources.value() {
                    self.nodes.move_node(resources, rows);
                }
            }
            Pane::Storages => {
                if let Some(resources) = self.inventory.resources.value() {
                    self.nodes.move_storage(resources, rows);
                }
            }
            Pane::Templates => self.catalogue.move_by(&self.setting.rules.templates, rows),
            Pane::Profiles => self.profiles.move_by(&self.setting.rules.profiles, rows),
        }
    }

    pub(super) fn show(&mut self, view: View) {
        if self.focus.view() != view {
            self.focus = view.panes()[0];
            self.zoomed = false;
            self.follow_snapshots();
        }
    }

    fn focus_by(&mut self, steps: usize) {
        let panes = self.focus.view().panes();
        let at = panes
            .iter()
            .position(|pane| *pane == self.focus)
            .unwrap_or(0);
        self.focus = panes[(at + steps) % panes.len()];
    }

    /// Opens what is under the cursor; a failure on show comes first.
    fn open(&mut self, effects: &mut Vec<Effect>) {
        if let Some((title, failure, left)) = self.toasts.take_failure() {
            let text = FailureText::new(title, failure, left);
            self.dialogs.push(Dialog::Failure(Box::new(text)));
            return;
        }
        match self.focus {
            Pane::Guests => {
                self.focus = Pane::Detail;
                self.zoomed = true;
            }
            Pane::Alerts => self.open_alert(effects),
            Pane::AllSnapshots => self.go_to_snapshot(effects),
            Pane::Projects => self.open_project(effects),
            Pane::Tasks => self.dispatch(Action::Log, effects),
            Pane::Nodes => {
                let node = self
                    .inventory
                    .resources
                    .value()
                    .and_then(|known| self.nodes.selected_node(known));
                if let Some(node) = node {
                    let filter = format!("node:{}", node.name);
                    self.guests.set_filter(&filter);
                    self.show(View::Guests);
                    self.rows_changed(effects);
                }
            }
            // What a template is for is to make guests from it.
            Pane::Templates => self.dispatch(Action::Change(Change::Create), effects),
            Pane::Profiles => self.open_profile(effects),
            Pane::Detail | Pane::Snapshots | Pane::Storages => {}
        }
    }

    /// Goes back one step: a message, the zoom, the pane, the marks, the filter.
    fn back(&mut self, effects: &mut Vec<Effect>) {
        if self.toasts.dismiss().is_some() {
            return;
        }
        if self.zoomed {
            self.zoomed = false;
            if self.focus == Pane::Detail {
                self.focus = Pane::Guests;
            }
        } else if self.focus != self.focus.view().panes()[0] {
            self.focus = self.focus.view().panes()[0];
        } else if self.focus == Pane::AllSnapshots && !self.all_snapshots.filter().is_empty() {
            self.set_filter("", effects);
        } else if !self.guests.filter().is_empty() {
            // The marks outlast it: guests are marked through one filter after another.
            self.guests.set_filter("");
            self.rows_changed(effects);
        } else {
            self.guests.clear_marks();
        }
    }

    /// Shows the log of the task under the cursor, or of the selected guest's last task.
    fn show_log(&mut self) {
        match self.logged_task() {
            Some(upid) => self.dialogs.push(Dialog::Log(Box::new(LogView::new(upid)))),
            None => self
                .toasts
                .notice("log: no task of this guest is known", self.now.moment),
        }
    }

    /// Returns the task whose log would be shown.
    pub(super) fn logged_task(&self) -> Option<Upid> {
        match self.focus.view() {
            View::Tasks => self
                .tasks
                .selected(self.known_tasks())
                .map(|task| task.upid.clone()),
            View::Alerts => self.alerted_task().or_else(|| self.last_task_of_guest()),
            View::Guests | View::Snapshots | View::Projects | View::Nodes | View::Templates => {
                self.last_task_of_guest()
            }
        }
    }

    fn last_task_of_guest(&self) -> Option<Upid> {
        let guest = self.target_guest()?.guest.to_ref();
        let own = self.jobs.latest_on(&guest).and_then(|job| job.upid.clone());
        let seen = self
            .known_tasks()
            .iter()
            .find(|task| task.upid.vmid() == Some(guest.vmid));
        match (own, seen) {
            (Some(own), Some(seen)) if seen.upid.started() > own.started() => {
                Some(seen.upid.clone())
            }
            (Some(own), _) => Some(own),
            (None, seen) => seen.map(|task| task.upid.clone()),
        }
    }

    /// Returns what is under the cursor, in the form in which it is of use elsewhere.
    fn under_cursor(&self) -> Option<String> {
        match self.focus {
            Pane::Guests | Pane::Detail => Some(named(&self.selected_guest()?.guest)),
            Pane::Snapshots => {
                // One that was deleted meanwhile has no row, and the cursor is shown elsewhere.
                let list = self.snapshots.of(self.guests.cursor()?)?.value()?;
                let chosen = list.find(self.snapshots.cursor()?.raw())?;
                Some(chosen.name.to_string())
            }
            Pane::Alerts => self.selected_alert().map(|alert| alert.to_string()),
            Pane::AllSnapshots => {
                let guest = &self.target_guest()?.guest;
                let (_, name) = self.all_snapshots.cursor()?;
                Some(format!("{} {name}", named(guest)))
            }
            Pane::Projects => self.selected_project().map(|each| each.project.clone()),
            Pane::Tasks => self
                .tasks
                .selected(self.known_tasks())
                .map(|task| task.upid.to_string()),
            Pane::Nodes => {
                let resources = self.inventory.resources.value()?;
                self.nodes
                    .selected_node(resources)
                    .map(|node| node.name.to_string())
            }
            Pane::Storages => {
                let resources = self.inventory.resources.value()?;
                resources
                    .storages
                    .get(self.nodes.storage_row(resources))
                    .map(|storage| storage.name.to_string())
            }
            Pane::Templates => {
                let templates = &self.setting.rules.templates;
                let template = templates.get(self.catalogue.row(templates))?;
                Some(template.name.clone())
            }
            Pane::Profiles => self.selected_profile().map(|profile| profile.name.clone()),
        }
    }

    fn copy(&mut self, text: String, effects: &mut Vec<Effect>) {
        let lines = text.lines().count();
        let what = if lines == 1 {
            text.clone()
        } else {
            format!("{lines} lines")
        };
        self.toasts.tell(format!("copied {what}"), self.now.moment);
        effects.push(Effect::Copy(text));
    }

    fn part(&mut self, parting: Parting, to: Option<String>, effects: &mut Vec<Effect>) {
        if parting == Parting::Stay {
            return;
        }
        self.bound_for = to;
        if parting == Parting::LeaveNow {
            return self.depart(effects);
        }
        self.leaves_after_work = true;
        if parting == Parting::FinishStep {
            effects.extend(self.jobs.running().map(|job| Effect::Stop(job.id)));
        }
        if self.jobs.running().next().is_none() {
            self.depart(effects);
        }
    }

    fn quit(&mut self, effects: &mut Vec<Effect>) {
        let at_work = self.jobs.titles();
        if at_work.is_empty() {
            self.leave(effects);
        } else {
            self.dialogs.push(Dialog::Quit(Quit::new(at_work, None)));
        }
    }
}

/// Names a guest as the command line takes it: `104=agent-build-4`.
fn named(guest: &Guest) -> String {
    let name = guest.name.as_ref().map(ToString::to_string);
    format!("{}={}", guest.vmid, name.unwrap_or_default())
}
