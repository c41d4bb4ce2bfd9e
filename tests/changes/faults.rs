//! Faults at every request of every operation's clean run.
//!
//! The requests are taken from the journal of a run without faults, so that none can be forgotten;
//! [`crate::sampling`] says which faults each meets.
//! Whatever goes wrong, three accounts must agree: the world, the report and the audit log; and no
//! write may have reached the world twice.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use proxdeck::domain::operation::{Fate, Operation, Outcome, PowerAction, Product, Report};
use proxdeck::simulator::{Entry, FaultKind, FaultRule, RunState};

use crate::counts::tell;
use crate::making::Wish;
use crate::promises::writing::{Role, hold, promise_of_follow, promise_of_write, write};
use crate::promises::{Fault, faults};
use crate::sampling::{Coverage, Request, cells};
use crate::stage::{Stage, until, written};
use crate::{
    bracketing, creating, creating_faults, destroying, enforcing, making, marking, networking,
    powering, pruning, rolling_back, snapshots,
};

/// So many worlds are tried at once.
pub(crate) const AT_ONCE: usize = 32;

/// The operations, by name; each is made anew in its own world.
pub(crate) const OPERATIONS: [&str; 21] = [
    "snapshot",
    "delete",
    "keep",
    "start",
    "shutdown",
    "reset",
    "rollback",
    "clone",
    "branch",
    "stop",
    "destroy",
    "prune",
    "create",
    "create two",
    "bracket",
    "bracket-restore",
    "bracket-drop",
    "enforce",
    "network",
    "network put back",
    "network trial",
];

pub(crate) async fn stage_of(name: &str) -> (Stage, Operation) {
    // Boxed, for each operation's setting adds to a future that would be too large elsewhere.
    Box::pin(set_up(name)).await
}

async fn set_up(name: &str) -> (Stage, Operation) {
    let stage = match name {
        "prune" => Stage::of(pruning::old_world()).await,
        "create" | "create two" => Stage::of(creating::world()).await,
        "bracket-restore" | "bracket-drop" => bracketing::bracketed(bracketing::GUESTS).await,
        _ => Stage::new().await,
    };
    let operation = match name {
        "snapshot" => snapshots::take(&stage.guest(101).await, "pre", false),
        "delete" => snapshots::delete(&stage, 101, "s2ram").await,
        "keep" => marking::mark(&stage, true).await,
        "start" => powering::power(&stage.guest(102).await, PowerAction::Start),
        "shutdown" => powering::power(&stage.guest(101).await, PowerAction::Shutdown),
        "reset" => powering::power(&stage.guest(101).await, PowerAction::Reset),
        "rollback" => rolling_back::roll_back(&stage, "s2ram", true, Some("before")).await,
        "clone" => {
            let wish = Wish {
                vmid: "777",
                start: true,
                ..Wish::default()
            };
            making::clone(&stage, wish).await
        }
        "branch" => {
            let wish = Wish {
                source: 101,
                snapshot: Some("s1"),
                vmid: "777",
                start: true,
            };
            making::clone(&stage, wish).await
        }
        "stop" => powering::power(&stage.guest(101).await, PowerAction::Stop),
        "destroy" => destroying::destroy(&stage.guest(102).await, true, None),
        "prune" => pruning::prune(&stage, &[101]).await,
        "create" => creating::create(&stage, |_| {}).await,
        "create two" => creating::create(&stage, |wish| wish.count = "2".into()).await,
        "bracket" => bracketing::create(&stage, bracketing::GUESTS, 0xaaaa)
            .await
            .unwrap(),
        "bracket-restore" => bracketing::restore(&stage, None).await,
        "bracket-drop" => bracketing::drop(&stage).await,
        "enforce" => enforcing::enforce(&stage, 160.0).await,
        "network" => Box::pin(networking::apply(&stage)).await,
        "network put back" => Box::pin(networking::put_back(&stage)).await,
        "network trial" => Box::pin(networking::try_out(&stage, 1)).await,
        other => panic!("{other}"),
    };
    stage.forget();
    (stage, operation)
}

