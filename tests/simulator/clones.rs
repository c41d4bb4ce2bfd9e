//! Clones: what is refused at once, progress, linked and full, pools, races, destroying.

use proxdeck::simulator::{Options, Scenario};

use crate::stranger::{Form, Stranger, small};

const PATH: &str = "/nodes/pve1/qemu";

#[tokio::test]
async fn a_linked_clone_of_a_template() {
    let stranger = small().await;
    let form = [
        ("newid", "105"),
        ("name", "linked-1"),
        ("pool", "lab"),
        ("description", "a linked clone"),
    ];
    let answer = stranger.post(&format!("{PATH}/100/clone"), &form).await;
    assert!(
        answer.data().as_str().unwrap().contains(":qmclone:100:"),
        "named after its source"
    );
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert_eq!(log[0], "creating a clone of VM 100 with ID 105");
    assert_eq!(
        log[1],
        "create linked clone of drive scsi0 (vmstore:100/base-100-disk-0.qcow2)"
    );
    assert_eq!(
        log[2],
        "clone 100/base-100-disk-0.qcow2: images, vm-105-disk-0.qcow2, 105 to vm-105-disk-0.qcow2 (base=../100/base-100-disk-0.qcow2)"
    );
    let guest = stranger.simulator.world().guest(105).unwrap();
    assert_eq!(
        (guest.pool.as_deref(), guest.config["description"].as_str()),
        (Some("lab"), "a linked clone")
    );
    assert_eq!(
        guest.config["scsi0"],
        "vmstore:100/base-100-disk-0.qcow2/105/vm-105-disk-0.qcow2,size=8G"
    );
    assert_eq!(guest.config["tags"], "base;template");
    assert!(!guest.config.contains_key("template"));
    let content = stranger
        .get("/nodes/pve1/storage/vmstore/content?vmid=105")
        .await
        .data();
    assert_eq!(content[0]["parent"], "../100/base-100-disk-0.qcow2");
    let answer = stranger.delete(&format!("{PATH}/100")).await;
    let expected =
        "base volume 'vmstore:100/base-100-disk-0.qcow2' is still in use by linked cloned";
    assert_eq!(stranger.follow(&answer).await.0, expected);
}

#[tokio::test]
async fn a_full_clone_shows_progress_and_joins_its_pool_last() {
    let mut scenario = Scenario::small();
    scenario.speed = 1.0;
    let stranger = Stranger::with(Options::new(scenario)).await;
    // Whoever holds the target's file lock makes the copy wait, so that there is time to look.
    stranger.simulator.edit(|world| world.hold_file_lock(111));
    let form = [
        ("newid", "111"),
        ("name", "copy"),
        ("full", "1"),
        ("pool", "lab"),
    ];
    let answer = stranger.post(&format!("{PATH}/102/clone"), &form).await;
    stranger
        .until("the target exists", async |own| {
            own.simulator.world().guest(111).is_some()
        })
        .await;
    let target = stranger.simulator.world().guest(111).unwrap();
    assert_eq!(
        (target.lock.as_deref(), target.pool.as_deref()),
        (Some("clone"), None)
    );
    let config = stranger.get(&format!("{PATH}/111/config")).await.data();
    assert_eq!(config["description"], " qmclone temporary file");
    assert_eq!(
        stranger
            .get(&format!("{PATH}/111/status/current"))
            .await
            .data()["name"],
        "VM 111"
    );
    let rows = stranger.get("/cluster/resources?type=vm").await.data();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["vmid"] == 111)
        .unwrap();
    assert_eq!(
        (row["status"].as_str(), row["lock"].as_str()),
        (Some("unknown"), Some("clone"))
    );
    assert!(
        row.get("name").is_none() && row.get("pool").is_none(),
        "{row}"
    );
    assert_eq!(stranger.get("/cluster/nextid").await.data(), "105");
    assert_eq!(
        stranger.get("/cluster/nextid?vmid=111").await.error("vmid"),
        "VM 111 already exists"
    );
    stranger
        .simulator
        .edit(|world| world.release_file_lock(111));
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert!(log.contains(
        &"create full clone of drive scsi0 (vmstore:102/vm-102-disk-0.qcow2)".to_owned()
    ));
    assert!(log.contains(&"transferred 0.0 B of 4.0 GiB (0.00%)".to_owned()));
    assert!(
        log.contains(&"transferred 61.4 MiB of 4.0 GiB (1.50%)".to_owned()),
        "{log:?}"
    );
    assert!(log.contains(&"transferred 4.0 GiB of 4.0 GiB (100.00%)".to_owned()));
    let target = stranger.simulator.world().guest(111).unwrap();
    assert_eq!(
        (
            target.lock.as_deref(),
            target.pool.as_deref(),
            target.name.as_str()
        ),
        (None, Some("lab"), "copy")
    );
    let source = stranger.simulator.world().guest(102).unwrap();
    assert_ne!(
        target.config["net0"], source.config["net0"],
        "a new hardware address"
    );
    assert_ne!(target.config["smbios1"], source.config["smbios1"]);
    assert!(target.config["net0"].ends_with(",bridge=vmbr0,firewall=1"));
}

