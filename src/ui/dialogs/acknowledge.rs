//! The dialog in which an alert is taken in hand.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use crate::app::dialogs::AckDialog;
use crate::domain::text::clean;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, hint_line, reading_width, width};

const LABEL: &str = "note  ";

pub(super) fn draw(frame: &mut Frame<'_>, ack: &AckDialog, theme: &Theme) {
    let columns = reading_width(frame.area()).min(84);
    let inner = dialog(frame, columns, 11, "Acknowledge", theme);
    let lines = vec![
        Line::default(),
        Line::styled(ack.alert.clone(), theme.strong),
        Line::styled(
            format!(
                "{} has it in hand until it ends, at most 8 hours. Only this machine knows.",
                clean(&ack.by)
            ),
            theme.dim,
        ),
    ];
    let body = Rect {
        height: inner.height.saturating_sub(4),
        ..inner
    };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), body);
    let line = |y: u16| Rect {
        y,
        height: 1,
        ..inner
    };
    let typed = ack.note.value();
    let room = usize::from(inner.width).saturating_sub(width(LABEL) + 1);
    // The end of a long note is where it is written.
    let before: String = typed.chars().take(ack.note.cursor()).collect();
    let mut shown = typed.to_owned();
    let mut cursor = width(&before);
    while cursor > room && !shown.is_empty() {
        let first = shown.remove(0);
        cursor -= width(&first.to_string());
    }
    let mut row = Row::new(theme.unicode);
    row.text(LABEL, theme.dim).left(&shown, room, theme.text);
    let at = inner.bottom().saturating_sub(3);
    frame.render_widget(row.line(), line(at));
    let column = u16::try_from(width(LABEL) + cursor).unwrap_or(0);
    frame.set_cursor_position(Position::new(inner.x + column, at));
    let hints = [("Enter", "acknowledge"), ("Esc", "leave it")];
    let hints = hint_line(&hints, usize::from(inner.width), theme);
    frame.render_widget(hints, line(inner.bottom().saturating_sub(1)));
}
