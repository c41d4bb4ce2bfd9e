//! What the retention plan reads, and what it leaves unread.

use pretty_assertions::assert_eq;
use proxdeck::app::Effect;
use proxdeck::app::Query;
use proxdeck::app::dialogs::{Dialog, PruneDialog};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::SnapshotList;

use crate::world::{Desk, guest, snapshot_questions};

fn plan(desk: &Desk) -> &PruneDialog {
    match desk.state.dialogs.last() {
        Some(Dialog::Prune(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn guests_of_a_silent_node_are_not_waited_for_and_named_as_unread() {
    let silent = |number| Guest {
        status: Status::Unknown,
        node: "pve2".parse().unwrap(),
        ..guest(number, "silent")
    };
    let mut desk = Desk::new(false);
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    // The silent ones come first and would take all places at once.
    let mut guests: Vec<Guest> = (100..108).map(silent).collect();
    guests.push(guest(200, "answers"));
    desk.inventory(guests);
    let effects = desk.press("p");
    let asked: Vec<u32> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Fetch(_, Query::Snapshots(guest)) => Some(guest.vmid.get()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [200]);
    assert_eq!(snapshot_questions(&effects).len(), 1);
    assert_eq!(plan(&desk).progress(), (8, 9));
    desk.answer_snapshots(&effects, &SnapshotList::default());
    assert!(plan(&desk).plan.is_some(), "the plan is there at once");
    let unread: Vec<String> = plan(&desk)
        .unread()
        .map(|(guest, failure)| format!("{guest}: {failure}"))
        .collect();
    assert_eq!(unread.len(), 8);
    assert_eq!(unread[0], "100 silent: the node does not answer: pve2");
}
