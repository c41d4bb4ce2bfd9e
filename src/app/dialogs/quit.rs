//! Asks before leaving work in hand.

use super::Reply;
use crate::app::action::{Action, FormKey};

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
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        match key {
            FormKey::NextField
            | FormKey::PreviousField
            | FormKey::NextChoice
            | FormKey::PreviousChoice
            | FormKey::Toggle => {
                self.leaves = !self.leaves;
                Reply::Stay
            }
            FormKey::Submit if self.leaves => Reply::Leave,
            FormKey::Submit => Reply::Close,
            FormKey::Calls => Reply::Stay,
        }
    }
}
