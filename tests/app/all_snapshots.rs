//! The view of all snapshots: its rows, its cursor, and what keys do to the row.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::action::Change;
use proxdeck::app::availability::{Availability, availability};
use proxdeck::app::snapshot_table::SnapshotColumn;
use proxdeck::app::state::{Pane, View};
use proxdeck::app::{Action, Answer, Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::retention::Reason;
use proxdeck::domain::selection::Selection;

use crate::index::{answer_all, asked, list};
use crate::world::{Desk, guest, runs, vmid};

const SECOND: Duration = Duration::from_secs(1);

fn three() -> Vec<Guest> {
    let mut guests = vec![
        guest(100, "web-1"),
        guest(101, "db-1"),
        guest(102, "builder"),
    ];
    guests[0].tags = vec!["ours".into()];
    guests[1].tags = vec!["ours".into(), "critical".into()];
    guests
}

/// Three guests, of which two are managed, with their lists read.
fn desk() -> Desk {
    let mut desk = Desk::new(false);
    let tags = ["ours".to_owned()];
    desk.state.setting.rules.selection = Selection::new(false, &tags, &[], &[]).unwrap();
    desk.inventory(three());
    read(&mut desk);
    desk
}

/// Reads what is due, twice, because the first of it comes before the others.
fn read(desk: &mut Desk) {
    let lists = [
        list(desk, &[("a-monthly", 40), ("b", 9), ("c", 1)]),
        list(desk, &[("a", 30), ("keep-me", 20), ("z", 8), ("zz", 2)]),
        list(desk, &[("old", 90)]),
    ];
    for _ in 0..2 {
        let effects = desk.wait(2 * SECOND);
        answer_all(desk, &effects, |number| {
            Ok(lists[number as usize - 100].clone())
        });
    }
}

fn shown(desk: &Desk) -> Vec<String> {
    let table = &desk.state.all_snapshots;
    let lists = desk.state.snapshots.lists();
    let rows = table.rows().iter().map(|row| {
        let snapshot = table.snapshot(*row, lists).unwrap();
        format!("{} {}", row.vmid, snapshot.name)
    });
    rows.collect()
}

fn cursor(desk: &Desk) -> String {
    let (vmid, name) = desk.state.all_snapshots.cursor().unwrap();
    format!("{vmid} {name}")
}

#[test]
fn rows_are_in_the_order_of_the_verdict_and_unmanaged_ones_come_last() {
    let mut desk = desk();
    assert!(
        desk.state.all_snapshots.rows().is_empty(),
        "not before it is shown"
    );
    desk.press("3");
    assert_eq!(desk.state.focus.view(), View::Snapshots);
    assert_eq!(
        shown(&desk),
        [
            "101 a",
            "100 b",
            "101 z",
            "100 a-monthly",
            "101 keep-me",
            "101 zz",
            "100 c",
            "102 old"
        ]
    );
    let debt = desk.state.all_snapshots.debt();
    assert_eq!((debt.snapshots, debt.guests), (8, 3));
    assert_eq!((debt.delete, debt.judged), (3, 7));
    assert_eq!(debt.oldest.unwrap().1, vmid(102));
    assert_eq!(debt.deepest, Some((4, vmid(101))));
    let coverage = desk.state.all_snapshots.coverage();
    assert_eq!(
        (coverage.read, coverage.guests, coverage.waiting),
        (3, 3, 0)
    );
}

#[test]
fn the_order_goes_through_the_columns_and_can_be_reversed() {
    let mut desk = desk();
    desk.press("3 o");
    assert_eq!(desk.state.all_snapshots.sort, SnapshotColumn::Age);
    assert_eq!(shown(&desk).first().unwrap(), "102 old");
    desk.press("O");
    assert_eq!(shown(&desk).first().unwrap(), "100 c");
    desk.press("o");
    assert_eq!(
        shown(&desk)[..4],
        ["100 a-monthly", "100 b", "100 c", "101 a"]
    );
    desk.press("o");
    assert_eq!(shown(&desk)[0], "101 a");
    assert_eq!(
        desk.state.guests.sort.as_str(),
        "id",
        "the guests' own order stays"
    );
}

#[test]
fn the_filter_asks_the_guest_the_snapshot_and_the_verdict() {
    let mut desk = desk();
    let mut filtered = |text: &str| {
        desk.press("3 / Ctrl-u");
        desk.happen(Event::Paste(text.to_owned()));
        desk.press("Enter");
        shown(&desk)
    };
    assert_eq!(filtered("verdict:delete"), ["101 a", "100 b", "101 z"]);
    assert_eq!(filtered("verdict:delete tag:crit"), ["101 a", "101 z"]);
    assert_eq!(filtered("keep"), ["101 keep-me"]);
    assert_eq!(filtered("builder"), ["102 old"]);
    assert_eq!(filtered("verdict:none"), ["102 old"]);
    assert_eq!(filtered("node:nowhere"), [""; 0]);
    assert!(
        desk.state.guests.filter().is_empty(),
        "the guests are not filtered by it"
    );
    assert_eq!(desk.state.all_snapshots.debt().snapshots, 8, "nor the debt");
    desk.press("Esc");
    assert_eq!(shown(&desk).len(), 8);
}

#[test]
fn the_cursor_stays_on_its_snapshot_and_goes_near_when_that_is_gone() {
    let mut desk = desk();
    desk.press("3 j j");
    assert_eq!(cursor(&desk), "101 z");
    desk.press("o");
    assert_eq!(cursor(&desk), "101 z");
    desk.press("o o o o o");
    let later = list(&desk, &[("a", 30), ("zz", 2)]);
    // The row's guest is read again when its list is a minute old.
    let effects = desk.wait(61 * SECOND);
    assert_eq!(asked(&effects).len(), 1);
    let (ticket, number) = asked(&effects)[0];
    assert_eq!(number, 101);
    desk.happen(Event::Fetched(ticket, Ok(Answer::Snapshots(later))));
    assert_eq!(cursor(&desk), "100 a-monthly", "the row that moved up");
}

#[test]
fn until_it_is_moved_the_cursor_stays_at_the_top_while_lists_come_in() {
    let mut desk = Desk::with(three());
    desk.press("3");
    assert!(desk.state.all_snapshots.cursor().is_none());
    let effects = desk.wait(2 * SECOND);
    let new = list(&desk, &[("new", 1)]);
    let old = list(&desk, &[("old", 50)]);
    answer_all(&mut desk, &effects, |number| {
        Ok(if number == 102 { &old } else { &new }.clone())
    });
    assert_eq!(cursor(&desk), "102 old");
    assert_eq!(desk.state.all_snapshots.cursor_row(), Some(0));
}

#[test]
fn enter_goes_to_the_guest_with_that_snapshot_under_the_cursor_whatever_filter_hides_it() {
    let mut desk = desk();
    desk.press("/ w e b Enter");
    assert_eq!(desk.state.guests.rows().len(), 1);
    desk.press("3 j j Enter");
    assert_eq!(desk.state.focus, Pane::Snapshots);
    assert_eq!(desk.state.guests.cursor(), Some(vmid(101)));
    assert_eq!(desk.state.snapshots.cursor(), Some(&"z".into()));
    assert!(desk.state.guests.filter().is_empty());
    desk.press("3");
    assert_eq!(cursor(&desk), "101 z", "and the way back leads to the row");
}

#[test]
fn changes_are_about_the_guest_of_the_row_and_its_snapshot() {
    let mut desk = desk();
    assert_eq!(desk.state.guests.cursor(), Some(vmid(100)));
    desk.press("3 d");
    desk.press("Right");
    let effects = desk.press("Enter");
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(operation.title(), "delete a of 101 db-1");
    assert_eq!(
        availability(&desk.state, Action::Change(Change::KeepMark)),
        Availability::No("busy: delete a of 101 db-1".into())
    );
    desk.press("j");
    let effects = desk.press("K");
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(operation.title(), "keep b of 100 web-1");
    desk.press("j j j j");
    assert_eq!(cursor(&desk), "101 zz");
    let effects = desk.press("y");
    assert!(effects.contains(&Effect::Copy("101=db-1 zz".into())));
}

#[test]
fn roll_back_and_clone_take_the_snapshot_of_the_row() {
    let mut desk = desk();
    desk.press("3 j R");
    assert_eq!(desk.state.dialogs.len(), 1);
    let effects = desk.press("Esc j c");
    assert_eq!(runs(&effects), 0);
    let Some(proxdeck::app::dialogs::Dialog::Form(form)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(form.target().vmid, vmid(101));
    // The world goes on behind the dialog, whose target stays.
    desk.inventory(three()[..1].to_vec());
    let Some(proxdeck::app::dialogs::Dialog::Form(form)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(form.target().vmid, vmid(101));
    assert_eq!(runs(&desk.press("Enter")), 0, "and it refuses");
}

#[test]
fn without_a_row_the_keys_say_so_and_marks_of_the_guests_do_not_matter() {
    let mut desk = Desk::with(three());
    desk.press("Space 3");
    let delete = Action::Change(Change::DeleteSnapshot);
    assert_eq!(
        availability(&desk.state, delete),
        Availability::No("no snapshot".into())
    );
    desk.press("d Enter");
    assert!(desk.state.dialogs.is_empty());
    let new = list(&desk, &[("new", 1)]);
    let effects = desk.wait(2 * SECOND);
    answer_all(&mut desk, &effects, |_| Ok(new.clone()));
    assert_eq!(availability(&desk.state, delete), Availability::Yes);
}

#[test]
fn verdicts_follow_the_calendar_without_another_reading() {
    let mut desk = desk();
    desk.press("3");
    let reason = |desk: &Desk| {
        let table = &desk.state.all_snapshots;
        let lists = desk.state.snapshots.lists();
        let row = table
            .rows()
            .iter()
            .find(|row| table.snapshot(**row, lists).unwrap().name == "zz".into());
        table.reason(*row.unwrap()).cloned()
    };
    assert_eq!(reason(&desk), Some(Reason::Newest));
    let before = desk.state.all_snapshots.debt().delete;
    desk.now.wall += chrono::TimeDelta::days(400);
    desk.wait(61 * SECOND);
    assert!(desk.state.all_snapshots.debt().delete > before);
}

#[test]
fn a_guest_that_begins_or_ceases_to_be_managed_changes_its_verdicts_at_once() {
    let mut desk = desk();
    desk.press("3");
    let mut guests = three();
    guests[1].tags.clear();
    desk.inventory(guests);
    assert_eq!(desk.state.all_snapshots.debt().delete, 1);
    assert_eq!(shown(&desk)[0], "100 b");
}

#[test]
fn what_is_not_read_is_grouped_by_its_reason() {
    let mut desk = Desk::new(false);
    let mut guests: Vec<Guest> = (100..112).map(|number| guest(number, "x")).collect();
    for silent in &mut guests[6..11] {
        silent.status = Status::Unknown;
        silent.node = "pve4".parse().unwrap();
    }
    guests[11].template = true;
    desk.inventory(guests);
    desk.press("3");
    for _ in 0..2 {
        let effects = desk.wait(2 * SECOND);
        answer_all(&mut desk, &effects, |number| match number {
            101 | 102 => Err(Failure::new(FailureKind::Forbidden, "VM.Audit")),
            103 => Err(Failure::new(FailureKind::Server, "broken")),
            _ => Ok(proxdeck::domain::snapshot::SnapshotList::default()),
        });
    }
    let coverage = desk.state.all_snapshots.coverage();
    assert_eq!(
        (coverage.guests, coverage.read, coverage.waiting),
        (11, 3, 0)
    );
    let mut groups: Vec<(usize, u32)> = coverage
        .unread
        .iter()
        .map(|group| (group.count, group.first[0].get()))
        .collect();
    groups.sort_unstable();
    assert_eq!(groups, [(1, 103), (2, 101), (5, 106)]);
    // r asks for those again that failed, and for nobody else.
    let effects = desk.press("r");
    let mut again: Vec<u32> = answer_all(&mut desk, &effects, |_| {
        Ok(proxdeck::domain::snapshot::SnapshotList::default())
    });
    again.sort_unstable();
    assert_eq!(again, [101, 102, 103]);
    assert_eq!(desk.state.all_snapshots.coverage().unread.len(), 1);
}

#[test]
fn the_guest_of_the_row_is_read_at_once_when_the_cursor_rests_there() {
    let numbers = |effects: &[Effect]| -> Vec<u32> {
        asked(effects).iter().map(|(_, number)| *number).collect()
    };
    let mut desk = desk();
    desk.press("1");
    let effects = desk.wait(120 * SECOND);
    assert_eq!(
        numbers(&effects),
        [100],
        "the guest selected among the guests"
    );
    assert_eq!(numbers(&desk.press("3")), [101], "that of the first row");
    desk.press("G");
    assert_eq!(cursor(&desk), "102 old");
    assert_eq!(numbers(&desk.wait(Duration::from_millis(199))), [0_u32; 0]);
    assert_eq!(numbers(&desk.wait(Duration::from_millis(1))), [102]);
}
