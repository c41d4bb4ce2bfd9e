//! The frames of panes and dialogs.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Borders, Clear};

use super::{Row, fit, width};
use crate::ui::theme::Theme;

fn borders(theme: &Theme) -> Block<'static> {
    let block = Block::new().borders(Borders::ALL);
    if theme.unicode {
        return block.border_type(BorderType::Rounded);
    }
    block.border_set(ratatui::symbols::border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    })
}

/// Draws the frame of a pane and returns what is inside.
pub(in crate::ui) fn pane(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    note: &str,
    focused: bool,
    theme: &Theme,
) -> Rect {
    let style = if focused { theme.focus } else { theme.border };
    let title_style = if focused { theme.focus } else { theme.strong };
    let most = usize::from(area.width).saturating_sub(6);
    let title = fit(title, most, theme.unicode);
    let room = most.saturating_sub(width(&title) + 2);
    let mut block = borders(theme)
        .border_style(style)
        .title(framed(&title, title_style));
    // The note gives way to the title on a narrow screen.
    if !note.is_empty() && room >= width(note) {
        block = block.title(framed(note, theme.dim).right_aligned());
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn framed(text: &str, style: Style) -> Line<'static> {
    Line::from(vec![
        Span::raw(" "),
        Span::styled(text.to_owned(), style),
        Span::raw(" "),
    ])
}

/// Returns how wide a dialog with sentences is: as wide as there is room, and as is read with ease.
pub(in crate::ui) fn reading_width(screen: Rect) -> u16 {
    screen.width.saturating_sub(4).min(112)
}

/// Clears a place in the middle of the screen for a dialog and returns what is inside its frame.
pub(in crate::ui) fn dialog(
    frame: &mut Frame<'_>,
    columns: u16,
    rows: u16,
    title: &str,
    theme: &Theme,
) -> Rect {
    let area = centred(frame.area(), columns, rows);
    frame.render_widget(Clear, area);
    let most = usize::from(area.width).saturating_sub(6);
    let title = fit(title, most, theme.unicode);
    let block = borders(theme)
        .border_style(theme.focus)
        .title(framed(&title, theme.strong));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    Rect {
        x: inner.x + 1,
        width: inner.width.saturating_sub(2),
        ..inner
    }
}

/// Returns a rectangle of at most this size in the middle of another.
pub(in crate::ui) fn centred(area: Rect, columns: u16, rows: u16) -> Rect {
    let (columns, rows) = (columns.min(area.width), rows.min(area.height));
    Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - rows) / 2,
        width: columns,
        height: rows,
    }
}

/// Makes a line of keys and what they do.
pub(in crate::ui) fn hint_line(
    hints: &[(&str, &str)],
    most: usize,
    theme: &Theme,
) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    for (key, what) in hints {
        if row.used() + width(key) + width(what) + 3 > most {
            break;
        }
        row.text(*key, theme.accent)
            .text(format!(" {what}"), theme.dim)
            .gap(2);
    }
    row.line()
}
