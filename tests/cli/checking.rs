//! `check`: what it finds, how it ends for a monitoring system, and what it remembers.

use proxdeck::simulator::{FaultRule, NodeCondition};
use serde_json::Value;

use crate::world::{World, stable};

const RULES: &str = "[selection]\nall = true\n[quota]\naccounting = \"since-boot\"\n\
    [limits]\ncpu_percent = 90\nmax_runtime_hours = 24\n\
    [projects.lab]\npool = \"lab\"\nwindow = \"7d\"\nstorage_gb = 1\n";

fn world(rules: &str) -> World {
    let world = World::small();
    world.home.write_config(&world.config(rules));
    world
}

fn kinds(document: &Value) -> Vec<String> {
    let rows = document["rows"].as_array().unwrap();
    let kinds = rows.iter().map(|row| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("severity"), text("kind"), text("subject"))
    });
    kinds.collect()
}

#[test]
fn each_alert_is_a_row_and_the_worst_decides_how_it_ends() {
    let world = world(RULES);
    let ran = world.run(&["check", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let document = ran.json();
    assert_eq!(
        kinds(&document),
        [
            "critical QuotaExceeded lab storage_gb",
            "warning GuestPaused 103 prod-1",
            "warning RuntimeExceeded 150 ct-1",
        ]
    );
    assert_eq!(document["summary"]["status"], "critical");
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("check", text);
    });
}

#[test]
fn the_first_line_is_for_a_pager_and_the_table_follows() {
    let world = world(RULES);
    let ran = world.run(&["check"]);
    assert_eq!(ran.code, 2);
    let mut lines = ran.stdout.lines();
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("proxdeck CRITICAL lab: 1 critical, 2 warning; lab storage_gb ≥"),
        "{}",
        ran.stdout
    );
    assert!(lines.next().unwrap().starts_with("SEVERITY"));
    assert_eq!(lines.count(), 3);
}

#[test]
fn warnings_alone_end_with_one_and_nothing_with_zero() {
    let world = world("");
    let ran = world.run(&["check"]);
    assert_eq!(ran.code, 1, "{}\n{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout
            .starts_with("proxdeck WARNING lab: 0 critical, 1 warning; 103 prod-1")
    );
    world.simulator.edit(|edited| {
        edited.remove_guest(103).unwrap();
    });
    let ran = world.run(&["check"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (0, "proxdeck OK lab: 0 critical, 0 warning\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_could_not_be_read_is_unknown_unless_something_is_worse() {
    let world = world("");
    world.simulator.edit(|edited| {
        edited.remove_guest(103).unwrap();
    });
    let fault: FaultRule = "500=1".parse().unwrap();
    world
        .simulator
        .faults()
        .add(fault.path("/nodes/pve1/tasks"));
    let ran = world.run(&["check", "--json"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    let document = ran.json();
    assert_eq!(document["summary"]["status"], "unknown");
    let unread = &document["summary"]["unread"][0];
    assert_eq!(unread["what"], "the failed tasks of pve1");
    let ran = world.run(&["check"]);
    assert!(
        ran.stdout.contains("UNKNOWN") && ran.stderr.contains("the failed tasks of pve1"),
        "{}\n{}",
        ran.stdout,
        ran.stderr
    );
}

#[test]
fn what_the_account_may_never_see_is_named_and_is_no_failure() {
    let world = world("");
    world.simulator.edit(|edited| {
        edited.remove_guest(103).unwrap();
        edited.drop_privilege("DeckWatch", "Sys.Audit");
    });
    let accounts = world.simulator.accounts();
    let (token, secret) = (&accounts.limited_token_id, &accounts.limited_token_secret);
    world.home.write_config(&world.config_as(token, secret, ""));
    let ran = world.run(&["check"]);
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("is not for this account to see"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_silent_node_is_critical_and_its_guests_say_nothing() {
    let world = world(RULES);
    world.simulator.edit(|edited| {
        edited.set_node("pve1", NodeCondition::Offline).unwrap();
    });
    world.simulator.broadcast();
    let ran = world.run(&["check", "--json"]);
    let document = ran.json();
    assert_eq!(ran.code, 2);
    assert!(
        kinds(&document).contains(&"critical NodeOffline node pve1".to_owned()),
        "{document}"
    );
}

#[test]
fn the_next_run_knows_since_when_and_who_has_it_in_hand() {
    let world = world("");
    let first = world.run(&["check", "--json"]).json();
    assert_eq!(
        first["rows"][0]["since"],
        Value::Null,
        "nobody looked before"
    );
    let second = world.run(&["check", "--json"]).json();
    assert_eq!(second["rows"][0]["since"], first["time"]);
    let file = world.home.folder.path().join("state/proxdeck/alerts.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut known: Value = serde_json::from_str(&text).unwrap();
    let alerts = known["lab"].as_object_mut().unwrap();
    let alert = alerts.values_mut().next().unwrap();
    alert["acknowledgement"] = serde_json::json!({
        "by": "ops", "note": "ticket 4711", "at": first["time"], "level": 1,
    });
    std::fs::write(&file, known.to_string()).unwrap();
    let ran = world.run(&["check", "--json"]);
    let third = ran.json();
    assert_eq!(ran.code, 1, "what is in hand still counts");
    assert_eq!(third["rows"][0]["acknowledged"], true);
    assert_eq!(third["summary"]["acknowledged"], 1);
}
