//! Short messages; good news passes, bad news stays until it is dismissed.

use std::time::Duration;

use crate::domain::failure::Failure;
use crate::domain::time::Moment;

/// How long good news is shown.
const LIFETIME: Duration = Duration::from_secs(8);
/// How many messages wait at most; the oldest good news goes first.
const MOST: usize = 20;

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// What it says, in one line.
    pub text: String,
    /// The failure behind it; such a message stays.
    pub failure: Option<Failure>,
    at: Moment,
}

/// The messages on show, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Toasts(Vec<Toast>);

impl Toasts {
    /// Tells good news.
    pub(super) fn tell(&mut self, text: impl Into<String>, now: Moment) {
        self.push(Toast {
            text: text.into(),
            failure: None,
            at: now,
        });
    }

    /// Tells of a failure.
    pub(super) fn complain(&mut self, text: impl Into<String>, failure: Failure, now: Moment) {
        self.push(Toast {
            text: text.into(),
            failure: Some(failure),
            at: now,
        });
    }

    fn push(&mut self, toast: Toast) {
        if self.0.len() == MOST {
            let passing = self
                .0
                .iter()
                .position(|toast| toast.failure.is_none())
                .unwrap_or(0);
            self.0.remove(passing);
        }
        self.0.push(toast);
    }

    /// Lets good news pass.
    pub(super) fn age(&mut self, now: Moment) {
        self.0
            .retain(|toast| toast.failure.is_some() || now.since(toast.at) < LIFETIME);
    }

    /// Takes the newest message away, bad news before good.
    pub(super) fn dismiss(&mut self) -> Option<Toast> {
        let bad = self.0.iter().rposition(|toast| toast.failure.is_some());
        bad.map(|index| self.0.remove(index))
            .or_else(|| self.0.pop())
    }

    /// Returns the message to show: the newest failure, else the newest of all.
    pub fn top(&self) -> Option<&Toast> {
        self.0
            .iter()
            .rfind(|toast| toast.failure.is_some())
            .or_else(|| self.0.last())
    }

    /// Returns how many messages there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
