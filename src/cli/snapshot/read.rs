//! Reads the snapshot lists of several guests, a few at once.

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::cli::progress::Progress;
use crate::domain::guest::Guest;
use crate::domain::snapshot::SnapshotList;
use crate::proxmox::{Client, Error};

/// A command asked for reads so many lists at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// Reads the list of each guest; results come in the order of the guests.
pub(super) async fn lists<'a>(
    client: &Client,
    guests: &[&'a Guest],
    progress: &Progress<'_>,
) -> Vec<(&'a Guest, Result<SnapshotList, Error>)> {
    stream::iter(guests.iter().copied())
        .map(|guest| async move {
            let list = client.guests().snapshots(&guest.to_ref()).await;
            progress.advance();
            (guest, list)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}
