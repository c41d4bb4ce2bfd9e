//! Executing a retention plan.

use chrono::{DateTime, Utc};
use proxdeck::domain::guest::Guest;
use proxdeck::domain::operation::{Fate, Operation, Outcome, Report};
use proxdeck::domain::request::PruneRequest;
use proxdeck::domain::retention::{GuestSnapshots, Policy, plan};
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::simulator::{FaultKind, FaultRule, Scenario};

use crate::stage::{Stage, announced, until};

/// Makes a world in which guests 101, 102 and 103 each have snapshots that are 40, 30, 20 and 0 days old.
pub(crate) fn old_world() -> Scenario {
    let mut scenario = Scenario::small();
    let mut template = scenario
        .guests
        .iter()
        .find(|guest| guest.vmid == 101)
        .unwrap()
        .snapshots[0]
        .clone();
    template.ram = false;
    template.description = String::new();
    for guest in &mut scenario.guests {
        if ![101, 102, 103].contains(&guest.vmid) {
            continue;
        }
        guest.snapshots.clear();
        for (name, age) in [("a", "40d"), ("b", "30d"), ("c", "20d"), ("z", "1h")] {
            let mut snapshot = template.clone();
            snapshot.name = name.repeat(2);
            snapshot.age = toml::Value::from(age).try_into().unwrap();
            guest.snapshots.push(snapshot);
        }
        guest.parent = Some("zz".into());
    }
    scenario
}

pub(crate) async fn prune(stage: &Stage, vmids: &[u64]) -> Operation {
    let mut guests: Vec<(Guest, SnapshotList)> = Vec::new();
    for vmid in vmids {
        let guest = stage.guest(*vmid).await;
        let list = stage.snapshots(&guest).await;
        guests.push((guest, list));
    }
    let refs: Vec<_> = guests.iter().map(|(guest, _)| guest.to_ref()).collect();
    let lists: Vec<GuestSnapshots<'_>> = refs
        .iter()
        .zip(&guests)
        .map(|(guest, (_, list))| GuestSnapshots { guest, list })
        .collect();
    let now: DateTime<Utc> = stage.client.server_time().unwrap();
    let plan = plan(&lists, &Policy::default(), now);
    PruneRequest { plan }
        .check(Some(&stage.resources().await), None)
        .unwrap()
}

fn fates(report: &Report) -> Vec<String> {
    report
        .parts
        .iter()
        .map(|part| {
            let reason = match &part.fate {
                Fate::Ended(_) => "",
                Fate::Skipped(reason) | Fate::NotTried(reason) => reason,
            };
            format!(
                "{} {} {} {reason}",
                part.guest.vmid,
                part.subject,
                part.fate.as_str()
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_plan_is_executed_guest_by_guest_and_oldest_first() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101, 102]).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done, "{report:?}");
    let mut sent = stage.writes();
    sent.sort_by_key(|call| call.contains("/102/"));
    assert_eq!(
        sent,
        announced(&operation),
        "within a guest in the announced order"
    );
    assert_eq!(stage.names(101), ["zz"]);
    assert_eq!(stage.names(102), ["zz"]);
    assert_eq!(stage.names(103).len(), 4);
    assert_eq!(report.notes, ["6 done"]);
    let lines = stage.log();
    assert_eq!(lines.len(), 8, "begin, six deletions, end");
    assert_eq!(lines[1]["action"], "delete-snapshot");
    assert_eq!(lines[1]["subject"], "aa");
}

#[tokio::test]
async fn guests_on_one_file_storage_are_never_worked_on_at_once() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101, 102, 103]).await;
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.outcome, Outcome::Done);
    let order: Vec<String> = stage
        .writes()
        .iter()
        .map(|call| call.split('/').nth(4).unwrap().to_owned())
        .collect();
    let mut guests = order.clone();
    guests.dedup();
    assert_eq!(guests.len(), 3, "{order:?}");
}

