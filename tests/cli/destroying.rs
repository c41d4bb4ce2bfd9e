//! `destroy`: meant by number and name, refused beforehand for every reason that can be known.

use proxdeck::simulator::{FaultKind, FaultRule, RunState, Scenario};

use crate::world::World;

#[test]
fn a_guest_goes_when_it_is_named_and_what_goes_with_it_is_told() {
    let world = World::small();
    let stopped = world.run(&["power", "stop", "101", "--yes"]);
    assert_eq!(stopped.code, 0, "{}", stopped.stderr);
    // At once: the list may still say that it runs.
    let ran = world.run(&["destroy", "101=web-1", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "101 web-1: destroy done\n");
    for words in [
        "101 web-1: disk scsi0 is destroyed: 10 GiB, vmstore:101/vm-101-disk-0.qcow2",
        "101 web-1: all 2 snapshots go too",
        "101 web-1: its place in pool lab, its firewall rules and the rights on it go too",
        "101 web-1: its backups stay",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(world.simulator.world().guest(101).is_none());
    assert_eq!(world.writes()[1..], ["DELETE /nodes/pve1/qemu/101"]);
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("\"destroy\""), "{log}");
    let again = world.run(&["destroy", "101=web-1", "--yes", "--json"]);
    assert_eq!(again.code, 2);
    assert_eq!(again.json()["error"]["kind"], "UnknownGuest");
}

#[test]
fn what_can_be_known_is_refused_before_anything_is_written() {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.ha = guest.vmid == 104;
    }
    let world = World::with(scenario, Vec::new());
    world.simulator.edit(|world| {
        world.set_option(102, "protection", Some("1")).unwrap();
        world.set_run_state(150, RunState::Stopped, 0).unwrap();
        world.lock_guest(150, Some("backup")).unwrap();
    });
    for (arguments, sentence) in [
        (
            &["104=misc", "--purge"][..],
            "nobody can be asked without a terminal",
        ),
        (
            &["104", "--yes"],
            "with --yes the guest's name has to be written",
        ),
        (&["104=", "--yes"], "guest 104 is called misc, not nameless"),
        (&["104=db-1", "--yes"], "guest 104 is called misc, not db-1"),
        (&["999=x", "--yes"], "there is no guest 999"),
        (
            &["104=misc", "--purge", "--yes", "--read-only"],
            "refuses every change",
        ),
        (&["101=web-1", "--yes"], "101 web-1: running; stop it first"),
        (
            &["103=prod-1", "--yes"],
            "103 prod-1: paused; stop it first",
        ),
        (&["102=db-1", "--yes"], "102 db-1: it is protected"),
        (&["150=ct-1", "--yes"], "150 ct-1: locked (backup)"),
        (&["104=misc", "--yes"], "it goes only with purge"),
        (&["x", "--yes"], "invalid value"),
    ] {
        let ran = world.run(&[&["destroy"], arguments].concat());
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(sentence),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(world.writes(), [""; 0]);
    world
        .simulator
        .edit(|world| world.set_option(104, "name", None).unwrap());
    let ran = world.run(&["destroy", "104=", "--purge", "--yes"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, "104 VM 104: destroy done\n");
}

#[test]
fn a_template_with_linked_clones_stays_and_names_them() {
    let world = World::small();
    world.simulator.edit(|world| {
        world
            .add_linked_volume(104, "vmstore:100/base-100-disk-0.qcow2")
            .unwrap();
    });
    let ran = world.run(&["destroy", "100=tmpl-base", "--yes"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("linked clones stand on its disks (104); destroy them first"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.writes(), [""; 0]);
}

#[test]
fn a_privilege_that_is_missing_is_named_and_a_failure_ends_with_1() {
    let world = World::small();
    let accounts = world.simulator.accounts().clone();
    let (id, secret) = (accounts.limited_token_id, accounts.limited_token_secret);
    world.home.write_config(&world.config_as(&id, &secret, ""));
    world
        .simulator
        .edit(|world| world.drop_privilege("DeckWatch", "VM.Allocate"));
    let ran = world.run(&["destroy", "102=db-1", "--yes", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let error = &ran.json()["error"];
    assert_eq!(error["kind"], "Forbidden");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("needs VM.Allocate on /vms/102"),
        "{message}"
    );

    let fault = FaultRule::new(FaultKind::TaskFails(1, "disk on fire".into()));
    let world = World::with(Scenario::small(), vec![fault.path("qmdestroy")]);
    let ran = world.run(&["destroy", "102=db-1", "--yes", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let row = &ran.json()["rows"][0];
    assert_eq!(row["outcome"], "failed");
    assert_eq!(row["error"]["message"], "the task failed: disk on fire");
}
