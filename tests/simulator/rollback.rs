//! Going back, deleting, describing snapshots.

use proxdeck::simulator::{Options, RunState, Scenario};

use crate::stranger::{Stranger, small};

#[tokio::test]
async fn without_memory_a_running_guest_ends_stopped() {
    let stranger = small().await;
    stranger
        .put(
            "/nodes/pve1/qemu/101/config",
            &[("name", "renamed"), ("description", "stays")],
        )
        .await
        .data();
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot/s1/rollback", &[])
        .await;
    assert_eq!(
        stranger.follow(&answer).await,
        ("OK".to_owned(), vec!["TASK OK".to_owned()])
    );
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert_eq!(guest.status, RunState::Stopped);
    assert_eq!(
        (guest.name.as_str(), guest.config["description"].as_str()),
        ("web-1", "stays")
    );
    assert_eq!(guest.lock, None);
}

#[tokio::test]
async fn with_start_a_separate_task_starts_it() {
    let stranger = small().await;
    let answer = stranger
        .post(
            "/nodes/pve1/qemu/101/snapshot/s1/rollback",
            &[("start", "1")],
        )
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    stranger
        .until("the guest runs again", async |own| {
            own.simulator.world().guest(101).unwrap().status == RunState::Running
        })
        .await;
    assert!(
        stranger
            .simulator
            .world()
            .tasks()
            .iter()
            .any(|task| task.kind == "qmstart" && task.id == "101")
    );
}

#[tokio::test]
async fn memory_brings_it_back_running() {
    let stranger = small().await;
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot/s2ram/rollback", &[])
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert_eq!(
        (guest.status, guest.config["parent"].as_str()),
        (RunState::Running, "s2ram")
    );
    let status = stranger
        .get("/nodes/pve1/qemu/101/status/current")
        .await
        .data();
    assert!(
        status["uptime"].as_i64().unwrap() < 600,
        "a new process: {}",
        status["uptime"]
    );
}

#[tokio::test]
async fn deleting_hands_children_on() {
    let stranger = small().await;
    stranger
        .follow(
            &stranger
                .post("/nodes/pve1/qemu/101/snapshot", &[("snapname", "top")])
                .await,
        )
        .await;
    let answer = stranger.delete("/nodes/pve1/qemu/101/snapshot/s1").await;
    assert!(
        answer
            .data()
            .as_str()
            .unwrap()
            .contains(":qmdelsnapshot:101:")
    );
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert!(
        guest
            .snapshots
            .iter()
            .all(|snapshot| snapshot.parent.is_none()),
        "{:?}",
        guest.snapshots
    );
    assert!(
        guest
            .volumes
            .iter()
            .any(|volume| volume.contains("-state-s2ram"))
    );
    let answer = stranger
        .delete("/nodes/pve1/qemu/101/snapshot/s2ram?force=0")
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert!(
        !guest
            .volumes
            .iter()
            .any(|volume| volume.contains("-state-s2ram"))
    );
    let answer = stranger.delete("/nodes/pve1/qemu/101/snapshot/nope").await;
    assert_eq!(
        stranger.follow(&answer).await.0,
        "snapshot 'nope' does not exist"
    );
}

#[tokio::test]
async fn two_deletions_at_once_both_succeed() {
    let stranger = small().await;
    let first = stranger.delete("/nodes/pve1/qemu/101/snapshot/s1").await;
    let second = stranger.delete("/nodes/pve1/qemu/101/snapshot/s2ram").await;
    assert_eq!(stranger.follow(&first).await.0, "OK");
    assert_eq!(stranger.follow(&second).await.0, "OK");
}

#[tokio::test]
async fn two_creations_at_once_and_one_fails() {
    let mut scenario = Scenario::small();
    scenario.speed = 0.2;
    let stranger = Stranger::with(Options::new(scenario)).await;
    let first = stranger
        .post("/nodes/pve1/qemu/102/snapshot", &[("snapname", "one")])
        .await;
    let second = stranger
        .post("/nodes/pve1/qemu/102/snapshot", &[("snapname", "two")])
        .await;
    let mut ends = [
        stranger.follow(&first).await.0,
        stranger.follow(&second).await.0,
    ];
    ends.sort();
    assert_eq!(ends, ["OK", "VM is locked (snapshot)"]);
}

