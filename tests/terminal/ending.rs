//! However the program ends, the terminal is usable afterwards.

use proxdeck::simulator::Scenario;

use crate::harness::{CTRL_C, CTRL_Z, Cluster, ENTER, HELP, Home, Screen};

fn started() -> Screen {
    let screen = Screen::start((100, 30), &["--demo"]);
    screen.wait_until_taken();
    screen.wait_for("Guests");
    screen
}

#[test]
fn quitting_gives_the_terminal_back() {
    let screen = started();
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn a_request_to_terminate_gives_the_terminal_back() {
    let screen = started();
    screen.kill("TERM");
    screen.exit_code();
    screen.assert_given_back();
}

#[test]
fn a_lost_session_gives_the_terminal_back() {
    let screen = started();
    screen.kill("HUP");
    screen.exit_code();
    screen.assert_given_back();
}

#[test]
fn a_signal_ends_the_program_whatever_dialog_is_open() {
    let screen = started();
    screen.press("?");
    screen.wait_for(HELP);
    screen.kill("TERM");
    screen.exit_code();
    screen.assert_given_back();
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let mut screen = started();
    screen.close();
    screen.wait_for_end();
}

/// Otherwise it would run on for ever, unseen, with a whole processor to itself.
#[test]
fn a_closed_terminal_ends_the_program_even_if_no_signal_tells() {
    let mut screen = Screen::start_behind_a_deaf_shell(&Home::new(), (100, 30), "--demo");
    screen.wait_until_taken();
    screen.wait_for("Guests");
    screen.close();
    screen.wait_for_end();
}

/// Where nothing is drawn, no drawing fails: the loss has to be seen by itself, and costs nothing until the end.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_ends_the_program_even_if_nothing_changes_on_it() {
    let cluster = Cluster::start(Scenario::small(), "");
    let home = &cluster.home;
    let mut screen = Screen::start_behind_a_deaf_shell(home, (40, 8), "");
    screen.wait_until_taken();
    screen.wait_for("too small");
    let before = screen.processor_time();
    screen.close_at((41, 8));
    screen.wait_for_end();
    // The second line is about what the shell has started: 0m0.12s 0m0.03s.
    let times = std::fs::read_to_string(home.path("times")).unwrap();
    let spent = times
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .map(|time| {
            let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
            let minutes: f64 = minutes.parse().unwrap();
            minutes * 60.0 + seconds.parse::<f64>().unwrap()
        });
    let spent = spent.sum::<f64>() - before.as_secs_f64();
    assert!(
        spent < 0.25,
        "{spent} s of a processor after the terminal was closed"
    );
}

#[test]
fn a_terminal_closed_during_a_change_leaves_the_name_of_its_task_in_the_audit_log() {
    let mut scenario = Scenario::small();
    // So slow that the task cannot end by itself.
    scenario.speed = 0.001;
    let cluster = Cluster::start(scenario, "");
    let mut screen = cluster.open((120, 40));
    screen.wait_for("web-1");
    screen.press("/101");
    screen.wait_for("Snapshots of 101");
    screen.press(ENTER);
    screen.wait_until_gone("Enter keep");
    screen.press("s");
    screen.wait_for("Enter take it");
    screen.press(ENTER);
    screen.wait_until("the task at work", |shown| {
        let text = shown.text();
        !text.contains("Enter take it") && text.contains("snapshot 101 web-1")
    });
    screen.wait_until("the name of the task", |_| {
        !cluster.simulator.world().tasks().is_empty()
            && cluster
                .simulator
                .journal()
                .entries()
                .iter()
                .any(|entry| entry.path.ends_with("/log") || entry.path.ends_with("/status"))
    });
    screen.close();
    screen.wait_for_end();
    let upid = cluster.simulator.world().tasks()[0].upid.clone();
    let lines = cluster.home.audited();
    let outcomes: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["started", "left"], "{lines:?}");
    assert_eq!(lines[1]["upid"], upid.as_str());
}

#[test]
fn ctrl_c_quits_when_no_dialog_is_open() {
    let screen = started();
    screen.press(CTRL_C);
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn ctrl_c_closes_a_dialog_first() {
    let screen = started();
    screen.press("?");
    screen.wait_for(HELP);
    screen.press(CTRL_C);
    screen.wait_until_gone(HELP);
    // It still listens, so it did not end.
    screen.press("?");
    screen.wait_for(HELP);
    screen.press(CTRL_C);
    screen.wait_until_gone(HELP);
    screen.press(CTRL_C);
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_the_program_is_continued() {
    let screen = started();
    screen.press("?");
    screen.wait_for(HELP);
    screen.press(CTRL_Z);
    screen.wait_until("the shell's screen", |shown| !shown.contains(HELP));
    screen.assert_given_back();
    // Continued before it has stopped, it would stop for ever.
    screen.wait_until_stopped();
    screen.kill("CONT");
    screen.wait_until_taken();
    screen.wait_for(HELP);
    screen.press("qq");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}
