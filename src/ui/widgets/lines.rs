//! Lines of a place, counted from its top or its bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Returns the line of a place with this number, counted from 0; an empty place below its last.
pub(in crate::ui) fn line_at(area: Rect, line: usize) -> Rect {
    let line = Rect {
        y: area
            .y
            .saturating_add(u16::try_from(line).unwrap_or(u16::MAX)),
        height: 1,
        ..area
    };
    line.intersection(area)
}

/// Returns a line of a place counted from its bottom: 0 is the last.
pub(in crate::ui) fn line_from_bottom(area: Rect, line: usize) -> Rect {
    match usize::from(area.height).checked_sub(line + 1) {
        Some(line) => line_at(area, line),
        None => Rect { height: 0, ..area },
    }
}

/// Draws lines below each other, as many as there is room for.
pub(in crate::ui) fn stack(
    frame: &mut Frame<'_>,
    area: Rect,
    lines: impl IntoIterator<Item = Line<'static>>,
) {
    for (index, line) in lines.into_iter().take(usize::from(area.height)).enumerate() {
        frame.render_widget(line, line_at(area, index));
    }
}
