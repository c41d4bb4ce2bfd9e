//! Brackets with keys: taken of the marked guests, listed, rolled back together, dropped.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{BracketsDialog, Dialog, Form};
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::bracket::Bracket;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::operation::Operation;
use proxdeck::domain::request::Field;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};

use crate::world::{Desk, guest, runs};

type Lists = BTreeMap<u32, SnapshotList>;

fn three() -> Vec<Guest> {
    vec![guest(100, "web"), guest(101, "db"), guest(102, "queue")]
}

fn list(desk: &Desk, snapshots: &[(&str, &str, i64)]) -> SnapshotList {
    let snapshots = snapshots.iter().map(|(name, description, hours)| Snapshot {
        name: (*name).into(),
        taken: Some(desk.now.wall - TimeDelta::hours(*hours)),
        parent: None,
        description: (*description).into(),
        has_ram: false,
        unfinished: None,
    });
    SnapshotList {
        snapshots: snapshots.collect(),
        ..SnapshotList::default()
    }
}

/// A bracket of all three, one of two, and one of the same name that is another's.
fn lists(desk: &Desk) -> Lists {
    let all = "proxdeck: bracket aaaa 100,101,102";
    [
        (
            100,
            list(
                desk,
                &[
                    ("br-x", all, 2),
                    ("br-y", "proxdeck: bracket cccc 100,101", 9),
                ],
            ),
        ),
        (101, list(desk, &[("br-x", all, 3)])),
        (
            102,
            list(desk, &[("br-x", "proxdeck: bracket bbbb 102", 1)]),
        ),
    ]
    .into()
}

/// Answers every question about snapshots and configurations, and those that follow.
fn answer(desk: &mut Desk, effects: &[Effect], lists: &Lists) -> Vec<u32> {
    let mut asked = Vec::new();
    let mut waiting = effects.to_vec();
    while let Some(effect) = waiting.pop() {
        let Effect::Fetch(ticket, query) = effect else {
            continue;
        };
        let config = || Answer::Config(Box::new(GuestConfig::new([], None)));
        let answer = match query {
            Query::Snapshots(guest) => {
                asked.push(guest.vmid.get());
                let list = lists.get(&guest.vmid.get()).cloned();
                Answer::Snapshots(list.unwrap_or_default())
            }
            Query::Config(_) | Query::FrozenConfig(..) => config(),
            _ => continue,
        };
        waiting.extend(desk.happen(Event::Fetched(ticket, Ok(answer))));
    }
    asked.sort_unstable();
    asked
}

fn form(desk: &Desk) -> &Form {
    match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form,
        other => panic!("{other:?}"),
    }
}

fn brackets(desk: &Desk) -> &BracketsDialog {
    match desk.state.dialogs.last() {
        Some(Dialog::Brackets(list)) => list,
        other => panic!("{other:?}"),
    }
}

fn types(desk: &mut Desk, text: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for letter in text.chars() {
        effects.extend(desk.press(&letter.to_string()));
    }
    effects
}

fn run(effects: &[Effect]) -> Operation {
    let operation = effects.iter().find_map(|effect| match effect {
        Effect::Run(_, operation) => Some(operation.clone()),
        _ => None,
    });
    operation.expect("a job was started")
}

fn calls(operation: &Operation) -> Vec<String> {
    operation.calls().iter().map(ToString::to_string).collect()
}

/// Opens the list with everything read, and the cursor on the bracket of this row.
fn at_list(row: usize) -> (Desk, Lists) {
    let mut desk = Desk::with(three());
    let lists = lists(&desk);
    let effects = desk.press("b");
    answer(&mut desk, &effects, &lists);
    for _ in 0..row {
        desk.press("j");
    }
    (desk, lists)
}

