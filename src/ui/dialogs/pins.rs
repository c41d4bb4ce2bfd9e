//! The certificates of the cluster's nodes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::dialogs::PinsDialog;
use crate::domain::pins::{Peer, PinReport};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, dialog, hint_line, line_from_bottom, reading_width, width, wrapped};

/// The width of what is said of a pin.
const STATE: usize = 12;

pub(super) fn draw(frame: &mut Frame<'_>, pins: &PinsDialog, theme: &Theme) {
    let screen = frame.area();
    let columns = reading_width(screen).min(124);
    let inside = usize::from(columns).saturating_sub(4);
    let mut lines = vec![Line::default()];
    let mut hints = vec![("j k", "scroll"), ("Esc", "close")];
    match (pins.report.value(), pins.report.failure()) {
        (Some(report), _) => {
            lines.extend(content(report, inside, theme));
            if !report.unpinned().is_empty() {
                hints.insert(0, ("y", "copy the lines for the config"));
            }
        }
        (None, Some(failure)) => {
            lines.extend(styled(&failure.to_string(), inside, theme.critical));
            lines.extend(styled(failure.advised(), inside, theme.text));
        }
        (None, None) => lines.push(Line::styled("asking the server …", theme.dim)),
    }
    let most = usize::from(screen.height).saturating_sub(4);
    let rows = u16::try_from((lines.len() + 4).min(most)).unwrap_or(u16::MAX);
    let title = format!("Certificates of {}", pins.cluster);
    let inner = dialog(frame, columns, rows, &title, theme);
    let body = Rect {
        height: inner.height.saturating_sub(2),
        ..inner
    };
    // The last line stays in sight, however far somebody scrolls.
    let furthest = lines.len().saturating_sub(usize::from(body.height));
    let scroll = u16::try_from(pins.scroll.min(furthest)).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), body);
    let bottom = line_from_bottom(inner, 0);
    frame.render_widget(hint_line(&hints, usize::from(inner.width), theme), bottom);
}

fn styled(text: &str, columns: usize, style: Style) -> Vec<Line<'static>> {
    let lines = wrapped(text, columns);
    lines
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

fn content(report: &PinReport, columns: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let trust = if report.pinned.is_empty() {
        "an authority vouches for the servers, so that nothing has to be pinned"
    } else {
        "every node has a certificate of its own, and an endpoint is trusted when its own is pinned"
    };
    let text = format!("as {} says, which is trusted; {trust}", report.told_by);
    lines.extend(styled(&text, columns, theme.dim));
    lines.push(Line::default());
    for stranger in &report.strangers {
        lines.extend(styled(&report.judge(stranger), columns, theme.critical));
        lines.push(Line::default());
    }
    let name = report
        .peers
        .iter()
        .map(|peer| width(peer.node.as_str()))
        .max();
    let name = name.unwrap_or(0).min(20);
    for peer in &report.peers {
        lines.extend(line_of(peer, report, (name, columns), theme));
    }
    let gone = report
        .pinned
        .iter()
        .filter(|pin| report.owner(pin).is_none());
    for pin in gone {
        let text = format!("pinned, and of no node that answers: {pin}");
        lines.extend(styled(&text, columns, theme.warning));
    }
    if !report.unpinned().is_empty() {
        lines.push(Line::default());
        let text = "compare with what `pvenode cert info` prints on each node, then paste the lines \
                    into the config; nothing is pinned by itself";
        lines.extend(styled(text, columns, theme.text));
    }
    lines
}

fn line_of(
    peer: &Peer,
    report: &PinReport,
    (name, columns): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let (state, style) = match &peer.fingerprint {
        None => ("unknown", theme.stale),
        Some(_) if report.pinned.is_empty() => ("", theme.dim),
        Some(own) if report.is_pinned(own) => ("pinned", theme.ok),
        Some(_) => ("not pinned", theme.warning),
    };
    let before = name + 2 + STATE;
    let text = peer.fingerprint.as_deref().unwrap_or("it does not answer");
    let mut room = columns.saturating_sub(before);
    if width(text) > room {
        // Halves of the same length are compared with less trouble than a line and its rest.
        room = room.min(width(text) / 2 + 1);
    }
    let pieces = wrapped(text, room);
    let lines = pieces.into_iter().enumerate().map(|(index, piece)| {
        let mut row = Row::new(theme.unicode);
        if index == 0 {
            row.left(peer.node.as_str(), name, theme.strong).gap(2);
            row.left(state, STATE, style);
        } else {
            row.gap(before);
        }
        row.text(piece, theme.text).line()
    });
    lines.collect()
}
