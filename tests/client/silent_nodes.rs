//! A node that hangs: after two questions its reads fail at once, and nothing else does.

use std::time::Duration;

use proxdeck::domain::failure::FailureKind;
use proxdeck::proxmox::{Client, Tuning};
use proxdeck::simulator::{FaultKind, FaultRule, Simulator};

use crate::house::{asked, connection, guest, own_token, small, snapshot, writes};

/// A client for which every failure is long.
fn impatient(simulator: &Simulator) -> Client {
    let tuning = Tuning {
        silence: Duration::ZERO,
        ..Tuning::default()
    };
    Client::tuned(connection(simulator, own_token(simulator)), tuning).unwrap()
}

#[tokio::test]
async fn a_node_that_hangs_is_left_alone_by_reads_and_by_nothing_else() {
    let simulator = small().await;
    let client = impatient(&simulator);
    let target = guest(102);
    let path = format!("/nodes/{}/", target.node);
    let hangs = FaultRule::new(FaultKind::TimedOut).path(&path);
    simulator.faults().add(hangs);
    for _ in 0..2 {
        let error = client.guests().snapshots(&target).await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::NodeUnreachable);
    }
    let before = asked(&simulator).len();
    let error = client.guests().config(&target).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::NodeUnreachable);
    let text = error.to_string();
    assert!(text.contains("asked again in"), "{text}");
    assert_eq!(asked(&simulator).len(), before, "nothing was sent");

    client.cluster().resources().await.unwrap();
    let name = "before".parse().unwrap();
    let guests = client.guests();
    let sent = guests.snapshot(&target, snapshot(&name)).await;
    assert!(sent.is_err());
    assert_eq!(
        writes(&simulator).len(),
        1,
        "a write is the operator's decision"
    );
}
