//! The main path: look, choose, checkpoint, leave.

use crate::harness::{ENTER, ESCAPE, HELP, Screen, Shown, TAB};

/// Returns the guest whose snapshots are shown, which is the one under the cursor.
fn selected(shown: &Shown) -> Option<String> {
    let text = shown.text();
    let (_, rest) = text.split_once("Snapshots of ")?;
    Some(rest.split_whitespace().next()?.to_owned())
}

/// Tells whether the detail of the guest under the cursor is that of a virtual machine that runs.
fn is_running_machine(shown: &Shown) -> bool {
    let text = shown.text();
    let title = selected(shown).and_then(|vmid| {
        text.lines()
            .find_map(|line| line.split_once(&format!("╭ {vmid} ")))
    });
    // Of all that runs, machines have a round mark; containers have another.
    shown.contains("▌●") && title.is_some_and(|(_, title)| title.contains("running"))
}

/// Moves down until the guest under the cursor is a virtual machine that runs.
fn choose_a_running_machine(screen: &Screen) {
    screen.wait_until("a guest under the cursor", |shown| {
        selected(shown).is_some()
    });
    for _ in 0..100 {
        if screen.look(is_running_machine) {
            return;
        }
        let before = screen.look(selected);
        screen.press("j");
        screen.wait_until("the next guest", |shown| selected(shown) != before);
    }
    panic!("the demo has no running machine");
}

#[test]
fn a_snapshot_is_taken_from_key_to_tree() {
    let screen = Screen::start((120, 40), &["--demo"]);
    choose_a_running_machine(&screen);
    screen.press("s");
    screen.wait_for("take it");
    screen.press(TAB);
    screen.press(TAB);
    screen.press("before the upgrade; ½ = 50 %");
    screen.wait_for("before the upgrade; ½ = 50 %");
    screen.wait_for("Enter take it");
    screen.press(ENTER);
    // The tree may know it before the job has made sure; leaving in between would be asked about.
    screen.wait_until("the end of the job", |shown| {
        let text = shown.text();
        text.lines()
            .any(|line| line.contains("snapshot 1") && line.contains(" done"))
    });
    // In one line: the suggested name and what was typed, found in the guest's list after the task.
    screen.wait_until("the new snapshot in the tree", |shown| {
        let text = shown.text();
        text.lines()
            .any(|line| line.contains("○ av-") && line.contains("before the upgrade; ½ = 50 %"))
    });
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}

#[test]
fn a_dialog_that_is_left_does_nothing() {
    let screen = Screen::start((120, 40), &["--demo"]);
    choose_a_running_machine(&screen);
    screen.press("s");
    screen.wait_for("take it");
    screen.press(ESCAPE);
    screen.wait_until_gone("take it");
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}

#[test]
fn the_demo_says_that_it_is_one_and_read_only_refuses() {
    let screen = Screen::start((120, 40), &["--demo", "--read-only"]);
    choose_a_running_machine(&screen);
    screen.look(|shown| {
        let header = shown.row(0);
        assert!(
            header.contains("DEMO") && header.contains("READ-ONLY"),
            "{header}"
        );
    });
    screen.press("s");
    screen.press("?");
    screen.wait_for(HELP);
    screen.look(|shown| assert!(!shown.contains("take it"), "{}", shown.text()));
    screen.press(ESCAPE);
    screen.wait_until_gone(HELP);
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
}
