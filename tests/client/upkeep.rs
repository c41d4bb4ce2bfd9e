//! What keeps a cluster and its projects in order: failed tasks, clocks, certificates, tokens, volumes, pools.

use chrono::{DateTime, TimeDelta, Utc};
use proxdeck::domain::failure::FailureKind;
use proxdeck::domain::guest::Status;
use proxdeck::domain::id::PoolName;
use proxdeck::domain::operation::{Operation, PowerAction};
use proxdeck::domain::request::PowerRequest;
use proxdeck::domain::task::TaskState;
use proxdeck::domain::text::Text;
use proxdeck::domain::token::TokenExpiry;
use proxdeck::domain::volume::VolumeContent;
use proxdeck::simulator::{Options, Scenario, Simulator};

use crate::house::{by_password, by_token, guest, listening_to, small, token, writes};
use crate::teller::{Say, Teller};

fn lab() -> PoolName {
    "lab".parse().unwrap()
}

/// What the simulator's calendar shows.
fn clock(simulator: &Simulator) -> DateTime<Utc> {
    DateTime::from_timestamp(simulator.clock().seconds(), 0).unwrap()
}

/// A server of before 8.1, which knows pools only by their path.
fn old(method: &str, target: &str) -> Say {
    let path = target.split('?').next().unwrap();
    match (method, path) {
        ("GET", "/api2/json/pools") => Say::answer(
            "400 Parameter verification failed.",
            r#"{"data":null,"errors":{"poolid":"property is not defined in schema and the schema does not allow additional properties"}}"#,
        ),
        ("GET", "/api2/json/pools/lab") => {
            Say::data(r#"{"members":[],"comment":"line one\nline two"}"#)
        }
        ("PUT", "/api2/json/pools") => Say::answer(
            "501 Method 'PUT /pools' not implemented",
            r#"{"data":null}"#,
        ),
        ("PUT", "/api2/json/pools/lab") => Say::data("null"),
        _ => Say::answer("500 no", ""),
    }
}

#[tokio::test]
async fn every_pool_and_its_comment_come_in_one_answer() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let pools = client.pools().list().await.unwrap();
    let told: Vec<_> = pools
        .iter()
        .map(|pool| (pool.name.as_str(), pool.comment.as_ref().map(Text::raw)))
        .collect();
    assert_eq!(told, [("lab", Some("lab machines")), ("prod", None)]);
}

#[tokio::test]
async fn a_comment_is_written_and_read_back_to_the_byte() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let long = "x".repeat(9 << 10);
    for comment in ["line one\nline two; a=b & ü 日本 \u{1b}[31m\u{7}", &long] {
        client.pools().set_comment(&lab(), comment).await.unwrap();
        let read = client.pools().comment(&lab()).await.unwrap().unwrap();
        assert_eq!(read.raw(), comment);
    }
    client.pools().set_comment(&lab(), "").await.unwrap();
    assert_eq!(client.pools().comment(&lab()).await.unwrap(), None);
    assert!(
        writes(&simulator)
            .iter()
            .all(|entry| entry.path == "/pools")
    );
}

#[tokio::test]
async fn a_pool_that_does_not_exist_has_no_comment_to_be_replaced() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let missing = "lab/nowhere".parse().unwrap();
    let error = client.pools().comment(&missing).await.unwrap_err();
    assert_eq!(
        error.text().to_string(),
        "pool 'lab/nowhere' does not exist"
    );
    let error = client.pools().set_comment(&missing, "x").await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Server);

    let teller = Teller::start(|_| Say::data(r#"[{"poolid":"other","comment":"x"}]"#)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.pools().comment(&lab()).await.unwrap_err();
    assert_eq!(
        error.kind(),
        FailureKind::Malformed,
        "no comment is not \"none\""
    );
}

#[tokio::test]
async fn servers_before_the_query_form_are_asked_by_path() {
    let teller = Teller::start(|heard| old(&heard.method, &heard.target)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let comment = client.pools().comment(&lab()).await.unwrap().unwrap();
    assert_eq!(comment.raw(), "line one\nline two");
    client.pools().set_comment(&lab(), "a=b").await.unwrap();
    let last = teller.heard().pop().unwrap();
    assert_eq!(
        (
            last.method.as_str(),
            last.target.as_str(),
            last.body.as_str()
        ),
        ("PUT", "/api2/json/pools/lab", "comment=a%3Db")
    );
    // They have no nested pools, and the path has no words for one.
    let nested = "lab/nested".parse().unwrap();
    let error = client.pools().comment(&nested).await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Rejected);
    let error = client.pools().set_comment(&nested, "x").await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::NotImplemented);
}

