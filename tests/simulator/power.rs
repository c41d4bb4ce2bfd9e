//! Starting, stopping, pausing: what is refused at once, what the task finds out, how containers differ.

use proxdeck::simulator::{Options, RunState, Scenario};

use crate::stranger::{Stranger, small};

#[tokio::test]
async fn a_machine_goes_up_and_down() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/102/status";
    let (end, log) = stranger
        .follow(&stranger.post(&format!("{path}/start"), &[]).await)
        .await;
    assert_eq!((end.as_str(), log), ("OK", vec!["TASK OK".to_owned()]));
    let (end, _) = stranger
        .follow(&stranger.post(&format!("{path}/start"), &[]).await)
        .await;
    assert_eq!(end, "VM 102 already running");
    for verb in ["reset", "suspend", "resume", "reboot", "shutdown"] {
        let (end, _) = stranger
            .follow(&stranger.post(&format!("{path}/{verb}"), &[]).await)
            .await;
        assert_eq!(end, "OK", "{verb}");
    }
    assert_eq!(
        stranger.simulator.world().guest(102).unwrap().status,
        RunState::Stopped
    );
    for verb in ["stop", "shutdown"] {
        let (end, _) = stranger
            .follow(&stranger.post(&format!("{path}/{verb}"), &[]).await)
            .await;
        assert_eq!(end, "OK", "a stopped machine is fine as it is");
    }
    for verb in ["reset", "reboot", "suspend", "resume"] {
        let answer = stranger.post(&format!("{path}/{verb}"), &[]).await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (500, "VM 102 not running"),
            "{verb}"
        );
    }
}

#[tokio::test]
async fn what_start_only_finds_out_in_the_task() {
    let stranger = small().await;
    stranger
        .simulator
        .edit(|world| world.lock_guest(102, Some("migrate")).unwrap());
    let cases = [
        (100, "you can't start a vm if it's a template"),
        (102, "VM is locked (migrate)"),
        (
            999,
            "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist",
        ),
    ];
    for (vmid, expected) in cases {
        let answer = stranger
            .post(&format!("/nodes/pve1/qemu/{vmid}/status/start"), &[])
            .await;
        assert_eq!(stranger.follow(&answer).await.0, expected);
    }
    let answer = stranger
        .post("/nodes/pve1/qemu/102/status/start", &[("skiplock", "1")])
        .await;
    assert_eq!(answer.error("skiplock"), "Only root may use this option.");
}

#[tokio::test]
async fn a_paused_machine_cannot_shut_down() {
    let stranger = small().await;
    let answer = stranger
        .post("/nodes/pve1/qemu/103/status/shutdown", &[])
        .await;
    assert_eq!(answer.reason, "VM is paused - cannot shutdown");
    let (end, _) = stranger
        .follow(
            &stranger
                .post("/nodes/pve1/qemu/103/status/resume", &[])
                .await,
        )
        .await;
    assert_eq!(end, "OK");
    assert_eq!(
        stranger.simulator.world().guest(103).unwrap().status,
        RunState::Running
    );
}

#[tokio::test]
async fn a_deaf_machine_times_out_and_holds_its_file_lock() {
    let mut scenario = Scenario::small();
    scenario
        .guests
        .iter_mut()
        .find(|guest| guest.vmid == 101)
        .unwrap()
        .deaf = true;
    let stranger = Stranger::with(Options::new(scenario)).await;
    let path = "/nodes/pve1/qemu/101";
    let (end, _) = stranger
        .follow(
            &stranger
                .post(&format!("{path}/status/shutdown"), &[("timeout", "8")])
                .await,
        )
        .await;
    assert_eq!(end, "VM quit/powerdown failed - got timeout");
    let shutdown = stranger
        .post(&format!("{path}/status/shutdown"), &[("timeout", "3000")])
        .await;
    stranger
        .until("the shutdown holds the lock", async |own| {
            own.simulator.world().guest(101).unwrap().file_locked
        })
        .await;
    let answer = stranger
        .put(&format!("{path}/config"), &[("description", "y")])
        .await;
    assert_eq!(
        answer.reason,
        "can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"
    );
    let stop = stranger
        .post(
            &format!("{path}/status/stop"),
            &[("overrule-shutdown", "1")],
        )
        .await;
    assert_eq!(stranger.follow(&stop).await.0, "OK");
    assert_eq!(stranger.follow(&shutdown).await.0, "received interrupt");
}