#[tokio::test]
async fn what_changed_since_the_plan_is_skipped_and_said() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101]).await;
    stage.simulator.edit(|world| {
        world
            .set_snapshot_time(101, "aa", Some(1_700_000_000))
            .unwrap();
        world.describe_snapshot(101, "bb", "needed #keep").unwrap();
        world.remove_snapshot(101, "cc").unwrap();
    });
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "101 aa skipped aa has another date now: it was made anew",
            "101 bb skipped it is marked `#keep` now",
            "101 cc skipped cc is gone",
        ]
    );
    assert_eq!(stage.writes(), [] as [&str; 0]);
    assert_eq!(report.outcome, Outcome::Done);
    assert_eq!(report.notes, ["0 done, 3 skipped"]);
}

#[tokio::test]
async fn locked_renamed_removed_and_unfinished_are_skipped_too() {
    for (change, reason) in [
        ("lock", "the guest is locked (backup)"),
        ("name", "the guest is now called other"),
        ("gone", "the guest is gone"),
        ("unfinished", "aa is unfinished (delete)"),
        ("parent", "the guest's present descends from it now"),
    ] {
        let stage = Stage::of(old_world()).await;
        let operation = prune(&stage, &[101]).await;
        stage.simulator.edit(|world| {
            match change {
                "lock" => world.lock_guest(101, Some("backup")),
                "name" => world.set_option(101, "name", Some("other")),
                "gone" => world.remove_guest(101),
                "parent" => world.set_option(101, "parent", Some("aa")),
                _ => world.set_snapstate(101, "aa", Some("delete")),
            }
            .unwrap();
        });
        let report = stage.play(&operation).await.report;
        assert_eq!(fates(&report)[0], format!("101 aa skipped {reason}"));
    }
}

#[tokio::test]
async fn a_guest_with_a_running_task_is_left_alone() {
    let mut scenario = old_world();
    scenario.speed = 1.0;
    let stage = Stage::of(scenario).await;
    let operation = prune(&stage, &[101]).await;
    let guest = stage.guest(101).await.to_ref();
    let spec = proxdeck::domain::request::PowerRequest::new(
        guest,
        proxdeck::domain::operation::PowerAction::Shutdown,
    );
    let Operation::Power(shutdown) = spec.check(Some(&stage.guest(101).await)).unwrap() else {
        panic!("a shutdown")
    };
    let guests = stage.client.guests();
    guests.power(&shutdown, shutdown.guest()).await.unwrap();
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(report.tally().skipped, 3, "{:?}", fates(&report));
    assert!(fates(&report)[0].ends_with("a task of the guest is running (qmshutdown)"));
    assert_eq!(stage.writes(), [] as [&str; 0]);
}

#[tokio::test]
async fn after_a_failure_the_guest_is_left_alone_and_others_go_on() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101, 102]).await;
    let fault = FaultRule::new(FaultKind::TaskFails(1, "disk on fire".into()));
    stage
        .simulator
        .faults()
        .add(fault.path("qmdelsnapshot:101").times(1));
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert!(matches!(report.outcome, Outcome::Failed(_)));
    assert_eq!(
        fates(&report)[..3],
        [
            "101 aa failed",
            "101 bb not-tried the deletion of aa before it did not end well",
            "101 cc not-tried the deletion of aa before it did not end well",
        ]
    );
    assert_eq!(stage.names(102), ["zz"]);
    assert_eq!(report.tally().to_string(), "3 done, 1 failed, 2 not tried");
}

#[tokio::test]
async fn asked_to_stop_it_finishes_the_deletion_at_work() {
    let mut scenario = old_world();
    scenario.speed = 2.0;
    let stage = Stage::of(scenario).await;
    let operation = prune(&stage, &[101]).await;
    let ask_to_stop = async {
        until("a deletion at work", || {
            let world = stage.simulator.world();
            world
                .tasks()
                .iter()
                .any(|task| task.kind == "qmdelsnapshot")
        })
        .await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), ask_to_stop);
    assert_eq!(played.report.outcome, Outcome::Stopped);
    assert_eq!(
        fates(&played.report),
        [
            "101 aa done",
            "101 bb not-tried asked to stop",
            "101 cc not-tried asked to stop",
        ]
    );
    assert_eq!(stage.names(101), ["bb", "cc", "zz"]);
}

