//! Taking a snapshot.

use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Outcome, Product, Update};
use proxdeck::domain::text::Text;
use proxdeck::operations::{self, Reporter, WriteAccess};
use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario, Simulator};
use tokio::sync::mpsc;

use crate::stage::Stage;

fn failure(outcome: &Outcome) -> &Failure {
    match outcome {
        Outcome::Failed(failure) | Outcome::Unknown(failure) => failure,
        Outcome::Done | Outcome::Warnings(_) | Outcome::Stopped => {
            panic!("no failure: {outcome:?}")
        }
    }
}

#[tokio::test]
async fn it_sends_what_it_announces_and_nothing_else() {
    for (vmid, description, ram) in [
        (101, "before; the = upgrade & more", true),
        (102, "", false),
        (150, "a container", false),
    ] {
        let stage = Stage::fast().await;
        let operation = stage.wish(vmid, "fresh", description, ram).await;
        let (_, report) = stage.run(&operation).await;
        assert_eq!(report.outcome, Outcome::Done, "{vmid}");
        stage.assert_sent(&operation.calls());
    }
}

#[tokio::test]
async fn it_returns_the_snapshot_as_it_is_in_the_list() {
    let stage = Stage::fast().await;
    let operation = stage.wish(101, "fresh", "why\nand how", true).await;
    let (updates, report) = stage.run(&operation).await;
    let Some(Product::Snapshot(facts)) = report.product else {
        panic!("{report:?}");
    };
    let made = stage.snapshot(101, "fresh").unwrap();
    assert_eq!(facts.name.raw(), "fresh");
    assert_eq!(facts.taken.map(|taken| taken.timestamp()), made.time);
    assert_eq!(
        facts.parent.map(|parent| parent.raw().to_owned()),
        made.parent
    );
    assert_eq!(facts.description.raw(), made.description);
    assert!(facts.has_ram && made.vmstate);
    let accepted = updates.iter().find_map(|update| match update {
        Update::Accepted(upid) => Some(upid.clone()),
        Update::Progress { .. } | Update::Step(_) | Update::Ended(_) => None,
    });
    assert_eq!(
        report.upid, accepted,
        "the task is named while it runs and at the end"
    );
    assert_eq!(
        report.upid.unwrap().as_str(),
        stage.simulator.world().tasks()[0].upid
    );
}

#[tokio::test]
async fn a_name_that_is_taken_fails_with_the_end_of_the_log() {
    let stage = Stage::fast().await;
    let operation = stage.wish(101, "s1", "", false).await;
    let (_, report) = stage.run(&operation).await;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    let failure = failure(&report.outcome);
    assert_eq!(failure.kind, FailureKind::SnapshotFailed);
    assert!(
        failure.message.raw().contains("already used"),
        "{failure:?}"
    );
    let world = stage.simulator.world();
    let last = world.tasks()[0].log.last().unwrap();
    assert_eq!(failure.details.last().map(Text::raw), Some(last.as_str()));
    assert!(report.product.is_none());
}

#[tokio::test]
async fn a_lock_that_came_meanwhile_is_named() {
    let stage = Stage::fast().await;
    let operation = stage.wish(102, "fresh", "", false).await;
    stage
        .simulator
        .edit(|world| world.lock_guest(102, Some("backup")).unwrap());
    let (_, report) = stage.run(&operation).await;
    let failure = failure(&report.outcome);
    assert_eq!(failure.kind, FailureKind::SnapshotFailed);
    assert!(
        failure.message.raw().contains("VM is locked (backup)"),
        "{failure:?}"
    );
    assert!(stage.snapshot(102, "fresh").is_none());
}

