//! What is promised of a change: at the request that changes something, and while its task is followed.

use proxdeck::domain::operation::{Outcome, Report};
use proxdeck::simulator::{FaultKind, FaultRule, Simulator};

use super::Fault;
use crate::faults::{judge, rest, stage_of};
use crate::sampling::Request;
use crate::snapshots;
use crate::stage::{Stage, until};

/// What a request is to the change that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It changes something, and is the first that does.
    Write,
    /// It asks how the task stands.
    Status,
    /// It reads what the task tells.
    Log,
}

impl Role {
    /// Finds what a request of a clean run is; absent where the table says nothing of it.
    pub(crate) fn of(index: usize, requests: &[Request]) -> Option<Self> {
        let (method, part, _) = &requests[index];
        let first = requests.iter().position(|request| request.0 != "GET");
        if first == Some(index) {
            Some(Self::Write)
        } else if method != "GET" || !part.starts_with(':') || is_seen_elsewhere(part, requests) {
            None
        } else if part.ends_with("/status") {
            Some(Self::Status)
        } else {
            part.ends_with("/log").then_some(Self::Log)
        }
    }
}

/// Tells whether what a task did is seen in the guest itself, whatever can be read of the task.
///
/// So it is with a disk that has grown, and with the start that comes of a roll-back.
fn is_seen_elsewhere(task: &str, requests: &[Request]) -> bool {
    let goes_back = || {
        requests
            .iter()
            .any(|request| request.1.contains(":qmrollback:"))
    };
    task.starts_with(":resize:") || (task.starts_with(":qmstart:") && goes_back())
}

/// What is promised of a change; [`super::table`] says what the words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Found,
    Unknown,
    Refused,
    Failed,
    Partly,
    Judged,
    Believed,
    /// The fault cannot be there, and why.
    Nothing(&'static str),
}

const NO_TASK: &str = "it is done when it is answered, without a task";

/// Tells whether an operation is done to several guests, of which one meets the fault.
fn is_about_several(name: &str) -> bool {
    name == "create two" || name.starts_with("bracket")
}

/// Tells whether an operation has no task at all.
fn has_no_task(name: &str) -> bool {
    name == "keep" || name.starts_with("network")
}

/// Tells whether a refusal certainly comes from before anything was done, and passes.
fn may_be_sent_again(name: &str, refusal: &str) -> bool {
    // A guest that is not where it was is looked for; a firewall is then written where it is.
    let is_elsewhere = refusal.contains("does not exist") && name.starts_with("network");
    refusal.contains("got timeout") || is_elsewhere
}

/// Returns what is promised of an operation whose first write meets the fault.
///
/// What concerns every connection, a node or the cluster is there from before its first request.
pub(crate) fn promise_of_write(name: &str, fault: &Fault) -> Ending {
    match &fault.kind {
        FaultKind::Latency(_) | FaultKind::ClockSkew(_) => Ending::Done,
        FaultKind::ResetAfter | FaultKind::Truncated | FaultKind::Malformed => Ending::Found,
        FaultKind::TaskFails(..) | FaultKind::TaskVanishes(_) if has_no_task(name) => {
            Ending::Nothing(NO_TASK)
        }
        FaultKind::TaskFails(..) => Ending::Failed,
        FaultKind::Stall
        | FaultKind::ResetBefore
        | FaultKind::TimedOut
        | FaultKind::TaskVanishes(_) => Ending::Unknown,
        FaultKind::Hostile => Ending::Judged,
        FaultKind::Error(text) if may_be_sent_again(name, text) => Ending::Done,
        FaultKind::Unauthorized
        | FaultKind::Forbidden(..)
        | FaultKind::Error(_)
        | FaultKind::Unreachable
            if is_about_several(name) =>
        {
            Ending::Partly
        }
        // The mark of a throttle concerns the cluster and no node.
        FaultKind::NodeOffline(_) | FaultKind::NodeHanging(_) if name == "enforce" => {
            Ending::Partly
        }
        FaultKind::Unauthorized
        | FaultKind::Forbidden(..)
        | FaultKind::Error(_)
        | FaultKind::Unreachable
        | FaultKind::Refused
        | FaultKind::NodeOffline(_)
        | FaultKind::NodeHanging(_)
        | FaultKind::QuorumLost
        | FaultKind::CertificateSwapped => Ending::Refused,
    }
}

