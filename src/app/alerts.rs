//! The alerts, where the cursor is among them, and what is read to find them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::background::Turn;
use super::dialogs::{AckDialog, Dialog, FailureText, LockDialog, LogView};
use super::effect::{Effect, Query};
use super::readings::Readings;
use super::remote::Remote;
use super::state::{Pane, State, View};
use crate::domain::alert::{
    Alert, AlertBook, AlertKey, AlertKind, FailingChannel, Situation, Subject,
};
use crate::domain::bracket::{Bracket, find_all};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::inventory::NodeState;
use crate::domain::limits::Severity;
use crate::domain::task::{Task, Upid};
use crate::domain::time::Now;
use crate::domain::usage::ProjectStanding;

/// The failed tasks of a node are read so often.
const TASKS_LIVE: Duration = Duration::from_mins(5);
/// The ends of certificates and tokens are read so often.
const ENDINGS_LIVE: Duration = Duration::from_hours(6);

/// The alerts that stand, and the cursor among them.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertPane {
    pub(super) book: AlertBook,
    cursor: Option<AlertKey>,
    row: usize,
    /// The failed tasks of each node.
    pub(super) failed_tasks: Readings<NodeName, Vec<Task>>,
    /// When each node's certificate ends; absent where it does not say.
    pub(super) certificates: Readings<NodeName, Option<DateTime<Utc>>>,
    /// When the API token ends; absent where it never does.
    pub(super) token: Remote<Option<DateTime<Utc>>>,
    /// The brackets, found anew when a snapshot list changes.
    brackets: Option<Vec<Bracket>>,
    /// How much the alerts of each guest press.
    flags: BTreeMap<Vmid, Severity>,
    /// The notify channels that failed the last time.
    pub(super) failing: Vec<FailingChannel>,
    /// The terminal's title as it was last set.
    title: String,
}

impl Default for AlertPane {
    fn default() -> Self {
        Self {
            book: AlertBook::default(),
            cursor: None,
            row: 0,
            failed_tasks: Readings::new(TASKS_LIVE),
            certificates: Readings::new(ENDINGS_LIVE),
            token: Remote::default(),
            brackets: None,
            flags: BTreeMap::new(),
            failing: Vec::new(),
            title: String::new(),
        }
    }
}

impl AlertPane {
    /// Returns all alerts.
    pub fn book(&self) -> &AlertBook {
        &self.book
    }

    /// Returns how much the alerts of a guest press; its failed tasks are no state of it.
    pub fn flag(&self, vmid: Vmid) -> Option<Severity> {
        self.flags.get(&vmid).copied()
    }

    /// Returns the failed tasks of the nodes, as far as they were read.
    pub fn failed_tasks(&self) -> &Readings<NodeName, Vec<Task>> {
        &self.failed_tasks
    }

    /// Returns the row of the cursor.
    pub fn cursor_row(&self) -> Option<usize> {
        let order = self.book.order();
        let found = order
            .iter()
            .position(|key| Some(key) == self.cursor.as_ref());
        found.or_else(|| order.len().checked_sub(1).map(|last| self.row.min(last)))
    }

    fn move_by(&mut self, rows: isize) {
        if let Some(row) = self.cursor_row() {
            self.stay_at(row.saturating_add_signed(rows));
        }
    }

    /// Puts the cursor on the alert that stands in a row now.
    fn stay_at(&mut self, row: usize) {
        let order = self.book.order();
        let row = row.min(order.len().saturating_sub(1));
        self.cursor = order.get(row).cloned();
        self.row = row;
    }

    /// Returns the alert under the cursor.
    fn selected(&self) -> Option<(AlertKey, Alert)> {
        let key = self.book.order().get(self.cursor_row()?)?;
        Some((key.clone(), self.book.find(key)?.clone()))
    }

    /// Notes that a snapshot list has changed.
    pub(super) fn snapshots_changed(&mut self) {
        self.brackets = None;
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.failed_tasks.flying() + self.certificates.flying()
    }
}

impl State {
    /// Returns the alert under the cursor.
    pub fn selected_alert(&self) -> Option<Alert> {
        self.alerts.selected().map(|(_, alert)| alert)
    }

