//! Executing an enforcement plan.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;
use proxdeck::domain::enforcement::{EnforcementPlan, EnforcementRules, Member, ProjectCase, plan};
use proxdeck::domain::operation::{Enforced, Fate, Operation, Outcome, Product, Report};
use proxdeck::domain::project::{Membership, Project, Quota, Resource, Window};
use proxdeck::domain::quota::{Amount, Certainty, Use};
use proxdeck::domain::request::EnforceRequest;
use proxdeck::domain::throttle::{Found, MarkedTier, Marker, find, set};
use proxdeck::domain::usage::{Coverage, Period, ProjectStanding, ProjectUse};
use proxdeck::notify::{Channel, Command, Delivery, Notifier};
use proxdeck::simulator::{FaultKind, FaultRule, RunState, Scenario};
use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{DEADLINE, Stage, until};

/// What stands in the pool's comment of the small world.
const OTHERS: &str = "lab machines";

fn project() -> Project {
    let mut project = Project::new("alpha", Membership::Pool("lab".parse().unwrap())).unwrap();
    project.window = Window::Days7;
    project.notify = vec!["team".to_owned()];
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    project
}

/// Plans for the pool `lab`, whose guests used so many of 100 core-hours.
pub(crate) async fn plan_for(stage: &Stage, hours: f64) -> EnforcementPlan {
    let resources = stage.resources().await;
    let (pools, lab) = (stage.client.pools(), "lab".parse().unwrap());
    let comment = pools.comment(&lab).await.unwrap();
    let project = project();
    let none = Amount::new(0.0, Certainty::Exact);
    let used = ProjectUse {
        used: Use {
            cpu_hours: Amount::new(hours, Certainty::Exact),
            memory_gb_hours: none,
            storage_gb: none,
            network_gb: none,
        },
        coverage: Coverage::default(),
    };
    let now = stage.client.server_time().unwrap();
    let period = Period::of(project.window, now, Tz::UTC);
    let standing = ProjectStanding::of(&project, &used, period, 4);
    let members = resources.guests.iter().map(|seen| &seen.guest);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(find(comment.as_ref().map_or("", |text| text.raw()))),
        members: members
            .filter(|guest| project.matches(guest))
            .map(|guest| Member::new(guest, true))
            .collect(),
    };
    plan(&[case], &EnforcementRules::default(), Some(&resources), now)
}

/// Makes the operation; guests 101 and 150 are those that go down.
pub(crate) async fn enforce(stage: &Stage, hours: f64) -> Operation {
    let request = EnforceRequest {
        plan: plan_for(stage, hours).await,
        cluster: "lab".to_owned(),
        shutdown_timeout_seconds: 180,
    };
    request.check(Some(&stage.resources().await), None).unwrap()
}

fn comment(stage: &Stage) -> String {
    let world = stage.simulator.world();
    world.pool_comment("lab").unwrap_or_default()
}

fn marked(stage: &Stage) -> Option<MarkedTier> {
    find(&comment(stage)).marker().map(Marker::tier)
}

fn runs(stage: &Stage, vmid: u32) -> bool {
    stage.view(vmid).status == RunState::Running
}

/// Tells whether everything that the plan wants of the small world is so.
pub(crate) fn is_done(stage: &Stage) -> bool {
    marked(stage) == Some(MarkedTier::Emergency) && !runs(stage, 101) && !runs(stage, 150)
}

fn steps(report: &Report) -> &[Enforced] {
    match &report.product {
        Some(Product::Enforced(steps)) => steps,
        other => panic!("{other:?}"),
    }
}

fn fates(report: &Report) -> Vec<String> {
    let lines = steps(report).iter().map(|step| {
        let reason = match &step.fate {
            Fate::Ended(_) => "",
            Fate::Skipped(reason) | Fate::NotTried(reason) => reason,
        };
        let vmid = step.guest.as_ref().map(|guest| format!(" {}", guest.vmid));
        let vmid = vmid.unwrap_or_default();
        let line = format!("{}{vmid} {} {reason}", step.action, step.word());
        line.trim_end().to_owned()
    });
    lines.collect()
}

