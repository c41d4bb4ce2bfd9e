//! The snapshots of each guest on a time axis, a letter each.
//!
//! Where several share a column the letter says so, and one that goes is never hidden by others.

use ratatui::style::Style;
use ratatui::text::Line;

use super::scale::Scale;
use crate::domain::retention::{Group, Row as PlanRow, Verdict};
use crate::ui::theme::Theme;
use crate::ui::widgets::{Row, cursor_mark};

/// The columns behind the axis, for how many snapshots of the guest go.
const COUNT: usize = 8;
/// Narrower than this an axis says nothing.
const LEAST_AXIS: usize = 16;

/// What stands in one column of the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Cell {
    /// No snapshot.
    #[default]
    Empty,
    /// One, which is judged so.
    One(Group),
    /// So many, all of which stay.
    Kept(usize),
    /// Several, of which at least one goes.
    SomeGo,
}

impl Cell {
    fn with(self, group: Group) -> Self {
        let goes = group == Group::Expired;
        match self {
            Self::Empty => Self::One(group),
            Self::One(Group::Expired) | Self::SomeGo => Self::SomeGo,
            Self::One(_) | Self::Kept(_) if goes => Self::SomeGo,
            Self::One(_) => Self::Kept(2),
            Self::Kept(count) => Self::Kept(count + 1),
        }
    }

    fn letter(self) -> Option<char> {
        match self {
            Self::Empty => None,
            Self::One(group) => Some(letter(group)),
            Self::Kept(count @ 2..=9) => char::from_digit(count as u32, 10),
            Self::Kept(_) => Some('+'),
            Self::SomeGo => Some('X'),
        }
    }

    fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Empty => theme.track,
            Self::One(group) => style(group, theme),
            Self::Kept(_) => theme.text,
            Self::SomeGo => theme.critical,
        }
    }
}

/// Returns the letter of a verdict and its reason, which means the same without any colour.
pub(super) const fn letter(group: Group) -> char {
    match group {
        Group::Daily => 'd',
        Group::Weekly => 'W',
        Group::Monthly => 'M',
        Group::Newest => 'n',
        Group::Base => 'b',
        Group::Marked => 'K',
        Group::Bracket => 'B',
        Group::Unclear => '?',
        Group::KeptByYou => 'y',
        Group::Expired => 'x',
    }
}

/// Returns the style of a verdict and its reason.
pub(super) fn style(group: Group, theme: &Theme) -> Style {
    match group {
        Group::Daily | Group::Weekly | Group::Monthly => theme.text,
        Group::Newest | Group::Base | Group::Bracket => theme.accent,
        Group::Marked => theme.ok,
        Group::Unclear | Group::KeptByYou => theme.warning,
        Group::Expired => theme.critical,
    }
}

/// The axis that all guests of a plan share, and what is drawn beside it.
pub(super) struct Timeline {
    scale: Scale,
    /// The columns of a guest's name.
    name: usize,
}

impl Timeline {
    /// Lays the axis out for a plan; absent where there is no room for one.
    pub(super) fn new(rows: &[PlanRow], name: usize, columns: usize) -> Option<Self> {
        // The cursor's mark, two gaps, and the column of those without a date.
        let axis = columns.checked_sub(1 + name + 1 + 2 + COUNT)?;
        // What is unclear may claim any age, and would squeeze what is known.
        let clear = rows
            .iter()
            .filter(|row| row.reason().group() != Group::Unclear);
        let oldest = clear.filter_map(PlanRow::age).max().unwrap_or_default();
        (axis >= LEAST_AXIS).then(|| Self {
            scale: Scale::new(oldest, axis),
            name,
        })
    }

