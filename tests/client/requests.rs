//! What is written on the wire: methods, parameters, forms and headers.

use proxdeck::domain::failure::FailureKind;
use proxdeck::proxmox::endpoints::{SnapshotSpec, TaskFilter};
use proxdeck::simulator::Simulator;

use crate::house::{by_token, guest, listening_to, password, small, token, writes};
use crate::teller::{Heard, Say, Teller};

/// What a hand-made form encoder would break.
const AWKWARD: &str =
    "a=b; c&d + e% 100%25 \"quoted\" 'ß' ½ 漢字 🧊\nnext=line;virtio=AA,bridge=vmbr0";

async fn take(
    simulator: &Simulator,
    vmid: u32,
    description: &str,
    ram: bool,
) -> Vec<(String, String)> {
    let name = "awkward".parse().unwrap();
    let spec = SnapshotSpec {
        name: &name,
        description,
        ram,
    };
    by_token(simulator)
        .guests()
        .snapshot(&guest(vmid), spec)
        .await
        .unwrap();
    writes(simulator).pop().unwrap().form
}

#[tokio::test]
async fn pitfall_05_what_a_form_could_cut_arrives_whole() {
    let simulator = small().await;
    let form = take(&simulator, 102, AWKWARD, false).await;
    let (_, arrived) = form.iter().find(|(name, _)| name == "description").unwrap();
    assert_eq!(arrived, AWKWARD);
    assert_eq!(form.len(), 2, "nothing was split off: {form:?}");
}

#[tokio::test]
async fn pitfall_05_nothing_but_plain_letters_goes_unescaped() {
    let teller = Teller::start(|_| Say::answer("500 no", "")).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let name = "awkward".parse().unwrap();
    let spec = SnapshotSpec {
        name: &name,
        description: AWKWARD,
        ram: false,
    };
    client
        .guests()
        .snapshot(&guest(102), spec)
        .await
        .unwrap_err();
    let body = teller.heard().pop().unwrap().body;
    let description = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("description="))
        .unwrap();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~%".contains(c);
    assert!(description.chars().all(is_plain), "{description}");
}

#[tokio::test]
async fn pitfall_06_flags_are_digits_and_what_is_not_wanted_is_not_sent() {
    let simulator = small().await;
    let form = take(&simulator, 101, "", true).await;
    let pairs: Vec<(&str, &str)> = form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(pairs, [("snapname", "awkward"), ("vmstate", "1")]);
    simulator.journal().clear();
    let form = take(&simulator, 102, "", false).await;
    assert_eq!(form, [("snapname".to_owned(), "awkward".to_owned())]);
}

