//! What is asked for while somebody only looks.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::Event;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::inventory::Link;
use proxdeck::domain::snapshot::SnapshotList;

use crate::world::{Desk, guest, snapshot_questions, vmid};

#[test]
fn scrolling_through_guests_asks_only_where_the_cursor_rests() {
    let mut desk = Desk::with((100..200).map(|number| guest(number, "x")).collect());
    let mut asked = 0;
    for _ in 0..50 {
        asked += snapshot_questions(&desk.press("j")).len();
        asked += snapshot_questions(&desk.wait(Duration::from_millis(30))).len();
    }
    assert_eq!(asked, 0);
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_millis(200))).len(),
        1
    );
}

#[test]
fn a_list_is_asked_for_once_and_again_only_when_it_is_old() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let effects = desk.wait(Duration::from_secs(1));
    assert_eq!(snapshot_questions(&effects).len(), 1);
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_secs(1))).len(),
        0
    );
    desk.answer_snapshots(&effects, &SnapshotList::default());
    assert!(
        desk.state
            .snapshots
            .of(vmid(100))
            .unwrap()
            .value()
            .is_some()
    );
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_secs(30))).len(),
        0
    );
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_secs(31))).len(),
        1
    );
}

#[test]
fn what_the_loop_only_tells_asks_for_nothing_and_loses_no_question() {
    // Nobody performs what would come of these; a question among it would be awaited for ever.
    let mut desk = Desk::with(vec![guest(100, "one")]);
    desk.now.moment = desk.now.moment.later(Duration::from_secs(1));
    for event in [
        Event::Link(Link::default()),
        Event::NotKept(Box::new(Failure::new(FailureKind::FileNotWritten, "told"))),
        Event::Drawn(7),
    ] {
        assert_eq!(desk.happen(event), []);
    }
    let effects = desk.happen(Event::Tick);
    assert_eq!(snapshot_questions(&effects).len(), 1);
}

#[test]
fn a_list_that_cannot_be_read_says_why_and_is_tried_again_later() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let effects = desk.wait(Duration::from_secs(1));
    let ticket = snapshot_questions(&effects)[0];
    let failure = Failure::new(FailureKind::NodeUnreachable, "Connection refused");
    desk.happen(Event::Fetched(ticket, Err(failure.clone())));
    assert_eq!(
        desk.state.snapshots.of(vmid(100)).unwrap().failure(),
        Some(&failure)
    );
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_secs(5))).len(),
        0
    );
    assert_eq!(
        snapshot_questions(&desk.wait(Duration::from_secs(6))).len(),
        1
    );
}

#[test]
fn watching_one_guest_for_ten_minutes_costs_a_known_number_of_questions() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let mut asked = 0;
    for _ in 0..600 {
        let effects = desk.wait(Duration::from_secs(1));
        asked += snapshot_questions(&effects).len();
        desk.answer_snapshots(&effects, &SnapshotList::default());
    }
    assert_eq!(asked, 10);
}
