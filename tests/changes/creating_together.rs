//! Guests that are made while others are made, and creations that are asked to stop.

use std::time::Duration;

use proxdeck::domain::operation::{CopyKind, Fate, Operation, Outcome, Stamp};
use proxdeck::simulator::{FaultKind, FaultRule, RunState};

use crate::creating::{NONCE, check_with, create, guests_called, is_configured, made, wish, world};
use crate::stage::{Played, Stage, until};

#[tokio::test]
async fn pitfall_20_an_id_that_another_client_takes_meanwhile_is_replaced_at_once_or_in_the_task() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |_| {}).await;
    let text = "unable to create VM 105: config file already exists";
    let rule = FaultRule::new(FaultKind::Error(text.into()));
    let sync = stage
        .simulator
        .faults()
        .add(rule.method("POST").path("/clone").times(2));
    let rule = FaultRule::new(FaultKind::TaskFails(1, text.into()));
    let late = stage.simulator.faults().add(rule.path("qmclone").times(2));
    stage.forget();
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    let struck = [sync, late].map(|fault| stage.simulator.faults().strikes(fault));
    assert_eq!(struck, [2, 2]);
    let again = played
        .steps
        .iter()
        .filter(|step| step.contains("trying another id"));
    assert_eq!(again.count(), 4);
    assert_eq!(guests_called(&stage, "agent").len(), 1);
    assert!(is_configured(&guests_called(&stage, "agent")[0]));
}

#[tokio::test]
async fn pitfall_20_five_ids_are_tried_and_nothing_is_left_of_them() {
    let stage = Stage::of(world()).await;
    let operation = create(&stage, |_| {}).await;
    let text = "unable to create VM 105: config file already exists";
    let rule = FaultRule::new(FaultKind::Error(text.into()));
    stage.simulator.faults().add(rule.method("POST"));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)), "{report:?}");
    assert_eq!(stage.writes().len(), 5);
    assert_eq!((report.product, report.half_made), (None, Vec::new()));
    assert_eq!(guests_called(&stage, "agent").len(), 0);
}

#[tokio::test]
async fn pitfall_20_an_id_that_is_really_taken_between_the_question_and_the_copy_costs_one_try() {
    let mut scenario = world();
    scenario.speed = 1.0;
    let stage = Stage::of(scenario).await;
    let mut request = wish(&stage).await;
    request.start = false;
    request.name = "mine".into();
    let mine = check_with(&stage, &request, 1).await;
    request.name = "theirs".into();
    let theirs = check_with(&stage, &request, 2).await;
    // Both ask before either copies, because answers to the question come late.
    let rule = FaultRule::new(FaultKind::Latency(Duration::from_millis(300)));
    stage
        .simulator
        .faults()
        .add(rule.path("/cluster/nextid").times(2));
    let (mine, theirs) = tokio::join!(stage.play(&mine), stage.play(&theirs));
    let vmids = [mine, theirs].map(|played| {
        assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
        made(played.report.product).vmid
    });
    assert_ne!(vmids[0], vmids[1]);
}

#[tokio::test]
async fn pitfall_20_two_batches_race_for_ids_and_nobody_gets_another_s_guest() {
    let stage = Stage::of(world()).await;
    let mut request = wish(&stage).await;
    request.start = false;
    request.count = "5".into();
    request.name = "left".into();
    let left = check_with(&stage, &request, 1).await;
    request.name = "right".into();
    let right = check_with(&stage, &request, 0xfeed_beef).await;
    let (left, right) = tokio::join!(stage.play(&left), stage.play(&right));
    let mut vmids = Vec::new();
    for (played, name) in [(left, "left"), (right, "right")] {
        let report = played.report;
        assert_eq!(report.outcome, Outcome::Done, "{report:?}");
        assert_eq!(report.parts.len(), 5);
        for (part, number) in report.parts.iter().zip(1..) {
            let guest = part.made.clone().unwrap();
            let view = stage.view(guest.vmid.get());
            assert_eq!(view.name, format!("{name}-{number}"));
            assert!(is_configured(&view), "{view:?}");
            vmids.push(guest.vmid);
        }
    }
    vmids.sort();
    vmids.dedup();
    assert_eq!(vmids.len(), 10);
}

#[tokio::test]
async fn a_batch_works_on_two_guests_of_a_node_at_once_and_notes_each_in_the_log() {
    let mut scenario = world();
    scenario.speed = 20.0;
    let stage = Stage::of(scenario).await;
    let operation = create(&stage, |request| {
        request.count = "4".into();
        request.kind = Some(CopyKind::Full);
        request.start = false;
    })
    .await;
    let played = stage.play(&operation).await;
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    assert_eq!(played.report.notes, ["4 done"]);
    assert!(played.fractions.is_sorted(), "{:?}", played.fractions);
    assert_eq!(guests_called(&stage, "agent-").len(), 4);
    // A copy is followed by its own configuration before a third copy begins.
    let writes = stage.writes();
    let kinds: Vec<bool> = writes.iter().map(|call| call.contains("/clone")).collect();
    assert!(!kinds[2], "{writes:?}");
    let log = stage.log();
    assert_eq!(
        log.len(),
        10,
        "one line at either end of the whole and of each"
    );
    let made: Vec<&str> = log
        .iter()
        .filter_map(|line| line["made"]["name"].as_str())
        .collect();
    assert_eq!(made.len(), 4, "{made:?}");
}