    /// Looks at everything that is known, and tells what is new.
    pub(super) fn look_for_alerts(&mut self, effects: &mut Vec<Effect>) {
        self.find_brackets();
        // Taken out while everything around it is looked at.
        let mut book = std::mem::take(&mut self.alerts.book);
        let pane = &self.alerts;
        let failed_tasks: BTreeMap<NodeName, Vec<Task>> = pane
            .failed_tasks
            .answers()
            .map(|(node, tasks)| (node.clone(), tasks.value.clone()))
            .collect();
        let certificates: BTreeMap<NodeName, DateTime<Utc>> = pane
            .certificates
            .answers()
            .filter_map(|(node, ends)| Some((node.clone(), ends.value?)))
            .collect();
        // What is not read yet would be told as less, and then as more and more.
        let projects: Vec<ProjectStanding> = self
            .usage
            .standings()
            .iter()
            .filter(|each| each.unread == 0)
            .cloned()
            .collect();
        let throttles = self.throttled_projects();
        let server = self.server_time();
        let situation = Situation {
            now: Now {
                moment: self.now.moment,
                wall: server,
            },
            inventory: &self.inventory,
            link: &self.link,
            violations: self.limits.standing(),
            projects: &projects,
            failed_tasks: &failed_tasks,
            brackets: pane.brackets.as_deref().unwrap_or_default(),
            certificates: &certificates,
            token_ends: pane.token.value().copied().flatten(),
            throttles: &throttles,
            fences: self.networks.realities(),
            failing_channels: &pane.failing,
        };
        let rings = book.look(&situation);
        self.alerts.flags = flags(&book);
        self.alerts.book = book;
        if rings && self.setting.bell {
            effects.push(Effect::Ring);
        }
        self.tell_alerts(effects);
    }

    /// Has changes written down, and the terminal's title say how many alerts stand.
    fn tell_alerts(&mut self, effects: &mut Vec<Effect>) {
        let server = self.server_time();
        if let Some(changes) = self.alerts.book.changes(server) {
            effects.push(Effect::Remember(Box::new(changes), server));
        }
        let counts = self.alerts.book.counts();
        let cluster = &self.setting.cluster;
        let title = match counts.open() {
            0 => format!("proxdeck {cluster}"),
            open if counts.critical == 0 => format!("({open}) proxdeck {cluster}"),
            open => format!("({open}!) proxdeck {cluster}"),
        };
        if title != self.alerts.title {
            self.alerts.title.clone_from(&title);
            effects.push(Effect::Title(title));
        }
    }

    fn find_brackets(&mut self) {
        if self.alerts.brackets.is_some() {
            return;
        }
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let lists = &self.snapshots.lists;
        let guests = resources.guests.iter().map(|seen| {
            let list = lists.list(seen.guest.vmid);
            (&seen.guest, list)
        });
        self.alerts.brackets = Some(find_all(guests));
    }

    /// Returns the nodes that answer, which alone are asked about themselves.
    pub(super) fn online_nodes(&self) -> Vec<NodeName> {
        let resources = self.inventory.resources.value();
        let nodes = resources.into_iter().flat_map(|resources| &resources.nodes);
        nodes
            .filter(|node| node.state == NodeState::Online)
            .map(|node| node.name.clone())
            .collect()
    }

    /// Asks for one thing that alerts are found from, if any is due.
    pub(super) fn ask_for_alerts(&mut self, effects: &mut Vec<Effect>) -> Turn {
        let now = self.now.moment;
        let nodes = self.answering_nodes();
        if let Some(node) = self.alerts.failed_tasks.due(nodes.iter().cloned(), now) {
            let since = self.server_time() - chrono::TimeDelta::days(1);
            let query = Query::FailedTasks(node.clone(), since);
            let ticket = self.ask_background(query, 1, effects);
            self.resting.ask(&node, now);
            self.alerts.failed_tasks.ask(node, ticket);
            return Turn::Asked;
        }
        if let Some(node) = self.alerts.certificates.due(nodes, now) {
            let ticket = self.ask_background(Query::Certificate(node.clone()), 1, effects);
            self.resting.ask(&node, now);
            self.alerts.certificates.ask(node, ticket);
            return Turn::Asked;
        }
        Turn::Idle
    }

