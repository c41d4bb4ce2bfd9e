//! Destroying: what is looked at right before, what is sent, and what is there afterwards.

use chrono::DateTime;
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::operation::{Operation, Outcome, Report, Stamp};
use proxdeck::domain::request::{DestroyContext, DestroyRequest};
use proxdeck::simulator::{Entry, FaultKind, FaultRule, RunState, Scenario};

use crate::making::{Wish, clone};
use crate::stage::{Stage, announced, until};

/// Wishes that a guest be destroyed, as somebody does who has read no more than the list.
pub(crate) fn destroy(guest: &Guest, purge: bool, stamp: Option<Stamp>) -> Operation {
    let request = DestroyRequest {
        guest: guest.to_ref(),
        purge,
        stamp,
    };
    let context = DestroyContext {
        guest: Some(guest),
        ..DestroyContext::default()
    };
    request.check(&context).unwrap()
}

/// Returns why it was not done, sure that nothing was.
fn refusal(stage: &Stage, report: &Report) -> (FailureKind, String) {
    let Outcome::Failed(failure) = &report.outcome else {
        panic!("{report:?}")
    };
    assert_eq!(stage.writes(), [] as [&str; 0]);
    (failure.kind, failure.message.to_string())
}

#[tokio::test]
async fn a_stopped_guest_is_destroyed_and_gone() {
    let stage = Stage::new().await;
    stage
        .simulator
        .edit(|world| world.set_run_state(150, RunState::Stopped, 0).unwrap());
    for (vmid, purge, kind) in [
        (102, false, "qmdestroy"),
        (104, true, "qmdestroy"),
        (150, true, "vzdestroy"),
    ] {
        let mut guest = stage.guest(vmid).await;
        // What the list says of the container's state may be 10 s old.
        guest.status = Status::Stopped;
        let operation = destroy(&guest, purge, None);
        stage.forget();
        let played = stage.play(&operation).await;
        assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
        assert_eq!(stage.writes(), announced(&operation));
        assert_eq!(played.report.upid.unwrap().kind(), kind);
        let number = u32::try_from(vmid).unwrap();
        assert!(stage.simulator.world().guest(number).is_none());
        assert!(
            played.steps.iter().any(|step| step.contains("it is gone")),
            "{:?}",
            played.steps
        );
    }
    let begun = &stage.log()[0];
    assert_eq!(begun["action"], "destroy");
    assert_eq!(begun["targets"][0]["name"], "db-1");
    assert_eq!(stage.logged()[..2], ["started", "done"]);
}

#[tokio::test]
async fn what_changed_since_it_was_looked_at_keeps_the_guest() {
    for (change, kind, words) in [
        (
            "runs",
            FailureKind::Refused,
            "102 db-1: running; stop it first",
        ),
        ("locked", FailureKind::Locked, "102 db-1: locked (backup)"),
        ("protected", FailureKind::Refused, "it is protected"),
        ("renamed", FailureKind::Conflict, "its name is hub now"),
        ("gone", FailureKind::NoSuchGuest, "does not exist"),
    ] {
        let stage = Stage::new().await;
        let operation = destroy(&stage.guest(102).await, false, None);
        stage.simulator.edit(|world| {
            match change {
                "runs" => world.set_run_state(102, RunState::Running, 0),
                "locked" => world.lock_guest(102, Some("backup")),
                "protected" => world.set_option(102, "protection", Some("1")),
                "renamed" => world.set_option(102, "name", Some("hub")),
                _ => world.remove_guest(102),
            }
            .unwrap();
        });
        stage.forget();
        let report = stage.play(&operation).await.report;
        let (found, message) = refusal(&stage, &report);
        assert_eq!(found, kind, "{change}");
        assert!(message.contains(words), "{change}: {message}");
        assert_eq!(stage.logged(), ["started", "failed"], "{change}");
    }
}

#[tokio::test]
async fn high_availability_keeps_a_guest_that_it_took_over_meanwhile() {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 102;
    }
    let stage = Stage::of(scenario).await;
    let mut guest = stage.guest(102).await;
    guest.ha_state = None;
    let operation = destroy(&guest, false, None);
    stage.forget();
    let report = stage.play(&operation).await.report;
    let (kind, message) = refusal(&stage, &report);
    assert_eq!(kind, FailureKind::Refused);
    assert!(message.contains("only with purge"), "{message}");
    let report = stage.play(&destroy(&guest, true, None)).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
}

#[tokio::test]
async fn a_half_made_guest_goes_only_with_its_own_mark() {
    let stage = Stage::new().await;
    let wish = Wish {
        vmid: "777",
        ..Wish::default()
    };
    let made = stage.play(&clone(&stage, wish).await).await.report;
    assert_eq!(made.outcome, Outcome::Done, "{made:?}");
    let guest = stage.guest(777).await;
    let stamp = |number| Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), number);
    stage.forget();
    let foreign = destroy(&guest, false, Some(stamp(43)));
    let report = stage.play(&foreign).await.report;
    let (kind, message) = refusal(&stage, &report);
    assert_eq!(kind, FailureKind::Conflict);
    assert!(message.contains("000000000000002b"), "{message}");
    assert_eq!(stage.view(777).name, "copy-1");
    let report = stage
        .play(&destroy(&guest, false, Some(stamp(42))))
        .await
        .report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    assert!(stage.simulator.world().guest(777).is_none());
}

