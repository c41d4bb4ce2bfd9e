//! The limits that a guest breaks, and what its project uses of its budget.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::domain::alert::AlertKind;
use crate::domain::inventory::SeenGuest;
use crate::domain::limits::{Phase, Severity, ViolationKind};
use crate::domain::project::Window;
use crate::domain::quota::{ResourceUsage, Tier};
use crate::domain::usage::Accounting;
use crate::ui::format;
use crate::ui::panes::budget::{amount, bar_style_of, resource_label, short, style_of, tier_mark};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, push_bar, width};

const RESOURCE: usize = 10;
/// The share of the quota.
const SHARE: usize = 5;
/// What is used and what may be.
const FIGURES: usize = 12;
/// Between two violations in one line, and two columns of the budget.
const GAP: usize = 2;

/// A text with its own colour.
type Styled = (String, Style);

/// Makes the lines about a guest's limits and its project's budget, one below the other.
pub(super) fn lines(
    seen: &SeenGuest,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = broken(seen, state, theme)
        .into_iter()
        .map(|(text, style)| Line::styled(fit(&text, columns, theme.unicode), style))
        .collect();
    let Some((title, usage)) = budget(seen, state) else {
        return lines;
    };
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    lines.push(Line::styled(fit(&title, columns, theme.unicode), theme.dim));
    for usage in usage {
        let mut row = Row::new(theme.unicode);
        push_usage(&mut row, usage, columns, theme);
        lines.push(row.line());
    }
    lines
}

/// Makes the same in as few lines as possible: violations in a row, the budget in two columns.
///
/// Where `rows` are too few for the budget's title, it stands behind the violations.
pub(super) fn compact(
    seen: &SeenGuest,
    state: &State,
    (columns, rows): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = broken_side_by_side(seen, state, columns, theme);
    let Some((title, usage)) = budget(seen, state) else {
        return lines.iter_mut().map(Row::line).collect();
    };
    let halves = usage.len().div_ceil(2);
    match lines.last_mut() {
        Some(last) if rows <= halves + 1 => {
            let room = columns.saturating_sub(last.used() + GAP);
            last.gap(GAP).right(&title, room, theme.dim);
        }
        Some(_) | None => {
            let mut row = Row::new(theme.unicode);
            row.text(fit(&title, columns, theme.unicode), theme.dim);
            lines.push(row);
        }
    }
    let half = columns.saturating_sub(GAP) / 2;
    for index in 0..halves {
        let mut row = Row::new(theme.unicode);
        push_usage(&mut row, usage[index], half, theme);
        if let Some(right) = usage.get(halves + index) {
            row.gap(GAP);
            push_usage(&mut row, right, half, theme);
        }
        lines.push(row);
    }
    lines.iter_mut().map(Row::line).collect()
}

/// Makes lines about the limits that the guest breaks alone, as few as possible.
pub(super) fn alarms(
    seen: &SeenGuest,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = broken_side_by_side(seen, state, columns, theme);
    lines.iter_mut().map(Row::line).collect()
}

fn broken_side_by_side(seen: &SeenGuest, state: &State, columns: usize, theme: &Theme) -> Vec<Row> {
    let mut lines: Vec<Row> = Vec::new();
    for (text, style) in broken(seen, state, theme) {
        let has_room = |row: &&mut Row| row.used() + GAP + 1 + width(&text) <= columns;
        if let Some(row) = lines.last_mut().filter(has_room) {
            row.gap(GAP + 1).text(text, style);
            continue;
        }
        let mut row = Row::new(theme.unicode);
        row.text(fit(&text, columns, theme.unicode), style);
        lines.push(row);
    }
    lines
}

