//! Network profiles without a screen: the documents, applied once, tried, killed, put back, and tested.

use std::process::Stdio;

use proxdeck::simulator::Scenario;

use crate::world::{World, stable, until};

const PROFILE: &str = "[network_profiles.fence]\nbridge = \"vmbr0\"\n\
    allow = [\"10.0.0.0/8:443\"]\nblock = [\"0.0.0.0/0\"]\ndns = [\"10.0.0.53\"]\n";

fn world() -> World {
    let mut scenario = Scenario::small();
    scenario.firewall = true;
    let world = World::with(scenario, Vec::new());
    world
        .home
        .write_config(&format!("{PROFILE}{}", world.config("")));
    world
}

#[test]
fn what_is_planned_is_applied_and_then_there_is_nothing_left() {
    let world = world();
    let ran = world.run(&["network", "plan", "102", "fence", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("network_plan", text);
    });
    let apply = ["network", "apply", "102", "fence", "--json"];
    let ran = world.run(&apply);
    assert_eq!(ran.code, 2, "nobody said yes: {}", ran.stdout);
    let ran = world.run(&[&apply[..], &["--yes"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("network_apply", text);
    });
    let ran = world.run(&["network", "plan", "102", "fence", "--json"]);
    assert_eq!(ran.json()["rows"], serde_json::json!([]));
    let ran = world.run(&["network", "apply", "102", "fence", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("nothing to change"), "{}", ran.stdout);
    for (destination, verdict) in [("10.1.2.3:443", "passes"), ("1.1.1.1:80", "stopped")] {
        let ran = world.run(&["network", "test", "102", destination, "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.json()["rows"][0]["verdict"], verdict);
    }
    let ran = world.run(&["network", "test", "102", "1.1.1.1:80"]);
    assert!(
        ran.stdout.contains("does not pass: policy_out DROP"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_trial_of_several_guests_says_of_each_how_it_ended() {
    let world = world();
    let trial = [
        "network", "apply", "101", "102", "fence", "--trial", "5", "--yes",
    ];
    let ran = world.run(&[&trial[..], &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for row in ran.json()["rows"].as_array().unwrap() {
        assert_eq!(row["trial"], "put-back", "{row}");
        let note = row["notes"][0].as_str().unwrap();
        assert!(
            note.starts_with("put back, for nobody kept it in time ("),
            "{note}"
        );
        assert!(note.ends_with("nothing of fence is left"), "{note}");
    }
}

#[test]
fn a_trial_whose_process_was_killed_is_found_and_put_back() {
    let world = world();
    let firewall = || world.simulator.world().firewall(102);
    let trial = [
        "network", "apply", "102", "fence", "--trial", "600", "--yes",
    ];
    let mut program = world.home.program(&trial);
    program.stdout(Stdio::null()).stderr(Stdio::null());
    let mut killed = program.spawn().unwrap();
    until("the fence", || {
        firewall()
            .options
            .get("policy_out")
            .is_some_and(|it| it == "DROP")
    });
    killed.kill().unwrap();
    killed.wait().unwrap();
    let ran = world.run(&["network", "plan", "102", "fence"]);
    assert!(ran.stdout.contains("a trial of fence"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("apply 102 fence --put-back"),
        "{}",
        ran.stdout
    );
    let back = ["network", "apply", "102", "fence", "--put-back", "--yes"];
    let ran = world.run(&back);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(firewall().rules.is_empty() && firewall().sets.is_empty());
    assert!(!firewall().options.contains_key("policy_out"));
    let ran = world.run(&back);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("no trial has left anything behind"),
        "{}",
        ran.stderr
    );
}

#[test]
fn memory_that_resumes_before_the_fence_is_up_wants_a_word_of_its_own() {
    let world = world();
    let ran = world.run(&["network", "apply", "101", "fence", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let guest = format!("101={}", world.simulator.world().guest(101).unwrap().name);
    let restore = ["restore", guest.as_str(), "s2ram", "--yes"];
    let ran = world.run(&restore);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    for words in [
        "it resumes at once and runs without its fence until network profile fence is applied again (1 call)",
        "add --unfenced to allow it",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let card = || world.simulator.world().guest(101).unwrap().config["net0"].clone();
    let ran = world.run(&[&restore[..], &["--unfenced"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(card().contains("firewall=1"), "{}", card());
    // Without memory nothing runs before its fence, and nobody is asked about it.
    let ran = world.run(&["restore", guest.as_str(), "s1", "--start", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let words = "network profile fence is applied again before its start (1 call)";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    assert!(card().contains("firewall=1"), "{}", card());
}

#[test]
fn a_copy_of_a_fenced_guest_says_what_fences_it_in_before_its_start() {
    let world = world();
    let ran = world.run(&["network", "apply", "101", "fence", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let branch = ["restore", "101", "s1", "--as-new", "--start"];
    let ran = world.run(&branch);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let words = "fence: fence before the start: 1 call, as the rules are now";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let begun = log.lines().rfind(|line| line.contains("\"started\""));
    assert!(begun.unwrap().contains("net0"), "the log has it too: {log}");
}
