//! The question for the password or a second factor; what is secret is shown as dots.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::State;
use crate::app::dialogs::SignInDialog;
use crate::domain::sign_in::{SecondFactor, Wanted};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, hint_line, width, wrapped};

pub(super) fn draw(frame: &mut Frame<'_>, sign_in: &SignInDialog, state: &State, theme: &Theme) {
    let columns = frame.area().width.saturating_sub(4).min(76);
    let inside = usize::from(columns).saturating_sub(4);
    let mut lines = vec![Line::default()];
    let account = &state.setting.account;
    let text = match &sign_in.wanted {
        Wanted::Password => format!("{account} at {}", state.setting.endpoint),
        Wanted::SecondFactor(_) => format!("{account}: the password is right, one thing more"),
    };
    lines.extend(styled(&text, inside, theme.strong));
    lines.extend(refusal(sign_in, inside, theme));
    lines.push(Line::default());
    lines.extend(methods(sign_in, inside, theme));
    let label = match sign_in.method() {
        None => "password  ",
        Some(SecondFactor::Totp) => "code  ",
        Some(SecondFactor::Recovery) => "key  ",
    };
    let field = lines.len();
    // A dot that is typed beyond the edge changes nothing that can be seen.
    let room = inside.saturating_sub(width(label) + 1);
    let typed: String = match sign_in.method() {
        Some(SecondFactor::Totp) => sign_in.typed.expose().chars().take(room).collect(),
        Some(SecondFactor::Recovery) | None => {
            let dot = if theme.unicode { "•" } else { "*" };
            dot.repeat(sign_in.typed.len().min(room))
        }
    };
    let mut row = Row::new(theme.unicode);
    row.text(label, theme.dim).text(&*typed, theme.text);
    lines.push(row.line());
    lines.push(Line::default());
    let wait = sign_in.waits(state.now.moment);
    lines.push(if sign_in.is_asking {
        Line::styled("asking the server …", theme.dim)
    } else if wait.is_zero() {
        let hints: &[(&str, &str)] = if sign_in.methods().len() > 1 {
            &[
                ("Enter", "sign in"),
                ("Up Down", "another way"),
                ("Esc", "not now"),
            ]
        } else {
            &[("Enter", "sign in"), ("Esc", "not now")]
        };
        hint_line(hints, inside, theme)
    } else {
        // The tick counts it down.
        let text = format!("the next try can be made in {} s", wait.as_secs() + 1);
        Line::styled(text, theme.warning)
    });
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let inner = dialog(frame, columns, rows, "Sign in", theme);
    frame.render_widget(Paragraph::new(lines), inner);
    let at = inner.y + u16::try_from(field).unwrap_or(0);
    if at < inner.bottom() && !sign_in.is_asking {
        let column = u16::try_from(width(label) + width(&typed)).unwrap_or(0);
        frame.set_cursor_position(Position::new(inner.x + column, at));
    }
}

fn styled(text: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    let lines = wrapped(text, columns);
    lines
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

/// Says why the last try failed, and what to do about it.
fn refusal(sign_in: &SignInDialog, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(failure) = &sign_in.refusal else {
        return Vec::new();
    };
    let mut lines = styled(&failure.to_string(), columns, theme.critical);
    lines.extend(styled(failure.advised(), columns, theme.dim));
    lines
}

/// The second factors to choose from, and those that have to be given elsewhere.
fn methods(sign_in: &SignInDialog, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Wanted::SecondFactor(challenge) = &sign_in.wanted else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for method in sign_in.methods() {
        let chosen = sign_in.method() == Some(method);
        let left = match (method, challenge.recovery) {
            (SecondFactor::Recovery, Some(left)) => format!(", {left} left"),
            (SecondFactor::Recovery, None) | (SecondFactor::Totp, _) => String::new(),
        };
        let mut row = Row::new(theme.unicode);
        cursor_mark(&mut row, chosen, theme);
        let style = if chosen { theme.strong } else { theme.text };
        row.gap(1).text(format!("{}{left}", method.as_str()), style);
        lines.push(row.line());
    }
    if let Some(regret) = challenge.regret() {
        lines.extend(styled(&regret, columns, theme.dim));
    }
    lines.push(Line::default());
    lines
}
