//! Taking and deleting snapshots.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::operation::{Operation, Outcome, Product, SizeEstimate};
use proxdeck::domain::request::{DeleteSnapshotRequest, SnapshotRequest};
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::stage::{Stage, announced, until};

pub(crate) fn take(guest: &Guest, name: &str, ram: bool) -> Operation {
    let request = SnapshotRequest {
        guest: guest.to_ref(),
        name: name.into(),
        description: "before the upgrade".into(),
        ram,
    };
    request.check(Some(guest), None).unwrap()
}

pub(crate) async fn delete(stage: &Stage, vmid: u64, name: &str) -> Operation {
    let guest = stage.guest(vmid).await;
    let list = stage.snapshots(&guest).await;
    let request = DeleteSnapshotRequest {
        guest: guest.to_ref(),
        snapshot: list.find(name).unwrap().clone(),
    };
    request.check(Some(&guest), Some(&list)).unwrap()
}

#[tokio::test]
async fn a_snapshot_is_taken_found_again_and_its_size_bounded() {
    let stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "pre", false);
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(stage.writes(), announced(&operation));
    let Some(Product::Snapshot(facts)) = report.product else {
        panic!("{:?}", report.product)
    };
    assert_eq!(facts.parent, Some("s1".into()));
    assert_eq!(facts.size, SizeEstimate::AtMost(10 << 30));
    assert!(stage.names(101).contains(&"pre".to_owned()));
    assert_eq!(stage.logged(), ["started", "done"]);
}

#[tokio::test]
async fn the_size_of_a_snapshot_with_memory_is_that_of_its_volume() {
    let stage = Stage::new().await;
    let report = stage
        .play(&take(&stage.guest(101).await, "ram", true))
        .await
        .report;
    let Some(Product::Snapshot(facts)) = report.product else {
        panic!("{report:?}")
    };
    assert!(facts.has_ram);
    assert!(
        matches!(facts.size, SizeEstimate::Ram(bytes) if bytes > 0),
        "{facts:?}"
    );
}

#[tokio::test]
async fn a_container_is_never_asked_for_its_memory() {
    let stage = Stage::new().await;
    let operation = take(&stage.guest(150).await, "pre", false);
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(stage.writes(), announced(&operation));
    assert!(!stage.writes()[0].contains("vmstate"));
    assert_eq!(report.outcome, Outcome::Done);
}

#[tokio::test]
async fn pitfall_24_what_fails_in_the_task_is_told_in_the_server_s_words() {
    let stage = Stage::new().await;
    let guest = stage.guest(101).await;
    for (name, vmid) in [("s1", 101), ("raw", 104)] {
        let guest = if vmid == 101 {
            guest.clone()
        } else {
            stage.guest(vmid).await
        };
        let report = stage.play(&take(&guest, name, false)).await.report;
        let Outcome::Failed(failure) = &report.outcome else {
            panic!("{report:?}")
        };
        assert_eq!(failure.kind, FailureKind::SnapshotFailed);
        assert!(report.upid.is_some());
        let words = if vmid == 101 {
            "snapshot name 's1' already used"
        } else {
            "snapshot feature is not available"
        };
        assert_eq!(failure.message.to_string(), words);
    }
}

#[tokio::test]
async fn pitfall_26_the_lock_that_a_failed_task_leaves_is_named() {
    let stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "half", false);
    let fault = FaultRule::new(FaultKind::TaskFails(2, "disk on fire".into()));
    stage.simulator.faults().add(fault.path("qmsnapshot"));
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)));
    assert_eq!(stage.view(101).lock.as_deref(), Some("snapshot"));
    assert_eq!(
        report.notes,
        ["101 web-1 is left with the lock `snapshot`; only root frees it, on node pve1"]
    );

    let stage = Stage::new().await;
    let operation = delete(&stage, 101, "s1").await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "disk on fire".into()));
    stage.simulator.faults().add(fault.path("qmdelsnapshot"));
    let report = stage.play(&operation).await.report;
    assert!(report.notes[0].contains("`snapshot-delete`"), "{report:?}");
}

#[tokio::test]
async fn a_worker_that_vanished_is_judged_by_what_is_there() {
    let stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "half", false);
    let fault = FaultRule::new(FaultKind::TaskVanishes(2)).path("qmsnapshot");
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Unknown(_)), "{report:?}");
    assert!(report.notes[0].contains("lock `snapshot`"), "{report:?}");
}

