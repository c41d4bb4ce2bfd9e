//! Going back to a snapshot.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::guest::Status;
use proxdeck::domain::operation::{Operation, Outcome, Product};
use proxdeck::domain::request::{RollBackContext, RollBackRequest};
use proxdeck::simulator::{FaultKind, FaultRule, RunState};

use crate::networking;
use crate::stage::{Stage, announced, until};

pub(crate) async fn roll_back(
    stage: &Stage,
    name: &str,
    start: bool,
    safety: Option<&str>,
) -> Operation {
    let guest = stage.guest(101).await;
    let list = stage.snapshots(&guest).await;
    let resources = stage.resources().await;
    let (present, frozen) = (
        stage.client.guests().config(&guest.to_ref()).await.unwrap(),
        stage
            .client
            .guests()
            .snapshot_config(&guest.to_ref(), name)
            .await
            .unwrap(),
    );
    let fence = networking::foresee(stage, &guest.to_ref(), &frozen, None).await;
    let request = RollBackRequest {
        guest: guest.to_ref(),
        snapshot: list.find(name).unwrap().clone(),
        start,
        safety: safety.map(str::to_owned),
        unfenced: true,
    };
    let context = RollBackContext {
        guest: Some(&guest),
        snapshots: Some(&list),
        present: Some(&present),
        frozen: Some(&frozen),
        comparing: false,
        storages: &resources.storages,
        critical_tags: None,
        fence: Some(&fence),
    };
    request.check(&context).unwrap()
}

