//! Which failed tasks are worth an alert, and which of them are one trouble.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::super::limits::Severity;
use super::super::task::{Task, TaskState};
use super::situation::Situation;
use super::{Alert, AlertKind, Subject};

/// Failures older than this are history.
const LATELY: TimeDelta = TimeDelta::days(1);
/// So many tasks of one type that failed alike are one trouble.
const ALIKE: usize = 5;

/// Consoles end "failed" whenever somebody closes a window.
const CONSOLES: [&str; 4] = ["vncproxy", "vncshell", "termproxy", "spiceproxy"];

/// Tells whether a running task of this type explains load, a pause, or a lock (SPEC §5.10).
pub(super) fn explains_load(kind: &str) -> bool {
    matches!(kind, "vzdump" | "qmigrate" | "vzmigrate" | "hamigrate")
}

/// Makes the alerts about failed tasks.
pub(super) fn failed(situation: &Situation<'_>) -> Vec<Alert> {
    let now = situation.now.wall;
    let lately = |task: &&Task| {
        now.signed_duration_since(task.upid.started()) <= LATELY
            && !CONSOLES.contains(&task.upid.kind())
    };
    // What somebody stopped did not fail.
    let has_failed =
        |task: &&Task| matches!(task.state, TaskState::Failed(_) | TaskState::Unexpected);
    let mut alike: BTreeMap<(&str, String), Vec<&Task>> = BTreeMap::new();
    let tasks = situation.failed_tasks.values().flatten();
    for task in tasks.filter(lately).filter(has_failed) {
        let key = (task.upid.kind(), task.state.to_string());
        alike.entry(key).or_default().push(task);
    }
    let mut alerts = Vec::new();
    for ((kind, reason), mut tasks) in alike {
        tasks.sort_by_key(|task| task.upid.started());
        let Some(latest) = tasks.last() else { continue };
        if tasks.len() >= ALIKE {
            let subject = Subject::Tasks(latest.upid.clone(), tasks.len());
            let text = format!("failed {kind}: {reason}");
            let since = tasks.first().map(|task| task.upid.started());
            alerts.push(
                Alert::new(AlertKind::TaskFailed, subject, Severity::Warning, text)
                    .measured(tasks.len() as f64, ALIKE as f64)
                    .since(since),
            );
            continue;
        }
        alerts.extend(tasks.into_iter().map(|task| {
            let guest = task
                .upid
                .vmid()
                .and_then(|vmid| situation.guest(vmid))
                .map(|seen| seen.guest.to_ref());
            let subject = Subject::Task(task.upid.clone(), guest);
            let text = format!("failed {kind}: {reason}");
            let since = task.ended.unwrap_or_else(|| task.upid.started());
            Alert::new(AlertKind::TaskFailed, subject, Severity::Warning, text).since(Some(since))
        }));
    }
    alerts
}
