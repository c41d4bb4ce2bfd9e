//! A node that hangs: after two questions its reads fail at once, and nothing else does.

use std::collections::BTreeMap;
use std::time::Duration;

use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::history::Span;
use proxdeck::operations::network;
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
    let resting: Vec<String> = client.resting().keys().map(ToString::to_string).collect();
    assert_eq!(resting, [target.node.to_string()]);

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

#[tokio::test]
async fn what_every_node_knows_of_a_guest_neither_waits_for_its_node_nor_vouches_for_it() {
    let simulator = small().await;
    let client = impatient(&simulator);
    let target = guest(102);
    let own = format!("/nodes/{}/qemu/102/snapshot", target.node);
    let hangs = FaultRule::new(FaultKind::TimedOut).path(&own);
    simulator.faults().add(hangs);
    for _ in 0..2 {
        client.guests().snapshots(&target).await.unwrap_err();
        client.firewall().rules(&target).await.unwrap();
    }
    assert_eq!(client.resting().len(), 1, "the rules came from elsewhere");
    let (counting, tally) = client.counting();
    counting
        .guests()
        .history(&target, Span::Hour)
        .await
        .unwrap();
    assert_eq!(tally.count(), 1);
    counting.guests().snapshots(&target).await.unwrap_err();
    assert_eq!(tally.count(), 1, "and this was not sent");
}

#[tokio::test]
async fn a_tally_counts_what_is_sent_through_its_client_and_nothing_else() {
    let simulator = small().await;
    let client = impatient(&simulator);
    let (counting, tally) = client.counting();
    client.cluster().resources().await.unwrap();
    assert_eq!(tally.count(), 0);
    let before = asked(&simulator).len();
    network::read(&counting, &guest(102)).await.unwrap();
    assert_eq!(tally.count(), asked(&simulator).len() - before);
    assert!(tally.count() >= 5);
    assert_eq!(client.resting(), BTreeMap::new());
}
