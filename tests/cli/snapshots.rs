//! Taking snapshots: what is checked before, and what is said afterwards.

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};

use crate::world::World;

#[test]
fn a_snapshot_is_taken_followed_and_found_in_the_list() {
    let world = World::small();
    let ran = world.run(&["snapshot", "create", "101", "--ram", "--class", "weekly"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("101 web-1: snapshot av-"));
    assert!(ran.stdout.contains("-weekly taken"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(", with RAM\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("101 web-1: UPID:pve1:"));
    assert_eq!(world.writes(), ["POST /nodes/pve1/qemu/101/snapshot"]);
}

#[test]
fn each_guest_of_several_gets_its_own_result_and_one_failure_stops_no_other() {
    let fault = FaultRule::new(FaultKind::TaskFails(1, "no space left".into())).path(":102");
    let world = World::with(Scenario::small(), vec![fault]);
    let ran = world.run(&[
        "snapshot", "create", "102", "101", "--name", "both", "--json",
    ]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let document = ran.json();
    let outcomes: Vec<(u64, &str)> = document["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["vmid"].as_u64().unwrap(),
                row["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(outcomes, [(102, "failed"), (101, "done")]);
    assert_eq!(document["rows"][0]["error"]["kind"], "SnapshotFailed");
    assert_eq!(document["summary"]["failed"], 1);
}

#[test]
fn a_guest_without_memory_to_save_is_refused_alone_and_skipped_among_others() {
    let world = World::small();
    let alone = world.run(&["snapshot", "create", "150", "--ram"]);
    assert_eq!(alone.code, 2);
    assert!(
        alone.stderr.contains("a container has no RAM to save"),
        "{}",
        alone.stderr
    );
    assert_eq!(world.writes(), [""; 0]);
    let batch = world.run(&["snapshot", "create", "150", "101", "--ram", "--json"]);
    assert_eq!(batch.code, 1, "not everything was done");
    let document = batch.json();
    assert_eq!(document["rows"][0]["outcome"], "skipped");
    assert_eq!(document["rows"][1]["outcome"], "done");
    assert_eq!(world.writes().len(), 1);
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_written() {
    let world = World::small();
    for (arguments, sentence) in [
        (
            &["101", "--name", "current"][..],
            "`current` is a reserved word",
        ),
        (&["101", "--name", "1x"], "a name begins with a letter"),
        (&["101", "--name", "s1"], "s1 exists already"),
        (&["999999"], "there is no guest 999999"),
        (&["101=db-1"], "guest 101 is called web-1, not db-1"),
        (&["101="], "guest 101 is called web-1, not nameless"),
        (&["101", "102=x"], "guest 102 is called db-1, not x"),
        (&["101", "101"], "guest 101 is named twice"),
        (&["100"], "a template cannot have snapshots"),
        (&["101", "--read-only"], "--read-only refuses every change"),
        (
            &["101", "--name", "a1", "--class", "weekly"],
            "cannot be used with",
        ),
        (&["12"], "no guest id"),
        (&[], "required arguments"),
    ] {
        let ran = world.run(&[&["snapshot", "create"][..], arguments].concat());
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
fn a_missing_privilege_is_told_before_anything_is_written() {
    let world = World::small();
    let accounts = world.simulator.accounts().clone();
    world.home.write_config(&world.config_as(
        &accounts.limited_token_id,
        &accounts.limited_token_secret,
        "",
    ));
    let ran = world.run(&["snapshot", "create", "101", "102", "--json"]);
    assert_eq!(ran.code, 2);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "Forbidden");
    assert_eq!(
        error["message"],
        "101 web-1: needs VM.Snapshot on /vms/101\n102 db-1: needs VM.Snapshot on /vms/102"
    );
    assert_eq!(world.writes(), [""; 0]);
}

/// The list of privileges leaves open what lies under a path that it does not name.
#[test]
fn a_path_that_only_seems_to_inherit_is_asked_about_before_anything_is_written() {
    let world = World::small();
    let user = world.simulator.accounts().user.clone();
    world
        .simulator
        .edit(|world| world.grant("/vms/777", &user, "NoAccess"));
    let clone = [
        "clone",
        "101",
        "--vmid",
        "777",
        "--project",
        "none",
        "--json",
    ];
    let ran = world.run(&clone);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        ran.json()["error"]["message"],
        "101 web-1: needs VM.Allocate on /vms/777"
    );
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn what_the_server_refuses_names_the_privilege_in_the_words_of_the_dashboard() {
    let world = World::small();
    let refused = FaultKind::Forbidden("/vms/101".into(), "VM.Snapshot".into());
    let rule = FaultRule::new(refused).method("POST").path("/snapshot");
    world.simulator.faults().add(rule.times(2));
    let advice = "needs VM.Snapshot on /vms/101; ask an administrator for the privilege";
    let create = ["snapshot", "create", "101"];
    let ran = world.run(&create);
    assert_eq!(ran.code, 1, "it was tried: {}", ran.stderr);
    assert!(ran.stderr.contains(advice), "{}", ran.stderr);
    let ran = world.run(&[&create[..], &["--json"]].concat());
    let error = &ran.json()["rows"][0]["error"];
    assert_eq!(error["kind"], "Forbidden");
    assert_eq!(error["advice"], advice);
}

#[test]
fn a_locked_guest_keeps_all_others_waiting() {
    let world = World::small();
    world
        .simulator
        .edit(|world| world.lock_guest(102, Some("backup")).unwrap());
    let ran = world.run(&["snapshot", "create", "101", "102"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("102 db-1: locked (backup)"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.writes(), [""; 0]);
}
