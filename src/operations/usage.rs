//! Reads what a guest has used within a period: where it comes from, and up to four histories.

use crate::domain::failure::FailureKind;
use crate::domain::guest::{Guest, Status};
use crate::domain::history::{Series, Span};
use crate::domain::usage::{Account, Origin, Period, next_frame};
use crate::proxmox::{Client, Error};

/// Reads a guest's configuration for where it comes from; needs VM.Audit.
///
/// A guest of a silent node is not asked about: every question would be waited for until it fails.
pub async fn origin(client: &Client, guest: &Guest) -> Result<Origin, Error> {
    if guest.status == Status::Unknown {
        return Ok(Origin::default());
    }
    let config = client.guests().config(&guest.to_ref()).await?;
    Ok(Origin::of(&config))
}

/// Reads as much of a guest's history as its period wants, and adds it up; needs VM.Audit.
///
/// A guest without a history is reckoned since boot, and so is what the history does not know.
pub async fn account(
    client: &Client,
    guest: &Guest,
    origin: &Origin,
    period: &Period,
) -> Result<Account, Error> {
    let own = period.since(origin.birth);
    let mut read: Vec<(Span, Series)> = Vec::new();
    loop {
        let known: Vec<(Span, &Series)> =
            read.iter().map(|(span, series)| (*span, series)).collect();
        let Some(span) = next_frame(&known, &own, own.until) else {
            break;
        };
        match client.guests().history(&guest.to_ref(), span).await {
            Ok(series) => read.push((span, series)),
            // A guest that has only just been made has no history yet (recording 101).
            Err(error) if error.kind() == FailureKind::Server => break,
            Err(error) => return Err(error),
        }
    }
    let series: Vec<&Series> = read.iter().map(|(_, series)| series).collect();
    Ok(Account::of_history(guest, origin, &series, period))
}
