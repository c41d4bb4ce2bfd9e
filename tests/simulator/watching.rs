//! What a dashboard reads: resources, tasks, nodes, status, history.

use proxdeck::simulator::{NodeCondition, Options, Scenario};
use serde_json::Value;

use crate::stranger::{Stranger, small};

fn row<'a>(rows: &'a Value, id: &str) -> &'a Value {
    rows.as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == id)
        .unwrap_or_else(|| panic!("no {id} in {rows}"))
}

fn keys(row: &Value) -> Vec<&str> {
    row.as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[tokio::test]
async fn resources_have_the_recorded_rows() {
    let stranger = small().await;
    let rows = stranger.get("/cluster/resources").await.data();
    assert_eq!(
        keys(row(&rows, "qemu/101")),
        [
            "cpu",
            "disk",
            "diskread",
            "diskwrite",
            "id",
            "maxcpu",
            "maxdisk",
            "maxmem",
            "mem",
            "memhost",
            "name",
            "netin",
            "netout",
            "node",
            "pool",
            "status",
            "tags",
            "template",
            "type",
            "uptime",
            "vmid"
        ]
    );
    assert_eq!(row(&rows, "qemu/101")["status"], "running");
    assert_eq!(row(&rows, "qemu/103")["status"], "paused");
    assert_eq!(row(&rows, "qemu/100")["template"], 1);
    assert_eq!(row(&rows, "/pool/lab")["type"], "pool");
    assert_eq!(row(&rows, "storage/pve1/vmstore")["plugintype"], "dir");
    assert_eq!(
        row(&rows, "network/pve1/zone/localnetwork")["network-type"],
        "zone"
    );
}

#[tokio::test]
async fn the_type_is_checked() {
    let stranger = small().await;
    let answer = stranger.get("/cluster/resources?type=pool").await;
    assert_eq!(answer.reason, "Parameter verification failed.");
    assert_eq!(
        answer.error("type"),
        "value 'pool' does not have a value in the enumeration 'vm, storage, node, sdn'"
    );
}

#[tokio::test]
async fn guests_of_a_silent_node_are_unknown() {
    let mut scenario = Scenario::generated(2, 12, 5);
    scenario.nodes[1].state = NodeCondition::Silent;
    let gone = scenario
        .guests
        .iter()
        .find(|guest| guest.node == "pve2")
        .unwrap()
        .vmid;
    let stranger = Stranger::with(Options {
        speed: 1000.0,
        ..Options::new(scenario)
    })
    .await;
    let rows = stranger.get("/cluster/resources").await.data();
    let guest = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["vmid"] == gone)
        .unwrap();
    assert_eq!(guest["status"], "unknown");
    for absent in ["name", "uptime", "template", "cpu", "mem"] {
        assert!(guest.get(absent).is_none(), "{absent} in {guest}");
    }
    let answer = stranger.get("/nodes/pve2/qemu/100/status/current").await;
    assert_eq!(
        (answer.status, answer.reason.as_str(), answer.text.as_str()),
        (596, "Connection timed out", "")
    );
    stranger
        .simulator
        .edit(|world| world.set_node("pve2", NodeCondition::Offline).unwrap());
    let answer = stranger.get("/nodes/pve2/qemu/100/status/current").await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (595, "Connection refused")
    );
    let answer = stranger.get("/nodes/nosuch/qemu/100/status/current").await;
    assert!(
        answer
            .reason
            .starts_with("hostname lookup 'nosuch' failed - "),
        "{}",
        answer.reason
    );
}

#[tokio::test]
async fn a_missing_guest_is_a_missing_file() {
    let stranger = small().await;
    let answer = stranger.get("/nodes/pve1/qemu/999/status/current").await;
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.reason,
        "Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"
    );
    let answer = stranger.get("/nodes/pve1/lxc/101/status/current").await;
    assert_eq!(
        answer.reason,
        "Configuration file 'nodes/pve1/lxc/101.conf' does not exist"
    );
}

#[tokio::test]
async fn a_paused_guest_runs_here_and_is_paused_there() {
    let stranger = small().await;
    let status = stranger
        .get("/nodes/pve1/qemu/103/status/current")
        .await
        .data();
    assert_eq!(
        (status["status"].as_str(), status["qmpstatus"].as_str()),
        (Some("running"), Some("paused"))
    );
}

