//! Returns a guest to a snapshot, after a safety snapshot where one is wanted.

use std::time::Duration;

use super::errand::{Errand, carry_out, is_untouched};
use super::fence::fence_again;
use super::follow::{End, Following, follow};
use super::lookup::find_meant;
use super::start::Start;
use super::{Context, delete_snapshot, refused, snapshot, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{GuestRef, Status};
use crate::domain::id::GuestKind;
use crate::domain::operation::{
    Fate, Outcome, Part, Product, Report, RollBack, RollBackFacts, TakeSnapshot,
};
use crate::domain::snapshot::SnapshotList;
use crate::domain::task::{TaskState, Upid};
use crate::domain::text::Text;
use crate::proxmox::endpoints::TaskFilter;
use crate::proxmox::{Client, Error, kind_of_task_end};

/// How often the separate start is looked for, half a second apart.
const LOOKS_FOR_START: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Returns a guest to a snapshot.
///
/// Nothing is rolled back when the snapshot or the guest is no longer what was meant, when the
/// safety snapshot did not come about, or when no further step is wanted after it.
pub(super) async fn roll_back(context: Context<'_>, operation: &RollBack) -> Report {
    let mut guest = operation.guest().clone();
    let mut list = match look(context, operation, &mut guest).await {
        Ok(list) => list,
        Err(report) => return *report,
    };
    let mut parts = Vec::new();
    if context.reporter.stop_requested() {
        return not_begun(operation, &guest, parts);
    }
    if let Some(safety) = operation.safety() {
        let errands = snapshot::take(context, safety).await;
        let part = part_of(&errands.guest, safety.name().as_str(), &errands.report);
        context
            .auditor
            .part("safety-snapshot", &part, context.client.server_time());
        parts.push(part);
        if !errands.report.outcome.is_success() {
            return not_rolled_back(errands.report, safety, parts);
        }
        guest = errands.guest;
        // The safety snapshot is the present's parent now, and the list another.
        list = match context.client.guests().snapshots(&guest).await {
            Ok(list) => list,
            Err(error) => {
                let failed = Report::new(Outcome::Failed(Box::new(error.into())));
                return not_rolled_back(failed, safety, parts);
            }
        };
        if context.reporter.stop_requested() {
            return not_begun(operation, &guest, parts);
        }
    }
    let step = format!("going back to {}", operation.snapshot().name);
    context.reporter.step(step).await;
    let errand = Return {
        operation,
        guest: &guest,
        before: &list,
    };
    let errands = carry_out(context, &errand, &[]).await;
    let mut report = errands.report;
    if report.outcome.is_success() {
        if !operation.refences() || fence(context, operation, &errands.guest, &mut report).await {
            after(context, operation, &errands.guest, &mut report).await;
        }
    } else if let Some(safety) = operation.safety() {
        report.notes.push(kept(safety));
    }
    if !parts.is_empty() {
        let name = operation.snapshot().name.raw();
        parts.push(part_of(&errands.guest, name, &report));
        report.parts = parts;
    }
    report
}

fn part_of(guest: &GuestRef, subject: &str, report: &Report) -> Part {
    Part {
        guest: guest.clone(),
        subject: Text::from(subject),
        fate: Fate::Ended(report.outcome.clone()),
        upid: report.upid.clone(),
        made: None,
        trial: None,
    }
}

/// Makes the report of a roll-back that was not begun because its safety snapshot is not sure.
fn not_rolled_back(mut report: Report, safety: &TakeSnapshot, parts: Vec<Part>) -> Report {
    let note = format!(
        "nothing was rolled back: the safety snapshot {} is not sure to be there",
        safety.name()
    );
    report.notes.insert(0, note);
    report.product = None;
    report.parts = parts;
    report
}

/// Makes the report of a roll-back that was not begun because no further step was wanted.
fn not_begun(operation: &RollBack, guest: &GuestRef, mut parts: Vec<Part>) -> Report {
    let mut report =
        Report::new(Outcome::Stopped).with_note("nothing was rolled back: asked to stop");
    if let Some(safety) = operation.safety().filter(|_| !parts.is_empty()) {
        report.notes.push(kept(safety));
        let mut part = part_of(guest, operation.snapshot().name.raw(), &report);
        part.fate = Fate::NotTried("asked to stop".to_owned());
        parts.push(part);
    }
    report.parts = parts;
    report
}

fn kept(safety: &TakeSnapshot) -> String {
    format!(
        "the safety snapshot {} was taken and is kept",
        safety.name()
    )
}

/// Reads guest and snapshots once more, right before anything is lost.
async fn look(
    context: Context<'_>,
    operation: &RollBack,
    guest: &mut GuestRef,
) -> Result<SnapshotList, Box<Report>> {
    let failed = |error: Error| Box::new(Report::new(Outcome::Failed(Box::new(error.into()))));
    let found = find_meant(context.client, guest).await;
    let (found, state) = found.map_err(failed)?;
    *guest = found;
    if let Some(lock) = state.lock {
        let reason = format!("the guest is locked ({lock})");
        return Err(Box::new(refused(FailureKind::Locked, reason)));
    }
    let list = context.client.guests().snapshots(guest).await;
    let list = list.map_err(failed)?;
    match delete_snapshot::changed(&list, operation.snapshot()) {
        Some(reason) => Err(Box::new(refused(FailureKind::Conflict, reason))),
        None => Ok(list),
    }
}

/// The return itself.
struct Return<'a> {
    operation: &'a RollBack,
    guest: &'a GuestRef,
    before: &'a SnapshotList,
}

