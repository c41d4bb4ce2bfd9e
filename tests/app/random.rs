//! Whatever happens in whatever order, nothing panics and what must hold holds.

use std::time::Duration;

use proptest::prelude::*;
use proxdeck::app::keymap::{Combo, KeyCode};
use proxdeck::app::{Effect, Event, State};

use crate::world::{Desk, guest, runs};

#[derive(Debug, Clone)]
enum Happening {
    Key(Combo),
    Paste(String),
    Guests(Vec<u64>),
    Wait(u64),
    Drawn(usize),
}

fn key() -> impl Strategy<Value = Combo> {
    let letters = prop::sample::select(
        "jkgGsqrzl/oO*yx: ?123456789Kdxnpb"
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
    assert!(state.focus.view().panes().contains(&state.focus));
    assert!(state.toasts.len() <= 20);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_events_never_panic_and_read_only_never_changes_anything(
        happenings in prop::collection::vec(happening(), 1..80),
        read_only: bool,
    ) {
        let mut desk = Desk::new(read_only);
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
            };
            prop_assert!(!read_only || runs(&effects) == 0);
            check(&desk.state);
        }
        let leaves = desk.effects.iter().filter(|effect| **effect == Effect::Leave).count();
        prop_assert!(leaves <= 1, "the end is asked for once");
    }
}
