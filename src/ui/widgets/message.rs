//! What stands in a pane that has nothing to show, and why.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use crate::ui::theme::Theme;

/// Says why a pane is empty and what helps.
pub(in crate::ui) fn message(
    frame: &mut Frame<'_>,
    area: Rect,
    what: &str,
    advice: &str,
    theme: &Theme,
) {
    let mut lines = vec![Line::styled(what.to_owned(), theme.strong)];
    if !advice.is_empty() {
        lines.push(Line::styled(advice.to_owned(), theme.dim));
    }
    let inside = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), inside);
}