/// Returns what is promised of an operation whose task cannot be followed for a while.
pub(crate) fn promise_of_follow(role: Role, fault: &Fault) -> Ending {
    match &fault.kind {
        FaultKind::Hostile => Ending::Believed,
        FaultKind::TaskFails(..) => Ending::Failed,
        FaultKind::TaskVanishes(_) | FaultKind::CertificateSwapped => Ending::Unknown,
        // Whoever may not look is not told by waiting.
        FaultKind::Forbidden(..) if role == Role::Status => Ending::Unknown,
        FaultKind::Error(text) if role == Role::Status && !text.contains("start worker failed") => {
            Ending::Unknown
        }
        FaultKind::Latency(_)
        | FaultKind::Stall
        | FaultKind::Refused
        | FaultKind::ResetBefore
        | FaultKind::ResetAfter
        | FaultKind::Unauthorized
        | FaultKind::Forbidden(..)
        | FaultKind::Error(_)
        | FaultKind::Unreachable
        | FaultKind::TimedOut
        | FaultKind::Truncated
        | FaultKind::Malformed
        | FaultKind::NodeOffline(_)
        | FaultKind::NodeHanging(_)
        | FaultKind::QuorumLost
        | FaultKind::ClockSkew(_) => Ending::Done,
    }
}

/// Holds what came of an operation against what was promised.
pub(crate) fn hold(promise: Ending, stage: &Stage, report: &Report, case: &str) {
    let outcome = &report.outcome;
    let is_named = || match outcome {
        Outcome::Failed(failure) | Outcome::Unknown(failure) => {
            assert!(!failure.message.raw().is_empty(), "{case}: {report:?}");
        }
        Outcome::Done | Outcome::Warnings(_) | Outcome::Stopped => {
            panic!("{case}: not {promise:?}: {report:?}");
        }
    };
    match promise {
        Ending::Done | Ending::Found => {
            assert!(outcome.is_success(), "{case}: not {promise:?}: {report:?}");
        }
        Ending::Unknown => {
            let is_unknown = matches!(outcome, Outcome::Unknown(_));
            assert!(is_unknown, "{case}: not {promise:?}: {report:?}");
            is_named();
        }
        Ending::Refused | Ending::Failed | Ending::Partly => {
            let has_failed = matches!(outcome, Outcome::Failed(_));
            assert!(has_failed, "{case}: not {promise:?}: {report:?}");
            is_named();
            let accepted = stage.accepted();
            assert_eq!(
                accepted > 0,
                promise != Ending::Refused,
                "{case}: {report:?}"
            );
        }
        Ending::Judged => {}
        Ending::Believed => {
            let writes = stage.writes();
            assert_eq!(writes.len(), 1, "{case}: {writes:?}");
        }
        Ending::Nothing(_) => panic!("{case}: the fault cannot be there"),
    }
}

/// Tells whether a fault strikes single requests of any run, so that it can meet the first write alone.
fn strikes_requests(fault: &Fault) -> bool {
    match fault.kind {
        FaultKind::Latency(_)
        | FaultKind::Stall
        | FaultKind::ResetBefore
        | FaultKind::ResetAfter
        | FaultKind::Unauthorized
        | FaultKind::Forbidden(..)
        | FaultKind::Error(_)
        | FaultKind::Unreachable
        | FaultKind::TimedOut
        | FaultKind::Truncated
        | FaultKind::Malformed
        | FaultKind::Hostile => true,
        FaultKind::Refused
        | FaultKind::NodeOffline(_)
        | FaultKind::NodeHanging(_)
        | FaultKind::TaskFails(..)
        | FaultKind::TaskVanishes(_)
        | FaultKind::QuorumLost
        | FaultKind::CertificateSwapped
        | FaultKind::ClockSkew(_) => false,
    }
}

