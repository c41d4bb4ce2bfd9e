//! The rows of the key table.

use crate::app::action::{Action, Change, FormKey, Motion};
use crate::app::state::View;

/// A place where keys have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Every pane of the dashboard.
    Anywhere,
    /// The table of guests.
    Guests,
    /// The snapshots of a guest.
    Snapshots,
    /// The alerts.
    Alerts,
    /// The snapshots of all guests.
    AllSnapshots,
    /// The detail of a guest.
    Detail,
    /// The projects.
    Projects,
    /// The list of tasks.
    Tasks,
    /// The nodes.
    Nodes,
    /// The storages.
    Storages,
    /// The templates.
    Templates,
    /// The network profiles.
    Profiles,
    /// The line of the filter.
    Filter,
    /// A dialog with fields.
    Form,
    /// A menu of which one row is chosen.
    Menu,
    /// A plan that is edited.
    Plan,
    /// The enforcement plan.
    Enforcement,
    /// The network profile of a guest.
    Network,
    /// The list of brackets.
    Brackets,
    /// A dialog that is only read.
    Reading,
}

impl Context {
    /// Tells whether it is a pane of the dashboard, where the keys for everywhere hold too.
    pub const fn is_pane(self) -> bool {
        match self {
            Self::Guests
            | Self::Snapshots
            | Self::Alerts
            | Self::AllSnapshots
            | Self::Detail
            | Self::Projects
            | Self::Tasks
            | Self::Nodes
            | Self::Storages
            | Self::Templates
            | Self::Profiles => true,
            Self::Anywhere
            | Self::Filter
            | Self::Form
            | Self::Menu
            | Self::Plan
            | Self::Enforcement
            | Self::Network
            | Self::Brackets
            | Self::Reading => false,
        }
    }
}

/// One row: what it does, where, with which keys, and how it is called.
#[derive(Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Where it works.
    pub contexts: &'static [Context],
    /// Its keys; the first one is shown. Without any it is found by its words, and in `[keys]`.
    pub keys: &'static [&'static str],
    /// Its word in the footer; empty for keys that everybody knows.
    pub label: &'static str,
    /// Its sentence in the help.
    pub help: &'static str,
}

const PANES: &[Context] = &[Context::Anywhere];
const GUEST: &[Context] = &[Context::Guests, Context::Snapshots, Context::Detail];
const SUBJECT: &[Context] = &[
    Context::Guests,
    Context::Snapshots,
    Context::AllSnapshots,
    Context::Detail,
];
const GUEST_OR_ALERT: &[Context] = &[
    Context::Guests,
    Context::Snapshots,
    Context::AllSnapshots,
    Context::Detail,
    Context::Alerts,
];
const ALERTS: &[Context] = &[Context::Alerts];
const SNAPSHOT: &[Context] = &[Context::Snapshots, Context::AllSnapshots];
const TABLE: &[Context] = &[Context::Guests];
const TABLES: &[Context] = &[Context::Guests, Context::AllSnapshots];
const LISTS: &[Context] = &[
    Context::Guests,
    Context::AllSnapshots,
    Context::Projects,
    Context::Nodes,
    Context::Tasks,
    Context::Templates,
    Context::Profiles,
];
/// Where nothing but a failure can be opened.
const ASIDE: &[Context] = &[Context::Snapshots, Context::Detail, Context::Storages];
const LOGGED: &[Context] = &[
    Context::Guests,
    Context::Snapshots,
    Context::AllSnapshots,
    Context::Detail,
    Context::Tasks,
];
const FORM: &[Context] = &[Context::Form, Context::Network];
const READING: &[Context] = &[Context::Reading];
const DIALOGS: &[Context] = &[
    Context::Form,
    Context::Network,
    Context::Menu,
    Context::Plan,
    Context::Enforcement,
    Context::Brackets,
    Context::Reading,
    Context::Filter,
];
const PLAN: &[Context] = &[Context::Plan];
const PLANS: &[Context] = &[Context::Plan, Context::Enforcement];
const LINES: &[Context] = &[
    Context::Menu,
    Context::Plan,
    Context::Enforcement,
    Context::Brackets,
];
const PAGES: &[Context] = &[Context::Plan, Context::Enforcement, Context::Brackets];
const EVERYWHERE: &[Context] = &[
    Context::Anywhere,
    Context::Form,
    Context::Network,
    Context::Menu,
    Context::Plan,
    Context::Enforcement,
    Context::Brackets,
    Context::Reading,
    Context::Filter,
];

const fn row(
    action: Action,
    contexts: &'static [Context],
    keys: &'static [&'static str],
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        action,
        contexts,
        keys,
        label,
        help,
    }
}

