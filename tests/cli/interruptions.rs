//! Signals while changes are made: the step at work is finished, and what was done is told.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::world::{World, until};

const PATIENCE: Duration = Duration::from_mins(1);
const FINISHING: &str = "finishing the running step; again to leave at once";

/// The binary at work; what it says on stderr is read line by line.
struct Running {
    child: Child,
    said: Arc<(Mutex<String>, Condvar)>,
    listening: JoinHandle<()>,
}

impl Running {
    fn start(world: &World, arguments: &[&str]) -> Self {
        Self::of(world.home.program(arguments))
    }

    /// Starts the binary as `nohup` does, so that it outlives the session.
    fn start_to_stay(world: &World, arguments: &[&str]) -> Self {
        let program = world.home.program(arguments);
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.env_clear();
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap());
        }
        Self::of(shell)
    }

    fn of(mut command: std::process::Command) -> Self {
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let kept = Arc::clone(&said);
        let listening = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut said = kept.0.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
                kept.1.notify_all();
            }
        });
        Self {
            child,
            said,
            listening,
        }
    }

    fn send(&self, signal: Signal) {
        let process = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(process, signal).unwrap();
    }

    fn wait_for(&self, text: &str) {
        let (said, changed) = &*self.said;
        let (said, late) = changed
            .wait_timeout_while(said.lock().unwrap(), PATIENCE, |said| !said.contains(text))
            .unwrap();
        assert!(!late.timed_out(), "no {text:?} in {said}");
    }

    /// Waits for the end; returns exit code, stdout and stderr.
    fn end(mut self) -> (i32, String, String) {
        let mut result = String::new();
        let mut stdout = self.child.stdout.take().unwrap();
        stdout.read_to_string(&mut result).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        self.listening.join().unwrap();
        let said = self.said.0.lock().unwrap().clone();
        (code, result, said)
    }
}

fn until_begun(world: &World, kind: &str) {
    until(kind, || {
        let view = world.simulator.world();
        view.tasks().iter().any(|task| task.kind == kind)
    });
}

fn at_speed(speed: f64) -> World {
    let mut scenario = Scenario::small();
    scenario.speed = speed;
    World::with(scenario, Vec::new())
}

fn audited(world: &World) -> Vec<Value> {
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    let lines = log.lines().map(serde_json::from_str);
    lines.map(Result::unwrap).collect()
}

/// Makes a world in which guest 101 has twelve old snapshots and a young one.
fn old_world() -> World {
    let mut scenario = Scenario::small();
    scenario.speed = 2.0;
    let guest = scenario.guests.iter_mut().find(|guest| guest.vmid == 101);
    let guest = guest.unwrap();
    let mut template = guest.snapshots[0].clone();
    template.ram = false;
    template.description = String::new();
    guest.snapshots.clear();
    for number in 0..13 {
        let mut snapshot = template.clone();
        snapshot.name = format!("av-{number:02}");
        let age = if number == 12 { "1h" } else { "40d" };
        snapshot.age = toml::Value::from(age).try_into().unwrap();
        guest.snapshots.push(snapshot);
    }
    guest.parent = Some("av-12".to_owned());
    let world = World::with(scenario, Vec::new());
    world
        .home
        .write_config(&world.config("[selection]\nvmids = [101]\n"));
    world
}

#[test]
fn a_plan_that_is_interrupted_finishes_its_deletion_and_tells_what_is_gone() {
    let world = old_world();
    let running = Running::start(&world, &["prune", "--yes"]);
    until_begun(&world, "qmdelsnapshot");
    running.send(Signal::INT);
    running.wait_for(FINISHING);
    let (code, result, said) = running.end();
    assert_eq!(code, 130, "{result}{said}");
    let deleted = result.matches(" deleted").count();
    let kept = said.matches("not-tried: asked to stop").count();
    assert!(deleted >= 1 && kept >= 1, "{result}{said}");
    assert_eq!(deleted + kept, 12, "{result}{said}");
    let left = world.simulator.world().guest(101).unwrap().snapshots.len();
    assert_eq!(left, 13 - deleted, "the world and the report agree");
    let lines = audited(&world);
    let done = |line: &&Value| line["action"] == "delete-snapshot" && line["outcome"] == "done";
    assert_eq!(lines.iter().filter(done).count(), deleted);
    assert_eq!(lines.last().unwrap()["outcome"], "stopped");
}

