//! However the program ends, the terminal is usable afterwards.

use crate::harness::{CTRL_C, CTRL_Z, HELP, Screen};

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
    let mut screen = Screen::start_behind_a_deaf_shell((100, 30), "--demo");
    screen.wait_until_taken();
    screen.wait_for("Guests");
    screen.close();
    screen.wait_for_end();
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
