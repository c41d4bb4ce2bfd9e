//! What goes wrong with creations beyond one fault at one request, and what must be told in any case.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::operation::{Fate, Outcome, Product, Report};
use proxdeck::simulator::{FaultKind, FaultRule, GuestView, RunState};

use crate::creating;
use crate::faults::{AT_ONCE, judge, rest, stage_of};
use crate::stage::Stage;

/// What every mark of these creations begins with.
const MARK: &str = "proxdeck: created 2026-11-23T09:00:45Z";

/// Holds the guests that carry our mark against those that are told of.
pub(crate) fn judge_made(stage: &Stage, report: &Report, case: &str) {
    let mut ours = stage.simulator.world().guests();
    ours.retain(|guest| described(guest).contains(MARK));
    let names: BTreeSet<&str> = ours.iter().map(|guest| guest.name.as_str()).collect();
    assert_eq!(names.len(), ours.len(), "{case}: made twice: {names:?}");
    for guest in &ours {
        judge_one(guest, report, case);
    }
    for half in &report.half_made {
        let mark = half.stamp.to_string();
        let mut same = ours
            .iter()
            .filter(|guest| guest.vmid == half.guest.vmid.get());
        let exists = same.any(|guest| described(guest).contains(&mark));
        assert!(exists, "{case}: {half:?} does not exist: {report:?}");
    }
    let mut growths: BTreeMap<String, usize> = BTreeMap::new();
    for entry in stage.simulator.journal().entries() {
        // What was refused is known not to have been carried out.
        if entry.path.ends_with("/resize") && !matches!(entry.status, Some(400..=595)) {
            *growths.entry(entry.path).or_default() += 1;
        }
    }
    assert!(
        growths.values().all(|count| *count == 1),
        "{case}: {growths:?}"
    );
    let parts = if case.starts_with("create two") {
        report.parts.len()
    } else {
        0
    };
    let lines = stage.log().len();
    assert_eq!(lines, 2 + 2 * parts, "{case}: a line at either end of each");
}

fn described(guest: &GuestView) -> &str {
    guest.config.get("description").map_or("", String::as_str)
}

/// Holds one guest against what is told of it.
fn judge_one(guest: &GuestView, report: &Report, case: &str) {
    let called = format!("{} {}", guest.vmid, guest.name);
    let is_called = |made: Option<&GuestRef>| made.is_some_and(|made| made.to_string() == called);
    let part = report
        .parts
        .iter()
        .find(|part| is_called(part.made.as_ref()));
    let outcome = match part.map(|part| &part.fate) {
        Some(Fate::Ended(outcome)) => outcome,
        Some(Fate::Skipped(_) | Fate::NotTried(_)) | None => &report.outcome,
    };
    let is_product = matches!(&report.product, Some(Product::Guest(made)) if is_called(Some(made)));
    let is_said = report
        .half_made
        .iter()
        .any(|half| is_called(Some(&half.guest)))
        || report.notes.iter().any(|note| note.contains(&called));
    assert!(
        is_said || is_product || part.is_some(),
        "{case}: nobody tells of {called}: {report:?}"
    );
    let is_whole = creating::is_configured(guest) && guest.status == RunState::Running;
    if is_whole {
        assert!(
            is_said || outcome.is_success() || matches!(outcome, Outcome::Unknown(_)),
            "{case}: {called} is as wanted: {report:?}"
        );
    } else {
        assert!(is_said, "{case}: {called} is half made: {report:?}");
    }
}

/// Plays a creation with several faults and judges it; every one of them must strike.
async fn with_faults(name: &str, rules: Vec<FaultRule>) -> Report {
    let (stage, operation) = stage_of(name).await;
    let case = format!("{name}, {rules:?}");
    let faults: Vec<_> = rules
        .into_iter()
        .map(|rule| stage.simulator.faults().add(rule))
        .collect();
    let report = stage.play(&operation).await.report;
    rest(&stage).await;
    judge(name, &stage, &report, &case);
    for fault in faults {
        assert!(
            stage.simulator.faults().strikes(fault) > 0,
            "{case}: {report:?}"
        );
    }
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_survives_tasks_that_fail_or_vanish() {
    let mut cases = Vec::new();
    for name in ["create", "create two"] {
        for task in ["qmclone", "resize", "qmstart"] {
            for kind in [
                FaultKind::TaskFails(1, "no space left".into()),
                FaultKind::TaskFails(1, "VM is locked (backup)".into()),
                FaultKind::TaskVanishes(1),
                FaultKind::TaskVanishes(2),
            ] {
                // A growth has one step.
                if task == "qmclone" || kind != FaultKind::TaskVanishes(2) {
                    let rule = FaultRule::new(kind).path(task).times(1);
                    cases.push(with_faults(name, vec![rule]));
                }
            }
        }
    }
    let count = cases.len();
    let reports: Vec<Report> = stream::iter(cases)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    assert!(reports.iter().all(|report| !report.outcome.is_success()));
    println!("tasks of creations: {count} cases");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_survives_lost_answers_that_nobody_can_look_up() {
    let writes = [
        ("POST", "/100/clone"),
        ("PUT", "/105/config"),
        ("PUT", "/105/resize"),
        ("POST", "/105/status/start"),
    ];
    let reads = ["/nodes/pve1/tasks", "/105/config", "/105/status/current"];
    let mut cases = Vec::new();
    for (method, path) in writes {
        for read in reads {
            for lost in [FaultKind::ResetAfter, FaultKind::ResetBefore] {
                let lost = FaultRule::new(lost).method(method).path(path).times(1);
                let blind = FaultKind::Forbidden("/vms/105".into(), "VM.Audit".into());
                let blind = FaultRule::new(blind).method("GET").path(read);
                cases.push((lost, blind, read));
            }
        }
    }
    let count = cases.len();
    let work = cases.into_iter().map(|(lost, blind, read)| async move {
        let (stage, operation) = stage_of("create").await;
        let case = format!("create, {lost:?}, and {read} cannot be read");
        stage.simulator.faults().add(lost);
        stage.simulator.faults().add(blind);
        let report = stage.play(&operation).await.report;
        rest(&stage).await;
        judge("create", &stage, &report, &case);
    });
    stream::iter(work)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
    println!("creations that nobody can look up: {count} cases");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_nobody_can_follow_is_named_wherever_it_may_be() {
    let gone = "Configuration file 'nodes/pve1/qemu-server/105.conf' does not exist";
    let forbidden = || FaultKind::Forbidden("/vms/105".into(), "VM.Audit".into());
    for name in ["create", "create two"] {
        for copy in [forbidden(), FaultKind::Error(gone.into())] {
            let task = FaultRule::new(forbidden()).method("GET").path(":qmclone:");
            let copy = FaultRule::new(copy).method("GET").path("/105/config");
            let report = with_faults(name, vec![task, copy.times(1)]).await;
            assert!(!report.outcome.is_success(), "{report:?}");
        }
    }
}

#[tokio::test]
async fn a_task_whose_log_may_not_be_read_is_followed_all_the_same() {
    let log = FaultRule::new(FaultKind::Forbidden("/".into(), "Sys.Audit".into())).path("/log");
    let report = with_faults("create", vec![log]).await;
    assert!(report.outcome.is_success(), "{report:?}");
}
