//! Power, deletions, keep marks and the execution of a plan.

use serde_json::Value;

use crate::world::{Home, World, until};

#[test]
fn a_guest_is_started_and_what_interrupts_it_wants_a_yes() {
    let world = World::small();
    let started = world.run(&["power", "start", "102=db-1", "--json"]);
    assert_eq!(started.code, 0, "{}{}", started.stdout, started.stderr);
    let document = started.json();
    assert_eq!(document["schema"], "proxdeck.power/1");
    assert_eq!(document["rows"][0]["operation"], "start");
    assert_eq!(document["rows"][0]["outcome"], "done");
    let before = world.writes().len();
    for (arguments, sentence) in [
        (
            &["stop", "101"][..],
            "nobody can be asked without a terminal",
        ),
        (&["start", "101"], "101 web-1: "),
        (
            &["stop", "101", "--yes", "--read-only"],
            "refuses every change",
        ),
        (&["stop", "101=other", "--yes"], "is called web-1"),
        (&["explode", "101"], "invalid value"),
    ] {
        let ran = world.run(&[&["power"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(sentence), "{}", ran.stderr);
    }
    assert_eq!(world.writes().len(), before);
    let stopped = world.run(&["power", "stop", "101", "--yes"]);
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);
    assert!(
        stopped.stdout.starts_with("101 web-1: stop"),
        "{}",
        stopped.stdout
    );
}

#[test]
fn a_snapshot_is_marked_unmarked_and_deleted_by_name() {
    let world = World::small();
    let keep = world.run(&["snapshot", "keep", "101", "s1"]);
    assert_eq!(keep.code, 0, "{}", keep.stderr);
    let listed = world.run(&["snapshot", "list", "101", "--json"]).json();
    assert_eq!(listed["rows"][0]["description"], "disk only\n#keep");
    let again = world.run(&["snapshot", "keep", "101", "s1"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("is kept already"), "{}", again.stderr);
    let off = world.run(&["snapshot", "keep", "101", "s1", "--off"]);
    assert_eq!(off.code, 0, "{}", off.stderr);
    let unasked = world.run(&["snapshot", "delete", "101", "s2ram"]);
    assert_eq!(unasked.code, 2);
    let unknown = world.run(&["snapshot", "delete", "101", "nope", "--yes", "--json"]);
    assert_eq!(unknown.code, 2);
    assert_eq!(unknown.json()["error"]["kind"], "UnknownSnapshot");
    let deleted = world.run(&[
        "snapshot",
        "delete",
        "101=web-1",
        "s2ram",
        "--yes",
        "--json",
    ]);
    assert_eq!(deleted.code, 0, "{}", deleted.stderr);
    assert_eq!(deleted.json()["rows"][0]["operation"], "delete-snapshot");
    let listed = world.run(&["snapshot", "list", "101", "--json"]).json();
    assert_eq!(listed["summary"]["snapshots"], 1);
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("s2ram"), "{log}");
    let told = world.run(&["snapshot", "delete", "101=web-1", "s1", "--yes"]);
    assert_eq!(told.stdout, "101 web-1: delete snapshot s1 done\n");
    assert!(!log.contains(&world.simulator.accounts().token_secret));
}

#[test]
fn a_plan_is_executed_only_with_yes_and_every_deletion_is_told() {
    let home = Home::new();
    let plan = home.run(&["--demo", "prune", "105"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(plan.stderr.contains("nothing was deleted"));
    let refused = home.run(&["--demo", "prune", "105", "--yes", "--read-only"]);
    assert_eq!(refused.code, 2);
    let executed = home.run(&["--demo", "prune", "105=agent-docs-1", "--yes", "--json"]);
    assert_eq!(executed.code, 0, "{}", executed.stderr);
    let document = executed.json();
    let rows = document["rows"].as_array().unwrap();
    let doomed: Vec<_> = rows
        .iter()
        .filter(|row| row["verdict"] == "delete")
        .collect();
    assert!(doomed.len() > 1, "{document}");
    assert!(
        doomed.iter().all(|row| row["outcome"] == "done"),
        "{document}"
    );
    let kept = rows.iter().filter(|row| row["verdict"] == "keep");
    assert!(kept.clone().count() > 1 && kept.clone().all(|row| row.get("outcome").is_none()));
}

#[test]
fn a_guest_goes_back_only_when_it_is_named_and_confirmed() {
    let world = World::small();
    for (arguments, sentence) in [
        (
            &["101=web-1", "s1"][..],
            "nobody can be asked without a terminal",
        ),
        (
            &["101", "s1", "--yes"],
            "with --yes the guest's name has to be written",
        ),
        (&["101=db-1", "s1", "--yes"], "is called web-1, not db-1"),
        (&["101=web-1", "nope", "--yes"], "has no snapshot nope"),
        (
            &["101=web-1", "s1", "--yes", "--read-only"],
            "refuses every change",
        ),
        (
            &["101=web-1", "s1", "--start", "--no-start"],
            "cannot be used with",
        ),
    ] {
        let ran = world.run(&[&["restore"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(sentence),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.writes(), [""; 0]);
    let ran = world.run(&["restore", "101=web-1", "s1", "--safety", "--yes", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr
            .contains("it is stopped at once, without a shutdown"),
        "{}",
        ran.stderr
    );
    let document = ran.json();
    assert_eq!(document["rows"][0]["operation"], "rollback");
    assert_eq!(document["rows"][0]["outcome"], "done");
    let writes = world.writes();
    assert_eq!(writes[0], "POST /nodes/pve1/qemu/101/snapshot");
    assert_eq!(writes[1], "POST /nodes/pve1/qemu/101/snapshot/s1/rollback");
}

#[test]
fn a_clone_tells_the_new_number_and_joins_what_was_asked_for() {
    let home = Home::new();
    let ran = home.run(&["--demo", "clone", "105", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let document = ran.json();
    assert_eq!(document["schema"], "proxdeck.clone/1");
    let row = &document["rows"][0];
    assert_eq!(
        (&row["operation"], &row["outcome"]),
        (&"clone".into(), &"done".into())
    );
    assert!(row["new_vmid"].as_u64().unwrap() > 100, "{document}");
    assert!(
        ran.stderr
            .contains("copied along with the disks: tags autovibe, docs; its firewall rules"),
        "{}",
        ran.stderr
    );

    let world = World::small();
    let budgets = "[quota]\naccounting = \"since-boot\"\n[projects.production]\npool = \"prod\"\n";
    world.home.write_config(&world.config(budgets));
    let of_snapshot = [
        "clone",
        "101=web-1",
        "--snapshot",
        "s1",
        "--vmid",
        "300",
        "--name",
        "web-2",
        "--project",
        "production",
        "--start",
    ];
    let ran = world.run(&of_snapshot);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "101 web-1: clone, new guest 300 web-2\n");
    let alone = world.run(&["clone", "102", "--project", "none"]);
    assert_eq!(alone.code, 0, "{}{}", alone.stdout, alone.stderr);
    assert!(alone.stdout.ends_with(" db-1-copy\n"), "{}", alone.stdout);
    assert_eq!(
        world.writes(),
        [
            "POST /nodes/pve1/qemu/101/clone",
            "POST /nodes/pve1/qemu/300/status/start",
            "POST /nodes/pve1/qemu/102/clone",
        ]
    );
    let is_listed = |name: &str, pool: Value, status: &str| {
        let listed = world.run(&["list", "--json"]).json();
        let mut rows = listed["rows"].as_array().unwrap().iter();
        rows.any(|row| row["name"] == name && row["pool"] == pool && row["status"] == status)
    };
    until("the copy that was started", || {
        is_listed("web-2", "prod".into(), "running")
    });
    until("the copy that belongs to nobody", || {
        is_listed("db-1-copy", Value::Null, "stopped")
    });
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("\"clone\""), "{log}");
}

#[test]
fn a_clone_that_cannot_be_is_refused_before_anything_is_written() {
    let world = World::small();
    let budgets = "[quota]\naccounting = \"since-boot\"\n\
        [projects.webs]\nmatch = \"tag:web\"\nmarker_pool = \"lab\"\n";
    world.home.write_config(&world.config(budgets));
    for (arguments, sentence) in [
        (&["999"][..], "there is no guest 999"),
        (&["101=db-1"], "guest 101 is called web-1, not db-1"),
        (
            &["101", "--name", "a_b"],
            "'_' is not allowed in a guest's name",
        ),
        (&["101", "--vmid", "102"], "102 is taken: 102 db-1"),
        (
            &["101", "--vmid", "7"],
            "a number from 100 to 999999999 is expected",
        ),
        (
            &["101", "--snapshot", "nope"],
            "guest 101 web-1 has no snapshot nope",
        ),
        (&["101", "--target", "pve9"], "there is no node pve9"),
        (
            &["101", "--storage", "local"],
            "storage local takes no disk images",
        ),
        (
            &["101", "--project", "nope"],
            "the config has no project nope",
        ),
        (
            &["101", "--project", "webs"],
            "has no pool that a guest could join",
        ),
        (&["101", "--read-only"], "refuses every change"),
        (&["150"], "150 ct-1: containers are not cloned by proxdeck"),
        (
            &["101", "--linked"],
            "only templates and snapshots can have linked copies",
        ),
    ] {
        let ran = world.run(&[&["clone"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(sentence),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    let unknown = world.run(&["clone", "101", "--project", "nope", "--json"]);
    assert_eq!(unknown.json()["error"]["kind"], "UnknownProject");
    assert_eq!(world.writes(), [""; 0]);
}