#[test]
fn guests_behind_the_one_at_work_are_not_begun() {
    for (flags, signal) in [(&[][..], Signal::TERM), (&["--json"], Signal::INT)] {
        let world = at_speed(2.0);
        let arguments = ["snapshot", "create", "101", "102", "150", "--name", "now"];
        let running = Running::start(&world, &[&arguments, flags].concat());
        until_begun(&world, "qmsnapshot");
        running.send(signal);
        running.wait_for(FINISHING);
        let (code, result, said) = running.end();
        assert_eq!(code, 130, "{result}{said}");
        if flags.is_empty() {
            assert!(
                result.starts_with("101 web-1: snapshot now taken"),
                "{result}"
            );
            assert_eq!(said.matches("not begun").count(), 2, "{said}");
        } else {
            let document: Value = serde_json::from_str(&result).unwrap();
            let outcomes: Vec<&Value> = document["rows"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| &row["outcome"])
                .collect();
            assert_eq!(outcomes, ["done", "skipped", "skipped"]);
        }
        assert_eq!(world.writes().len(), 1);
        let view = world.simulator.world();
        let snapshots = view.guest(101).unwrap().snapshots;
        assert!(snapshots.iter().any(|snapshot| snapshot.name == "now"));
        assert_eq!(audited(&world).last().unwrap()["outcome"], "done");
    }
}

#[test]
fn whoever_insists_leaves_at_once_and_is_told_what_goes_on() {
    for json in [false, true] {
        // So slow that nothing ends by itself.
        let world = at_speed(0.001);
        let mut arguments = vec!["snapshot", "create", "101", "102"];
        arguments.extend(json.then_some("--json"));
        let running = Running::start(&world, &arguments);
        running.wait_for("UPID:");
        running.send(Signal::INT);
        running.wait_for(FINISHING);
        running.send(Signal::INT);
        let (code, result, said) = running.end();
        assert_eq!(code, 130, "{result}{said}");
        let upid = world.simulator.world().tasks()[0].upid.clone();
        if json {
            let document: Value = serde_json::from_str(&result).unwrap();
            let row = &document["rows"][0];
            assert_eq!(row["outcome"], "unknown");
            assert_eq!(row["upid"], upid.as_str());
            assert_eq!(row["error"]["kind"], "Cancelled");
            assert_eq!(document["rows"][1]["outcome"], "skipped");
        } else {
            assert_eq!(result, "");
            let (_, end) = said.split_once(FINISHING).unwrap();
            assert!(end.contains("the task goes on at the server"), "{said}");
            assert!(end.contains(&upid), "{said}");
            assert!(end.contains("102 db-1: snapshot"), "{said}");
            assert!(end.contains("not begun"), "{said}");
        }
        let lines = audited(&world);
        let last = lines.last().unwrap();
        assert_eq!(last["outcome"], "left");
        assert_eq!(last["upid"], upid.as_str());
        assert_eq!(last["targets"][0]["vmid"], 101);
        assert_eq!(world.writes().len(), 1);
    }
}

/// What was asked to end before anything was begun begins nothing.
#[test]
fn a_signal_during_the_checks_changes_nothing() {
    let world = at_speed(2.0);
    let slow = FaultKind::Latency(Duration::from_secs(2));
    let slow = FaultRule::new(slow).path("/access/permissions");
    world.simulator.faults().add(slow);
    let running = Running::start(&world, &["snapshot", "create", "101"]);
    until("the question for privileges", || {
        let entries = world.simulator.journal().entries();
        entries
            .iter()
            .any(|entry| entry.path == "/access/permissions")
    });
    running.send(Signal::INT);
    running.wait_for("interrupted; nothing was changed");
    assert_eq!(running.end().0, 130);
    assert!(world.writes().is_empty());
}

/// Whoever starts a change with `nohup` wants it to outlive the session.
#[test]
fn a_lost_session_does_not_interrupt_what_was_started_to_outlive_it() {
    let world = at_speed(2.0);
    let arguments = ["snapshot", "create", "101", "102", "--name", "now"];
    let running = Running::start_to_stay(&world, &arguments);
    until_begun(&world, "qmsnapshot");
    running.send(Signal::HUP);
    let (code, result, said) = running.end();
    assert_eq!(code, 0, "{result}{said}");
    assert!(!said.contains(FINISHING), "{said}");
    assert_eq!(result.matches("snapshot now taken").count(), 2, "{result}");
}
