//! A number that belongs to another guest by the time a change is carried out.
//!
//! What was confirmed may be old: a laptop slept, a link was down. Nothing may reach the guest
//! that has the number now.

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::operation::{Operation, Outcome, PowerAction};

use crate::making::{self, Wish};
use crate::marking::mark;
use crate::powering::power;
use crate::rolling_back::roll_back;
use crate::snapshots::{delete, take};
use crate::stage::Stage;

/// The changes of guest 101, by name; each is made anew in its own world.
const CHANGES: [&str; 8] = [
    "stop", "shutdown", "reset", "snapshot", "delete", "keep", "rollback", "clone",
];

async fn change(name: &str, stage: &Stage) -> Operation {
    let guest = stage.guest(101).await;
    match name {
        "stop" => power(&guest, PowerAction::Stop),
        "shutdown" => power(&guest, PowerAction::Shutdown),
        "reset" => power(&guest, PowerAction::Reset),
        "snapshot" => take(&guest, "pre", false),
        "delete" => delete(stage, 101, "s1").await,
        "keep" => mark(stage, true).await,
        "rollback" => roll_back(stage, "s1", true, None).await,
        "clone" => {
            let wish = Wish {
                source: 101,
                snapshot: Some("s1"),
                ..Wish::default()
            };
            making::clone(stage, wish).await
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn nothing_is_done_to_a_stranger_that_has_the_number_now() {
    for name in CHANGES {
        let stage = Stage::new().await;
        let operation = change(name, &stage).await;
        stage
            .simulator
            .edit(|world| world.set_option(101, "name", Some("stranger")).unwrap());
        stage.forget();
        let report = stage.play(&operation).await.report;
        let failure = report.outcome.failure();
        let failure = failure.unwrap_or_else(|| panic!("{name}: {report:?}"));
        assert_eq!(failure.kind, FailureKind::Conflict, "{name}: {failure:?}");
        assert_eq!(
            failure.message.to_string(),
            "guest 101 is now called stranger",
            "{name}"
        );
        assert_eq!(stage.writes(), [] as [&str; 0], "{name}");
        assert_eq!(stage.logged(), ["started", "failed"], "{name}");
    }
}

#[tokio::test]
async fn nothing_is_done_to_a_stranger_on_another_node() {
    for name in CHANGES {
        let stage = Stage::with_two_nodes().await;
        let operation = change(name, &stage).await;
        stage.simulator.edit(|world| {
            world.move_guest(101, "pve2").unwrap();
            world.set_option(101, "name", Some("stranger")).unwrap();
        });
        stage.forget();
        let report = stage.play(&operation).await.report;
        assert!(
            matches!(report.outcome, Outcome::Failed(_)),
            "{name}: {report:?}"
        );
        assert_eq!(stage.writes(), [] as [&str; 0], "{name}");
    }
}

#[tokio::test]
async fn a_guest_that_moved_is_changed_where_it_is_now() {
    for name in CHANGES {
        let stage = Stage::with_two_nodes().await;
        let operation = change(name, &stage).await;
        stage
            .simulator
            .edit(|world| world.move_guest(101, "pve2").unwrap());
        stage.forget();
        let report = stage.play(&operation).await.report;
        assert!(report.outcome.is_success(), "{name}: {report:?}");
        let writes = stage.writes();
        assert!(
            !writes.is_empty() && writes.iter().all(|write| write.contains("/nodes/pve2/")),
            "{name}: {writes:?}"
        );
    }
}

#[tokio::test]
async fn a_snapshot_made_anew_on_another_node_is_not_deleted() {
    let stage = Stage::with_two_nodes().await;
    let operation = delete(&stage, 101, "s1").await;
    stage.simulator.edit(|world| {
        world.move_guest(101, "pve2").unwrap();
        world.set_snapshot_time(101, "s1", Some(1)).unwrap();
    });
    stage.forget();
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Conflict, "{failure:?}");
    assert_eq!(stage.writes(), [] as [&str; 0]);
    assert!(stage.names(101).contains(&"s1".to_owned()));
}
