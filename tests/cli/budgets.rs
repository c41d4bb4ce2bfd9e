//! What projects use of their budgets, against sums that are done here by hand.

use chrono::DateTime;
use proxdeck::simulator::{FaultKind, FaultRule, NodeCondition, Scenario};
use serde_json::Value;

use crate::world::World;

/// Two nodes and flat loads, so that a day's use is a product.
///
/// | guest | cores × share | memory × share | network | ran in the last day |
/// |-------|---------------|----------------|---------|---------------------|
/// | 101   | 2 × 0.25      | 2 GiB × 0.5    | 1.5 MB/s | all of it          |
/// | 102   | 4 × 0.5       | 4 GiB × 0.25   | nothing | 6 hours             |
/// | 103   | 1 × 0.5       | 1 GiB × 0.5    | nothing | all of it, on pve2  |
const WORLD: &str = r#"
seed = 5
speed = 1000.0
cluster = "sums"
timezone = "Asia/Tokyo"
nodes = [{ name = "pve1" }, { name = "pve2" }]
pools = [{ name = "lab" }, { name = "far" }]

[[storages]]
name = "shared"
kind = "dir"
size = "500GiB"
shared = true

[[storages]]
name = "local-lvm"
kind = "lvmthin"
size = "200GiB"

[[storages]]
name = "isos"
kind = "dir"
content = ["iso", "backup"]
size = "100GiB"

[[guests]]
vmid = 100
name = "tmpl"
node = "pve1"
template = true
disks = ["shared:8GiB"]
pool = "lab"

[[guests]]
vmid = 101
name = "steady"
node = "pve1"
status = "running"
up = "30h"
cores = 2
memory = "2GiB"
disks = ["shared:10GiB", "local-lvm:4GiB"]
pool = "lab"
load = { cpu = 0.25, memory = 0.5, network_in = 1000000.0, network_out = 500000.0, lively = 0.0 }

[[guests]]
vmid = 102
name = "burst"
node = "pve1"
cores = 4
memory = "4GiB"
disks = ["shared:8GiB:base:100", "shared:3GiB"]
pool = "lab"
ran = [["20h", "14h"]]
load = { cpu = 0.5, memory = 0.25, network_in = 0.0, network_out = 0.0, lively = 0.0 }

[[guests]]
vmid = 103
name = "far-1"
node = "pve2"
status = "running"
up = "30h"
memory = "1GiB"
disks = ["shared:5GiB", "local-lvm:2GiB"]
pool = "far"
load = { cpu = 0.5, memory = 0.5, network_in = 0.0, network_out = 0.0, lively = 0.0 }
"#;

const LAB: &str = "[projects.lab]\npool = \"lab\"\nwindow = \"24h\"\n\
    cpu_hours = 20\nmemory_gb_hours = 1000\nnetwork_gb = 1000\nstorage_gb = 1000\n";
const FAR: &str = "[projects.far]\npool = \"far\"\nwindow = \"24h\"\ncpu_hours = 100\n\
    storage_gb = 100\n";

const GIB: f64 = 1.073_741_824;

/// The last minute is not written yet, and rows do not begin where the window does.
const TOLERANCE: f64 = 0.01;

fn world(more: &str) -> World {
    let world = World::with(Scenario::from_toml(WORLD).unwrap(), Vec::new());
    world.home.write_config(&world.config(more));
    world
}

fn row<'a>(document: &'a Value, project: &str, resource: &str) -> &'a Value {
    let rows = document["rows"].as_array().unwrap();
    let found = rows
        .iter()
        .find(|row| row["project"] == project && row["resource"] == resource);
    found.unwrap_or_else(|| panic!("{document}"))
}

#[track_caller]
fn assert_used(document: &Value, project: &str, resource: &str, expected: f64) {
    let used = row(document, project, resource)["used"].as_f64();
    let used = used.unwrap_or_else(|| panic!("{document}"));
    assert!(
        (used - expected).abs() <= expected * TOLERANCE,
        "{project} {resource}: {used} instead of {expected}"
    );
}

/// The certainty of a figure: estimated or not, a lower bound or not.
fn signs(document: &Value, project: &str, resource: &str) -> (bool, bool) {
    let row = row(document, project, resource);
    let flag = |name: &str| row[name].as_bool().unwrap();
    (flag("estimated"), flag("lower_bound"))
}

