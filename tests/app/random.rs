//! Whatever happens in whatever order, nothing panics and what must hold holds.

use std::time::Duration;

use chrono::TimeDelta;
use proptest::prelude::*;
use proxdeck::app::keymap::{Combo, KeyCode};
use proxdeck::app::state::Pane;
use proxdeck::app::{Answer, Effect, Event, State};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};

use crate::world::{Desk, guest, runs, snapshot_questions};

#[derive(Debug, Clone)]
enum Happening {
    Key(Combo),
    Paste(String),
    Guests(Vec<u64>),
    Wait(u64),
    Drawn(usize),
    Answers(Vec<u8>),
}

fn key() -> impl Strategy<Value = Combo> {
    let letters = prop::sample::select(
        "jkgGsqrzl/oO*yx: ?123333456789KdRcxnpbD"
            .chars()
            .collect::<Vec<_>>(),
    );
    let named = prop::sample::select(vec![
        KeyCode::Enter,
        KeyCode::Esc,
        KeyCode::Tab,
        KeyCode::BackTab,
        KeyCode::Backspace,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::PageDown,
        KeyCode::End,
    ]);
    prop_oneof![
        6 => letters.prop_map(Combo::char),
        4 => named.prop_map(Combo::plain),
        1 => prop::sample::select(vec!['x', 'u', 'w', 'p', 'r']).prop_map(Combo::ctrl),
        1 => any::<char>().prop_map(Combo::char),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        12 => key().prop_map(Happening::Key),
        1 => ".{0,12}".prop_map(Happening::Paste),
        2 => prop::collection::vec(100_u64..112, 0..8).prop_map(Happening::Guests),
        2 => (0_u64..100_000).prop_map(Happening::Wait),
        1 => (0_usize..60).prop_map(Happening::Drawn),
        3 => prop::collection::vec(0_u8..6, 1..6).prop_map(Happening::Answers),
    ]
}

/// What holds after every event.
fn check(state: &State) {
    let rows = state.guests.rows();
    match state.guests.cursor() {
        Some(cursor) => assert!(rows.contains(&cursor), "the cursor is on a shown guest"),
        None => assert!(rows.is_empty(), "a table with rows has a cursor"),
    }
    let known = state.inventory.resources.value();
    for mark in state.guests.marks() {
        assert!(
            known.is_some_and(|known| known.guest(*mark).is_some()),
            "marks are on guests"
        );
    }
    check_snapshots(state);
    assert!(state.focus.view().panes().contains(&state.focus));
    assert!(state.toasts.len() <= 20);
}

/// What holds while the snapshots of all guests are shown.
fn check_snapshots(state: &State) {
    if state.focus != Pane::AllSnapshots {
        return;
    }
    let (table, lists) = (&state.all_snapshots, state.snapshots.lists());
    let named: Vec<_> = table
        .rows()
        .iter()
        .map(|row| (row.vmid, &table.snapshot(*row, lists).unwrap().name))
        .collect();
    match (table.cursor(), table.cursor_row()) {
        (Some(cursor), Some(row)) => assert_eq!(named[row], cursor),
        (None, None) => assert!(named.is_empty(), "a table with rows has a cursor"),
        other => panic!("{other:?}"),
    }
}

/// A list with so many snapshots, the last name standing there twice when there are many.
fn list(desk: &Desk, count: u8) -> SnapshotList {
    let snapshots = (0..count).map(|number| Snapshot {
        name: format!("s{}", number.min(3)).into(),
        taken: Some(desk.now.wall - TimeDelta::days(i64::from(number) * 5)),
        parent: None,
        description: "".into(),
        has_ram: number == 1,
        unfinished: None,
    });
    SnapshotList {
        snapshots: snapshots.collect(),
        ..SnapshotList::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_events_never_panic_and_read_only_never_changes_anything(
        happenings in prop::collection::vec(happening(), 1..80),
        read_only: bool,
    ) {
        let mut desk = Desk::new(read_only);
        desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
        let mut waiting = Vec::new();
        for happening in happenings {
            let effects = match happening {
                Happening::Key(combo) => desk.happen(Event::Key(combo)),
                Happening::Paste(text) => desk.happen(Event::Paste(text)),
                Happening::Guests(mut numbers) => {
                    numbers.dedup();
                    desk.inventory(numbers.iter().map(|number| guest(*number, "x")).collect())
                }
                Happening::Wait(milliseconds) => desk.wait(Duration::from_millis(milliseconds)),
                Happening::Drawn(page) => desk.happen(Event::Drawn(page)),
                Happening::Answers(counts) => {
                    let mut effects = Vec::new();
                    for (ticket, count) in waiting.drain(..counts.len().min(waiting.len())).zip(counts) {
                        // The highest count stands for a failure.
                        let result = match count {
                            5 => Err(Failure::new(FailureKind::Server, "")),
                            _ => Ok(Answer::Snapshots(list(&desk, count))),
                        };
                        effects.extend(desk.happen(Event::Fetched(ticket, result)));
                        check(&desk.state);
                    }
                    effects
                }
            };
            waiting.extend(snapshot_questions(&effects));
            prop_assert!(!read_only || runs(&effects) == 0);
            check(&desk.state);
        }
        let leaves = desk.effects.iter().filter(|effect| **effect == Effect::Leave).count();
        prop_assert!(leaves <= 1, "the end is asked for once");
    }
}