/// Tells whether what the operation wants is so in the world; absent where no trace would show it.
fn is_done(name: &str, stage: &Stage) -> Option<bool> {
    let world = stage.simulator.world();
    let guest = |vmid| world.guest(vmid);
    let has = |name: &str| stage.names(101).contains(&name.to_owned());
    Some(match name {
        "snapshot" => stage.has_whole(101, "pre"),
        "delete" => !has("s2ram"),
        "keep" => stage.view(101).snapshots[0].description.contains("#keep"),
        "start" => stage.view(102).status == RunState::Running,
        "shutdown" | "stop" => stage.view(101).status == RunState::Stopped,
        "rollback" => stage
            .view(101)
            .config
            .get("parent")
            .is_some_and(|it| it == "s2ram"),
        "destroy" => guest(102).is_none(),
        "enforce" => enforcing::is_done(stage),
        "network" => networking::is_fenced(stage),
        "network put back" => networking::is_as_before(stage),
        "clone" | "branch" => guest(777).is_some_and(|it| it.status == RunState::Running),
        "create" => creating::finished(stage, &["agent"]),
        "create two" => creating::finished(stage, &["agent-1", "agent-2"]),
        _ => return None,
    })
}

/// Names a request so that it is the same in every run: task names differ in their numbers only.
fn fragment(entry: &Entry) -> String {
    match entry.path.split_once("/tasks/UPID:") {
        Some((_, rest)) => {
            let tail: Vec<&str> = rest.splitn(5, ':').collect();
            format!(":{}", tail[4])
        }
        None => entry.path.clone(),
    }
}

/// Returns each request of a clean run as method, part of the path, and which of its like it is.
fn requests(entries: &[Entry]) -> Vec<Request> {
    let mut requests = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let part = fragment(entry);
        let alike = |other: &&Entry| other.method == entry.method && other.path.contains(&part);
        let nth = entries[..=index].iter().filter(alike).count() as u64;
        // A task is looked at as often as it takes; one look stands for all, and comes in every run.
        if part.starts_with(':') && nth > 1 {
            continue;
        }
        requests.push((entry.method.clone(), part, nth));
    }
    requests
}

/// Tells whether a fault meets every request: it strikes single ones, is over at once, and is no riddle.
fn is_common(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::Latency(_)
        | FaultKind::ResetBefore
        | FaultKind::ResetAfter
        | FaultKind::Unauthorized
        | FaultKind::Forbidden(..)
        | FaultKind::Error(_)
        | FaultKind::Unreachable
        | FaultKind::TimedOut
        | FaultKind::Truncated
        | FaultKind::Malformed => true,
        FaultKind::Stall
        | FaultKind::Refused
        | FaultKind::Hostile
        | FaultKind::NodeOffline(_)
        | FaultKind::NodeHanging(_)
        | FaultKind::TaskFails(..)
        | FaultKind::TaskVanishes(_)
        | FaultKind::QuorumLost
        | FaultKind::CertificateSwapped
        | FaultKind::ClockSkew(_) => false,
    }
}

/// Returns the faults that meet every request.
fn common() -> Vec<Fault> {
    let mut faults = faults();
    faults.retain(is_common);
    faults
}

pub(crate) fn kinds() -> Vec<FaultKind> {
    common().into_iter().map(|fault| fault.kind).collect()
}

/// Holds what is said of each deletion against the snapshots that are left.
fn judge_parts(stage: &Stage, report: &Report, case: &str) {
    let left = stage.names(101);
    assert!(left.contains(&"zz".to_owned()), "{case}");
    assert_eq!(report.parts.len(), 3, "{case}");
    for part in &report.parts {
        let is_there = left.contains(&part.subject.to_string());
        match &part.fate {
            Fate::Ended(Outcome::Done | Outcome::Warnings(_)) => {
                assert!(!is_there, "{case}: {part:?}");
            }
            Fate::Ended(Outcome::Failed(_)) | Fate::Skipped(_) | Fate::NotTried(_) => {
                assert!(is_there, "{case}: {part:?}");
            }
            Fate::Ended(Outcome::Unknown(_) | Outcome::Stopped) => {}
        }
    }
    let lines = stage.log().len();
    assert_eq!(
        lines,
        2 + report.parts.len(),
        "{case}: a line for each deletion"
    );
}