#[tokio::test]
async fn a_guest_that_moved_is_looked_at_again_on_its_new_node() {
    for protected in [false, true] {
        let stage = Stage::with_two_nodes().await;
        let operation = destroy(&stage.guest(102).await, false, None);
        stage.simulator.edit(|world| {
            world.move_guest(102, "pve2").unwrap();
            let flag = protected.then_some("1");
            world.set_option(102, "protection", flag).unwrap();
        });
        stage.forget();
        let report = stage.play(&operation).await.report;
        if protected {
            assert_eq!(refusal(&stage, &report).0, FailureKind::Refused);
        } else {
            assert_eq!(report.outcome, Outcome::Done, "{report:?}");
            assert_eq!(stage.writes(), ["DELETE /nodes/pve2/qemu/102"]);
        }
    }
}

#[tokio::test]
async fn linked_clones_are_named_as_the_reason() {
    let stage = Stage::new().await;
    let template = stage.guest(100).await;
    stage.simulator.edit(|world| {
        world
            .add_linked_volume(104, "vmstore:100/base-100-disk-0.qcow2")
            .unwrap();
    });
    let report = stage.play(&destroy(&template, false, None)).await.report;
    let Outcome::Failed(failure) = &report.outcome else {
        panic!("{report:?}")
    };
    let message = failure.message.to_string();
    assert!(
        message.starts_with("linked clones stand on its disks: base volume"),
        "{message}"
    );
    assert!(failure.advice.contains("nothing was removed"));
    assert_eq!(stage.view(100).name, "tmpl-base");
    assert_eq!(report.notes, [""; 0]);
}

#[tokio::test]
async fn a_busy_guest_is_waited_for() {
    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    stage.simulator.edit(|world| world.hold_file_lock(102));
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
        stage.simulator.edit(|world| world.release_file_lock(102));
    };
    let (played, ()) = tokio::join!(stage.play(&operation), free);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(stage.writes().len(), 2, "one met the lock, one worked");
}

#[tokio::test]
async fn what_is_left_of_a_guest_half_way_is_told() {
    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    let fault = FaultRule::new(FaultKind::TaskFails(2, "disk on fire".into()));
    stage.simulator.faults().add(fault.path("qmdestroy"));
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert!(report.notes[0].contains("lock `destroyed`"), "{report:?}");

    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    let fault = FaultRule::new(FaultKind::TaskVanishes(2)).path("qmdestroy");
    stage.simulator.faults().add(fault);
    let report = stage.play(&operation).await.report;
    let Outcome::Unknown(failure) = &report.outcome else {
        panic!("{report:?}")
    };
    let seen = failure.details[0].to_string();
    assert!(seen.contains("what is left of 102 db-1"), "{seen}");
}

#[tokio::test]
async fn a_guest_whose_rights_went_with_it_is_known_to_be_gone() {
    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    // The token has the rights of its user.
    let who = stage.simulator.accounts().user.clone();
    stage.simulator.edit(|world| {
        world.revoke(&who);
        world.grant("/vms/102", &who, "Administrator");
    });
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let entries = stage.simulator.journal().entries();
    let refused = |entry: &&Entry| entry.status == Some(403);
    let last = entries.iter().rev().find(refused).unwrap();
    assert!(last.path.ends_with("/status/current"), "{last:?}");
    assert_eq!(entries.last().unwrap().path, "/cluster/nextid");
}

#[tokio::test]
async fn a_lost_answer_whose_task_cannot_be_found_stays_unknown_and_says_what_is_there() {
    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    let lost = FaultRule::new(FaultKind::ResetAfter).method("DELETE");
    stage.simulator.faults().add(lost);
    let blind = FaultRule::new(FaultKind::Forbidden("/".into(), "Sys.Audit".into()));
    stage
        .simulator
        .faults()
        .add(blind.path("/nodes/pve1/tasks"));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Unknown(_)), "{report:?}");
    assert_eq!(stage.writes().len(), 1, "it is not sent again");
    assert_eq!(report.notes, ["102 db-1 is gone, whoever removed it"]);
}

#[tokio::test]
async fn without_the_right_nothing_is_done() {
    let stage = Stage::new().await;
    let operation = destroy(&stage.guest(102).await, false, None);
    let fault = FaultRule::new(FaultKind::Forbidden(
        "/vms/102".into(),
        "VM.Allocate".into(),
    ));
    stage.simulator.faults().add(fault.method("DELETE"));
    let report = stage.play(&operation).await.report;
    let failure = report.outcome.failure().unwrap();
    assert_eq!(failure.kind, FailureKind::Forbidden);
    assert_eq!(stage.view(102).name, "db-1");
}