#[tokio::test]
async fn zfs_goes_back_to_the_newest_only() {
    let stranger = Stranger::with(Options {
        speed: 1000.0,
        ..Options::demo()
    })
    .await;
    let answer = stranger
        .post("/nodes/pve3/qemu/110/snapshot/br-release-7/rollback", &[])
        .await;
    assert_eq!(
        stranger.follow(&answer).await.0,
        "can't rollback, 'br-release-7' is not most recent snapshot on 'tank:vm-110-disk-0'"
    );
    let guest = stranger.simulator.world().guest(110).unwrap();
    let newest = guest.snapshots.last().unwrap().name.clone();
    let answer = stranger
        .post(
            &format!("/nodes/pve3/qemu/110/snapshot/{newest}/rollback"),
            &[],
        )
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
}

#[tokio::test]
async fn unfinished_snapshots_cannot_be_gone_back_to() {
    let stranger = small().await;
    stranger
        .simulator
        .edit(|world| world.set_snapstate(101, "s1", Some("delete")).unwrap());
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot/s1/rollback", &[])
        .await;
    assert_eq!(
        stranger.follow(&answer).await.0,
        "unable to rollback to incomplete snapshot (snapstate = delete)"
    );
}

#[tokio::test]
async fn descriptions_and_frozen_configurations() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/101/snapshot/s1/config";
    assert!(
        stranger
            .put(path, &[("description", "changed\nwith two lines  \n")])
            .await
            .data()
            .is_null()
    );
    let data = stranger.get(path).await.data();
    assert_eq!(data["description"], "changed\nwith two lines");
    assert!(
        data["snaptime"].is_i64() && data["memory"].is_string() && data.get("digest").is_none(),
        "{data}"
    );
    assert!(stranger.put(path, &[]).await.data().is_null());
    let answer = stranger
        .put(path, &[("description", "x"), ("digest", "0")])
        .await;
    assert!(
        answer
            .error("digest")
            .starts_with("property is not defined")
    );
    let answer = stranger
        .get("/nodes/pve1/qemu/101/snapshot/nope/config")
        .await;
    assert_eq!(answer.reason, "snapshot 'nope' does not exist");
    let whole = stranger
        .get("/nodes/pve1/qemu/101/config?snapshot=s1")
        .await
        .data();
    assert!(whole["digest"].is_string());
}

#[tokio::test]
async fn disks_added_since_become_unused() {
    let stranger = small().await;
    stranger
        .put("/nodes/pve1/qemu/102/config", &[("scsi1", "vmstore:2")])
        .await
        .data();
    let config = stranger.get("/nodes/pve1/qemu/102/config").await.data();
    assert_eq!(config["scsi1"], "vmstore:102/vm-102-disk-1.raw,size=2G");
    // The raw disk cannot be snapshotted, so it goes out, back in as qcow2, and is added after the snapshot.
    stranger
        .put("/nodes/pve1/qemu/102/config", &[("delete", "scsi1")])
        .await
        .data();
    stranger
        .put("/nodes/pve1/qemu/102/config", &[("delete", "unused0")])
        .await
        .data();
    stranger
        .follow(
            &stranger
                .post("/nodes/pve1/qemu/102/snapshot", &[("snapname", "base")])
                .await,
        )
        .await;
    stranger
        .put(
            "/nodes/pve1/qemu/102/config",
            &[("scsi1", "vmstore:2,format=qcow2")],
        )
        .await
        .data();
    let answer = stranger
        .post("/nodes/pve1/qemu/102/snapshot/base/rollback", &[])
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let config = stranger.simulator.world().guest(102).unwrap().config;
    assert_eq!(config["unused0"], "vmstore:102/vm-102-disk-1.qcow2");
    assert!(!config.contains_key("scsi1"));
}
