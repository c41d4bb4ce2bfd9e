//! From one cluster to another: chosen, opened first, and work in hand is asked about.

use proxdeck::app::dialogs::Dialog;
use proxdeck::app::switching::KnownCluster;
use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Outcome, Report, Update};

use crate::world::{Desk, guest};

fn known(name: &str, host: &str) -> KnownCluster {
    KnownCluster {
        name: name.into(),
        hosts: vec![host.into()],
    }
}

fn desk() -> Desk {
    let mut desk = Desk::with(vec![guest(100, "first")]);
    desk.state.clusters = vec![
        known("lab", "pve1.lab"),
        known("prod", "pve1.prod"),
        known("far", "192.0.2.7"),
    ];
    desk
}

fn opens(effects: &[Effect]) -> Vec<&str> {
    let opens = effects.iter().filter_map(|effect| match effect {
        Effect::OpenCluster(name) => Some(name.as_str()),
        _ => None,
    });
    opens.collect()
}

fn switches(effects: &[Effect]) -> bool {
    effects
        .iter()
        .any(|effect| matches!(effect, Effect::Switch(_)))
}

#[test]
fn the_only_cluster_says_that_it_is_the_only_one() {
    let mut desk = Desk::with(vec![guest(100, "first")]);
    desk.press("@");
    assert!(desk.state.dialogs.is_empty());
    assert!(
        desk.toast().contains("lab is the only one"),
        "{}",
        desk.toast()
    );
}

#[test]
fn another_cluster_is_found_by_a_few_letters_of_its_name_or_host_and_opened_before_this_is_left() {
    let mut desk = desk();
    let effects = desk.press("@ 1 9 2 Enter");
    assert_eq!(opens(&effects), ["far"]);
    assert!(!switches(&effects), "this one stays until that answers");
    assert!(opens(&desk.press("Enter")).is_empty(), "it is on its way");
    let effects = desk.happen(Event::ClusterOpened("far".into(), Ok(())));
    assert!(switches(&effects));
}

#[test]
fn the_cursor_begins_at_another_cluster_and_the_present_one_is_only_closed() {
    let mut desk = desk();
    assert_eq!(opens(&desk.press("@ Enter")), ["prod"]);
    let mut desk = self::desk();
    assert!(opens(&desk.press("@ Up Enter")).is_empty());
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn a_cluster_that_cannot_be_opened_says_why_and_the_way_back_is_one_key() {
    let mut desk = desk();
    desk.press("@ Enter");
    let refused = Failure::new(FailureKind::Unreachable, "https://pve1.prod:8006: refused");
    let effects = desk.happen(Event::ClusterOpened("prod".into(), Err(refused.clone())));
    assert!(!switches(&effects));
    let Some(Dialog::Clusters(dialog)) = desk.state.dialogs.last() else {
        panic!("the list stays")
    };
    assert_eq!(dialog.refusal, Some(("prod".into(), refused)));
    assert_eq!(opens(&desk.press("Enter")), ["prod"], "once more");
    desk.press("Esc");
    assert!(desk.state.dialogs.is_empty());
    let effects = desk.happen(Event::ClusterOpened("prod".into(), Ok(())));
    assert!(!switches(&effects), "whoever closed the list stays");
    assert!(desk.state.selected_guest().is_some());
}

#[test]
fn work_in_hand_is_asked_about_and_may_be_finished_first() {
    let mut desk = desk();
    let effects = desk.press("s Enter");
    let Some(Effect::Run(job, _)) = effects
        .iter()
        .find(|effect| matches!(effect, Effect::Run(..)))
    else {
        panic!("{effects:?}")
    };
    let job = *job;
    assert!(opens(&desk.press("@ Enter")).is_empty());
    assert!(matches!(desk.state.dialogs.last(), Some(Dialog::Quit(_))));
    // Stay, wait, finish the step, leave now.
    let effects = desk.press("j j Enter");
    assert!(effects.contains(&Effect::Stop(job)), "{effects:?}");
    assert!(opens(&effects).is_empty());
    let report = Box::new(Report::new(Outcome::Done));
    let effects = desk.happen(Event::Job(job, Update::Ended(report)));
    assert_eq!(opens(&effects), ["prod"]);
    assert!(!effects.contains(&Effect::Leave));
}