/// Holds what is said of each step against the world.
pub(crate) fn judge(stage: &Stage, report: &Report, case: &str) {
    assert!(
        comment(stage).starts_with(OTHERS),
        "{case}: others' text is kept"
    );
    for step in steps(report) {
        let is_so = match &step.guest {
            Some(guest) => !runs(stage, guest.vmid.get()),
            None if step.action == "throttle" => marked(stage) == Some(MarkedTier::Emergency),
            None => continue,
        };
        match &step.fate {
            Fate::Ended(Outcome::Done | Outcome::Warnings(_)) => {
                assert!(is_so, "{case}: {step:?}");
            }
            Fate::Ended(Outcome::Failed(_)) | Fate::Skipped(_) | Fate::NotTried(_) => {
                assert!(!is_so, "{case}: {step:?}");
            }
            Fate::Ended(Outcome::Unknown(_) | Outcome::Stopped) => {}
        }
    }
    if marked(stage).is_none() {
        assert!(
            runs(stage, 101) && runs(stage, 150),
            "{case}: nobody goes down without a mark"
        );
    }
    let lines = stage.log();
    let of_pool = lines.iter().filter(|line| line["subject"] == "lab");
    assert_eq!(of_pool.count(), 1, "{case}: a line for the comment");
    for step in steps(report).iter().filter(|step| step.upid.is_some()) {
        let upid = step.upid.as_ref().unwrap().as_str();
        let logged = lines.iter().any(|line| line["upid"] == upid);
        assert!(logged, "{case}: a line for {upid}");
    }
}

/// Channels that write what they are told into a file.
struct Ears {
    folder: TempDir,
}

impl Ears {
    fn new(stage: &mut Stage) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("told");
        let words = |file: &Path| {
            let script = format!("cat >> {}", file.display());
            vec!["/bin/sh".to_owned(), "-c".to_owned(), script]
        };
        let channels = ["team", "administrators"].map(|name| Channel {
            name: name.to_owned(),
            delivery: Delivery::Command(Command::new(words(&file))),
        });
        stage.set_notifier(Notifier::new(channels.into()));
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("told")
    }

    fn heard(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn an_emergency_is_marked_guests_go_down_one_by_one_and_then_people_are_told() {
    let mut stage = Stage::new().await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(
        fates(&report),
        [
            "throttle done",
            "shutdown 101 done",
            "shutdown 150 done",
            "notify done"
        ]
    );
    let sent = stage.writes();
    assert!(sent[0].starts_with("PUT /pools"), "{sent:?}");
    assert!(sent[0].contains("comment=lab machines\\n[proxdeck throttled "));
    let announced = crate::stage::announced(&operation);
    assert_eq!(
        sent[1..],
        announced[1..],
        "the snapshot before each shutdown"
    );
    assert!(is_done(&stage));
    judge(&stage, &report, "clean");
    assert!(comment(&stage).ends_with(" cpu_hours tier=emergency]"));
    assert!(stage.names(101).iter().any(|name| name.starts_with("av-")));
    assert_eq!(report.parts.len(), 2);
    assert_eq!(report.notes, ["4 done"]);
    assert_eq!(
        stage.logged(),
        [
            "started", "done", "started", "done", "started", "done", "started", "done", "started",
            "done", "done"
        ]
    );
    let heard = ears.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[0]["tier"], "emergency");
    assert_eq!(heard[0]["previous_tier"], "ok");
    assert_eq!(heard[0]["throttled"], true);
    let guests = heard[0]["guests"].as_array().unwrap();
    let outcomes = guests.iter().map(|guest| &guest["outcome"]);
    assert!(outcomes.eq(["shut-down", "shut-down"]), "{guests:?}");
}

/// Waits until the list of guests tells who runs: nodes broadcast it every ten seconds, which are moments
/// here, but not none on a busy machine.
async fn listed(stage: &Stage) {
    let listed = async {
        loop {
            let resources = stage.resources().await;
            let guests = resources.guests.iter().map(|seen| &seen.guest);
            if guests
                .clone()
                .all(|guest| guest.is_running() == runs(stage, guest.vmid.get()))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(DEADLINE, listed).await;
    assert!(waited.is_ok(), "the list never tells who runs");
}

#[tokio::test]
async fn after_a_complete_execution_planning_again_names_no_step() {
    let stage = Stage::new().await;
    for hours in [160.0, 120.0, 50.0, 120.0, 160.0] {
        let operation = enforce(&stage, hours).await;
        let report = stage.play(&operation).await.report;
        assert!(report.outcome.is_success(), "{hours}: {report:?}");
        listed(&stage).await;
        let again = plan_for(&stage, hours).await;
        assert!(again.is_empty(), "{hours}: {again:?}");
    }
    let operation = enforce(&stage, 50.0).await;
    stage.play(&operation).await;
    assert_eq!(comment(&stage), OTHERS);
}

#[tokio::test]
async fn what_others_wrote_meanwhile_is_kept() {
    let stage = Stage::new().await;
    let operation = enforce(&stage, 120.0).await;
    let text = "lab machines\r\nask Eve, ext. 7\n";
    stage.simulator.edit(|world| {
        world.set_pool_comment("lab", Some(text)).unwrap();
    });
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert!(comment(&stage).starts_with(text), "{}", comment(&stage));
    assert_eq!(marked(&stage), Some(MarkedTier::Throttle));
}

#[tokio::test]
async fn a_throttle_that_was_changed_since_the_plan_keeps_everything_else_from_being_done() {
    let mut stage = Stage::new().await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    let other = Marker::new(
        stage.client.server_time().unwrap(),
        [Resource::StorageGb],
        MarkedTier::Throttle,
    );
    let text = set(OTHERS, &other.unwrap());
    stage.simulator.edit(|world| {
        world.set_pool_comment("lab", Some(&text)).unwrap();
    });
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "throttle skipped the throttle was changed since the plan was made; plan again",
            "shutdown 101 not-tried the throttle before it is not as planned",
            "shutdown 150 not-tried the throttle before it is not as planned",
            "notify not-tried the throttle before it is not as planned",
        ]
    );
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(ears.heard(), [Value::Null; 0]);
}

