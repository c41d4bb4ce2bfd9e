//! What goes with a guest that is destroyed, what stays, and what keeps it.

use proxdeck::simulator::{FaultKind, FaultRule, Options, RunState, Scenario};

use crate::stranger::{Stranger, small};

const PATH: &str = "/nodes/pve1/qemu";

#[tokio::test]
async fn a_template_stays_while_linked_clones_stand_on_its_disk() {
    let stranger = small().await;
    let form = [("newid", "105"), ("name", "linked-1")];
    let clone = stranger.post(&format!("{PATH}/100/clone"), &form).await;
    assert_eq!(stranger.follow(&clone).await.0, "OK");
    let answer = stranger.delete(&format!("{PATH}/100")).await;
    let (end, log) = stranger.follow(&answer).await;
    let words = "base volume 'vmstore:100/base-100-disk-0.qcow2' is still in use by linked cloned";
    assert_eq!(end, words);
    assert_eq!(log, [format!("TASK ERROR: {words}")]);
    let answer = stranger.delete(&format!("{PATH}/105")).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let answer = stranger.delete(&format!("{PATH}/100")).await;
    assert_eq!(
        stranger.follow(&answer).await,
        ("OK".to_owned(), vec!["TASK OK".to_owned()])
    );
}

#[tokio::test]
async fn disks_snapshots_pool_rights_and_firewall_go_and_foreign_volumes_stay() {
    let stranger = small().await;
    let rules = format!("{PATH}/101/firewall/rules");
    let rule = [("type", "in"), ("action", "ACCEPT"), ("enable", "1")];
    stranger.post(&rules, &rule).await.data();
    stranger.simulator.edit(|world| {
        world.grant("/vms/101", "somebody@pve", "PVEVMUser");
        world.set_run_state(101, RunState::Stopped, 0).unwrap();
        // The disk of 102 is nobody's any more as far as its configuration tells.
        world.set_option(102, "scsi0", None).unwrap();
    });
    for vmid in [101, 102] {
        let answer = stranger.delete(&format!("{PATH}/{vmid}")).await;
        assert_eq!(stranger.follow(&answer).await.0, "OK");
    }
    let content = stranger.get("/nodes/pve1/storage/vmstore/content").await;
    let content = content.data().to_string();
    assert!(!content.contains("vm-101-"), "{content}");
    assert!(content.contains("vm-102-disk-0"), "{content}");
    assert_eq!(stranger.simulator.world().pool_members("lab"), [100, 150]);
    let answer = stranger.get(&format!("{PATH}/101/config")).await;
    assert_eq!(
        answer.reason,
        "Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist"
    );
    let form = [("newid", "101"), ("name", "next"), ("full", "1")];
    let clone = stranger.post(&format!("{PATH}/100/clone"), &form).await;
    assert_eq!(stranger.follow(&clone).await.0, "OK");
    let answer = stranger.get(&rules).await;
    assert_eq!(answer.data().as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn unreferenced_disks_go_where_that_is_wanted() {
    let stranger = small().await;
    stranger
        .simulator
        .edit(|world| world.set_option(102, "scsi0", None).unwrap());
    let path = format!("{PATH}/102?purge=1&destroy-unreferenced-disks=1");
    let answer = stranger.delete(&path).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let content = stranger.get("/nodes/pve1/storage/vmstore/content").await;
    assert!(!content.data().to_string().contains("vm-102-disk-0"));
}

#[tokio::test]
async fn high_availability_keeps_a_guest_without_purge() {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 102;
    }
    let stranger = Stranger::with(Options::new(scenario)).await;
    let answer = stranger.delete(&format!("{PATH}/102")).await;
    assert_eq!(
        answer.reason,
        "unable to remove VM 102 - used in HA resources and purge parameter not set."
    );
    let answer = stranger.delete(&format!("{PATH}/102?purge=1")).await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let managed = stranger.get("/cluster/ha/resources").await.data();
    assert!(!managed.to_string().contains("vm:102"), "{managed}");
}

#[tokio::test]
async fn a_container_that_runs_goes_only_by_force() {
    let stranger = small().await;
    let path = "/nodes/pve1/lxc/150";
    assert_eq!(
        stranger.delete(path).await.reason,
        "unable to destroy CT 150 - container is running"
    );
    let answer = stranger.delete(&format!("{path}?force=1")).await;
    assert!(answer.data().as_str().unwrap().contains(":vzdestroy:150:"));
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    assert!(stranger.simulator.world().guest(150).is_none());
}

#[tokio::test]
async fn what_is_left_half_way_is_a_lock_and_the_right_is_that_to_allocate() {
    let stranger = small().await;
    let fault = FaultRule::new(FaultKind::TaskFails(2, "disk on fire".into()));
    stranger.simulator.faults().add(fault.path("qmdestroy"));
    let answer = stranger.delete(&format!("{PATH}/102")).await;
    assert_eq!(stranger.follow(&answer).await.0, "disk on fire");
    let left = stranger.simulator.world().guest(102).unwrap();
    assert_eq!(left.lock.as_deref(), Some("destroyed"));
    assert_eq!(left.volumes, [""; 0]);
    stranger.simulator.edit(|world| world.revoke("hub@pve"));
    assert_eq!(
        stranger.delete(&format!("{PATH}/104")).await.reason,
        "Permission check failed (/vms/104, VM.Allocate)"
    );
}
