//! Power: every action, and what the guest does afterwards.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::operation::{Operation, Outcome, PowerAction, Product};
use proxdeck::domain::request::PowerRequest;
use proxdeck::simulator::{RunState, Scenario};

use crate::stage::{Stage, announced, until};

pub(crate) fn power(guest: &Guest, action: PowerAction) -> Operation {
    let request = PowerRequest::new(guest.to_ref(), action);
    request.check(Some(guest)).unwrap()
}

fn status(product: Option<Product>) -> (Status, bool) {
    match product {
        Some(Product::Power(facts)) => (facts.status, facts.requested),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_action_reaches_its_state() {
    for (vmid, action, wanted, run) in [
        (102, PowerAction::Start, Status::Running, RunState::Running),
        (
            101,
            PowerAction::Shutdown,
            Status::Stopped,
            RunState::Stopped,
        ),
        (101, PowerAction::Stop, Status::Stopped, RunState::Stopped),
        (101, PowerAction::Reboot, Status::Running, RunState::Running),
        (101, PowerAction::Reset, Status::Running, RunState::Running),
        (101, PowerAction::Suspend, Status::Paused, RunState::Paused),
        (103, PowerAction::Resume, Status::Running, RunState::Running),
        (
            150,
            PowerAction::Shutdown,
            Status::Stopped,
            RunState::Stopped,
        ),
        (150, PowerAction::Reboot, Status::Running, RunState::Running),
        (150, PowerAction::Stop, Status::Stopped, RunState::Stopped),
    ] {
        let stage = Stage::new().await;
        let operation = power(&stage.guest(vmid).await, action);
        stage.forget();
        let report = stage.play(&operation).await.report;
        assert_eq!(report.outcome, Outcome::Done, "{action} {vmid}: {report:?}");
        assert_eq!(stage.writes(), announced(&operation), "{action} {vmid}");
        assert_eq!(status(report.product), (wanted, false), "{action} {vmid}");
        assert_eq!(stage.view(u32::try_from(vmid).unwrap()).status, run);
        assert_eq!(stage.log()[0]["action"], action.as_str());
    }
}

#[tokio::test]
async fn a_guest_that_hears_nothing_is_told_from_one_that_failed() {
    let stage = Stage::new().await;
    let guest = stage.guest(101).await;
    let mut request = PowerRequest::new(guest.to_ref(), PowerAction::Shutdown);
    // Shorter than the simulated guest needs.
    request.timeout_seconds = Some(2);
    let operation = request.check(Some(&guest)).unwrap();
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::TaskFailed);
    assert!(
        failure.advice.contains("did not shut down in time"),
        "{failure:?}"
    );
    assert_eq!(stage.view(101).status, RunState::Running);
}

#[tokio::test]
async fn high_availability_is_asked_and_waited_for() {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 102;
    }
    let stage = Stage::of(scenario).await;
    let operation = power(&stage.guest(102).await, PowerAction::Start);
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    let upid = played.report.upid.unwrap();
    assert_eq!(upid.kind(), "hastart");
    assert_eq!(status(played.report.product), (Status::Running, false));
}

#[tokio::test]
async fn what_high_availability_has_not_done_yet_is_called_requested() {
    let mut scenario = Scenario::small();
    scenario.speed = 1.0;
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 102;
    }
    let stage = Stage::of(scenario).await;
    let operation = power(&stage.guest(102).await, PowerAction::Start);
    let ask_to_stop = async {
        until("the request's end", || {
            let world = stage.simulator.world();
            let asked = |kind: &str, status: &Option<String>| kind == "hastart" && status.is_some();
            world
                .tasks()
                .iter()
                .any(|task| asked(&task.kind, &task.status))
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    assert_eq!(played.report.outcome, Outcome::Done);
    assert_eq!(status(played.report.product), (Status::Stopped, true));
}

#[tokio::test]
async fn asked_to_begin_nothing_more_a_shutdown_at_work_is_followed_to_its_end() {
    let stage = Stage::unhurried().await;
    let operation = power(&stage.guest(101).await, PowerAction::Shutdown);
    stage.forget();
    let ask_to_stop = async {
        until("the shutdown's begin", || {
            let world = stage.simulator.world();
            world.tasks().iter().any(|task| task.kind == "qmshutdown")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(
        stage.writes(),
        announced(&operation),
        "its task is left alone"
    );
    assert_eq!(stage.view(101).status, RunState::Stopped);
    assert_eq!(stage.logged(), ["started", "done"]);
}
