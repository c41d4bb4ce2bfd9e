//! What people read: the words for what they did, and of which snapshot.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::Dialog;
use proxdeck::app::jobs::JobId;
use proxdeck::app::toasts::Tone;
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{
    Enforced, Fate, Outcome, Part, Product, PutBackReason, Report, Told, TrialEnd, TrialFacts,
    Update,
};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;

use crate::world::{Desk, guest};

fn list(names: &[&str]) -> SnapshotList {
    let snapshot = |name: &&str| Snapshot {
        name: (*name).into(),
        taken: None,
        parent: None,
        description: Text::default(),
        has_ram: false,
        unfinished: None,
    };
    SnapshotList {
        snapshots: names.iter().map(snapshot).collect(),
        ..SnapshotList::default()
    }
}

fn job(effects: &[Effect]) -> JobId {
    let job = effects.iter().find_map(|effect| match effect {
        Effect::Run(job, _) => Some(*job),
        _ => None,
    });
    job.expect("a job was started")
}

/// A desk whose cursor is on the last snapshot of its guest.
fn at_a_snapshot() -> Desk {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let asked = desk.wait(Duration::from_secs(1));
    desk.answer_snapshots(&asked, &list(&["first", "second"]));
    desk.press("Tab Tab k");
    desk
}

#[test]
fn what_is_copied_is_the_snapshot_that_the_cursor_shows() {
    let mut desk = at_a_snapshot();
    assert!(desk.press("y").contains(&Effect::Copy("second".to_owned())));
    let asked = desk.wait(Duration::from_secs(61));
    desk.answer_snapshots(&asked, &list(&["first"]));
    let effects = desk.press("y");
    let copies = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Copy(_)));
    assert!(!copies, "it was deleted meanwhile: {effects:?}");
    assert_eq!(desk.toast(), "copy: nothing is under the cursor");
}

#[test]
fn a_refused_key_is_named_by_the_word_in_the_footer() {
    let mut desk = at_a_snapshot();
    desk.press("Esc *");
    desk.press("Tab Tab d");
    assert_eq!(
        desk.toast(),
        "delete: 1 marked; one guest at a time, Esc clears the marks"
    );
}

#[test]
fn that_everything_was_done_is_said_once() {
    let mut desk = at_a_snapshot();
    let started = desk.press("s Enter");
    let mut report = Report::new(Outcome::Done);
    let part = |fate| Part {
        guest: guest(100, "one").to_ref(),
        subject: "first".into(),
        fate,
        upid: None,
        made: None,
        trial: None,
    };
    report.parts = vec![part(Fate::Ended(Outcome::Done)); 2];
    report.notes = vec![report.tally().to_string()];
    desk.happen(Event::Job(
        job(&started),
        Update::Ended(Box::new(report.clone())),
    ));
    assert_eq!(desk.toast(), "snapshot 100 one done");
    let started = desk.press("s Enter");
    report.parts.push(part(Fate::Skipped("kept".to_owned())));
    report.notes = vec![report.tally().to_string(), "look again".to_owned()];
    desk.wait(Duration::from_secs(20));
    desk.happen(Event::Job(job(&started), Update::Ended(Box::new(report))));
    assert_eq!(
        desk.toast(),
        "snapshot 100 one done (2 done, 1 skipped); look again"
    );
}

#[test]
fn what_an_enforcement_did_is_said_in_words_and_what_it_did_not_in_lines() {
    let step = |action: &'static str, guest: Option<_>, fate| Enforced {
        project: "beta".into(),
        action,
        guest,
        fate,
        requested: false,
        upid: None,
        told: Vec::new(),
    };
    let one = guest(100, "one").to_ref();
    let mut report = Report::new(Outcome::Done);
    let mut told = step("notify", None, Fate::Ended(Outcome::Done));
    told.told = vec![Told {
        channel: "beta-admins".into(),
        problem: None,
    }];
    report.product = Some(Product::Enforced(vec![
        step("warn", None, Fate::Ended(Outcome::Done)),
        step("throttle", None, Fate::Ended(Outcome::Done)),
        step("shutdown", Some(one.clone()), Fate::Ended(Outcome::Done)),
        told,
    ]));
    report.notes = vec!["3 done".to_owned()];
    let mut desk = at_a_snapshot();
    let started = desk.press("s Enter");
    let ended = Update::Ended(Box::new(report.clone()));
    desk.happen(Event::Job(job(&started), ended));
    assert_eq!(
        desk.toast(),
        "snapshot 100 one done: beta throttled, 1 guest shut down, beta-admins told"
    );

    let busy = Fate::Skipped("a backup runs".to_owned());
    report.product = Some(Product::Enforced(vec![
        step("throttle", None, Fate::Ended(Outcome::Done)),
        step("shutdown", Some(one), busy),
    ]));
    let failure = Failure::new(FailureKind::TaskFailed, "not everything could be enforced");
    report.outcome = Outcome::Failed(Box::new(failure));
    let started = desk.press("s Enter");
    desk.wait(Duration::from_secs(20));
    let ended = Update::Ended(Box::new(report));
    desk.happen(Event::Job(job(&started), ended));
    desk.press("Enter");
    let Some(Dialog::Failure(text)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs);
    };
    let lines: Vec<String> = text
        .failure
        .details
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        lines.contains(&"beta: shutdown 100 one: skipped: a backup runs".to_owned()),
        "{text:?}"
    );
}

