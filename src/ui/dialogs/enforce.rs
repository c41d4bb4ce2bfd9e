//! The enforcement plan: what is done about projects over their budgets, and why.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::dialogs::{EnforceDialog, EnforceLine};
use crate::domain::enforcement::{Action, ProjectPlan, Step};
use crate::domain::quota::Tier;
use crate::domain::throttle::Found;
use crate::ui::panes::budget::{amount, short, style_of, tier_mark};
use crate::ui::theme::Theme;
use crate::ui::viewport::{Viewport, scroll_to};
use crate::ui::widgets::{
    Row, beyond, cursor_mark, dialog, fit, hint_line, line_from_bottom, stack, width, wrapped,
};

/// The dialog is never wider than this.
const WIDEST: u16 = 150;
/// From this width on it leaves something of the screen behind it in sight.
const SPACIOUS: u16 = 100;
/// The word of a step.
const ACTION: usize = 10;
/// The lines that are always there, without the frame: a gap, the problem, the count and the keys.
const FIXED: usize = 4;

pub(super) fn draw(
    frame: &mut Frame<'_>,
    enforce: &EnforceDialog,
    theme: &Theme,
    viewport: &mut Viewport,
) {
    let screen = frame.area();
    let margin = if screen.width < SPACIOUS { 0 } else { 6 };
    let columns = screen.width.saturating_sub(margin).min(WIDEST);
    let most = screen.height.saturating_sub(4);
    let text = usize::from(columns).saturating_sub(4);
    let text = text.saturating_sub(1);
    let parts: Vec<Vec<Row>> = if enforce.plan.is_none() {
        let mut row = Row::new(theme.unicode);
        row.text("Reading projects and throttles…", theme.dim);
        vec![vec![row]]
    } else if enforce.shows_calls {
        calls(enforce, text, theme)
    } else {
        let lines = enforce.lines().into_iter();
        lines.map(|line| lines_of(&line, text, theme)).collect()
    };
    let rows: Vec<(usize, Row)> = parts
        .into_iter()
        .enumerate()
        .flat_map(|(index, part)| part.into_iter().map(move |row| (index, row)))
        .collect();
    let height = u16::try_from(rows.len().max(3) + FIXED + 2).unwrap_or(u16::MAX);
    let title = if enforce.read_only {
        "Enforcement plan (read-only)"
    } else {
        "Enforcement plan"
    };
    let inner = dialog(frame, columns, height.min(most), title, theme);
    let room = usize::from(inner.height).saturating_sub(FIXED);
    viewport.page = room;
    let is_chosen = |(index, _): &(usize, Row)| enforce.plan.is_some() && *index == enforce.row;
    let cursor = rows.iter().position(is_chosen);
    let last = rows.iter().rposition(is_chosen);
    scroll_to(&mut viewport.enforcement, last, room, rows.len());
    scroll_to(&mut viewport.enforcement, cursor, room, rows.len());
    let first = viewport.enforcement;
    let beyond = beyond(first, rows.len().saturating_sub(first + room), theme).line();
    frame.render_widget(beyond, line_from_bottom(inner, FIXED - 1));
    let shown = rows.into_iter().enumerate().skip(first).take(room);
    let lines = shown.map(|(at, (_, row))| {
        let mut line = Row::new(theme.unicode);
        cursor_mark(&mut line, cursor == Some(at), theme);
        line.append(row);
        line.line()
    });
    stack(frame, inner, lines);
    draw_foot(frame, inner, enforce, theme);
}

/// Makes the lines about one line of the plan; a long one goes on below itself.
fn lines_of(line: &EnforceLine<'_>, columns: usize, theme: &Theme) -> Vec<Row> {
    match line {
        EnforceLine::Project(project) => vec![project_line(project, columns, theme)],
        EnforceLine::Step(step) => {
            let style = match step.action {
                Action::Shutdown(_) => theme.critical,
                Action::Throttle(_) => theme.warning,
                Action::Unthrottle => theme.ok,
                Action::Warn | Action::Notify(_) => theme.text,
            };
            labelled(step.action.as_str(), &sentence(step), style, columns, theme)
        }
        EnforceLine::LeftAlone(left) => {
            let text = format!("{} stays: {}", left.guest, left.why);
            labelled("", &text, theme.dim, columns, theme)
        }
        EnforceLine::Note(note) => labelled("", note, theme.dim, columns, theme),
        EnforceLine::Caveat(caveat) => {
            let lines = wrapped(caveat, columns).into_iter();
            lines
                .map(|line| {
                    let mut row = Row::new(theme.unicode);
                    row.text(line, theme.warning);
                    row
                })
                .collect()
        }
    }
}

