//! The list of configured clusters.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::dialogs::ClustersDialog;
use crate::app::switching::KnownCluster;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, dialog, fit, hint_line, width, wrapped};

const LABEL: &str = "@ ";
/// The lines around the list: what is typed, blanks and keys.
const AROUND: usize = 4;

pub(super) fn draw(frame: &mut Frame<'_>, clusters: &ClustersDialog, theme: &Theme) {
    let screen = frame.area();
    let columns = screen.width.saturating_sub(4).min(76);
    let inside = usize::from(columns).saturating_sub(4);
    let below = below(clusters, inside, theme);
    let most = usize::from(screen.height).saturating_sub(below.len() + AROUND + 4);
    let height = clusters.matches.len().clamp(1, most.max(1));
    let rows = u16::try_from(height + below.len() + AROUND).unwrap_or(u16::MAX);
    let inner = dialog(frame, columns, rows, "Clusters", theme);
    let mut typed = Row::new(theme.unicode);
    let text = fit(
        clusters.field.value(),
        inside.saturating_sub(3),
        theme.unicode,
    );
    typed.text(LABEL, theme.accent).text(text, theme.text);
    let mut lines = vec![typed.line(), Line::default()];
    let first = (clusters.row + 1).saturating_sub(height);
    let name = clusters
        .matches
        .iter()
        .map(|known| width(&known.name))
        .max();
    let name = name.unwrap_or(0).min(inside / 2);
    let shown = clusters.matches.iter().enumerate().skip(first).take(height);
    for (index, known) in shown {
        let is_chosen = index == clusters.row;
        lines.push(line_of(known, is_chosen, clusters, (name, inside), theme));
    }
    if clusters.matches.is_empty() {
        lines.push(Line::styled("no cluster is called so", theme.dim));
    }
    lines.extend(below);
    frame.render_widget(Paragraph::new(lines), inner);
    if clusters.opening.is_none() {
        let before: String = clusters
            .field
            .value()
            .chars()
            .take(clusters.field.cursor())
            .collect();
        let x = (width(LABEL) + width(&before)).min(inside.saturating_sub(1));
        let x = inner.x + u16::try_from(x).unwrap_or(0);
        frame.set_cursor_position(Position::new(x, inner.y));
    }
}

fn line_of(
    known: &KnownCluster,
    is_chosen: bool,
    clusters: &ClustersDialog,
    (name, columns): (usize, usize),
    theme: &Theme,
) -> Line<'static> {
    let is_shown = known.name == clusters.current;
    let mut row = Row::new(theme.unicode);
    cursor_mark(&mut row, is_chosen, theme);
    let style = if is_shown { theme.strong } else { theme.text };
    row.gap(1)
        .left(&fit(&known.name, name, theme.unicode), name, style);
    let mark = if is_shown { "  shown" } else { "" };
    let room = columns.saturating_sub(row.used() + 2 + width(mark));
    let hosts = fit(&known.hosts.join(", "), room, theme.unicode);
    row.gap(2).text(hosts, theme.dim).text(mark, theme.ok);
    let style = if is_chosen {
        theme.cursor
    } else {
        Style::new()
    };
    row.fill(columns).line().style(style)
}

/// What stands below the list: how opening goes or went, and the keys.
fn below(clusters: &ClustersDialog, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    if let Some(name) = &clusters.opening {
        lines.push(Line::styled(format!("opening {name} …"), theme.dim));
        let hints = [("Esc", "stay here")];
        lines.push(hint_line(&hints, columns, theme));
        return lines;
    }
    if let Some((name, failure)) = &clusters.refusal {
        let text = format!("{name} was not opened: {failure}");
        let mut told = wrapped(&text, columns);
        // A list of fingerprints may be long; the advice has to be seen.
        told.truncate(8);
        lines.extend(
            told.into_iter()
                .map(|line| Line::styled(line, theme.critical)),
        );
        let advice = wrapped(failure.advised(), columns);
        lines.extend(advice.into_iter().map(|line| Line::styled(line, theme.dim)));
        lines.push(Line::default());
        let hints = [
            ("Enter", "try again"),
            ("Up Down", "another"),
            ("Esc", "stay here"),
        ];
        lines.push(hint_line(&hints, columns, theme));
        return lines;
    }
    let hints = [
        ("Enter", "show it"),
        ("Up Down", "choose"),
        ("Esc", "stay here"),
    ];
    lines.push(hint_line(&hints, columns, theme));
    lines
}
