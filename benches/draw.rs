//! A frame, which must cost the same for a hundred guests and for ten thousand.

use divan::Bencher;
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fleet::{Desk, Watcher};

const FLEETS: [usize; 2] = [100, 10_000];

#[divan::bench(args = FLEETS)]
fn frame_80x24(bencher: Bencher<'_, '_>, guests: usize) {
    frame(bencher, Desk::new(guests), (80, 24));
}

#[divan::bench(args = FLEETS)]
fn frame_200x60(bencher: Bencher<'_, '_>, guests: usize) {
    frame(bencher, Desk::new(guests), (200, 60));
}

/// As seen by somebody whose every key is refused for want of a privilege.
#[divan::bench(args = FLEETS)]
fn auditors_frame_200x60(bencher: Bencher<'_, '_>, guests: usize) {
    frame(bencher, Desk::of(Watcher::Auditor, guests), (200, 60));
}

fn frame(bencher: Bencher<'_, '_>, mut desk: Desk, (columns, rows): (u16, u16)) {
    for _ in 0..70 {
        desk.press("j");
    }
    let theme = Theme::load("dark", ColorDepth::True, true).unwrap();
    let mut viewport = Viewport::default();
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    bencher.bench_local(|| {
        let drawn = terminal.draw(|frame| ui::draw(frame, &desk.state, &theme, &mut viewport));
        drawn.unwrap().count
    });
}
