//! The network profile of guests: the changes in a list that scrolls, and the fields below it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::form::{LABEL, draw_hints, draw_items, item_rows};
use crate::app::dialogs::{NetworkDialog, NetworkLine, PassAnswer};
use crate::domain::network::{Change, Verdict};
use crate::ui::theme::Theme;
use crate::ui::viewport::Viewport;
use crate::ui::widgets::{Row, beyond, dialog, line_at, stack, wrapped};

/// The dialog is never wider than this.
const WIDEST: u16 = 130;
/// From this width on it leaves something of the screen behind it in sight.
const SPACIOUS: u16 = 100;
/// The lines that are always there beside the fields: two gaps and the keys.
const FIXED: usize = 3;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    network: &NetworkDialog,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    let margin = if screen.width < SPACIOUS { 0 } else { 6 };
    let columns = screen.width.saturating_sub(margin).min(WIDEST);
    let text = usize::from(columns).saturating_sub(4);
    let rows: Vec<Row> = if network.form.shows_calls {
        calls(network, text, theme)
    } else {
        let lines = network.lines().into_iter();
        lines.flat_map(|line| rows_of(&line, text, theme)).collect()
    };
    let answers: Vec<Row> = network
        .answers
        .iter()
        .flat_map(|answer| answer_rows(answer, text, theme))
        .collect();
    let fields = item_rows(&network.form, text, theme);
    let most = screen.height.saturating_sub(2);
    let fixed = answers.len() + fields.len() + FIXED;
    let height = rows.len().max(3) + fixed + 2;
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(most);
    let inner = dialog(frame, columns, height, &network.form.title, theme);
    let room = usize::from(inner.height).saturating_sub(fixed);
    viewport.page = room;
    let last = rows.len().saturating_sub(room);
    let first = network.row.min(last);
    let shown = rows.into_iter().skip(first).take(room);
    stack(frame, inner, shown.map(|mut row| row.line()));
    let beyond = beyond(first, last - first, theme).line();
    frame.render_widget(beyond, line_at(inner, room));
    let below = Rect {
        y: inner.y + u16::try_from(room).unwrap_or(0) + 1,
        height: u16::try_from(fields.len()).unwrap_or(0),
        ..inner
    };
    draw_items(frame, below, fields);
    let answered = Rect {
        y: below.bottom(),
        height: u16::try_from(answers.len()).unwrap_or(0),
        ..inner
    };
    let answers = answers.into_iter();
    stack(frame, answered, answers.map(|mut row| row.line()));
    let hints = if last > 0 {
        &[("PgDn", "scroll")][..]
    } else {
        &[]
    };
    draw_hints(frame, inner, &network.form, hints, theme);
}

