//! The keys of a place, from the key table.

use super::Reply;
use crate::app::action::Action;
use crate::app::keymap::Context;

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
        match action {
            Action::Down => self.scroll += 1,
            Action::Up => self.scroll = self.scroll.saturating_sub(1),
            Action::Quit | Action::Help => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }
}
