//! What goes wrong on purpose, and only then.

use std::time::Duration;

use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario};

use crate::stranger::{Stranger, send, small};

#[tokio::test]
async fn a_lost_answer_took_effect_or_did_not() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/102/snapshot";
    let cut = FaultRule::new(FaultKind::ResetBefore)
        .method("POST")
        .path("/snapshot")
        .times(1);
    let id = stranger.simulator.faults().add(cut);
    assert!(
        stranger
            .request(reqwest::Method::POST, path)
            .form(&[("snapname", "one")])
            .send()
            .await
            .is_err()
    );
    assert_eq!(stranger.simulator.faults().remove(id), 1);
    assert!(stranger.simulator.world().tasks().is_empty());
    stranger.simulator.faults().add(
        FaultRule::new(FaultKind::ResetAfter)
            .method("POST")
            .path("/snapshot")
            .times(1),
    );
    assert!(
        stranger
            .request(reqwest::Method::POST, path)
            .form(&[("snapname", "two")])
            .send()
            .await
            .is_err()
    );
    stranger
        .until("the snapshot is there", async |own| {
            own.simulator
                .world()
                .guest(102)
                .unwrap()
                .snapshots
                .iter()
                .any(|snapshot| snapshot.name == "two")
        })
        .await;
    let entries = stranger.simulator.journal().entries();
    assert!(
        entries
            .iter()
            .filter(|entry| entry.method == "POST")
            .all(|entry| entry.status.is_none())
    );
}

#[tokio::test]
async fn refusals_by_rule() {
    let stranger = small().await;
    let cases = [
        (FaultKind::Unauthorized, 401, "Authentication failed!"),
        (
            FaultKind::Forbidden("/vms/101".into(), "VM.Audit".into()),
            403,
            "Permission check failed (/vms/101, VM.Audit)",
        ),
        (
            FaultKind::Error("VM is locked (backup)".into()),
            500,
            "VM is locked (backup)",
        ),
        (FaultKind::Unreachable, 595, "Connection refused"),
        (FaultKind::TimedOut, 596, "Connection timed out"),
    ];
    for (kind, status, reason) in cases {
        stranger
            .simulator
            .faults()
            .add(FaultRule::new(kind).times(1));
        let answer = stranger.get("/version").await;
        assert_eq!((answer.status, answer.reason.as_str()), (status, reason));
        assert_eq!(stranger.get("/version").await.status, 200);
    }
}

#[tokio::test]
async fn answers_can_be_damaged_and_late() {
    let stranger = small().await;
    let faults = stranger.simulator.faults();
    faults.add(FaultRule::new(FaultKind::Truncated).times(1));
    let answer = stranger.get("/cluster/resources").await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&answer.text).is_err());
    faults.add(FaultRule::new(FaultKind::Malformed).times(1));
    assert!(stranger.get("/version").await.text.starts_with("<html>"));
    faults.add(FaultRule::new(FaultKind::Latency(Duration::from_millis(
        30,
    ))));
    assert_eq!(stranger.get("/version").await.status, 200);
    faults.clear();
    faults.add(FaultRule::new(FaultKind::Stall).path("/version"));
    let stalled = stranger
        .request(reqwest::Method::GET, "/version")
        .timeout(Duration::from_millis(200));
    assert!(stalled.send().await.unwrap_err().is_timeout());
    assert_eq!(
        stranger.get("/cluster/nextid").await.status,
        200,
        "nothing else waits"
    );
}

#[tokio::test]
async fn connections_can_be_refused() {
    let stranger = small().await;
    let id = stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::Refused));
    let fresh = crate::stranger::client();
    assert!(fresh.get(stranger.simulator.url()).send().await.is_err());
    stranger.simulator.faults().remove(id);
    assert!(fresh.get(stranger.simulator.url()).send().await.is_ok());
}

#[tokio::test]
async fn nodes_can_go_away() {
    let stranger = Stranger::with(Options {
        speed: 1000.0,
        ..Options::new(Scenario::generated(3, 9, 2))
    })
    .await;
    let id = stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::NodeOffline("pve2".into())));
    assert_eq!(stranger.get("/nodes/pve2/status").await.status, 595);
    assert_eq!(stranger.get("/nodes/pve3/status").await.status, 200);
    let rows = stranger.get("/nodes").await.data();
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["node"] == "pve2")
        .unwrap();
    assert_eq!(row["status"], "offline");
    stranger.simulator.faults().remove(id);
    stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::NodeHanging("pve3".into())));
    assert_eq!(stranger.get("/nodes/pve3/status").await.status, 596);
    assert_eq!(stranger.get("/nodes/pve2/status").await.status, 200);
}

