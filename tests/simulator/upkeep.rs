//! What alerts and projects read: failed tasks, certificates, a token's end, the export of figures, pools.

use proxdeck::simulator::{Options, Scenario};
use serde_json::Value;

use crate::stranger::{Stranger, small};

/// Goes on as a token without any rights of its own.
async fn as_nobody(stranger: Stranger) -> Stranger {
    let path = "/access/users/hub@pve/token/nobody";
    let made = stranger.post(path, &[("privsep", "1")]).await.data();
    let secret = made["value"].as_str().unwrap().to_owned();
    stranger.with_token("hub@pve!nobody", &secret)
}

fn changed(from: &str, to: &str) -> Options {
    let text = include_str!("../../assets/scenarios/small.toml");
    assert!(text.contains(from));
    Options::new(Scenario::from_toml(&text.replacen(from, to, 1)).unwrap())
}

#[tokio::test]
async fn figures_are_exported_in_the_order_of_time_and_not_to_everybody() {
    let stranger = small().await;
    let answer = stranger.get("/cluster/metrics/export?history=1").await;
    let data = answer.data();
    let times: Vec<i64> = data["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["timestamp"].as_i64().unwrap())
        .collect();
    assert!(times.is_sorted());
    assert!(times[times.len() - 1] - times[0] >= 1700);
    let answer = as_nobody(stranger)
        .await
        .get("/cluster/metrics/export")
        .await;
    assert_eq!(
        (answer.status, answer.reason.as_str()),
        (403, "Permission check failed (/, Sys.Audit)")
    );
}

#[tokio::test]
async fn a_token_is_not_its_user_and_sees_its_entry_only_with_a_privilege() {
    let stranger = small().await;
    let row = |rows: Value| {
        let rows = rows.as_array().unwrap().clone();
        rows.into_iter().find(|row| row["userid"] == "hub@pve")
    };
    let listed = row(stranger.get("/access/users?full=1").await.data()).unwrap();
    assert_eq!(listed["tokens"][0]["tokenid"], "deck");
    assert_eq!(listed["tokens"][0]["expire"], 0);
    let nobody = as_nobody(stranger).await;
    assert_eq!(row(nobody.get("/access/users?full=1").await.data()), None);
    let answer = nobody.get("/access/users/hub@pve/token/nobody").await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn the_operator_s_token_can_have_an_end() {
    let options = changed("speed = 400.0", "speed = 400.0\ntoken_expires = \"10d\"");
    let stranger = Stranger::with(options).await;
    let path = "/access/users/hub@pve/token/deck";
    let end = stranger.get(path).await.data()["expire"].as_i64().unwrap();
    let left = end - stranger.simulator.clock().seconds();
    assert!((863_000..=864_000).contains(&left), "{left}");
    stranger
        .simulator
        .clock()
        .set_offset(chrono::Duration::days(11));
    assert_eq!(stranger.get("/version").await.status, 401);
}

#[tokio::test]
async fn a_node_s_certificate_ends_when_the_scenario_says() {
    let stranger = Stranger::with(changed("cores = 8", "cores = 8\ncertificate = \"9d\"")).await;
    let rows = stranger.get("/nodes/pve1/certificates/info").await.data();
    assert_eq!(rows[0]["filename"], "pve-root-ca.pem");
    assert_eq!(rows[1]["filename"], "pve-ssl.pem");
    assert_eq!(rows[1]["subject"], "/O=PVE Cluster Node/CN=pve1");
    assert_eq!(rows[1]["fingerprint"], stranger.simulator.fingerprint());
    let left = rows[1]["notafter"].as_i64().unwrap() - stranger.simulator.clock().seconds();
    assert!((776_000..=777_600).contains(&left), "{left}");
    let usual = small().await;
    let rows = usual.get("/nodes/pve1/certificates/info").await.data();
    let left = rows[1]["notafter"].as_i64().unwrap() - usual.simulator.clock().seconds();
    assert!(left > 729 * 86_400);
}

#[tokio::test]
async fn tasks_are_filtered_by_how_they_ended() {
    let tasks = [
        "OK",
        "WARNINGS: 1",
        "connection timed out",
        "unexpected status",
    ]
    .map(|status| {
        format!(
            "\n[[tasks]]\nnode = \"pve1\"\nkind = \"probe\"\nage = \"1h\"\nstatus = \"{status}\"\n"
        )
    });
    let text = include_str!("../../assets/scenarios/small.toml").to_owned() + &tasks.concat();
    let options = Options::new(Scenario::from_toml(&text).unwrap());
    let stranger = Stranger::with(options).await;
    let ends = async |query: &str| -> Vec<String> {
        let path = format!("/nodes/pve1/tasks?typefilter=probe&{query}");
        let rows = stranger.get(&path).await.data();
        let rows = rows.as_array().unwrap().iter();
        let mut ends: Vec<String> = rows
            .map(|row| row["status"].as_str().unwrap().to_owned())
            .collect();
        ends.sort();
        ends
    };
    let bad = ["connection timed out", "unexpected status"];
    assert_eq!(ends("statusfilter=error,unknown").await, bad);
    assert_eq!(ends("statusfilter=error").await, bad[..1]);
    assert_eq!(ends("errors=1").await.len(), 3, "warnings stay");
    assert_eq!(ends("errors=1&limit=2").await.len(), 2);
    assert_eq!(ends("limit=0").await.len(), 0);
    let now = stranger.simulator.clock().seconds();
    assert_eq!(ends(&format!("since={now}")).await.len(), 0);
    let answer = stranger.get("/nodes/pve1/tasks?statusfilter=nope").await;
    assert_eq!(
        answer.error("statusfilter"),
        "invalid format - invalid status 'nope'\n"
    );
}

#[tokio::test]
async fn a_pool_s_comment_is_changed_by_whoever_may() {
    let stranger = small().await;
    let form = [("poolid", "lab"), ("comment", "one\ntwo")];
    stranger.put("/pools", &form).await.data();
    let rows = stranger.get("/pools?poolid=lab&type=storage").await.data();
    assert_eq!(rows[0]["comment"], "one\ntwo");
    assert_eq!(rows[0]["members"], Value::Array(Vec::new()));
    stranger
        .put("/pools", &[("poolid", "lab"), ("comment", "")])
        .await
        .data();
    let rows = stranger.get("/pools").await.data();
    assert_eq!(rows[0].get("comment"), None);
    let nobody = as_nobody(stranger).await;
    let answer = nobody.put("/pools", &form).await;
    assert_eq!(
        answer.reason,
        "Permission check failed (/pool/lab, Pool.Allocate)"
    );
    assert_eq!(nobody.get("/pools").await.data(), Value::Array(Vec::new()));
}
