//! The full text of a failure.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use crate::app::dialogs::FailureText;
use crate::ui::theme::Theme;
use crate::ui::widgets::{dialog, hint_line, line_from_bottom};

pub(super) fn draw(frame: &mut Frame<'_>, text: &FailureText, theme: &Theme) {
    let failure = &text.failure;
    let mut lines = vec![
        Line::default(),
        Line::styled(text.heading, theme.critical),
        Line::default(),
        Line::styled(failure.message.to_string(), theme.strong),
    ];
    if !failure.advised().is_empty() {
        lines.push(Line::default());
        lines.push(Line::styled(failure.advised().to_owned(), theme.text));
    }
    if !failure.details.is_empty() {
        lines.push(Line::default());
        lines.extend(
            failure
                .details
                .iter()
                .map(|detail| Line::styled(detail.to_string(), theme.dim)),
        );
    }
    for left in &text.left {
        lines.push(Line::default());
        let offer = format!(
            "{} exists and is not what was wanted. D destroys it, when its number and name are typed.",
            left.guest
        );
        lines.push(Line::styled(offer, theme.warning));
    }
    let inner = dialog(
        frame,
        90,
        (lines.len() + 8).min(40) as u16,
        text.title.as_str(),
        theme,
    );
    let body = Rect {
        height: inner.height.saturating_sub(2),
        ..inner
    };
    let scroll = u16::try_from(text.scroll).unwrap_or(u16::MAX);
    frame.render_widget(
        Paragraph::new(lines)
            .wrap(Wrap { trim: false })
            .scroll((scroll, 0)),
        body,
    );
    let mut hints = vec![("j k", "scroll"), ("y", "copy"), ("Esc", "close")];
    if !text.left.is_empty() {
        hints.insert(0, ("D", "destroy what is left"));
    }
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, usize::from(inner.width), theme), bottom);
}
