//! `doctor`: what it finds out, with which words, and what mends it.

use proxdeck::domain::doctor::{Release, commands};
use proxdeck::simulator::{FaultKind, FaultRule};
use serde_json::Value;

use crate::world::{Ran, World, stable};

const RULES: &str = "[selection]\ntags = [\"web\"]\n\
    [projects.lab]\npool = \"lab\"\nwindow = \"7d\"\nstorage_gb = 1000\n\
    [templates.base]\nvmid = 100\nnetwork = \"api_access\"\n\
    [templates.gone]\nvmid = 999\n\
    [network_profiles.api_access]\nbridge = \"vmbr1\"\nfirewall = true\nallow = [\"10.0.0.0/8\"]\n";

/// Looks with the token that has no VM.Snapshot and no SDN.Use.
fn limited(world: &World) -> Ran {
    let accounts = world.simulator.accounts();
    let (id, secret) = (&accounts.limited_token_id, &accounts.limited_token_secret);
    world.home.write_config(&world.config_as(id, secret, RULES));
    world.run(&["doctor", "--json"])
}

fn finding<'a>(document: &'a Value, check: &str, subject: &str) -> &'a Value {
    let mut rows = document["rows"].as_array().unwrap().iter();
    let found = rows.find(|row| row["check"] == check && row["subject"] == subject);
    found.unwrap_or_else(|| panic!("no {check} {subject}: {document:#}"))
}

#[test]
fn the_document_of_a_sound_account() {
    let world = World::small();
    world.home.write_config(&world.config(RULES));
    let ran = world.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document = ran.json();
    let rows = document["rows"].as_array().unwrap().iter();
    let privileges = rows.filter(|row| row["check"] == "privilege");
    assert!(privileges.clone().count() > 20);
    assert!(privileges.clone().all(|row| row["status"] == "ok"));
    stable(&ran.stdout, |text| {
        let mut settings = insta::Settings::clone_current();
        settings.add_filter(r"[\w/.-]+/config\.toml", "[config]");
        settings.add_filter(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", "[fingerprint]");
        settings.add_filter(r"within \d+ m?s", "within [time]");
        settings.add_filter(
            r"\d{4}-\d\d-\d\d \(in \d+ days\)",
            "[date] (in [number] days)",
        );
        settings.bind(|| insta::assert_snapshot!("doctor", text));
    });
}

#[test]
fn a_limited_token_is_told_what_it_lacks_and_where() {
    let world = World::small();
    let ran = limited(&world);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document = ran.json();
    let snapshot = finding(&document, "privilege", "VM.Snapshot");
    assert_eq!(snapshot["status"], "fail");
    let detail = snapshot["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("needs VM.Snapshot on /vms/101"),
        "{detail}"
    );
    let fix = snapshot["fix"].as_str().unwrap();
    let account = &world.simulator.accounts().limited_token_id;
    assert!(fix.contains(&format!("--tokens '{account}'")), "{fix}");
    let bridge = finding(&document, "privilege", "SDN.Use");
    let detail = bridge["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("needs SDN.Use on /sdn/zones/localnetwork/vmbr1"),
        "{detail}"
    );
    // What it has is not complained about.
    assert_eq!(
        finding(&document, "privilege", "VM.PowerMgmt")["status"],
        "ok"
    );
    assert_eq!(document["summary"]["status"], "fail");
    assert!(world.writes().is_empty(), "it only looks");
}

#[test]
fn pitfall_12_the_roles_are_those_of_the_server_s_release() {
    let world = World::small();
    let ran = limited(&world);
    let document = ran.json();
    let account = &world.simulator.accounts().limited_token_id;
    let printed = document["summary"]["role_commands"].as_array().unwrap();
    let printed: Vec<&str> = printed.iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(printed, commands(Release::Nine, account));
    let ran = world.run(&["doctor"]);
    for line in printed {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
}

#[test]
fn what_the_config_names_and_the_cluster_has_not_is_found() {
    let world = World::small();
    let rules = RULES.replace("vmid = 100", "vmid = 101");
    world.home.write_config(&world.config(&rules));
    let document = world.run(&["doctor", "--json"]).json();
    let detail = |check, subject| {
        let found = finding(&document, check, subject);
        format!(
            "{}: {}",
            found["status"].as_str().unwrap(),
            found["detail"].as_str().unwrap()
        )
    };
    assert_eq!(detail("template", "base"), "fail: 101 web-1 is no template");
    assert!(detail("template", "gone").starts_with("fail: guest 999 is not there"));
    assert!(detail("notify", "administrators").starts_with("warn: "));
    assert!(detail("firewall", "datacenter").starts_with("fail: the switch is off"));
    assert!(detail("firewall", "guests").starts_with("warn: "));
}

#[test]
fn who_cannot_be_reached_trusted_or_logged_in_to_ends_it_with_3() {
    let world = World::small();
    let rows = |config: &str| {
        world.home.write_config(config);
        let ran = world.run(&["doctor", "--json"]);
        assert_eq!(ran.code, 3, "{}", ran.stdout);
        let document = ran.json();
        let rows = document["rows"].as_array().unwrap().iter();
        let rows: Vec<String> = rows
            .filter(|row| row["status"] != "ok")
            .map(|row| {
                format!(
                    "{} {}",
                    row["check"].as_str().unwrap(),
                    row["status"].as_str().unwrap()
                )
            })
            .filter(|row| !row.starts_with("selection"))
            .collect();
        rows
    };
    let config = world.config("");
    let url = world.simulator.url();
    let nobody = config.replace(&url, "https://127.0.0.1:1");
    assert_eq!(
        rows(&nobody),
        ["endpoint fail", "tls unknown", "login unknown"]
    );
    let pin = ["AB"; 32].join(":");
    let other = config.replace(&world.simulator.fingerprint(), &pin);
    assert_eq!(rows(&other), ["tls fail", "login unknown"]);
    let secret = &world.simulator.accounts().token_secret;
    let wrong = config.replace(secret.as_str(), "00000000-0000-4000-a000-000000000000");
    assert_eq!(rows(&wrong), ["login fail"]);
}

#[test]
fn what_cannot_be_read_is_unknown_and_the_rest_is_told() {
    let hidden = |path| {
        let kind = FaultKind::Forbidden("/".into(), "Sys.Audit".into());
        FaultRule::new(kind).path(path)
    };
    let faults = vec![
        hidden("/access/permissions"),
        hidden("/cluster/firewall/options"),
    ];
    let world = World::with(proxdeck::simulator::Scenario::small(), faults);
    world.home.write_config(&world.config(RULES));
    let ran = world.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document = ran.json();
    let status = |check, subject| finding(&document, check, subject)["status"].clone();
    assert_eq!(status("privilege", "VM.Snapshot"), "unknown");
    assert_eq!(status("firewall", "datacenter"), "unknown");
    assert_eq!(status("template", "base"), "ok");
}
