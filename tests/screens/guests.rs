//! The table of guests and the close-up below it: what is estimated, what is over, what is unknown.

use crate::paper::{draw, theme};
use crate::world::Scene;

#[test]
fn estimated_memory_is_marked_as_in_the_detail() {
    let scene = Scene::new();
    for size in [(80, 24), (120, 40), (200, 60)] {
        assert!(scene.line(size, "122 agent").contains("~56%"), "{size:?}");
        assert!(scene.line(size, "115 agent").contains("~50%"), "{size:?}");
        let measured = scene.line(size, "104 agent-build-4");
        assert!(measured.contains(" 81%"), "{measured}");
    }
}

#[test]
fn a_project_s_tier_stands_behind_its_name_and_a_guest_s_own_violation_before_its_number() {
    let mut scene = Scene::new();
    for size in [(80, 24), (120, 40), (200, 60)] {
        scene.select(104);
        let own = scene.line(size, "●▲  104 agent-build-4");
        assert!(own.contains("alpha") && !own.contains("alpha ▲"), "{own}");
        scene.select(131);
        let shared = scene.line(size, "124 agent-mirror-1");
        assert!(shared.contains("gamma ▲"), "{shared}");
        let throttled = scene.line(size, "131 hub-main  ");
        assert!(throttled.contains("hub △"), "{throttled}");
    }
}

#[test]
fn a_blown_quota_has_a_mark_and_a_percentage() {
    let mut scene = Scene::new();
    for size in [(80, 24), (120, 40), (200, 60)] {
        scene.select(124);
        let network = scene.line(size, "network");
        assert!(network.contains("▲"), "{network}");
        assert!(network.contains("350%"), "{network}");
        assert!(network.contains("≥701/200"), "{network}");
        scene.select(131);
        let cpu = scene.line(size, "cpu_hours");
        assert!(cpu.contains("△") && cpu.contains("134%"), "{cpu}");
    }
}

#[test]
fn of_a_silent_node_nobody_knows_how_many_guests_run() {
    let mut scene = Scene::new();
    scene.press("6");
    assert!(scene.line((80, 24), "◌ pve4").contains("?/2"));
    assert!(scene.line((80, 24), "● pve3").contains("3/4"));
}

/// The place of a text on a frame, in cells.
fn place(lines: &[String], text: &str) -> (usize, usize) {
    let found = lines.iter().enumerate().find_map(|(y, line)| {
        let at = line.find(text)?;
        Some((line[..at].chars().count(), y))
    });
    found.unwrap_or_else(|| panic!("no {text:?} in\n{}", lines.join("\n")))
}

#[test]
fn limits_and_budget_stay_whole_and_keep_their_own_colours_on_a_small_screen() {
    let mut scene = Scene::new();
    scene.select(104);
    let (size, theme) = ((80, 24), theme(true));
    let lines = scene.lines(size);
    let heading = place(&lines, "alpha · since boot");
    let violation = place(&lines, "▲ CPU 96 % > 90 %");
    let rows = ["cpu_hours", "mem_gb_h", "storage", "network"].map(|row| place(&lines, row));
    assert!(
        rows.iter().all(|row| row.1 > heading.1),
        "{}",
        lines.join("\n")
    );
    assert!(
        rows.iter().all(|row| row.1 > violation.1),
        "{}",
        lines.join("\n")
    );
    let buffer = draw(&scene.state, &theme, size);
    let colour = |(x, y): (usize, usize)| buffer[(x as u16, y as u16)].fg;
    assert_eq!(Some(colour(violation)), theme.critical.fg);
    assert_eq!(
        Some(colour(place(&lines, "△ runtime 26 h > 24 h"))),
        theme.warning.fg
    );
    for row in rows {
        assert_eq!(Some(colour(row)), theme.dim.fg, "{row:?}");
    }
}

#[test]
fn the_smallest_screen_keeps_the_limits_that_are_broken() {
    let mut scene = Scene::new();
    scene.select(104);
    let lines = scene.lines((60, 15));
    let violation = place(&lines, "▲ CPU 96 % > 90 %");
    assert_eq!(place(&lines, "△ runtime 26 h > 24 h").1, violation.1);
    assert!(
        violation.1 < place(&lines, "MEM  █").1,
        "{}",
        lines.join("\n")
    );
}

#[test]
fn the_keys_of_the_history_are_written_as_keys() {
    let mut scene = Scene::new();
    scene.select(104);
    let lines = scene.lines((200, 60)).join("\n");
    assert!(!lines.contains("[ ]"), "{lines}");
}
