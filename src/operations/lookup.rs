//! Finds out what became of a write whose answer was lost, and where a guest has gone.
//!
//! Nothing here writes. Where the server's lists do not settle the matter it stays open: a guess
//! would be worse than "nobody knows" (SPEC §5.12).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::errand::Errand;
use crate::domain::guest::GuestRef;
use crate::domain::task::Upid;
use crate::proxmox::endpoints::TaskFilter;
use crate::proxmox::{Client, Error};

/// The pauses before each look into the task list: a forwarded request may begin late.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What the task list tells about a lost answer.
#[derive(Debug)]
pub(super) enum Finding {
    /// Exactly one task can be ours.
    Task(Upid),
    /// No task can be ours.
    Nothing,
    /// Several tasks could be ours.
    Several(usize),
    /// The list could not be read.
    Unreadable(Error),
}

/// Looks for the task of a write that was sent at or after `since` by the server's clock.
///
/// Ours is a task of the right type, about the right guest, of our account, that we do not hold yet.
pub(super) async fn lost_task<E: Errand>(
    client: &Client,
    errand: &E,
    guest: &GuestRef,
    since: DateTime<Utc>,
    held: &[Upid],
) -> Finding {
    let filter = TaskFilter {
        vmid: Some(guest.vmid),
        since: Some(since.timestamp()),
        ..TaskFilter::default()
    };
    let mut finding = Finding::Nothing;
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        let tasks = match client.tasks().of_node(&guest.node, &filter).await {
            Ok(tasks) => tasks,
            Err(error) => {
                finding = Finding::Unreadable(error);
                continue;
            }
        };
        let candidates: Vec<Upid> = tasks
            .into_iter()
            .map(|task| task.upid)
            .filter(|upid| {
                errand.task_kinds().contains(&upid.kind())
                    && upid.vmid() == Some(guest.vmid)
                    && upid.user() == client.account()
                    && upid.started().timestamp() >= since.timestamp()
                    && !held.contains(upid)
            })
            .collect();
        let mut ours = Vec::new();
        for upid in candidates {
            if errand.is_ours(client, &upid).await {
                ours.push(upid);
            }
        }
        finding = match (ours.pop(), ours.len()) {
            (None, _) => Finding::Nothing,
            (Some(upid), 0) => return Finding::Task(upid),
            (Some(_), others) => Finding::Several(others + 1),
        };
    }
    finding
}

/// Finds the node that has a guest now; absent when it is where it was thought to be, or nowhere.
pub(super) async fn moved(client: &Client, guest: &GuestRef) -> Result<Option<GuestRef>, Error> {
    let resources = client.cluster().resources().await?;
    let found = resources
        .guests
        .iter()
        .find(|found| found.vmid == guest.vmid && found.kind == guest.kind);
    Ok(found.and_then(|found| {
        // A guest that nobody has heard of for seconds has no name yet; its number and kind must do.
        let same_name = found.name.is_none() || found.name == guest.name;
        (same_name && found.node != guest.node).then(|| GuestRef {
            node: found.node.clone(),
            ..guest.clone()
        })
    }))
}
