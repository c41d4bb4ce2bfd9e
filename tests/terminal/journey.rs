//! A whole evening at the keyboard: the real program, its demo, and keys alone.

use crate::harness::{ENTER, ESCAPE, Screen, TAB};

/// Reads the number that must be typed to execute the plan.
fn count_of_plan(screen: &Screen) -> String {
    screen.look(|shown| {
        let text = shown.text();
        let (_, after) = text
            .split_once("type ")
            .expect("the plan asks for its count");
        after.chars().take_while(char::is_ascii_digit).collect()
    })
}

#[test]
fn filter_snapshot_roll_back_keep_clone_prune_and_read_the_log() {
    let screen = Screen::start((120, 40), &["--demo"]);
    screen.wait_for("agent-build-4");

    screen.press("/104");
    screen.wait_for("/104   2 match");
    screen.press(ENTER);
    screen.wait_for("Snapshots of 104 agent-build-4");
    screen.press(ENTER);
    screen.wait_until_gone("Snapshots of 104");
    screen.press(ESCAPE);
    screen.wait_for("you are here");

    screen.press("s");
    screen.wait_for("Snapshot of 104 agent-build-4");
    screen.press(&format!("{TAB}{TAB}evening{TAB} "));
    screen.wait_for("[x] save the RAM too");
    screen.wait_for("Enter take it");
    screen.press(ENTER);
    screen.wait_for("snapshot 104 agent-build-4 done");
    screen.wait_for("evening");

    // From the present the newest snapshot is one row up.
    screen.press(&format!("{TAB}{TAB}k"));
    screen.press("R");
    screen.wait_for("Roll back 104 agent-build-4 on pve2");
    screen.wait_for("stays as it is");
    screen.press("agent-build");
    screen.wait_for("2 more");
    screen.press("-4");
    screen.wait_for("that is it");
    // The list of guests may not know yet that the lock of the snapshot is gone.
    screen.wait_for("Enter roll back");
    screen.press(ENTER);
    screen.wait_until("the end of the roll-back", |shown| {
        let text = shown.text();
        text.lines()
            .any(|line| line.contains("roll back 104") && line.contains(" done"))
    });
    screen.wait_for("-safety");

    screen.press("g");
    screen.press("K");
    screen.wait_for("of 104 agent-build-4 done");
    screen.wait_for("#keep");

    screen.press(TAB);
    screen.wait_until_gone("▌ ○");
    screen.press("c");
    screen.wait_for("Clone 104 agent-build-4");
    // Enter does nothing before it is known what is copied along.
    screen.wait_for("Enter make it");
    screen.press(ENTER);
    screen.wait_for("clone 104 agent-build-4 as agent-build-4-copy done");

    screen.press("p");
    screen.wait_for("to delete");
    let count = count_of_plan(&screen);
    screen.press(&count);
    screen.wait_for("that is it");
    screen.press(ENTER);
    screen.wait_for(&format!("prune {count} snapshots done"));

    screen.press("5");
    screen.wait_for("RESULT");
    screen.press(ENTER);
    screen.wait_for("TASK OK");
    // A key right behind Escape would be taken for one with Alt.
    screen.press(ESCAPE);
    screen.wait_until_gone("TASK OK");
    screen.press("q");
    assert_eq!(screen.exit_code(), 0);
    screen.assert_given_back();
}
