//! The view of alerts, the line in which one is taken in hand, and the doctor of locks.

use chrono::TimeDelta;
use proxdeck::app::{Answer, Event, Query};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::history::Series;
use proxdeck::domain::permission::Permissions;
use proxdeck::domain::task::{Task, TaskState};

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn task(scene: &Scene, kind: &str, id: &str, state: TaskState) -> Task {
    let started = scene.now.wall - TimeDelta::hours(2);
    Task {
        upid: format!(
            "UPID:pve1:00000001:00000001:{:08X}:{kind}:{id}:ops@pve:",
            started.timestamp()
        )
        .parse()
        .unwrap(),
        ended: Some(started),
        state,
    }
}

/// Answers what alerts are found from, as far as it was asked.
fn read(scene: &mut Scene) {
    for _ in 0..20 {
        scene.pass(1);
        let mut waiting = scene.effects.clone();
        while let Some(effect) = waiting.pop() {
            let proxdeck::app::Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::FailedTasks(node, _) if node.as_str() == "pve1" => Answer::Tasks(vec![
                    task(
                        scene,
                        "qmstart",
                        "121",
                        TaskState::Failed("no space left on device – näher\u{1b}[31m".into()),
                    ),
                    task(
                        scene,
                        "qmdelsnapshot",
                        "112",
                        TaskState::Interrupted("received interrupt".into()),
                    ),
                ]),
                Query::FailedTasks(..) => Answer::Tasks(Vec::new()),
                Query::Certificate(node) if node.as_str() == "pve2" => {
                    Answer::Ends(Some(scene.now.wall + TimeDelta::days(9)))
                }
                Query::Certificate(_) => Answer::Ends(None),
                Query::TokenEnd => Answer::Ends(Some(scene.now.wall + TimeDelta::hours(20))),
                Query::History(..) => Answer::History(Series::default()),
                _ => continue,
            };
            scene.happen(Event::Fetched(ticket, Ok(answer)));
            waiting.extend(scene.effects.clone());
        }
    }
    scene.read();
    scene.pass(1);
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    read(&mut scene);
    scene.press("2");
    scene
}

fn picture(scene: &Scene, title: &str, sizes: &[(u16, u16)], unicode: bool) -> String {
    let pictures = sizes.iter().map(|size| {
        let buffer = draw(&scene.state, &theme(unicode), *size);
        format!("{}x{}\n{}", size.0, size.1, pane(&buffer, title))
    });
    pictures.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_should_be_looked_at() {
    insta::assert_snapshot!(picture(&scene(), "Alerts", &SIZES, true));
}

#[test]
fn what_should_be_looked_at_without_unicode() {
    insta::assert_snapshot!(picture(&scene(), "Alerts", &[(80, 24)], false));
}

#[test]
fn an_alert_in_hand() {
    let mut scene = scene();
    scene.press("a");
    scene.types("ticket 4711");
    let dialog = picture(&scene, "Acknowledge", &[(80, 24)], true);
    scene.press("Enter G");
    let rest = picture(&scene, "Alerts", &[(80, 24), (120, 40), (200, 60)], true);
    insta::assert_snapshot!(format!("{dialog}\n{rest}"));
}

#[test]
fn the_lock_explained() {
    let mut scene = scene();
    let row = |scene: &Scene| {
        let standing = scene.state.alerts.book().standing();
        let found = standing
            .iter()
            .position(|each| each.alert.text.contains("locked"));
        found.unwrap()
    };
    for _ in 0..row(&scene) {
        scene.press("j");
    }
    scene.press("Enter");
    let mut pictures = vec![picture(&scene, "The lock of", &[(80, 24)], true)];
    let answer = |scene: &mut Scene, result: Result<Vec<Task>, Failure>| {
        let mut asked = scene.effects.clone();
        scene.pass(6);
        asked.extend(scene.effects.clone());
        for effect in asked {
            if let proxdeck::app::Effect::Fetch(ticket, Query::RunningTasks(_)) = effect {
                let result = result.clone().map(Answer::Tasks);
                scene.happen(Event::Fetched(ticket, result));
            }
        }
    };
    answer(&mut scene, Ok(Vec::new()));
    pictures.push(picture(&scene, "The lock of", &[(80, 24)], true));
    let may = Permissions::new([("/nodes".to_owned(), "Sys.Audit".to_owned(), true)]);
    let ticket = asked(&scene);
    scene.happen(Event::Fetched(ticket, Ok(Answer::Permissions(may))));
    answer(&mut scene, Ok(Vec::new()));
    pictures.push(picture(&scene, "The lock of", &[(80, 24)], true));
    let failure = Failure::new(FailureKind::NodeUnreachable, "no route to host");
    answer(&mut scene, Err(failure));
    pictures.push(picture(&scene, "The lock of", &[(80, 24)], true));
    for guest in &mut scene.guests {
        guest.lock = None;
    }
    scene.read();
    pictures.push(picture(&scene, "The lock of", &[(80, 24)], true));
    insta::assert_snapshot!(pictures.join("\n"));
}

/// Returns the name of any question.
/// Finds the question for the account's privileges, which is still open.
fn asked(scene: &Scene) -> proxdeck::app::Ticket {
    let asked = scene.asked.iter().find_map(|effect| match effect {
        proxdeck::app::Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    });
    asked.unwrap()
}

#[test]
fn before_anything_is_read_and_when_nothing_is_wrong() {
    let mut quiet = Scene::of(Vec::new(), |setting| {
        setting.account = "hub@pve".to_owned();
        setting.rules = proxdeck::app::state::Rules::default();
    });
    quiet.press("2");
    insta::assert_snapshot!(picture(&quiet, "Alerts", &[(80, 24)], true));
}

#[test]
fn severity_is_told_by_colour_and_by_shape_and_what_is_in_hand_is_dim() {
    let mut scene = scene();
    let theme = theme(true);
    let colour = |scene: &Scene, glyph: &str| {
        let buffer = draw(&scene.state, &theme, (120, 40));
        let found = (3..38_u16).find(|y| buffer[(3, *y)].symbol() == glyph);
        found.map(|y| buffer[(3, y)].fg)
    };
    assert_eq!(colour(&scene, "▲"), theme.critical.fg);
    assert_eq!(colour(&scene, "△"), theme.warning.fg);
    scene.press("a Enter");
    assert_eq!(colour(&scene, "○"), theme.dim.fg);
}