#[test]
fn a_trial_that_was_put_back_is_no_failure_and_names_what_was_put_back() {
    let trial = |end| {
        Some(Product::Trial(TrialFacts {
            profile: "api".to_owned(),
            end,
        }))
    };
    let back = |stays: &[&str]| TrialEnd::PutBack {
        why: PutBackReason::Asked,
        what: "net0, 2 options".to_owned(),
        stays: stays.iter().map(|&set| set.to_owned()).collect(),
        leaves_nothing: true,
    };
    for (end, expected) in [
        (TrialEnd::Kept, "snapshot 100 one: kept"),
        (
            back(&[]),
            "snapshot 100 one: put back as asked (net0, 2 options): everything is as before, nothing of api is left",
        ),
        (
            back(&["proxdeck-api-443"]),
            "snapshot 100 one: put back as asked (net0, 2 options): only proxdeck-api-443 stays, for a rule that \
             is not ours uses it",
        ),
    ] {
        let mut desk = at_a_snapshot();
        let started = desk.press("s Enter");
        let report = Report::new(Outcome::Done).with_product(trial(end));
        desk.happen(Event::Job(job(&started), Update::Ended(Box::new(report))));
        assert_eq!(desk.toast(), expected);
        let told = desk.state.toasts.top().unwrap();
        assert_eq!(told.tone, Tone::Good, "it passes by itself");
    }
    // What could not be put back stays a failure, whatever else is known.
    let mut desk = at_a_snapshot();
    let started = desk.press("s Enter");
    let failure = Failure::new(FailureKind::Forbidden, "needs VM.Config.Network");
    let report = Report::new(Outcome::Failed(Box::new(failure)))
        .with_note("not everything could be put back");
    desk.happen(Event::Job(job(&started), Update::Ended(Box::new(report))));
    let told = desk.state.toasts.top().unwrap();
    assert!(matches!(told.tone, Tone::Bad(..)), "{told:?}");
}

#[test]
fn a_clone_goes_to_the_pool_that_was_chosen() {
    for (own, keys, expected) in [
        (Some("alpha"), "", Some("alpha")),
        (Some("alpha"), "Right", None),
        (Some("alpha"), "Right Right", Some("beta")),
        (None, "", None),
        (None, "Right", Some("alpha")),
    ] {
        let pooled = |number, pool: Option<&str>| {
            let mut guest = guest(number, "one");
            guest.pool = pool.map(|pool| pool.parse().unwrap());
            guest
        };
        let mut desk = Desk::with(vec![
            pooled(100, own),
            pooled(101, Some("alpha")),
            pooled(102, Some("beta")),
        ]);
        let effects = desk.press(&format!("c Tab Tab {keys}"));
        for effect in desk.effects.clone().into_iter().chain(effects) {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Config(_) => Answer::Config(Box::default()),
                Query::CanCopy(..) => Answer::CanCopy(true),
                _ => continue,
            };
            desk.happen(Event::Fetched(ticket, Ok(answer)));
        }
        let effects = desk.press("Enter");
        let Some(Effect::Run(_, operation)) = effects.first() else {
            panic!("{own:?} {keys}: {effects:?}")
        };
        let call = operation.calls().remove(0).to_string();
        let pool = call.split_once("pool=").map(|(_, rest)| {
            let end = rest.find([' ', '&']).unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        assert_eq!(pool.as_deref(), expected, "{call}");
    }
}
