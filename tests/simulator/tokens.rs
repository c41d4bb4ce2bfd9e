//! API tokens: who gets in, who does not, and what they see.

use crate::stranger::{send, small};
use reqwest::Method;

#[tokio::test]
async fn a_token_gets_in() {
    let stranger = small().await;
    let version = stranger.get("/version").await.data();
    assert_eq!(version["release"], "9.2");
    assert_eq!(version["version"], "9.2.11");
}

#[tokio::test]
async fn without_credentials_there_is_no_ticket() {
    let stranger = small().await;
    let url = format!("{}/api2/json/version", stranger.simulator.url());
    let answer = send(stranger.client.get(&url)).await;
    assert_eq!(
        (answer.status, answer.reason.as_str(), answer.text.as_str()),
        (401, "No ticket", "")
    );
    assert!(!answer.headers.contains_key("content-type"));
    let answer = send(stranger.client.get(url).header("Authorization", "Bearer x")).await;
    assert_eq!((answer.status, answer.reason.as_str()), (401, "No ticket"));
}

#[tokio::test]
async fn wrong_tokens_all_fail_alike() {
    let stranger = small().await;
    let url = format!("{}/api2/json/version", stranger.simulator.url());
    for token in ["hub@pve!deck=wrong", "hub@pve!nosuch=x", "nonsense"] {
        let request = stranger
            .client
            .get(&url)
            .header("Authorization", format!("PVEAPIToken={token}"));
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (401, "Authentication failed!"),
            "{token}"
        );
        assert_eq!(answer.headers["connection"], "close");
    }
}

#[tokio::test]
async fn a_limited_token_may_not_take_snapshots() {
    let stranger = small().await.limited();
    let answer = stranger
        .post("/nodes/pve1/qemu/101/snapshot", &[("snapname", "x")])
        .await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.reason,
        "Permission check failed (/vms/101, VM.Snapshot)"
    );
    assert_eq!(
        answer.json()["message"],
        "Permission check failed (/vms/101, VM.Snapshot)\n"
    );
    let rights = stranger
        .get("/access/permissions?path=%2Fvms%2F101")
        .await
        .data();
    assert_eq!(rights["/vms/101"]["VM.Audit"], 1);
    assert!(rights["/vms/101"].get("VM.Snapshot").is_none());
}

#[tokio::test]
async fn the_journal_keeps_requests_and_no_secrets() {
    let stranger = small().await;
    stranger.simulator.journal().clear();
    stranger.get("/cluster/resources?type=vm").await.data();
    let form = [("username", "hub@pve"), ("password", "never-to-be-seen")];
    stranger.post("/access/ticket", &form).await;
    let entries = stranger.simulator.journal().entries();
    assert_eq!(entries[0].path, "/cluster/resources");
    assert_eq!(entries[0].query, [("type".to_owned(), "vm".to_owned())]);
    assert_eq!(entries[0].user.as_deref(), Some("hub@pve!deck"));
    assert_eq!(entries[0].status, Some(200));
    assert_eq!(
        entries[1].form[0],
        ("username".to_owned(), "hub@pve".to_owned())
    );
    assert!(!format!("{entries:?}").contains("never-to-be-seen"));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_not_implemented() {
    let stranger = small().await;
    let answer = stranger.get("/nosuch").await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (501, "Method 'GET /nosuch' not implemented")
    );
    assert_eq!(
        answer.json()["message"],
        "Method 'GET /nosuch' not implemented"
    );
    assert_eq!(
        send(stranger.request(Method::PATCH, "/version"))
            .await
            .status,
        501
    );
}