    /// Writes the line with the scale; `note` stands where the names of the guests are.
    pub(super) fn scale_line(&self, note: &str, theme: &Theme) -> Line<'static> {
        let mut row = Row::new(theme.unicode);
        row.gap(1).left(note, self.name, theme.dim).gap(3);
        row.text(self.scale.names(), theme.dim);
        row.line()
    }

    /// Writes the line of a guest; `chosen` is the index of its row under the cursor.
    pub(super) fn guest_line(
        &self,
        rows: &[PlanRow],
        chosen: Option<usize>,
        theme: &Theme,
    ) -> Line<'static> {
        let mut line = Row::new(theme.unicode);
        cursor_mark(&mut line, chosen.is_some(), theme);
        let title = rows
            .first()
            .map(|row| row.guest().to_string())
            .unwrap_or_default();
        let title_style = if chosen.is_some() {
            theme.strong
        } else {
            theme.text
        };
        line.left(&title, self.name, title_style).gap(1);
        let (undated, cells) = self.cells(rows);
        let place = |row: &PlanRow| row.age().map(|age| self.scale.column(age));
        let chosen = chosen.and_then(|index| rows.get(index)).map(place);
        let mark = |at_cursor: bool, style: Style| {
            if at_cursor {
                theme.cursor.patch(style)
            } else {
                style
            }
        };
        let text = undated.letter().map_or(" ".to_owned(), String::from);
        line.text(text, mark(chosen == Some(None), undated.style(theme)))
            .gap(1);
        self.push_axis(&mut line, &cells, chosen.flatten(), mark, theme);
        let goes = rows.iter().filter(|row| row.verdict() == Verdict::Delete);
        let count = match goes.count() {
            0 => String::new(),
            1 => "1 goes".to_owned(),
            many => format!("{many} go"),
        };
        line.right(&count, COUNT, theme.critical);
        line.line()
    }

    fn push_axis(
        &self,
        line: &mut Row,
        cells: &[Cell],
        chosen: Option<usize>,
        mark: impl Fn(bool, Style) -> Style,
        theme: &Theme,
    ) {
        let (track, tick, present) = if theme.unicode {
            ('·', '┊', '●')
        } else {
            ('.', ':', '*')
        };
        let ticks: Vec<usize> = self.scale.marks().collect();
        for (column, cell) in cells.iter().enumerate() {
            let empty = if ticks.contains(&column) { tick } else { track };
            let letter = cell.letter().unwrap_or(empty);
            let style = mark(chosen == Some(column), cell.style(theme));
            line.text(letter, style);
        }
        line.text(present, theme.strong);
    }

    /// Puts snapshots into the columns of their ages, and those without a date beside them.
    fn cells(&self, rows: &[PlanRow]) -> (Cell, Vec<Cell>) {
        let mut cells = vec![Cell::Empty; self.scale.present()];
        let mut undated = Cell::Empty;
        for row in rows {
            let column = row.age().map(|age| self.scale.column(age));
            let cell = column.and_then(|column| cells.get_mut(column));
            let cell = cell.unwrap_or(&mut undated);
            *cell = cell.with(row.reason().group());
        }
        (undated, cells)
    }
}

/// What the letters of single snapshots mean.
const WORDS: [(Group, &str); 10] = [
    (Group::Expired, "delete"),
    (Group::KeptByYou, "kept by you"),
    (Group::Monthly, "monthly"),
    (Group::Weekly, "weekly"),
    (Group::Daily, "daily"),
    (Group::Newest, "newest"),
    (Group::Base, "base"),
    (Group::Marked, "marked"),
    (Group::Bracket, "bracket"),
    (Group::Unclear, "unclear"),
];

/// Explains all letters.
pub(in crate::ui) fn letters(theme: &Theme) -> Vec<(String, &'static str)> {
    explained(|_| true, theme)
}

/// Explains the letters that a plan has, and those of columns with several snapshots.
pub(super) fn legend(rows: &[PlanRow], theme: &Theme) -> Vec<(String, &'static str)> {
    explained(
        |group| rows.iter().any(|row| row.reason().group() == group),
        theme,
    )
}

fn explained(has: impl Fn(Group) -> bool, theme: &Theme) -> Vec<(String, &'static str)> {
    let mut legend: Vec<(String, &str)> = WORDS
        .into_iter()
        .filter(|(group, _)| has(*group))
        .map(|(group, word)| (letter(group).to_string(), word))
        .collect();
    let present = if theme.unicode { "●" } else { "*" };
    legend.push((present.to_owned(), "present"));
    legend.push(("2-9".to_owned(), "several kept"));
    legend.push(("X".to_owned(), "several, some go"));
    legend
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GROUPS: [Group; 10] = [
        Group::Daily,
        Group::Weekly,
        Group::Monthly,
        Group::Newest,
        Group::Base,
        Group::Marked,
        Group::Bracket,
        Group::Unclear,
        Group::KeptByYou,
        Group::Expired,
    ];

    #[test]
    fn every_verdict_has_a_letter_of_its_own() {
        let mut letters: Vec<char> = GROUPS.map(letter).to_vec();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), GROUPS.len());
        assert!(
            letters
                .iter()
                .all(|letter| letter.is_ascii() && *letter != 'X')
        );
    }

    proptest! {
        #[test]
        fn a_deletion_is_never_hidden_by_what_stands_in_the_same_column(
            picks in proptest::collection::vec(0..GROUPS.len(), 1..15),
        ) {
            let groups: Vec<Group> = picks.into_iter().map(|pick| GROUPS[pick]).collect();
            let cell = groups.iter().fold(Cell::Empty, |cell, group| cell.with(*group));
            let goes = groups.contains(&Group::Expired);
            let shown = cell.letter().unwrap();
            prop_assert_eq!(matches!(shown, 'x' | 'X'), goes);
            if groups.len() > 1 && !goes {
                let count = u32::try_from(groups.len()).unwrap();
                prop_assert_eq!(shown.to_digit(10).unwrap_or(count), count);
            }
        }
    }
}
