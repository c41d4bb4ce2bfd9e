//! Whoever is not signed in is asked, once, and never in the middle of something else.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::Dialog;
use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::inventory::{Link, LinkState};
use proxdeck::domain::sign_in::{Challenge, Given, SecondFactor, Secret, Wanted};

use crate::world::{Desk, guest};

fn down(desk: &mut Desk, kind: FailureKind, wanted: Wanted) {
    let link = Link {
        state: LinkState::Down {
            failure: Box::new(Failure::new(kind, "authentication failure")),
            since: desk.now.moment,
            retry: desk.now.moment,
        },
        wanted: Some(wanted),
        ..Link::default()
    };
    desk.happen(Event::Link(link));
    desk.happen(Event::Tick);
}

#[test]
fn a_server_that_is_not_trusted_is_told_once_with_where_to_look() {
    let mut desk = Desk::new(false);
    let link = Link {
        state: LinkState::Up,
        strangers: vec!["https://pve1:8006".into()],
        ..Link::default()
    };
    desk.happen(Event::Link(link.clone()));
    let told = desk.toast();
    assert!(
        told.contains("https://pve1:8006") && told.contains("certificates"),
        "{told}"
    );
    desk.press("Esc");
    desk.happen(Event::Link(link));
    assert_eq!(desk.toast(), "");
}

fn ended(desk: &mut Desk, result: Result<(), Failure>, wanted: Option<Wanted>, wait: u64) {
    desk.happen(Event::SignedIn {
        result,
        wanted,
        wait: Duration::from_secs(wait),
    });
}

fn given(effects: &[Effect]) -> Vec<Given> {
    let given = effects.iter().filter_map(|effect| match effect {
        Effect::SignIn(given) => Some(given.clone()),
        _ => None,
    });
    given.collect()
}

fn asks(desk: &Desk) -> bool {
    matches!(desk.state.dialogs.last(), Some(Dialog::SignIn(_)))
}

fn challenge() -> Wanted {
    Wanted::SecondFactor(Challenge {
        totp: true,
        recovery: Some(4),
        unsupported: Vec::new(),
    })
}

#[test]
fn the_password_is_asked_for_sent_once_and_kept_from_every_log() {
    let mut desk = Desk::new(false);
    down(&mut desk, FailureKind::PasswordNeeded, Wanted::Password);
    assert!(asks(&desk));
    assert!(given(&desk.press("Enter")).is_empty(), "nothing was typed");
    let effects = desk.press("s 3 q r e t Enter");
    assert_eq!(given(&effects), [Given::Password(Secret::from("s3qret"))]);
    assert!(!format!("{:?} {effects:?}", desk.state).contains("s3qret"));
    assert!(given(&desk.press("Enter")).is_empty(), "it is on its way");
    ended(&mut desk, Ok(()), None, 0);
    assert!(!asks(&desk));
    assert_eq!(desk.effects.last(), Some(&Effect::Refresh));
    assert_eq!(desk.toast(), "signed in as hub@pve!deck");
}

#[test]
fn pitfall_09_the_second_factor_follows_the_password_and_a_wrong_one_is_asked_for_again() {
    let mut desk = Desk::new(false);
    down(&mut desk, FailureKind::PasswordNeeded, Wanted::Password);
    desk.press("x Enter");
    let next = Failure::new(FailureKind::SecondFactorRequired, "");
    ended(&mut desk, Err(next), Some(challenge()), 0);
    let effects = desk.press("1 2 3 Enter");
    let code = |method, text: &str| Given::Code(method, text.into());
    assert_eq!(given(&effects), [code(SecondFactor::Totp, "123")]);
    let wrong = Failure::new(FailureKind::AuthenticationFailed, "authentication failure");
    ended(&mut desk, Err(wrong.clone()), Some(challenge()), 0);
    let Some(Dialog::SignIn(dialog)) = desk.state.dialogs.last() else {
        panic!("it asks again")
    };
    assert_eq!(dialog.refusal, Some(wrong));
    assert!(dialog.typed.is_empty());
    let effects = desk.press("Down a b Enter");
    assert_eq!(given(&effects), [code(SecondFactor::Recovery, "ab")]);
}

#[test]
fn after_several_refusals_no_try_is_made_for_a_while() {
    let mut desk = Desk::new(false);
    down(&mut desk, FailureKind::PasswordNeeded, Wanted::Password);
    desk.press("x Enter");
    let wrong = Failure::new(FailureKind::AuthenticationFailed, "authentication failure");
    ended(&mut desk, Err(wrong), Some(Wanted::Password), 10);
    assert!(given(&desk.press("y Enter")).is_empty(), "it has to wait");
    desk.wait(Duration::from_secs(11));
    assert_eq!(given(&desk.press("Enter")).len(), 1);
}

#[test]
fn a_session_that_ends_waits_until_nothing_else_is_typed_and_says_why_it_asks() {
    let mut desk = Desk::with(vec![guest(100, "first")]);
    desk.press("s");
    down(&mut desk, FailureKind::SessionExpired, Wanted::Password);
    assert!(!asks(&desk), "the form is being filled in");
    desk.press("Esc");
    assert!(asks(&desk));
    let Some(Dialog::SignIn(dialog)) = desk.state.dialogs.last() else {
        panic!("it asks")
    };
    let why = dialog.refusal.as_ref().map(|failure| failure.kind);
    assert_eq!(why, Some(FailureKind::SessionExpired));
}

/// A configured password is tried again after a while, and may have been put right.
#[test]
fn the_question_closes_when_nothing_is_wanted_any_more() {
    let mut desk = Desk::new(false);
    down(
        &mut desk,
        FailureKind::AuthenticationFailed,
        Wanted::Password,
    );
    assert!(asks(&desk));
    let up = Link {
        state: LinkState::Up,
        ..Link::default()
    };
    desk.happen(Event::Link(up));
    desk.happen(Event::Tick);
    assert!(!asks(&desk));
}

#[test]
fn whoever_does_not_want_to_sign_in_is_left_alone_until_they_refresh() {
    let mut desk = Desk::new(false);
    down(&mut desk, FailureKind::PasswordNeeded, Wanted::Password);
    desk.press("q Esc");
    assert_eq!(desk.toast(), "hub@pve!deck is not signed in; r asks again");
    desk.happen(Event::Tick);
    assert!(!asks(&desk));
    desk.press("r");
    assert!(asks(&desk));
}
