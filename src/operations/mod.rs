//! The steps of each change, built on the client; the screen and the command line run the same.
//!
//! An operation reports through a [`Reporter`] and always ends with exactly one
//! [`Update::Ended`]. It never asks, never prints, and never sends a write twice unless the server
//! has said that nothing was done. [`run`] is the one way in: what may not be written at all is
//! refused there, and every change is noted in the audit log before and after.

mod audit;
mod batch;
mod clone_guest;
mod configure;
mod create_guest;
mod delete_snapshot;
mod destroy;
mod enforce;
mod errand;
mod fence;
mod follow;
mod grow;
mod ids;
mod keep;
mod lookup;
pub mod network;
mod parts;
mod power;
mod prune;
mod resolver;
mod roll_back;
mod snapshot;
mod start;
mod throttle;
pub mod usage;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use audit::{AuditLog, WriteAccess};
pub use resolver::Resolver;
pub use throttle::read_throttle;

use audit::{Auditor, Watch};
use batch::Board;
use ids::Ids;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::network::NetworkProfile;
use crate::domain::operation::{Operation, Outcome, Report, Update};
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::notify::Notifier;
use crate::proxmox::Client;

/// Tells whoever watches how an operation goes, and hears from them when no further step is wanted.
#[derive(Debug, Clone)]
pub struct Reporter {
    updates: mpsc::Sender<Update>,
    stop: CancellationToken,
    /// Ends a trial by keeping what it changed.
    keep: CancellationToken,
    /// Who knows the addresses of names.
    resolver: Resolver,
    /// The network profiles that guests may belong to, where they are told.
    profiles: Option<Arc<[NetworkProfile]>>,
    /// Who tells people elsewhere.
    notifier: Option<Notifier>,
    /// Which part of a larger change it reports about, if so.
    part: Option<(Board, usize)>,
    /// The tasks whose end is not known yet.
    at_work: Arc<Mutex<Vec<Upid>>>,
}

impl Reporter {
    /// Reports into a channel; when it is full, progress is dropped and nothing else is.
    pub fn new(updates: mpsc::Sender<Update>) -> Self {
        Self {
            updates,
            stop: CancellationToken::new(),
            keep: CancellationToken::new(),
            resolver: Resolver::system(),
            profiles: None,
            notifier: None,
            part: None,
            at_work: Arc::default(),
        }
    }

    /// Lets `stop` ask the operation to finish the step at work and to begin no other.
    ///
    /// No task is ever killed by it: not a snapshot, which would lock its guest, and not a copy
    /// that has run for hours. What was left out is reported.
    #[must_use]
    pub fn with_stop(mut self, stop: CancellationToken) -> Self {
        self.stop = stop;
        self
    }

    /// Lets `keep` end a trial: what it changed stays. Without it a trial is put back in any case.
    #[must_use]
    pub fn with_keep(mut self, keep: CancellationToken) -> Self {
        self.keep = keep;
        self
    }

    /// Lets an operation ask another than the system for the addresses of names.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Resolver) -> Self {
        self.resolver = resolver;
        self
    }

    /// Names the network profiles of the config; without them no operation fences a guest in by itself.
    #[must_use]
    pub fn with_profiles(mut self, profiles: impl Into<Arc<[NetworkProfile]>>) -> Self {
        self.profiles = Some(profiles.into());
        self
    }

    /// Returns the network profile of a name.
    fn profile(&self, name: &str) -> Option<&NetworkProfile> {
        let profiles = self.profiles.as_deref().unwrap_or_default();
        profiles.iter().find(|profile| profile.name == name)
    }

    /// Lets an operation tell people elsewhere of what it did; without it they are not told.
    #[must_use]
    pub fn with_notifier(mut self, notifier: Notifier) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Returns the tasks that were begun and whose end is not known: what goes on without us.
    pub fn at_work(&self) -> Vec<Upid> {
        self.tasks().clone()
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Upid>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn step(&self, what: impl Into<String>) {
        // Nobody listening is no reason to stop half-way.
        let _ = self.updates.send(Update::Step(what.into())).await;
    }

    async fn accepted(&self, upid: &Upid) {
        self.tasks().push(upid.clone());
        let _ = self.updates.send(Update::Accepted(upid.clone())).await;
    }

    /// Notes that a task's end is known.
    fn settled(&self, upid: &Upid) {
        self.tasks().retain(|task| task != upid);
    }

    fn progress(&self, fraction: Option<f64>, line: Text) {
        let fraction = match &self.part {
            None => fraction,
            // What one part cannot tell, the whole cannot either; it stays where it was.
            Some((board, index)) => Some(board.note(*index, fraction.unwrap_or_default())),
        };
        let _ = self.updates.try_send(Update::Progress { fraction, line });
    }

    async fn ended(&self, report: Report) {
        let _ = self.updates.send(Update::Ended(Box::new(report))).await;
    }

    /// Tells whether no further step is to be begun.
    fn stop_requested(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Waits for a while; returns true, and at once, when no further step is to be begun.
    async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => true,
            () = tokio::time::sleep(pause) => false,
        }
    }
}

