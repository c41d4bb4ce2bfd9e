//! The line in which a filter is typed; the table follows every letter.

use super::{Reply, TextField};
use crate::app::action::{Action, FormKey};
use crate::app::keymap::Combo;

/// The filter while it is typed.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterLine {
    /// What is typed.
    pub field: TextField,
}

impl FilterLine {
    pub(in crate::app) fn new(text: &str) -> Self {
        // Another word is more often wanted than a change of the last one.
        let text = if text.is_empty() {
            String::new()
        } else {
            format!("{text} ")
        };
        Self {
            field: TextField::new(text),
        }
    }

    pub(super) fn types(&mut self, combo: Combo) -> bool {
        self.field.types(combo)
    }

    pub(super) fn act(action: Action) -> Reply {
        if let Action::Move(motion) = action {
            return Reply::Move(motion);
        }
        if action == Action::Form(FormKey::Submit) {
            Reply::Close
        } else {
            Reply::Stay
        }
    }
}
