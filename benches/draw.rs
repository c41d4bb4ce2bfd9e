//! A frame, which must cost the same for a hundred guests and for ten thousand.

use divan::Bencher;
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fleet::Desk;

const FLEETS: [usize; 2] = [100, 10_000];

#[divan::bench(args = FLEETS)]
fn frame_80x24(bencher: Bencher<'_, '_>, guests: usize) {
    frame(bencher, guests, (80, 24));
}

#[divan::bench(args = FLEETS)]
fn frame_200x60(bencher: Bencher<'_, '_>, guests: usize) {
    frame(bencher, guests, (200, 60));
}

fn frame(bencher: Bencher<'_, '_>, guests: usize, (columns, rows): (u16, u16)) {
    let mut desk = Desk::new(guests);
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