impl Errand for Return<'_> {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        match self.guest.kind {
            GuestKind::Qemu => &["qmrollback"],
            GuestKind::Lxc => &["vzrollback"],
        }
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        // A safety snapshot may have taken its time.
        delete_snapshot::both_still_meant(client, guest, self.operation.snapshot()).await
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        let name = self.operation.snapshot().name.raw();
        let start = self.operation.starts();
        client.guests().rollback(guest, name, start).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        let list = client.guests().snapshots(guest).await?;
        // The digest is of the whole configuration, which a roll-back writes anew.
        Ok(list.digest.is_some() && list == *self.before)
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context
            .reporter
            .step("making sure of the guest's present")
            .await;
        let list = match context.client.guests().snapshots(guest).await {
            Ok(list) => list,
            Err(error) => return (unverified(error), None),
        };
        let wanted = &self.operation.snapshot().name;
        if list.current_parent.as_ref() != Some(wanted) {
            let parent = match &list.current_parent {
                Some(parent) => format!("descends from {parent}"),
                None => "descends from no snapshot".to_owned(),
            };
            let text = format!("the task ended well, but the guest's present {parent}");
            let failure = Failure::new(FailureKind::TaskFailed, text);
            return (Outcome::Failed(Box::new(failure)), None);
        }
        let facts = RollBackFacts {
            snapshot: wanted.clone(),
            status: None,
            safety: self
                .operation
                .safety()
                .map(|safety| Text::from(safety.name().as_str())),
        };
        (outcome, Some(Product::RolledBack(facts)))
    }

    fn proves_itself(&self) -> bool {
        // Most guests go back to the snapshot that they descend from; that shows nothing.
        self.before.current_parent.as_ref() != Some(&self.operation.snapshot().name)
    }
}

/// Fences the guest in again, and starts it then; tells whether it went so far.
///
/// Until that is done it is not started. A guest whose rules name no profile has none to be applied.
async fn fence(
    context: Context<'_>,
    operation: &RollBack,
    guest: &GuestRef,
    report: &mut Report,
) -> bool {
    match Box::pin(fence_again(context, guest)).await {
        None => {
            let note =
                "net0 came back as the snapshot has it, and no network profile is known for it";
            report.notes.push(note.to_owned());
        }
        Some(fenced) => {
            report.notes.extend(fenced.notes.iter().cloned());
            if let Some(failure) = fenced.outcome.failure().cloned() {
                let mut failure = failure;
                let what = if operation.ends_running() && !operation.starts_fenced() {
                    "the guest went back and resumed, but it is not fenced in"
                } else {
                    "the guest went back, but it is not fenced in and was not started"
                };
                failure.details.insert(0, what.into());
                report.notes.push(what.to_owned());
                report.outcome = Outcome::Failed(Box::new(failure));
                return false;
            }
            report
                .notes
                .push("the guest went back and was fenced in again".to_owned());
        }
    }
    if operation.starts_fenced() {
        let started = carry_out(context, &Start { guest }, &[]).await.report;
        if let Some(failure) = started.outcome.failure() {
            let note = format!("the guest went back, but its start ended: {failure}");
            report.notes.push(note);
        }
        report.notes.extend(started.notes);
    }
    true
}

