//! `enforce --auto` from a timer: the first sight, the second, its limit, and runs beside each other.

use std::fmt::Write as _;
use std::process::Stdio;

use chrono::{DateTime, TimeDelta, Utc};
use proxdeck::simulator::{RunState, Scenario};
use serde_json::Value;

use crate::enforcing::{held, rows};
use crate::world::World;

/// The guests of the project, from the heaviest user to the lightest.
const GUESTS: [u32; 3] = [202, 203, 201];

/// A world with three guests in a pool, whose day is many times the quota.
fn world(mode: &str) -> World {
    let mut text = String::from(
        "seed = 7\nspeed = 200.0\ncluster = \"flat\"\nnodes = [{ name = \"pve1\" }]\n\
        pools = [{ name = \"burnt\", comment = \"ours\" }]\n\
        [[storages]]\nname = \"vmstore\"\nkind = \"dir\"\nsize = \"500GiB\"\nshared = true\n",
    );
    for (vmid, cpu) in [(201, 0.2), (202, 0.9), (203, 0.5)] {
        write!(text, "[[guests]]\nvmid = {vmid}\nname = \"job-{vmid}\"\nnode = \"pve1\"\npool = \"burnt\"\n\
            status = \"running\"\nup = \"30h\"\ncores = 2\nmemory = \"512MiB\"\ndisks = [\"vmstore:2GiB\"]\n\
            load = {{ cpu = {cpu}, memory = 0.5, lively = 0.0 }}\n").unwrap();
    }
    let world = World::with(Scenario::from_toml(&text).unwrap(), Vec::new());
    let rules = format!(
        "[selection]\nall = true\n[enforcement]\nmode = \"{mode}\"\nmax_shutdowns = 2\n\
        [projects.burnt]\npool = \"burnt\"\nwindow = \"24h\"\ncpu_hours = 10\nnotify = [\"team\"]\n{}",
        world.channels()
    );
    world.home.write_config(&world.config(&rules));
    world.vouch(&["burnt"]);
    world
}

impl World {
    /// Lets so many minutes pass for what earlier runs saw.
    fn age_sightings(&self, minutes: i64) {
        let file = self
            .home
            .folder
            .path()
            .join("state/proxdeck/enforcement.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut memory: Value = serde_json::from_str(&text).unwrap();
        let sighting = &mut memory["lab"]["burnt"];
        for name in ["first", "last"] {
            let time: DateTime<Utc> = sighting[name].as_str().unwrap().parse().unwrap();
            let earlier = time - TimeDelta::minutes(minutes);
            sighting[name] = earlier.to_rfc3339().into();
        }
        std::fs::write(&file, memory.to_string()).unwrap();
    }

    fn running(&self) -> Vec<u32> {
        let guests = self.simulator.world().guests();
        let running = guests
            .iter()
            .filter(|guest| guest.status == RunState::Running);
        running.map(|guest| guest.vmid).collect()
    }

    /// Counts the tasks of a kind that ended well.
    fn tasks(&self, kind: &str, vmid: u32) -> usize {
        let world = self.simulator.world();
        let tasks = world.tasks().iter().filter(|task| {
            task.kind == kind && task.id == vmid.to_string() && task.status.as_deref() == Some("OK")
        });
        tasks.count()
    }
}

#[test]
fn alone_it_acts_on_the_second_sight_up_to_its_limit_and_then_no_more() {
    let world = world("auto");
    for reason in [
        "burnt: seen at emergency for the first time",
        "burnt: seen at emergency less than 10 minutes ago for the first time",
    ] {
        let ran = world.run(&["enforce", "--auto", "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(held(&ran), [reason], "{}", ran.stdout);
        assert!(world.writes().is_empty(), "{:?}", world.writes());
    }
    world.age_sightings(11);
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        rows(&ran),
        [
            "burnt throttle null done",
            "burnt shutdown 202 done",
            "burnt shutdown 203 done",
            "burnt notify null done",
        ],
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    let left = &ran.json()["summary"]["left_alone"];
    assert_eq!(left[0]["vmid"], 201, "{left}");
    assert!(left[0]["reason"].as_str().unwrap().contains('2'), "{left}");
    assert_eq!(world.running(), [201]);
    let comment = world.comment("burnt");
    assert!(
        comment.starts_with("ours\n[proxdeck throttled "),
        "{comment}"
    );
    assert!(comment.ends_with(" cpu_hours tier=emergency]"), "{comment}");
    let told = world.told();
    assert_eq!(told.len(), 2, "each channel once: {told:?}");
    assert_eq!(told[0]["tier"], "emergency");
    // The limit is one run's: the next takes the rest, and there is nothing new to tell.
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(rows(&ran), ["burnt shutdown 201 done"]);
    let before = world.writes();
    let ran = world.run(&["enforce", "--auto", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        rows(&ran).is_empty() && held(&ran).is_empty(),
        "{}",
        ran.stdout
    );
    assert_eq!(world.writes(), before);
    assert_eq!(world.told().len(), 2);
}

#[test]
fn alone_it_never_acts_where_the_config_only_advises() {
    let world = world("advise");
    for _ in 0..2 {
        let ran = world.run(&["enforce", "--auto", "--json"]);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        assert_eq!(held(&ran), ["burnt: [enforcement] mode is not \"auto\""]);
        assert_eq!(
            rows(&ran),
            [
                "burnt throttle null null",
                "burnt shutdown 202 null",
                "burnt shutdown 203 null",
                "burnt notify null null",
            ],
            "what would be done is shown"
        );
        world.age_sightings(11);
    }
    let ran = world.run(&["enforce", "--auto"]);
    assert!(ran.stderr.contains("not acted on"), "{}", ran.stderr);
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    assert_eq!(world.running().len(), GUESTS.len());
    assert!(world.told().is_empty());
}

#[test]
fn two_that_run_at_once_shut_nobody_down_twice() {
    let world = world("advise");
    let start = || {
        let mut program = world.home.program(&["enforce", "--yes", "--json"]);
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program.spawn().unwrap()
    };
    let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let said = both.map(|output| {
        // Whoever meets the other at a guest may have failed there, and says so.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    });
    // Each looks at a guest right before its shutdown, and leaves alone what the other works on.
    for vmid in GUESTS {
        assert!(world.tasks("qmshutdown", vmid) <= 1, "{vmid}: {said:#?}");
    }
    let comment = world.comment("burnt");
    assert_eq!(
        comment.matches("[proxdeck throttled").count(),
        1,
        "{comment}"
    );
    assert!(comment.starts_with("ours\n"), "{comment}");
    // A pool has no digest: where both write within a second both see their own, and both tell.
    let told = world.told().len();
    assert!([2, 4].contains(&told), "{told}: {said:#?}");
    // Whoever is left goes down next, and that is told no more.
    for _ in 0..2 {
        world.run(&["enforce", "--yes"]);
    }
    assert!(world.running().is_empty(), "{:?}", world.running());
    assert_eq!(world.told().len(), told);
}