/// Makes the lines about one line of the dialog; a long one goes on below itself.
fn rows_of(line: &NetworkLine<'_>, columns: usize, theme: &Theme) -> Vec<Row> {
    let signs = if theme.unicode {
        Signs {
            new: "+",
            changed: "~",
            gone: "−",
            grave: "▲",
            warning: "△",
        }
    } else {
        Signs {
            new: "+",
            changed: "~",
            gone: "-",
            grave: "!",
            warning: "-",
        }
    };
    match line {
        NetworkLine::Guest(fenced) => {
            let mut row = Row::new(theme.unicode);
            row.text(fenced.guest.to_string(), theme.strong);
            if let Some(plan) = &fenced.plan {
                let text = match plan.differences().count() {
                    0 => "as the profile says".to_owned(),
                    1 => "1 difference".to_owned(),
                    count => format!("{count} differences"),
                };
                row.gap(2).text(text, theme.dim);
            }
            vec![row]
        }
        NetworkLine::Difference(change) => {
            let (sign, style) = sign_of(change, &signs, theme);
            marked(sign, style, &change.to_string(), theme.text, columns, theme)
        }
        NetworkLine::Refreshes(count) => {
            let text = match count {
                1 => "1 address is brought up to date, which is no difference".to_owned(),
                count => {
                    format!("{count} addresses are brought up to date, which is no difference")
                }
            };
            marked(" ", theme.dim, &text, theme.dim, columns, theme)
        }
        NetworkLine::Warning(warning) => {
            let (sign, style) = if warning.is_grave() {
                (signs.grave, theme.critical)
            } else {
                (signs.warning, theme.warning)
            };
            marked(sign, style, &warning.to_string(), style, columns, theme)
        }
        NetworkLine::Objection(objection) => {
            let text = objection.to_string();
            marked(
                signs.grave,
                theme.critical,
                &text,
                theme.critical,
                columns,
                theme,
            )
        }
        NetworkLine::Failure(failure) => {
            let text = format!("its firewall cannot be read: {failure}");
            marked(
                signs.grave,
                theme.critical,
                &text,
                theme.critical,
                columns,
                theme,
            )
        }
        NetworkLine::Foreign(foreign) => {
            let text = format!(
                "rule {} stays, it is not ours: {}",
                foreign.position, foreign.rule
            );
            marked(" ", theme.dim, &text, theme.dim, columns, theme)
        }
        NetworkLine::Nothing => {
            let text = "It is as the profile says; there is nothing to do.";
            marked(" ", theme.ok, text, theme.ok, columns, theme)
        }
        NetworkLine::Reading => {
            let text = "Reading firewalls and resolving names…";
            marked(" ", theme.dim, text, theme.dim, columns, theme)
        }
    }
}

/// The signs before lines.
struct Signs {
    new: &'static str,
    changed: &'static str,
    gone: &'static str,
    grave: &'static str,
    warning: &'static str,
}

fn sign_of(change: &Change, signs: &Signs, theme: &Theme) -> (&'static str, Style) {
    match (&change.before, &change.after) {
        (None, Some(_)) => (signs.new, theme.ok),
        (Some(_) | None, None) => (signs.gone, theme.warning),
        (Some(_), Some(_)) => (signs.changed, theme.accent),
    }
}

/// Puts a sign before a text that goes on below itself.
fn marked(
    sign: &str,
    sign_style: Style,
    text: &str,
    style: Style,
    columns: usize,
    theme: &Theme,
) -> Vec<Row> {
    let lines = wrapped(text, columns.saturating_sub(4).max(10)).into_iter();
    lines
        .enumerate()
        .map(|(index, line)| {
            let mut row = Row::new(theme.unicode);
            row.gap(1)
                .left(if index == 0 { sign } else { "" }, 1, sign_style)
                .gap(1)
                .text(line, style);
            row
        })
        .collect()
}

/// Makes the lines of what is said about the destination that is typed.
fn answer_rows(answer: &PassAnswer, columns: usize, theme: &Theme) -> Vec<Row> {
    let style = match answer.verdict {
        None => theme.dim,
        Some(Verdict::Passes) => theme.ok,
        Some(Verdict::Stopped | Verdict::Unclear) => theme.warning,
    };
    let lines = wrapped(&answer.text, columns.saturating_sub(LABEL).max(10)).into_iter();
    lines
        .enumerate()
        .map(|(index, line)| {
            let mut row = Row::new(theme.unicode);
            let label = if index == 0 { answer.label } else { "" };
            row.gap(1)
                .left(label, LABEL - 1, theme.dim)
                .text(line, style);
            row
        })
        .collect()
}

/// Makes the lines of the calls that it will make, which stand in the place of the plan.
fn calls(network: &NetworkDialog, columns: usize, theme: &Theme) -> Vec<Row> {
    let calls = network.calls();
    if calls.is_empty() {
        return marked(
            " ",
            theme.dim,
            "It will make no calls.",
            theme.dim,
            columns,
            theme,
        );
    }
    calls
        .iter()
        .flat_map(|call| {
            marked(
                " ",
                theme.dim,
                &call.to_string(),
                theme.text,
                columns,
                theme,
            )
        })
        .collect()
}
