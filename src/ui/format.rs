//! Figures as people read them, at a fixed width so that nothing dances.

use std::time::Duration;

use chrono::{DateTime, Utc};
use humansize::{BINARY, format_size};

use crate::domain::inventory::Running;
use crate::domain::units::whole_percent;

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
    format!("{}%", whole_percent(fraction))
}

/// Writes how many guests run: `7`, a lower bound `≥7` where a node is silent, `?` where all are.
pub fn running(running: Running, unicode: bool) -> String {
    match running {
        Running { known, unknown: 0 } => known.to_string(),
        Running { known: 0, .. } => "?".to_owned(),
        Running { known, .. } if unicode => format!("≥{known}"),
        Running { known, .. } => format!(">={known}"),
    }
}

/// Writes a size in binary units: `3.2 GiB`.
pub fn size(bytes: u64) -> String {
    format_size(bytes, BINARY.decimal_places(1).decimal_zeroes(0))
}

/// Writes bytes a second in at most ten columns: `41.2 MB/s`, `512 B/s`.
pub fn rate(bytes: f64) -> String {
    let (figure, unit) = decimal(bytes);
    let unit = if unit.is_empty() {
        " B"
    } else {
        &format!(" {unit}B")
    };
    format!("{figure}{unit}/s")
}

/// Writes bytes a second in at most six columns: `41.2M`, `512`.
pub fn short_rate(bytes: f64) -> String {
    let (figure, unit) = decimal(bytes);
    format!("{figure}{unit}")
}

/// Writes a figure below a thousand and the decimal prefix that belongs to it.
fn decimal(value: f64) -> (String, &'static str) {
    let mut value = if value.is_finite() {
        value.max(0.0)
    } else {
        0.0
    };
    // What rounds to nothing is still not nothing.
    if value > 0.0 && value < 1.0 {
        return ("<1".to_owned(), "");
    }
    for unit in ["", "k", "M", "G", "T"] {
        if unit.is_empty() && value < 999.5 {
            return (format!("{value:.0}"), unit);
        }
        if !unit.is_empty() && value < 999.95 {
            return (format!("{value:.1}"), unit);
        }
        value /= 1000.0;
    }
    (format!("{value:.0}"), "P")
}

/// Writes how much of a size is used, in the unit of the whole: `3.2/4.0G`, `48/512M`.
pub fn used_of(used: u64, most: u64) -> String {
    let (unit, letter, digits) = binary(most);
    let (used, most) = (used as f64 / unit, most as f64 / unit);
    format!("{used:.digits$}/{most:.digits$}{letter}")
}

/// Writes a size in at most six columns: `4.0G`, `512M`.
pub fn short_size(bytes: u64) -> String {
    let (unit, letter, digits) = binary(bytes);
    format!("{:.digits$}{letter}", bytes as f64 / unit)
}

/// Picks the unit of a size, its letter, and how many digits behind the point it wants.
fn binary(bytes: u64) -> (f64, char, usize) {
    match bytes {
        tebi if tebi >= 1 << 40 => ((1_u64 << 40) as f64, 'T', 1),
        gibi if gibi >= 1 << 30 => ((1_u64 << 30) as f64, 'G', 1),
        _ => ((1_u64 << 20) as f64, 'M', 0),
    }
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
    fn rates_fit_into_their_columns_and_never_pretend_to_be_nothing() {
        let cases = [
            (0.0, "0 B/s", "0"),
            (0.2, "<1 B/s", "<1"),
            (512.0, "512 B/s", "512"),
            (999.7, "1.0 kB/s", "1.0k"),
            (41_249_000.0, "41.2 MB/s", "41.2M"),
            (999_960.0, "1.0 MB/s", "1.0M"),
            (999.9e9, "999.9 GB/s", "999.9G"),
            (f64::NAN, "0 B/s", "0"),
        ];
        for (bytes, long, short) in cases {
            assert_eq!(
                (rate(bytes).as_str(), short_rate(bytes).as_str()),
                (long, short)
            );
            assert!(long.len() <= 10 && short.len() <= 6);
        }
    }

    #[test]
    fn what_is_used_is_told_in_the_unit_of_the_whole() {
        assert_eq!(used_of(3_435_973_836, 4 << 30), "3.2/4.0G");
        assert_eq!(used_of(145_989_632, 64 << 20), "139/64M");
        assert_eq!(used_of(48 << 20, 512 << 20), "48/512M");
        assert_eq!(used_of(512 << 30, 2 << 40), "0.5/2.0T");
        assert_eq!(short_size(4 << 30), "4.0G");
        assert_eq!(short_size(679 << 20), "679M");
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
