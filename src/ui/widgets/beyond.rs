//! How much of a list stands beyond what is shown of it.

use super::Row;
use crate::ui::theme::Theme;

/// Says how many lines stand above and below those that are shown.
pub(in crate::ui) fn beyond(above: usize, below: usize, theme: &Theme) -> Row {
    let (up, down) = if theme.unicode {
        ("▴", "▾")
    } else {
        ("^", "v")
    };
    let mut row = Row::new(theme.unicode);
    for (count, mark, place) in [(above, up, "above"), (below, down, "below")] {
        if count > 0 {
            row.gap(2)
                .text(format!("{mark} {count} {place}"), theme.dim);
        }
    }
    row
}
