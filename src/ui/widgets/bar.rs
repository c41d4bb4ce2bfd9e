//! Bars in eighths of a cell.

use ratatui::style::Style;

use super::Row;
use crate::ui::theme::Theme;

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Draws a bar of `columns`, filled to `fraction`; returns the filled and the empty part.
///
/// More than everything is everything: the figure beside the bar tells the rest (PITFALLS 16).
pub(in crate::ui) fn bar(fraction: f64, columns: usize, unicode: bool) -> (String, usize) {
    let fraction = if fraction.is_finite() {
        fraction.clamp(0.0, 1.0)
    } else {
        0.0
    };
    if !unicode {
        let full = (fraction * columns as f64).round() as usize;
        return ("#".repeat(full), columns - full);
    }
    let eighths = (fraction * columns as f64 * 8.0).round() as usize;
    let mut filled = "█".repeat(eighths / 8);
    filled.push_str(EIGHTHS[eighths % 8]);
    let cells = eighths.div_ceil(8);
    (filled, columns - cells)
}

/// Adds a bar to a row, with a track where it is empty.
pub(in crate::ui) fn push_bar(
    row: &mut Row,
    fraction: f64,
    columns: usize,
    style: Style,
    theme: &Theme,
) {
    let (filled, empty) = bar(fraction, columns, theme.unicode);
    row.text(filled, style);
    let track = if theme.unicode { "·" } else { "." };
    row.text(track.repeat(empty), theme.track);
}

/// Adds a bar that shows how far it is now and how far it may grow.
///
/// The growth has a shade of its own, so that it is told without colour.
pub(in crate::ui) fn push_growing_bar(
    row: &mut Row,
    now: f64,
    then: f64,
    columns: usize,
    (style, growth): (Style, Style),
    theme: &Theme,
) {
    let (filled, empty) = bar(now, columns, theme.unicode);
    let share = if then.is_finite() {
        then.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let reach = (share * columns as f64).ceil() as usize;
    let grown = reach.saturating_sub(columns - empty).min(empty);
    let (shade, track) = if theme.unicode {
        ("▒", "·")
    } else {
        ("+", ".")
    };
    row.text(filled, style)
        .text(shade.repeat(grown), growth)
        .text(track.repeat(empty - grown), theme.track);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_in_eighths_and_never_overflow() {
        assert_eq!(bar(0.0, 4, true), (String::new(), 4));
        assert_eq!(bar(0.5, 4, true), ("██".into(), 2));
        assert_eq!(bar(0.53, 4, true), ("██▏".into(), 1));
        assert_eq!(bar(1.0, 4, true), ("████".into(), 0));
        assert_eq!(bar(1.7, 4, true), ("████".into(), 0));
        assert_eq!(bar(f64::NAN, 4, true), (String::new(), 4));
        assert_eq!(bar(0.5, 4, false), ("##".into(), 2));
    }
}