/// Holds the three accounts against each other.
pub(crate) fn judge(name: &str, stage: &Stage, report: &Report, case: &str) {
    let outcome = &report.outcome;
    match (outcome, is_done(name, stage)) {
        (Outcome::Done | Outcome::Warnings(_), Some(done)) => {
            assert!(done, "{case}: reported as done: {report:?}");
        }
        (Outcome::Failed(_), Some(done)) => {
            assert!(!done, "{case}: done, but reported as failed: {report:?}");
        }
        (Outcome::Unknown(_) | Outcome::Stopped, _) | (_, None) => {}
    }
    match name {
        "prune" => judge_parts(stage, report, case),
        "enforce" => enforcing::judge(stage, report, case),
        "network trial" => networking::judge_trial(stage, report, case),
        "create" | "create two" => creating_faults::judge_made(stage, report, case),
        _ => {}
    }
    if name.starts_with("bracket") {
        bracketing::judge(name, stage, report, case);
    }
    if let Some(Product::Guest(guest)) = &report.product {
        let made = stage.simulator.world().guest(guest.vmid.get());
        assert!(made.is_some(), "{case}: {guest} does not exist");
    }
    let logged = stage.logged();
    assert_eq!(logged[0], "started", "{case}");
    assert_eq!(logged.last().unwrap(), outcome.as_str(), "{case}");
    // A refusal, even one with a misleading text, is known not to have been carried out.
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in stage.simulator.journal().entries() {
        let was_refused = matches!(entry.status, Some(400..=595));
        if entry.method != "GET" && !was_refused {
            *counts.entry(written(&entry)).or_default() += 1;
        }
    }
    if name == "network trial" {
        // The way back is tried again from what is there then, be it with the same words.
        return;
    }
    for (call, count) in counts {
        assert_eq!(count, 1, "{case}: sent {count} times: {call}");
    }
}

/// Waits until the server has done all that it was asked for, whoever watched.
pub(crate) async fn rest(stage: &Stage) {
    until("the end of all tasks", || {
        let world = stage.simulator.world();
        world.tasks().iter().all(|task| task.status.is_some())
    })
    .await;
}

async fn clean_run(name: &str) -> Vec<Request> {
    let (stage, operation) = stage_of(name).await;
    let report = stage.play(&operation).await.report;
    assert!(report.outcome.is_success(), "{name}: {report:?}");
    judge(name, &stage, &report, name);
    requests(&stage.simulator.journal().entries())
}

async fn with_fault(name: &str, fault: Fault, request: Request, role: Option<Role>) -> u64 {
    let (method, part, nth) = request;
    let kind = &fault.kind;
    let case = format!("{name}, {kind:?} at {method} {part} #{nth}");
    let (mut stage, operation) = stage_of(name).await;
    let rule = FaultRule::new(kind.clone())
        .method(&method)
        .path(&part)
        .nth(nth);
    let id = stage.simulator.faults().add(rule);
    let report = stage.play(&operation).await.report;
    rest(&stage).await;
    judge(name, &stage, &report, &case);
    let strikes = stage.simulator.faults().strikes(id);
    // Of two that are made at once each may take the other's place.
    match role.filter(|_| strikes > 0) {
        Some(Role::Write) => hold(promise_of_write(name, &fault), &stage, &report, &case),
        Some(role) => hold(promise_of_follow(role, &fault), &stage, &report, &case),
        None => {}
    }
    if name.starts_with("bracket") {
        bracketing::go_on(name, &mut stage, &report, &case).await;
    }
    let is_harmless = matches!(kind, FaultKind::Latency(_));
    if (strikes == 0 || is_harmless) && name != "reset" {
        assert!(report.outcome.is_success(), "{case}: {report:?}");
    }
    strikes
}

