//! Whom the client trusts, and what it says to those it does not.

use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::proxmox::{Client, Connection, Error, Trust};
use proxdeck::simulator::{FaultKind, FaultRule, Options, Scenario, Simulator};

use crate::house::{by_token, own_token, pinned, small, trusting};

async fn refusal(simulator: &Simulator, trust: Trust) -> Error {
    let client = trusting(simulator, trust, own_token(simulator));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::UntrustedCertificate, "{error}");
    assert!(simulator.journal().is_empty(), "nothing was sent");
    error
}

#[tokio::test]
async fn pitfall_13_another_certificate_than_the_pinned_one_is_refused_with_both_fingerprints() {
    let simulator = small().await;
    simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let error = refusal(&simulator, pinned(&simulator)).await;
    let text = error.to_string();
    assert!(
        text.contains(&format!("pinned is {}", simulator.fingerprint())),
        "{text}"
    );
    assert!(
        text.contains(&format!("presents {}", simulator.swapped_fingerprint())),
        "{text}"
    );
    let advice = Failure::from(error).advice;
    assert!(advice.contains("replace the pin"), "{advice}");
}

#[tokio::test]
async fn pitfall_13_a_server_that_comes_back_with_another_certificate_is_refused() {
    let simulator = small().await;
    let client = by_token(&simulator);
    client.access().version().await.unwrap();
    let options = Options {
        listen: simulator.address(),
        faults: vec![FaultRule::new(FaultKind::CertificateSwapped)],
        ..Options::new(Scenario::small())
    };
    simulator.shutdown().await;
    let simulator = Simulator::start(options).await.unwrap();
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::UntrustedCertificate, "{error}");
    assert!(
        error.to_string().contains(&simulator.swapped_fingerprint()),
        "{error}"
    );
    assert!(simulator.journal().is_empty(), "nothing was sent");
    simulator.faults().clear();
    assert!(
        client.access().version().await.is_ok(),
        "the right one is welcome again"
    );
}

#[tokio::test]
async fn pitfall_13_the_old_and_the_new_pin_may_stand_side_by_side() {
    let simulator = small().await;
    let pins = [simulator.fingerprint(), simulator.swapped_fingerprint()];
    let trust = Trust::Pins(pins.iter().map(|pin| pin.parse().unwrap()).collect());
    let client = trusting(&simulator, trust.clone(), own_token(&simulator));
    client.access().version().await.unwrap();
    simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let client = trusting(&simulator, trust, own_token(&simulator));
    client.access().version().await.unwrap();
}

/// A world whose second node has this certificate.
async fn knowing(fingerprint: String) -> Simulator {
    let mut scenario = Scenario::small();
    let mut second = scenario.nodes[0].clone();
    second.name = "pve2".into();
    second.fingerprint = Some(fingerprint);
    scenario.nodes.push(second);
    Simulator::start(Options::new(scenario)).await.unwrap()
}

#[tokio::test]
async fn pitfall_13_a_trusted_server_tells_whose_certificate_a_refused_one_presents() {
    let stranger = small().await;
    stranger
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let presented = stranger.swapped_fingerprint();
    let trusted = knowing(presented.to_lowercase()).await;
    let client = Client::new(Connection {
        endpoints: vec![stranger.url(), trusted.url()],
        trust: pinned(&trusted),
        credentials: own_token(&trusted),
    })
    .unwrap();
    let report = client.nodes().pins().await.unwrap();
    assert!(stranger.journal().is_empty(), "nothing was sent to it");
    assert_eq!(report.told_by, trusted.url());
    assert_eq!(report.strangers.len(), 1);
    let said = report.judge(&report.strangers[0]);
    assert!(said.contains(&presented) && said.contains("pve2"), "{said}");
    let lines = report.snippet("lab").unwrap();
    assert!(
        lines.contains(&format!("\"{}\",  # pve1", trusted.fingerprint())),
        "{lines}"
    );
    assert!(
        lines.contains(&format!("\"{presented}\",  # pve2, new")),
        "{lines}"
    );
    let error = client.access().version().await;
    assert!(
        error.is_ok(),
        "nothing was pinned by that, and the trusted one goes on"
    );
    assert_eq!(client.pinned(), [trusted.fingerprint()]);
}

#[tokio::test]
async fn a_server_that_shows_the_right_certificate_again_is_no_stranger_any_more() {
    let simulator = small().await;
    let swap = FaultRule::new(FaultKind::CertificateSwapped);
    let swapped = simulator.faults().add(swap);
    let client = by_token(&simulator);
    client.access().version().await.unwrap_err();
    assert_eq!(client.strangers().len(), 1);
    simulator.faults().remove(swapped);
    client.access().version().await.unwrap();
    assert!(client.strangers().is_empty());
}

#[tokio::test]
async fn a_private_authority_vouches_for_its_servers_and_no_others() {
    let simulator = small().await;
    let authority = Trust::Authority(simulator.ca_pem().into_bytes());
    let client = trusting(&simulator, authority.clone(), own_token(&simulator));
    client.access().version().await.unwrap();
    simulator.journal().clear();
    simulator
        .faults()
        .add(FaultRule::new(FaultKind::CertificateSwapped));
    let error = refusal(&simulator, authority).await;
    assert!(
        error.to_string().contains(&simulator.swapped_fingerprint()),
        "{error}"
    );
}

#[tokio::test]
async fn the_roots_of_the_system_do_not_know_a_private_authority() {
    let simulator = small().await;
    let error = refusal(&simulator, Trust::System).await;
    // What to compare with the server's console, and what to write into the config then.
    assert!(
        error.to_string().contains(&simulator.fingerprint()),
        "{error}"
    );
    let advice = Failure::from(error).advice;
    assert!(
        advice.contains("fingerprints") && advice.contains("ca_file"),
        "{advice}"
    );
}

#[tokio::test]
async fn trust_in_nobody_is_a_mistake_that_is_told_at_once() {
    let simulator = small().await;
    for trust in [
        Trust::Pins(Vec::new()),
        Trust::Authority(Vec::new()),
        Trust::Authority(b"no certificate at all".to_vec()),
    ] {
        let refused = Client::new(Connection {
            endpoints: vec![simulator.url()],
            trust: trust.clone(),
            credentials: own_token(&simulator),
        });
        let error = refused.expect_err(&format!("{trust:?}"));
        assert_eq!(error.kind(), FailureKind::UntrustedCertificate);
    }
}
