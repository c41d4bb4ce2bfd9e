//! The demo world: what it promises to those who show it.

use std::collections::BTreeMap;

use proxdeck::simulator::Options;
use serde_json::Value;

use crate::stranger::Stranger;

/// Sums a figure of a pool's guests over the last seconds, from the history that anybody can read.
async fn usage(stranger: &Stranger, rows: &Value, pool: &str, keys: &[&str], days: f64) -> f64 {
    let mut sum = 0.0;
    for row in rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["pool"] == pool)
    {
        let path = format!(
            "/nodes/{}/{}/rrddata?timeframe=month",
            row["node"].as_str().unwrap(),
            row["id"].as_str().unwrap()
        );
        let history = stranger.get(&path).await.data();
        let newest = history.as_array().unwrap().last().unwrap()["time"]
            .as_i64()
            .unwrap() as f64;
        for point in history.as_array().unwrap() {
            if point["time"].as_f64().unwrap() < newest - days * 86_400.0 {
                continue;
            }
            for key in keys {
                let factor = if *key == "cpu" {
                    point["maxcpu"].as_f64().unwrap_or(0.0)
                } else {
                    1.0
                };
                sum += point[*key].as_f64().unwrap_or(0.0) * factor * 1800.0;
            }
        }
    }
    sum
}

#[tokio::test]
async fn projects_land_in_every_tier() {
    let stranger = Stranger::with(Options::demo()).await;
    let rows = stranger.get("/cluster/resources?type=vm").await.data();
    let mut hours = BTreeMap::new();
    for pool in ["alpha", "beta", "gamma", "hub"] {
        let cpu = usage(&stranger, &rows, pool, &["cpu"], 30.0).await / 3600.0;
        let memory = usage(&stranger, &rows, pool, &["mem"], 30.0).await / 3600.0 / 1e9;
        println!("{pool}: {cpu:.0} core-hours, {memory:.0} GB-hours");
        hours.insert(pool, (cpu, memory));
    }
    let network = usage(&stranger, &rows, "gamma", &["netin", "netout"], 7.0).await / 1e9;
    let alpha_network = usage(&stranger, &rows, "alpha", &["netin", "netout"], 30.0).await / 1e9;
    println!("gamma: {network:.0} GB in seven days, alpha: {alpha_network:.0} GB in thirty");
    assert!(
        (300.0..400.0).contains(&hours["alpha"].0),
        "ok at 400: {}",
        hours["alpha"].0
    );
    assert!(
        hours["alpha"].1 < 2000.0,
        "ok at 2000: {}",
        hours["alpha"].1
    );
    assert!(alpha_network < 200.0, "ok at 200: {alpha_network}");
    assert!(
        (222.0..290.0).contains(&hours["beta"].0),
        "throttled at 200: {}",
        hours["beta"].0
    );
    assert!(
        (301.0..400.0).contains(&network),
        "an emergency at 200: {network}"
    );
    assert!(
        (755.0..820.0).contains(&hours["hub"].0),
        "a warning at 750: {}",
        hours["hub"].0
    );
}

#[tokio::test]
async fn the_hot_guest_is_hot_and_has_its_tree() {
    let stranger = Stranger::with(Options::demo()).await;
    let rows = stranger.get("/cluster/resources?type=vm").await.data();
    let hot = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["vmid"] == 104)
        .unwrap();
    assert_eq!(
        (hot["name"].as_str(), hot["node"].as_str()),
        (Some("agent-build-4"), Some("pve2"))
    );
    assert!(hot["cpu"].as_f64().unwrap() > 0.93, "{}", hot["cpu"]);
    assert_eq!(hot["uptime"].as_i64().unwrap() / 3600, 26);
    let guest = stranger.simulator.world().guest(104).unwrap();
    let names: Vec<&str> = guest
        .snapshots
        .iter()
        .map(|snapshot| snapshot.name.as_str())
        .collect();
    assert_eq!(names.len(), 5);
    assert!(
        names[0].ends_with("-monthly") && names[1].ends_with("-weekly"),
        "{names:?}"
    );
    assert_eq!(guest.snapshots[3].name, "keep-before-upgrade");
    assert_eq!(guest.snapshots[3].parent.as_deref(), Some(names[1]));
    assert!(guest.snapshots[4].vmstate);
    assert_eq!(guest.config["parent"], names[4]);
}

#[tokio::test]
async fn what_goes_wrong_in_the_demo() {
    let stranger = Stranger::with(Options::demo()).await;
    let resources = stranger.get("/cluster/resources").await.data();
    let rows = resources.as_array().unwrap();
    let silent: Vec<&Value> = rows
        .iter()
        .filter(|row| row["node"] == "pve4" && (row["type"] == "qemu" || row["type"] == "lxc"))
        .collect();
    assert!(silent.len() >= 8 && silent.iter().all(|row| row["status"] == "unknown"));
    let full = rows
        .iter()
        .find(|row| row["id"] == "storage/pve1/nvme2")
        .unwrap();
    assert!(full["disk"].as_f64().unwrap() / full["maxdisk"].as_f64().unwrap() > 0.905);
    let locked = rows.iter().find(|row| row["vmid"] == 112).unwrap();
    assert_eq!(locked["lock"], "snapshot-delete");
    let failed = stranger.get("/nodes/pve2/tasks?errors=1").await.data();
    assert!(
        failed[0]["status"]
            .as_str()
            .unwrap()
            .contains("No space left"),
        "{failed}"
    );
    assert!(stranger.simulator.hosts().contains_key("api.anthropic.com"));
    let guests = rows
        .iter()
        .filter(|row| row["type"] == "qemu" || row["type"] == "lxc")
        .count();
    assert!((38..=44).contains(&guests), "{guests}");
}
