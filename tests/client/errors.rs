//! What a refusal, a broken answer or a stranger's answer becomes.

use proxdeck::domain::failure::FailureKind;
use proxdeck::proxmox::{Client, Connection, Error, Trust};
use proxdeck::simulator::{FaultKind, FaultRule};

use crate::house::{by_token, client, guest, listening_to, own_token, small, snapshot, token};
use crate::teller::{Say, Teller};

/// Asks a server for its version and returns what came of it.
async fn version_from(say: Say) -> Result<String, Error> {
    let teller = Teller::start(move |_| say.clone()).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    client.access().version().await
}

#[tokio::test]
async fn pitfall_01_old_servers_speak_through_the_reason_phrase() {
    for (status, kind, text) in [
        (
            "500 VM is locked (backup)",
            FailureKind::Locked,
            "VM is locked (backup)",
        ),
        (
            "403 Permission check failed (/vms/104, VM.Snapshot)",
            FailureKind::Forbidden,
            "Permission check failed (/vms/104, VM.Snapshot)",
        ),
        (
            "595 Connection refused",
            FailureKind::NodeUnreachable,
            "Connection refused",
        ),
    ] {
        for body in ["{\"data\":null}", ""] {
            let error = version_from(Say::answer(status, body)).await.unwrap_err();
            assert_eq!((error.kind(), error.text().raw()), (kind, text), "{body:?}");
        }
    }
}

#[tokio::test]
async fn newer_servers_speak_through_the_body() {
    let body = "{\"data\":null,\"message\":\"VM 101 is too\\nlong a story\\n\"}";
    let error = version_from(Say::answer("500 VM 101 is too", body))
        .await
        .unwrap_err();
    assert_eq!(error.text().raw().trim_end(), "VM 101 is too\nlong a story");
}

#[tokio::test]
async fn pitfall_02_a_missing_guest_is_no_failure_of_the_server() {
    let simulator = small().await;
    let error = by_token(&simulator)
        .guests()
        .snapshots(&guest(999))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::NoSuchGuest);
    assert_eq!(error.status(), Some(500));
    assert!(!error.outcome_unknown());
    let gone = "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist";
    assert_eq!(error.text().raw().trim_end(), gone);
}

#[tokio::test]
async fn a_missing_privilege_is_named() {
    let simulator = small().await;
    let accounts = simulator.accounts();
    let watcher = token(&accounts.limited_token_id, &accounts.limited_token_secret);
    let client = client(&simulator, watcher);
    let name = "one".repeat(2).parse().unwrap();
    let error = client
        .guests()
        .snapshot(&guest(102), snapshot(&name))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Forbidden);
    let text = error.to_string();
    assert!(
        text.contains("Permission check failed (/vms/102, VM.Snapshot)"),
        "{text}"
    );
    assert!(!error.outcome_unknown(), "nothing was done");
    assert!(
        client.access().version().await.is_ok(),
        "one refusal locks nobody out"
    );
}

#[tokio::test]
async fn a_refused_parameter_is_named_with_its_reason() {
    let body = r#"{"data":null,"message":"Parameter verification failed.\n","errors":{"snapname":"invalid format"}}"#;
    let error = version_from(Say::answer("400 Parameter verification failed.", body))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Rejected);
    assert_eq!(
        error.fields(),
        [("snapname".to_owned(), "invalid format".into())]
    );
    assert!(
        error.to_string().contains("snapname: invalid format"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_is_cut_or_no_json_makes_no_sense() {
    let simulator = small().await;
    let client = by_token(&simulator);
    for kind in [FaultKind::Truncated, FaultKind::Malformed] {
        let fault = simulator
            .faults()
            .add(FaultRule::new(kind.clone()).path("/cluster/resources"));
        let error = client.cluster().resources().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Malformed, "{kind:?}: {error}");
        assert_eq!(
            simulator.faults().remove(fault),
            1,
            "{kind:?} is not asked for again"
        );
    }
    assert!(client.cluster().resources().await.is_ok(), "it is over");
}

#[tokio::test]
async fn a_web_page_asks_whether_this_is_a_proxmox_server() {
    let page = "<!DOCTYPE html><html><body>It works!</body></html>";
    let error = version_from(Say::answer("200 OK", page)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Malformed);
    assert!(
        error.to_string().contains("is https://127.0.0.1:"),
        "{error}"
    );
    assert!(
        error.to_string().contains("a Proxmox VE server?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirection_is_not_followed_with_the_secret() {
    let elsewhere = Teller::start(|_| Say::data("{\"version\":\"9.2\"}")).await;
    let location = format!("{}/api2/json/version", elsewhere.url());
    let redirection =
        crate::teller::written("301 Moved Permanently", &[("Location", &location)], "");
    let error = version_from(Say::Bytes(redirection)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Malformed, "{error}");
    assert!(elsewhere.heard().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let error = version_from(Say::Endlessly).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Malformed);
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn an_answer_that_ends_early_is_an_interruption() {
    let whole = crate::teller::written("200 OK", &[], "{\"data\":{\"version\":\"9.2\"}}");
    let teller = Teller::start(move |_| Say::Last(whole[..whole.len() - 5].to_vec())).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Interrupted, "{error}");
    assert_eq!(
        teller.heard().len(),
        2,
        "a read is tried once more, and no more"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let simulator = small().await;
    let client = by_token(&simulator);
    simulator.shutdown().await;
    let error = client.access().version().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unreachable);
    assert!(error.is_unreachable() && error.status().is_none());
}

#[tokio::test]
async fn an_address_without_encryption_is_refused_before_anything_is_sent() {
    let simulator = small().await;
    for endpoint in [
        format!("http://{}", simulator.address()),
        "pve1.lab:8006".to_owned(),
        "https://".to_owned(),
        String::new(),
    ] {
        let refused = Client::new(Connection {
            endpoints: vec![endpoint.clone()],
            trust: Trust::System,
            credentials: own_token(&simulator),
        });
        assert!(refused.is_err(), "{endpoint:?}");
    }
    assert!(simulator.journal().is_empty());
}

#[tokio::test]
async fn a_name_that_would_leave_its_folder_is_never_sent() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let before = simulator.journal().len();
    let (node, vmid) = ("pve1".parse().unwrap(), guest(101).vmid);
    for name in ["..", "."] {
        let Ok(storage) = name.parse() else { continue };
        let error = client
            .storage()
            .images(&node, &storage, vmid)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), FailureKind::Refused);
    }
    assert_eq!(simulator.journal().len(), before);
}
