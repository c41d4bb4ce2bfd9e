//! Executes a retention plan: guest by guest, the oldest snapshot first, each looked at once more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::Context;
use super::delete_snapshot::{Deletion, changed};
use super::errand::carry_out;
use super::lookup::{Whereabouts, whereabouts};
use super::parts::{Words, sum_up};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::id::StorageName;
use crate::domain::operation::{Fate, Outcome, Part, Prune, Report};
use crate::domain::plan::{Group, StepAction};
use crate::domain::retention::{self, GuestSnapshots, Reason, Verdict};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::task::Upid;
use crate::proxmox::Error;
use crate::proxmox::endpoints::{Standing, TaskFilter};

/// At so many guests work goes on at once.
const GUESTS_AT_ONCE: usize = 4;

/// The kinds of storage whose snapshots are parts of files: two deletions at once slow each other.
const FILE_BASED: [&str; 6] = ["dir", "nfs", "cifs", "cephfs", "glusterfs", "btrfs"];

const WORDS: Words = Words {
    failed: "not every snapshot could be deleted",
    unknown: "of some snapshots nobody knows",
};

/// Executes a retention plan.
pub(super) async fn prune(context: Context<'_>, operation: &Prune) -> Report {
    let groups = operation.plan().groups();
    let lanes = Lanes {
        guests: Semaphore::new(GUESTS_AT_ONCE),
        files: file_storages(context).await,
    };
    let done = AtomicUsize::new(0);
    let work = groups
        .iter()
        .map(|group| prune_guest(context, operation, group, &lanes, &done));
    let parts: Vec<Part> = join_all(work).await.into_iter().flatten().collect();
    let mut report = Report::new(Outcome::Done);
    report.parts = parts;
    report.outcome = sum_up(&report, WORDS);
    report.notes.push(report.tally().to_string());
    report
}

/// What limits how much happens at once.
struct Lanes {
    guests: Semaphore,
    files: BTreeMap<StorageName, Semaphore>,
}

async fn file_storages(context: Context<'_>) -> BTreeMap<StorageName, Semaphore> {
    // Where it is not known, only the number of guests limits the work.
    let Ok(resources) = context.client.cluster().resources().await else {
        return BTreeMap::new();
    };
    let is_file_based = |plugin: &str| FILE_BASED.contains(&plugin);
    resources
        .storages
        .into_iter()
        .filter(|storage| {
            storage
                .plugin
                .as_ref()
                .is_some_and(|plugin| is_file_based(plugin.raw()))
        })
        .map(|storage| (storage.name, Semaphore::new(1)))
        .collect()
}

async fn prune_guest(
    context: Context<'_>,
    operation: &Prune,
    group: &Group,
    lanes: &Lanes,
    done: &AtomicUsize,
) -> Vec<Part> {
    let used = match lanes.guests.acquire().await {
        Ok(_permit) if !context.reporter.stop_requested() => {
            let config = context.client.guests().config(&group.guest).await;
            config.map(|config| config.storages()).unwrap_or_default()
        }
        Ok(_) | Err(_) => BTreeSet::new(),
    };
    // Storages are taken in the order of their names, so that no two guests wait for each other.
    let mut storages = Vec::new();
    for lane in used.iter().filter_map(|name| lanes.files.get(name)) {
        storages.extend(lane.acquire().await.ok());
    }
    let _permit = lanes.guests.acquire().await.ok();
    let mut turn = Turn {
        context,
        operation,
        guest: group.guest.clone(),
        held: Vec::new(),
        stops: None,
    };
    let mut parts = Vec::new();
    for step in &group.steps {
        let StepAction::DeleteSnapshot(snapshot) = &step.action;
        let (fate, upid) = turn.take(snapshot).await;
        let part = Part {
            guest: turn.guest.clone(),
            subject: snapshot.name.clone(),
            fate,
            upid,
            made: None,
            trial: None,
        };
        context
            .auditor
            .part("delete-snapshot", &part, context.client.server_time());
        parts.push(part);
        let count = done.fetch_add(1, Ordering::Relaxed) + 1;
        let total = operation.plan().len();
        let line = format!(
            "{count} of {total} snapshots: {} of {}",
            snapshot.name, turn.guest
        );
        context
            .reporter
            .progress(Some(count as f64 / total as f64), line.into());
    }
    parts
}

