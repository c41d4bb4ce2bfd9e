//! Runs one checked operation to its end, or until a person has had enough.

use std::pin::pin;

use tokio::sync::mpsc;

use super::progress::Progress;
use crate::domain::operation::{Operation, Report, Update};
use crate::domain::task::Upid;
use crate::operations::{self, Reporter, WriteAccess};
use crate::proxmox::Client;
use crate::runtime::Ending;

/// How the watching of an operation ended.
#[derive(Debug)]
pub(super) enum Watched {
    /// With the operation.
    Ended(Report),
    /// Before it; what the server had accepted goes on there.
    Left(Option<Upid>),
}

/// Runs an operation and shows how it goes.
pub(super) async fn execute(
    client: &Client,
    operation: &Operation,
    access: &WriteAccess,
    progress: &mut Progress<'_>,
    ending: &mut Ending,
) -> Watched {
    let (sender, mut updates) = mpsc::channel(32);
    let reporter = Reporter::new(sender);
    let mut work = pin!(operations::run(client, operation, &reporter, access));
    let mut working = true;
    let mut accepted = None;
    tracing::info!("begins: {}", operation.title());
    loop {
        let update = tokio::select! {
            biased;
            () = ending.wait() => {
                tracing::warn!("left: {}", operation.title());
                return Watched::Left(accepted);
            }
            Some(update) = updates.recv() => update,
            () = &mut work, if working => {
                working = false;
                continue;
            }
        };
        match update {
            Update::Accepted(upid) => {
                progress.tell(None, &upid);
                accepted = Some(upid);
            }
            Update::Progress { fraction, line } => progress.tell(fraction, line),
            Update::Step(step) => progress.tell(None, step),
            Update::Ended(report) => {
                tracing::info!("{}: {}", report.outcome.as_str(), operation.title());
                return Watched::Ended(*report);
            }
        }
    }
}
