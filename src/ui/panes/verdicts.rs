//! The limits that a guest breaks, and what its project uses of its budget.

use ratatui::text::Line;

use crate::app::State;
use crate::app::verdicts::violations;
use crate::domain::inventory::SeenGuest;
use crate::domain::limits::Severity;
use crate::domain::quota::{ResourceUsage, Tier};
use crate::ui::panes::budget::{amount, resource_label, short, style_of};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, push_bar};

const RESOURCE: usize = 10;
const FIGURES: usize = 17;

/// Makes the lines about a guest's limits and its project's budget.
pub(super) fn lines(
    seen: &SeenGuest,
    state: &State,
    columns: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for violation in violations(seen, &state.setting.rules, state.now.moment) {
        let (mark, ascii, style) = match violation.severity {
            Severity::Critical => ("▲", "!", theme.critical),
            Severity::Warning => ("△", "-", theme.warning),
        };
        let mark = if theme.unicode { mark } else { ascii };
        lines.push(Line::styled(
            fit(&format!("{mark} {violation}"), columns, theme.unicode),
            style,
        ));
    }
    let Some(project) = state.project_of(&seen.guest) else {
        return lines;
    };
    let Some(usage) = state.verdicts.budget(project) else {
        return lines;
    };
    let bounded: Vec<&ResourceUsage> = usage
        .iter()
        .filter(|usage| usage.quota.bound().is_some())
        .collect();
    if bounded.is_empty() {
        return lines;
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    let title = format!("{project} · since boot");
    lines.push(Line::styled(fit(&title, columns, theme.unicode), theme.dim));
    lines.extend(
        bounded
            .into_iter()
            .map(|usage| budget_line(usage, columns, theme)),
    );
    lines
}

fn budget_line(usage: &ResourceUsage, columns: usize, theme: &Theme) -> Line<'static> {
    let style = style_of(usage.tier, theme);
    let bar = columns.saturating_sub(RESOURCE + FIGURES + 1).clamp(4, 30);
    let mut row = Row::new(theme.unicode);
    row.left(resource_label(usage.resource), RESOURCE, theme.dim);
    push_bar(&mut row, usage.fraction.unwrap_or(0.0), bar, style, theme);
    let bound = usage.quota.bound().unwrap_or_default();
    let figures = format!("{}/{}", amount(usage.used, theme.unicode), short(bound));
    row.gap(1).right(
        &figures,
        FIGURES,
        if usage.tier > Tier::Unknown {
            style
        } else {
            theme.text
        },
    );
    row.line()
}