/// Tells whether a request is made for other guests in the same way as for the first.
fn is_about_others(name: &str, part: &str) -> bool {
    match name {
        "create two" => true,
        "enforce" => part.contains("/150/") || part.starts_with(":150:"),
        _ => name.starts_with("bracket"),
    }
}

/// Tries what is to be tried; returns how many there were.
async fn faults_at_every_request(name: &'static str) -> String {
    let requests = Box::pin(clean_run(name)).await;
    let (common, kinds) = (common(), kinds());
    let role = |request| Role::of(request, &requests);
    let coverage = Coverage::wished();
    let mut cells = cells(coverage, name, &requests, &kinds);
    cells.retain(|(request, kind)| {
        // One guest meets them all; others beside it only keep out of each other's way.
        let is_plain = matches!(
            kinds[*kind],
            FaultKind::Latency(_) | FaultKind::Forbidden(..) | FaultKind::Truncated
        );
        let is_promised = role(*request) == Some(Role::Write);
        is_promised || !(is_plain && is_about_others(name, &requests[*request].1))
    });
    let promised = cells.iter().filter(|cell| role(cell.0).is_some()).count();
    let strikes: Vec<u64> = stream::iter(cells)
        .map(|(request, kind)| {
            let (fault, role) = (common[kind].clone(), role(request));
            with_fault(name, fault, requests[request].clone(), role)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let struck = strikes.iter().filter(|count| **count > 0).count();
    assert!(
        struck * 2 > strikes.len(),
        "{name}: only {struck} of {} struck",
        strikes.len()
    );
    let first = requests.iter().find(|request| request.0 != "GET").unwrap();
    let mut others = faults();
    others.retain(|fault| !is_common(fault));
    let wholly = stream::iter(others)
        .map(|fault| write(name, fault, first))
        .buffer_unordered(AT_ONCE)
        .filter(|is_there| std::future::ready(*is_there))
        .count()
        .await;
    format!(
        "{name}: {} requests, {} faults, {} cases ({coverage:?}), of which {struck} struck; promises held: {}",
        requests.len(),
        kinds.len(),
        strikes.len(),
        promised + wholly
    )
}

macro_rules! faults {
    ($($test:ident: $name:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            assert!(OPERATIONS.contains(&$name));
            let told = faults_at_every_request($name).await;
            tell(&format!("faults at every request: {told}"));
        }
    )*};
}

faults! {
    taking_a_snapshot_survives_faults_at_every_request: "snapshot";
    deleting_a_snapshot_survives_faults_at_every_request: "delete";
    marking_survives_faults_at_every_request: "keep";
    starting_survives_faults_at_every_request: "start";
    shutting_down_survives_faults_at_every_request: "shutdown";
    resetting_survives_faults_at_every_request: "reset";
    rolling_back_survives_faults_at_every_request: "rollback";
    stopping_survives_faults_at_every_request: "stop";
    cloning_survives_faults_at_every_request: "clone";
    branching_survives_faults_at_every_request: "branch";
    destroying_survives_faults_at_every_request: "destroy";
    pruning_survives_faults_at_every_request: "prune";
    creating_survives_faults_at_every_request: "create";
    creating_two_survives_faults_at_every_request: "create two";
    bracketing_survives_faults_at_every_request: "bracket";
    restoring_a_bracket_survives_faults_at_every_request: "bracket-restore";
    dropping_a_bracket_survives_faults_at_every_request: "bracket-drop";
    enforcing_survives_faults_at_every_request: "enforce";
    applying_a_network_profile_survives_faults_at_every_request: "network";
    putting_a_network_profile_back_survives_faults_at_every_request: "network put back";
    trying_a_network_profile_survives_faults_at_every_request: "network trial";
}
