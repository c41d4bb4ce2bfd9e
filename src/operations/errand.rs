//! One write that makes a task, from the request to the proof that it did what was wanted.
//!
//! This is where a write is sent, and the only place that ever sends one again: when the server has
//! said that nothing was done (SPEC §5.12). Everything else is looked up.

use std::time::Duration;

use super::follow::{End, Following, follow};
use super::lookup::{Finding, Whereabouts, lost_task, whereabouts};
use super::{Context, task_failure};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::operation::{Outcome, Product, Report};
use crate::domain::task::{TaskState, Upid};
use crate::domain::text::Text;
use crate::proxmox::{Client, Error, kind_of_task_end};

/// The pauses before a guest that was busy is asked again; the server itself waits 10 s each time,
/// and its own clean-up may hold a guest for 30 s (recordings, note 7).
const BUSY_PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// A write that makes a task.
pub(super) trait Errand {
    /// What its failure is called.
    const FAILURE: FailureKind;

    /// Returns the guest, where it was last seen.
    fn guest(&self) -> &GuestRef;

    /// Returns the types that its task may have.
    fn task_kinds(&self) -> &'static [&'static str];

    /// Looks once more whether the write is wanted, right before each sending of it.
    ///
    /// An error counts as a refusal: nothing was sent.
    async fn look_again(&self, _client: &Client, _guest: &GuestRef) -> Result<(), Error> {
        Ok(())
    }

    /// Sends the write, once.
    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error>;

    /// Tells whether all that its task would have made or removed is as it was before.
    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error>;

    /// Looks whether the wanted change is there; `outcome` is what the task's end promises.
    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>);

    /// Tells whether a task of the right type, guest and account is really this errand's.
    async fn is_ours(&self, _client: &Client, _upid: &Upid) -> bool {
        true
    }

    /// Tells whether the wanted change, when it is there, can only have come from this errand.
    fn proves_itself(&self) -> bool {
        true
    }

    /// Returns how its task is to be followed.
    fn following(&self) -> Following {
        Following::default()
    }
}

/// How far an errand came.
#[derive(Debug)]
pub(super) struct Errands {
    /// What is to be reported.
    pub(super) report: Report,
    /// The guest, where it was found in the end.
    pub(super) guest: GuestRef,
    /// What the server said when it refused, or its task when it failed.
    pub(super) refusal: Option<Text>,
}

/// Carries an errand out; tasks in `held` are known to belong to others.
pub(super) async fn carry_out<E: Errand>(
    context: Context<'_>,
    errand: &E,
    held: &[Upid],
) -> Errands {
    let mut held = held.to_vec();
    let mut guest = errand.guest().clone();
    let mut has_moved = false;
    let mut pauses = BUSY_PAUSES.iter();
    loop {
        let attempt = attempt(context, errand, &guest, &held).await;
        let kind = match &attempt.end {
            AttemptEnd::Refused(error) => Some(error.kind()),
            AttemptEnd::Task(TaskState::Failed(text)) => Some(kind_of_task_end(text.raw())),
            AttemptEnd::Task(_) | AttemptEnd::Unknown(_) => None,
        };
        if kind == Some(FailureKind::NoSuchGuest)
            && !has_moved
            && let Ok(Whereabouts::Elsewhere(found)) = whereabouts(context.client, &guest).await
        {
            has_moved = true;
            let step = format!("{guest} is on node {} now; asking there", found.node);
            context.reporter.step(step).await;
            guest = found;
        } else if kind == Some(FailureKind::Busy)
            && let Some(pause) = pauses.next()
            && nothing_was_done(context.client, errand, &guest, &attempt).await
        {
            let step = format!(
                "the guest is busy and nothing was done; asking again in {} s",
                pause.as_secs()
            );
            context.reporter.step(step).await;
            if context.reporter.pause(*pause).await {
                return settle(context, errand, guest, attempt).await;
            }
        } else {
            return settle(context, errand, guest, attempt).await;
        }
        held.extend(attempt.upid);
    }
}

/// Tells whether an attempt that met a busy guest left everything as it was.
async fn nothing_was_done<E: Errand>(
    client: &Client,
    errand: &E,
    guest: &GuestRef,
    attempt: &Attempt,
) -> bool {
    // A refusal comes before any work; a task may have done some of it before it met the lock.
    matches!(attempt.end, AttemptEnd::Refused(_)) || is_untouched(client, errand, guest).await
}

/// One sending of the write and what came of it.
struct Attempt {
    upid: Option<Upid>,
    tail: Vec<Text>,
    end: AttemptEnd,
    stop_was_sent: bool,
}

enum AttemptEnd {
    /// The server refused; nothing was done.
    Refused(Error),
    /// A task was made and ended so.
    Task(TaskState),
    /// Nobody knows.
    Unknown(Failure),
}

async fn attempt<E: Errand>(
    context: Context<'_>,
    errand: &E,
    guest: &GuestRef,
    held: &[Upid],
) -> Attempt {
    let without_task = |end| Attempt {
        upid: None,
        tail: Vec::new(),
        end,
        stop_was_sent: false,
    };
    if let Err(error) = errand.look_again(context.client, guest).await {
        return without_task(AttemptEnd::Refused(error));
    }
    let since = context.client.server_time();
    let upid = match errand.send(context.client, guest).await {
        Ok(upid) => upid,
        Err(error) if error.outcome_unknown() => {
            context
                .reporter
                .step("the answer was lost; looking for the task")
                .await;
            let finding = match since {
                Some(since) => lost_task(context.client, errand, guest, since, held).await,
                None => Finding::Nothing,
            };
            if let Finding::Task(upid) = finding {
                upid
            } else {
                let failure = not_found(context.client, errand, guest, error, finding).await;
                return without_task(AttemptEnd::Unknown(failure));
            }
        }
        Err(error) => return without_task(AttemptEnd::Refused(error)),
    };
    context.reporter.accepted(&upid).await;
    let followed = follow(context, &upid, errand.following()).await;
    let end = match followed.end {
        End::Known(state) => AttemptEnd::Task(state),
        End::Lost(error) => {
            let mut failure = Failure::from(error);
            failure
                .details
                .insert(0, Text::new(format!("the task was {upid}")));
            AttemptEnd::Unknown(failure)
        }
    };
    Attempt {
        upid: Some(upid),
        tail: followed.tail,
        end,
        stop_was_sent: followed.stop_was_sent,
    }
}

