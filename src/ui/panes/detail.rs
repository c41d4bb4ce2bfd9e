//! The selected guest, closer.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::domain::inventory::SeenGuest;
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, pane, push_bar};

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let Some(seen) = state.selected_guest() else {
        pane(frame, area, "No guest", "", false, theme);
        return;
    };
    let guest = &seen.guest;
    let uptime = guest.figures.uptime.filter(|uptime| !uptime.is_zero());
    let note = format!(
        "{} {}",
        guest.status,
        uptime.map(format::span).unwrap_or_default()
    );
    let inner = pane(
        frame,
        area,
        &guest.to_ref().to_string(),
        note.trim(),
        false,
        theme,
    );
    let lines = lines(seen, state, usize::from(inner.width), theme);
    for (line, y) in lines.into_iter().zip(inner.y..inner.bottom()) {
        frame.render_widget(
            line,
            Rect {
                y,
                height: 1,
                ..inner
            },
        );
    }
}

fn lines(seen: &SeenGuest, state: &State, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let guest = &seen.guest;
    let mut lines = Vec::new();
    if seen.is_stale(state.now.moment) {
        let age = format::span(state.now.moment.since(seen.seen));
        lines.push(Line::styled(
            fit(
                &format!("as of {age} ago: {} is silent", guest.node),
                columns,
                theme.unicode,
            ),
            theme.stale,
        ));
    }
    let mut facts = vec![guest.kind.to_string(), guest.node.to_string()];
    facts.extend(guest.pool.as_ref().map(|pool| format!("pool {pool}")));
    if !guest.tags.is_empty() {
        let tags: Vec<String> = guest.tags.iter().map(ToString::to_string).collect();
        facts.push(format!("tags {}", tags.join(", ")));
    }
    lines.push(Line::styled(
        fit(&facts.join(" · "), columns, theme.unicode),
        theme.dim,
    ));
    if guest.template {
        return lines;
    }
    let figures = &guest.figures;
    if let Some(cpu) = figures.cpu {
        let cores = figures
            .max_cpu
            .map(|cores| format!(" of {cores}"))
            .unwrap_or_default();
        lines.push(gauge(
            "CPU",
            cpu,
            &format!("{}{cores}", format::percent(cpu)),
            columns,
            theme,
        ));
    }
    if let (Some(fraction), Some(used), Some(most)) = (
        figures.memory_fraction(),
        figures.memory,
        figures.max_memory,
    ) {
        let tilde = if figures.memory_is_host_view() {
            "~"
        } else {
            ""
        };
        let text = format!("{tilde}{} of {}", format::size(used), format::size(most));
        lines.push(gauge("MEM", fraction, &text, columns, theme));
    }
    lines.push(Line::default());
    lines.extend(super::verdicts::lines(seen, state, columns, theme));
    lines
}

fn gauge(name: &str, fraction: f64, text: &str, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.left(name, 5, theme.dim);
    let width = columns.saturating_sub(5 + 22).clamp(4, 40);
    push_bar(&mut row, fraction, width, theme.level(fraction), theme);
    row.gap(1).text(fit(text, 21, theme.unicode), theme.text);
    row.line()
}
