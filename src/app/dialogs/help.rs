//! The keys of a place, from the key table.

use super::Reply;
use crate::app::action::Action;
use crate::app::keymap::{BINDINGS, Context};

/// The help page of one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Help {
    /// The place.
    pub of: Context,
    /// How many lines are scrolled away.
    pub scroll: usize,
}

impl Help {
    pub(super) fn new(of: Context) -> Self {
        Self { of, scroll: 0 }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            self.scroll = self
                .scroll
                .saturating_add_signed(motion.rows(10))
                // On a narrow screen a sentence may take several lines.
                .min(3 * BINDINGS.len());
        } else if matches!(action, Action::Quit | Action::Help) {
            return Reply::Close;
        }
        Reply::Stay
    }
}
