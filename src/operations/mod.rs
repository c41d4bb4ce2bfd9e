//! The steps of each change, built on the client; the screen and the command line run the same.
//!
//! An operation reports through a [`Reporter`] and always ends with exactly one
//! [`Update::Ended`]. It never asks, never prints, and never sends a write twice.

mod follow;
mod snapshot;

use tokio::sync::mpsc;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{Operation, Outcome, Report, Update};
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::proxmox::{Client, Error};

/// Tells whoever watches how an operation goes.
#[derive(Debug, Clone)]
pub struct Reporter(mpsc::Sender<Update>);

impl Reporter {
    /// Reports into a channel; when it is full, progress is dropped and nothing else is.
    pub fn new(sender: mpsc::Sender<Update>) -> Self {
        Self(sender)
    }

    async fn step(&self, what: impl Into<String>) {
        // Nobody listening is no reason to stop half-way.
        let _ = self.0.send(Update::Step(what.into())).await;
    }

    async fn accepted(&self, upid: &Upid) {
        let _ = self.0.send(Update::Accepted(upid.clone())).await;
    }

    fn progress(&self, fraction: Option<f64>, line: Text) {
        let _ = self.0.try_send(Update::Progress { fraction, line });
    }

    async fn ended(&self, report: Report) {
        let _ = self.0.send(Update::Ended(Box::new(report))).await;
    }
}

/// Runs an operation to its end and reports it.
pub async fn run(client: &Client, operation: &Operation, reporter: &Reporter) {
    let report = match operation {
        Operation::TakeSnapshot(operation) => snapshot::take(client, operation, reporter).await,
        Operation::DeleteSnapshot(_)
        | Operation::KeepMark(_)
        | Operation::RollBack(_)
        | Operation::Power(_)
        | Operation::CloneGuest(_)
        | Operation::Prune(_) => Report::new(Outcome::Failed(Box::new(Failure::new(
            FailureKind::Refused,
            "its steps are not built yet",
        )))),
    };
    reporter.ended(report).await;
}

/// Makes the report of a request that the server did not accept, or of which nobody knows.
fn not_accepted(error: Error) -> Report {
    let unknown = error.outcome_unknown();
    let failure = Box::new(Failure::from(error));
    let outcome = if unknown {
        Outcome::Unknown(failure)
    } else {
        Outcome::Failed(failure)
    };
    Report::new(outcome)
}

/// Makes a failure that shows the end of a task's log.
fn task_failure(kind: FailureKind, reason: &Text, tail: &[Text]) -> Failure {
    let mut failure = Failure::new(kind, reason.clone());
    failure.details.extend_from_slice(tail);
    failure
}