#[tokio::test]
async fn a_snapshot_is_deleted_and_gone() {
    let stage = Stage::new().await;
    let operation = delete(&stage, 101, "s2ram").await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(stage.writes(), announced(&operation));
    assert_eq!(stage.names(101), ["s1"]);
}

#[tokio::test]
async fn a_snapshot_that_changed_meanwhile_is_not_deleted() {
    for change in ["time", "gone", "unfinished"] {
        let stage = Stage::new().await;
        let operation = delete(&stage, 101, "s1").await;
        stage.simulator.edit(|world| {
            match change {
                "time" => world.set_snapshot_time(101, "s1", Some(1)),
                "gone" => world.remove_snapshot(101, "s1"),
                _ => world.set_snapstate(101, "s1", Some("prepare")),
            }
            .unwrap();
        });
        stage.forget();
        let report = stage.play(&operation).await.report;
        let failure = report.outcome.failure().unwrap();
        assert_eq!(failure.kind, FailureKind::Conflict, "{change}");
        assert_eq!(stage.writes(), [] as [&str; 0], "{change}");
    }
}

#[tokio::test]
async fn a_busy_guest_is_waited_for_when_nothing_was_done() {
    let stage = Stage::new().await;
    let operation = delete(&stage, 101, "s1").await;
    stage.simulator.edit(|world| world.hold_file_lock(101));
    stage.forget();
    let free = async {
        until("a task that met the lock", || {
            let world = stage.simulator.world();
            let met = |status: &Option<String>| {
                status.as_ref().is_some_and(|it| it.contains("got timeout"))
            };
            world.tasks().iter().any(|task| met(&task.status))
        })
        .await;
        stage.simulator.edit(|world| world.release_file_lock(101));
    };
    let (played, ()) = tokio::join!(stage.play(&operation), free);
    assert_eq!(played.report.outcome, Outcome::Done);
    assert!(
        played
            .steps
            .iter()
            .any(|step| step.contains("the guest is busy")),
        "{:?}",
        played.steps
    );
    assert_eq!(
        stage.writes().len(),
        2,
        "one was met by the lock, one worked"
    );
}

#[tokio::test]
async fn pitfall_02_a_guest_that_moved_is_found_on_its_new_node() {
    let stage = Stage::with_two_nodes().await;
    let guest = stage.guest(101).await;
    stage
        .simulator
        .edit(|world| world.move_guest(101, "pve2").unwrap());
    stage.forget();
    let played = stage.play(&take(&guest, "moved", false)).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    let writes = stage.writes();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert!(writes[0].starts_with("POST /nodes/pve2/"), "{writes:?}");
    assert!(stage.names(101).contains(&"moved".to_owned()));
}

#[tokio::test]
async fn a_connection_lost_while_signing_in_loses_no_write() {
    let mut stage = Stage::new().await;
    stage.renew_always();
    let operation = take(&stage.guest(101).await, "pre", false);
    // The first login is for the look at the guest, the second for the snapshot.
    let login = FaultRule::new(FaultKind::ResetBefore).path("/access/ticket");
    let fault = stage.simulator.faults().add(login.nth(2));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(stage.simulator.faults().strikes(fault), 1);
    let failure = report.outcome.failure().unwrap();
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert_eq!(failure.kind, FailureKind::Interrupted, "{failure:?}");
    let writes = stage.writes();
    assert!(
        !writes.iter().any(|write| write.contains("/snapshot")),
        "{writes:?}"
    );
    assert_eq!(stage.logged(), ["started", "failed"]);
}

#[tokio::test]
async fn a_missing_privilege_is_named_and_nothing_is_done() {
    let mut stage = Stage::new().await;
    let operation = take(&stage.guest(101).await, "pre", false);
    stage.limit();
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert!(failure.message.to_string().contains("VM.Snapshot"));
    assert!(!stage.names(101).contains(&"pre".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_by_the_server_s_clock_however_wrong_it_is() {
    for skew in [5 * 3600, -5 * 3600] {
        let stage = Stage::new().await;
        let clock = FaultRule::new(FaultKind::ClockSkew(skew));
        stage.simulator.faults().add(clock);
        let operation = take(&stage.guest(101).await, "pre", false);
        stage.forget();
        let lost = FaultRule::new(FaultKind::ResetAfter).method("POST");
        stage.simulator.faults().add(lost.times(1));
        let report = stage.play(&operation).await.report;
        assert_eq!(report.outcome, Outcome::Done, "{skew}: {report:?}");
        assert_eq!(stage.writes().len(), 1, "{skew}: {:?}", stage.writes());
        assert!(stage.has_whole(101, "pre"), "{skew}");
    }
}
