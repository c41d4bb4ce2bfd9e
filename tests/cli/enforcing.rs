//! `enforce`: the plan of every tier, acting on it, acting alone, and what is refused.

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};
use serde_json::Value;

use crate::world::{Ran, World, stable};

/// One project of each tier; each is bounded by disks, whose sizes the resource list knows.
const RULES: &str = "[selection]\nall = true\n\
    [quota]\naccounting = \"since-boot\"\n\
    [projects.warned]\nmatch = \"vmid:104\"\nmarker_pool = \"warned\"\nstorage_gb = 1.05\n\
    [projects.throttled]\nmatch = \"vmid:102\"\nmarker_pool = \"throttled\"\nstorage_gb = 3.5\nnotify = [\"team\"]\n\
    [projects.zero]\nmatch = \"vmid:103\"\nmarker_pool = \"zero\"\nstorage_gb = 0\n\
    [projects.burnt]\npool = \"lab\"\nstorage_gb = 10\nnotify = [\"team\"]\n\
    [projects.calm]\npool = \"prod\"\nstorage_gb = 500\n";

fn world() -> World {
    let mut scenario = Scenario::small();
    for name in ["warned", "throttled", "zero"] {
        let mut pool = scenario.pools[0].clone();
        name.clone_into(&mut pool.name);
        scenario.pools.push(pool);
    }
    let critical = scenario.guests.iter_mut().find(|guest| guest.vmid == 150);
    "ct;critical".clone_into(&mut critical.unwrap().tags);
    World::with(scenario, Vec::new())
}

impl World {
    /// Returns channels that write what they are told into a file.
    pub(crate) fn channels(&self) -> String {
        let told = self.home.folder.path().join("told");
        let command = format!(
            "command = [\"/bin/sh\", \"-c\", \"cat >> {}\"]\n",
            told.display()
        );
        format!("[notify.team]\n{command}[notify.administrators]\n{command}")
    }

    /// Writes the rules and the channels.
    fn write_rules(&self, more: &str) {
        let rules = format!("{RULES}{more}{}", self.channels());
        self.home.write_config(&self.config(&rules));
    }