/// Lists the limits that the guest breaks.
fn broken(seen: &SeenGuest, state: &State, theme: &Theme) -> Vec<Styled> {
    let standing = state.limits.of(seen.guest.vmid);
    let violations = standing.iter().map(|standing| {
        let violation = &standing.violation;
        let (mark, ascii, style) = match violation.severity {
            Severity::Critical => ("▲", "!", theme.critical),
            Severity::Warning => ("△", "-", theme.warning),
        };
        let mark = if theme.unicode { mark } else { ascii };
        let text = match violation.kind {
            // Its value tells for how long by itself.
            ViolationKind::RuntimeExceeded => format!("{mark} {violation}"),
            ViolationKind::CpuExceeded | ViolationKind::MemoryExceeded => {
                let sign = match (standing.perhaps_longer, theme.unicode) {
                    (true, true) => "≥",
                    (true, false) => ">=",
                    (false, _) => "",
                };
                let lasting = format::span(standing.lasting);
                format!("{mark} {violation} for {sign}{lasting}")
            }
        };
        match standing.phase {
            Phase::Over => (text, style),
            Phase::Easing => (format!("{text}, easing off"), style),
            Phase::Unseen => (format!("{text}, not seen since"), theme.stale),
        }
    });
    violations.chain(alerted(seen, state, theme)).collect()
}

/// Lists what else stands against the guest; its limits say more themselves.
fn alerted<'a>(
    seen: &'a SeenGuest,
    state: &'a State,
    theme: &'a Theme,
) -> impl Iterator<Item = Styled> + 'a {
    let own = state.alerts.book().about(seen.guest.vmid);
    let own = own.filter(|each| !matches!(each.alert.kind, AlertKind::Limit(_)));
    own.map(|each| {
        let (mark, ascii, style) = match (each.acknowledgement, each.alert.severity) {
            (Some(_), _) => ("○", "o", theme.dim),
            (None, Severity::Critical) => ("▲", "!", theme.critical),
            (None, Severity::Warning) => ("△", "-", theme.warning),
        };
        let mark = if theme.unicode { mark } else { ascii };
        (format!("{mark} {}", each.alert.text), style)
    })
}

/// Returns the title and the bounded resources of the project's budget, if there is one.
fn budget<'a>(seen: &SeenGuest, state: &'a State) -> Option<(String, Vec<&'a ResourceUsage>)> {
    let project = state.project_of(&seen.guest)?;
    let standing = state.usage.project(project)?;
    let bounded: Vec<&ResourceUsage> = standing
        .usage
        .iter()
        .filter(|usage| usage.quota.bound().is_some())
        .collect();
    let window = match (state.setting.rules.accounting, standing.window) {
        (Accounting::SinceBoot, _) => "since boot".to_owned(),
        (Accounting::History, Window::Month) => "this month".to_owned(),
        (Accounting::History, window) => format!("last {window}"),
    };
    let throttle = if is_throttled(project, state) {
        " · throttled"
    } else {
        ""
    };
    (!bounded.is_empty()).then(|| (format!("{project} · {window}{throttle}"), bounded))
}

/// Tells whether a project is known to take no new guests.
fn is_throttled(project: &str, state: &State) -> bool {
    let project = state.setting.rules.projects.find(project);
    let found = project.and_then(|project| state.throttles.of(project));
    found.is_some_and(|found| found.is_throttled())
}

/// Adds a resource: its bar, a mark where it is over, its share, and the figures.
fn push_usage(row: &mut Row, usage: &ResourceUsage, columns: usize, theme: &Theme) {
    let style = bar_style_of(usage.tier, theme);
    let bar = columns
        .saturating_sub(RESOURCE + 2 + SHARE + FIGURES)
        .clamp(4, 30);
    row.left(resource_label(usage.resource), RESOURCE, theme.dim);
    push_bar(row, usage.fraction.unwrap_or(0.0), bar, style, theme);
    let style = if usage.tier > Tier::Unknown {
        style_of(usage.tier, theme)
    } else {
        theme.text
    };
    let (mark, mark_style) = tier_mark(usage.tier, theme).unwrap_or_default();
    row.gap(1).left(mark, 1, mark_style);
    // Of a quota of nothing there is no share.
    let share = match (usage.fraction, usage.used.value()) {
        (Some(fraction), _) => format::percent(fraction),
        (None, Some(_)) => String::new(),
        (None, None) => "?".to_owned(),
    };
    row.right(&share, SHARE, style);
    let bound = usage.quota.bound().unwrap_or_default();
    let figures = format!("{}/{}", amount(usage.used, theme.unicode), short(bound));
    row.right(&figures, FIGURES, style);
}
