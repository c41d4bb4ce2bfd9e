//! The dialog that explains a guest's lock.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use crate::app::dialogs::LockDialog;
use crate::ui::theme::Theme;
use crate::ui::widgets::{dialog, hint_line, line_from_bottom, reading_width};

pub(super) fn draw(frame: &mut Frame<'_>, lock: &LockDialog, theme: &Theme) {
    let columns = reading_width(frame.area()).min(84);
    let mut lines = vec![Line::default()];
    let mut command = None;
    match &lock.advice {
        None => lines.push(Line::styled("It is not locked any more.", theme.ok)),
        Some(advice) => {
            for sentence in &advice.sentences {
                lines.push(Line::styled(sentence.clone(), theme.text));
                lines.push(Line::default());
            }
            command = advice.command.as_ref();
        }
    }
    if let Some(failure) = lock.running.failure().filter(|_| lock.advice.is_some()) {
        let text = format!("Its tasks could not be read: {failure}");
        lines.push(Line::styled(text, theme.warning));
    }
    if let Some(command) = command {
        lines.push(Line::styled(format!("  {command}"), theme.strong));
    }
    let rows = u16::try_from(lines.len() + 9).unwrap_or(u16::MAX).min(22);
    let title = format!("The lock of {} on {}", lock.guest, lock.guest.node);
    let inner = dialog(frame, columns, rows, &title, theme);
    let body = Rect {
        height: inner.height.saturating_sub(2),
        ..inner
    };
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), body);
    let mut hints = vec![("Esc", "close")];
    if command.is_some() {
        hints.insert(0, ("y", "copy the command"));
    }
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, usize::from(inner.width), theme), bottom);
}
