//! Without Unicode: every pane and every dialog, drawn with letters that any terminal has.

use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Outcome, Report, Update};
use proxdeck::domain::text::Text;

use crate::world::Scene;

const SIZES: [(u16, u16); 5] = [(20, 2), (60, 15), (80, 24), (120, 40), (200, 60)];

/// Draws at every size, with the cursor of every guest where that matters.
fn check(scene: &Scene, what: &str) {
    for size in SIZES {
        for line in scene.lines_with(size, false) {
            let odd: Vec<char> = line.chars().filter(|c| !(' '..='~').contains(c)).collect();
            assert!(odd.is_empty(), "{what} at {size:?}: {odd:?} in {line}");
        }
    }
}

#[test]
fn every_pane_is_drawn_in_ascii() {
    let mut scene = Scene::new();
    let guests: Vec<u64> = scene
        .state
        .guests
        .rows()
        .iter()
        .map(|vmid| u64::from(vmid.get()))
        .collect();
    for number in guests {
        scene.select(number);
        check(&scene, &format!("guest {number}"));
    }
    scene.select(104);
    for keys in [
        "Tab",
        "z",
        "Tab",
        "z Esc Esc",
        "o O",
        "* ",
        "5",
        "6",
        "Tab",
        "7",
        "1",
    ] {
        scene.press(keys);
        check(&scene, keys);
    }
    scene.lose_the_link();
    scene.pass(60);
    for keys in ["1", "5", "6", "7"] {
        scene.press(keys);
        check(&scene, &format!("{keys} without the link"));
    }
}

#[test]
fn every_dialog_is_drawn_in_ascii() {
    for keys in [
        "s",
        "R",
        "c",
        "c Ctrl-x",
        "n",
        "P",
        "p",
        "F8",
        "?",
        ":",
        "/",
        "l",
        "5 l",
        "5 Enter",
        "Tab Tab k c",
        "Tab Tab k d",
        "Tab Tab k R",
        "Tab Tab k R Right",
    ] {
        let mut scene = Scene::new();
        scene.select(104);
        scene.press(keys);
        check(&scene, keys);
    }
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("P G");
    check(&scene, "power");
    scene.press("Esc /");
    scene.types("größe foo:bar");
    check(&scene, "a typed filter");
}

#[test]
fn work_and_its_end_are_drawn_in_ascii() {
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("s Enter");
    let job = scene.effects.iter().find_map(|effect| match effect {
        Effect::Run(job, _) => Some(*job),
        _ => None,
    });
    let job = job.unwrap();
    let progress = Update::Progress {
        fraction: Some(0.4),
        line: Text::from("größer – 40 %"),
    };
    scene.happen(Event::Job(job, progress));
    check(&scene, "progress");
    scene.press("q");
    check(&scene, "the question before leaving");
    scene.press("Esc");
    let failure = Failure::new(FailureKind::SnapshotFailed, "kein Platz – größer")
        .with_detail("TASK ERROR: größer");
    let report = Report::new(Outcome::Failed(Box::new(failure)));
    scene.happen(Event::Job(job, Update::Ended(Box::new(report))));
    check(&scene, "a failure");
    scene.press("Enter");
    check(&scene, "its text");
}

#[test]
fn containers_and_machines_are_told_apart() {
    let scene = Scene::new();
    let glyph = |text: &str| {
        let lines = scene.lines_with((120, 40), false);
        let line = lines.iter().find(|line| line.contains(text)).unwrap();
        line.chars().nth(2).unwrap()
    };
    assert_eq!(glyph("124 agent-mirror-1"), '*');
    assert_ne!(glyph("115 agent-lint-1"), '*');
}