#[tokio::test]
async fn a_disk_that_has_no_snapshots_fails_in_the_task() {
    let stage = Stage::fast().await;
    // 104 has a raw disk on a directory.
    let operation = stage.wish(104, "fresh", "", false).await;
    let (_, report) = stage.run(&operation).await;
    let failure = failure(&report.outcome);
    assert_eq!(failure.kind, FailureKind::SnapshotFailed);
    assert!(
        failure
            .message
            .raw()
            .contains("snapshot feature is not available"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_guest_that_went_away_was_not_touched() {
    let stage = Stage::fast().await;
    let operation = stage.wish(102, "fresh", "", false).await;
    stage
        .simulator
        .edit(|world| world.remove_guest(102).unwrap());
    let (_, report) = stage.run(&operation).await;
    assert_eq!(failure(&report.outcome).kind, FailureKind::NoSuchGuest);
    assert!(stage.writes().is_empty());
}

#[tokio::test]
async fn a_task_that_ends_well_without_the_snapshot_is_told_as_such() {
    let stage = Stage::fast().await;
    let operation = stage.wish(102, "fresh", "", false).await;
    // The end is not seen before the snapshot was removed again.
    stage
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::Unreachable).path("/tasks/"));
    let removing = async {
        stage
            .until("the task to be done", |simulator| {
                let world = simulator.world();
                world
                    .tasks()
                    .first()
                    .is_some_and(|task| task.status.as_deref() == Some("OK"))
            })
            .await;
        stage
            .simulator
            .edit(|world| world.remove_snapshot(102, "fresh").unwrap());
        stage.simulator.faults().clear();
    };
    let ((_, report), ()) = tokio::join!(stage.run(&operation), removing);
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert_eq!(failure(&report.outcome).kind, FailureKind::SnapshotMissing);
}

#[tokio::test]
async fn pitfall_24_a_worker_that_vanished_is_neither_success_nor_failure() {
    let stage = Stage::fast().await;
    let operation = stage.wish(102, "fresh", "", false).await;
    stage
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::TaskVanishes(1)));
    let (_, report) = stage.run(&operation).await;
    assert!(matches!(report.outcome, Outcome::Unknown(_)), "{report:?}");
    assert!(report.upid.is_some() && report.product.is_none());
    assert_eq!(stage.writes().len(), 1);
}

#[tokio::test]
async fn a_task_that_the_server_forgot_is_unknown_and_named() {
    // So slow that the task cannot end before the server does.
    let stage = Stage::at_speed(0.01).await;
    let operation = stage.wish(101, "fresh", "", true).await;
    let options = Options {
        listen: stage.simulator.address(),
        ..Options::new(Scenario::small())
    };
    let Stage { simulator, client } = stage;
    let (sender, mut receiver) = mpsc::channel(16);
    let running = async {
        let reporter = Reporter::new(sender);
        operations::run(&client, &operation, &reporter, &WriteAccess::Unlogged).await;
    };
    let restarting = async {
        let mut upid = None;
        while upid.is_none() {
            if let Update::Accepted(name) = receiver.recv().await.expect("it is accepted") {
                upid = Some(name);
            }
        }
        simulator.shutdown().await;
        let forgetful = Simulator::start(options).await.unwrap();
        let mut last = None;
        while let Some(update) = receiver.recv().await {
            last = Some(update);
        }
        (forgetful, upid.unwrap(), last)
    };
    let ((), (forgetful, upid, last)) = tokio::join!(running, restarting);
    let Some(Update::Ended(report)) = last else {
        panic!("{last:?}");
    };
    assert!(matches!(report.outcome, Outcome::Unknown(_)), "{report:?}");
    assert_eq!(report.upid.as_ref(), Some(&upid));
    let details = &failure(&report.outcome).details;
    assert!(
        details
            .iter()
            .any(|line| line.raw().contains(upid.as_str())),
        "{details:?}"
    );
    let entries = forgetful.journal().entries();
    assert!(
        entries.iter().all(|entry| entry.method == "GET"),
        "it was not asked for again"
    );
}

#[tokio::test]
async fn it_goes_on_when_nobody_listens() {
    let stage = Stage::fast().await;
    let operation = stage.wish(102, "fresh", "", false).await;
    let (sender, receiver) = mpsc::channel(1);
    drop(receiver);
    operations::run(
        &stage.client,
        &operation,
        &Reporter::new(sender),
        &WriteAccess::Unlogged,
    )
    .await;
    assert!(stage.snapshot(102, "fresh").is_some());
    assert!(
        stage
            .simulator
            .journal()
            .entries()
            .iter()
            .any(|entry| entry.path.ends_with("/status"))
    );
}
