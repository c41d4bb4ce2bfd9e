//! The enforcement plan on the screen: while it is read, whole, confirmed, and with its calls.

use chrono_tz::Tz;
use proxdeck::app::dialogs::{Dialog, EnforceDialog};
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::guest::Status;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::pool::Pool;

use crate::paper::{draw, pane, theme};
use crate::world::{Scene, guests};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const TITLE: &str = "Enforcement plan";

fn scene(read_only: bool) -> Scene {
    let mut scene = Scene::of(guests(), |setting| {
        setting.rules.zone = Some(Tz::Europe__Berlin);
        setting.read_only = read_only;
    });
    scene.press("4 E");
    scene
}

/// Answers what the plan asks; the pool of the hub has a throttle that nobody can read.
fn read(scene: &mut Scene) {
    for _ in 0..5 {
        let mut waiting = std::mem::take(&mut scene.asked);
        while let Some(effect) = waiting.pop() {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Pools => {
                    let pool = |name: &str, comment: Option<&str>| Pool {
                        name: name.parse().unwrap(),
                        comment: comment.map(Into::into),
                    };
                    Answer::Pools(vec![
                        pool("alpha", None),
                        pool("gamma", Some("mirrors")),
                        pool("hub", Some("[proxdeck throttled by Eve]")),
                    ])
                }
                Query::CanSnapshot(_) => Answer::CanCopy(true),
                Query::Config(_) => Answer::Config(Box::new(GuestConfig::new([], None))),
                _ => continue,
            };
            scene.happen(Event::Fetched(ticket, Ok(answer)));
            waiting.append(&mut scene.asked);
        }
        scene.pass(1);
    }
}

fn pictures(scene: &Scene, sizes: &[(u16, u16)], unicode: bool) -> String {
    let pictures = sizes.iter().map(|size| {
        let buffer = draw(&scene.state, &theme(unicode), *size);
        format!("{}x{}\n{}", size.0, size.1, pane(&buffer, TITLE))
    });
    pictures.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_plan_while_it_is_read_and_whole() {
    let mut scene = scene(false);
    let before = pictures(&scene, &[(80, 24)], true);
    read(&mut scene);
    let whole = pictures(&scene, &SIZES, true);
    insta::assert_snapshot!(format!("{before}\n{whole}"));
}

fn dialog(scene: &Scene) -> &EnforceDialog {
    match scene.state.dialogs.last() {
        Some(Dialog::Enforce(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

fn shut_down(scene: &Scene) -> Vec<Vmid> {
    let plan = dialog(scene).plan.as_ref().unwrap();
    plan.shutdowns().map(|each| each.guest.vmid).collect()
}

/// Otherwise it would be offered a second time what was done a moment ago.
#[test]
fn a_plan_is_made_anew_when_a_guest_of_it_has_stopped_meanwhile() {
    let mut scene = scene(false);
    read(&mut scene);
    let before = shut_down(&scene);
    let count = dialog(&scene).count();
    scene.types(&count.to_string());
    assert!(dialog(&scene).is_confirmed());
    // Nothing that concerns the plan has changed.
    scene.pass(5);
    scene.read();
    assert!(dialog(&scene).is_confirmed());
    let stopped = scene.guests.iter_mut().find(|it| it.vmid == before[0]);
    stopped.unwrap().status = Status::Stopped;
    scene.pass(5);
    scene.read();
    read(&mut scene);
    assert_eq!(shut_down(&scene), before[1..]);
    assert!(
        !dialog(&scene).is_confirmed(),
        "what was typed is forgotten"
    );
    let count = dialog(&scene).count();
    scene.types(&count.to_string());
    assert!(dialog(&scene).is_confirmed());
}

#[test]
fn the_plan_confirmed_with_its_calls() {
    let mut scene = scene(false);
    read(&mut scene);
    let count = dialog(&scene).count();
    scene.types(&count.to_string());
    let plan = pictures(&scene, &[(80, 24)], true);
    scene.press("x");
    let calls = pictures(&scene, &[(80, 24), (120, 40)], true);
    scene.press("G");
    let end = pictures(&scene, &[(80, 24)], true);
    insta::assert_snapshot!([plan, calls, end].join("\n"));
}

#[test]
fn the_plan_read_only_and_without_unicode() {
    let mut scene = scene(true);
    read(&mut scene);
    insta::assert_snapshot!(pictures(&scene, &[(80, 24)], false));
}
