//! The snapshots of the guest under the cursor: what becomes of each, and the rule that says so.

use ratatui::style::Style;
use ratatui::text::Line;

use super::timeline::{letter, style};
use crate::domain::retention::{Row as PlanRow, Verdict};
use crate::ui::format;
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark, width};

/// The columns of an age.
const AGE: usize = 6;
/// The columns of `delete`.
const VERDICT: usize = 6;
/// A reason is worth so many columns; where it has fewer, what `[x]` tells too gives way.
const LEAST_REASON: usize = 16;

/// The widths of the columns, taken from all rows, so that nothing dances from guest to guest.
pub(super) struct Columns {
    name: usize,
    reason: usize,
    /// None on a narrow screen.
    verdict: usize,
    all: usize,
}

impl Columns {
    pub(super) fn of(rows: &[PlanRow], all: usize) -> Self {
        let longest = |text: fn(&PlanRow) -> String| {
            let widths = rows.iter().map(|row| width(&text(row)));
            widths.max().unwrap_or(0)
        };
        let most = if all < 60 { all / 3 } else { all * 2 / 5 };
        let name = longest(|row| row.name().to_string()).clamp(8, most.max(8));
        let room = all.saturating_sub(1 + 4 + 2 + name + 2 + AGE + 2);
        let reason = longest(|row| row.reason().to_string()).max(LEAST_REASON);
        let verdict = if room > LEAST_REASON + VERDICT {
            VERDICT + 1
        } else {
            0
        };
        Self {
            name,
            reason: reason.min(room - verdict),
            verdict,
            all,
        }
    }
}

/// Writes the line of one snapshot; `shows_call` tells whether what goes shows the call that does it.
pub(super) fn line(
    row: &PlanRow,
    columns: &Columns,
    at_cursor: bool,
    shows_call: bool,
    theme: &Theme,
) -> Line<'static> {
    let mut text = Row::new(theme.unicode);
    cursor_mark(&mut text, at_cursor, theme);
    let deletes = row.verdict() == Verdict::Delete;
    let mark = match (deletes, row.is_editable()) {
        (true, _) => "[x] ",
        (false, true) => "[ ] ",
        (false, false) => "    ",
    };
    let plain = if deletes { theme.critical } else { theme.text };
    let group = row.reason().group();
    text.text(mark, plain)
        .text(letter(group).to_string(), style(group, theme))
        .gap(1);
    if deletes && shows_call {
        let room = columns.all.saturating_sub(text.used());
        text.left(&row.call().to_string(), room, theme.dim);
    } else {
        let age = row.age().map_or_else(|| "?".to_owned(), format::span);
        let verdict = if deletes { "delete" } else { "keep" };
        text.left(&row.name().to_string(), columns.name, plain)
            .gap(2)
            .right(&age, AGE, theme.text)
            .gap(2)
            .left(&row.reason().to_string(), columns.reason, theme.text)
            .right(verdict, columns.verdict, plain)
            .gap(2);
        let description = row.snapshot().description.first_line();
        text.last(&description, columns.all, theme.dim);
    }
    let background = if at_cursor {
        theme.cursor
    } else {
        Style::new()
    };
    text.fill(columns.all).line().style(background)
}