#[tokio::test]
async fn a_comment_whose_writing_went_unanswered_is_not_written_again() {
    let teller = Teller::start(|_| Say::HangUp).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.pools().set_comment(&lab(), "x").await.unwrap_err();
    assert!(error.outcome_unknown());
    assert_eq!(teller.heard().len(), 1);
}

#[tokio::test]
async fn a_node_tells_its_time_and_its_certificates() {
    let scenario = include_str!("../../assets/scenarios/small.toml")
        .replace("cores = 8\n", "cores = 8\ncertificate = \"9d\"\n");
    let scenario = Scenario::from_toml(&scenario).unwrap();
    let simulator = Simulator::start(Options::new(scenario)).await.unwrap();
    let client = by_token(&simulator);
    let node = "pve1".parse().unwrap();
    let time = client.nodes().time(&node).await.unwrap();
    assert_eq!(time.zone, Some("UTC".into()));
    let off = time.utc - clock(&simulator);
    assert!(off.abs() < TimeDelta::minutes(5), "{off}");

    let certificates = client.nodes().certificates(&node).await.unwrap();
    let own = certificates
        .iter()
        .find(|certificate| certificate.file == Some("pve-ssl.pem".into()))
        .unwrap();
    let days = (own.not_after.unwrap() - time.utc).num_hours();
    assert!((8 * 24..=9 * 24).contains(&days), "{days} h");
    let fingerprint = own.fingerprint.as_ref().unwrap();
    assert_eq!(fingerprint.raw(), simulator.fingerprint());
    let authority = certificates
        .iter()
        .find(|certificate| certificate.file == Some("pve-root-ca.pem".into()))
        .unwrap();
    assert!(authority.not_after > own.not_after);
}

#[tokio::test]
async fn a_token_knows_its_end_and_a_password_has_none() {
    let simulator = small().await;
    let expiry = by_token(&simulator).access().token_expiry().await.unwrap();
    assert_eq!(expiry, Some(TokenExpiry::Never));
    let expiry = by_password(&simulator).access().token_expiry().await;
    assert_eq!(expiry.unwrap(), None);

    let mut scenario = Scenario::small();
    scenario.token_expires = Some(proxdeck::simulator::scenario::Span(864_000.0));
    let simulator = Simulator::start(Options::new(scenario)).await.unwrap();
    let expiry = by_token(&simulator).access().token_expiry().await.unwrap();
    let Some(TokenExpiry::At(end)) = expiry else {
        panic!("{expiry:?}");
    };
    let left = (end - clock(&simulator)).num_hours();
    assert!((9 * 24..=10 * 24).contains(&left), "{left} h");
}

#[tokio::test]
async fn a_token_that_may_not_see_itself_does_not_know_its_end() {
    let teller = Teller::start(|_| Say::data("[]")).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let error = client.access().token_expiry().await.unwrap_err();
    assert_eq!(error.kind(), FailureKind::Forbidden);
    assert!(error.text().to_string().contains("Sys.Audit"), "{error}");
}

#[tokio::test]
async fn volumes_are_told_by_owner_and_kind() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let (node, storage) = ("pve1".parse().unwrap(), "vmstore".parse().unwrap());
    let volumes = client.storage().contents(&node, &storage).await.unwrap();
    let web: u64 = volumes
        .iter()
        .filter(|volume| volume.is_guest_disk() && volume.owner == Some(guest(101).vmid))
        .filter(|volume| !volume.id.contains("-state-"))
        .filter_map(|volume| volume.size)
        .sum();
    assert_eq!(web, 10 << 30);
    assert!(
        volumes
            .iter()
            .any(|volume| volume.content == Some(VolumeContent::Image))
    );
    let images = client
        .storage()
        .images(&node, &storage, guest(101).vmid)
        .await
        .unwrap();
    assert!(!images.is_empty() && images.iter().all(|image| volumes.contains(image)));
}

