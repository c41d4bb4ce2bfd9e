//! The window changes its size while the program runs.

use crate::harness::{ENTER, ESCAPE, HELP, Screen, Shown, Size};

/// Tells whether a frame fills a screen of this size: something in the lowest row, a border at the right edge.
fn fills(shown: &Shown, (columns, rows): Size) -> bool {
    let right_edge = (0..rows).any(|row| shown.glyph(row, columns - 1) == "│");
    let lowest = (0..columns).any(|column| !shown.glyph(rows - 1, column).trim().is_empty());
    lowest && right_edge
}

fn wait_for_frame(screen: &Screen, size: Size) {
    screen.wait_until(&format!("a frame of {size:?}"), |shown| {
        fills(shown, size) && !shown.contains("too small")
    });
}

#[test]
fn the_frame_follows_the_window() {
    let screen = Screen::start((200, 60), &["--demo"]);
    screen.wait_for("Guests");
    wait_for_frame(&screen, (200, 60));
    screen.resize((80, 24));
    wait_for_frame(&screen, (80, 24));
    screen.resize((59, 14));
    screen.wait_for("59x14 is too small");
    screen.resize((120, 40));
    wait_for_frame(&screen, (120, 40));
    screen.wait_for("Guests");
    screen.press("?");
    screen.wait_for(HELP);
    screen.press(ESCAPE);
    screen.wait_until_gone(HELP);
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn a_window_that_is_too_small_can_be_left() {
    let screen = Screen::start((40, 8), &["--demo"]);
    screen.wait_for("too small");
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}

#[test]
fn a_dialog_survives_a_window_of_any_size() {
    let screen = Screen::start((120, 40), &["--demo"]);
    screen.wait_for("Guests");
    screen.press("?");
    screen.wait_for(HELP);
    for size in [(1, 1), (200, 60), (60, 15), (80, 24)] {
        screen.resize(size);
    }
    wait_for_frame(&screen, (80, 24));
    screen.wait_for(HELP);
    screen.press(ESCAPE);
    screen.wait_until_gone(HELP);
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}

#[test]
fn every_dialog_survives_a_window_that_is_dragged_down_to_nothing() {
    let screen = Screen::start((120, 40), &["--demo"]);
    screen.wait_for("agent-build-4");
    screen.press("/104");
    screen.wait_for("/104   2 match");
    screen.press(ENTER);
    screen.wait_for("Snapshots of 104");
    for (keys, text) in [
        ("?", HELP),
        (":", "Commands"),
        ("/", "status: pool:"),
        ("s", "Snapshot of 104"),
        ("c", "Clone 104"),
        ("P", "Power"),
        ("p", "Prune"),
        ("N", "Network"),
        ("b", "Bracket"),
        ("4E", "Enforce"),
        ("1n", "New guest"),
    ] {
        screen.press(keys);
        screen.wait_for(text);
        for size in [(1, 1), (5, 3), (20, 5), (1, 50), (300, 1)] {
            screen.resize(size);
            screen.wait_until("a frame of this size", |shown| !shown.text().is_empty());
        }
        screen.resize((120, 40));
        screen.wait_for(text);
        screen.press(ESCAPE);
        screen.wait_until_gone(text);
    }
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}

#[test]
fn a_terminal_that_answers_no_questions_will_do() {
    let screen = Screen::start((100, 30), &["--demo"]);
    screen.fall_mute();
    screen.wait_for("Guests");
    for size in [(80, 24), (120, 40), (90, 20)] {
        screen.resize(size);
        wait_for_frame(&screen, size);
    }
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}