#[tokio::test]
async fn what_became_the_newest_meanwhile_stays() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101]).await;
    stage.simulator.edit(|world| {
        world.remove_snapshot(101, "zz").unwrap();
        world.set_option(101, "parent", Some("bb")).unwrap();
    });
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "101 aa done",
            "101 bb skipped the guest's present descends from it now",
            "101 cc skipped the rules keep it now: newest",
        ]
    );
    assert_eq!(stage.names(101), ["bb", "cc"]);
}

#[tokio::test]
async fn a_snapshot_that_came_meanwhile_lets_nothing_more_go() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101]).await;
    // The only one that the plan counted as the newest goes, and one that it did not know comes.
    stage.simulator.edit(|world| {
        world
            .set_snapshot_time(101, "zz", Some(4_000_000_000))
            .unwrap();
    });
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "101 aa done",
            "101 bb done",
            "101 cc skipped the rules keep it now: newest",
        ]
    );
}

/// Makes a world of six guests on a storage where deletions do not hinder each other.
fn wide_world() -> Scenario {
    let mut scenario = old_world();
    let sample = scenario
        .guests
        .iter()
        .find(|guest| guest.vmid == 102)
        .unwrap()
        .clone();
    scenario.guests.retain(|guest| guest.vmid < 101);
    for vmid in 201..=206 {
        let mut guest = sample.clone();
        guest.vmid = vmid;
        guest.name = Some(format!("thin-{vmid}"));
        guest.disks = vec!["local-lvm:4GiB".to_owned()];
        scenario.guests.push(guest);
    }
    scenario
}

/// Returns the guests at which a deletion is at work now.
fn at_work(stage: &Stage) -> Vec<String> {
    let world = stage.simulator.world();
    let running = world
        .tasks()
        .iter()
        .filter(|task| task.kind == "qmdelsnapshot" && task.status.is_none());
    running.map(|task| task.id.clone()).collect()
}

#[tokio::test]
async fn pitfall_28_deletions_go_one_at_a_time_in_a_guest_and_at_four_guests_at_once() {
    let mut scenario = wide_world();
    scenario.speed = 0.5;
    let stage = Stage::of(scenario).await;
    let operation = prune(&stage, &[201, 202, 203, 204, 205, 206]).await;
    let is_four = || {
        let guests = at_work(&stage);
        let mut different = guests.clone();
        different.sort();
        different.dedup();
        assert_eq!(
            different.len(),
            guests.len(),
            "two in one guest: {guests:?}"
        );
        assert!(guests.len() <= 4, "{guests:?}");
        guests.len() == 4
    };
    let watch = async {
        until("four deletions at work", is_four).await;
        stage.stop.cancel();
    };
    let (played, ()) = tokio::join!(stage.play(&operation), watch);
    let tally = played.report.tally();
    assert_eq!(played.report.outcome, Outcome::Stopped, "{tally}");
    assert!(tally.done >= 4, "what was at work was finished: {tally}");
    assert_eq!(tally.done + tally.not_tried, 18, "{tally}");
    assert_eq!(at_work(&stage), [""; 0]);
}

#[tokio::test]
async fn pitfall_28_what_is_unfinished_or_the_base_is_skipped_right_before_its_turn() {
    let stage = Stage::of(old_world()).await;
    let operation = prune(&stage, &[101]).await;
    stage.simulator.edit(|world| {
        world.set_snapstate(101, "aa", Some("delete")).unwrap();
        world.set_option(101, "parent", Some("bb")).unwrap();
    });
    stage.forget();
    let report = stage.play(&operation).await.report;
    assert_eq!(
        fates(&report),
        [
            "101 aa skipped aa is unfinished (delete)",
            "101 bb skipped the guest's present descends from it now",
            "101 cc done",
        ]
    );
    assert_eq!(stage.writes(), ["DELETE /nodes/pve1/qemu/101/snapshot/cc"]);
}
