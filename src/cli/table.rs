//! Tables for people: aligned by the width that a terminal gives each character, never coloured.

use std::fmt;

use unicode_width::UnicodeWidthStr as _;

/// To which side a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Names and other words.
    Left,
    /// Figures.
    Right,
}

/// A table with a header; cells are clean texts.
#[derive(Debug)]
pub(super) struct Table<const COLUMNS: usize> {
    header: [(&'static str, Side); COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// Makes a table without rows.
    pub(super) fn new(header: [(&'static str, Side); COLUMNS]) -> Self {
        Self {
            header,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: [String; COLUMNS]) {
        self.rows.push(row);
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = self.header.map(|(title, _)| title.width());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let titles = self.header.map(|(title, _)| title.to_owned());
        for (index, row) in std::iter::once(&titles).chain(&self.rows).enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            let mut line = String::new();
            for ((cell, width), (_, side)) in row.iter().zip(widths).zip(self.header) {
                let blanks = " ".repeat(width.saturating_sub(cell.width()));
                match side {
                    Side::Left => line.extend([cell.as_str(), &blanks, "  "]),
                    Side::Right => line.extend([blanks.as_str(), cell, "  "]),
                }
            }
            formatter.write_str(line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_a_terminal_shows_them() {
        let mut table = Table::new([
            ("ID", Side::Right),
            ("NAME", Side::Left),
            ("UP", Side::Left),
        ]);
        table.push(["7".into(), "日本".into(), "1h".into()]);
        table.push(["1104".into(), "e\u{301}t".into(), String::new()]);
        assert_eq!(
            table.to_string(),
            "  ID  NAME  UP\n   7  日本  1h\n1104  e\u{301}t"
        );
    }
}