#[tokio::test]
async fn pitfall_04_a_read_has_no_body_and_a_write_says_its_length() {
    let teller = Teller::start(|request| {
        if request.method == "GET" {
            Say::data("[]")
        } else {
            Say::answer("500 no", "")
        }
    })
    .await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let (node, vmid) = ("pve1".parse().unwrap(), guest(101).vmid);
    let filter = TaskFilter {
        vmid: Some(vmid),
        since: Some(1_763_900_000),
        kind: Some("qmsnapshot"),
        ..TaskFilter::default()
    };
    client.tasks().of_node(&node, &filter).await.unwrap();
    let name = "one-two".parse().unwrap();
    let spec = SnapshotSpec {
        name: &name,
        description: "",
        ram: false,
    };
    client
        .guests()
        .snapshot(&guest(101), spec)
        .await
        .unwrap_err();
    let [read, write] = <[Heard; 2]>::try_from(teller.heard()).unwrap();
    assert_eq!(
        read.target,
        "/api2/json/nodes/pve1/tasks?source=all&vmid=101&since=1763900000&typefilter=qmsnapshot"
    );
    assert_eq!(
        (read.body.as_str(), read.header("content-length")),
        ("", None)
    );
    assert_eq!(write.target, "/api2/json/nodes/pve1/qemu/101/snapshot");
    assert_eq!(write.body, "snapname=one-two");
    assert_eq!(write.header("content-length"), Some("16"));
    assert_eq!(write.header("transfer-encoding"), None);
    assert_eq!(
        write.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[tokio::test]
async fn pitfall_04_a_deletion_carries_its_parameters_in_the_query() {
    let teller = Teller::start(|_| Say::answer("500 no", "")).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    client
        .guests()
        .destroy(&guest(101), true)
        .await
        .unwrap_err();
    client
        .guests()
        .delete_snapshot(&guest(101), "one")
        .await
        .unwrap_err();
    for (heard, target) in teller.heard().iter().zip([
        "/api2/json/nodes/pve1/qemu/101?purge=1",
        "/api2/json/nodes/pve1/qemu/101/snapshot/one",
    ]) {
        assert_eq!(
            (heard.method.as_str(), heard.target.as_str()),
            ("DELETE", target)
        );
        assert_eq!(heard.body, "");
        let length = heard.header("content-length").unwrap_or("0");
        assert_eq!((length, heard.header("transfer-encoding")), ("0", None));
    }
    assert_eq!(teller.heard().len(), 2);
}

#[tokio::test]
async fn pitfall_10_a_token_is_one_header_and_nothing_else() {
    let teller = Teller::start(|_| Say::answer("500 no", "")).await;
    let client = listening_to(&teller, token("hub@pve!deck", "s3cret"));
    let name = "one".repeat(2).parse().unwrap();
    let spec = SnapshotSpec {
        name: &name,
        description: "",
        ram: false,
    };
    client
        .guests()
        .snapshot(&guest(101), spec)
        .await
        .unwrap_err();
    let [only] = <[Heard; 1]>::try_from(teller.heard()).expect("no login came before");
    assert_eq!(
        only.header("authorization"),
        Some("PVEAPIToken=hub@pve!deck=s3cret")
    );
    assert_eq!(only.header("cookie"), None);
    assert_eq!(only.header("csrfpreventiontoken"), None);
}

#[tokio::test]
async fn a_ticket_is_escaped_where_a_cookie_must_be_and_only_writes_carry_the_token_beside_it() {
    let teller = Teller::start(|request| match request.method.as_str() {
        _ if request.target.ends_with("/access/ticket") => Say::data(
            r#"{"ticket":"PVE:h;u, %b@pve:6720A000::sig+/==","CSRFPreventionToken":"6720A000:csrf","username":"hub@pve"}"#,
        ),
        "GET" => Say::data("{\"version\":\"9.2\"}"),
        _ => Say::answer("500 no", ""),
    })
    .await;
    let client = listening_to(&teller, password("hub@pve", "p=s;&+%"));
    client.access().version().await.unwrap();
    let name = "two".repeat(2).parse().unwrap();
    let spec = SnapshotSpec {
        name: &name,
        description: "",
        ram: false,
    };
    client
        .guests()
        .snapshot(&guest(101), spec)
        .await
        .unwrap_err();
    let [login, read, write] =
        <[Heard; 3]>::try_from(teller.heard()).expect("one login, one read, one write");
    assert_eq!(login.body, "username=hub%40pve&password=p%3Ds%3B%26%2B%25");
    assert_eq!(
        (login.header("cookie"), login.header("authorization")),
        (None, None)
    );
    let cookie = "PVEAuthCookie=PVE:h%3Bu%2C%20%25b@pve:6720A000::sig+/==";
    assert_eq!(read.header("cookie"), Some(cookie));
    assert_eq!(read.header("csrfpreventiontoken"), None);
    assert_eq!(write.header("cookie"), Some(cookie));
    assert_eq!(write.header("csrfpreventiontoken"), Some("6720A000:csrf"));
    assert_eq!(write.header("authorization"), None);
}

#[tokio::test]
async fn pitfall_07_the_next_free_id_is_read_in_every_spelling() {
    for answer in ["\"105\"", "105", "105.0"] {
        let teller = Teller::start(move |_| Say::data(answer)).await;
        let client = listening_to(&teller, token("hub@pve!deck", "secret"));
        let vmid = client.cluster().next_id().await.unwrap();
        assert_eq!(vmid.get(), 105, "{answer}");
    }
    for answer in ["null", "\"\"", "\"1e9\"", "[105]", "7"] {
        let teller = Teller::start(move |_| Say::data(answer)).await;
        let client = listening_to(&teller, token("hub@pve!deck", "secret"));
        let error = client.cluster().next_id().await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Malformed, "{answer}: {error}");
    }
}

/// A task was made, but its name did not come: that is looked up, not taken for a refusal.
#[tokio::test]
async fn pitfall_07_a_write_that_is_answered_without_a_task_may_have_been_done() {
    for answer in ["null", "\"\"", "7", "[]"] {
        let teller = Teller::start(move |_| Say::data(answer)).await;
        let client = listening_to(&teller, token("hub@pve!deck", "secret"));
        let error = client.guests().start_up(&guest(102)).await.unwrap_err();
        assert!(error.outcome_unknown(), "{answer}: {error:?}");
    }
}

#[tokio::test]
async fn pitfall_07_what_is_no_object_where_one_was_expected_is_absent() {
    let status = "{\"name\":\"web-1\",\"status\":\"running\",\"ha\":0}";
    let teller = Teller::start(move |_| Say::data(status)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let state = client.guests().state(&guest(101)).await.unwrap();
    assert!(!state.ha_managed && state.name == Some("web-1".into()));
    let refusal = "{\"data\":null,\"message\":\"VM is locked (backup)\",\"errors\":[]}";
    let teller = Teller::start(move |_| Say::answer("500 no", refusal)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.guests().state(&guest(101)).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Locked, "{error}");
}
