//! Taking snapshots: names, refusals, memory, what is checked at once and what only in the task.

use crate::stranger::small;

#[tokio::test]
async fn a_snapshot_of_a_running_guest() {
    let stranger = small().await;
    let form = [
        ("snapname", "pre-upgrade"),
        ("description", "before the upgrade"),
    ];
    let answer = stranger.post("/nodes/pve1/qemu/101/snapshot", &form).await;
    let upid = answer.data();
    assert!(
        upid.as_str()
            .unwrap()
            .contains(":qmsnapshot:101:hub@pve!deck:"),
        "{upid}"
    );
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert_eq!(
        log,
        [
            "skipping guest filesystem freeze - disabled in VM options",
            "snapshotting 'drive-scsi0' (vmstore:101/vm-101-disk-0.qcow2)",
            "internal qemu snapshot",
            "TASK OK"
        ]
    );
    let rows = stranger.get("/nodes/pve1/qemu/101/snapshot").await.data();
    let rows = rows.as_array().unwrap();
    let made = rows
        .iter()
        .find(|row| row["name"] == "pre-upgrade")
        .unwrap();
    assert_eq!(made["parent"], "s1");
    assert_eq!(made["vmstate"], 0);
    assert_eq!(made["description"], "before the upgrade");
    let current = rows.iter().find(|row| row["name"] == "current").unwrap();
    assert_eq!(
        (current["parent"].as_str(), current["running"].as_i64()),
        (Some("pre-upgrade"), Some(1))
    );
    assert!(current.get("snaptime").is_none());
}

#[tokio::test]
async fn a_snapshot_with_memory_shows_progress() {
    let stranger = small().await;
    let answer = stranger
        .post(
            "/nodes/pve1/qemu/101/snapshot",
            &[("snapname", "with_ram"), ("vmstate", "1")],
        )
        .await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert_eq!(
        log[0],
        "Formatting '/mnt/vmstore/images/101/vm-101-state-with_ram.raw', fmt=raw size=4819255296 preallocation=off"
    );
    assert_eq!(log[1], "saving VM state and RAM using storage 'vmstore'");
    assert_eq!(log[2], "291.00 B in 0s");
    assert!(
        log.iter()
            .any(|line| line.starts_with("completed saving the VM state in ")),
        "{log:?}"
    );
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert!(
        guest
            .volumes
            .contains(&"vmstore:101/vm-101-state-with_ram.raw".to_owned())
    );
    assert!(
        guest
            .snapshots
            .iter()
            .any(|snapshot| snapshot.name == "with_ram" && snapshot.vmstate)
    );
}

#[tokio::test]
async fn memory_of_a_stopped_guest_is_silently_not_saved() {
    let stranger = small().await;
    let answer = stranger
        .post(
            "/nodes/pve1/qemu/102/snapshot",
            &[("snapname", "base"), ("vmstate", "1")],
        )
        .await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert_eq!(
        log,
        [
            "snapshotting 'drive-scsi0' (vmstore:102/vm-102-disk-0.qcow2)",
            "TASK OK"
        ]
    );
    assert!(!stranger.simulator.world().guest(102).unwrap().snapshots[0].vmstate);
}

#[tokio::test]
async fn reserved_and_malformed_names_are_refused_at_once() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/101/snapshot";
    let answer = stranger.post(path, &[("snapname", "current")]).await;
    assert_eq!(
        answer.reason,
        "unable to use snapshot name 'current' (reserved name)"
    );
    let answer = stranger.post(path, &[("snapname", "a b")]).await;
    assert_eq!(
        answer.error("snapname"),
        "invalid format - invalid configuration ID 'a b'\n"
    );
    assert_eq!(
        stranger.post(path, &[("snapname", "Current")]).await.status,
        200
    );
}

#[tokio::test]
async fn what_only_the_task_finds_out() {
    let stranger = small().await;
    let cases = [
        (101, "s1", "snapshot name 's1' already used"),
        (104, "aa", "snapshot feature is not available"),
        (100, "aa", "you can't take a snapshot if it's a template"),
        (
            999,
            "aa",
            "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
        ),
    ];
    for (vmid, name, expected) in cases {
        let answer = stranger
            .post(
                &format!("/nodes/pve1/qemu/{vmid}/snapshot"),
                &[("snapname", name)],
            )
            .await;
        let (end, log) = stranger.follow(&answer).await;
        assert_eq!(end, expected);
        assert_eq!(log, [format!("TASK ERROR: {expected}")]);
    }
}

#[tokio::test]
async fn a_lock_shows_in_the_config_and_fails_the_task() {
    let stranger = small().await;
    stranger
        .simulator
        .edit(|world| world.lock_guest(101, Some("backup")).unwrap());
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot", &[("snapname", "aa")])
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "VM is locked (backup)");
    let rows = stranger.get("/cluster/resources?type=vm").await.data();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["vmid"] == 101)
        .unwrap();
    assert_eq!(row["lock"], "backup");
}

#[tokio::test]
async fn a_file_lock_is_invisible_and_times_out() {
    let stranger = small().await;
    stranger.simulator.edit(|world| world.hold_file_lock(101));
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot", &[("snapname", "aa")])
        .await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(
        end,
        "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
    );
    assert_eq!(log[0], "trying to acquire lock...");
    assert!(
        stranger
            .get("/nodes/pve1/qemu/101/status/current")
            .await
            .data()
            .get("lock")
            .is_none()
    );
}

#[tokio::test]
async fn containers_have_no_memory_to_save() {
    let stranger = small().await;
    let path = "/nodes/pve1/lxc/150/snapshot";
    let answer = stranger
        .post(path, &[("snapname", "s3"), ("vmstate", "1")])
        .await;
    assert!(
        answer
            .error("vmstate")
            .starts_with("property is not defined in schema")
    );
    let answer = stranger
        .post(path, &[("snapname", "s3"), ("description", "x")])
        .await;
    assert!(answer.data().as_str().unwrap().contains(":vzsnapshot:150:"));
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let rows = stranger.get(path).await.data();
    assert!(rows[0].get("vmstate").is_none(), "{rows}");
    assert_eq!(rows[0]["description"], "x\n", "containers keep a newline");
    let answer = stranger.post(&format!("{path}/s3/rollback"), &[]).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    assert_eq!(
        stranger
            .follow(&stranger.delete(&format!("{path}/s3")).await)
            .await
            .0,
        "OK"
    );
}
