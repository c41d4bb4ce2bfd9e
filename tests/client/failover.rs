//! Several servers of one cluster: the next is asked where one does not answer, and nothing twice.

use std::time::Duration;

use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::proxmox::{Client, Connection, Trust, Tuning};
use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario, Simulator};

use crate::house::{asked, by_password, guest, own_token, password, small, snapshot, writes};

/// Both certificates are pinned, as those of two nodes are; scenarios of one seed share theirs.
fn trust(servers: &[&Simulator]) -> Trust {
    let pins = servers.iter().map(|server| server.fingerprint());
    Trust::Pins(pins.map(|pin| pin.parse().unwrap()).collect())
}

fn quick() -> Tuning {
    Tuning {
        patience: Duration::from_millis(500),
        back_after: Duration::ZERO,
        ..Tuning::default()
    }
}

/// Never looks back while a test runs.
fn patient() -> Tuning {
    Tuning {
        back_after: Duration::from_secs(3600),
        ..quick()
    }
}

fn client(first: &str, second: &Simulator, trust: Trust, tuning: Tuning) -> Client {
    let connection = Connection {
        endpoints: vec![first.to_owned(), second.url()],
        trust,
        credentials: own_token(second),
    };
    Client::tuned(connection, tuning).unwrap()
}

/// Stops a server and returns where it was.
async fn dead() -> String {
    let simulator = small().await;
    let url = simulator.url();
    simulator.shutdown().await;
    url
}

#[tokio::test]
async fn a_server_that_is_gone_is_passed_over_by_reads_and_by_writes_that_were_not_sent() {
    let second = small().await;
    let gone = dead().await;
    let client = client(&gone, &second, trust(&[&second]), patient());
    client.access().version().await.unwrap();
    assert!(client.is_elsewhere());
    assert_eq!(client.endpoint(), second.url());
    let fresh = self::client(&gone, &second, trust(&[&second]), patient());
    let name = "once".parse().unwrap();
    fresh
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap();
    assert_eq!(writes(&second).len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_left_by_reads_and_a_write_to_it_is_never_sent_again() {
    let (first, second) = (small().await, small().await);
    let stall = first.faults().add(FaultRule::new(FaultKind::Stall));
    let client = client(&first.url(), &second, trust(&[&first, &second]), patient());
    client.cluster().resources().await.unwrap();
    assert_eq!(client.endpoint(), second.url());
    first.faults().remove(stall);
    first
        .faults()
        .add(FaultRule::new(FaultKind::ResetAfter).times(1));
    let writer = self::client(&first.url(), &second, trust(&[&first, &second]), patient());
    let name = "once".parse().unwrap();
    let error = writer
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert!(writes(&second).is_empty(), "it was not sent again");
    writer.access().version().await.unwrap();
    assert_eq!(
        writer.endpoint(),
        second.url(),
        "what comes next goes there"
    );
}

#[tokio::test]
async fn a_server_with_a_strange_certificate_gets_nothing_and_both_are_named_when_none_is_left() {
    let (first, second) = (small().await, small().await);
    first
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let url = first.url();
    let client = client(&url, &second, trust(&[&second]), patient());
    client.access().version().await.unwrap();
    assert!(first.journal().is_empty(), "nothing was sent to it");
    second.shutdown().await;
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::UntrustedCertificate, "{error}");
    let text = error.to_string();
    assert!(text.contains(&first.swapped_fingerprint()), "{text}");
    assert!(text.matches("https://127.0.0.1:").count() == 2, "{text}");
    let advice = Failure::from(error).advice;
    assert!(advice.contains("pvenode cert info"), "{advice}");
}

#[tokio::test]
async fn the_first_server_is_asked_again_when_it_is_back() {
    let second = small().await;
    let first = small().await;
    let (url, listen) = (first.url(), first.address());
    let trust = trust(&[&first, &second]);
    first.shutdown().await;
    let client = client(&url, &second, trust, quick());
    client.access().version().await.unwrap();
    client.access().version().await.unwrap();
    assert!(client.is_elsewhere());
    let options = Options {
        listen,
        ..Options::new(Scenario::small())
    };
    let first = Simulator::start(options).await.unwrap();
    client.access().version().await.unwrap();
    assert!(!client.is_elsewhere());
    assert_eq!(asked(&first), ["GET /version"]);
}

#[tokio::test]
async fn what_a_server_says_of_its_nodes_or_refuses_is_an_answer() {
    for fault in [
        FaultKind::Unreachable,
        FaultKind::TimedOut,
        FaultKind::Unauthorized,
        FaultKind::Error("got no answer".into()),
    ] {
        let (first, second) = (small().await, small().await);
        first.faults().add(FaultRule::new(fault.clone()));
        let client = client(&first.url(), &second, trust(&[&first, &second]), patient());
        client.cluster().resources().await.unwrap_err();
        assert!(!client.is_elsewhere(), "{fault:?}");
        assert!(second.journal().is_empty(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_session_goes_on_at_the_next_server() {
    let (first, second) = (small().await, small().await);
    let accounts = first.accounts().clone();
    let connection = Connection {
        endpoints: vec![first.url(), second.url()],
        trust: trust(&[&first, &second]),
        credentials: password(&accounts.user, &accounts.password),
    };
    let client = Client::tuned(connection, patient()).unwrap();
    client.access().version().await.unwrap();
    first.shutdown().await;
    client.access().version().await.unwrap();
    assert_eq!(
        asked(&second),
        ["GET /version"],
        "tickets hold in the whole cluster"
    );
    // A single server has nowhere to go on.
    assert!(!by_password(&second).is_elsewhere());
}
