//! Changes a guest's configuration until it is as wanted, without a task.
//!
//! What is wanted is reckoned from what is there, so that a lost answer is settled by reading again,
//! and nothing is written over what somebody else changed meanwhile (the digest, API.md §8).

use std::time::Duration;

use super::Context;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::operation::{ConfigChange, Outcome, Report};
use crate::proxmox::Error;

/// How often a busy guest, or one that others change too, is asked.
const TRIES: u32 = 5;

/// Writes what `wanted` still finds to be changed; nothing is written where that is nothing.
pub(super) async fn configure(
    context: Context<'_>,
    guest: &GuestRef,
    wanted: impl Fn(&GuestConfig) -> ConfigChange,
) -> Report {
    Report::new(match write(context, guest, &wanted).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(Box::new(error.into())),
    })
}

async fn write(
    context: Context<'_>,
    guest: &GuestRef,
    wanted: &impl Fn(&GuestConfig) -> ConfigChange,
) -> Result<Outcome, Error> {
    let guests = context.client.guests();
    for turn in 1.. {
        let config = guests.config(guest).await?;
        let change = wanted(&config);
        if change.is_empty() {
            return Ok(Outcome::Done);
        }
        let set: Vec<(&str, &str)> = change
            .set
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let written = guests.set_config(guest, &set, &change.delete, config.digest());
        match written.await {
            Ok(()) => return Ok(compare(context, guest, wanted, None).await),
            Err(error) if error.outcome_unknown() => {
                let step = "the answer was lost; reading the configuration again";
                context.reporter.step(step).await;
                return Ok(compare(context, guest, wanted, Some(error)).await);
            }
            // Both say that nothing was done (SPEC §5.12, API.md §8).
            Err(error)
                if turn < TRIES
                    && matches!(error.kind(), FailureKind::Busy | FailureKind::Conflict) =>
            {
                let pause = Duration::from_secs(u64::from(turn));
                let step = format!(
                    "the configuration was in use and nothing was done; asking again in {} s",
                    pause.as_secs()
                );
                context.reporter.step(step).await;
                if context.reporter.pause(pause).await {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    unreachable!("the last turn returns")
}

/// Reads the configuration again and compares; `lost` is why there was no answer to the write.
async fn compare(
    context: Context<'_>,
    guest: &GuestRef,
    wanted: &impl Fn(&GuestConfig) -> ConfigChange,
    lost: Option<Error>,
) -> Outcome {
    let config = match context.client.guests().config(guest).await {
        Ok(config) => config,
        Err(error) => {
            let mut failure = Failure::from(lost.unwrap_or(error));
            let what = "the configuration could not be read to make sure";
            failure.details.insert(0, what.into());
            return Outcome::Unknown(Box::new(failure));
        }
    };
    let missing = wanted(&config);
    if missing.is_empty() {
        return Outcome::Done;
    }
    let keys: Vec<&str> = missing
        .set
        .iter()
        .map(|(key, _)| *key)
        .chain(missing.delete)
        .collect();
    let keys = keys.join(", ");
    if let Some(error) = lost {
        let mut failure = Failure::from(error);
        let what = format!("not changed: {keys}; it was not sent again");
        failure.details.insert(0, what.into());
        return Outcome::Unknown(Box::new(failure));
    }
    let text = format!("the server took the change, but {keys} is not what was written");
    Outcome::Failed(Box::new(Failure::new(FailureKind::Conflict, text)))
}
