//! Something that a look at the cluster could not read, or may not.

use serde::Serialize;

use super::complaint::Complaint;
use super::output::Output;
use crate::domain::failure::{Failure, FailureKind};

/// Something that could not be read, or may not be seen.
#[derive(Debug, Serialize)]
pub(super) struct Unread {
    /// What, in words.
    pub(super) what: String,
    error: Complaint,
    /// Whether the account may not see it, ever; that is no failure of this run.
    forbidden: bool,
}

impl Unread {
    pub(super) fn new(what: impl Into<String>, failure: &Failure) -> Self {
        Self {
            what: what.into(),
            error: Complaint::of_failure(failure),
            forbidden: failure.kind == FailureKind::Forbidden,
        }
    }

    /// Tells whether it makes the whole look incomplete.
    pub(super) fn counts(&self) -> bool {
        !self.forbidden
    }

    /// Says it on stderr.
    pub(super) fn tell(&self, output: &Output) {
        let verb = if self.forbidden {
            "is not for this account to see"
        } else {
            "could not be read"
        };
        output.note(format_args!(
            "proxdeck: {} {verb}: {}",
            self.what,
            self.error.message()
        ));
    }
}
