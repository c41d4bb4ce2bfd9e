//! The command palette.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::app::availability::{Availability, availability};
use crate::app::dialogs::Palette;
use crate::app::keymap::BINDINGS;
use crate::app::{Action, State};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, fit, hint_line, line_at, paragraph, reading_width, width};

/// The lines below the list that tell why the row under the cursor is not possible.
const REASON: usize = 3;
/// The width of the keys before their sentences.
const KEYS: usize = 8;

pub(super) fn draw(frame: &mut Frame<'_>, palette: &Palette, state: &State, theme: &Theme) {
    let screen = frame.area();
    let rows = screen.height.saturating_sub(4).clamp(18, 26);
    let inner = dialog(frame, reading_width(screen), rows, "Commands", theme);
    let columns = usize::from(inner.width);
    draw_typed(frame, inner, palette, theme);
    let height = usize::from(inner.height).saturating_sub(4 + REASON);
    let first = (palette.row + 1).saturating_sub(height);
    let shown = palette.matches.iter().enumerate().skip(first).take(height);
    for ((index, action), line) in shown.zip(2..) {
        let mut row = line_of(*action, palette, state, columns, theme);
        let style = if index == palette.row {
            theme.cursor
        } else {
            ratatui::style::Style::new()
        };
        let line_area = line_at(inner, line);
        frame.render_widget(row.fill(columns).line().style(style), line_area);
    }
    if palette.matches.is_empty() {
        let text = ratatui::text::Line::styled("nothing is called so", theme.dim);
        frame.render_widget(text, line_at(inner, 2));
    }
    let last = usize::from(inner.height).saturating_sub(1);
    if let Some(action) = palette.matches.get(palette.row)
        && let Availability::No(reason) = availability(state, *action)
    {
        let reason = format!("not now: {reason}");
        let lines = paragraph(&[(&reason, theme.warning)], columns, theme.unicode);
        let from = last.saturating_sub(REASON);
        for (mut row, line) in lines.into_iter().take(REASON).zip(from..) {
            frame.render_widget(row.line(), line_at(inner, line));
        }
    }
    let hints = [("Enter", "do it"), ("Up Down", "choose"), ("Esc", "close")];
    frame.render_widget(hint_line(&hints, columns, theme), line_at(inner, last));
}

/// Draws what is typed, with the text cursor in it.
fn draw_typed(frame: &mut Frame<'_>, inner: Rect, palette: &Palette, theme: &Theme) {
    let columns = usize::from(inner.width);
    let mut typed = Row::new(theme.unicode);
    typed.text(": ", theme.accent).text(
        fit(palette.field.value(), columns - 3, theme.unicode),
        theme.text,
    );
    frame.render_widget(typed.line(), line_at(inner, 0));
    let before: String = palette
        .field
        .value()
        .chars()
        .take(palette.field.cursor())
        .collect();
    let x = (2 + width(&before)).min(columns.saturating_sub(1)) as u16;
    frame.set_cursor_position(Position {
        x: inner.x + x,
        y: inner.y,
    });
}

/// Writes an action: its key, its sentence, and that it is not possible, if so.
fn line_of(action: Action, palette: &Palette, state: &State, columns: usize, theme: &Theme) -> Row {
    let keys = state.setting.keymap.keys(palette.of, action);
    let key = keys.first().map(ToString::to_string).unwrap_or_default();
    let help = BINDINGS
        .iter()
        .find(|binding| binding.action == action)
        .map_or("", |binding| binding.help);
    let (text, style) = match availability(state, action) {
        Availability::Yes => (help.to_owned(), theme.text),
        Availability::No(reason) => (format!("{help} ({reason})"), theme.track),
    };
    let mut row = Row::new(theme.unicode);
    row.left(&key, KEYS, theme.accent);
    let room = columns.saturating_sub(KEYS);
    row.text(fit(&text, room, theme.unicode), style);
    row
}
