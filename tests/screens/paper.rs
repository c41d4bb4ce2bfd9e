//! A terminal made of paper: draws a state and cuts panes out of it.

use proxdeck::app::State;
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A theme without colours, which pictures cannot show anyway.
pub(crate) fn theme(unicode: bool) -> Theme {
    Theme::load("dark", ColorDepth::True, unicode).unwrap()
}

/// Draws one frame.
pub(crate) fn draw(state: &State, theme: &Theme, (columns, rows): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut viewport = Viewport::default();
    terminal
        .draw(|frame| ui::draw(frame, state, theme, &mut viewport))
        .unwrap();
    terminal.backend().buffer().clone()
}

/// Cuts out the pane whose title begins so, with its frame, as lines without blanks at the end.
pub(crate) fn pane(buffer: &Buffer, title: &str) -> String {
    let area = buffer.area;
    let cell = |x: u16, y: u16| buffer[(x, y)].symbol();
    let line =
        |from: u16, until: u16, y: u16| -> String { (from..until).map(|x| cell(x, y)).collect() };
    let corner = |text: &str| matches!(text, "╭" | "+");
    let (left, top) = (area.y..area.bottom())
        .flat_map(|y| (area.x..area.right()).map(move |x| (x, y)))
        .find(|&(x, y)| corner(cell(x, y)) && line(x + 2, area.right(), y).starts_with(title))
        .unwrap_or_else(|| panic!("no pane {title:?}"));
    let right = (left + 1..area.right())
        .find(|&x| matches!(cell(x, top), "╮" | "+"))
        .unwrap();
    let bottom = (top + 1..area.bottom())
        .find(|&y| matches!(cell(left, y), "╰" | "+"))
        .unwrap();
    let lines: Vec<String> = (top..=bottom)
        .map(|y| line(left, right + 1, y).trim_end().to_owned())
        .collect();
    lines.join("\n")
}