/// What every step works with.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    client: &'a Client,
    reporter: &'a Reporter,
    auditor: &'a Auditor<'a>,
    ids: &'a Ids,
}

/// Runs an operation to its end and reports it.
///
/// With [`WriteAccess::ReadOnly`] nothing is sent. A line that the audit log could not take stops
/// no operation; the report's notes say so. Dropped before its end it leaves a line for each task
/// that goes on without it.
pub async fn run(
    client: &Client,
    operation: &Operation,
    reporter: &Reporter,
    access: &WriteAccess,
) {
    let log = match access {
        WriteAccess::ReadOnly => {
            let failure = Failure::new(
                FailureKind::Refused,
                "read-only: this program was told to change nothing",
            );
            let report = Report::new(Outcome::Failed(Box::new(failure)));
            return reporter.ended(report).await;
        }
        WriteAccess::Logged(log) => Some(log),
        WriteAccess::Unlogged => None,
    };
    if client.server_time().is_none() {
        // The answer's date is what matters: lost answers are looked up, and lines are dated, by it.
        let _ = client.access().version().await;
    }
    let auditor = Auditor::new(log, client.account());
    auditor.begins(operation, client.server_time());
    let watch = Watch::new(&auditor, operation, client, reporter);
    let context = Context {
        client,
        reporter,
        auditor: &auditor,
        ids: &Ids::default(),
    };
    let mut report = execute(context, operation).await;
    watch.end();
    let overridden = operation.overridden_throttle();
    report
        .notes
        .extend(overridden.map(|reason| format!("throttle overridden: {reason}")));
    auditor.ended(operation, &report, client.server_time());
    report.unlogged = auditor.failure().map(str::to_owned);
    report.notes.extend(report.unlogged.clone());
    reporter.ended(report).await;
}

async fn execute(context: Context<'_>, operation: &Operation) -> Report {
    match operation {
        Operation::TakeSnapshot(operation) => snapshot::take(context, operation).await.report,
        Operation::DeleteSnapshot(operation) => delete_snapshot::delete(context, operation).await,
        Operation::KeepMark(operation) => keep::mark(context, operation).await,
        Operation::RollBack(operation) => roll_back::roll_back(context, operation).await,
        Operation::Power(operation) => power::change(context, operation).await,
        Operation::CloneGuest(operation) => clone_guest::clone(context, operation).await,
        Operation::CreateGuest(operation) => create_guest::create(context, operation).await,
        Operation::Batch(batch) => batch::carry_out_all(context, batch).await,
        Operation::Destroy(operation) => destroy::destroy(context, operation.as_ref()).await,
        Operation::Prune(operation) => prune::prune(context, operation).await,
        Operation::Enforce(operation) => enforce::enforce(context, operation).await,
        // Boxed, for it is larger than all others, and each caller's future would be as large.
        Operation::Network(operation) => Box::pin(network::change(context, operation)).await,
    }
}

/// Makes the report of an operation that gave up before it wrote anything.
fn refused(kind: FailureKind, reason: impl Into<Text>) -> Report {
    Report::new(Outcome::Failed(Box::new(Failure::new(kind, reason))))
}

/// Makes the outcome of a task that ended well, but whose result could not be looked at.
fn unverified(error: impl Into<Failure>) -> Outcome {
    let mut failure = error.into();
    let what = "the task ended well, but its result could not be read to make sure";
    failure.details.insert(0, what.into());
    Outcome::Unknown(Box::new(failure))
}

/// Makes a failure that shows the end of a task's log.
fn task_failure(kind: FailureKind, reason: &Text, tail: &[Text]) -> Failure {
    let mut failure = Failure::new(kind, reason.clone());
    failure.details.extend_from_slice(tail);
    failure
}
