//! What a project's budget will look like: a bar for each quota, now and afterwards.

use ratatui::text::Line;

use super::LABEL;
use crate::app::dialogs::Budget;
use crate::domain::quota::Certainty;
use crate::ui::panes::budget::{amount, bar_style_of, resource_label, short, style_of};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, push_growing_bar};

/// The room for `~1234 → up to ~12345 of 12345`.
const FORECAST: usize = 30;

/// Draws what a project's budget will look like: a bar now, and how far it may grow.
pub(super) fn budget_lines(budget: &Budget, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (index, row) in budget.rows.iter().enumerate() {
        let mut line = Row::new(theme.unicode);
        line.gap(1).left(
            if index == 0 { &budget.project } else { "" },
            LABEL - 1,
            theme.dim,
        );
        line.left(resource_label(row.now.resource), 10, theme.dim);
        let bar = columns
            .saturating_sub(LABEL + 10 + FORECAST + 1)
            .clamp(6, 30);
        push_growing_bar(
            &mut line,
            row.now.fraction.unwrap_or(0.0),
            row.then.fraction.unwrap_or(0.0),
            bar,
            (
                bar_style_of(row.now.tier, theme),
                bar_style_of(row.then.tier, theme),
            ),
            theme,
        );
        let bound = row.now.quota.bound().unwrap_or_default();
        let now = amount(row.now.used, theme.unicode);
        let then = amount(row.then.used, theme.unicode);
        let arrow = if theme.unicode { "→" } else { "->" };
        // A lower bound cannot be the most.
        let most = match row.then.used.certainty() {
            Certainty::Exact | Certainty::Estimated => "up to ",
            Certainty::AtLeast | Certainty::Unknown => "",
        };
        let text = if now == then {
            format!("{now} of {}", short(bound))
        } else {
            format!("{now} {arrow} {most}{then} of {}", short(bound))
        };
        let style = if row.worsens() {
            style_of(row.then.tier, theme)
        } else {
            theme.text
        };
        line.gap(1).right(&text, FORECAST, style);
        lines.push(line.line());
        if row.worsens() {
            let mut warning = Row::new(theme.unicode);
            let text = format!(
                "may take {} over its quota: {}",
                budget.project, row.then.tier
            );
            warning.gap(LABEL).text(
                fit(&text, columns.saturating_sub(LABEL), theme.unicode),
                style_of(row.then.tier, theme),
            );
            lines.push(warning.line());
        }
    }
    lines
}