#[test]
fn the_marked_guests_are_bracketed_once_every_list_is_read_and_stay_marked() {
    let mut desk = Desk::with(three());
    desk.press("Space Space");
    let effects = desk.press("b");
    assert_eq!(form(&desk).title, "Bracket of 2 marked guests");
    assert!(form(&desk).checked.is_err(), "nothing is read yet");
    let asked = answer(&mut desk, &effects, &Lists::new());
    assert_eq!(asked, [100, 101, 102], "a name may be taken anywhere");
    assert!(form(&desk).checked.is_ok(), "{:?}", form(&desk).checked);
    let operation = run(&desk.press("Enter"));
    assert_eq!(operation.title(), "bracket 1123-0900 of 2 guests");
    let calls = calls(&operation);
    assert_eq!(calls.len(), 2);
    assert!(calls[0].starts_with(
        "POST /nodes/pve1/qemu/100/snapshot  snapname=br-1123-0900  description=proxdeck: bracket "
    ));
    assert!(calls[0].ends_with(" 100,101"), "{calls:?}");
    assert_eq!(desk.state.guests.marks().len(), 2);
    assert!(desk.state.dialogs.is_empty());
    desk.press("b");
    assert!(desk.toast().starts_with("bracket: busy: bracket 1123"));
}

#[test]
fn a_name_that_another_guest_has_is_refused_and_an_incomplete_bracket_is_completed() {
    let mut desk = Desk::with(three());
    let lists = lists(&desk);
    desk.press("Space Space");
    let effects = desk.press("b");
    answer(&mut desk, &effects, &lists);
    desk.press("Ctrl-u");
    types(&mut desk, "x");
    let objection = form(&desk).objection(Field::Name).unwrap();
    assert_eq!(objection.reason, "2 brackets have this name already");
    desk.press("Ctrl-u");
    types(&mut desk, "y");
    let operation = run(&desk.press("Enter"));
    assert_eq!(
        calls(&operation),
        [
            "POST /nodes/pve1/qemu/101/snapshot  snapname=br-y  description=proxdeck: bracket cccc 100,101"
        ]
    );
}

#[test]
fn a_guest_that_cannot_take_part_has_to_be_unmarked() {
    let mut desk = Desk::new(false);
    let mut guests = three();
    guests[1].lock = Some("backup".into());
    desk.inventory(guests);
    desk.press("*");
    let effects = desk.press("b");
    answer(&mut desk, &effects, &Lists::new());
    let others: Vec<String> = form(&desk)
        .other_objections()
        .map(ToString::to_string)
        .collect();
    assert_eq!(others, ["101 db: locked (backup)"]);
    assert_eq!(runs(&desk.press("Enter")), 0);
}

#[test]
fn where_the_ram_goes_is_read_before_it_is_saved() {
    let mut desk = Desk::with(three());
    desk.press("Space Space");
    let effects = desk.press("b");
    answer(&mut desk, &effects, &Lists::new());
    let effects = desk.press("Tab Space");
    let configs = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Fetch(_, Query::Config(_))));
    assert_eq!(configs.count(), 2);
    assert_eq!(
        form(&desk).objection(Field::Ram).unwrap().reason,
        "reading where the RAM would be saved…"
    );
    answer(&mut desk, &effects, &Lists::new());
    let operation = run(&desk.press("Enter"));
    assert!(
        calls(&operation)
            .iter()
            .all(|call| call.ends_with("vmstate=1"))
    );
}

#[test]
fn the_list_shows_every_bracket_and_its_cursor_stays_on_one() {
    let (mut desk, lists) = at_list(1);
    let shown = |desk: &Desk| -> Vec<String> {
        brackets(desk)
            .brackets
            .iter()
            .map(Bracket::full_name)
            .collect()
    };
    assert_eq!(shown(&desk), ["x@bbbb", "x@aaaa", "y@cccc"]);
    assert_eq!(brackets(&desk).row(), 1);
    // A newer one sorts in before it.
    let mut newer = lists[&102].clone();
    newer
        .snapshots
        .extend(list(&desk, &[("br-z", "proxdeck: bracket dddd", 0)]).snapshots);
    let effects = desk.wait(std::time::Duration::from_secs(90));
    let lists = [
        (102, newer),
        (100, lists[&100].clone()),
        (101, lists[&101].clone()),
    ]
    .into();
    answer(&mut desk, &effects, &lists);
    desk.press("Esc b");
    assert_eq!(desk.state.dialogs.len(), 1);
}

