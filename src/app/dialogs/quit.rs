//! Asks before leaving work in hand.

use super::Reply;
use crate::app::action::Action;

/// The question whether to leave; staying is the first choice.
#[derive(Debug, Clone, PartialEq)]
pub struct Quit {
    /// What is at work.
    pub at_work: Vec<String>,
    /// Whether leaving is chosen.
    pub leaves: bool,
}

impl Quit {
    pub(in crate::app) fn new(at_work: Vec<String>) -> Self {
        Self {
            at_work,
            leaves: false,
        }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        match action {
            Action::NextField
            | Action::PreviousField
            | Action::NextChoice
            | Action::PreviousChoice
            | Action::Toggle => self.leaves = !self.leaves,
            Action::Submit if self.leaves => return Reply::Leave,
            Action::Submit => return Reply::Close,
            _ => {}
        }
        Reply::Stay
    }
}
