//! Trials of network profiles: kept by a word, put back whatever ends them, found again after a kill.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use proxdeck::simulator::{FirewallView, Scenario};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::session::Session;
use crate::simulate::Serving;
use crate::world::{Home, World, until};

const FENCE: &str = "[selection]\nall = true\n\
    [network_profiles.fence]\nbridge = \"vmbr0\"\n\
    allow = [\"10.0.0.0/8:443\"]\nblock = [\"0.0.0.0/0\"]\ndns = [\"10.0.0.53\"]\n";

/// As in `config.example.toml`.
const API_ACCESS: &str = "[network_profiles.api_access]\nbridge = \"vmbr1\"\nfirewall = true\n\
    allow = [\"api.anthropic.com:443\", \"api.openai.com:443\", \"api.github.com:443\", \"hub.autovibe.local:8000\"]\n\
    block = [\"0.0.0.0/0\"]\nallow_in = []\ndns = [\"10.0.0.53\"]\n";

fn world() -> World {
    let mut scenario = Scenario::small();
    scenario.firewall = true;
    let world = World::with(scenario, Vec::new());
    world
        .home
        .write_config(&format!("{FENCE}{}", world.config("")));
    world
}

/// Returns a guest's card and firewall.
fn network(world: &World, vmid: u32) -> (String, FirewallView) {
    let view = world.simulator.world();
    let card = view.guest(vmid).unwrap().config["net0"].clone();
    (card, view.firewall(vmid))
}

fn is_fenced(world: &World, vmid: u32) -> bool {
    let (_, firewall) = network(world, vmid);
    firewall.options.get("policy_out").map(String::as_str) == Some("DROP")
}

#[test]
fn what_is_on_trial_stays_when_that_is_typed() {
    let world = world();
    let trial = ["network", "apply", "102", "fence", "--trial", "600"];
    let mut session = Session::start(&world, &trial);
    session.wait_for("Type 102 to go on:");
    session.press("102\r");
    session.wait_for("Type keep to keep it:");
    session.wait_for("unless kept");
    assert!(is_fenced(&world, 102));
    // Any other word keeps nothing.
    session.press("yes\rkeep\r");
    let (code, printed) = session.end();
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("kept"), "{printed}");
    assert!(is_fenced(&world, 102));
    let ran = world.run(&["network", "plan", "102", "fence", "--json"]);
    assert_eq!(ran.json()["rows"], json!([]), "no way back is left over");
}

#[test]
fn whoever_ends_the_program_during_a_trial_finds_everything_as_before() {
    for signal in [Signal::TERM, Signal::HUP] {
        let world = world();
        let before = network(&world, 102);
        let trial = [
            "network", "apply", "102", "fence", "--trial", "600", "--yes",
        ];
        let session = Session::start(&world, &trial);
        session.wait_for("unless kept");
        assert!(is_fenced(&world, 102));
        session.kill(signal);
        session.wait_for("everything is as before");
        let (code, printed) = session.end();
        assert_eq!(code, 130, "{signal:?}: {printed}");
        assert_eq!(network(&world, 102), before, "{signal:?}");
    }
}

#[test]
fn a_dashboard_that_is_ended_during_a_trial_puts_it_back_first() {
    for signal in [Signal::TERM, Signal::HUP] {
        let world = world();
        let before = network(&world, 101);
        let mut session = Session::start(&world, &[]);
        session.wait_for_shown("web-1");
        session.press("gjN");
        session.wait_for_shown("policy_out");
        // The trial is the second choice of its line, and the button that does it the second one of the last.
        session.press("\t\u{1b}[C\t\t\u{1b}[C\r");
        until("the fence", || is_fenced(&world, 101));
        session.wait_for_shown("unless");
        session.kill(signal);
        session.end();
        assert_eq!(network(&world, 101), before, "{signal:?}");
    }
}

#[test]
fn a_container_is_tested_like_a_machine() {
    let mut scenario = Scenario::small();
    scenario.firewall = true;
    let mut guests = scenario.guests.iter_mut();
    let container = guests.find(|guest| guest.vmid == 150).unwrap();
    container.nic_firewall = true;
    let pairs = |pairs: &[(&str, &str)]| {
        let owned = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        owned.collect::<BTreeMap<_, _>>()
    };
    container.firewall.options = pairs(&[("enable", "1"), ("policy_out", "DROP")]);
    container.firewall.rules = vec![pairs(&[
        ("type", "out"),
        ("action", "ACCEPT"),
        ("enable", "1"),
        ("proto", "tcp"),
        ("dest", "10.0.0.0/8"),
        ("dport", "443"),
    ])];
    let world = World::with(scenario, Vec::new());
    for (destination, verdict, because) in [
        ("10.1.2.3:443", "passes", "rule 0"),
        ("1.1.1.1:80", "stopped", "policy_out DROP"),
    ] {
        let ran = world.run(&["network", "test", "150=ct-1", destination, "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let row = &ran.json()["rows"][0];
        assert_eq!(row["verdict"], verdict, "{row}");
        let said = row["because"].as_str().unwrap();
        assert!(said.contains(because), "{row}");
    }
}

/// Returns what a plan would change; the calls of it have times in them.
fn planned(home: &Home, vmid: &str) -> Vec<[Value; 3]> {
    let ran = home.run(&["network", "plan", vmid, "api_access", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let document = ran.json();
    let rows = document["rows"].as_array().unwrap().iter();
    rows.map(|row| ["change", "before", "after"].map(|key| row[key].clone()))
        .collect()
}

#[test]
fn in_another_process_a_plan_is_tried_killed_put_back_applied_and_then_empty() {
    let home = Home::new();
    let serving = Serving::start(&home, &["--speed", "100"]);
    home.write_config(&format!("{}{API_ACCESS}", serving.config()));
    let wanted = planned(&home, "105");
    assert!(!wanted.is_empty());

    let trial = [
        "network",
        "apply",
        "105",
        "api_access",
        "--trial",
        "600",
        "--yes",
    ];
    let mut killed = home
        .program(&trial)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(killed.stderr.take().unwrap()).lines();
    let mut said = said.map_while(Result::ok);
    let stands = said.any(|line| line.contains("api_access is on trial"));
    assert!(stands, "the trial never stood");
    killed.kill().unwrap();
    killed.wait().unwrap();

    let ran = home.run(&["network", "plan", "105", "api_access"]);
    assert!(ran.stdout.contains("--put-back"), "{}", ran.stdout);
    let back = [
        "network",
        "apply",
        "105",
        "api_access",
        "--put-back",
        "--yes",
    ];
    let ran = home.run(&back);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(planned(&home, "105"), wanted, "everything is as before");

    let ran = home.run(&["network", "apply", "105", "api_access", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(planned(&home, "105"), [] as [[Value; 3]; 0]);

    let test = |destination: &str| {
        let ran = home.run(&["network", "test", "105", destination]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        ran.stdout
    };
    let passes = test("api.github.com:443");
    assert!(
        passes.contains("api.github.com:443 (192.0.2.30) passes: rule"),
        "{passes}"
    );
    // A name of several addresses is judged for each of them.
    let several = test("api.openai.com:443");
    for address in ["(192.0.2.20)", "(192.0.2.21)", "(2001:db8:20::20)"] {
        assert!(
            several.contains(&format!("{address} passes: rule")),
            "{several}"
        );
    }
    let stopped = test("registry.lab:443");
    assert!(
        stopped.contains("(10.0.0.142) does not pass: policy_out DROP"),
        "{stopped}"
    );
}
