//! `bracket`: one snapshot over several guests, found again by anyone, and never mixed up.

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};

use crate::world::{World, stable};

/// Starts a world in which the bracket `x` of 101 and 102 was taken.
fn bracketed() -> World {
    let world = World::small();
    let ran = world.run(&["bracket", "create", "x", "101=web-1", "102"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    world
}

fn nonce(world: &World) -> String {
    let listed = world.run(&["bracket", "list", "--json"]).json();
    listed["rows"][0]["nonce"].as_str().unwrap().to_owned()
}

fn golden(world: &World, arguments: &[&str], name: &str, code: i32) {
    let ran = world.run(arguments);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    ran.json();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(\x22nonce\x22: \x22|@)[0-9a-f]{8}", "$1[nonce]");
    settings.add_filter(r"(\x22age_seconds\x22: )\d+", "$1[figure]");
    settings.bind(|| stable(&ran.stdout, |text| insta::assert_snapshot!(name, text)));
}

#[test]
fn each_document_is_as_it_was() {
    let world = World::small();
    let create = ["bracket", "create", "x", "101=web-1", "102", "--json"];
    golden(&world, &create, "bracket_create", 0);
    world
        .simulator
        .edit(|world| world.remove_snapshot(102, "br-x").unwrap());
    golden(&world, &["bracket", "list", "--json"], "bracket_list", 0);
    let restore = ["bracket", "restore", "x", "101", "--yes", "--json"];
    golden(&world, &restore, "bracket_restore", 0);
    let refusal = FaultRule::new(FaultKind::Error("storage is not online".into()));
    world
        .simulator
        .faults()
        .add(refusal.method("DELETE").times(1));
    let drop = ["bracket", "drop", "x", "--yes", "--json"];
    golden(&world, &drop, "bracket_drop", 1);
}

#[test]
fn what_is_taken_is_listed_completed_restored_and_dropped() {
    let world = bracketed();
    let table = world.run(&["bracket", "list"]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(
        table.stdout.starts_with("BRACKET  NONCE"),
        "{}",
        table.stdout
    );
    assert!(table.stdout.contains("whole  101 102"), "{}", table.stdout);
    let nonce = nonce(&world);
    world
        .simulator
        .edit(|world| world.remove_snapshot(102, "br-x").unwrap());
    let table = world.run(&["bracket", "list"]);
    let words = "incomplete  101; missing 102";
    assert!(table.stdout.contains(words), "{}", table.stdout);
    let again = world.run(&["bracket", "create", "x", "101", "102"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.stdout, "102 db-1: snapshot br-x done\n");
    let words = format!("completing the bracket x@{nonce}: 1 of 2 are there");
    assert!(again.stderr.contains(&words), "{}", again.stderr);
    let restored = world.run(&["bracket", "restore", "x", "--yes"]);
    assert_eq!(restored.code, 0, "{}", restored.stderr);
    assert_eq!(
        restored.stdout,
        "101 web-1: roll back br-x done\n102 db-1: roll back br-x done\n"
    );
    for words in [
        "stopped at once, without a shutdown: 1 of 2",
        "afterwards 1 are started again, 1 stay off",
    ] {
        assert!(restored.stderr.contains(words), "{}", restored.stderr);
    }
    let full_name = format!("x@{nonce}");
    let dropped = world.run(&["bracket", "drop", &full_name, "--yes"]);
    assert_eq!(dropped.code, 0, "{}", dropped.stderr);
    let left = world.run(&["bracket", "list"]);
    assert_eq!((left.code, left.stdout.as_str()), (0, ""));
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    for action in ["bracket-create", "bracket-restore", "bracket-drop"] {
        assert!(log.contains(&format!("\"action\":\"{action}\"")), "{log}");
    }
}

#[test]
fn several_brackets_of_one_name_are_told_apart_by_their_nonce_only() {
    let world = bracketed();
    let first = nonce(&world);
    world.simulator.edit(|world| {
        let theirs = "proxdeck: bracket 0000bbbb 102";
        world.describe_snapshot(102, "br-x", theirs).unwrap();
    });
    let writes = world.writes().len();
    for verb in ["restore", "drop"] {
        let ran = world.run(&["bracket", verb, "x", "--yes", "--json"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let error = &ran.json()["error"];
        assert_eq!(error["kind"], "AmbiguousBracket");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("x@{first}  ")), "{message}");
        assert!(message.contains("x@0000bbbb  "), "{message}");
        assert!(message.contains("old  102 db-1"), "{message}");
    }
    let again = world.run(&["bracket", "create", "x", "101", "102"]);
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("2 brackets have this name already"),
        "{}",
        again.stderr
    );
    assert_eq!(world.writes().len(), writes);
    let dropped = world.run(&["bracket", "drop", "x@0000bbbb", "--yes"]);
    assert_eq!(dropped.stdout, "102 db-1: delete snapshot br-x done\n");
    assert_eq!(nonce(&world), first);
}

#[test]
fn what_can_be_known_is_refused_before_anything_is_written() {
    let mut scenario = Scenario::small();
    let guests = scenario.guests.iter();
    let mut own = guests
        .clone()
        .find_map(|it| it.snapshots.first())
        .unwrap()
        .clone();
    own.name = "br-mine".into();
    let db = scenario.guests.iter_mut().find(|it| it.vmid == 102);
    db.unwrap().snapshots.push(own);
    let world = World::with(scenario, Vec::new());
    world.simulator.edit(|world| {
        world.lock_guest(103, Some("backup")).unwrap();
        let line = "proxdeck: bracket 0000aaaa 101";
        world.describe_snapshot(102, "br-mine", "by hand").unwrap();
        world.describe_snapshot(101, "s1", line).unwrap();
    });
    for (arguments, sentence) in [
        (&["create", "x"][..], "required arguments were not provided"),
        (
            &["create", "a b", "101"],
            "NAME: ' ' is not allowed in a name",
        ),
        (&["create", "x", "999"], "there is no guest 999"),
        (&["create", "x", "101=db-1"], "is called web-1"),
        (&["create", "x", "101", "101"], "is named twice"),
        (
            &["create", "x", "101", "103"],
            "103 prod-1: locked (backup)",
        ),
        (
            &["create", "mine", "101"],
            "102 db-1 has a snapshot br-mine that belongs to no bracket",
        ),
        (
            &["create", "x", "101", "--read-only"],
            "refuses every change",
        ),
        (
            &["restore", "mine", "--yes"],
            "there is no bracket mine; a snapshot br-mine that belongs to none is left alone, of 102 db-1",
        ),
        (&["drop", "s1", "--yes"], "there is no bracket s1"),
        (
            &["drop", "x", "--yes", "--read-only"],
            "refuses every change",
        ),
        (
            &["restore", "x", "--yes", "--read-only"],
            "refuses every change",
        ),
    ] {
        let ran = world.run(&[&["bracket"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(sentence),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn without_a_terminal_nothing_is_restored_or_dropped_unasked() {
    let world = bracketed();
    let before = world.writes().len();
    for verb in ["restore", "drop"] {
        let ran = world.run(&["bracket", verb, "x"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let words = "nobody can be asked without a terminal";
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    let stranger = world.run(&["bracket", "restore", "x", "101", "103", "--yes"]);
    assert_eq!(stranger.code, 2);
    let words = "103 has no snapshot of bracket x";
    assert!(stranger.stderr.contains(words), "{}", stranger.stderr);
    assert_eq!(world.writes().len(), before);
}

#[test]
fn an_account_without_the_privilege_is_refused_for_each_guest() {
    let world = bracketed();
    let accounts = world.simulator.accounts().clone();
    let (id, secret) = (accounts.limited_token_id, accounts.limited_token_secret);
    world.home.write_config(&world.config_as(&id, &secret, ""));
    let before = world.writes().len();
    let ran = world.run(&["bracket", "drop", "x", "--yes", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "Forbidden");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("101 web-1: needs VM.Snapshot"),
        "{message}"
    );
    assert!(message.contains("102 db-1: needs VM.Snapshot"), "{message}");
    assert_eq!(world.writes().len(), before);
}