/// Every key of the program, in the order in which footer and help show them.
// One row a line reads as the table that it is.
#[rustfmt::skip]
pub static BINDINGS: &[Binding] = &[
    row(Action::Acknowledge, ALERTS, &["a"], "acknowledge", "take the alert in hand, or give it back; it holds until the alert ends, at most 8 hours"),
    row(Action::Open, ALERTS, &["Enter"], "go to", "go to what the alert is about, or explain it"),
    row(Action::Log, ALERTS, &["l"], "log", "show the log of the failed task"),
    row(Action::Change(Change::Snapshot), GUEST_OR_ALERT, &["s"], "snapshot", "take a snapshot of the guest, or of the marked ones"),
    row(Action::Change(Change::RollBack), SUBJECT, &["R"], "restore", "return the guest to the snapshot under the cursor, in place or as a new guest"),
    row(Action::Change(Change::Clone), SUBJECT, &["c"], "clone", "make a copy of the guest, or of the snapshot under the cursor"),
    row(Action::Change(Change::Create), PANES, &["n"], "new", "make guests from a template of the catalogue"),
    row(Action::Change(Change::DeleteSnapshot), SNAPSHOT, &["d"], "delete", "delete the snapshot under the cursor"),
    row(Action::Change(Change::KeepMark), SNAPSHOT, &["K"], "keep", "mark the snapshot as to be kept, or take the mark off"),
    row(Action::Change(Change::Power), GUEST_OR_ALERT, &["P"], "power", "start, shut down, stop, reboot, reset, suspend or resume the guest, or the marked ones"),
    row(Action::Change(Change::Network), GUEST_OR_ALERT, &["N"], "network", "fence the guest, or the marked ones, in with a network profile, for good or on trial; ask what would pass"),
    row(Action::Change(Change::Destroy), SUBJECT, &[], "", "destroy the guest for good; also the last row of the power menu"),
    row(Action::Change(Change::Prune), PANES, &["p"], "prune", "plan what retention deletes, in all managed guests"),
    row(Action::Change(Change::Bracket), PANES, &["b"], "bracket", "take the same snapshot of the marked guests; without marks show all brackets, to restore or drop one"),
    row(Action::Change(Change::Enforce), PANES, &["E"], "enforce", "plan what is done about projects over their budgets: throttle, shut down, tell"),
    row(Action::Open, LISTS, &["Enter"], "open", "open what is under the cursor"),
    row(Action::Open, ASIDE, &["Enter"], "", "show the whole of the failure that was told last"),
    row(Action::Log, LOGGED, &["l"], "log", "show the task's log, or that of the guest's last task"),
    row(Action::Console, GUEST_OR_ALERT, &["C"], "", "say how the guest's console is reached: web page, ssh, terminal"),
    row(Action::Filter, TABLES, &["/"], "filter", "show only what matches (tag: node: status: pool: project: ask exactly, among snapshots verdict: too)"),
    row(Action::SortNext, TABLES, &["o"], "sort", "sort by the next column"),
    row(Action::SortReverse, TABLES, &["O"], "", "reverse the order"),
    row(Action::Mark, TABLE, &["Space"], "mark", "mark the guest, or not"),
    row(Action::MarkAll, TABLE, &["*"], "", "mark all shown guests, or none"),
    row(Action::Copy, PANES, &["y"], "", "copy what is under the cursor to the clipboard (OSC 52)"),
    row(Action::Move(Motion::Down), PANES, &["j", "Down"], "", "move down"),
    row(Action::Move(Motion::Up), PANES, &["k", "Up"], "", "move up"),
    row(Action::Move(Motion::Top), PANES, &["g", "Home"], "", "go to the first row"),
    row(Action::Move(Motion::Bottom), PANES, &["G", "End"], "", "go to the last row"),
    row(Action::Move(Motion::PageDown), PANES, &["PgDn", "Ctrl-f"], "", "move one page down"),
    row(Action::Move(Motion::PageUp), PANES, &["PgUp", "Ctrl-b"], "", "move one page up"),
    row(Action::Show(View::Guests), PANES, &["1"], "", "show the guests"),
    row(Action::Show(View::Alerts), PANES, &["2"], "", "show the alerts: what should be looked at, and what helps"),
    row(Action::Show(View::Snapshots), PANES, &["3"], "", "show the snapshots of all guests, and what retention would delete"),
    row(Action::Show(View::Projects), PANES, &["4"], "", "show what projects use of their budgets, now and at the end of their window"),
    row(Action::Show(View::Tasks), PANES, &["5"], "", "show running and recent tasks"),
    row(Action::Show(View::Nodes), PANES, &["6"], "", "show nodes and storages"),
    row(Action::Show(View::Templates), PANES, &["7"], "", "show the templates of the catalogue, and the network profiles with their guests"),
    row(Action::NextPane, PANES, &["Tab"], "pane", "go to the next pane"),
    row(Action::PreviousPane, PANES, &["Shift-Tab"], "", "go to the previous pane"),
    row(Action::Zoom, PANES, &["z"], "zoom", "let the pane fill the screen, or not"),
    row(Action::Back, PANES, &["Esc"], "", "go back: dismiss messages, clear the filter, then the marks, leave the zoom"),
    row(Action::Refresh, PANES, &["r", "Ctrl-r"], "refresh", "read everything again now"),
    row(Action::Clusters, PANES, &["@"], "cluster", "show another cluster of the config"),
    row(Action::Pins, PANES, &[], "", "show the certificates of the cluster's nodes, and the lines that pin those which are new"),
    row(Action::Palette, PANES, &[":", "Ctrl-p"], "commands", "find an action by its words"),
    row(Action::Help, PANES, &["?", "F1"], "help", "show the keys that work here"),
    row(Action::Quit, PANES, &["q"], "quit", "leave the program"),
    row(Action::HistoryShorter, GUEST, &["["], "", "show a shorter history: month, week, day, hour"),
    row(Action::HistoryLonger, GUEST, &["]"], "history", "show a longer history: hour, day, week, month"),
    row(Action::Interrupt, EVERYWHERE, &["Ctrl-c"], "", "close the dialog, else leave"),
    row(Action::Suspend, EVERYWHERE, &["Ctrl-z"], "", "give the terminal back to the shell until `fg`"),
    row(Action::Form(FormKey::Submit), &[Context::Form, Context::Network, Context::Filter], &["Enter"], "", "carry out what the dialog describes"),
    row(Action::Form(FormKey::NextField), FORM, &["Tab", "Down"], "", "go to the next field"),
    row(Action::Form(FormKey::PreviousField), FORM, &["Shift-Tab", "Up"], "", "go to the previous field"),
    row(Action::Form(FormKey::NextChoice), FORM, &["Right"], "", "choose the next alternative"),
    row(Action::Form(FormKey::PreviousChoice), FORM, &["Left"], "", "choose the previous alternative"),
    row(Action::Form(FormKey::Toggle), FORM, &["Space"], "", "switch on or off"),
    row(Action::Form(FormKey::Calls), FORM, &["x", "Ctrl-x"], "", "show the API calls, or hide them (in texts: Ctrl-x)"),
    row(Action::Move(Motion::Down), &[Context::Filter], &["Down"], "", "move down"),
    row(Action::Move(Motion::Up), &[Context::Filter], &["Up"], "", "move up"),
    row(Action::Cancel, DIALOGS, &["Esc"], "", "close without doing anything"),
    row(Action::Move(Motion::Down), READING, &["j", "Down"], "", "scroll down"),
    row(Action::Move(Motion::Up), READING, &["k", "Up"], "", "scroll up"),
    row(Action::Move(Motion::PageDown), READING, &["PgDn", "Space"], "", "scroll one page down"),
    row(Action::Move(Motion::PageUp), READING, &["PgUp"], "", "scroll one page up"),
    row(Action::Move(Motion::Top), READING, &["g", "Home"], "", "go to the beginning"),
    row(Action::Move(Motion::Bottom), READING, &["G", "End"], "", "go to the end and follow"),
    row(Action::CleanUp, READING, &["D"], "", "destroy the guest that a failed change has left half made, after a question"),
    row(Action::Copy, READING, &["y"], "", "copy it to the clipboard (OSC 52)"),
    row(Action::Move(Motion::Down), LINES, &["j", "Down"], "", "move down"),
    row(Action::Move(Motion::Up), LINES, &["k", "Up"], "", "move up"),
    row(Action::Move(Motion::PageDown), &[Context::Network], &["PgDn", "Ctrl-f"], "", "scroll the plan one page down"),
    row(Action::Move(Motion::PageUp), &[Context::Network], &["PgUp", "Ctrl-b"], "", "scroll the plan one page up"),
    row(Action::Move(Motion::PageDown), PAGES, &["PgDn"], "", "move one page down"),
    row(Action::Move(Motion::PageUp), PAGES, &["PgUp"], "", "move one page up"),
    row(Action::Move(Motion::Top), LINES, &["g", "Home"], "", "go to the first row"),
    row(Action::Move(Motion::Bottom), LINES, &["G", "End"], "", "go to the last row"),
    row(Action::Form(FormKey::Toggle), PLAN, &["Space"], "", "keep the snapshot, or let it be deleted again"),
    row(Action::Form(FormKey::Calls), PLANS, &["x"], "", "show the API calls, or hide them"),
    row(Action::Form(FormKey::NextField), PLAN, &["Tab"], "", "go to the next guest"),
    row(Action::Form(FormKey::PreviousField), PLAN, &["Shift-Tab"], "", "go to the previous guest"),
    row(Action::Export, PLAN, &["e"], "", "write the plan as edited into a file for `prune --plan`"),
    row(Action::Help, PLANS, &["?"], "", "show the keys that work here"),
    row(Action::Form(FormKey::Submit), &[Context::Menu], &["Enter"], "", "choose the row under the cursor"),
    row(Action::Form(FormKey::Submit), &[Context::Brackets], &["Enter"], "", "roll the guests of the bracket back, when its name is typed"),
    row(Action::Change(Change::DeleteSnapshot), &[Context::Brackets], &["d"], "", "drop the bracket, when its count is typed"),
    row(Action::Form(FormKey::Submit), PLANS, &["Enter"], "", "execute the plan, when its count is typed"),
    row(Action::Quit, READING, &["q"], "", "close"),
];
