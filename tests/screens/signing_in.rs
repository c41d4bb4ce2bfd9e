//! The question for the password and the second factor.

use std::time::Duration;

use proxdeck::app::Event;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::inventory::{Link, LinkState};
use proxdeck::domain::sign_in::{Challenge, Wanted};

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn asked(wanted: Wanted, kind: FailureKind) -> Scene {
    let mut scene = Scene::of(Vec::new(), |setting| setting.account = "oncall@pve".into());
    let link = Link {
        state: LinkState::Down {
            failure: Box::new(Failure::new(kind, "authentication failure")),
            since: scene.now.moment,
            retry: scene.now.moment,
        },
        wanted: Some(wanted),
        ..Link::default()
    };
    scene.happen(Event::Link(link));
    scene.happen(Event::Tick);
    scene
}

fn picture(scene: &Scene, size: (u16, u16)) -> String {
    pane(&draw(&scene.state, &theme(true), size), "Sign in")
}

#[test]
fn a_password_is_shown_as_dots_at_every_size() {
    let mut scene = asked(Wanted::Password, FailureKind::PasswordNeeded);
    scene.types("s3cret");
    for size in SIZES {
        let header = scene.lines(size).remove(0);
        assert!(
            header.contains("SIGNED OUT  no data") || header.contains("SIGNED OUT  data"),
            "{header}"
        );
        let shown = picture(&scene, size);
        assert!(shown.contains("password  ••••••"), "{shown}");
        assert!(
            shown.contains("oncall@pve at https://pve1.lab:8006"),
            "{shown}"
        );
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let plain = scene.lines_with((80, 24), false).join("\n");
    assert!(plain.contains("password  ******"), "{plain}");
}

#[test]
fn a_session_that_ended_says_so_above_the_question() {
    let scene = asked(Wanted::Password, FailureKind::SessionExpired);
    insta::assert_snapshot!(picture(&scene, (80, 24)));
}

#[test]
fn the_second_factors_are_a_choice_and_what_a_browser_alone_can_do_is_named() {
    let mut scene = asked(
        Wanted::SecondFactor(Challenge {
            totp: true,
            recovery: Some(3),
            unsupported: vec!["webauthn".into()],
        }),
        FailureKind::SecondFactorRequired,
    );
    scene.types("123456");
    insta::assert_snapshot!(picture(&scene, (80, 24)));
    scene.press("Down");
    scene.types("aaaa-bbbb");
    let shown = picture(&scene, (120, 40));
    assert!(shown.contains("key  •••••••••"), "{shown}");
}

#[test]
fn a_pause_is_counted_down() {
    let mut scene = asked(Wanted::Password, FailureKind::PasswordNeeded);
    let wrong = Failure::new(FailureKind::AuthenticationFailed, "authentication failure");
    scene.happen(Event::SignedIn {
        result: Err(wrong),
        wanted: Some(Wanted::Password),
        wait: Duration::from_secs(30),
    });
    scene.pass(20);
    let shown = picture(&scene, (80, 24));
    assert!(
        shown.contains("the next try can be made in 11 s"),
        "{shown}"
    );
    assert!(shown.contains("the server refused the login"), "{shown}");
}

#[test]
fn the_header_says_which_server_answers_where_it_is_not_the_first() {
    let mut scene = Scene::new();
    scene.happen(Event::Link(Link {
        state: LinkState::Up,
        elsewhere: Some("https://pve2.lab:8006".into()),
        ..Link::default()
    }));
    let header = scene.lines((120, 40)).remove(0);
    assert!(header.contains("via pve2.lab:8006"), "{header}");
}