    pub(crate) fn told(&self) -> Vec<Value> {
        let told = self.home.folder.path().join("told");
        let text = std::fs::read_to_string(told).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn comment(&self, pool: &str) -> String {
        let world = self.simulator.world();
        world.pool_comment(pool).unwrap_or_default()
    }
}

fn enforcing() -> World {
    let world = world();
    world.write_rules("");
    world
}

/// Returns project, action, guest and outcome of each row.
pub(crate) fn rows(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let rows = document["rows"].as_array().unwrap().iter().map(|row| {
        let word = |name: &str| {
            let value = &row[name];
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let words = ["project", "action", "vmid", "outcome"].map(word);
        words.join(" ")
    });
    rows.collect()
}

/// Returns the projects that are held back, each with the reason.
pub(crate) fn held(ran: &Ran) -> Vec<String> {
    let document = ran.json();
    let held = document["summary"]["held_back"].as_array().unwrap();
    held.iter()
        .map(|it| format!("{}: {}", word(it, "project"), word(it, "reason")))
        .collect()
}

fn word<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {row}"))
}

#[test]
fn the_plan_has_every_tier_and_nothing_is_done() {
    let world = enforcing();
    let ran = world.run(&["enforce", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    stable(&ran.stdout, |text| insta::assert_snapshot!("enforce", text));
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    let table = world.run(&["enforce"]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    stable(&table.stdout, |text| {
        insta::assert_snapshot!("enforce_table", text);
    });
    assert!(
        table.stderr.contains("nothing was done"),
        "{}",
        table.stderr
    );
    assert!(world.told().is_empty());
}

#[test]
fn with_yes_it_is_done_and_planning_again_names_no_step() {
    let world = enforcing();
    let ran = world.run(&["enforce", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("enforce_executed", text);
    });
    for (pool, tier) in [
        ("throttled", "throttle"),
        ("zero", "throttle"),
        ("lab", "emergency"),
    ] {
        let comment = world.comment(pool);
        assert!(comment.starts_with("lab machines\n"), "{pool}: {comment}");
        assert!(
            comment.ends_with(&format!(" storage_gb tier={tier}]")),
            "{pool}: {comment}"
        );
    }
    let told = world.told();
    let tiers: Vec<&Value> = told.iter().map(|it| &it["tier"]).collect();
    assert_eq!(tiers, ["throttle", "emergency", "emergency"]);
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("\"action\":\"throttle\"").count(), 3, "{log}");
    assert_eq!(log.matches("\"action\":\"shutdown\"").count(), 2, "{log}");
    let again = world.run(&["enforce", "--yes", "--json"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(rows(&again), ["warned warn null null"]);
    assert_eq!(again.json()["summary"]["steps"], 0);
    assert_eq!(world.told().len(), 3, "told once");
}

#[test]
fn what_was_done_is_told_step_by_step() {
    let world = enforcing();
    let ran = world.run(&["enforce", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for line in [
        "burnt: throttle done",
        "burnt: shutdown 101 web-1 done",
        "burnt: notify done",
        "burnt: 150 ct-1 is left alone: critical (tag critical)",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    let calm = world.run(&["enforce"]);
    assert!(calm.stdout.contains("warned"), "{}", calm.stdout);
}

#[test]
fn back_under_the_quota_the_throttle_is_lifted() {
    let world = enforcing();
    world.run(&["enforce", "--yes"]);
    // Processors are an estimate here, and not a lower bound as disks are.
    let marker = "[proxdeck throttled 2026-11-27T09:00:00Z cpu_hours tier=throttle]";
    world.simulator.edit(|edited| {
        let comment = format!("ours\n{marker}");
        edited.set_pool_comment("zero", Some(&comment)).unwrap();
    });
    let rules = "[selection]\nall = true\n[quota]\naccounting = \"since-boot\"\n\
        [projects.zero]\npool = \"zero\"\ncpu_hours = 10\n";
    world.home.write_config(&world.config(rules));
    let ran = world.run(&["enforce", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(rows(&ran), ["zero unthrottle null done"]);
    assert_eq!(world.comment("zero"), "ours");
}

#[test]
fn what_fails_is_said_and_ends_with_one() {
    let world = enforcing();
    let fault = FaultRule::new(FaultKind::Error("cluster not ready - no quorum?".into()));
    world
        .simulator
        .faults()
        .add(fault.method("PUT").path("/pools"));
    let ran = world.run(&["enforce", "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        rows(&ran),
        [
            "warned warn null done",
            "throttled throttle null failed",
            "throttled notify null not-tried",
            "zero throttle null failed",
            "burnt throttle null failed",
            "burnt shutdown 101 not-tried",
            "burnt notify null not-tried",
        ]
    );
    assert!(world.told().is_empty());
}

#[test]
fn alone_it_acts_only_where_the_config_lets_it_and_figures_are_complete() {
    let world = enforcing();
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(held(&ran).len(), 3, "a warning is no deed: {}", ran.stdout);
    assert!(held(&ran)[2].contains("burnt"), "{:?}", held(&ran));
    assert!(held(&ran)[2].contains("is not"), "{:?}", held(&ran));
    world.write_rules("[enforcement]\nmode = \"auto\"\n");
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        held(&ran)[2].contains("its figures are not complete"),
        "{:?}",
        held(&ran)
    );
    assert!(rows(&ran).contains(&"burnt shutdown 101 null".to_owned()));
    let told = world.run(&["enforce", "--auto"]);
    assert!(
        told.stderr
            .contains("burnt: not acted on: its figures are not complete"),
        "{}",
        told.stderr
    );
    assert!(world.writes().is_empty());
}

#[test]
fn alone_it_lifts_a_throttle_once_the_use_is_surely_back_under_the_quota() {
    let world = world();
    // Without guests there are no disks either, which is no estimate.
    let rules = "[selection]\nall = true\n[quota]\naccounting = \"since-boot\"\n\
        [projects.zero]\npool = \"zero\"\nstorage_gb = 10\n";
    let marker = "[proxdeck throttled 2026-11-27T09:00:00Z storage_gb tier=throttle]";
    world.simulator.edit(|edited| {
        edited.set_pool_comment("zero", Some(marker)).unwrap();
    });
    world.home.write_config(&world.config(rules));
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(rows(&ran), ["zero unthrottle null null"], "{}", ran.stdout);
    assert_eq!(world.comment("zero"), marker);
    let auto = format!("{rules}[enforcement]\nmode = \"auto\"\n");
    world.home.write_config(&world.config(&auto));
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(rows(&ran), ["zero unthrottle null done"], "{}", ran.stdout);
    assert_eq!(world.comment("zero"), "");
}

#[test]
fn what_it_must_not_do_is_refused_before_anything_is_asked() {
    let world = enforcing();
    for (arguments, sentence) in [
        (&["enforce", "--yes", "--read-only"][..], "--read-only"),
        (&["enforce", "--auto", "--read-only"], "--read-only"),
        (&["enforce", "--yes", "--auto"], "cannot be used with"),
    ] {
        let ran = world.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
    }
    let looked = world.run(&["enforce", "--read-only"]);
    assert_eq!(looked.code, 0, "{}", looked.stderr);
    world.simulator.journal().clear();
    let rules = RULES.replace("[selection]\nall = true\n", "");
    let channel = "[notify.team]\ncommand = [\"/bin/true\"]\n";
    world
        .home
        .write_config(&world.config(&format!("{rules}{channel}")));
    let ran = world.run(&["enforce", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(ran.json()["error"]["kind"], "NoSelection");
    assert_eq!(world.simulator.journal().entries().len(), 0);
}

#[test]
fn by_clocks_that_differ_and_without_the_privilege_nothing_is_done() {
    let world = enforcing();
    let accounts = world.simulator.accounts();
    let rules = "[selection]\nall = true\n[quota]\naccounting = \"since-boot\"\n\
        [projects.burnt]\npool = \"lab\"\ncpu_hours = 0.1\n";
    let limited = world.config_as(
        &accounts.limited_token_id,
        &accounts.limited_token_secret,
        rules,
    );
    world.home.write_config(&limited);
    let ran = world.run(&["enforce", "--yes", "--json"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["error"]["kind"], "Forbidden", "{}", ran.stdout);
    assert!(
        ran.stdout.contains("VM.Snapshot on /vms/101"),
        "{}",
        ran.stdout
    );
    world.write_rules("");
    let skew = world
        .simulator
        .faults()
        .add(FaultRule::new(FaultKind::ClockSkew(3600)));
    let ran = world.run(&["enforce", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(ran.json()["error"]["kind"], "ClockSkew");
    assert!(world.simulator.faults().strikes(skew) > 0);
    assert!(world.writes().is_empty(), "{:?}", world.writes());
}

#[test]
fn months_of_an_unknown_time_zone_are_not_judged() {
    let world = enforcing();
    let rules = "[selection]\nall = true\n[projects.lab]\npool = \"lab\"\nstorage_gb = 1\n";
    world.home.write_config(&world.config(rules));
    let fault = FaultRule::new(FaultKind::Forbidden(
        "/nodes/pve1".into(),
        "Sys.Audit".into(),
    ));
    world.simulator.faults().add(fault.path("/time"));
    let ran = world.run(&["enforce", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(rows(&ran).is_empty(), "{}", ran.stdout);
    let note = &ran.json()["summary"]["notes"][0];
    assert_eq!(note["project"], "lab");
    assert!(
        note["reason"].as_str().unwrap().contains("timezone"),
        "{note}"
    );
    let zone = format!("{rules}window = \"7d\"\n");
    world.home.write_config(&world.config(&zone));
    let ran = world.run(&["enforce", "--json"]);
    assert!(!rows(&ran).is_empty(), "{}", ran.stdout);
}

#[test]
fn the_demo_tells_nobody() {
    let home = crate::world::Home::new();
    let ran = home.run(&["--demo", "enforce", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["schema"], "proxdeck.enforce/1");
}