fn asked(world: &World, part: &str) -> usize {
    let entries = world.simulator.journal().entries();
    entries
        .iter()
        .filter(|entry| entry.path.contains(part))
        .count()
}

fn quota(world: &World) -> Value {
    let ran = world.run(&["quota", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    ran.json()
}

#[test]
fn a_day_s_use_is_what_the_guests_did_in_it() {
    let world = world(LAB);
    world.vouch(&["lab"]);
    let document = quota(&world);
    // 2 × 0.25 × 24 h, and 4 × 0.5 × 6 h.
    assert_used(&document, "lab", "cpu_hours", 12.0 + 12.0);
    // 1 GiB for 24 h, and 1 GiB for 6 h.
    assert_used(&document, "lab", "memory_gb_hours", 30.0 * GIB);
    // 1.5 MB a second.
    assert_used(&document, "lab", "network_gb", 1.5 * 86.4);
    for resource in ["cpu_hours", "memory_gb_hours", "network_gb"] {
        assert_eq!(
            signs(&document, "lab", resource),
            (false, false),
            "{resource}"
        );
        let row = row(&document, "lab", resource);
        assert!(row["coverage"].as_f64().unwrap() > 0.99, "{row}");
        // A window that slides ends as it is.
        assert_eq!(row["projected"], row["used"]);
        assert_eq!(row["window"], "24h");
    }
    let cpu = row(&document, "lab", "cpu_hours");
    assert_eq!(cpu["tier"], "throttle", "24 of 20: {cpu}");
    assert_eq!(row(&document, "lab", "network_gb")["heaviest_vmid"], 101);
    let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
    let window = time(&cpu["window_until"]) - time(&cpu["window_from"]);
    assert_eq!(window.num_hours(), 24);
    assert_eq!(document["summary"]["accounting"], "history");
    assert_eq!(document["summary"]["projects"][0]["complete"], true);
    assert_eq!(document["summary"]["unread"], serde_json::json!([]));
    assert_eq!(asked(&world, "/time"), 0, "no project counts by the month");
}

#[test]
fn pitfall_18_every_disk_counts_once_whichever_nodes_see_it() {
    let world = world(&format!("{LAB}{FAR}"));
    // A disk that is in no use any more is still there.
    let detached = world.simulator.world().guest(102).unwrap().config["scsi1"].clone();
    world.simulator.edit(|world| {
        world.set_option(102, "scsi1", None).unwrap();
        world.set_option(102, "unused0", Some(&detached)).unwrap();
    });
    let document = quota(&world);
    // The template, two disks of 101, a linked clone's own size and the disk in no use.
    assert_used(
        &document,
        "lab",
        "storage_gb",
        (8.0 + 14.0 + 8.0 + 3.0) * GIB,
    );
    assert_used(&document, "far", "storage_gb", 7.0 * GIB);
    for project in ["lab", "far"] {
        assert_eq!(signs(&document, project, "storage_gb"), (false, false));
    }
    assert_eq!(row(&document, "lab", "storage_gb")["heaviest_vmid"], 101);
    assert_eq!(asked(&world, "/storage/shared/content"), 1);
    assert_eq!(
        asked(&world, "/storage/local-lvm/content"),
        2,
        "one for each node"
    );
    assert_eq!(
        asked(&world, "/storage/isos/content"),
        0,
        "it holds no disks"
    );
}

#[test]
fn a_guest_that_was_destroyed_between_two_runs_still_counts() {
    let world = world(LAB);
    let before = world.run(&["quota"]);
    assert!(
        before
            .stderr
            .contains("note: what lab used is at least this (≥)"),
        "{}",
        before.stderr
    );
    assert_eq!(before.stderr.matches('≥').count(), 1, "{}", before.stderr);
    world
        .simulator
        .edit(|world| world.remove_guest(102).unwrap());
    let after = quota(&world);
    assert_used(&after, "lab", "cpu_hours", 24.0);
    assert_used(&after, "lab", "memory_gb_hours", 30.0 * GIB);
    // Its disks are gone with it.
    assert_used(&after, "lab", "storage_gb", (8.0 + 14.0) * GIB);
    assert_eq!(signs(&after, "lab", "cpu_hours"), (true, true));
    assert_eq!(after["summary"]["projects"][0]["guests"], 2);
    // A look alone may remember too.
    let file = world.home.folder.path().join("state/proxdeck/usage.json");
    std::fs::remove_file(&file).unwrap();
    world.run(&["quota", "--read-only"]);
    assert!(file.exists());
}

#[test]
fn a_reused_number_counts_from_our_line_about_its_creation() {
    let world = world(LAB);
    let made = DateTime::from_timestamp(world.simulator.clock().seconds() - 7_200, 0).unwrap();
    let line = format!(
        "proxdeck: created {} 0123456789abcdef",
        made.format("%Y-%m-%dT%H:%M:%SZ")
    );
    world.simulator.edit(|world| {
        world.remove_guest(102).unwrap();
        world.set_option(101, "description", Some(&line)).unwrap();
    });
    let document = quota(&world);
    let used = row(&document, "lab", "cpu_hours")["used"].as_f64().unwrap();
    // 2 × 0.25 × 2 h, of which up to two minutes are not written yet.
    assert!((0.98..=1.01).contains(&used), "{used}");
}

#[test]
fn since_boot_asks_no_guest_and_no_storage() {
    let world = world(&format!("[quota]\naccounting = \"since-boot\"\n{LAB}"));
    let document = quota(&world);
    // 2 × 0.25 since 30 h.
    assert_used(&document, "lab", "cpu_hours", 15.0);
    assert_eq!(signs(&document, "lab", "cpu_hours"), (true, false));
    assert_eq!(row(&document, "lab", "cpu_hours")["projected"], Value::Null);
    assert_eq!(row(&document, "lab", "cpu_hours")["heaviest_vmid"], 101);
    assert_eq!(document["summary"]["accounting"], "since-boot");
    assert_eq!(document["summary"]["projects"][0]["complete"], false);
    for part in ["/rrddata", "/config", "/content"] {
        assert_eq!(asked(&world, part), 0, "{part}");
    }
    assert!(
        !world
            .home
            .folder
            .path()
            .join("state/proxdeck/usage.json")
            .exists()
    );
}

#[test]
fn what_no_quota_bounds_is_not_read() {
    let disks = "[projects.lab]\npool = \"lab\"\nstorage_gb = 100\n";
    let world = world(&format!("{disks}{}", FAR.replace("storage_gb = 100\n", "")));
    let document = quota(&world);
    assert_eq!(asked(&world, "/101/"), 0);
    assert!(asked(&world, "/103/rrddata") > 0);
    let cpu = row(&document, "lab", "cpu_hours");
    assert_eq!(
        (&cpu["used"], &cpu["tier"]),
        (&Value::Null, &"unlimited".into())
    );
    assert_eq!(document["summary"]["projects"][0]["complete"], true);
}

#[test]
fn months_begin_where_the_config_says_or_else_the_cluster() {
    let months = LAB.replace("24h", "month");
    let world = world(&months);
    let began = |document: &Value| {
        let from = &row(document, "lab", "cpu_hours")["window_from"];
        from.as_str().unwrap()[10..].to_owned()
    };
    let document = quota(&world);
    assert_eq!(document["summary"]["timezone"], "Asia/Tokyo");
    assert_eq!(began(&document), "T15:00:00Z", "nine hours before UTC");
    let zone = "[quota]\ntimezone = \"Asia/Karachi\"\n";
    world
        .home
        .write_config(&world.config(&format!("{zone}{months}")));
    let document = quota(&world);
    assert_eq!(document["summary"]["timezone"], "Asia/Karachi");
    assert_eq!(began(&document), "T19:00:00Z");
    assert_eq!(
        asked(&world, "/time"),
        1,
        "what is configured is not asked for"
    );
}

#[test]
fn an_account_with_few_rights_gets_lower_bounds_and_months_in_utc() {
    let world = world("");
    world.simulator.edit(|world| {
        for privilege in ["Sys.Audit", "Datastore.Allocate", "VM.Config.Disk"] {
            world.drop_privilege("DeckWatch", privilege);
        }
    });
    let accounts = world.simulator.accounts();
    let months = LAB.replace("24h", "month");
    let config = world.config_as(
        &accounts.limited_token_id,
        &accounts.limited_token_secret,
        &months,
    );
    world.home.write_config(&config);
    let ran = world.run(&["quota", "--json"]);
    assert_eq!(
        ran.code, 0,
        "what is forbidden is no failure: {}",
        ran.stderr
    );
    let document = ran.json();
    assert_eq!(document["summary"]["timezone"], Value::Null);
    let from = &row(&document, "lab", "cpu_hours")["window_from"];
    assert!(from.as_str().unwrap().ends_with("-01T00:00:00Z"), "{from}");
    let unread = &document["summary"]["unread"];
    assert_eq!(unread[0]["what"], "the cluster's time zone");
    assert_eq!(unread[0]["forbidden"], true);
    assert_eq!(signs(&document, "lab", "storage_gb"), (true, true));
    for note in [
        "months are counted in UTC",
        "the disks of 3 guests are at least this",
    ] {
        assert!(ran.stderr.contains(note), "{}", ran.stderr);
    }
}

#[test]
fn a_dead_node_s_guests_count_by_what_the_others_remember() {
    let world = world(&format!("{LAB}{FAR}"));
    world
        .simulator
        .edit(|world| world.set_node("pve2", NodeCondition::Offline).unwrap());
    let ran = world.run(&["quota", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let document = ran.json();
    // 1 × 0.5 × 24 h.
    assert_used(&document, "far", "cpu_hours", 12.0);
    assert_eq!(signs(&document, "far", "cpu_hours"), (true, true));
    assert_eq!(signs(&document, "far", "storage_gb"), (true, true));
    assert_used(&document, "lab", "cpu_hours", 24.0);
    let unread = document["summary"]["unread"].as_array().unwrap();
    let unread: Vec<&str> = unread
        .iter()
        .map(|each| each["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        unread,
        [
            "the configuration of guests on pve2",
            "the contents of local-lvm on pve2"
        ]
    );
    let table = world.run(&["quota"]);
    assert!(
        table.stderr.contains(
            "the contents of local-lvm on pve2 could not be read: the node does not answer: pve2"
        ),
        "{}",
        table.stderr
    );
}

#[test]
fn a_history_that_fails_leaves_an_estimate_and_one_that_is_forbidden_a_lower_bound() {
    let world = world(LAB);
    world.vouch(&["lab"]);
    let fault = |kind| FaultRule::new(kind).path("/qemu/101/rrddata");
    let broken = world.simulator.faults().add(fault(FaultKind::Error(
        "RRD error: mmaping file".to_owned(),
    )));
    let document = quota(&world);
    // Since boot 15 core-hours of 101, and in the window 12 of 102.
    assert_used(&document, "lab", "cpu_hours", 15.0 + 12.0);
    assert_eq!(signs(&document, "lab", "cpu_hours"), (true, false));
    assert_eq!(document["summary"]["unread"], serde_json::json!([]));

    world.simulator.faults().remove(broken);
    world.simulator.faults().add(fault(FaultKind::Forbidden(
        "/vms/101".to_owned(),
        "VM.Audit".to_owned(),
    )));
    let document = quota(&world);
    assert_used(&document, "lab", "cpu_hours", 12.0);
    assert_eq!(signs(&document, "lab", "cpu_hours"), (true, true));
    assert_eq!(
        document["summary"]["unread"][0]["what"],
        "the history of 101 steady"
    );
}

#[test]
fn people_get_a_table_with_the_end_of_the_window() {
    let world = world(&LAB.replace("24h", "month"));
    let ran = world.run(&["quota"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let titles: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(
        titles,
        [
            "PROJECT", "WINDOW", "RESOURCE", "USED", "QUOTA", "AT", "END", "TIER", "FULL", "IN"
        ]
    );
    assert_eq!(lines.len(), 5, "{}", ran.stdout);
    assert!(lines[1].contains("≥"), "{}", ran.stdout);
}

#[test]
fn check_counts_what_projects_used_and_names_what_it_could_not_read() {
    let world = world(LAB);
    world
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::TimedOut).path("/storage/local-lvm/content"));
    let ran = world.run(&["check", "--json"]);
    let document = ran.json();
    let rows = document["rows"].as_array().unwrap();
    let over = rows
        .iter()
        .find(|row| row["kind"] == "QuotaExceeded")
        .unwrap_or_else(|| panic!("{document}"));
    assert_eq!(over["limit"], 20.0);
    let used = over["value"].as_f64().unwrap();
    assert!((used - 24.0).abs() < 0.3, "{used}");
    let unread = document["summary"]["unread"].as_array().unwrap();
    let names = |each: &Value| each["what"] == "the contents of local-lvm on pve1";
    assert!(unread.iter().any(names), "{document}");
}