#[tokio::test]
async fn busy_stopped_and_restarted_guests_are_left_alone_and_others_go_down() {
    for (change, reason) in [
        ("lock", "the guest is locked (backup)"),
        ("stop", "the guest does not run any more"),
        ("pause", "the guest is paused"),
        ("name", "guest 101 is now called other"),
        ("gone", "the guest is gone"),
        ("restart", "the guest was restarted at "),
    ] {
        let stage = Stage::new().await;
        let operation = enforce(&stage, 160.0).await;
        let now = stage.client.server_time().unwrap().timestamp();
        stage.simulator.edit(|world| {
            match change {
                "lock" => world.lock_guest(101, Some("backup")),
                "stop" => world.set_run_state(101, RunState::Stopped, now),
                "pause" => world.set_run_state(101, RunState::Paused, now),
                "name" => world.set_option(101, "name", Some("other")),
                "gone" => world.remove_guest(101),
                _ => world
                    .set_run_state(101, RunState::Stopped, now)
                    .and_then(|()| world.set_run_state(101, RunState::Running, now + 60)),
            }
            .unwrap();
        });
        let report = stage.play(&operation).await.report;
        let told = fates(&report);
        assert!(
            told[1].starts_with(&format!("shutdown 101 skipped {reason}")),
            "{change}: {told:?}"
        );
        assert_eq!(told[2], "shutdown 150 done", "{change}");
        assert_eq!(report.outcome, Outcome::Done, "{change}");
    }
}

#[tokio::test]
async fn a_guest_with_a_running_task_is_left_alone() {
    let mut scenario = Scenario::small();
    scenario.speed = 1.0;
    scenario.guests.retain(|guest| guest.vmid != 150);
    let stage = Stage::of(scenario).await;
    let operation = enforce(&stage, 160.0).await;
    let guest = stage.guest(101).await;
    let Operation::Power(shutdown) =
        crate::powering::power(&guest, proxdeck::domain::operation::PowerAction::Shutdown)
    else {
        panic!("a shutdown")
    };
    let guests = stage.client.guests();
    guests.power(&shutdown, shutdown.guest()).await.unwrap();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report)[1],
        "shutdown 101 skipped a task of the guest is running (qmshutdown)"
    );
    let world = stage.simulator.world();
    let tasks = world.tasks().iter().filter(|task| task.id == "101");
    assert_eq!(tasks.count(), 1, "no other was begun");
}

#[tokio::test]
async fn a_failed_snapshot_spares_its_guest_and_the_next_one_goes_down() {
    let mut stage = Stage::new().await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no space left".into()));
    let fault = fault.path("qmsnapshot:101").times(1);
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert_eq!(
        fates(&report)[1..3],
        ["shutdown 101 failed", "shutdown 150 done"]
    );
    assert!(runs(&stage, 101));
    let heard = ears.heard();
    let guests = heard[0]["guests"].as_array().unwrap();
    assert_eq!(guests[0]["outcome"], "skipped", "{guests:?}");
    assert_eq!(guests[1]["outcome"], "shut-down", "{guests:?}");
}

