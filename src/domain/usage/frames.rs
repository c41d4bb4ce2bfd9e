//! Which of the server's histories must be read to know a period.

use chrono::{DateTime, TimeDelta, Utc};

use super::window::Period;
use crate::domain::history::{Series, Span};

/// No guest needs more histories than this: the one that reaches back, `year`, `day` and `hour`.
pub const MOST_READS: usize = 4;

/// So much of what has passed of a period, as one of so many parts, may stay unknown.
const PARTS: i32 = 100;

/// Returns what to read next for a period, or nothing when enough is read.
///
/// First comes the finest frame that reaches back to the beginning; `year` as well where a month
/// is longer than `month` (version 9), then `day` and `hour` while the newest that is known is
/// older than a hundredth of the period. Give a guest's own period ([`Period::since`] its birth).
pub fn next_frame(read: &[(Span, &Series)], period: &Period, now: DateTime<Utc>) -> Option<Span> {
    if period.until <= period.from || read.len() >= MOST_READS {
        return None;
    }
    let is_read = |span: Span| read.iter().any(|(each, _)| *each == span);
    let negligible = (period.until - period.from) / PARTS;
    let age = now - period.from;
    let base = Span::ALL
        .into_iter()
        .find(|span| age <= length(*span) + negligible)
        .unwrap_or(Span::Month);
    if !is_read(base) {
        return Some(base);
    }
    let begin = read.iter().filter_map(|(_, series)| begin(series)).min();
    let reaches_back = begin.is_some_and(|begin| begin - period.from <= negligible);
    if age > length(Span::Month) && !reaches_back && !is_read(Span::Year) {
        return Some(Span::Year);
    }
    let known = read
        .iter()
        .filter_map(|(_, series)| known_until(series))
        .max();
    let tail = period.until - known.map_or(period.from, |known| known.max(period.from));
    [Span::Day, Span::Hour]
        .into_iter()
        .find(|span| length(*span) <= length(base) && !is_read(*span))
        .filter(|_| tail > negligible)
}

fn length(span: Span) -> TimeDelta {
    TimeDelta::from_std(span.length()).unwrap_or(TimeDelta::MAX)
}

/// Returns since when a series says anything, were it that nothing is known.
fn begin(series: &Series) -> Option<DateTime<Utc>> {
    let first = series.samples().first()?;
    first
        .until
        .checked_sub_signed(TimeDelta::from_std(first.length).ok()?)
}

/// Returns until when something is known, were it that the guest was not running.
fn known_until(series: &Series) -> Option<DateTime<Utc>> {
    let last = series
        .samples()
        .iter()
        .rfind(|sample| sample.averages.is_known())?;
    Some(last.until)
}
