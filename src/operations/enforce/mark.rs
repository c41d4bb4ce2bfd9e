//! Writes a throttle into a pool's comment, or takes it out, and makes sure.
//!
//! A pool has no digest and the last writer wins, so the comment is read right before the write and
//! right after it. No task is made: a lost answer is settled by reading again (SPEC §5.12).

use std::time::Duration;

use crate::domain::failure::{Failure, FailureKind};
use crate::domain::id::PoolName;
use crate::domain::operation::{Fate, Outcome};
use crate::domain::throttle::{self, Found, Marker};
use crate::operations::Context;
use crate::proxmox::{Client, Error};

/// How often a busy cluster is asked; it waits 10 s each time.
const TRIES: u32 = 5;

/// What the comment is to hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// This throttle.
    Set(&'a Marker),
    /// None.
    Lifted,
}

impl Wanted<'_> {
    /// Returns the comment as it should be.
    fn written_into(self, comment: &str) -> String {
        match self {
            Self::Set(marker) => throttle::set(comment, marker),
            Self::Lifted => throttle::lift(comment),
        }
    }

    /// Tells whether somebody else has brought about the same.
    fn is_met(self, found: &Found) -> bool {
        match (self, found) {
            (Self::Set(marker), Found::One(there)) => there.tier() == marker.tier(),
            (Self::Lifted, Found::None) => true,
            (Self::Set(_), Found::None | Found::Malformed(_))
            | (Self::Lifted, Found::One(_) | Found::Malformed(_)) => false,
        }
    }

    /// Tells whether what is there is what this run wrote.
    fn is_ours(self, found: &Found) -> bool {
        match self {
            Self::Set(marker) => found.marker() == Some(marker),
            Self::Lifted => *found == Found::None,
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Marked {
    /// This run has written it.
    Ours,
    /// It was there already, or somebody else wrote the same at once.
    Theirs,
    /// It is not there, or nobody knows.
    Not(Fate),
}

/// Changes the throttle in a pool's comment, unless it is not as the plan saw it (`seen`).
pub(super) async fn mark(
    context: Context<'_>,
    pool: &PoolName,
    seen: Option<&Found>,
    wanted: Wanted<'_>,
) -> Marked {
    let comment = match comment(context.client, pool).await {
        Ok(comment) => comment,
        Err(error) => return failed(error),
    };
    let found = throttle::find(&comment);
    if wanted.is_met(&found) {
        return Marked::Theirs;
    }
    if seen != Some(&found) {
        let reason = "the throttle was changed since the plan was made; plan again";
        return Marked::Not(Fate::Skipped(reason.to_owned()));
    }
    let lost = match write(context, pool, &wanted.written_into(&comment)).await {
        Ok(()) => None,
        Err(error) if error.outcome_unknown() => {
            let step = "the answer was lost; reading the comment again";
            context.reporter.step(step).await;
            Some(error)
        }
        Err(error) => return failed(error),
    };
    compare(context.client, pool, wanted, lost).await
}

/// Sends the comment; again only when the server says that it was busy and did nothing.
async fn write(context: Context<'_>, pool: &PoolName, comment: &str) -> Result<(), Error> {
    let mut turn = 1;
    loop {
        match context.client.pools().set_comment(pool, comment).await {
            Err(error) if error.kind() == FailureKind::Busy && turn < TRIES => {
                let pause = Duration::from_secs(u64::from(turn));
                let step = format!(
                    "the cluster is busy and nothing was done; asking again in {} s",
                    pause.as_secs()
                );
                context.reporter.step(step).await;
                if context.reporter.pause(pause).await {
                    return Err(error);
                }
            }
            result => return result,
        }
        turn += 1;
    }
}

/// Reads the comment again and compares; `lost` is why there was no answer to the write.
async fn compare(
    client: &Client,
    pool: &PoolName,
    wanted: Wanted<'_>,
    lost: Option<Error>,
) -> Marked {
    let found = match comment(client, pool).await {
        Ok(comment) => throttle::find(&comment),
        Err(error) => {
            let mut failure = Failure::from(lost.unwrap_or(error));
            let what = "the comment could not be read to make sure";
            failure.details.insert(0, what.into());
            return unknown(failure);
        }
    };
    if wanted.is_ours(&found) {
        return Marked::Ours;
    }
    if wanted.is_met(&found) {
        return Marked::Theirs;
    }
    if let Some(error) = lost {
        let mut failure = Failure::from(error);
        let what = "the comment is not as it was written; it was not sent again";
        failure.details.insert(0, what.into());
        return unknown(failure);
    }
    let text =
        format!("the comment of pool {pool} is not as it was written: somebody changed it at once");
    let failure = Failure::new(FailureKind::Conflict, text);
    Marked::Not(Fate::Ended(Outcome::Failed(Box::new(failure))))
}

async fn comment(client: &Client, pool: &PoolName) -> Result<String, Error> {
    let comment = client.pools().comment(pool).await?;
    Ok(comment.map_or_else(String::new, |text| text.raw().to_owned()))
}

fn failed(error: Error) -> Marked {
    let failure = Failure::from(error);
    Marked::Not(Fate::Ended(Outcome::Failed(Box::new(failure))))
}

fn unknown(failure: Failure) -> Marked {
    Marked::Not(Fate::Ended(Outcome::Unknown(Box::new(failure))))
}