#[tokio::test]
async fn a_running_guest_is_mirrored() {
    let stranger = small().await;
    let answer = stranger
        .post(&format!("{PATH}/101/clone"), &[("newid", "109")])
        .await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "OK");
    assert!(log.contains(&"drive mirror is starting for drive-scsi0".to_owned()));
    assert!(log.iter().any(|line| line.starts_with("mirror-scsi0: transferred ") && line.ends_with(", ready")), "{log:?}");
    let guest = stranger.simulator.world().guest(109).unwrap();
    assert_eq!(guest.name, "Copy-of-VM-web-1");
    assert!(guest.snapshots.is_empty());
}

#[tokio::test]
async fn what_a_clone_is_refused_for_at_once() {
    let stranger = small().await;
    let cases: [(u32, Form<'_>, &str); 9] = [
        (
            102,
            &[("newid", "103")],
            "unable to create VM 103: config file already exists",
        ),
        (
            102,
            &[("newid", "107"), ("storage", "nosuch"), ("full", "1")],
            "storage 'nosuch' does not exist",
        ),
        (
            102,
            &[("newid", "107"), ("snapname", "nope"), ("full", "1")],
            "snapshot 'nope' does not exist",
        ),
        (
            100,
            &[("newid", "107"), ("storage", "vmstore")],
            "parameter 'storage' not allowed for linked clones",
        ),
        (
            102,
            &[("newid", "107"), ("full", "0")],
            "Linked clone feature is not supported for drive 'scsi0'",
        ),
        (
            999,
            &[("newid", "107")],
            "unable to find configuration file for VM 999 on node 'pve1'",
        ),
        (
            102,
            &[("newid", "107"), ("target", "nosuch")],
            "no such cluster node 'nosuch'",
        ),
        (
            102,
            &[("newid", "107"), ("pool", "nosuch")],
            "Permission check failed (pool 'nosuch' does not exist)",
        ),
        (
            104,
            &[("newid", "107"), ("full", "0")],
            "Linked clone feature is not supported for drive 'scsi0'",
        ),
    ];
    for (vmid, form, expected) in cases {
        let answer = stranger.post(&format!("{PATH}/{vmid}/clone"), form).await;
        assert_eq!(answer.reason, expected);
    }
    let answer = stranger
        .post(
            &format!("{PATH}/102/clone"),
            &[("newid", "50"), ("name", "bad_name")],
        )
        .await;
    assert_eq!(
        answer.error("newid"),
        "invalid format - value does not look like a valid VM ID\n"
    );
    assert_eq!(
        answer.error("name"),
        "invalid format - value does not look like a valid DNS name\n"
    );
    stranger
        .simulator
        .edit(|world| world.lock_guest(102, Some("rollback")).unwrap());
    let answer = stranger
        .post(&format!("{PATH}/102/clone"), &[("newid", "107")])
        .await;
    assert_eq!(answer.reason, "VM is locked (rollback)");
}

#[tokio::test]
async fn two_clones_for_one_id() {
    let mut scenario = Scenario::small();
    scenario.speed = 50.0;
    let stranger = Stranger::with(Options::new(scenario)).await;
    let form = [("newid", "173"), ("full", "1")];
    let path = format!("{PATH}/102/clone");
    let (first, second) = tokio::join!(stranger.post(&path, &form), stranger.post(&path, &form));
    let mut ends = Vec::new();
    for answer in [first, second] {
        ends.push(if answer.status == 200 {
            stranger.follow(&answer).await.0
        } else {
            answer.reason
        });
    }
    ends.sort();
    assert_eq!(ends[0], "OK");
    assert!(
        ends[1].ends_with("unable to create VM 173: config file already exists"),
        "{}",
        ends[1]
    );
}

#[tokio::test]
async fn a_stopped_copy_leaves_nothing() {
    let mut scenario = Scenario::small();
    scenario.speed = 0.5;
    let stranger = Stranger::with(Options::new(scenario)).await;
    let answer = stranger
        .post(
            &format!("{PATH}/102/clone"),
            &[("newid", "112"), ("full", "1")],
        )
        .await;
    stranger
        .until("the target exists", async |own| {
            own.simulator.world().guest(112).is_some()
        })
        .await;
    let upid = answer.data().as_str().unwrap().replace(':', "%3A");
    stranger
        .delete(&format!("/nodes/pve1/tasks/{upid}"))
        .await
        .data();
    let (end, _) = stranger.follow(&answer).await;
    assert!(
        end.starts_with("clone failed: copy failed: command ")
            && end.ends_with("interrupted by signal"),
        "{end}"
    );
    let answer = stranger.get(&format!("{PATH}/112/status/current")).await;
    assert_eq!(
        answer.reason,
        "Configuration file 'nodes/pve1/qemu-server/112.conf' does not exist"
    );
}

#[tokio::test]
async fn destroying() {
    let stranger = small().await;
    assert_eq!(
        stranger.delete(&format!("{PATH}/101")).await.reason,
        "VM 101 is running - destroy failed"
    );
    stranger
        .put(&format!("{PATH}/102/config"), &[("protection", "1")])
        .await
        .data();
    assert_eq!(
        stranger.delete(&format!("{PATH}/102")).await.reason,
        "can't remove VM 102 - protection mode enabled"
    );
    stranger
        .put(&format!("{PATH}/102/config"), &[("delete", "protection")])
        .await
        .data();
    stranger
        .simulator
        .edit(|world| world.lock_guest(102, Some("backup")).unwrap());
    let answer = stranger.delete(&format!("{PATH}/102")).await;
    assert_eq!(stranger.follow(&answer).await.0, "VM is locked (backup)");
    stranger
        .simulator
        .edit(|world| world.lock_guest(102, None).unwrap());
    let answer = stranger.delete(&format!("{PATH}/102?purge=1")).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    assert!(stranger.simulator.world().guest(102).is_none());
    assert!(
        !stranger
            .simulator
            .world()
            .pool_members("lab")
            .contains(&102)
    );
}

#[tokio::test]
async fn containers_take_a_host_name_and_are_always_copied() {
    let stranger = small().await;
    let path = "/nodes/pve1/lxc/150/clone";
    let answer = stranger
        .post(path, &[("newid", "152"), ("name", "ct-copy")])
        .await;
    assert!(
        answer
            .error("name")
            .starts_with("property is not defined in schema")
    );
    let answer = stranger
        .post(path, &[("newid", "151"), ("hostname", "ct-copy")])
        .await;
    assert!(answer.data().as_str().unwrap().contains(":vzclone:150:"));
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let config = stranger.get("/nodes/pve1/lxc/151/config").await.data();
    assert_eq!(
        (config["hostname"].as_str(), config["memory"].as_i64()),
        (Some("ct-copy"), Some(512))
    );
}

#[tokio::test]
async fn templates_and_features() {
    let stranger = small().await;
    let has = async |vmid: u32, query: &str| {
        stranger
            .get(&format!("{PATH}/{vmid}/feature?feature={query}"))
            .await
            .data()["hasFeature"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(
        (has(101, "snapshot").await, has(104, "snapshot").await),
        (1, 0)
    );
    assert_eq!((has(101, "clone").await, has(100, "clone").await), (0, 1));
    assert_eq!(has(101, "copy&snapname=s1").await, 1);
    assert_eq!(
        stranger
            .post(&format!("{PATH}/100/template"), &[])
            .await
            .reason,
        "you can't convert a template to a template"
    );
    let answer = stranger.post(&format!("{PATH}/102/template"), &[]).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let config = stranger.get(&format!("{PATH}/102/config")).await.data();
    assert_eq!(
        (config["template"].as_i64(), config["scsi0"].as_str()),
        (Some(1), Some("vmstore:102/base-102-disk-0.qcow2,size=4G"))
    );
    let answer = stranger.post("/nodes/pve1/lxc/150/template", &[]).await;
    assert_eq!(answer.status, 500);
}

#[tokio::test]
async fn a_machine_from_nothing() {
    let stranger = small().await;
    let form = [
        ("vmid", "120"),
        ("pool", "lab"),
        ("name", "mini"),
        ("scsi0", "vmstore:1"),
        ("kvm", "0"),
    ];
    let answer = stranger.post(PATH, &form).await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(
        (end.as_str(), log[0].as_str()),
        (
            "OK",
            "scsi0: successfully created disk 'vmstore:120/vm-120-disk-0.raw,size=1G'"
        )
    );
    let resize = stranger
        .put(
            &format!("{PATH}/120/resize"),
            &[("disk", "scsi0"), ("size", "+1G")],
        )
        .await;
    assert!(resize.data().as_str().unwrap().contains(":resize:120:"));
    assert_eq!(stranger.follow(&resize).await.0, "OK");
    let resize = stranger
        .put(
            &format!("{PATH}/120/resize"),
            &[("disk", "scsi0"), ("size", "1G")],
        )
        .await;
    assert_eq!(
        stranger.follow(&resize).await.0,
        "shrinking disks is not supported"
    );
    assert_eq!(
        stranger.get(&format!("{PATH}/120/config")).await.data()["scsi0"],
        "vmstore:120/vm-120-disk-0.raw,size=2G"
    );
}