    /// Asks when the API token ends, which one question tells for a long time.
    pub(super) fn ask_for_token(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.moment;
        let is_token = self.setting.account.contains('!');
        if is_token && super::detail::is_due(&self.alerts.token, now, ENDINGS_LIVE) {
            let ticket = self.next_ticket();
            self.alerts.token.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::TokenEnd));
        }
    }

    pub(super) fn move_among_alerts(&mut self, rows: isize) {
        self.alerts.move_by(rows);
    }

    /// Goes to what the alert under the cursor is about, or explains it.
    pub(super) fn open_alert(&mut self, effects: &mut Vec<Effect>) {
        let Some((_, alert)) = self.alerts.selected() else {
            return;
        };
        match (&alert.kind, &alert.subject) {
            (AlertKind::GuestLocked, Subject::Guest(guest)) => self.explain_lock(guest.clone()),
            (AlertKind::CertificateExpires, _)
            | (_, Subject::Cluster | Subject::Token | Subject::Channel(_) | Subject::Pool(_)) => {
                self.explain(&alert);
            }
            (_, Subject::Project(project, resource)) => {
                self.projects.select(project.clone(), *resource);
                self.go_to(Pane::Projects);
            }
            (_, Subject::Guest(guest)) => self.go_to_guest(guest, effects),
            (_, Subject::Task(upid, _) | Subject::Tasks(upid, _)) => {
                let log = LogView::new(upid.clone());
                self.dialogs.push(Dialog::Log(Box::new(log)));
            }
            (_, Subject::Node(node)) => {
                self.nodes.select_node(node.clone());
                self.go_to(Pane::Nodes);
            }
            (_, Subject::Storage(storage, node)) => {
                let resources = self.inventory.resources.value();
                let found = resources
                    .into_iter()
                    .flat_map(|resources| &resources.storages)
                    .find(|each| {
                        each.name == *storage && node.as_ref().is_none_or(|node| *node == each.node)
                    })
                    .map(|each| (each.name.clone(), each.node.clone()));
                if let Some((name, node)) = found {
                    self.nodes.select_storage(name, node);
                }
                self.go_to(Pane::Storages);
            }
            (_, Subject::Bracket(_)) => self.list_brackets(),
        }
    }

    fn go_to(&mut self, pane: Pane) {
        self.focus = pane;
        self.zoomed = false;
    }

    /// Shows a guest; a filter that hides it is cleared.
    pub(super) fn go_to_guest(&mut self, guest: &GuestRef, effects: &mut Vec<Effect>) {
        self.go_to(Pane::Guests);
        if !self.guests.select(guest.vmid) {
            self.guests.set_filter("");
            self.rows_changed(effects);
            if !self.guests.select(guest.vmid) {
                let text = format!("{guest} is not there any more");
                self.toasts.notice(text, self.now.moment);
                return;
            }
        }
        self.selection_changed(effects);
    }

    /// Shows the whole of an alert that has no place of its own.
    fn explain(&mut self, alert: &Alert) {
        let failure =
            Failure::new(FailureKind::Refused, alert.text.clone()).with_advice(advice(alert.kind));
        let text = FailureText::new(alert.subject.to_string(), failure, Vec::new())
            .headed(alert.severity.as_str());
        self.dialogs.push(Dialog::Failure(Box::new(text)));
    }

    fn explain_lock(&mut self, guest: GuestRef) {
        self.dialogs
            .push(Dialog::Lock(Box::new(LockDialog::new(guest))));
    }

    /// Opens the line in which an alert is acknowledged, or takes the acknowledgement back.
    pub(super) fn acknowledge(&mut self, effects: &mut Vec<Effect>) {
        let Some((key, alert)) = self.alerts.selected() else {
            self.toasts
                .notice("acknowledge: no alert stands", self.now.moment);
            return;
        };
        if self.alerts.book.put_back(&key, self.server_time()) {
            let text = format!("no longer acknowledged: {alert}");
            self.toasts.tell(text, self.now.moment);
            return self.tell_alerts(effects);
        }
        let dialog = AckDialog::new(key, alert.to_string(), self.setting.operator.clone());
        self.dialogs.push(Dialog::Acknowledge(Box::new(dialog)));
    }

    /// Takes an alert in hand.
    pub(super) fn acknowledged(&mut self, key: &AlertKey, note: &str, effects: &mut Vec<Effect>) {
        let (by, now) = (self.setting.operator.clone(), self.server_time());
        let row = self.alerts.cursor_row();
        if !self.alerts.book.acknowledge(key, &by, note, now) {
            self.toasts
                .notice("the alert has ended meanwhile", self.now.moment);
        }
        // It sinks; whoever works down the list goes on with the next.
        if let Some(row) = row {
            self.alerts.stay_at(row);
        }
        self.tell_alerts(effects);
    }

    /// Returns the task that the alert under the cursor is about.
    pub(super) fn alerted_task(&self) -> Option<Upid> {
        match self.selected_alert()?.subject {
            Subject::Task(upid, _) | Subject::Tasks(upid, _) => Some(upid),
            Subject::Cluster
            | Subject::Node(_)
            | Subject::Storage(..)
            | Subject::Guest(_)
            | Subject::Project(..)
            | Subject::Pool(_)
            | Subject::Bracket(_)
            | Subject::Token
            | Subject::Channel(_) => None,
        }
    }

    /// Returns the guest that the alert under the cursor is about.
    pub(super) fn alerted_guest(&self) -> Option<GuestRef> {
        self.selected_alert()?.subject.guest().cloned()
    }

    /// Tells whether keys act on the row under the cursor and not on marked guests.
    pub(super) fn acts_on_row(&self) -> bool {
        matches!(self.focus.view(), View::Snapshots | View::Alerts)
    }
}

