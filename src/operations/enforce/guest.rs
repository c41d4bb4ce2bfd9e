//! Shuts one guest down: looked at right before, snapshotted first, asked and never forced.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::domain::enforcement::{Shutdown, SnapshotFirst};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{GuestRef, LiveState, Status};
use crate::domain::notification::{ConcernedGuest, GuestOutcome};
use crate::domain::operation::{Enforce, Fate, Operation, Outcome, Product, Report};
use crate::domain::task::Upid;
use crate::operations::lookup::{Whereabouts, find_meant, whereabouts};
use crate::operations::{Context, power, snapshot};
use crate::proxmox::endpoints::{Standing, TaskFilter};
use crate::proxmox::{Client, Error};

/// What came of a guest.
#[derive(Debug)]
pub(super) struct Shut {
    pub(super) fate: Fate,
    pub(super) upid: Option<Upid>,
    pub(super) outcome: GuestOutcome,
    pub(super) notes: Vec<String>,
}

impl Shut {
    /// Says why nothing was begun.
    pub(super) fn not_begun(reason: String) -> Self {
        Self::of(Fate::NotTried(reason), GuestOutcome::Skipped)
    }

    fn of(fate: Fate, outcome: GuestOutcome) -> Self {
        Self {
            fate,
            upid: None,
            outcome,
            notes: Vec::new(),
        }
    }

    fn skipped(reason: String) -> Self {
        Self::of(Fate::Skipped(reason), GuestOutcome::Skipped)
    }

    /// Says that the guest was left alone because something could not be read or done before.
    fn left_alone(failure: Failure) -> Self {
        let outcome = Outcome::Failed(Box::new(failure));
        Self::of(Fate::Ended(outcome), GuestOutcome::Skipped)
    }

    /// Tells of it as others are told.
    pub(super) fn concerned(&self, guest: &GuestRef) -> ConcernedGuest {
        let reason = match &self.fate {
            Fate::Ended(outcome) => outcome.failure().map(ToString::to_string),
            Fate::Skipped(reason) | Fate::NotTried(reason) => Some(reason.clone()),
        };
        ConcernedGuest {
            vmid: guest.vmid,
            name: guest.name.clone(),
            outcome: self.outcome,
            reason: reason.map(Into::into),
        }
    }
}

/// Shuts a guest down as planned, if it is still as planned.
pub(super) async fn shut_down(
    context: Context<'_>,
    operation: &Enforce,
    shutdown: &Shutdown,
) -> Shut {
    let client = context.client;
    let step = format!("looking at {} once more", shutdown.guest);
    context.reporter.step(step).await;
    let mut guest = match look(client, &shutdown.guest, shutdown.began_before).await {
        Ok(guest) => guest,
        Err(shut) => return shut,
    };
    if !matches!(shutdown.snapshot, SnapshotFirst::None(_)) {
        let (found, name) = match take_snapshot(context, operation, shutdown, &guest).await {
            Ok(taken) => taken,
            Err(shut) => return shut,
        };
        // Saving memory takes minutes, in which a backup may have begun.
        guest = match look(client, &found, shutdown.began_before).await {
            Ok(guest) => guest,
            Err(mut shut) => {
                let name = name.map(|name| format!("{found}: its snapshot {name} stays"));
                shut.notes.extend(name);
                return shut;
            }
        };
    }
    let power = operation.power(shutdown, &guest);
    let wanted = Operation::Power(power.clone());
    context.auditor.begins(&wanted, client.server_time());
    let report = power::change(context, &power).await;
    context
        .auditor
        .ended(&wanted, &report, client.server_time());
    ended(&guest, report)
}

fn ended(guest: &GuestRef, report: Report) -> Shut {
    let is_requested = matches!(&report.product, Some(Product::Power(facts)) if facts.requested);
    let outcome = match &report.outcome {
        Outcome::Done | Outcome::Warnings(_) if is_requested => GuestOutcome::Requested,
        Outcome::Done | Outcome::Warnings(_) => GuestOutcome::ShutDown,
        Outcome::Failed(_) | Outcome::Stopped => GuestOutcome::Failed,
        Outcome::Unknown(_) => GuestOutcome::Unknown,
    };
    let notes = report.notes.into_iter();
    Shut {
        fate: Fate::Ended(report.outcome),
        upid: report.upid,
        outcome,
        notes: notes.map(|note| format!("{guest}: {note}")).collect(),
    }
}

