//! Help, palette, the question before leaving, failures and forms, as they stand on the screen.

use proxdeck::app::jobs::JobId;
use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Outcome, Report, Update};

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The words of a dialog in a row, so that a text is found wherever it was wrapped.
fn words(scene: &Scene, size: (u16, u16), title: &str) -> String {
    let picture = pane(&draw(&scene.state, &theme(true), size), title);
    let text = picture.replace(['│', '─', '╭', '╮', '╰', '╯'], " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn job(effects: &[Effect]) -> JobId {
    let job = effects.iter().find_map(|effect| match effect {
        Effect::Run(job, _) => Some(*job),
        _ => None,
    });
    job.expect("a job was started")
}

fn end(scene: &mut Scene, job: JobId, outcome: Outcome) {
    let report = Box::new(Report::new(outcome));
    scene.happen(Event::Job(job, Update::Ended(report)));
}

#[test]
fn help_wraps_its_lines_and_loses_no_reason() {
    let mut scene = Scene::new();
    scene.select(100);
    scene.press("?");
    for size in SIZES {
        scene.press("g");
        let mut shown = words(&scene, size, "Keys");
        // What does not fit is scrolled to.
        for _ in 0..4 {
            scene.press("PgDn");
            shown.push_str(&words(&scene, size, "Keys"));
        }
        for text in [
            "in place or as a new guest (a template cannot have snapshots",
            "start, shut down, stop, reboot, reset, suspend or resume the guest, or the marked ones (a template cannot run)",
        ] {
            assert!(
                shown.contains(text),
                "{size:?}: {text}\n{}",
                scene.lines(size).join("\n")
            );
        }
    }
    let box_of = |size| {
        scene
            .line(size, "╭ Keys")
            .chars()
            .filter(|c| *c == '─')
            .count()
    };
    assert!(box_of((120, 40)) > box_of((80, 24)));
}

#[test]
fn the_palette_tells_the_whole_reason_of_the_row_under_the_cursor() {
    let mut scene = Scene::new();
    scene.select(100);
    scene.press(":");
    scene.types("power");
    for size in SIZES {
        let shown = words(&scene, size, "Commands");
        assert!(shown.contains("not now: a template cannot run"), "{shown}");
    }
}

#[test]
fn before_leaving_j_and_k_choose_and_what_has_ended_is_no_longer_listed() {
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("s Enter");
    let job = job(&scene.effects);
    scene.press("q j");
    let shown = words(&scene, (80, 24), "Leave");
    assert!(shown.contains("snapshot 104 agent-build-4"), "{shown}");
    assert!(shown.contains("▌ wait for the end"), "{shown}");
    scene.press("k");
    assert!(words(&scene, (80, 24), "Leave").contains("▌ stay"));
    end(&mut scene, job, Outcome::Done);
    let lines = scene.lines((80, 24)).join("\n");
    let shown = words(&scene, (80, 24), "Leave");
    assert!(shown.contains("nothing is at work any more"), "{lines}");
    assert!(!shown.contains("finish the running step"), "{lines}");
    scene.press("j Enter");
    assert!(scene.effects.contains(&Effect::Leave));
}

#[test]
fn enter_on_a_failed_operation_shows_what_helps() {
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("s Enter");
    let job = job(&scene.effects);
    let failure = Failure::new(FailureKind::Locked, "VM is locked (backup)");
    end(&mut scene, job, Outcome::Failed(Box::new(failure)));
    scene.press("Enter");
    for size in SIZES {
        let shown = words(&scene, size, "snapshot 104");
        assert!(shown.contains("freed by root with qm unlock"), "{shown}");
    }
}

#[test]
fn an_empty_number_says_what_it_becomes_and_the_source_is_offered_once() {
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("c");
    let number = scene.line((120, 40), " number");
    assert!(number.contains("next free"), "{number}");
    let pool = scene.line((200, 60), " pool ");
    assert_eq!(pool.matches("alpha").count(), 1, "{pool}");
    let node = scene.line((200, 60), " node ");
    assert_eq!(node.matches("pve2").count(), 1, "{node}");
}

#[test]
fn a_filter_that_asks_for_what_does_not_exist_says_so_where_it_is_typed() {
    let mut scene = Scene::new();
    scene.press("/");
    scene.types("foo:bar");
    let line = scene.lines((120, 40)).pop().unwrap();
    assert!(line.contains("there is no foo:"), "{line}");
    scene.press("Esc /");
    scene.types("status:bogus");
    let line = scene.lines((120, 40)).pop().unwrap();
    assert!(line.contains("no status begins with bogus"), "{line}");
    scene.press("Esc /");
    scene.types("status:postm");
    let line = scene.lines((120, 40)).pop().unwrap();
    assert!(!line.contains("begins with"), "{line}");
}
