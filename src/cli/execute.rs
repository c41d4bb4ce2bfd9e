//! Runs one checked operation to its end, or until a person has had enough.
//!
//! Whoever asks once for the end gets the step at work finished and no other begun; whoever asks
//! again leaves at once.

use std::pin::pin;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connect::Session;
use super::progress::Progress;
use crate::domain::operation::{Operation, Report, Update};
use crate::domain::task::Upid;
use crate::notify::Notifier;
use crate::operations::{self, Reporter, WriteAccess};
use crate::runtime::Ending;

/// How the watching of an operation ended.
#[derive(Debug)]
pub(super) enum Watched {
    /// With the operation.
    Ended(Box<Report>),
    /// With the step that was at work when a person asked for the end.
    Stopped(Box<Report>),
    /// Before that; these tasks go on at the server.
    Left(Vec<Upid>),
}

/// Whom an operation may hear from and tell, beside whoever watches it.
pub(super) struct Wires {
    /// Who tells people elsewhere.
    pub(super) notifier: Notifier,
    /// Ends a trial by keeping what it changed.
    pub(super) keep: CancellationToken,
}

impl Default for Wires {
    /// Nobody is told, and nothing on trial is kept.
    fn default() -> Self {
        Self {
            notifier: Notifier::new(Vec::new()),
            keep: CancellationToken::new(),
        }
    }
}

/// Runs an operation and shows how it goes.
pub(super) async fn execute(
    session: &Session,
    operation: &Operation,
    access: &WriteAccess,
    wires: Wires,
    progress: &mut Progress<'_>,
    ending: &mut Ending,
) -> Watched {
    let (sender, mut updates) = mpsc::channel(32);
    let stop = CancellationToken::new();
    let reporter = Reporter::new(sender)
        .with_stop(stop.clone())
        .with_keep(wires.keep)
        .with_resolver(session.resolver.clone())
        .with_profiles(session.profiles.clone())
        .with_notifier(wires.notifier);
    let client = &session.client;
    let mut work = pin!(operations::run(client, operation, &reporter, access));
    let mut working = true;
    tracing::info!("begins: {}", operation.title());
    loop {
        let update = tokio::select! {
            biased;
            () = ending.wait() => {
                if stop.is_cancelled() {
                    tracing::warn!("left: {}", operation.title());
                    return Watched::Left(reporter.at_work());
                }
                stop.cancel();
                progress.note("proxdeck: finishing the running step; again to leave at once");
                continue;
            }
            Some(update) = updates.recv() => update,
            () = &mut work, if working => {
                working = false;
                continue;
            }
        };
        match update {
            Update::Accepted(upid) => progress.tell(None, &upid),
            Update::Progress { fraction, line } => progress.tell(fraction, line),
            Update::Step(step) => progress.tell(None, step),
            Update::Ended(report) => {
                tracing::info!("{}: {}", report.outcome.as_str(), operation.title());
                return if stop.is_cancelled() {
                    Watched::Stopped(report)
                } else {
                    Watched::Ended(report)
                };
            }
        }
    }
}