/// Waits for the start that the server makes of its own, and reads whether the guest runs.
async fn after(context: Context<'_>, operation: &RollBack, guest: &GuestRef, report: &mut Report) {
    let mut lost = None;
    if operation.starts()
        && let Some(upid) = report.upid.clone()
    {
        match follow_start(context, guest, &upid).await {
            Some(End::Known(TaskState::Ok | TaskState::Warnings(_))) => {}
            Some(End::Known(TaskState::Failed(reason)))
                if kind_of_task_end(reason.raw()) == FailureKind::Busy =>
            {
                start_again(context, guest, &reason, report).await;
            }
            Some(End::Known(state)) => report
                .notes
                .push(format!("the guest went back, but its start ended: {state}")),
            Some(End::Lost(error)) => {
                report.notes.push(format!(
                    "the guest went back, but how its start ended is not known: {error}"
                ));
                lost = Some(Failure::from(error));
            }
            None => report
                .notes
                .push("the guest went back, but no task of its start was found".to_owned()),
        }
    }
    let state = match context.client.guests().state(guest).await {
        Ok(state) => state,
        Err(error) => {
            let note = format!("whether the guest runs could not be read: {error}");
            return report.notes.push(note);
        }
    };
    let is_up = !matches!(state.status, Status::Stopped | Status::Unknown);
    if operation.ends_running() && !is_up {
        let text = format!("the guest went back, but it is {}", state.status);
        report.outcome = match lost {
            // Its start may still be under way.
            Some(mut lost) => {
                lost.details.insert(0, text.as_str().into());
                Outcome::Unknown(Box::new(lost))
            }
            None => Outcome::Failed(Box::new(Failure::new(FailureKind::TaskFailed, text))),
        };
    } else if !operation.ends_running() && is_up {
        let who = if state.ha_managed {
            "high availability started it"
        } else {
            "somebody started it"
        };
        report
            .notes
            .push(format!("the guest is {}: {who}", state.status));
    }
    if let Some(Product::RolledBack(facts)) = &mut report.product {
        facts.status = Some(state.status);
    }
}

/// Asks for the start once more when the server's own ran into the clean-up of the return.
///
/// That clean-up may hold the guest's file lock for half a minute (recordings, note 7). A start
/// that could not get the lock did nothing, and is asked for again only if that can be seen.
async fn start_again(context: Context<'_>, guest: &GuestRef, reason: &Text, report: &mut Report) {
    let start = Start { guest };
    if !is_untouched(context.client, &start, guest).await {
        let note = format!("the guest went back, but its start ended: {reason}");
        return report.notes.push(note);
    }
    context
        .reporter
        .step("the guest was busy and its start did nothing; asking for it again")
        .await;
    let started = carry_out(context, &start, &[]).await.report;
    if let Some(failure) = started.outcome.failure() {
        let note = format!("the guest went back, but its start ended: {failure}");
        report.notes.push(note);
    }
    report.notes.extend(started.notes);
}

/// Finds the start that followed a roll-back, and how it ended.
async fn follow_start(context: Context<'_>, guest: &GuestRef, roll_back: &Upid) -> Option<End> {
    context.reporter.step("waiting for the guest's start").await;
    let kind = match guest.kind {
        GuestKind::Qemu => "qmstart",
        GuestKind::Lxc => "vzstart",
    };
    let filter = TaskFilter {
        vmid: Some(guest.vmid),
        since: Some(roll_back.started().timestamp()),
        kind: Some(kind),
        ..TaskFilter::default()
    };
    for _ in 0..LOOKS_FOR_START {
        let tasks = context.client.tasks().of_node(&guest.node, &filter).await;
        // Newest first; an older start of the same second is not the one that came of the roll-back.
        let found = tasks.unwrap_or_default().into_iter().find(|task| {
            task.upid.kind() == kind
                && task.upid.vmid() == Some(guest.vmid)
                && task.upid.started() >= roll_back.started()
        });
        if let Some(task) = found {
            context.reporter.accepted(&task.upid).await;
            let followed = follow(context, &task.upid, Following::default()).await;
            return Some(followed.end);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}