#[tokio::test]
async fn tasks_can_fail_and_vanish() {
    let stranger = small().await;
    let fails = FaultRule::new(FaultKind::TaskFails(
        1,
        "storage 'nfs1' is not online".into(),
    ))
    .path("qmsnapshot:102");
    stranger.simulator.faults().add(fails.times(1));
    let path = "/nodes/pve1/qemu/102/snapshot";
    let answer = stranger.post(path, &[("snapname", "one")]).await;
    assert_eq!(
        stranger.follow(&answer).await.0,
        "storage 'nfs1' is not online"
    );
    let guest = stranger.simulator.world().guest(102).unwrap();
    assert_eq!(
        guest.lock.as_deref(),
        Some("snapshot"),
        "a failed snapshot leaves its lock"
    );
    assert_eq!(guest.snapshots[0].snapstate.as_deref(), Some("prepare"));
    let answer = stranger.delete(&format!("{path}/one?force=1")).await;
    assert_eq!(
        stranger.follow(&answer).await.0,
        "VM is locked (snapshot)",
        "even with force"
    );
    stranger
        .simulator
        .edit(|world| world.lock_guest(102, None).unwrap());
    stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::TaskVanishes(1)).path("qmstart"));
    let answer = stranger
        .post("/nodes/pve1/qemu/102/status/start", &[])
        .await;
    let (end, log) = stranger.follow(&answer).await;
    assert_eq!(end, "unexpected status");
    assert_eq!(log, ["no content"]);
}

#[tokio::test]
async fn another_certificate_and_another_clock() {
    let stranger = small().await;
    let authority = reqwest::Certificate::from_pem(stranger.simulator.ca_pem().as_bytes()).unwrap();
    let url = format!(
        "https://localhost:{}/api2/json/version",
        stranger.simulator.address().port()
    );
    let strict = || {
        reqwest::Client::builder()
            .tls_certs_only([authority.clone()])
            .build()
            .unwrap()
    };
    assert!(strict().get(&url).send().await.is_ok());
    let id = stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    assert!(strict().get(&url).send().await.is_err());
    assert_ne!(
        stranger.simulator.fingerprint(),
        stranger.simulator.swapped_fingerprint()
    );
    stranger.simulator.faults().remove(id);
    assert!(strict().get(&url).send().await.is_ok());
    stranger
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::ClockSkew(7200)));
    let before = stranger.simulator.clock().seconds();
    let answer = send(stranger.request(reqwest::Method::GET, "/version")).await;
    let date =
        chrono::DateTime::parse_from_rfc2822(answer.headers["date"].to_str().unwrap()).unwrap();
    assert!(
        date.timestamp() - before > 7000
            || stranger.simulator.clock().seconds() - date.timestamp() < 100
    );
}

#[tokio::test]
async fn a_cluster_without_quorum_changes_nothing() {
    let stranger = small().await;
    stranger.simulator.edit(|world| world.set_quorate(false));
    for path in [
        "/nodes/pve1/qemu/102/status/start",
        "/nodes/pve1/qemu/102/clone",
    ] {
        let answer = stranger
            .post(
                path,
                if path.ends_with("clone") {
                    &[("newid", "299")]
                } else {
                    &[]
                },
            )
            .await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (500, "cluster not ready - no quorum?")
        );
    }
    let rows = stranger.get("/cluster/status").await.data();
    assert_eq!(rows[0]["quorate"], 0);
}

#[tokio::test]
async fn the_quorum_can_be_lost_for_a_while() {
    let stranger = small().await;
    let lost = FaultRule::new(FaultKind::QuorumLost);
    let lost = stranger.simulator.faults().add(lost);
    let path = "/nodes/pve1/qemu/102/status/start";
    let answer = stranger.post(path, &[]).await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (500, "cluster not ready - no quorum?")
    );
    let quorate = async || stranger.get("/cluster/status").await.data()[0]["quorate"].clone();
    assert_eq!(quorate().await, 0);
    stranger.simulator.faults().remove(lost);
    assert_eq!(quorate().await, 1);
    assert_eq!(stranger.post(path, &[]).await.status, 200);
}
