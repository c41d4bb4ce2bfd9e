//! What is known of one thing, as labelled texts below each other.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Row, stack, wrapped};
use crate::ui::theme::Theme;

/// The width of the labels.
const LABEL: usize = 12;

/// One labelled text of a card.
pub(in crate::ui) type CardRow = (&'static str, String, Style);

/// Draws labelled texts, each of which goes on below itself; says so where they do not all fit.
pub(in crate::ui) fn card(frame: &mut Frame<'_>, inner: Rect, rows: &[CardRow], theme: &Theme) {
    let columns = usize::from(inner.width).saturating_sub(LABEL + 2);
    let mut lines: Vec<Row> = Vec::new();
    for (label, text, style) in rows {
        for (index, text) in wrapped(text, columns).into_iter().enumerate() {
            lines.push(line(
                if index == 0 { label } else { "" },
                text,
                *style,
                theme,
            ));
        }
    }
    let room = usize::from(inner.height);
    if lines.len() > room {
        let hidden = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        let noun = if hidden == 1 { "line" } else { "lines" };
        lines.push(line("", format!("{hidden} more {noun}"), theme.dim, theme));
    }
    stack(frame, inner, lines.into_iter().map(|mut row| row.line()));
}

fn line(label: &str, text: String, style: Style, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    row.gap(1).left(label, LABEL, theme.dim).text(text, style);
    row
}
