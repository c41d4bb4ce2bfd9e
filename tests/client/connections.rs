//! Connections that are dropped: what is asked again, and what never is.

use proxdeck::domain::failure::FailureKind;
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::house::{asked, by_token, guest, listening_to, small, snapshot, token, writes};
use crate::teller::{Heard, Say, Teller};

const UPID: &str = "\"UPID:pve1:00001234:00005678:6720A000:qmsnapshot:101:hub@pve!deck:\"";

/// Answers the first request of every connection and drops the connection at the second.
fn forgetful(request: &Heard) -> Say {
    if request.turn > 1 {
        return Say::HangUp;
    }
    if request.method == "POST" {
        return Say::data(UPID);
    }
    Say::data("{\"version\":\"9.2.11\"}")
}

#[tokio::test]
async fn pitfall_03_a_read_on_a_dropped_connection_is_asked_again() {
    let teller = Teller::start(forgetful).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    assert_eq!(client.access().version().await.unwrap(), "9.2.11");
    assert_eq!(client.access().version().await.unwrap(), "9.2.11");
    let heard: Vec<(usize, usize)> = teller
        .heard()
        .iter()
        .map(|request| (request.connection, request.turn))
        .collect();
    assert_eq!(heard, [(1, 1), (1, 2), (2, 1)], "connection and turn");
}

#[tokio::test]
async fn pitfall_03_a_write_on_a_dropped_connection_is_not() {
    let teller = Teller::start(forgetful).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    client.access().version().await.unwrap();
    let name = "once".parse().unwrap();
    let error = client
        .guests()
        .snapshot(&guest(101), snapshot(&name))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Interrupted);
    assert!(error.outcome_unknown(), "the server may have begun");
    let posts = teller
        .heard()
        .into_iter()
        .filter(|request| request.method == "POST")
        .count();
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn pitfall_03_a_write_whose_answer_was_lost_took_effect_once() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let cut = FaultRule::new(FaultKind::ResetAfter)
        .method("POST")
        .path("/snapshot");
    let fault = simulator.faults().add(cut);
    let name = "lost".parse().unwrap();
    let error = client
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    assert_eq!(simulator.faults().remove(fault), 1);
    assert_eq!(writes(&simulator).len(), 1);
    let world = simulator.world();
    let tasks = world.tasks();
    assert_eq!(
        tasks
            .iter()
            .filter(|task| task.kind == "qmsnapshot")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_write_that_never_arrived_is_of_unknown_outcome_too_and_sent_once() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let cut = FaultRule::new(FaultKind::ResetBefore).method("POST");
    simulator.faults().add(cut);
    let name = "lost".parse().unwrap();
    let error = client
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "from here both look the same");
    assert_eq!(writes(&simulator).len(), 1);
}

#[tokio::test]
async fn a_read_is_repeated_once_and_then_given_up() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let once = FaultRule::new(FaultKind::ResetBefore)
        .path("/version")
        .times(1);
    simulator.faults().add(once);
    assert!(client.access().version().await.is_ok());
    simulator.faults().clear();
    simulator.journal().clear();
    simulator
        .faults()
        .add(FaultRule::new(FaultKind::ResetBefore).path("/version"));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Interrupted);
    assert!(
        !error.outcome_unknown(),
        "a read has no effect to be unsure of"
    );
    assert_eq!(asked(&simulator), ["GET /version", "GET /version"]);
}

#[tokio::test]
async fn a_node_that_was_not_reached_and_one_that_fell_silent_are_told_apart() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let name = "away".parse().unwrap();
    for (fault, unknown) in [(FaultKind::Unreachable, false), (FaultKind::TimedOut, true)] {
        let fault = simulator.faults().add(FaultRule::new(fault).method("POST"));
        let error = client
            .guests()
            .snapshot(&guest(102), snapshot(&name))
            .await
            .unwrap_err();
        simulator.faults().remove(fault);
        assert_eq!(error.kind(), FailureKind::NodeUnreachable);
        assert_eq!(error.outcome_unknown(), unknown, "{error}");
    }
}
