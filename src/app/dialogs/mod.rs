//! Dialogs: a stack of which only the top one gets keys.

mod field;
mod help;
mod quit;
mod snapshot;

pub use field::TextField;
pub use help::Help;
pub use quit::Quit;
pub use snapshot::{SnapshotClass, SnapshotField, SnapshotForm};

use super::action::Action;
use super::keymap::{Combo, Context};
use crate::domain::operation::Operation;

/// A dialog on the stack.
#[derive(Debug, Clone, PartialEq)]
pub enum Dialog {
    /// Takes a snapshot.
    Snapshot(Box<SnapshotForm>),
    /// Shows the keys of a place.
    Help(Help),
    /// Asks whether to leave while work is in hand.
    Quit(Quit),
}

/// What a dialog wants after an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing; it stays.
    Stay,
    /// To be closed.
    Close,
    /// To be closed, and its operation run.
    Run(Operation),
    /// The program to end.
    Leave,
}

impl Dialog {
    pub(super) fn help(of: Context) -> Self {
        Self::Help(Help::new(of))
    }

    /// Returns where its keys stand in the table.
    pub fn context(&self) -> Context {
        match self {
            Self::Snapshot(_) | Self::Quit(_) => Context::Form,
            Self::Help(_) => Context::Reading,
        }
    }

    /// Lets a text field take the key; tells whether it did.
    pub(super) fn types(&mut self, combo: Combo) -> bool {
        match self {
            Self::Snapshot(form) => form.types(combo),
            Self::Help(_) | Self::Quit(_) => false,
        }
    }

    /// Puts pasted text into the text field that has the cursor.
    pub(super) fn paste(&mut self, text: &str) {
        match self {
            Self::Snapshot(form) => form.paste(text),
            Self::Help(_) | Self::Quit(_) => {}
        }
    }

    /// Carries out an action of the key table.
    pub(super) fn act(&mut self, action: Action) -> Reply {
        if matches!(action, Action::Cancel | Action::Interrupt) {
            return Reply::Close;
        }
        match self {
            Self::Snapshot(form) => form.act(action),
            Self::Help(help) => help.act(action),
            Self::Quit(quit) => quit.act(action),
        }
    }
}