/// Says what is known of a write whose answer was lost and whose task was not found.
async fn not_found<E: Errand>(
    client: &Client,
    errand: &E,
    guest: &GuestRef,
    error: Error,
    finding: Finding,
) -> Failure {
    let mut failure = Failure::from(error);
    let what = match finding {
        Finding::Task(_) | Finding::Nothing => {
            "no task of it was found; it was not sent again".to_owned()
        }
        Finding::Several(count) => {
            format!("{count} tasks could be its own; it was not sent again")
        }
        Finding::Unreadable(error) => {
            format!("the task list could not be read ({error}); it was not sent again")
        }
    };
    failure.details.insert(0, Text::new(what));
    if is_untouched(client, errand, guest).await {
        let seen = "as far as can be seen nothing has changed";
        failure.details.insert(1, Text::from(seen));
    }
    failure
}

/// Tells whether the guest holds no lock, has no unfinished snapshot, and is as it was before.
pub(super) async fn is_untouched<E: Errand>(client: &Client, errand: &E, guest: &GuestRef) -> bool {
    let is_free = match client.guests().state(guest).await {
        Ok(state) => state.lock.is_none(),
        Err(_) => false,
    };
    let is_finished = match client.guests().snapshots(guest).await {
        Ok(list) => list.snapshots.iter().all(|each| each.unfinished.is_none()),
        Err(_) => false,
    };
    is_free && is_finished && errand.is_untouched(client, guest).await.unwrap_or(false)
}

async fn settle<E: Errand>(
    context: Context<'_>,
    errand: &E,
    guest: GuestRef,
    attempt: Attempt,
) -> Errands {
    let Attempt {
        upid,
        tail,
        end,
        stop_was_sent,
    } = attempt;
    let mut notes = Vec::new();
    let mut refusal = None;
    let (outcome, product) = match end {
        AttemptEnd::Refused(error) => {
            refusal = Some(error.text().clone());
            (Outcome::Failed(Box::new(Failure::from(error))), None)
        }
        AttemptEnd::Unknown(failure) => (Outcome::Unknown(Box::new(failure)), None),
        AttemptEnd::Task(TaskState::Ok) => errand.verify(context, &guest, Outcome::Done).await,
        AttemptEnd::Task(TaskState::Warnings(count)) => {
            errand
                .verify(context, &guest, Outcome::Warnings(count))
                .await
        }
        AttemptEnd::Task(state @ TaskState::Failed(_)) if !stop_was_sent => {
            let reason = Text::new(state.to_string());
            notes.extend(left_behind(context.client, &guest, &reason).await);
            refusal = Some(reason.clone());
            let failure = task_failure(E::FAILURE, &reason, &tail);
            (Outcome::Failed(Box::new(failure)), None)
        }
        AttemptEnd::Task(TaskState::Interrupted(reason) | TaskState::Failed(reason)) => {
            notes.push(format!("the task was stopped: {reason}"));
            notes.extend(left_behind(context.client, &guest, &reason).await);
            (Outcome::Stopped, None)
        }
        AttemptEnd::Task(TaskState::Unexpected | TaskState::Running) => {
            let (outcome, product) = vanished(context, errand, &guest, &tail).await;
            if outcome.is_success() {
                notes.push("the task left no last line, but what it should do is done".to_owned());
            } else {
                notes.extend(left_behind(context.client, &guest, &Text::default()).await);
            }
            (outcome, product)
        }
    };
    let mut report = Report::new(outcome).with_upid(upid).with_product(product);
    report.notes = notes;
    Errands {
        report,
        guest,
        refusal,
    }
}

/// Judges a task whose worker vanished by what is there.
async fn vanished<E: Errand>(
    context: Context<'_>,
    errand: &E,
    guest: &GuestRef,
    tail: &[Text],
) -> (Outcome, Option<Product>) {
    let mut failure = task_failure(
        E::FAILURE,
        &Text::from("the task ended without a last line (killed, or its node restarted)"),
        tail,
    );
    if errand.proves_itself() {
        let (outcome, product) = errand.verify(context, guest, Outcome::Done).await;
        match &outcome {
            Outcome::Done | Outcome::Warnings(_) => return (outcome, product),
            Outcome::Failed(seen) | Outcome::Unknown(seen) => {
                failure.details.insert(0, seen.message.clone());
            }
            Outcome::Stopped => {}
        }
    }
    (Outcome::Unknown(Box::new(failure)), None)
}

/// Says which lock a task has left on its guest, if it has.
async fn left_behind(client: &Client, guest: &GuestRef, reason: &Text) -> Option<String> {
    // A lock that the task itself ran into was there before and is somebody else's.
    if kind_of_task_end(reason.raw()) == FailureKind::Locked {
        return None;
    }
    let lock = client.guests().state(guest).await.ok()?.lock?;
    Some(format!(
        "{guest} is left with the lock `{lock}`; only root frees it, on node {}",
        guest.node
    ))
}