#[tokio::test]
async fn pitfall_21_while_it_is_copied_a_guest_without_name_pool_and_freedom_disturbs_nothing() {
    let mut scenario = world();
    scenario.speed = 1.0;
    let stage = Stage::of(scenario).await;
    let operation = create(&stage, |request| request.start = false).await;
    // Whoever holds the target's file lock makes the copy wait, so that there is time to look.
    stage.simulator.edit(|world| world.hold_file_lock(105));
    let look = async {
        until("the new guest's shell", || {
            stage.simulator.world().guest(105).is_some()
        })
        .await;
        let shell = stage.guest(105).await;
        assert_eq!((shell.name.clone(), shell.pool.clone()), (None, None));
        assert_eq!(
            shell.lock.as_ref().map(ToString::to_string).as_deref(),
            Some("clone")
        );
        // Another wish is checked and refuses nothing because of it.
        let other = create(&stage, |request| request.name = "other".into()).await;
        assert_eq!(other.guest().unwrap().vmid.get(), 100);
        let config = stage.client.guests().config(&shell.to_ref()).await.unwrap();
        assert_eq!(Stamp::find(config.description()), None);
        stage.simulator.edit(|world| world.release_file_lock(105));
    };
    let (played, ()) = tokio::join!(stage.play(&operation), look);
    assert_eq!(played.report.outcome, Outcome::Done, "{:?}", played.report);
    let view = stage.view(105);
    assert_eq!(
        (view.name.as_str(), view.pool.as_deref()),
        ("agent", Some("lab"))
    );
}

/// Runs the usual wish and asks to stop as soon as a step is told that contains a text.
async fn stopped_at(stage: &Stage, operation: &Operation, seen: &str) -> Played {
    let ask = async {
        until(seen, || {
            let entries = stage.simulator.journal().entries();
            entries.iter().any(|entry| {
                entry.method != "GET" && entry.path.contains(seen) && entry.status.is_some()
            })
        })
        .await;
        stage.stop.cancel();
    };
    tokio::join!(stage.play(operation), ask).0
}

#[tokio::test]
async fn asked_to_stop_a_creation_finishes_its_part_and_says_what_exists() {
    for (seen, parts, why) in [
        ("/config", 2, "asked to stop"),
        ("/resize", 3, "was not started: asked to stop"),
    ] {
        let stage = Stage::of(world()).await;
        let operation = create(&stage, |_| {}).await;
        stage.forget();
        // Answers come late, so that the wish to stop comes before the next part.
        let rule = FaultRule::new(FaultKind::Latency(Duration::from_millis(500)));
        stage.simulator.faults().add(rule.method("GET"));
        let report = stopped_at(&stage, &operation, seen).await.report;
        assert_eq!(report.outcome, Outcome::Stopped, "{seen}: {report:?}");
        assert_eq!(report.parts.len(), parts, "{seen}: {report:?}");
        assert!(
            report
                .parts
                .iter()
                .all(|part| matches!(part.fate, Fate::Ended(Outcome::Done))),
            "{seen}: {report:?}"
        );
        let guest = made(report.product);
        assert_eq!(stage.view(guest.vmid.get()).status, RunState::Stopped);
        assert_eq!(report.half_made.len(), 1, "{seen}");
        assert_eq!(report.half_made[0].guest, guest);
        assert_eq!(report.half_made[0].stamp.nonce(), NONCE);
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.contains(&guest.to_string()) && note.contains(why)),
            "{seen}: {:?}",
            report.notes
        );
        let last = stage.log().pop().unwrap();
        assert_eq!(last["outcome"], "stopped");
        assert_eq!(last["made"]["vmid"], guest.vmid.get());
    }
}

#[tokio::test]
async fn a_batch_that_is_asked_to_stop_begins_no_other_guest() {
    let mut scenario = world();
    scenario.speed = 20.0;
    let stage = Stage::of(scenario).await;
    let operation = create(&stage, |request| {
        request.count = "5".into();
        request.start = false;
    })
    .await;
    stage.forget();
    let report = stopped_at(&stage, &operation, "/config").await.report;
    assert!(!report.outcome.is_success(), "{report:?}");
    let tally = report.tally();
    assert!(tally.not_tried >= 2, "{tally}");
    let untried = report
        .parts
        .iter()
        .filter(|part| matches!(part.fate, Fate::NotTried(_)));
    assert!(untried.into_iter().all(|part| part.made.is_none()));
    let there = guests_called(&stage, "agent-").len();
    let named = report
        .parts
        .iter()
        .filter(|part| part.made.is_some())
        .count();
    assert_eq!(there, named, "{report:?}");
}
