//! Lines of cells with fixed widths, measured as the terminal does.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::ui::theme::Theme;

/// Returns how many columns a text takes.
pub(in crate::ui) fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to a width, with `…` (or `~` without Unicode) where something is missing.
pub(in crate::ui) fn fit(text: &str, most: usize, unicode: bool) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mark = if unicode { "…" } else { "~" };
    let mut cut = String::new();
    let mut used = 1;
    for grapheme in text.graphemes(true) {
        used += width(grapheme);
        if used > most {
            break;
        }
        cut.push_str(grapheme);
    }
    if most > 0 {
        cut.push_str(mark);
    }
    cut
}

/// Breaks a text at blanks into lines of at most so many columns.
///
/// Words that are too long for a line are broken at their colons: a fingerprint has to be read whole.
pub(in crate::ui) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let words = text.split_inclusive(' ').flat_map(|word| {
        let at = if width(word) > columns { ':' } else { ' ' };
        word.split_inclusive(at)
    });
    for word in words {
        let used = lines.last().map_or(0, |line| width(line));
        if used > 0 && used + width(word.trim_end()) > columns {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines
        .into_iter()
        .map(|line| fit(line.trim_end(), columns, true))
        .collect()
}

/// Breaks texts that follow each other at blanks into lines; each keeps its own style.
pub(in crate::ui) fn paragraph(parts: &[(&str, Style)], columns: usize, unicode: bool) -> Vec<Row> {
    let mut rows = vec![Row::new(unicode)];
    let words = parts.iter().flat_map(|(text, style)| {
        let words = text.split(' ').filter(|word| !word.is_empty());
        words.map(move |word| (word, *style))
    });
    for (word, style) in words {
        let used = rows.last().map_or(0, Row::used);
        if used > 0 && used + 1 + width(word) > columns {
            rows.push(Row::new(unicode));
        }
        if let Some(row) = rows.last_mut() {
            let blank = if row.used() > 0 { " " } else { "" };
            row.text(format!("{blank}{}", fit(word, columns, unicode)), style);
        }
    }
    rows
}

/// A last cell narrower than this says nothing.
const LEAST_CELL: usize = 12;

/// A line under construction.
#[derive(Debug, Default)]
pub(in crate::ui) struct Row {
    spans: Vec<Span<'static>>,
    used: usize,
    unicode: bool,
}

impl Row {
    pub(in crate::ui) fn new(unicode: bool) -> Self {
        Self {
            unicode,
            ..Self::default()
        }
    }

    /// Returns how many columns are used.
    pub(in crate::ui) fn used(&self) -> usize {
        self.used
    }

    /// Adds a text as wide as it is.
    pub(in crate::ui) fn text(&mut self, text: impl Into<String>, style: Style) -> &mut Self {
        let text = text.into();
        self.used += width(&text);
        self.spans.push(Span::styled(text, style));
        self
    }

    /// Adds the last cell of a line, or leaves it out where too little of it could be read.
    pub(in crate::ui) fn last(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let room = columns.saturating_sub(self.used);
        if room < LEAST_CELL {
            return self;
        }
        self.left(text, room, style)
    }

    /// Adds blanks.
    pub(in crate::ui) fn gap(&mut self, columns: usize) -> &mut Self {
        self.text(" ".repeat(columns), Style::new())
    }

    /// Adds a cell of fixed width with its text at the left.
    pub(in crate::ui) fn left(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fit(text, columns, self.unicode);
        let rest = columns.saturating_sub(width(&text));
        self.text(text, style).gap(rest)
    }

    /// Adds a cell of fixed width with its text at the right.
    pub(in crate::ui) fn right(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fit(text, columns, self.unicode);
        let rest = columns.saturating_sub(width(&text));
        self.gap(rest).text(text, style)
    }

    /// Fills the line up to a width, so that a background reaches the end.
    pub(in crate::ui) fn fill(&mut self, columns: usize) -> &mut Self {
        let rest = columns.saturating_sub(self.used);
        self.gap(rest)
    }

    /// Adds what another line holds.
    pub(in crate::ui) fn append(&mut self, mut other: Row) -> &mut Self {
        self.used += other.used;
        self.spans.append(&mut other.spans);
        self
    }

    /// Ends the line.
    pub(in crate::ui) fn line(&mut self) -> Line<'static> {
        Line::from(std::mem::take(&mut self.spans))
    }
}

/// Begins a row of a table with the mark of the cursor.
pub(in crate::ui) fn cursor_mark(row: &mut Row, at_cursor: bool, theme: &Theme) {
    let mark = if theme.unicode { "▌" } else { ">" };
    row.text(if at_cursor { mark } else { " " }, theme.focus);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_their_width_on_screen() {
        assert_eq!(fit("agent-build-4", 20, true), "agent-build-4");
        assert_eq!(fit("agent-build-4", 8, true), "agent-b…");
        assert_eq!(fit("agent-build-4", 8, false), "agent-b~");
        assert_eq!(fit("日本語テスト", 7, true), "日本語…");
        assert_eq!(fit("日本語テスト", 6, true), "日本…");
        assert_eq!(fit("abc", 0, true), "");
        assert_eq!(fit("abc", 1, true), "…");
    }

    #[test]
    fn a_paragraph_breaks_where_it_must_and_loses_no_word() {
        let parts = [
            ("take a snapshot", Style::new()),
            ("(not now: busy)", Style::new()),
        ];
        let text = |columns| -> Vec<String> {
            let rows = paragraph(&parts, columns, true).into_iter();
            rows.map(|mut row| row.line().to_string()).collect()
        };
        assert_eq!(text(80), ["take a snapshot (not now: busy)"]);
        assert_eq!(text(15), ["take a snapshot", "(not now: busy)"]);
        assert_eq!(text(9), ["take a", "snapshot", "(not now:", "busy)"]);
        assert_eq!(text(6), ["take a", "snaps…", "(not", "now:", "busy)"]);
    }

    #[test]
    fn cells_are_exactly_as_wide_as_asked() {
        for text in [
            "",
            "x",
            "日本",
            "a long text that does not fit",
            "e\u{301}e\u{301}",
        ] {
            let mut row = Row::new(true);
            row.left(text, 9, Style::new()).right(text, 7, Style::new());
            assert_eq!(row.used(), 16, "{text}");
        }
    }
}