#[tokio::test]
async fn asked_to_stop_it_finishes_the_guest_at_work_and_still_tells_what_was_done() {
    let mut scenario = Scenario::small();
    scenario.speed = 10.0;
    let mut stage = Stage::of(scenario).await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    let ask_to_stop = async {
        until("a shutdown at work", || {
            let world = stage.simulator.world();
            world.tasks().iter().any(|task| task.kind == "qmshutdown")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    assert_eq!(
        fates(&played.report),
        [
            "throttle done",
            "shutdown 101 done",
            "shutdown 150 not-tried asked to stop",
            "notify done",
        ]
    );
    assert_eq!(played.report.outcome, Outcome::Stopped);
    assert_eq!(ears.heard().len(), 2);
}

#[tokio::test]
async fn a_channel_that_fails_is_a_warning_and_no_failure() {
    let mut stage = Stage::new().await;
    stage.set_notifier(Notifier::new(Vec::new()));
    let operation = enforce(&stage, 120.0).await;
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Warnings(1), "{report:?}");
    assert!(
        report.notes[0].contains("team: there is no such channel"),
        "{:?}",
        report.notes
    );
    let again = plan_for(&stage, 120.0).await;
    assert!(again.is_empty(), "it is not told again: {again:?}");
}

#[tokio::test]
async fn two_runs_at_once_throttle_once_tell_once_and_shut_down_nobody_twice() {
    let mut stage = Stage::new().await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    let (one, other) = tokio::join!(stage.play(&operation), stage.play(&operation));
    // Whoever came second met a stopped or a busy guest; no guest was left to nobody.
    for vmid in [101, 150] {
        let is_down = |report: &Report| {
            let mut parts = report.parts.iter();
            parts.any(|part| part.guest.vmid.get() == vmid && part.fate.as_str() == "done")
        };
        let told = is_down(&one.report) || is_down(&other.report);
        assert!(told || runs(&stage, vmid), "{vmid} went down unsaid");
    }
    let world = stage.simulator.world();
    for (vmid, kind) in [("101", "qmshutdown"), ("150", "vzshutdown")] {
        let well = world.tasks().iter().filter(|task| {
            task.id == vmid && task.kind == kind && task.status.as_deref() == Some("OK")
        });
        assert!(well.count() <= 1, "{vmid} goes down once");
    }
    drop(world);
    let text = comment(&stage);
    assert_eq!(text.matches("[proxdeck throttled").count(), 1, "{text}");
    assert!(text.starts_with(OTHERS));
    // Both mark the same tier, within the same second even the same line.
    assert!(ears.heard().len() <= 4);
}

#[tokio::test]
async fn a_second_run_of_the_same_plan_finds_everything_done_and_tells_nobody() {
    let mut stage = Stage::new().await;
    let ears = Ears::new(&mut stage);
    let operation = enforce(&stage, 160.0).await;
    stage.play(&operation).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "throttle skipped another run has done it already",
            "shutdown 101 skipped the guest does not run any more",
            "shutdown 150 skipped the guest does not run any more",
            "notify skipped the run that did it tells of it",
        ]
    );
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(stage.writes(), [""; 0]);
    assert_eq!(ears.heard().len(), 2, "told by the first run alone");
}

#[tokio::test]
async fn what_high_availability_has_not_done_yet_is_called_requested() {
    let mut scenario = Scenario::small();
    scenario.speed = 1.0;
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 150;
    }
    scenario.guests.retain(|guest| guest.vmid != 101);
    let stage = Stage::of(scenario).await;
    let operation = enforce(&stage, 160.0).await;
    let ask_to_stop = async {
        until("the request's end", || {
            let world = stage.simulator.world();
            let mut tasks = world.tasks().iter();
            tasks.any(|task| task.kind == "hastop" && task.status.is_some())
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    assert_eq!(fates(&played.report)[1], "shutdown 150 requested");
}

#[tokio::test]
async fn without_the_privilege_on_the_pool_nothing_at_all_is_done() {
    let stage = Stage::new().await;
    let operation = enforce(&stage, 160.0).await;
    let fault = FaultKind::Forbidden("/pool/lab".into(), "Pool.Allocate".into());
    let fault = FaultRule::new(fault).method("PUT").path("/pools");
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert!(matches!(find(&comment(&stage)), Found::None));
    assert!(runs(&stage, 101) && runs(&stage, 150));
}

#[tokio::test]
async fn a_throttle_that_somebody_overwrites_at_once_is_said_and_nobody_goes_down() {
    let stage = Stage::new().await;
    let operation = enforce(&stage, 160.0).await;
    let slow = FaultRule::new(FaultKind::Latency(std::time::Duration::from_secs(3)));
    let slow = slow.method("GET").path("/pools").nth(2);
    stage.simulator.faults().add(slow);
    let overwrite = async {
        until("the throttle", || marked(&stage).is_some()).await;
        stage.simulator.edit(|world| {
            world.set_pool_comment("lab", Some(OTHERS)).unwrap();
        });
    };
    let (played, ()) = tokio::join!(stage.play(&operation), overwrite);
    let report = played.report;
    let failure = report.outcome.failure().unwrap();
    assert!(
        failure.details[0]
            .raw()
            .contains("somebody changed it at once"),
        "{failure:?}"
    );
    assert_eq!(
        fates(&report),
        [
            "throttle failed",
            "shutdown 101 not-tried the throttle before it is not as planned",
            "shutdown 150 not-tried the throttle before it is not as planned",
            "notify not-tried the throttle before it is not as planned",
        ]
    );
    assert!(runs(&stage, 101) && runs(&stage, 150));
}