/// The work at one guest.
struct Turn<'a> {
    context: Context<'a>,
    operation: &'a Prune,
    guest: GuestRef,
    held: Vec<Upid>,
    /// Why nothing more is done to this guest.
    stops: Option<String>,
}

impl Turn<'_> {
    async fn take(&mut self, snapshot: &Snapshot) -> (Fate, Option<Upid>) {
        if self.context.reporter.stop_requested() {
            return (Fate::NotTried("asked to stop".to_owned()), None);
        }
        if let Some(reason) = &self.stops {
            return (Fate::NotTried(reason.clone()), None);
        }
        match self.objection(snapshot).await {
            Ok(None) => {}
            Ok(Some(reason)) => return (Fate::Skipped(reason), None),
            Err(error) => {
                let failure = Failure::from(error);
                let outcome = Outcome::Failed(Box::new(failure));
                return (Fate::Ended(outcome), None);
            }
        }
        let step = format!("deleting {} of {}", snapshot.name, self.guest);
        self.context.reporter.step(step).await;
        let guest = self.guest.clone();
        let deletion = Deletion {
            guest: &guest,
            snapshot,
        };
        let errands = carry_out(self.context, &deletion, &self.held).await;
        self.guest = errands.guest;
        let report = errands.report;
        self.held.extend(report.upid.clone());
        if !report.outcome.is_success() {
            // A lock may be left, or a task still at work; each further deletion would only fail on it.
            let reason = format!(
                "the deletion of {} before it did not end well",
                snapshot.name
            );
            self.stops = Some(reason);
        }
        (Fate::Ended(report.outcome), report.upid)
    }

    /// Looks at the guest once more; says why this snapshot is not deleted now, if so.
    async fn objection(&mut self, snapshot: &Snapshot) -> Result<Option<String>, Error> {
        let client = self.context.client;
        let state = match client.guests().state(&self.guest).await {
            Err(error) if error.kind() == FailureKind::NoSuchGuest => {
                match whereabouts(client, &self.guest).await? {
                    Whereabouts::Elsewhere(found) => self.guest = found,
                    Whereabouts::Here => return Err(error),
                    Whereabouts::Gone => return Ok(Some("the guest is gone".to_owned())),
                }
                client.guests().state(&self.guest).await?
            }
            state => state?,
        };
        if let (Some(now), Some(meant)) = (&state.name, &self.guest.name)
            && now != meant
        {
            return Ok(Some(format!("the guest is now called {now}")));
        }
        if let Some(lock) = state.lock {
            return Ok(Some(format!("the guest is locked ({lock})")));
        }
        let list = client.guests().snapshots(&self.guest).await?;
        if let Some(reason) = changed(&list, snapshot) {
            return Ok(Some(reason));
        }
        if let Some(found) = list.find(snapshot.name.raw())
            && let Some(mark) = self.operation.policy().mark_of(found)
        {
            return Ok(Some(format!("it is marked `{mark}` now")));
        }
        if list.current_parent.as_ref() == Some(&snapshot.name) {
            return Ok(Some("the guest's present descends from it now".to_owned()));
        }
        if let Some(reason) = self.rule_against(&list, snapshot) {
            return Ok(Some(format!("the rules keep it now: {reason}")));
        }
        let filter = TaskFilter {
            vmid: Some(self.guest.vmid),
            standing: Standing::Running,
            ..TaskFilter::default()
        };
        let tasks = client.tasks().of_node(&self.guest.node, &filter).await?;
        let running = tasks
            .into_iter()
            .find(|task| task.state.is_running() && task.upid.vmid() == Some(self.guest.vmid));
        Ok(running.map(|task| format!("a task of the guest is running ({})", task.upid.kind())))
    }

    /// Judges the guest's snapshots anew; says why the rules keep this one, if they do.
    ///
    /// Ages are those of the plan: what was taken since is not counted among the newest, so that
    /// nothing can go on the strength of a snapshot that the plan did not know.
    fn rule_against(&self, list: &SnapshotList, snapshot: &Snapshot) -> Option<Reason> {
        let judged = [GuestSnapshots {
            guest: &self.guest,
            list,
        }];
        let plan = retention::plan(&judged, self.operation.policy(), self.operation.time());
        let row = plan
            .rows()
            .iter()
            .find(|row| row.name() == &snapshot.name)?;
        (row.verdict() == Verdict::Keep).then(|| row.reason().clone())
    }
}
