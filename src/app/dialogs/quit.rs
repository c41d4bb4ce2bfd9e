//! Asks before leaving work in hand.

use super::Reply;
use crate::app::action::{Action, FormKey};

/// What can be done about work in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Nothing: the dashboard stays.
    Stay,
    /// The dashboard leaves when everything is done.
    Wait,
    /// The running step is finished, no other begun, and the dashboard leaves.
    FinishStep,
    /// The dashboard leaves now, and nobody looks at the end.
    LeaveNow,
}

impl Parting {
    /// The choices; staying comes first.
    pub const ORDER: [Self; 4] = [Self::Stay, Self::Wait, Self::FinishStep, Self::LeaveNow];

    /// Returns its sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::Wait => "wait for the end, then leave",
            Self::FinishStep => "finish the running step, begin no other, then leave",
            Self::LeaveNow => "leave now; the server goes on, nobody looks at the end",
        }
    }
}

/// The question whether to leave.
#[derive(Debug, Clone, PartialEq)]
pub struct Quit {
    /// What is at work.
    pub at_work: Vec<String>,
    /// The index of the chosen answer.
    pub chosen: usize,
}

impl Quit {
    pub(in crate::app) fn new(at_work: Vec<String>) -> Self {
        Self { at_work, chosen: 0 }
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        let Action::Form(key) = action else {
            return Reply::Stay;
        };
        let count = Parting::ORDER.len();
        match key {
            FormKey::NextField | FormKey::NextChoice | FormKey::Toggle => {
                self.chosen = (self.chosen + 1) % count;
            }
            FormKey::PreviousField | FormKey::PreviousChoice => {
                self.chosen = (self.chosen + count - 1) % count;
            }
            FormKey::Submit => return Reply::Part(Parting::ORDER[self.chosen]),
            FormKey::Calls => {}
        }
        Reply::Stay
    }
}
