//! Figures as people read them, at a fixed width so that nothing dances.

use std::time::Duration;

use chrono::{DateTime, Utc};
use humansize::{BINARY, format_size};

/// Writes a duration in at most six columns: `42d`, `1d 2h`, `3h`, `12m`, `8s`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, _) => format!("{hours}h"),
        (days @ 1..10, hours @ 1.., _) => format!("{days}d {hours}h"),
        (days, ..) => format!("{days}d"),
    }
}

/// Writes how long something takes or took: `8 s`, `1 m 04 s`, `2 h 05 m`.
pub fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} m {:02} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes:02} m"),
    }
}

/// Writes how long ago a date is: `22 d ago`, `4 h ago`, `just now`.
pub fn ago(date: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - date).num_seconds();
    match seconds {
        ..-60 => "in the future".to_owned(),
        -60..60 => "just now".to_owned(),
        60..3600 => format!("{} m ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Writes a share as a whole percentage, as large as it is: `97%`, `140%`.
///
/// It is rounded down, so that 99.9 % is not called full.
pub fn percent(fraction: f64) -> String {
    if fraction > 0.0 && fraction < 0.01 {
        return "<1%".to_owned();
    }
    // The small addition takes back what the binary fraction lost: 0.29 is 29 %.
    format!("{:.0}%", (fraction * 100.0 + 1e-6).floor())
}

/// Writes a size in binary units: `3.2 GiB`.
pub fn size(bytes: u64) -> String {
    format_size(bytes, BINARY.decimal_places(1).decimal_zeroes(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_fit_into_six_columns() {
        let cases = [
            (8, "8s"),
            (720, "12m"),
            (3 * 3600, "3h"),
            (26 * 3600, "1d 2h"),
            (86_400, "1d"),
            (42 * 86_400, "42d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(span(Duration::from_secs(seconds)), text);
            assert!(text.len() <= 6);
        }
        assert_eq!(span(Duration::from_secs(9 * 86_400 + 23 * 3600)), "9d 23h");
    }

    #[test]
    fn ages_and_shares_are_read_at_a_glance() {
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let before = |seconds: i64| {
            ago(
                DateTime::from_timestamp(1_000_000 - seconds, 0).unwrap(),
                now,
            )
        };
        assert_eq!(before(10), "just now");
        assert_eq!(before(4 * 3600), "4 h ago");
        assert_eq!(before(22 * 86_400), "22 d ago");
        assert_eq!(before(-3600), "in the future");
        assert_eq!(percent(0.97), "97%");
        assert_eq!(percent(0.001), "<1%");
        assert_eq!(percent(1.4), "140%");
        assert_eq!(size(4 << 30), "4 GiB");
        assert_eq!(size(3_435_973_836), "3.2 GiB");
        assert_eq!(elapsed(Duration::from_secs(64)), "1 m 04 s");
    }
}
