//! The scrolled rows of a table under its titles.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::ui::theme::Theme;
use crate::ui::viewport::scroll_to;

/// Where a table is, and which part of it.
#[derive(Debug)]
pub(in crate::ui) struct Table<'a> {
    /// The inside of its pane.
    pub(in crate::ui) inner: Rect,
    /// The line of its titles.
    pub(in crate::ui) titles: Line<'static>,
    /// The row that stays in sight.
    pub(in crate::ui) cursor: Option<usize>,
    /// Whether that row is shown as the one under the cursor.
    pub(in crate::ui) shows_cursor: bool,
    /// The first shown row, from frame to frame.
    pub(in crate::ui) offset: &'a mut usize,
}

impl Table<'_> {
    /// Draws the rows that are in sight, and no others; returns how many there is room for.
    pub(in crate::ui) fn draw<T>(
        self,
        frame: &mut Frame<'_>,
        rows: &[T],
        theme: &Theme,
        line: impl Fn(&T, bool) -> Line<'static>,
    ) -> usize {
        let inner = self.inner;
        let height = usize::from(inner.height).saturating_sub(1);
        scroll_to(self.offset, self.cursor, height, rows.len());
        frame.render_widget(self.titles, Rect { height: 1, ..inner });
        let shown = rows.iter().enumerate().skip(*self.offset).take(height);
        for ((index, row), y) in shown.zip(inner.y + 1..) {
            let at_cursor = self.shows_cursor && self.cursor == Some(index);
            let style = if at_cursor {
                theme.cursor
            } else {
                Style::new()
            };
            let area = Rect {
                y,
                height: 1,
                ..inner
            };
            frame.render_widget(line(row, at_cursor).style(style), area);
        }
        height
    }
}