#[tokio::test]
async fn failed_tasks_are_told_by_their_end_and_nothing_else_is() {
    let tasks = [
        ("a", "3h", "2s", "OK"),
        ("b", "3h", "2s", "WARNINGS: 1"),
        ("c", "50h", "2s", "too old"),
        ("d", "20h", "19h", "began long ago, failed now"),
        ("e", "30m", "2s", "received interrupt"),
        ("f", "20m", "2s", "unexpected status"),
    ];
    let tasks = tasks.map(|(kind, age, took, status)| {
        format!(
            "\n[[tasks]]\nnode = \"pve1\"\nkind = \"test{kind}\"\nage = \"{age}\"\ntook = \"{took}\"\nstatus = \"{status}\"\n"
        )
    });
    let scenario = include_str!("../../assets/scenarios/small.toml").to_owned() + &tasks.concat();
    let scenario = Scenario::from_toml(&scenario).unwrap();
    let simulator = Simulator::start(Options::new(scenario)).await.unwrap();
    let since = clock(&simulator) - TimeDelta::hours(2);
    let client = by_token(&simulator);
    let node = "pve1".parse().unwrap();
    let failed = client.tasks().failed_since(&node, since).await.unwrap();
    let told: Vec<_> = failed
        .iter()
        .filter(|task| task.upid.kind().starts_with("test"))
        .map(|task| (task.upid.kind(), task.state.clone()))
        .collect();
    let expected = [
        ("testf", TaskState::Unexpected),
        ("teste", TaskState::Interrupted("received interrupt".into())),
        (
            "testd",
            TaskState::Failed("began long ago, failed now".into()),
        ),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_server_that_ignores_the_filter_does_not_make_a_warning_a_failure() {
    let row = |number: u32, status: &str, ended: &str| {
        format!(
            r#"{{"upid":"UPID:pve1:0000000{number}:00000001:69000000:qmstart:101:ops@pve:","status":"{status}"{ended}}}"#
        )
    };
    let rows = [
        row(1, "OK", r#","endtime":1795451758"#),
        row(2, "WARNINGS: 2", r#","endtime":1795451758"#),
        row(3, "RUNNING", ""),
        row(4, "timeout", r#","endtime":"1795451758""#),
        row(5, "timeout", r#","endtime":1"#),
    ];
    let body = format!("[{}]", rows.join(","));
    let teller = Teller::start(move |_| Say::data(&body)).await;
    let client = listening_to(&teller, token("hub@pve!deck", "secret"));
    let since = DateTime::<Utc>::from_timestamp(1_795_451_000, 0).unwrap();
    let node = "pve1".parse().unwrap();
    let failed = client.tasks().failed_since(&node, since).await.unwrap();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        teller.heard()[0].target,
        "/api2/json/nodes/pve1/tasks?source=archive&statusfilter=error%2Cunknown&limit=500&since=1795364600"
    );
}

#[tokio::test]
async fn a_gentle_shutdown_takes_as_long_as_is_said_and_never_forces() {
    let simulator = small().await;
    let client = by_token(&simulator);
    let rows = client.cluster().resources().await.unwrap();
    let running = rows
        .guests
        .iter()
        .find(|row| row.status == Status::Running)
        .unwrap();
    let mut request = PowerRequest::new(running.to_ref(), PowerAction::Shutdown);
    request.timeout_seconds = Some(300);
    let Ok(Operation::Power(power)) = request.check(Some(running)) else {
        panic!("refused");
    };
    client.guests().power(&power, power.guest()).await.unwrap();
    let form = writes(&simulator).pop().unwrap().form;
    assert_eq!(form, [("timeout".to_owned(), "300".to_owned())]);
}
