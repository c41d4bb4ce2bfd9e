//! The command palette.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::app::State;
use crate::app::availability::{Availability, availability};
use crate::app::dialogs::Palette;
use crate::app::keymap::BINDINGS;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, fit, hint_line, width};

pub(super) fn draw(frame: &mut Frame<'_>, palette: &Palette, state: &State, theme: &Theme) {
    let inner = dialog(frame, 76, 18, "Commands", theme);
    let columns = usize::from(inner.width);
    let mut typed = Row::new(theme.unicode);
    typed.text(": ", theme.accent).text(
        fit(palette.field.value(), columns - 3, theme.unicode),
        theme.text,
    );
    frame.render_widget(typed.line(), Rect { height: 1, ..inner });
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
    let height = usize::from(inner.height).saturating_sub(4);
    let first = (palette.row + 1).saturating_sub(height);
    for (line, (index, action)) in palette
        .matches
        .iter()
        .enumerate()
        .skip(first)
        .take(height)
        .enumerate()
    {
        let keys = state.setting.keymap.keys(palette.of, *action);
        let key = keys.first().map(ToString::to_string).unwrap_or_default();
        let help = BINDINGS
            .iter()
            .find(|binding| binding.action == *action)
            .map_or("", |binding| binding.help);
        let mut row = Row::new(theme.unicode);
        row.left(&key, 8, theme.accent);
        match availability(state, *action) {
            Availability::Yes => row.text(
                fit(help, columns.saturating_sub(8), theme.unicode),
                theme.text,
            ),
            Availability::No(reason) => row.text(
                fit(
                    &format!("{help} ({reason})"),
                    columns.saturating_sub(8),
                    theme.unicode,
                ),
                theme.track,
            ),
        };
        let style = if index == palette.row {
            theme.cursor
        } else {
            ratatui::style::Style::new()
        };
        let area = Rect {
            y: inner.y + 2 + line as u16,
            height: 1,
            ..inner
        };
        frame.render_widget(row.fill(columns).line().style(style), area);
    }
    if palette.matches.is_empty() {
        let area = Rect {
            y: inner.y + 2,
            height: 1,
            ..inner
        };
        frame.render_widget(
            ratatui::text::Line::styled("nothing is called so", theme.dim),
            area,
        );
    }
    let hints = [("Enter", "do it"), ("Up Down", "choose"), ("Esc", "close")];
    let area = Rect {
        y: inner.bottom().saturating_sub(1),
        height: 1,
        ..inner
    };
    frame.render_widget(hint_line(&hints, columns, theme), area);
}