fn found(product: Option<Product>) -> Option<Status> {
    match product {
        Some(Product::RolledBack(facts)) => facts.status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pitfall_27_a_guest_without_memory_stays_off_unless_it_is_started() {
    for (start, wanted, run) in [
        (false, Status::Stopped, RunState::Stopped),
        (true, Status::Running, RunState::Running),
    ] {
        let stage = Stage::new().await;
        let operation = roll_back(&stage, "s1", start, None).await;
        stage.forget();
        let report = stage.play(&operation).await.report;
        assert_eq!(report.outcome, Outcome::Done, "{report:?}");
        assert_eq!(stage.writes(), announced(&operation));
        assert_eq!(found(report.product), Some(wanted));
        assert_eq!(stage.view(101).status, run);
        assert_eq!(report.notes, [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_snapshot_with_memory_resumes_by_itself() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s2ram", true, None).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(report.outcome.is_success(), "{report:?}");
    assert_eq!(
        stage.writes(),
        ["POST /nodes/pve1/qemu/101/snapshot/s2ram/rollback"]
    );
    assert_eq!(found(report.product), Some(Status::Running));
}

#[tokio::test]
async fn the_safety_snapshot_is_there_before_the_present_is_lost() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s1", false, Some("before")).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.writes(), announced(&operation));
    assert!(stage.names(101).contains(&"before".to_owned()));
    assert_eq!(stage.view(101).config["parent"], "s1");
    assert_eq!(report.tally().done, 2);
    assert_eq!(stage.logged(), ["started", "done", "done"]);
}

#[tokio::test]
async fn without_its_safety_snapshot_nothing_is_rolled_back() {
    for fault in [
        FaultRule::new(FaultKind::TaskFails(2, "disk on fire".into())).path("qmsnapshot"),
        FaultRule::new(FaultKind::TaskVanishes(2)).path("qmsnapshot"),
        FaultRule::new(FaultKind::Forbidden(
            "/vms/101".into(),
            "VM.Snapshot".into(),
        ))
        .method("POST"),
        FaultRule::new(FaultKind::ResetBefore).method("POST"),
    ] {
        let stage = Stage::new().await;
        let operation = roll_back(&stage, "s1", true, Some("before")).await;
        stage.simulator.faults().add(fault.clone());
        stage.forget();
        let report = stage.play(&operation).await.report;
        assert!(!report.outcome.is_success(), "{fault:?}");
        assert!(
            report.notes[0].contains("nothing was rolled back"),
            "{report:?}"
        );
        assert_eq!(stage.writes().len(), 1, "{fault:?}");
        assert_eq!(stage.view(101).status, RunState::Running);
    }
}

#[tokio::test]
async fn asked_to_begin_nothing_more_it_takes_the_safety_snapshot_and_stays_in_the_present() {
    let stage = Stage::unhurried().await;
    let operation = roll_back(&stage, "s1", true, Some("before")).await;
    stage.forget();
    let ask_to_stop = async {
        until("the safety snapshot's begin", || {
            let world = stage.simulator.world();
            world.tasks().iter().any(|task| task.kind == "qmsnapshot")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    let report = played.report;
    assert_eq!(report.outcome, Outcome::Stopped, "{report:?}");
    assert_eq!(stage.writes(), announced(&operation)[..1]);
    assert!(stage.names(101).contains(&"before".to_owned()));
    assert_eq!(stage.view(101).status, RunState::Running);
    assert_eq!(stage.view(101).config["parent"], "before");
    let notes = [
        "nothing was rolled back: asked to stop",
        "the safety snapshot before was taken and is kept",
    ];
    assert_eq!(report.notes, notes);
    assert_eq!(report.tally().done, 1);
    assert_eq!(report.tally().not_tried, 1);
    assert_eq!(stage.logged(), ["started", "done", "stopped"]);
}

#[tokio::test]
async fn asked_to_begin_nothing_more_before_it_began_it_begins_nothing() {
    for safety in [None, Some("before")] {
        let stage = Stage::new().await;
        let operation = roll_back(&stage, "s1", true, safety).await;
        stage.forget();
        stage.stop.cancel();
        let report = stage.play(&operation).await.report;
        assert_eq!(report.outcome, Outcome::Stopped, "{report:?}");
        assert_eq!(stage.writes(), [] as [&str; 0]);
        assert_eq!(report.notes, ["nothing was rolled back: asked to stop"]);
    }
}

#[tokio::test]
async fn nothing_is_rolled_back_to_what_was_not_meant() {
    for change in ["time", "lock", "name"] {
        let stage = Stage::new().await;
        let operation = roll_back(&stage, "s1", true, None).await;
        stage.simulator.edit(|world| {
            match change {
                "time" => world.set_snapshot_time(101, "s1", Some(1)),
                "lock" => world.lock_guest(101, Some("backup")),
                _ => world.set_option(101, "name", Some("other")),
            }
            .unwrap();
        });
        stage.forget();
        let report = stage.play(&operation).await.report;
        let kind = report.outcome.failure().unwrap().kind;
        assert!(
            matches!(kind, FailureKind::Conflict | FailureKind::Locked),
            "{change}: {kind:?}"
        );
        assert_eq!(stage.writes(), [] as [&str; 0], "{change}");
    }
}

#[tokio::test]
async fn a_start_that_failed_after_the_return_is_reported() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s1", true, None).await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no memory left".into()));
    stage.simulator.faults().add(fault.path("qmstart"));
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(
        failure.message.to_string(),
        "the guest went back, but it is stopped"
    );
    assert!(report.notes[0].contains("no memory left"), "{report:?}");
    assert_eq!(stage.view(101).config["parent"], "s1");
}

#[tokio::test]
async fn a_start_that_cannot_be_followed_leaves_open_whether_the_guest_will_run() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s1", true, None).await;
    let unread = FaultRule::new(FaultKind::Error("VM is locked (backup)".into()));
    let unread = unread.path(":qmstart:101:hub@pve!deck:/status");
    let idle = FaultRule::new(FaultKind::TaskFails(1, "no memory left".into())).path("qmstart");
    for fault in [unread, idle] {
        stage.simulator.faults().add(fault);
    }
    let report = stage.play(&operation).await.report;
    let Outcome::Unknown(failure) = &report.outcome else {
        panic!("{report:?}");
    };
    assert_eq!(
        failure.details[0].to_string(),
        "the guest went back, but it is stopped"
    );
    let note = &report.notes[0];
    assert!(
        note.starts_with("the guest went back, but how its start ended is not known: "),
        "{note}"
    );
    assert!(note.contains("VM is locked (backup)"), "{note}");
    assert_eq!(stage.view(101).config["parent"], "s1");
}

/// The server's own clean-up may hold the guest's file lock when its start comes (recordings, note 7).
#[tokio::test]
async fn a_start_that_ran_into_the_clean_up_of_the_return_is_asked_for_again() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s1", true, None).await;
    let busy = "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout";
    let fault = FaultRule::new(FaultKind::TaskFails(1, busy.into())).path("qmstart");
    stage.simulator.faults().add(fault.times(1));
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(stage.view(101).status, RunState::Running);
    let starts = stage.writes();
    let starts = starts.iter().filter(|write| write.contains("status/start"));
    assert_eq!(starts.count(), 1, "{:?}", stage.writes());
    assert!(
        played.steps.iter().any(|step| step.contains("busy")),
        "it is said: {:?}",
        played.steps
    );
}

#[tokio::test]
async fn a_vanished_worker_proves_nothing_where_the_parent_was_the_target_before() {
    let stage = Stage::new().await;
    let operation = roll_back(&stage, "s1", false, None).await;
    let fault = FaultRule::new(FaultKind::TaskVanishes(1)).path("qmrollback");
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Unknown(_)), "{report:?}");
    assert!(report.notes[0].contains("lock `rollback`"), "{report:?}");
}

#[tokio::test]
async fn a_guest_that_moved_goes_back_on_its_new_node() {
    let stage = Stage::with_two_nodes().await;
    let operation = roll_back(&stage, "s1", true, Some("before")).await;
    stage
        .simulator
        .edit(|world| world.move_guest(101, "pve2").unwrap());
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert_eq!(stage.view(101).config["parent"], "s1");
    assert_eq!(stage.view(101).status, RunState::Running);
}
