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
    /// The choices once nothing is at work any more.
    const IDLE: [Self; 2] = [Self::Stay, Self::LeaveNow];

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
    /// The cluster that it is left for; absent where the program is.
    pub to: Option<String>,
}

impl Quit {
    pub(in crate::app) fn new(at_work: Vec<String>, to: Option<String>) -> Self {
        Self {
            at_work,
            chosen: 0,
            to,
        }
    }

    /// Returns the answers: of those about work only while there is some.
    pub fn choices(&self) -> &'static [Parting] {
        if self.at_work.is_empty() {
            &Parting::IDLE
        } else {
            &Parting::ORDER
        }
    }

    /// Notes what is at work now.
    ///
    /// When nothing is any more, whoever wanted to leave in whatever way still does.
    pub(in crate::app) fn update(&mut self, at_work: Vec<String>) {
        self.at_work = at_work;
        self.chosen = self.chosen.min(self.choices().len() - 1);
    }

    pub(super) fn act(&mut self, action: Action) -> Reply {
        if let Action::Move(motion) = action {
            let last = self.choices().len() - 1;
            let moved = self.chosen.saturating_add_signed(motion.rows(last));
            self.chosen = moved.min(last);
        } else if action == Action::Form(FormKey::Submit)
            && let Some(chosen) = self.choices().get(self.chosen)
        {
            return Reply::Part(*chosen, self.to.clone());
        }
        Reply::Stay
    }
}
