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
    let rows = (shown.max(1) + quit.choices().len() + 6) as u16;
    let title = match (&quit.to, quit.at_work.is_empty()) {
        (None, true) => "Leave?".to_owned(),
        (None, false) => "Leave with work in hand?".to_owned(),
        (Some(name), true) => format!("Go to {name}?"),
        (Some(name), false) => format!("Go to {name} with work in hand?"),
    };
    let leave = if quit.at_work.is_empty() {
        "leave"
    } else {
        Parting::LeaveNow.as_str()
    };
    let inner = dialog(frame, 68, rows, &title, theme);
    let columns = usize::from(inner.width);
    let mut lines = vec![Line::default()];
    if quit.at_work.is_empty() {
        let text = "  all is done: nothing is at work any more";
        lines.push(Line::styled(text, theme.ok));
    }
    for title in quit.at_work.iter().take(shown) {
        let text = fit(&format!("  {title}"), columns, theme.unicode);
        lines.push(Line::styled(text, theme.strong));
    }
    lines.push(Line::default());
    for (index, parting) in quit.choices().iter().enumerate() {
        let chosen = index == quit.chosen;
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, chosen, theme);
        let text = match parting {
            Parting::LeaveNow => leave,
            Parting::Stay | Parting::Wait | Parting::FinishStep => parting.as_str(),
        };
        row.gap(1)
            .text(text, if chosen { theme.strong } else { theme.text });
        let style = if chosen { theme.cursor } else { Style::new() };
        lines.push(row.fill(columns).line().style(style));
    }
    lines.push(Line::default());
    let hints = [("j k", "choose"), ("Enter", "do it"), ("Esc", "stay")];
    lines.push(hint_line(&hints, columns, theme));
    frame.render_widget(Paragraph::new(lines), inner);
}
