//! What goes to stdout, what to stderr, and what may never reach a terminal.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use proxdeck::simulator::Scenario;

use crate::world::{Home, World};

/// A name that would clear the screen, turn text round, and hide.
const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{200b}\u{7}";

fn hostile_world() -> World {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        if guest.vmid == 101 {
            guest.name = Some(HOSTILE.to_owned());
            "x\u{1b}]0;owned\u{7}".clone_into(&mut guest.tags);
            guest.snapshots[0].description = format!("{HOSTILE}\r\nsecond line");
        }
    }
    World::with(scenario, Vec::new())
}

fn assert_harmless(text: &str) {
    let bad = text
        .chars()
        .find(|c| (c.is_control() && *c != '\n') || ('\u{200b}'..='\u{202e}').contains(c));
    assert_eq!(bad, None, "{text:?}");
}

#[test]
fn names_of_strangers_cannot_drive_the_terminal() {
    let world = hostile_world();
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["snapshot", "list"],
        &["snapshot", "list", "--json"],
        &["snapshot", "create", "101"],
        &["snapshot", "create", "101", "--name", "s1"],
        &["snapshot", "create", "101", "--json"],
        &["console", "101"],
        &["console", "101=\u{1b}[31mred"],
        &["list", "--config", "\u{1b}[31m"],
        &["\u{1b}[31m"],
    ] {
        let ran = world.run(arguments);
        assert_harmless(&ran.stdout);
        if arguments.first() != Some(&"\u{1b}[31m") {
            assert_harmless(&ran.stderr);
        }
    }
    // A program still gets the name exactly.
    let name = world.run(&["list", "--json"]).json()["rows"][1]["name"].clone();
    assert_eq!(name.as_str(), Some(HOSTILE));
}

#[test]
fn stdout_holds_the_result_alone_and_json_is_one_document() {
    let world = World::small();
    let ran = world.run(&["snapshot", "create", "101", "102", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["schema"], "proxdeck.snapshot.create/1");
    assert!(ran.stderr.contains("asking for snapshot"), "{}", ran.stderr);
    let ran = world.run(&["list", "--json", "--no-such-flag"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.json()["error"]["kind"], "Usage");
    let ran = world.run(&["lst"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

#[test]
fn whoever_stops_reading_is_no_error() {
    let home = Home::new();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_proxdeck"))
        .args(["completions", "bash"])
        .env_clear()
        .env("HOME", home.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let mut complaint = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(complaint, "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let home = Home::new();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_proxdeck"))
        .args(["completions", "bash"])
        .env_clear()
        .env("HOME", home.folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the result cannot be written"));
}

#[test]
fn nothing_is_coloured_for_a_pipe_or_by_wish() {
    let home = Home::new();
    let coloured = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor")];
    for variables in [&coloured[..], &[("NO_COLOR", "1")]] {
        for arguments in [
            &["--help"][..],
            &["--demo", "list"],
            &["snapshot", "--help"],
        ] {
            let ran = home.run_with(variables, arguments);
            assert_eq!(ran.code, 0);
            assert!(!ran.stdout.contains('\u{1b}'), "{arguments:?}");
        }
    }
}

#[test]
fn help_tells_a_command_s_own_options_first() {
    let home = Home::new();
    for (command, own) in [
        (&[][..], "--theme"),
        (&["list"], "--json"),
        (&["prune"], "--yes"),
        (&["snapshot", "create"], "--ram"),
        (&["simulate"], "--speed"),
    ] {
        for flag in ["-h", "--help"] {
            let help = home.run(&[command, &[flag]].concat()).stdout;
            let (before, common) = help
                .split_once("Options of every command:\n")
                .unwrap_or_else(|| panic!("{help}"));
            let common = common.split("Examples:").next().unwrap_or_default();
            assert!(before.contains(own) && !common.contains(own), "{help}");
            for option in ["--config", "--cluster", "--demo", "--read-only"] {
                assert!(common.contains(option), "{option}: {help}");
                assert!(
                    !before.contains(&format!("  {option} ")),
                    "{option}: {help}"
                );
            }
        }
    }
}

#[test]
fn completions_exist_for_the_usual_shells() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = home.run(&["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("snapshot"), "{shell}");
    }
}
