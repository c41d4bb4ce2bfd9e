//! Guests from templates: the documents, the texts, every refusal, and two who race for ids.

use std::collections::BTreeSet;

use proxdeck::simulator::{FaultKind, FaultRule, RunState, Scenario};

use crate::simulate::Serving;
use crate::world::{Home, World, stable, until};

const CATALOGUE: &str = "[selection]\ntags = [\"autovibe\"]\n\
    [quota]\naccounting = \"since-boot\"\n\
    [projects.lab]\npool = \"lab\"\n\
    [projects.webs]\nmatch = \"tag:web\"\nmarker_pool = \"prod\"\n\
    [templates.base]\nvmid = 100\ncores = 2\nmemory = \"2GiB\"\ndisk = \"12GiB\"\nnetwork = \"api_access\"\n\
    [templates.plain]\nvmid = 100\n\
    [templates.machine]\nvmid = 101\n\
    [templates.container]\nvmid = 150\n\
    [templates.lost]\nvmid = 999\n\
    [network_profiles.api_access]\nbridge = \"vmbr1\"\n";

/// The small world with a catalogue; the template carries what its copies should not have.
fn world() -> World {
    let mut scenario = Scenario::small();
    scenario.guests[0].protection = true;
    scenario.guests[0].onboot = true;
    let world = World::with(scenario, Vec::new());
    world.home.write_config(&world.config(CATALOGUE));
    world
}

const RUNNING: [&str; 8] = [
    "create",
    "base",
    "--name",
    "agent",
    "--network",
    "none",
    "--start",
    "--project=lab",
];

#[test]
fn the_document_of_one_guest() {
    let world = world();
    let ran = world.run(&[&RUNNING[..], &["--json"]].concat());
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    stable(&ran.stdout, |text| insta::assert_snapshot!("create", text));
    assert!(
        ran.stderr.contains("its firewall rules come along"),
        "{}",
        ran.stderr
    );
    let view = world.simulator.world().guest(105).unwrap();
    assert_eq!(
        (view.name.as_str(), view.status),
        ("agent", RunState::Running)
    );
    assert_eq!(view.pool.as_deref(), Some("lab"));
    assert_eq!(view.config["tags"], "autovibe");
    assert_eq!(
        (
            view.config["cores"].as_str(),
            view.config["memory"].as_str()
        ),
        ("2", "2048")
    );
    assert!(!view.config.contains_key("protection") && !view.config.contains_key("onboot"));
}

