//! Takes a snapshot and makes sure that it is there.

use super::follow::{End, follow};
use super::{Reporter, not_accepted, task_failure};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{
    Outcome, Product, Report, SizeEstimate, SnapshotFacts, TakeSnapshot,
};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::{TaskState, Upid};
use crate::domain::text::Text;
use crate::proxmox::Client;
use crate::proxmox::endpoints::SnapshotSpec;

/// Takes a snapshot: asks, follows the task, and looks for the snapshot in the guest's list.
///
/// A task that ends well without the snapshot is `SnapshotMissing`; one that fails is
/// `SnapshotFailed`, with the last lines of its log (SPEC §5.4).
pub(super) async fn take(client: &Client, operation: &TakeSnapshot, reporter: &Reporter) -> Report {
    let spec = SnapshotSpec {
        name: operation.name(),
        description: operation.description(),
        ram: operation.with_ram(),
    };
    reporter
        .step(format!("asking for snapshot {}", operation.name()))
        .await;
    let upid = match client.guests().snapshot(operation.guest(), spec).await {
        Ok(upid) => upid,
        Err(error) => return not_accepted(error),
    };
    reporter.accepted(&upid).await;
    let followed = follow(client, &upid, reporter).await;
    let (outcome, product) = match followed.end {
        End::Known(TaskState::Ok) => verify(client, operation, reporter, Outcome::Done).await,
        End::Known(TaskState::Warnings(count)) => {
            verify(client, operation, reporter, Outcome::Warnings(count)).await
        }
        End::Known(state) => (
            Outcome::Failed(Box::new(failed(&state, &followed.tail))),
            None,
        ),
        End::Lost(error) => (
            Outcome::Unknown(Box::new(lost(&upid, Failure::from(error)))),
            None,
        ),
    };
    Report::new(outcome).with_upid(upid).with_product(product)
}

async fn verify(
    client: &Client,
    operation: &TakeSnapshot,
    reporter: &Reporter,
    outcome: Outcome,
) -> (Outcome, Option<Product>) {
    reporter.step("looking for it in the guest's list").await;
    let list = match client.guests().snapshots(operation.guest()).await {
        Ok(list) => list,
        Err(error) => {
            let mut failure = Failure::from(error);
            failure.details.insert(
                0,
                "the task ended well, but the list could not be read to make sure".into(),
            );
            return (Outcome::Unknown(Box::new(failure)), None);
        }
    };
    match list.find(operation.name().as_str()) {
        Some(found) if found.unfinished.is_none() => {
            (outcome, Some(Product::Snapshot(facts(found))))
        }
        _ => {
            let text = format!(
                "the task ended well, but {} is not in the guest's list",
                operation.name()
            );
            (
                Outcome::Failed(Box::new(Failure::new(FailureKind::SnapshotMissing, text))),
                None,
            )
        }
    }
}

fn facts(snapshot: &Snapshot) -> SnapshotFacts {
    SnapshotFacts {
        name: snapshot.name.clone(),
        taken: snapshot.taken,
        parent: snapshot.parent.clone(),
        has_ram: snapshot.has_ram,
        description: snapshot.description.clone(),
        size: SizeEstimate::Unknown,
    }
}

fn failed(state: &TaskState, tail: &[Text]) -> Failure {
    task_failure(
        FailureKind::SnapshotFailed,
        &Text::new(state.to_string()),
        tail,
    )
}

fn lost(upid: &Upid, mut failure: Failure) -> Failure {
    failure
        .details
        .insert(0, Text::new(format!("the task was {upid}")));
    failure
}
