//! Keep marks.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::operation::{Operation, Outcome};
use proxdeck::domain::request::KeepMarkRequest;
use proxdeck::domain::retention::Policy;

use crate::stage::{Stage, announced};

pub(crate) async fn mark(stage: &Stage, keep: bool) -> Operation {
    let guest = stage.guest(101).await;
    let list = stage.snapshots(&guest).await;
    let request = KeepMarkRequest {
        guest: guest.to_ref(),
        snapshot: list.find("s1").unwrap().clone(),
        keep,
    };
    request
        .check(Some(&guest), Some(&list), &Policy::default())
        .unwrap()
}

fn description(stage: &Stage) -> String {
    let snapshots = stage.view(101).snapshots;
    let found = snapshots.into_iter().find(|each| each.name == "s1");
    found.unwrap().description
}

#[tokio::test]
async fn a_mark_is_written_and_taken_off() {
    let stage = Stage::new().await;
    let operation = mark(&stage, true).await;
    stage.forget();
    assert_eq!(stage.play(&operation).await.report.outcome, Outcome::Done);
    assert_eq!(stage.writes(), announced(&operation));
    assert_eq!(description(&stage), "disk only\n#keep");
    let operation = mark(&stage, false).await;
    assert_eq!(stage.play(&operation).await.report.outcome, Outcome::Done);
    assert_eq!(description(&stage), "disk only");
}

#[tokio::test]
async fn the_last_mark_leaves_an_empty_description() {
    let stage = Stage::new().await;
    stage
        .simulator
        .edit(|world| world.describe_snapshot(101, "s1", "#keep").unwrap());
    let operation = mark(&stage, false).await;
    assert_eq!(stage.play(&operation).await.report.outcome, Outcome::Done);
    assert_eq!(description(&stage), "");
}

#[tokio::test]
async fn words_that_somebody_wrote_meanwhile_are_not_overwritten() {
    let stage = Stage::new().await;
    let operation = mark(&stage, true).await;
    stage
        .simulator
        .edit(|world| world.describe_snapshot(101, "s1", "mine").unwrap());
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        report.outcome.failure().unwrap().kind,
        FailureKind::Conflict
    );
    assert_eq!(stage.writes(), [] as [&str; 0]);
    assert_eq!(description(&stage), "mine");
}

#[tokio::test]
async fn a_busy_guest_is_asked_again() {
    let stage = Stage::new().await;
    let operation = mark(&stage, true).await;
    stage.simulator.edit(|world| world.hold_file_lock(101));
    stage.forget();
    let free = async {
        crate::stage::until("a refusal", || {
            let entries = stage.simulator.journal().entries();
            entries.iter().any(|entry| entry.status == Some(500))
        })
        .await;
        stage.simulator.edit(|world| world.release_file_lock(101));
    };
    let (played, ()) = tokio::join!(stage.play(&operation), free);
    assert_eq!(played.report.outcome, Outcome::Done);
    assert_eq!(description(&stage), "disk only\n#keep");
}