#[test]
fn its_guests_go_back_together_when_its_name_is_typed() {
    let (mut desk, lists) = at_list(1);
    let effects = desk.press("Enter");
    assert_eq!(form(&desk).title, "Roll back to bracket x@aaaa");
    assert_eq!(
        form(&desk).checked.as_ref().unwrap_err().len(),
        2,
        "comparing"
    );
    answer(&mut desk, &effects, &lists);
    assert_eq!(runs(&desk.press("Enter y Enter Backspace")), 0);
    types(&mut desk, "x");
    let operation = run(&desk.press("Enter"));
    assert_eq!(operation.title(), "roll back 2 guests to bracket x");
    assert_eq!(
        calls(&operation),
        [
            "POST /nodes/pve1/qemu/100/snapshot/br-x/rollback  start=1",
            "POST /nodes/pve1/qemu/101/snapshot/br-x/rollback  start=1"
        ]
    );
    assert!(desk.state.dialogs.is_empty(), "the list has done its part");
}

#[test]
fn some_of_its_guests_can_be_named_alone() {
    let (mut desk, lists) = at_list(1);
    let effects = desk.press("Enter");
    answer(&mut desk, &effects, &lists);
    types(&mut desk, "x");
    desk.press("Tab Ctrl-u");
    types(&mut desk, "101,");
    let only = form(&desk).checked.clone().unwrap();
    assert_eq!(only.title(), "roll back 1 guest to bracket x");
    types(&mut desk, "102");
    assert_eq!(
        form(&desk).objection(Field::Guests).unwrap().reason,
        "102 has no snapshot of bracket x"
    );
    types(&mut desk, "z");
    assert!(form(&desk).checked.is_err());
}

#[test]
fn a_guest_that_cannot_be_read_has_to_be_taken_out_by_hand() {
    let mut desk = Desk::new(false);
    let mut guests = three();
    guests[1].status = Status::Unknown;
    desk.inventory(guests);
    let lists = lists(&desk);
    let effects = desk.press("b");
    let asked = answer(&mut desk, &effects, &lists);
    assert_eq!(asked, [100, 102], "a silent node is not waited for");
    let effects = desk.press("j Enter");
    answer(&mut desk, &effects, &lists);
    types(&mut desk, "x");
    assert_eq!(
        form(&desk).objection(Field::Guests).unwrap().reason,
        "101 belongs to it and is not read; name only the others"
    );
    assert_eq!(runs(&desk.press("Enter")), 0);
    desk.press("Tab Backspace Backspace Backspace Backspace");
    let operation = run(&desk.press("Enter"));
    assert_eq!(operation.title(), "roll back 1 guest to bracket x");
}

#[test]
fn it_is_dropped_when_the_count_is_typed_and_what_was_typed_for_another_count_is_forgotten() {
    let (mut desk, mut lists) = at_list(1);
    desk.press("d");
    assert_eq!(form(&desk).title, "Drop bracket x@aaaa");
    types(&mut desk, "2");
    assert!(form(&desk).is_ready());
    // Somebody deletes one of them meanwhile.
    lists.insert(101, SnapshotList::default());
    desk.state.snapshots = proxdeck::app::snapshots::SnapshotPane::default();
    let effects = desk.happen(Event::Tick);
    answer(&mut desk, &effects, &lists);
    desk.happen(Event::Tick);
    assert!(!form(&desk).is_ready());
    assert_eq!(runs(&desk.press("Enter")), 0);
    types(&mut desk, "1");
    let operation = run(&desk.press("Enter"));
    assert_eq!(
        calls(&operation),
        ["DELETE /nodes/pve1/qemu/100/snapshot/br-x"]
    );
}

#[test]
fn who_may_only_look_sees_the_list_and_changes_nothing() {
    let mut desk = Desk::new(true);
    desk.inventory(three());
    let lists = lists(&desk);
    let effects = desk.press("b");
    answer(&mut desk, &effects, &lists);
    for key in ["Enter", "d"] {
        desk.press(key);
        assert_eq!(desk.toast(), "bracket: read-only");
        assert_eq!(desk.state.dialogs.len(), 1);
    }
    desk.press("Esc * b");
    assert!(desk.state.dialogs.is_empty());
}
