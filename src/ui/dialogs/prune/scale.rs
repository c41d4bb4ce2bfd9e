//! The axis of the timeline: which column stands for which age.
//!
//! The youngest ages get the most room: up to a year each stretch from mark to mark is as wide as the
//! others, and within one a column is always as long. What is older than a year gets little.

use std::time::Duration;

use crate::domain::retention::DAY;
use crate::ui::widgets::width;

/// The ages that have a mark, in days, and how it is called; the youngest first.
const MARKS: [(u64, &str); 8] = [
    (0, "today"),
    (7, "7 d"),
    (30, "30 d"),
    (90, "90 d"),
    (365, "365 d"),
    (3 * 365, "3 y"),
    (10 * 365, "10 y"),
    (30 * 365, "30 y"),
];
/// From this mark on stretches are narrow.
const A_YEAR: usize = 4;
/// The scale reaches at least to this mark, so that young plans look alike.
const LEAST_MARK: usize = 2;

/// A time axis of a number of columns, of which the last is the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    /// The index of the mark at its left end.
    last: usize,
    columns: usize,
}

impl Scale {
    /// Makes the scale that holds ages up to the oldest one.
    pub(super) fn new(oldest: Duration, columns: usize) -> Self {
        let holds = |&(days, _): &(u64, &str)| oldest <= Duration::from_secs(days * DAY);
        let last = MARKS.iter().position(holds).unwrap_or(MARKS.len() - 1);
        Self {
            last: last.max(LEAST_MARK),
            columns: columns.max(2),
        }
    }

    /// Returns the column of the present, in which no snapshot stands.
    pub(super) fn present(self) -> usize {
        self.columns - 1
    }

    /// Returns the column of an age; what is older than the scale stands in the first.
    pub(super) fn column(self, age: Duration) -> usize {
        let seconds = age.as_secs();
        let stretch = MARKS[1..=self.last]
            .iter()
            .position(|(days, _)| seconds <= days * DAY);
        let Some(stretch) = stretch else { return 0 };
        let (from, until) = (MARKS[stretch].0 * DAY, MARKS[stretch + 1].0 * DAY);
        let within = (seconds - from) as f64 / (until - from) as f64;
        let before = distance(stretch);
        let share = (before + within * (distance(stretch + 1) - before)) / distance(self.last);
        let room = self.present() - 1;
        room - ((share * room as f64).round() as usize).min(room)
    }

    /// Returns the columns at which marks stand, the oldest first, without today's.
    pub(super) fn marks(self) -> impl Iterator<Item = usize> {
        (1..=self.last)
            .rev()
            .map(move |mark| self.column(Duration::from_secs(MARKS[mark].0 * DAY)))
    }

    /// Writes the names of the marks, each beginning in its column; today's ends in the last one.
    ///
    /// Where two would touch, the older one is left out.
    pub(super) fn names(self) -> String {
        let mut names: Vec<(usize, &str)> = Vec::new();
        let mut end = self.columns;
        for (mark, &(days, name)) in MARKS.iter().enumerate().take(self.last + 1) {
            let begin = match mark {
                0 => self.columns.saturating_sub(width(name)),
                _ => self.column(Duration::from_secs(days * DAY)),
            };
            if begin + width(name) + usize::from(mark > 0) <= end {
                names.push((begin, name));
                end = begin;
            }
        }
        let mut text = String::new();
        for (begin, name) in names.into_iter().rev() {
            text.push_str(&" ".repeat(begin.saturating_sub(width(&text))));
            text.push_str(name);
        }
        text
    }
}

/// Returns how far a mark is from today, in widths of a stretch below a year.
fn distance(mark: usize) -> f64 {
    const NARROW: f64 = 0.25;
    mark.min(A_YEAR) as f64 + mark.saturating_sub(A_YEAR) as f64 * NARROW
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn days(days: u64) -> Duration {
        Duration::from_secs(days * DAY)
    }

    #[test]
    fn every_mark_is_as_far_from_the_next_and_the_present_is_alone_in_the_last_column() {
        let scale = Scale::new(days(365), 82);
        let columns = [365, 90, 30, 7, 0].map(|age| scale.column(days(age)));
        assert_eq!(columns, [0, 20, 40, 60, 80]);
        assert_eq!(scale.present(), 81);
        assert_eq!(scale.marks().collect::<Vec<_>>(), [0, 20, 40, 60]);
    }

    #[test]
    fn between_marks_a_column_is_always_as_long() {
        let scale = Scale::new(days(365), 82);
        assert_eq!(scale.column(days(60)), 30, "half-way from 90 to 30 days");
        assert_eq!(scale.column(Duration::from_secs(7 * DAY / 2)), 70);
        assert_eq!(
            scale.column(days(200)),
            12,
            "60 % of the way from 90 to 365"
        );
    }

    #[test]
    fn the_scale_is_as_long_as_the_oldest_snapshot_needs() {
        let left = |age| Scale::new(days(age), 100).names().trim().to_owned();
        assert!(left(0).starts_with("30 d"));
        assert!(left(30).starts_with("30 d"));
        assert!(left(31).starts_with("90 d"));
        assert!(left(365).starts_with("365 d"));
        assert!(left(366).starts_with("3 y"));
        assert!(left(90_000).starts_with("30 y"));
        let scale = Scale::new(days(366), 87);
        assert_eq!(scale.marks().collect::<Vec<_>>(), [0, 5, 25, 45, 65]);
        assert_eq!(Scale::new(days(90_000), 100).column(days(90_000)), 0);
    }

    #[test]
    fn names_begin_where_their_mark_stands() {
        let scale = Scale::new(days(365), 42);
        assert_eq!(scale.names(), "365 d     90 d      30 d      7 d    today");
        assert_eq!(scale.names().len(), 42);
        assert_eq!(Scale::new(days(365), 14).names(), "   90 d  today");
    }

    proptest! {
        #[test]
        fn younger_is_never_further_left_and_nothing_stands_outside(
            oldest in 0..20_000_u64, one in 0..20_000 * DAY, other in 0..20_000 * DAY,
            columns in 0..300_usize,
        ) {
            let scale = Scale::new(days(oldest), columns);
            let (young, old) = (one.min(other), one.max(other));
            let (young, old) = [young, old].map(|age| scale.column(Duration::from_secs(age))).into();
            prop_assert!(old <= young);
            prop_assert!(young < scale.present());
            prop_assert!(width(&scale.names()) <= scale.columns);
        }
    }
}
