//! Writes a snapshot's description anew, with a keep mark or without.
//!
//! The call makes no task and knows no digest: the list is read before and after, and compared.

use super::delete_snapshot::changed;
use super::lookup::find_meant;
use super::{Context, refused};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::operation::{KeepMark, Outcome, Report};
use crate::proxmox::Error;

/// How often a busy guest is asked; the server waits 10 s each time.
const TRIES: u32 = 5;

/// Sets or takes off a keep mark, unless the description has been changed by somebody meanwhile.
pub(super) async fn mark(context: Context<'_>, operation: &KeepMark) -> Report {
    let guest = match find_meant(context.client, operation.guest()).await {
        Ok((guest, _)) => guest,
        Err(error) => return failed(error),
    };
    let list = match context.client.guests().snapshots(&guest).await {
        Ok(list) => list,
        Err(error) => return failed(error),
    };
    let snapshot = operation.snapshot();
    if let Some(reason) = changed(&list, snapshot) {
        return refused(FailureKind::Conflict, reason);
    }
    let is_as_it_was = list
        .find(snapshot.name.raw())
        .is_some_and(|found| found.description == snapshot.description);
    if !is_as_it_was {
        let reason = format!("the description of {} was changed meanwhile", snapshot.name);
        return refused(FailureKind::Conflict, reason);
    }
    context.reporter.step("writing the description").await;
    match write(context, operation, &guest).await {
        Ok(()) => compare(context, operation, &guest, None).await,
        Err(error) if error.outcome_unknown() => {
            let step = "the answer was lost; reading the description again";
            context.reporter.step(step).await;
            compare(context, operation, &guest, Some(error)).await
        }
        Err(error) => failed(error),
    }
}

/// Sends the description; again only when the server says that the guest was busy.
async fn write(context: Context<'_>, operation: &KeepMark, guest: &GuestRef) -> Result<(), Error> {
    let name = operation.snapshot().name.raw();
    for turn in 1.. {
        let result = context
            .client
            .guests()
            .describe_snapshot(guest, name, operation.description())
            .await;
        match result {
            Err(error) if error.kind() == FailureKind::Busy && turn < TRIES => {
                let pause = std::time::Duration::from_secs(u64::from(turn));
                let step = format!(
                    "the guest is busy and nothing was done; asking again in {} s",
                    pause.as_secs()
                );
                context.reporter.step(step).await;
                if context.reporter.pause(pause).await {
                    return Err(error);
                }
            }
            result => return result,
        }
    }
    unreachable!("the last turn returns")
}

/// Reads the list again and compares; `lost` is why there was no answer to the write.
async fn compare(
    context: Context<'_>,
    operation: &KeepMark,
    guest: &GuestRef,
    lost: Option<Error>,
) -> Report {
    let name = &operation.snapshot().name;
    let list = match context.client.guests().snapshots(guest).await {
        Ok(list) => list,
        Err(error) => {
            let mut failure = Failure::from(lost.unwrap_or(error));
            let what = "the description could not be read to make sure";
            failure.details.insert(0, what.into());
            return Report::new(Outcome::Unknown(Box::new(failure)));
        }
    };
    // Containers end their descriptions with a line break, machines lose theirs (recording 620).
    let is_written = list.find(name.raw()).is_some_and(|found| {
        found.description.raw().trim_end() == operation.description().trim_end()
    });
    match lost {
        _ if is_written => Report::new(Outcome::Done),
        Some(error) => {
            let mut failure = Failure::from(error);
            let what = "the description is not there; it was not sent again";
            failure.details.insert(0, what.into());
            Report::new(Outcome::Unknown(Box::new(failure)))
        }
        None => refused(
            FailureKind::Conflict,
            format!(
                "the description of {name} is not what was written: somebody changed it at once"
            ),
        ),
    }
}

fn failed(error: Error) -> Report {
    Report::new(Outcome::Failed(Box::new(Failure::from(error))))
}
