//! The line in which an alert is taken in hand, with a note for those who come after.

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::keymap::Combo;
use crate::domain::alert::AlertKey;

/// No note is longer, in characters.
const LONGEST: usize = 200;

/// An acknowledgement while it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct AckDialog {
    /// The alert.
    key: AlertKey,
    /// What it says.
    pub alert: String,
    /// Who takes it in hand.
    pub by: String,
    /// What they want to say about it.
    pub note: TextField,
}

impl AckDialog {
    pub(in crate::app) fn new(key: AlertKey, alert: String, by: String) -> Self {
        Self {
            key,
            alert,
            by,
            note: TextField::default(),
        }
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.note.types(combo)
    }

    pub(super) fn act(&self, action: Action) -> Reply {
        if action == Action::Form(FormKey::Submit) {
            let note: String = self.note.value().trim().chars().take(LONGEST).collect();
            Reply::Acknowledge(self.key.clone(), note)
        } else {
            Reply::Stay
        }
    }
}