/// Returns the rule of a fault that meets a change; the nodes of its world are called otherwise.
fn rule_of(fault: &Fault) -> FaultRule {
    let kind = if let FaultKind::NodeOffline(_) = fault.kind {
        FaultKind::NodeOffline("pve1".into())
    } else if let FaultKind::NodeHanging(_) = fault.kind {
        FaultKind::NodeHanging("pve1".into())
    } else {
        fault.kind.clone()
    };
    FaultRule::new(kind)
}

/// Lets an operation's first write meet a fault, or all of it one that strikes no single request.
///
/// Returns whether the fault can be there at all.
pub(crate) async fn write(name: &'static str, fault: Fault, first: &Request) -> bool {
    let case = format!("{name}, {}", fault.name);
    let promise = promise_of_write(name, &fault);
    if matches!(promise, Ending::Nothing(_)) {
        return false;
    }
    let (mut stage, operation) = stage_of(name).await;
    // Whatever connection there is was made before.
    stage.tune(fault.tuning());
    let mut rule = rule_of(&fault);
    if strikes_requests(&fault) {
        let (method, part, nth) = first;
        rule = rule.method(method).path(part).nth(*nth);
    }
    stage.simulator.faults().add(rule);
    let report = stage.play(&operation).await.report;
    stage.simulator.faults().clear();
    rest(&stage).await;
    judge(name, &stage, &report, &case);
    hold(promise, &stage, &report, &case);
    true
}

/// Cuts the connections that there are, as a server does that is started again; whoever has one keeps it otherwise.
pub(super) fn cut_connections(simulator: &Simulator, times: u64) {
    let cut = FaultRule::new(FaultKind::ResetBefore).times(times);
    simulator.faults().add(cut);
}

/// Lets a fault begin when a task is first looked at, and end after a while.
pub(super) async fn follow(role: Role, fault: Fault) {
    let fault = &fault;
    let name = "snapshot";
    let case = format!("following, {role:?}, {}", fault.name);
    let mut stage = Stage::unhurried().await;
    stage.tune(fault.tuning());
    let operation = snapshots::take(&stage.guest(101).await, "pre", false);
    stage.forget();
    let part = if role == Role::Log { "/log" } else { "/status" };
    let part = format!(":qmsnapshot:101:hub@pve!deck:{part}");
    let faults = stage.simulator.faults();
    let looks = || {
        let entries = stage.simulator.journal().entries();
        entries
            .iter()
            .filter(|entry| entry.path.contains("/tasks/UPID:"))
            .count()
    };
    let is_about_tasks = matches!(
        fault.kind,
        FaultKind::TaskFails(..) | FaultKind::TaskVanishes(_)
    );
    if is_about_tasks {
        faults.add(rule_of(fault));
    } else if strikes_requests(fault) {
        // After a second refused login the pause is long.
        let times = if fault.kind == FaultKind::Unauthorized {
            1
        } else {
            2
        };
        faults.add(rule_of(fault).path(&part).times(times));
    }
    let trouble = async {
        if is_about_tasks || strikes_requests(fault) {
            return;
        }
        until("a look at the task", || looks() > 0).await;
        let begun = looks();
        let rule = faults.add(rule_of(fault));
        cut_connections(&stage.simulator, 1);
        if fault.kind == FaultKind::CertificateSwapped {
            return;
        }
        if fault.kind == FaultKind::Refused {
            until("a refusal", || faults.strikes(rule) >= 2).await;
        } else {
            until("more looks", || looks() >= begun + 2).await;
        }
        faults.remove(rule);
    };
    let mut play = Box::pin(stage.play(&operation));
    let played = tokio::select! {
        // On a slow machine it may end before it was looked at often enough.
        played = &mut play => played,
        () = trouble => play.await,
    };
    let report = played.report;
    faults.clear();
    rest(&stage).await;
    let promise = promise_of_follow(role, fault);
    if promise != Ending::Believed {
        judge(name, &stage, &report, &case);
    }
    hold(promise, &stage, &report, &case);
}