/// Says what helps against an alert that has no place on the screen.
fn advice(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::LinkDown => {
            "proxdeck tries again by itself. What is shown is as it was last read."
        }
        AlertKind::QuorumLost => {
            "Bring back enough nodes, or lower the expected votes on one that stays: pvecm expected 1. \
             Until then no guest can be started, changed or moved."
        }
        AlertKind::CertificateExpires => {
            "Renew it on that node: pvecm updatecerts --force, or have ACME renew it. \
             Where fingerprints are pinned the new one belongs into the config."
        }
        AlertKind::TokenExpires => {
            "Give it another end under Datacenter, Permissions, API Tokens, or make a new one and put \
             its secret into the config."
        }
        AlertKind::NotificationFails => "Try the channel by hand, and see [notify] in the config.",
        AlertKind::ThrottleUnreadable => {
            "Take the line that begins with [proxdeck throttled out of the pool's comment, under \
             Datacenter, Permissions, Pools; E then writes it anew where it is due."
        }
        AlertKind::FirewallOff => {
            "Switch it on under Datacenter, Firewall, Options: but look first whether hosts and other \
             guests have the rules they need, for it is the switch of all of them."
        }
        AlertKind::NodeOffline
        | AlertKind::NetworkDrift
        | AlertKind::NotFenced
        | AlertKind::TrialLeft
        | AlertKind::ThrottleBypassed
        | AlertKind::GuestFailed
        | AlertKind::Limit(_)
        | AlertKind::QuotaExceeded
        | AlertKind::QuotaProjected
        | AlertKind::StorageFull
        | AlertKind::GuestPaused
        | AlertKind::GuestLocked
        | AlertKind::TaskFailed
        | AlertKind::BracketOld => "",
    }
}

/// What an alert's row offers: keys and their words, the gentlest first.
pub fn remedies(alert: &Alert) -> &'static [(&'static str, &'static str)] {
    match (&alert.kind, &alert.subject) {
        (AlertKind::Limit(_), _) => &[("s", "snapshot"), ("P", "power"), ("Enter", "guest")],
        (AlertKind::GuestFailed | AlertKind::GuestPaused, _) => {
            &[("P", "power"), ("Enter", "guest")]
        }
        (AlertKind::GuestLocked, _) => &[("Enter", "explains")],
        (AlertKind::TaskFailed, Subject::Task(_, Some(_))) => &[("Enter", "log"), ("P", "power")],
        (AlertKind::TaskFailed, _) => &[("Enter", "log")],
        (AlertKind::NodeOffline, _) => &[("Enter", "node")],
        (AlertKind::StorageFull, _) => &[("p", "prune"), ("Enter", "storage")],
        (AlertKind::BracketOld, _) => &[("Enter", "brackets")],
        (AlertKind::QuotaExceeded, _) => &[("E", "plan"), ("Enter", "project")],
        (AlertKind::QuotaProjected, _) => &[("Enter", "project")],
        (AlertKind::ThrottleBypassed, _) => &[("P", "power"), ("Enter", "guest")],
        (
            AlertKind::LinkDown
            | AlertKind::QuorumLost
            | AlertKind::ThrottleUnreadable
            | AlertKind::CertificateExpires
            | AlertKind::TokenExpires
            | AlertKind::NotificationFails
            | AlertKind::FirewallOff,
            _,
        ) => &[("Enter", "advice")],
        (AlertKind::NetworkDrift | AlertKind::NotFenced | AlertKind::TrialLeft, _) => {
            &[("N", "network"), ("Enter", "guest")]
        }
    }
}

fn flags(book: &AlertBook) -> BTreeMap<Vmid, Severity> {
    let mut flags = BTreeMap::new();
    for each in book.standing() {
        if let Subject::Guest(guest) = &each.alert.subject {
            let flag = flags.entry(guest.vmid).or_insert(each.alert.severity);
            *flag = each.alert.severity.max(*flag);
        }
    }
    flags
}