#[test]
fn the_document_of_several_guests() {
    let world = world();
    let ran = world.run(&[
        "create", "base", "--name", "agent", "--count", "2", "--json",
    ]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let mut document = ran.json();
    let rows = document["rows"].as_array_mut().unwrap();
    let made: BTreeSet<u64> = rows
        .iter()
        .map(|row| row["new_vmid"].as_u64().unwrap())
        .collect();
    assert_eq!(made.len(), 2);
    for row in rows {
        // Which of two that are made at once gets which id is not settled.
        row["new_vmid"].take();
    }
    let text = serde_json::to_string_pretty(&document).unwrap();
    stable(&text, |text| insta::assert_snapshot!("create_two", text));
}

#[test]
fn people_are_told_the_new_numbers_and_a_fence_comes_before_the_start() {
    let world = world();
    let ran = world.run(&RUNNING);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "100 tmpl-base: create, new guest 105 agent\n");
    let ran = world.run(&["create", "base", "--name", "fenced", "--start"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let fencing = ran.stderr.find("fencing 106 fenced in with api_access");
    let starting = ran.stderr.find("starting 106 fenced");
    assert!(fencing.is_some() && fencing < starting, "{}", ran.stderr);
    let view = world.simulator.world().guest(106).unwrap();
    assert_eq!(view.status, RunState::Running);
    assert!(view.config["net0"].contains("bridge=vmbr1,firewall=1"));
    let ran = world.run(&["create", "plain", "--name", "twin", "--count", "2"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.len(), 2, "{}", ran.stdout);
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("100 tmpl-base: create twin-"))
    );
    assert!(ran.stdout.contains(" twin-1\n") && ran.stdout.contains(" twin-2\n"));
    assert!(!ran.stderr.contains("fencing"), "{}", ran.stderr);
    assert!(ran.stderr.contains("2 done"), "{}", ran.stderr);
}

#[test]
fn what_the_command_line_says_goes_before_what_the_catalogue_says() {
    let world = world();
    let ran = world.run(&[
        "create",
        "base",
        "--name",
        "big",
        "--cores",
        "4",
        "--memory",
        "3GiB",
        "--disk",
        "16GiB",
        "--network",
        "none",
        "--storage",
        "local-lvm",
    ]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let config = world.simulator.world().guest(105).unwrap().config;
    assert_eq!(
        (config["cores"].as_str(), config["memory"].as_str()),
        ("4", "3072")
    );
    assert!(config["scsi0"].starts_with("local-lvm:") && config["scsi0"].ends_with("size=16G"));
}

#[test]
fn a_creation_that_cannot_be_is_refused_before_anything_is_written() {
    let world = world();
    for (arguments, sentence) in [
        (
            &["nope", "--name", "a"][..],
            "the config has no template nope",
        ),
        (
            &["nope", "--name", "a"],
            "the catalogue has base, plain, machine, container, lost",
        ),
        (&["base"], "--name"),
        (
            &["base", "--name", "a_b"],
            "'_' is not allowed in a guest's name",
        ),
        (
            &["base", "--name", "a", "--count", "0"],
            "how many is a number from 1 to 50",
        ),
        (
            &["base", "--name", "a", "--count", "51"],
            "how many is a number from 1 to 50",
        ),
        (&["base", "--name", "a", "--count=-1"], "--count"),
        (
            &["base", "--name", "a", "--cores", "9"],
            "node pve1 has 8 cores",
        ),
        (
            &["base", "--name", "a", "--cores", "0"],
            "is no number of cores",
        ),
        (
            &["base", "--name", "a", "--memory", "64GiB"],
            "node pve1 has 32768MiB of memory",
        ),
        (&["base", "--name", "a", "--memory", "4G"], "could mean GB"),
        (
            &["base", "--name", "a", "--memory", "8MiB"],
            "at least 16MiB",
        ),
        (
            &["base", "--name", "a", "--disk", "4GiB"],
            "a disk never shrinks; the template's has 8GiB",
        ),
        (
            &["base", "--name", "a", "--network", "nope"],
            "the config has no network profile nope",
        ),
        (
            &["base", "--name", "a", "--target", "pve9"],
            "there is no node pve9",
        ),
        (
            &["base", "--name", "a", "--storage", "local"],
            "storage local takes no disk images",
        ),
        (
            &["base", "--name", "a", "--storage", "nope"],
            "node pve1 has no storage nope",
        ),
        (
            &["base", "--name", "a", "--disk", "400GiB", "--full"],
            "the disks may need 400.0 GiB",
        ),
        (
            &["base", "--name", "a", "--project", "nope"],
            "the config has no project nope",
        ),
        (
            &["base", "--name", "a", "--project", "webs"],
            "has no pool that a guest could join",
        ),
        (
            &["base", "--name", "a", "--read-only"],
            "refuses every change",
        ),
        (&["machine", "--name", "a"], "101 web-1 is no template"),
        (&["container", "--name", "a"], "150 ct-1 is a container"),
        (
            &["lost", "--name", "a"],
            "there is no guest 999, which [templates.lost] names",
        ),
    ] {
        let ran = world.run(&[&["create"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(sentence),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn programs_are_told_the_kind_of_a_refusal() {
    let world = world();
    for (arguments, kind) in [
        (&["nope", "--name", "a"][..], "UnknownTemplate"),
        (
            &["base", "--name", "a", "--network", "nope"],
            "UnknownProfile",
        ),
        (
            &["base", "--name", "a", "--project", "nope"],
            "UnknownProject",
        ),
        (&["machine", "--name", "a"], "Refused"),
    ] {
        let ran = world.run(&[&["create", "--json"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.json()["error"]["kind"], kind, "{arguments:?}");
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn a_missing_privilege_is_named_with_its_path_before_anything_is_written() {
    for (privilege, path) in [
        ("VM.Clone", "/vms/100"),
        ("VM.Allocate", "/pool/lab"),
        ("VM.Config.Options", "/pool/lab"),
        ("Datastore.AllocateSpace", "/storage/vmstore"),
    ] {
        let world = world();
        let accounts = world.simulator.accounts().clone();
        let (id, secret) = (&accounts.limited_token_id, &accounts.limited_token_secret);
        world
            .home
            .write_config(&world.config_as(id, secret, CATALOGUE));
        world
            .simulator
            .edit(|world| world.drop_privilege("DeckWatch", privilege));
        let ran = world.run(&[&RUNNING[..], &["--json"]].concat());
        assert_eq!(ran.code, 2, "{privilege}: {}", ran.stderr);
        let error = &ran.json()["error"];
        assert_eq!(error["kind"], "Forbidden", "{privilege}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(privilege) && message.contains(path),
            "{message}"
        );
        assert_eq!(world.writes(), [""; 0], "{privilege}");
    }
}

#[test]
fn a_guest_that_is_half_made_is_named_and_the_exit_code_says_failed() {
    for count in ["1", "2"] {
        let world = world();
        let fault = FaultRule::new(FaultKind::TaskFails(1, "no space left".into()));
        world.simulator.faults().add(fault.path("resize:105"));
        let ran = world.run(&[&RUNNING[..], &["--count", count]].concat());
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let guests = world.simulator.world().guests();
        let half = guests.iter().find(|guest| guest.vmid == 105).unwrap();
        assert_eq!(half.status, RunState::Stopped);
        let named = format!("105 {} exists and is stopped", half.name);
        assert!(ran.stderr.contains(&named), "{}", ran.stderr);
        let way = format!("proxdeck destroy 105={}", half.name);
        assert!(ran.stderr.contains(&way), "{}", ran.stderr);
        let failed = format!("create {} from base failed", half.name);
        assert!(
            count == "1" || ran.stderr.contains(&failed),
            "{}",
            ran.stderr
        );
        let done = guests
            .iter()
            .filter(|guest| guest.vmid > 105 && guest.vmid < 150);
        assert_eq!(
            done.count().to_string(),
            if count == "1" { "0" } else { "1" }
        );
    }
}

#[test]
fn pitfall_20_two_terminals_race_for_ids_and_get_ten_guests_with_ten_ids() {
    let server = Home::new();
    let scenario = server.folder.path().join("small.toml");
    std::fs::write(&scenario, include_str!("../../assets/scenarios/small.toml")).unwrap();
    let serving = Serving::start(&server, &["--scenario", scenario.to_str().unwrap()]);
    let config = format!("{}\n{CATALOGUE}", serving.config());
    let homes = [Home::new(), Home::new()];
    let race = |home: &Home, name: &str| {
        home.write_config(&config);
        home.run(&["create", "plain", "--name", name, "--count", "5", "--json"])
    };
    let (left, right) = std::thread::scope(|scope| {
        let left = scope.spawn(|| race(&homes[0], "left"));
        let right = race(&homes[1], "right");
        (left.join().unwrap(), right)
    });
    let mut ids = BTreeSet::new();
    for ran in [left, right] {
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        for row in ran.json()["rows"].as_array().unwrap() {
            ids.insert(row["new_vmid"].as_u64().unwrap());
        }
    }
    assert_eq!(ids.len(), 10, "{ids:?}");
    let made = || -> BTreeSet<String> {
        let listed = homes[0].run(&["list", "--json"]).json();
        let rows = listed["rows"].as_array().unwrap().iter();
        rows.filter(|row| ids.contains(&row["vmid"].as_u64().unwrap()))
            .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let expected: BTreeSet<String> = ["left", "right"]
        .iter()
        .flat_map(|name| (1..=5).map(move |number| format!("{name}-{number}")))
        .collect();
    until("ten guests by their names", || made() == expected);
}
