//! The question whether to leave work in hand.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::dialogs::{Parting, Quit};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line};

pub(super) fn draw(frame: &mut Frame<'_>, quit: &Quit, theme: &Theme) {
    let shown = quit.at_work.len().min(6);
    let rows = (shown + Parting::ORDER.len() + 6) as u16;
    let inner = dialog(frame, 68, rows, "Leave with work in hand?", theme);
    let columns = usize::from(inner.width);
    let mut lines = vec![Line::default()];
    for title in quit.at_work.iter().take(shown) {
        let text = fit(&format!("  {title}"), columns, theme.unicode);
        lines.push(Line::styled(text, theme.strong));
    }
    lines.push(Line::default());
    for (index, parting) in Parting::ORDER.iter().enumerate() {
        let chosen = index == quit.chosen;
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, chosen, theme);
        row.gap(1).text(
            parting.as_str(),
            if chosen { theme.strong } else { theme.text },
        );
        let style = if chosen { theme.cursor } else { Style::new() };
        lines.push(row.fill(columns).line().style(style));
    }
    lines.push(Line::default());
    let hints = [("Up Down", "choose"), ("Enter", "do it"), ("Esc", "stay")];
    lines.push(hint_line(&hints, columns, theme));
    frame.render_widget(Paragraph::new(lines), inner);
}