#[tokio::test]
async fn history_has_the_frames_of_version_9() {
    let stranger = small().await;
    let path = "/nodes/pve1/qemu/101/rrddata";
    for (frame, step, count) in [
        ("hour", 60, 60),
        ("day", 60, 1440),
        ("week", 1800, 336),
        ("year", 21_600, 1440),
    ] {
        let rows = stranger
            .get(&format!("{path}?timeframe={frame}"))
            .await
            .data();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), count, "{frame}");
        let times: Vec<i64> = rows
            .iter()
            .map(|row| row["time"].as_i64().unwrap())
            .collect();
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] == step),
            "{frame}"
        );
        assert!(times.iter().all(|time| time % step == 0), "{frame}");
    }
    let last = stranger
        .get(&format!("{path}?timeframe=hour&cf=AVERAGE"))
        .await
        .data()[59]
        .clone();
    assert!(last["cpu"].as_f64().unwrap() > 0.0);
    assert_eq!(
        stranger.get(path).await.error("timeframe"),
        "property is missing and it is not optional"
    );
    let answer = stranger
        .get("/nodes/pve1/qemu/999/rrddata?timeframe=hour")
        .await;
    assert!(
        answer.reason.starts_with("RRD error: rrdcached@unix:"),
        "{}",
        answer.reason
    );
}

#[tokio::test]
async fn a_standalone_server_has_no_cluster_row() {
    let mut scenario = Scenario::small();
    assert_eq!(scenario.cluster.take().as_deref(), Some("small"));
    let stranger = Stranger::with(Options::new(scenario)).await;
    let rows = stranger.get("/cluster/status").await.data();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["nodeid"], 0);
}

#[tokio::test]
async fn a_large_cluster_answers() {
    let stranger = Stranger::with(Options::new(Scenario::generated(50, 10_000, 3))).await;
    let rows = stranger.get("/cluster/resources?type=vm").await.data();
    assert_eq!(rows.as_array().unwrap().len(), 10_000);
}

#[tokio::test]
async fn the_same_seed_is_the_same_server_again() {
    let first = small().await;
    let (address, fingerprint) = (first.simulator.address(), first.simulator.fingerprint());
    let secret = first.simulator.accounts().token_secret.clone();
    first.simulator.shutdown().await;
    let second = Stranger::with(Options {
        listen: address,
        ..Options::new(Scenario::small())
    })
    .await;
    assert_eq!(second.simulator.address(), address);
    assert_eq!(second.simulator.fingerprint(), fingerprint);
    assert_eq!(second.simulator.accounts().token_secret, secret);
    assert_eq!(second.get("/version").await.status, 200);
}

#[tokio::test]
async fn its_authority_vouches_for_its_certificate() {
    let stranger = small().await;
    let authority = reqwest::Certificate::from_pem(stranger.simulator.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .build()
        .unwrap();
    let url = format!(
        "https://localhost:{}/api2/json/access/permissions",
        stranger.simulator.address().port()
    );
    assert_eq!(client.get(url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn an_exporter_finds_subscription_replication_and_what_no_backup_covers() {
    let stranger = small().await;
    let subscription = stranger.get("/nodes/pve1/subscription").await.data();
    assert_eq!(
        keys(&subscription),
        ["message", "serverid", "status", "url"]
    );
    assert_eq!(subscription["status"], "notfound");
    assert_eq!(
        stranger.get("/nodes/pve1/replication").await.data(),
        serde_json::json!([])
    );
    assert_eq!(
        stranger.get("/cluster/config/qdevice").await.data(),
        serde_json::json!({})
    );
    let rows = stranger
        .get("/cluster/backup-info/not-backed-up")
        .await
        .data();
    let guests = stranger.get("/cluster/resources?type=vm").await.data();
    let ids = |rows: &Value| -> Vec<u64> {
        let mut ids: Vec<u64> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["vmid"].as_u64().unwrap())
            .collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ids(&rows), ids(&guests));
    assert_eq!(keys(&rows[0]), ["name", "type", "vmid"]);
}
