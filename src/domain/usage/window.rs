//! From when until when a window counts, at a given moment.

use std::time::Duration;

use chrono::{DateTime, Datelike, LocalResult, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::project::Window;

/// Clocks are set forward by multiples of this, so that the end of a skipped time is found.
const SKIP_GRAIN: TimeDelta = TimeDelta::minutes(15);
/// No place has ever skipped more than a day.
const LONGEST_SKIP_IN_GRAINS: i32 = 2 * 24 * 4;
/// More than a month and what any zone differs from UTC by.
const MARGIN: TimeDelta = TimeDelta::days(33);

/// The time over which use is counted, up to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Since when use counts.
    pub from: DateTime<Utc>,
    /// The present.
    pub until: DateTime<Utc>,
    /// When the window ends: a month with its last day, one that slides with the present.
    pub end: DateTime<Utc>,
}

impl Period {
    /// Finds the period of a window; months begin at midnight in `zone`.
    pub fn of(window: Window, now: DateTime<Utc>, zone: Tz) -> Self {
        let (from, end) = match window.sliding() {
            Some(length) => (
                TimeDelta::from_std(length)
                    .ok()
                    .and_then(|length| now.checked_sub_signed(length))
                    .unwrap_or(now),
                now,
            ),
            None => month(now, zone).unwrap_or((now, now)),
        };
        Self {
            from,
            until: now,
            end,
        }
    }

    /// Returns the part that a guest which came to be at `birth` can have been there.
    #[must_use]
    pub fn since(&self, birth: Option<DateTime<Utc>>) -> Self {
        let from = birth.map_or(self.from, |birth| birth.clamp(self.from, self.until));
        Self { from, ..*self }
    }

    /// Returns how much of it has passed.
    pub fn elapsed(&self) -> Duration {
        between(self.from, self.until)
    }

    /// Returns how long the window is from beginning to end.
    pub fn whole(&self) -> Duration {
        between(self.from, self.end)
    }

    /// Returns how much of it is still to come.
    pub fn left(&self) -> Duration {
        between(self.until, self.end)
    }
}

/// Returns how long it is from one moment to a later one; zero if it is not later.
pub(super) fn between(from: DateTime<Utc>, until: DateTime<Utc>) -> Duration {
    (until - from).to_std().unwrap_or_default()
}

/// Returns the first moment of this month and of the next.
fn month(now: DateTime<Utc>, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    // At the ends of the calendar there is no month around a moment.
    now.checked_sub_signed(MARGIN)?;
    now.checked_add_signed(MARGIN)?;
    let first = now.with_timezone(&zone).date_naive().with_day(1)?;
    let next = first.checked_add_months(Months::new(1))?;
    Some((beginning(first, zone)?, beginning(next, zone)?))
}

/// Returns the first moment of a day.
///
/// A midnight that comes twice is the first of both; where the clocks skip it, the day begins
/// when they have.
fn beginning(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=LONGEST_SKIP_IN_GRAINS).find_map(|grains| {
        let local = midnight.checked_add_signed(SKIP_GRAIN * grains)?;
        match local.and_local_timezone(zone) {
            LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => {
                Some(moment.to_utc())
            }
            LocalResult::None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::just_begun("2026-10-31T23:00:00Z", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z")]
    #[case::a_moment_before("2026-10-31T22:59:59Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    #[case::its_last_day("2026-12-31T12:00:00Z", "2026-11-30T23:00:00Z", "2026-12-31T23:00:00Z")]
    #[case::clocks_forward("2026-03-29T01:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z")]
    #[case::clocks_back("2026-10-25T01:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z")]
    fn a_month_begins_and_ends_at_local_midnight(
        #[case] now: &str,
        #[case] from: &str,
        #[case] end: &str,
    ) {
        let period = Period::of(Window::Month, at(now), Tz::Europe__Berlin);
        let expected = Period {
            from: at(from),
            until: at(now),
            end: at(end),
        };
        assert_eq!(period, expected);
    }

    #[test]
    fn months_with_a_clock_change_are_an_hour_shorter_or_longer() {
        let hours = |now| {
            let period = Period::of(Window::Month, at(now), Tz::Europe__Berlin);
            period.whole().as_secs() / 3_600
        };
        assert_eq!(hours("2026-03-10T00:00:00Z"), 31 * 24 - 1);
        assert_eq!(hours("2026-10-10T00:00:00Z"), 31 * 24 + 1);
        assert_eq!(hours("2026-11-10T00:00:00Z"), 30 * 24);
        assert_eq!(hours("2028-02-10T00:00:00Z"), 29 * 24);
    }

    #[test]
    fn a_midnight_that_does_not_exist_is_when_the_clocks_have_been_set() {
        // Paraguay went from 00:00 to 01:00 on the first of October 2017.
        let period = Period::of(
            Window::Month,
            at("2017-10-01T04:30:00Z"),
            Tz::America__Asuncion,
        );
        assert_eq!(period.from, at("2017-10-01T04:00:00Z"));
        let before = Period::of(
            Window::Month,
            at("2017-10-01T03:59:59Z"),
            Tz::America__Asuncion,
        );
        assert_eq!(before.end, period.from);
    }

    #[test]
    fn a_midnight_that_comes_twice_is_the_first_of_both() {
        // Cuba went from 01:00 back to 00:00 on the first of November 2020.
        for now in ["2020-11-01T04:30:00Z", "2020-11-01T05:30:00Z"] {
            let period = Period::of(Window::Month, at(now), Tz::America__Havana);
            assert_eq!(period.from, at("2020-11-01T04:00:00Z"));
        }
    }

    #[test]
    fn windows_that_slide_end_now_and_know_no_calendar() {
        for (window, days) in [
            (Window::Days30, 30),
            (Window::Days7, 7),
            (Window::Hours24, 1),
        ] {
            let now = at("2026-10-25T12:00:00Z");
            let period = Period::of(window, now, Tz::Europe__Berlin);
            assert_eq!((period.until, period.end), (now, now));
            assert_eq!(period.elapsed(), Duration::from_secs(days * 86_400));
            assert_eq!(period.left(), Duration::ZERO);
        }
    }

    #[test]
    fn no_date_is_beyond_it() {
        for now in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            for window in [Window::Month, Window::Days30] {
                let period = Period::of(window, now, Tz::Europe__Berlin);
                assert!(period.from <= period.until && period.until <= period.end);
            }
        }
    }

    #[test]
    fn a_guest_counts_from_its_birth_within_the_period() {
        let period = Period::of(Window::Month, at("2026-11-20T00:00:00Z"), Tz::UTC);
        let from = |birth: &str| period.since(Some(at(birth))).from;
        assert_eq!(from("2026-11-05T00:00:00Z"), at("2026-11-05T00:00:00Z"));
        assert_eq!(from("2026-10-05T00:00:00Z"), period.from);
        assert_eq!(from("2027-01-01T00:00:00Z"), period.until);
        assert_eq!(period.since(None), period);
    }
}
