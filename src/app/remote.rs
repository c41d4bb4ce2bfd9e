//! A value that the server has and that is asked for when needed.

use std::time::Duration;

use super::effect::Ticket;
use crate::domain::failure::Failure;
use crate::domain::time::{Dated, Moment};

/// After a failed question so long passes before it is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// What is known of a remote value: the last answer, the last failure, and whether one is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote<T> {
    answer: Option<Dated<T>>,
    failure: Option<Dated<Failure>>,
    pending: Option<Ticket>,
    outdated: bool,
}

impl<T> Default for Remote<T> {
    fn default() -> Self {
        Self {
            answer: None,
            failure: None,
            pending: None,
            outdated: false,
        }
    }
}

impl<T> Remote<T> {
    /// Returns the last answer.
    pub fn answer(&self) -> Option<&Dated<T>> {
        self.answer.as_ref()
    }

    /// Returns the last answer's value.
    pub fn value(&self) -> Option<&T> {
        self.answer.as_ref().map(|dated| &dated.value)
    }

    /// Returns why the last question failed; absent after an answer.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref().map(|dated| &dated.value)
    }

    /// Returns why the last question failed, and when.
    pub(super) fn dated_failure(&self) -> Option<&Dated<Failure>> {
        self.failure.as_ref()
    }

    /// Tells whether the value is known to have changed since it was asked for.
    pub(super) fn is_outdated(&self) -> bool {
        self.outdated
    }

    /// Tells whether an answer is awaited.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Tells whether there is neither an answer nor a failure yet.
    pub fn is_open(&self) -> bool {
        self.answer.is_none() && self.failure.is_none()
    }

    /// Tells whether the answer to this question is awaited.
    pub(super) fn awaits(&self, ticket: Ticket) -> bool {
        self.pending == Some(ticket)
    }

    /// Tells whether it should be asked for, an answer being good for `lifetime`.
    pub fn is_due(&self, now: Moment, lifetime: Duration) -> bool {
        self.is_due_after(now, lifetime, RETRY_AFTER)
    }

    /// Tells the same where a failed question is asked again after a time of its own.
    pub fn is_due_after(&self, now: Moment, lifetime: Duration, retry: Duration) -> bool {
        if self.pending.is_some() {
            return false;
        }
        if let Some(failure) = &self.failure {
            return now.since(failure.read) >= retry;
        }
        self.outdated
            || self
                .answer
                .as_ref()
                .is_none_or(|answer| now.since(answer.read) >= lifetime)
    }

    /// Notes that the value is known to have changed.
    pub fn outdate(&mut self) {
        self.outdated = true;
        self.failure = None;
    }

    /// Notes that it was asked for.
    pub fn ask(&mut self, ticket: Ticket) {
        self.pending = Some(ticket);
        self.outdated = false;
    }

    /// Takes in the result of a question; a late answer to an older one is ignored.
    pub fn settle(&mut self, ticket: Ticket, now: Moment, result: Result<T, Failure>) {
        if self.pending != Some(ticket) {
            return;
        }
        self.pending = None;
        match result {
            Ok(value) => {
                self.answer = Some(Dated::new(now, value));
                self.failure = None;
            }
            Err(failure) => self.failure = Some(Dated::new(now, failure)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    const LIFETIME: Duration = Duration::from_secs(60);

    #[test]
    fn a_late_answer_to_an_old_question_changes_nothing() {
        let mut remote = Remote::default();
        remote.ask(Ticket(1));
        remote.ask(Ticket(2));
        remote.settle(Ticket(1), at(1), Ok("old"));
        assert_eq!(remote.value(), None);
        remote.settle(Ticket(2), at(2), Ok("new"));
        assert_eq!(remote.value(), Some(&"new"));
    }

    #[test]
    fn it_is_asked_for_once_again_when_old_or_outdated_and_later_after_a_failure() {
        let mut remote = Remote::default();
        assert!(remote.is_due(at(0), LIFETIME));
        remote.ask(Ticket(1));
        assert!(!remote.is_due(at(99), LIFETIME));
        remote.settle(Ticket(1), at(100), Ok(1));
        assert!(!remote.is_due(at(159), LIFETIME));
        assert!(remote.is_due(at(160), LIFETIME));
        remote.outdate();
        assert!(remote.is_due(at(101), LIFETIME));
        remote.ask(Ticket(2));
        remote.settle(
            Ticket(2),
            at(200),
            Err(Failure::new(FailureKind::Unreachable, "")),
        );
        assert!(!remote.is_due(at(209), LIFETIME));
        assert!(remote.is_due(at(210), LIFETIME));
        assert_eq!(remote.value(), Some(&1), "the last answer stays");
    }
}