#[tokio::test]
async fn containers_answer_at_once() {
    let stranger = small().await;
    let path = "/nodes/pve1/lxc/150/status";
    assert_eq!(
        stranger
            .follow(&stranger.post(&format!("{path}/stop"), &[]).await)
            .await
            .0,
        "OK"
    );
    for (verb, expected) in [
        ("stop", "CT 150"),
        ("shutdown", "CT 150"),
        ("suspend", "CT 150"),
        ("reboot", "VM 150"),
    ] {
        let answer = stranger.post(&format!("{path}/{verb}"), &[]).await;
        assert_eq!(answer.reason, format!("{expected} not running"), "{verb}");
    }
    let answer = stranger.post(&format!("{path}/reset"), &[]).await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (
            501,
            "Method 'POST /nodes/pve1/lxc/150/status/reset' not implemented"
        )
    );
    assert_eq!(
        stranger
            .follow(&stranger.post(&format!("{path}/start"), &[]).await)
            .await
            .0,
        "OK"
    );
}

#[tokio::test]
async fn suspended_to_disk_and_back() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/101";
    let answer = stranger
        .post(&format!("{path}/status/suspend"), &[("todisk", "1")])
        .await;
    assert_eq!(stranger.follow(&answer).await.0, "OK");
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert_eq!(
        (guest.lock.as_deref(), guest.status),
        (Some("suspended"), RunState::Stopped)
    );
    assert!(
        guest
            .volumes
            .iter()
            .any(|volume| volume.contains("vm-101-state-suspend-"))
    );
    let answer = stranger
        .put(&format!("{path}/config"), &[("description", "x")])
        .await;
    assert_eq!(answer.reason, "VM is locked (suspended)");
    assert_eq!(
        stranger
            .follow(&stranger.post(&format!("{path}/status/resume"), &[]).await)
            .await
            .0,
        "OK"
    );
    let guest = stranger.simulator.world().guest(101).unwrap();
    assert_eq!((guest.lock, guest.status), (None, RunState::Running));
}

#[tokio::test]
async fn a_task_can_be_stopped() {
    let mut scenario = Scenario::small();
    scenario
        .guests
        .iter_mut()
        .find(|guest| guest.vmid == 101)
        .unwrap()
        .deaf = true;
    let stranger = Stranger::with(Options::new(scenario)).await;
    let answer = stranger
        .post(
            "/nodes/pve1/qemu/101/status/shutdown",
            &[("timeout", "40000")],
        )
        .await;
    let upid = answer.data().as_str().unwrap().to_owned();
    let running = stranger.get("/nodes/pve1/tasks?source=active").await.data();
    assert_eq!(running[0]["status"], "RUNNING");
    assert!(
        stranger
            .get("/nodes/pve1/tasks")
            .await
            .json()
            .get("total")
            .is_none()
    );
    let row = stranger.get("/cluster/tasks").await.data()[0].clone();
    assert!(
        row.get("status").is_none() && row.get("endtime").is_none() && row["pid"].is_u64(),
        "{row}"
    );
    let path = format!("/nodes/pve1/tasks/{}", upid.replace(':', "%3A"));
    assert_eq!(
        stranger.get(&format!("{path}/log")).await.data()[0]["t"],
        "no content"
    );
    assert!(stranger.delete(&path).await.data().is_null());
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "received interrupt");
    assert_eq!(log, ["TASK ERROR: received interrupt"]);
    assert_eq!(
        stranger.delete(&path).await.status,
        200,
        "stopping a finished task is fine"
    );
    assert_eq!(
        stranger
            .get("/nodes/pve1/tasks?statusfilter=nope")
            .await
            .error("statusfilter"),
        "invalid format - invalid status 'nope'\n"
    );
    assert_eq!(
        stranger
            .get("/nodes/pve1/tasks/notaupid/status")
            .await
            .error("upid"),
        "unable to parse worker upid"
    );
    let unknown = "UPID%3Apve1%3A00003528%3A00039582%3A6B045F43%3Aqmstop%3A999%3Ahub%40pve!deck%3A";
    assert_eq!(
        stranger
            .get(&format!("/nodes/pve1/tasks/{unknown}/status"))
            .await
            .error("upid"),
        "no such task"
    );
}
