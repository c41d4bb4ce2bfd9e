//! How a guest's console is reached.

use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::permission::Permissions;

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

#[test]
fn each_way_is_shown_whole_and_the_chosen_one_copied() {
    let mut scene = Scene::new();
    scene.select(104);
    scene.press("C");
    let shown: Vec<String> = [(80, 24), (120, 40)]
        .map(|size| pane(&draw(&scene.state, &theme(true), size), "Console of"))
        .into();
    insta::assert_snapshot!(shown.join("\n\n"));
    for (key, begins) in [
        ("k", "https://"),
        ("j", "ssh -t root@"),
        ("j", "qm terminal"),
    ] {
        scene.press(key);
        scene.effects.clear();
        scene.press("y");
        let copied = scene.effects.iter().find_map(|effect| match effect {
            Effect::Copy(text) => Some(text.clone()),
            _ => None,
        });
        let copied = copied.unwrap();
        assert!(copied.starts_with(begins), "{copied}");
    }
}

#[test]
fn whoever_may_not_open_it_is_told_what_is_missing() {
    let mut scene = Scene::new();
    let asked = scene.asked.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    });
    let seen = [("/".to_owned(), "VM.Audit".to_owned(), true)];
    let answer = Answer::Permissions(Permissions::new(seen));
    scene.happen(Event::Fetched(asked.unwrap(), Ok(answer)));
    scene.press("C");
    let shown = pane(&draw(&scene.state, &theme(true), (120, 40)), "Console of");
    assert!(
        shown.contains("this account needs VM.Console on /vms/"),
        "{shown}"
    );
}