/// Takes the snapshot before a shutdown; returns where the guest is, and the snapshot's name.
async fn take_snapshot(
    context: Context<'_>,
    operation: &Enforce,
    shutdown: &Shutdown,
    guest: &GuestRef,
) -> Result<(GuestRef, Option<String>), Shut> {
    let client = context.client;
    let list = client.guests().snapshots(guest).await;
    let list = list.map_err(|error| Shut::left_alone(error.into()))?;
    let Some(take) = operation.snapshot(shutdown, guest, &list) else {
        return Ok((guest.clone(), None));
    };
    let wanted = Operation::TakeSnapshot(take.clone());
    context.auditor.begins(&wanted, client.server_time());
    let errands = snapshot::take(context, &take).await;
    let report = errands.report;
    context
        .auditor
        .ended(&wanted, &report, client.server_time());
    if report.outcome.is_success() {
        return Ok((errands.guest, Some(take.name().to_string())));
    }
    let what = "its snapshot did not end well, so the guest was not shut down";
    let explained = |mut failure: Box<Failure>| {
        failure.details.insert(0, what.into());
        failure
    };
    let outcome = match report.outcome {
        Outcome::Failed(failure) => Outcome::Failed(explained(failure)),
        Outcome::Unknown(failure) => Outcome::Unknown(explained(failure)),
        Outcome::Done | Outcome::Warnings(_) | Outcome::Stopped => {
            Outcome::Failed(Box::new(Failure::new(FailureKind::SnapshotFailed, what)))
        }
    };
    let mut shut = Shut::of(Fate::Ended(outcome), GuestOutcome::Skipped);
    let notes = report.notes.into_iter();
    shut.notes = notes.map(|note| format!("{guest}: {note}")).collect();
    Err(shut)
}

/// Looks at the guest once more, wherever it is now; says why it is left alone, if so.
async fn look(
    client: &Client,
    guest: &GuestRef,
    began_before: DateTime<Utc>,
) -> Result<GuestRef, Shut> {
    let (guest, state) = match find_meant(client, guest).await {
        Ok(found) => found,
        Err(error) if error.kind() == FailureKind::Conflict => {
            return Err(Shut::skipped(error.text().to_string()));
        }
        Err(error) => {
            let is_gone = error.kind() == FailureKind::NoSuchGuest
                && matches!(whereabouts(client, guest).await, Ok(Whereabouts::Gone));
            return Err(if is_gone {
                Shut::skipped("the guest is gone".to_owned())
            } else {
                Shut::left_alone(error.into())
            });
        }
    };
    if let Some(reason) = objection(&state, client.server_time(), began_before) {
        return Err(Shut::skipped(reason));
    }
    match running_task(client, &guest).await {
        Ok(None) => Ok(guest),
        Ok(Some(kind)) => Err(Shut::skipped(format!(
            "a task of the guest is running ({kind})"
        ))),
        Err(error) => Err(Shut::left_alone(error.into())),
    }
}

/// Says why a guest in this state is not shut down, if so.
fn objection(
    state: &LiveState,
    now: Option<DateTime<Utc>>,
    began_before: DateTime<Utc>,
) -> Option<String> {
    if let Some(lock) = &state.lock {
        return Some(format!("the guest is locked ({lock})"));
    }
    match &state.status {
        Status::Running => {}
        Status::Stopped | Status::Suspended => {
            return Some("the guest does not run any more".to_owned());
        }
        status @ (Status::Paused
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Unknown
        | Status::Other(_)) => return Some(format!("the guest is {status}")),
    }
    let uptime = state.uptime.and_then(|time| TimeDelta::from_std(time).ok());
    let began = now.zip(uptime);
    match began.and_then(|(now, uptime)| now.checked_sub_signed(uptime)) {
        None => Some("whether the guest was restarted meanwhile is not known".to_owned()),
        Some(began) if began > began_before => Some(format!(
            "the guest was restarted at {}",
            began.to_rfc3339_opts(SecondsFormat::Secs, true)
        )),
        Some(_) => None,
    }
}

/// Returns the type of a task that works on the guest, as far as the account sees tasks.
async fn running_task(client: &Client, guest: &GuestRef) -> Result<Option<String>, Error> {
    let filter = TaskFilter {
        vmid: Some(guest.vmid),
        standing: Standing::Running,
        ..TaskFilter::default()
    };
    let tasks = client.tasks().of_node(&guest.node, &filter).await?;
    let running = tasks
        .into_iter()
        .find(|task| task.state.is_running() && task.upid.vmid() == Some(guest.vmid));
    Ok(running.map(|task| task.upid.kind().to_owned()))
}
