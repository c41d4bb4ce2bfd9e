//! A frame costs what is on the screen, not what is in the cluster.

use allocation_counter::AllocationInfo;
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fleet::{Desk, Watcher};

const VIEWS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];
const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];

/// So many guests fill every table on the screen, that of their alerts too.
const ENOUGH: usize = 500;

/// So many guests have their fences read before anything is drawn.
const FENCES: usize = 24;

/// Counts what one frame of each view allocates, in each size.
fn frames(mut desk: Desk) -> Vec<(String, AllocationInfo)> {
    desk.read_until(|desk| desk.fences >= FENCES);
    // What was read of projects is reckoned with at the next reading.
    let reading = desk.reading(50);
    desk.happen(reading);
    let fold = desk.state.profiles.fold("api_access");
    assert!(
        !fold.kept.is_empty() && !fold.drifted.is_empty(),
        "{fold:?}"
    );
    let theme = Theme::load("dark", ColorDepth::True, true).unwrap();
    let mut costs = Vec::new();
    for view in VIEWS {
        desk.press(view);
        for _ in 0..70 {
            desk.press("j");
        }
        for (columns, rows) in SIZES {
            let mut viewport = Viewport::default();
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            let mut draw = || {
                let drawn =
                    terminal.draw(|frame| ui::draw(frame, &desk.state, &theme, &mut viewport));
                drawn.unwrap();
            };
            // The first frame fills what is kept from frame to frame.
            draw();
            let cost = allocation_counter::measure(draw);
            costs.push((format!("view {view} at {columns}x{rows}"), cost));
        }
    }
    costs
}

/// Holds the frames of a large fleet against those of a small one.
fn compare(what: &str, desk: impl Fn(usize) -> Desk) {
    for ((frame, few), (_, many)) in frames(desk(ENOUGH)).into_iter().zip(frames(desk(10_000))) {
        // Numbers and names are longer by a digit or two.
        let most = |few: u64| few + few / 10 + 64;
        assert!(
            many.count_total <= most(few.count_total),
            "{what}, {frame}: {} allocations for {ENOUGH} guests, {} for 10,000",
            few.count_total,
            many.count_total
        );
        assert!(
            many.bytes_total <= most(few.bytes_total),
            "{what}, {frame}: {} bytes allocated for {ENOUGH} guests, {} for 10,000",
            few.bytes_total,
            many.bytes_total
        );
    }
}

#[test]
fn a_frame_of_ten_thousand_guests_allocates_what_one_of_some_hundred_does() {
    compare("an operator", Desk::new);
}

#[test]
fn it_does_for_who_may_change_nothing() {
    compare("an auditor", |guests| Desk::of(Watcher::Auditor, guests));
}

#[test]
fn it_does_with_all_of_them_marked() {
    for watcher in [Watcher::Operator, Watcher::Auditor] {
        compare(&format!("all marked, {watcher:?}"), |guests| {
            let mut desk = Desk::of(watcher, guests);
            desk.press("1");
            desk.press("*");
            desk
        });
    }
}
