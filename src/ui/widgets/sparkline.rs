//! Small charts of blocks: one row is a sparkline, several are a chart.
//!
//! Only the crest of a column is coloured, so that a busy guest is a line and not a wall.
//! What is unknown (`·`) never looks like what is nothing (`▁`), and a value beyond the top fills
//! its column (PITFALLS 16): the figure beside the chart tells the rest.

use ratatui::style::Style;

use super::Row;
use crate::ui::theme::Theme;

const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The same eight heights in ASCII.
const RAMP: [&str; 8] = ["_", ",", "-", "~", "=", "+", "*", "#"];

/// What stands in one cell of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Above the value.
    Blank,
    /// Nothing is known.
    Gap,
    /// The value is nothing.
    Zero,
    /// Eighths of the cell.
    Filled(usize),
}

impl Cell {
    /// Returns what a value shows in the row so far above the ground, of a chart of `rows`.
    fn of(value: Option<f64>, top: f64, rows: usize, above: usize) -> Self {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            return if above == 0 { Self::Gap } else { Self::Blank };
        };
        if value <= 0.0 {
            return if above == 0 { Self::Zero } else { Self::Blank };
        }
        let share = if top > 0.0 {
            (value / top).min(1.0)
        } else {
            1.0
        };
        let eighths = ((share * (rows * 8) as f64).round() as usize).max(1);
        match eighths.saturating_sub(above * 8).min(8) {
            0 => Self::Blank,
            eighths => Self::Filled(eighths),
        }
    }

    fn glyph(self, unicode: bool) -> &'static str {
        match self {
            Self::Blank => " ",
            Self::Gap if unicode => "·",
            Self::Gap => ".",
            Self::Zero if unicode => "▁",
            Self::Zero => "_",
            Self::Filled(eighths) => {
                let heights = if unicode { BLOCKS } else { RAMP };
                heights[eighths.clamp(1, 8) - 1]
            }
        }
    }
}

/// Tells whether nothing of the value stands above this row.
fn is_crest(value: f64, top: f64, rows: usize, above: usize) -> bool {
    above + 1 == rows || Cell::of(Some(value), top, rows, above + 1) == Cell::Blank
}

/// Adds one row of a chart to a line: the one so far above the ground, of a chart of `rows`.
///
/// `style` colours a column by its value.
pub(in crate::ui) fn push_chart_row(
    row: &mut Row,
    values: &[Option<f64>],
    top: f64,
    (rows, above): (usize, usize),
    style: impl Fn(f64) -> Style,
    theme: &Theme,
) {
    let mut run = String::new();
    let mut run_style = Style::new();
    for value in values {
        let cell = Cell::of(*value, top, rows, above);
        let style = match (cell, value) {
            (Cell::Filled(_), Some(value)) if is_crest(*value, top, rows, above) => style(*value),
            (Cell::Gap, _) => theme.stale,
            _ => theme.track,
        };
        if style != run_style && !run.is_empty() {
            row.text(std::mem::take(&mut run), run_style);
        }
        run_style = style;
        run.push_str(cell.glyph(theme.unicode));
    }
    row.text(run, run_style);
}

/// Adds a sparkline to a line.
pub(in crate::ui) fn push_sparkline(
    row: &mut Row,
    values: &[Option<f64>],
    top: f64,
    style: impl Fn(f64) -> Style,
    theme: &Theme,
) {
    push_chart_row(row, values, top, (1, 0), style, theme);
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn chart(values: &[Option<f64>], rows: usize, unicode: bool) -> Vec<String> {
        (0..rows)
            .rev()
            .map(|above| {
                let glyph = |value: &Option<f64>| Cell::of(*value, 1.0, rows, above).glyph(unicode);
                values.iter().map(glyph).collect()
            })
            .collect()
    }

    #[test]
    fn unknown_nothing_and_little_look_different() {
        let values = [None, Some(0.0), Some(0.001), Some(0.5), Some(1.0)];
        assert_eq!(chart(&values, 1, true), ["·▁▁▄█"]);
        assert_eq!(chart(&values, 1, false), [".__~#"]);
    }

    #[test]
    fn pitfall_16_what_is_beyond_the_top_fills_its_column_and_no_more() {
        assert_eq!(
            chart(&[Some(1.7), Some(f64::INFINITY), Some(f64::NAN)], 2, true),
            ["█  ", "█··"]
        );
    }

    #[test]
    fn a_taller_chart_shows_finer_steps() {
        let values = [Some(0.25), Some(0.5), Some(0.75), None];
        assert_eq!(chart(&values, 2, true), ["  ▄ ", "▄██·"]);
    }
}
