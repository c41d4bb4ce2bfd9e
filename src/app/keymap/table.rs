//! The rows of the key table.

use crate::app::action::Action;

/// A place where keys have a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Every pane of the dashboard.
    Anywhere,
    /// The table of guests.
    Guests,
    /// The snapshots of a guest.
    Snapshots,
    /// A dialog with fields.
    Form,
    /// A dialog that is only read.
    Reading,
}

impl Context {
    /// Tells whether it is a pane of the dashboard, where the keys for everywhere hold too.
    pub const fn is_pane(self) -> bool {
        matches!(self, Self::Guests | Self::Snapshots)
    }
}

/// One row: what it does, where, with which keys, and how it is called.
#[derive(Debug)]
pub struct Binding {
    /// What it does.
    pub action: Action,
    /// Where it works.
    pub contexts: &'static [Context],
    /// Its keys; the first one is shown.
    pub keys: &'static [&'static str],
    /// Its word in the footer; empty for keys that everybody knows.
    pub label: &'static str,
    /// Its sentence in the help.
    pub help: &'static str,
}

const PANES: &[Context] = &[Context::Anywhere];
const FORM: &[Context] = &[Context::Form];
const DIALOGS: &[Context] = &[Context::Form, Context::Reading];

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
pub static BINDINGS: &[Binding] = &[
    row(
        Action::Snapshot,
        PANES,
        &["s"],
        "snapshot",
        "take a snapshot of the guest",
    ),
    row(Action::Down, PANES, &["j", "Down"], "", "move down"),
    row(Action::Up, PANES, &["k", "Up"], "", "move up"),
    row(
        Action::Top,
        PANES,
        &["g", "Home"],
        "",
        "go to the first row",
    ),
    row(
        Action::Bottom,
        PANES,
        &["G", "End"],
        "",
        "go to the last row",
    ),
    row(
        Action::PageDown,
        PANES,
        &["PgDn", "Ctrl-f"],
        "",
        "move one page down",
    ),
    row(
        Action::PageUp,
        PANES,
        &["PgUp", "Ctrl-b"],
        "",
        "move one page up",
    ),
    row(
        Action::NextPane,
        PANES,
        &["Tab"],
        "pane",
        "go to the next pane",
    ),
    row(
        Action::PreviousPane,
        PANES,
        &["Shift-Tab"],
        "",
        "go to the previous pane",
    ),
    row(
        Action::Zoom,
        PANES,
        &["z"],
        "zoom",
        "let the pane fill the screen, or not",
    ),
    row(
        Action::Back,
        PANES,
        &["Esc"],
        "",
        "go back: dismiss messages, leave the zoom",
    ),
    row(
        Action::Refresh,
        PANES,
        &["r", "Ctrl-r"],
        "refresh",
        "read everything again now",
    ),
    row(
        Action::Help,
        PANES,
        &["?", "F1"],
        "help",
        "show the keys that work here",
    ),
    row(Action::Quit, PANES, &["q"], "quit", "leave the program"),
    row(
        Action::Interrupt,
        &[Context::Anywhere, Context::Form, Context::Reading],
        &["Ctrl-c"],
        "",
        "close the dialog, else leave",
    ),
    row(
        Action::Submit,
        FORM,
        &["Enter"],
        "",
        "carry out what the dialog describes",
    ),
    row(
        Action::NextField,
        FORM,
        &["Tab", "Down"],
        "",
        "go to the next field",
    ),
    row(
        Action::PreviousField,
        FORM,
        &["Shift-Tab", "Up"],
        "",
        "go to the previous field",
    ),
    row(
        Action::NextChoice,
        FORM,
        &["Right"],
        "",
        "choose the next alternative",
    ),
    row(
        Action::PreviousChoice,
        FORM,
        &["Left"],
        "",
        "choose the previous alternative",
    ),
    row(Action::Toggle, FORM, &["Space"], "", "switch on or off"),
    row(
        Action::Calls,
        FORM,
        &["x", "Ctrl-x"],
        "",
        "show the API calls, or hide them (outside of texts)",
    ),
    row(
        Action::Cancel,
        DIALOGS,
        &["Esc"],
        "",
        "close without doing anything",
    ),
    row(
        Action::Down,
        &[Context::Reading],
        &["j", "Down"],
        "",
        "scroll down",
    ),
    row(
        Action::Up,
        &[Context::Reading],
        &["k", "Up"],
        "",
        "scroll up",
    ),
    row(Action::Quit, &[Context::Reading], &["q"], "", "close"),
];
