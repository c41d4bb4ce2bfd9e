//! Finds out who has a guest's number, where a guest has gone, and what became of a lost answer.
//!
//! Nothing here writes. Where the server's lists do not settle the matter it stays open: a guess
//! would be worse than "nobody knows" (SPEC §5.12).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::errand::Errand;
use crate::domain::failure::FailureKind;
use crate::domain::guest::{GuestRef, LiveState};
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

/// Reads what a guest does, and makes sure that it is the one that was meant.
///
/// What is to be done may have been confirmed on an old screen: the link was down, the machine
/// slept. Numbers are used again, so a number alone names nobody (SPEC §5.12).
pub(super) async fn still_meant(client: &Client, guest: &GuestRef) -> Result<LiveState, Error> {
    let state = client.guests().state(guest).await?;
    // Where one of the names is not known they cannot differ; number and kind must do.
    if let (Some(now), Some(meant)) = (&state.name, &guest.name)
        && now != meant
    {
        let reason = format!("guest {} is now called {now}", guest.vmid);
        return Err(Error::unsent(FailureKind::Conflict, reason));
    }
    Ok(state)
}

/// Does the same wherever the guest is now, and says where that is.
pub(super) async fn find_meant(
    client: &Client,
    guest: &GuestRef,
) -> Result<(GuestRef, LiveState), Error> {
    let error = match still_meant(client, guest).await {
        Ok(state) => return Ok((guest.clone(), state)),
        Err(error) => error,
    };
    if error.kind() == FailureKind::NoSuchGuest
        && let Ok(Whereabouts::Elsewhere(found)) = whereabouts(client, guest).await
    {
        let state = still_meant(client, &found).await?;
        return Ok((found, state));
    }
    Err(error)
}

/// Where a guest is that was not found on its node.
#[derive(Debug)]
pub(super) enum Whereabouts {
    /// On another node.
    Elsewhere(GuestRef),
    /// Where it was thought to be, says the cluster: the two answers contradict each other.
    Here,
    /// Nowhere, or its number belongs to another guest now.
    Gone,
}

/// Finds the node that has a guest now.
pub(super) async fn whereabouts(client: &Client, guest: &GuestRef) -> Result<Whereabouts, Error> {
    let resources = client.cluster().resources().await?;
    let found = resources.guests.iter().find(|found| {
        // A guest that nobody has heard of for seconds has no name yet; its number and kind must do.
        found.vmid == guest.vmid
            && found.kind == guest.kind
            && (found.name.is_none() || found.name == guest.name)
    });
    Ok(match found {
        None => Whereabouts::Gone,
        Some(found) if found.node == guest.node => Whereabouts::Here,
        Some(found) => Whereabouts::Elsewhere(GuestRef {
            node: found.node.clone(),
            ..guest.clone()
        }),
    })
}