fn project_line(project: &ProjectPlan, columns: usize, theme: &Theme) -> Row {
    let mut row = Row::new(theme.unicode);
    row.text(
        fit(project.project().name(), 24, theme.unicode),
        theme.strong,
    );
    row.gap(1);
    let tier = project.tier().unwrap_or(Tier::Unknown);
    if let Some((mark, style)) = tier_mark(tier, theme) {
        row.gap(1).text(mark, style);
    }
    let idle = project.steps().is_empty();
    let style = if tier >= Tier::Warn {
        style_of(tier, theme)
    } else {
        theme.dim
    };
    row.gap(1).text(tier.as_str(), style);
    if project.found().is_some_and(Found::is_throttled) {
        row.text(", throttled", theme.warning);
    }
    let over: Vec<String> = project
        .usage()
        .iter()
        .filter(|usage| usage.tier >= Tier::Warn)
        .map(|usage| {
            let bound = usage.quota.bound().unwrap_or_default();
            let used = amount(usage.used, theme.unicode);
            format!("{} {used} of {}", usage.resource, short(bound))
        })
        .collect();
    if !over.is_empty() {
        let room = columns.saturating_sub(row.used() + 2);
        row.gap(2)
            .text(fit(&over.join(", "), room, theme.unicode), style);
    } else if idle && project.notes().is_empty() {
        row.gap(2).text("nothing to do", theme.dim);
    }
    row
}

/// Says what a step does and why.
fn sentence(step: &Step) -> String {
    let reason = &step.reason;
    match &step.action {
        Action::Warn => reason.clone(),
        Action::Throttle(_) => format!("no new guests; {reason}"),
        Action::Unthrottle => format!("new guests again; {reason}"),
        Action::Notify(channels) => format!("{}: {reason}", channels.join(", ")),
        Action::Shutdown(shutdown) => format!("{}: {reason}", shutdown.guest),
    }
}

/// Puts a label before a text that goes on below itself.
fn labelled(label: &str, text: &str, style: Style, columns: usize, theme: &Theme) -> Vec<Row> {
    let room = columns.saturating_sub(2 + ACTION + 1);
    let lines = wrapped(text, room.max(10)).into_iter().enumerate();
    lines
        .map(|(index, line)| {
            let mut row = Row::new(theme.unicode);
            let label = if index == 0 { label } else { "" };
            row.gap(2).left(label, ACTION, style).gap(1);
            let text = if label.is_empty() && index == 0 {
                style
            } else {
                theme.text
            };
            row.text(line, if style == theme.dim { theme.dim } else { text });
            row
        })
        .collect()
}

/// Makes the lines of the calls that it will make, which stand in the place of the plan.
fn calls(enforce: &EnforceDialog, columns: usize, theme: &Theme) -> Vec<Vec<Row>> {
    let calls: Vec<Vec<Row>> = enforce
        .calls()
        .iter()
        .map(|call| {
            let lines = wrapped(&call.to_string(), columns).into_iter();
            lines
                .map(|line| {
                    let mut row = Row::new(theme.unicode);
                    row.text(line, theme.text);
                    row
                })
                .collect()
        })
        .collect();
    if !calls.is_empty() {
        return calls;
    }
    let mut row = Row::new(theme.unicode);
    row.text("It will make no calls.", theme.dim);
    vec![vec![row]]
}

/// Draws what stands in the way, the count, and the keys.
fn draw_foot(frame: &mut Frame<'_>, inner: Rect, enforce: &EnforceDialog, theme: &Theme) {
    let columns = usize::from(inner.width);
    let line = |up: usize| line_from_bottom(inner, up - 1);
    if let Err(objections) = &enforce.checked
        && let Some(objection) = objections.first()
    {
        let text = fit(&objection.to_string(), columns, theme.unicode);
        frame.render_widget(Line::styled(text, theme.critical), line(3));
    }
    let count = enforce.count();
    let mut row = Row::new(theme.unicode);
    if enforce.plan.is_none() {
        row.text("(not yet)", theme.dim);
    } else if !enforce.is_whole {
        row.text(so_far(enforce), theme.dim);
    } else if count == 0 && enforce.warnings() > 0 {
        let text = "There is nothing to carry out: a warning is an alert and no more.";
        row.text(text, theme.ok);
    } else if count == 0 {
        row.text("There is nothing to do.", theme.ok);
    } else if enforce.read_only {
        row.text("read-only: nothing can be carried out", theme.warning);
    } else {
        let noun = if count == 1 { "step" } else { "steps" };
        let label = format!("type {count} to carry out {count} {noun}  ");
        row.text(label.clone(), theme.text)
            .text(enforce.typed.value(), theme.strong);
        let typed = enforce.typed.value();
        let is_on_the_way = count.to_string().starts_with(typed);
        if !is_on_the_way {
            row.gap(2)
                .text(format!("{typed} is not {count}"), theme.warning);
        }
        let before = width(&label) + enforce.typed.cursor();
        let column = u16::try_from(before).unwrap_or(0);
        frame.set_cursor_position(Position::new(inner.x + column, line(2).y));
    }
    frame.render_widget(row.line(), line(2));
    let mut hints = Vec::new();
    if count > 0 && enforce.is_whole && !enforce.read_only {
        hints.push(("Enter", "carry out (when typed)"));
    }
    hints.extend([
        ("j k", "move"),
        ("x", if enforce.shows_calls { "plan" } else { "calls" }),
        ("Esc", "nothing"),
        ("?", "keys"),
    ]);
    frame.render_widget(hint_line(&hints, columns, theme), line(1));
}

/// Says how far the plan has come.
fn so_far(enforce: &EnforceDialog) -> String {
    let steps = match enforce.count() {
        0 => "no steps so far".to_owned(),
        1 => "1 step so far".to_owned(),
        many => format!("{many} steps so far"),
    };
    let (read, all) = enforce.progress;
    if read < all {
        return format!("{steps}; {read} of {all} guests read (not yet)");
    }
    format!("{steps}; the rest is still being read (not yet)")
}
