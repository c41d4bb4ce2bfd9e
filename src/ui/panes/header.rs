//! The header: which cluster, how it stands, how old the data is.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::State;
use crate::app::state::View;
use crate::domain::inventory::{LinkState, NodeState};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, fit, width};

pub(in crate::ui) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let right = right_side(state, theme);
    let right_width: usize = right.iter().map(|(text, _)| width(text) + 2).sum();
    let mut row = Row::new(theme.unicode);
    row.gap(1).text("proxdeck", theme.accent).gap(2);
    let name = state
        .inventory
        .cluster
        .value()
        .and_then(|cluster| cluster.name.as_ref());
    let cluster = name.map_or_else(|| state.setting.cluster.clone(), ToString::to_string);
    row.text(fit(&cluster, 20, theme.unicode), theme.strong)
        .gap(2);
    for (text, style) in counts(state, theme) {
        if row.used() + width(&text) + 2 + right_width <= usize::from(area.width) {
            row.text(text, style).gap(2);
        }
    }
    row.fill(usize::from(area.width).saturating_sub(right_width));
    for (text, style) in right {
        row.text(text, style).gap(2);
    }
    frame.render_widget(row.line(), Rect { height: 1, ..area });
    if area.height > 1 {
        let line = second_line(state, usize::from(area.width), theme);
        frame.render_widget(
            line,
            Rect {
                y: area.y + 1,
                height: 1,
                ..area
            },
        );
    }
}

fn counts(state: &State, theme: &Theme) -> Vec<(String, Style)> {
    let Some(resources) = state.inventory.resources.value() else {
        return Vec::new();
    };
    let online = resources
        .nodes
        .iter()
        .filter(|node| node.state == NodeState::Online)
        .count();
    let all = resources.nodes.len();
    let running = resources
        .guests
        .iter()
        .filter(|seen| seen.vouched && seen.guest.is_running())
        .count();
    let guests = resources
        .guests
        .iter()
        .filter(|seen| !seen.guest.template)
        .count();
    let nodes = if online < all {
        theme.warning
    } else {
        theme.text
    };
    let mut counts = vec![
        (format!("{online}/{all} nodes"), nodes),
        (format!("{running} of {guests} running"), theme.text),
    ];
    if state
        .inventory
        .cluster
        .value()
        .and_then(|cluster| cluster.quorate)
        == Some(false)
    {
        counts.insert(0, ("NO QUORUM".to_owned(), theme.critical));
    }
    let (critical, warnings) = if theme.unicode {
        ("▲", "△")
    } else {
        ("!", "-")
    };
    if state.verdicts.critical > 0 {
        counts.push((
            format!("{critical} {}", state.verdicts.critical),
            theme.critical,
        ));
    }
    if state.verdicts.warnings > 0 {
        counts.push((
            format!("{warnings} {}", state.verdicts.warnings),
            theme.warning,
        ));
    }
    if resources.rejected > 0 {
        counts.push((
            format!("{} unreadable rows", resources.rejected),
            theme.warning,
        ));
    }
    counts
}

fn right_side(state: &State, theme: &Theme) -> Vec<(String, Style)> {
    let mut right = Vec::new();
    match (&state.link.state, &state.inventory.resources.answer) {
        (LinkState::Connecting, None) => right.push(("connecting…".to_owned(), theme.dim)),
        (LinkState::Down { .. }, answer) => {
            let age = answer
                .as_ref()
                .map(|answer| format::span(state.now.moment.since(answer.read)));
            let age = age.map_or_else(|| "no data".to_owned(), |age| format!("data {age} old"));
            right.push((format!("LINK DOWN  {age}"), theme.critical));
        }
        (_, Some(answer)) => {
            let age = state.now.moment.since(answer.read);
            let style = if age.as_secs() >= 30 {
                theme.stale
            } else {
                theme.dim
            };
            right.push((format!("data {}", format::span(age)), style));
        }
        (LinkState::Up, None) => {}
    }
    right.push((fit(&state.setting.account, 28, theme.unicode), theme.dim));
    if state.setting.read_only {
        right.push(("READ-ONLY".to_owned(), theme.badge));
    }
    if state.setting.demo {
        right.push(("DEMO".to_owned(), theme.badge));
    }
    right
}

/// What is wrong with the link, or what it costs.
fn second_line(state: &State, columns: usize, theme: &Theme) -> Line<'static> {
    let mut row = Row::new(theme.unicode);
    row.gap(1);
    if let LinkState::Down { failure, retry, .. } = &state.link.state {
        let next = retry.since(state.now.moment).as_secs();
        let when = if next == 0 {
            "trying now".to_owned()
        } else {
            format!("next try in {next} s")
        };
        let room = columns.saturating_sub(width(&when) + 5);
        row.text(
            fit(&failure.to_string(), room, theme.unicode),
            theme.critical,
        );
        row.gap(2).text(when, theme.dim);
        return row.line();
    }
    for (view, key, title) in View::ALL {
        let shown = state.focus.view() == view;
        row.text(key.to_string(), theme.accent);
        row.text(
            format!(" {title}"),
            if shown { theme.strong } else { theme.dim },
        );
        let running = state
            .known_tasks()
            .iter()
            .filter(|task| task.state.is_running())
            .count();
        if view == View::Tasks && running > 0 {
            row.text(format!(" {running}"), theme.accent);
        }
        row.gap(3);
    }
    let mut cost = format!("{} req/min", state.link.requests_per_minute);
    let lists = state
        .snapshots
        .lists()
        .asked_in_last_minute(state.now.moment);
    if lists > 0 && columns >= 100 {
        // Their reading has a budget of its own; watching alone costs the rest.
        cost = format!("{cost}, {lists} of them snapshot lists");
    }
    if let Some(latency) = state.link.latency_p95.filter(|_| columns >= 100) {
        cost = format!("{cost}, 95 % within {} ms", latency.as_millis());
    }
    row.fill(columns.saturating_sub(width(&cost) + 2))
        .text(cost, theme.dim);
    row.line()
}
