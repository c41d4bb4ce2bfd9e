//! The question whether to leave work in hand.

use ratatui::Frame;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::dialogs::Quit;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, fit, hint_line};

pub(super) fn draw(frame: &mut Frame<'_>, quit: &Quit, theme: &Theme) {
    let rows = (quit.at_work.len().min(6) + 8) as u16;
    let inner = dialog(frame, 64, rows, "Leave with work in hand?", theme);
    let columns = usize::from(inner.width);
    let mut lines = vec![Line::default()];
    for title in quit.at_work.iter().take(6) {
        lines.push(Line::styled(
            fit(&format!("  {title}"), columns, theme.unicode),
            theme.strong,
        ));
    }
    lines.push(Line::styled(
        "  The server goes on with its task; nobody will look at its end.",
        theme.dim,
    ));
    lines.push(Line::default());
    let mut choice = Row::new(theme.unicode);
    for (text, chosen) in [("stay", !quit.leaves), ("leave", quit.leaves)] {
        choice.gap(2).text(
            format!("[ {text} ]"),
            if chosen {
                theme.cursor.patch(theme.strong)
            } else {
                theme.text
            },
        );
    }
    lines.push(choice.line());
    lines.push(Line::default());
    lines.push(hint_line(
        &[("Tab", "choose"), ("Enter", "do it"), ("Esc", "stay")],
        columns,
        theme,
    ));
    frame.render_widget(Paragraph::new(lines), inner);
}
