//! A guest's history in the equal columns of a chart.
//!
//! The steps of a series differ, so [`resample`] averages by overlap and leaves a gap a gap; nothing
//! is interpolated.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::history::{Averages, Sample, Span};

/// The present of a chart is known when at least so much of a column is.
const LEAST_OVERLAP_MS: i64 = 1_000;
/// While a guest is watched, its samples follow each other within this time.
const BETWEEN_SAMPLES: TimeDelta = TimeDelta::seconds(16);

/// One figure of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Processor use as a fraction of all cores.
    Cpu,
    /// Memory as a fraction of what the guest may use.
    Memory,
    /// Bytes read and written a second.
    Disk,
    /// Bytes read a second.
    DiskRead,
    /// Bytes written a second.
    DiskWrite,
    /// Bytes received and sent a second.
    Network,
    /// Bytes received a second.
    NetIn,
    /// Bytes sent a second.
    NetOut,
}

impl Channel {
    /// Picks its figure from a sample.
    pub fn of(self, averages: &Averages) -> Option<f64> {
        let rates = &averages.rates;
        match self {
            Self::Cpu => averages.cpu,
            Self::Memory => {
                let most = averages.max_memory.filter(|most| *most > 0.0)?;
                Some(averages.memory? / most)
            }
            Self::Disk => Some(rates.disk_read? + rates.disk_write?),
            Self::DiskRead => rates.disk_read,
            Self::DiskWrite => rates.disk_write,
            Self::Network => Some(rates.net_in? + rates.net_out?),
            Self::NetIn => rates.net_in,
            Self::NetOut => rates.net_out,
        }
    }
}

/// The equal columns of a chart, up to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    until: i64,
    column: i64,
    columns: usize,
}

impl Window {
    /// Makes `columns` columns that end with the one of the present.
    ///
    /// They begin at multiples of their length, so that a column keeps its figure while it moves
    /// to the left, and nothing dances.
    pub fn ending(now: DateTime<Utc>, column: Duration, columns: usize) -> Self {
        let column = i64::try_from(column.as_millis())
            .unwrap_or(i64::MAX)
            .clamp(1, 1 << 40);
        let until = (now.timestamp_millis().div_euclid(column) + 1).saturating_mul(column);
        Self {
            until,
            column,
            columns,
        }
    }

    /// Makes `columns` columns that cover a span.
    pub fn covering(span: Span, now: DateTime<Utc>, columns: usize) -> Self {
        let parts = u32::try_from(columns.max(1)).unwrap_or(u32::MAX);
        Self::ending(now, span.length() / parts, columns)
    }

    fn begin(&self) -> i64 {
        let columns = i64::try_from(self.columns).unwrap_or(i64::MAX);
        self.until
            .saturating_sub(self.column.saturating_mul(columns))
    }

    /// Returns how many milliseconds of a sample lie within.
    fn overlap(&self, sample: &Sample) -> i64 {
        let (from, until) = sample.bounds();
        until.min(self.until) - from.max(self.begin())
    }
}

/// Returns when the present of a chart is: the end of the newest sample, unless that is old.
///
/// A column that has only just begun would be a gap until the next sample, and blink.
pub fn present<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let newest = samples.into_iter().map(|sample| sample.until).max();
    newest
        .filter(|newest| (now - *newest).abs() <= BETWEEN_SAMPLES)
        .map_or(now, |newest| {
            newest - TimeDelta::milliseconds(LEAST_OVERLAP_MS)
        })
}

/// Averages a figure over each column; a column about which nothing is known is a gap.
pub fn resample<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    channel: Channel,
    window: Window,
) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_i64); window.columns];
    let begin = window.begin();
    for sample in samples {
        let Some(value) = channel.of(&sample.averages) else {
            continue;
        };
        let (from, until) = sample.bounds();
        let (from, until) = (from.max(begin), until.min(window.until));
        let mut at = from;
        while at < until {
            let column = (at - begin).div_euclid(window.column);
            let end = (begin + (column + 1) * window.column).min(until);
            if let Some((sum, known)) = usize::try_from(column)
                .ok()
                .and_then(|column| sums.get_mut(column))
            {
                *sum += value * (end - at) as f64;
                *known += end - at;
            }
            at = end;
        }
    }
    let least = LEAST_OVERLAP_MS.min(window.column);
    sums.into_iter()
        .map(|(sum, known)| (known >= least).then(|| sum / known as f64))
        .collect()
}

/// The average and the highest value of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The average over the time that is known.
    pub average: f64,
    /// The highest step.
    pub peak: f64,
}

/// Sums a figure up over a window; absent when nothing is known.
pub fn summary<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    channel: Channel,
    window: Window,
) -> Option<Summary> {
    let (mut sum, mut known, mut peak) = (0.0, 0_i64, 0.0_f64);
    for sample in samples {
        let overlap = window.overlap(sample);
        if overlap <= 0 {
            continue;
        }
        if let Some(value) = channel.of(&sample.averages) {
            sum += value * overlap as f64;
            known += overlap;
            peak = peak.max(value);
        }
    }
    (known > 0).then(|| Summary {
        average: sum / known as f64,
        peak,
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::history::Series;

    /// A full hour.
    const T: i64 = 1_795_449_600;

    fn cpu(value: f64) -> Averages {
        Averages {
            cpu: Some(value),
            ..Averages::default()
        }
    }

    fn series(rows: &[(i64, f64)]) -> Series {
        Series::new(
            Span::Hour,
            rows.iter()
                .map(|(time, value)| (T + time, cpu(*value)))
                .collect(),
        )
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(T + seconds, 0).unwrap()
    }

    fn columns(series: &Series, now: i64, column: u64, count: usize) -> Vec<Option<f64>> {
        let window = Window::ending(at(now), Duration::from_secs(column), count);
        resample(series.samples(), Channel::Cpu, window)
    }

    #[test]
    fn pitfall_19_a_row_after_a_gap_is_not_stretched_over_it() {
        let series = series(&[(0, 0.5), (60, 0.5), (1200, 0.9)]);
        assert_eq!(series.samples()[2].length, Duration::from_secs(60));
        let columns = columns(&series, 1199, 60, 20);
        assert_eq!(columns.iter().flatten().count(), 2);
        assert_eq!(columns[19], Some(0.9));
    }

    #[test]
    fn pitfall_19_rows_without_figures_are_gaps_and_sizes_are_none() {
        let size_only = Averages {
            max_memory: Some(64.0),
            ..Averages::default()
        };
        let series = Series::new(
            Span::Hour,
            vec![
                (T, cpu(0.5)),
                (T + 60, Averages::default()),
                (T + 120, size_only),
            ],
        );
        assert_eq!(series.end(), Some(at(0)));
        assert_eq!(columns(&series, 119, 60, 3), [Some(0.5), None, None]);
    }

    #[test]
    fn columns_average_by_the_time_that_each_sample_covers() {
        let series = series(&[(60, 1.0), (120, 0.0), (180, 0.5)]);
        assert_eq!(
            columns(&series, 179, 60, 3),
            [Some(1.0), Some(0.0), Some(0.5)]
        );
        assert_eq!(columns(&series, 179, 180, 1), [Some(0.5)]);
        let fine = columns(&series, 179, 15, 12);
        assert_eq!(fine[..4], [Some(1.0); 4]);
        assert_eq!(fine[8..], [Some(0.5); 4]);
    }

    #[test]
    fn columns_keep_their_figure_while_the_present_moves() {
        let series = series(&[(60, 0.1), (120, 0.2), (180, 0.3), (240, 0.4)]);
        for now in 181..240 {
            assert_eq!(columns(&series, now, 60, 4)[2], Some(0.3), "{now}");
        }
    }

    #[test]
    fn the_chart_of_a_span_ends_with_the_present_and_begins_a_span_before() {
        let window = Window::covering(Span::Hour, at(0), 60);
        assert_eq!(window.until - window.begin(), 3_600_000);
        assert!(window.until > at(0).timestamp_millis());
        assert_eq!(
            resample(&[], Channel::Cpu, Window::covering(Span::Month, at(0), 0)),
            []
        );
    }

    #[test]
    fn a_column_that_has_only_just_begun_does_not_blink() {
        let sample = |end| Sample {
            until: at(end),
            length: Duration::from_secs(5),
            averages: cpu(0.5),
        };
        let samples = [sample(55), sample(60)];
        for now in 60..75 {
            let window = Window::ending(present(&samples, at(now)), Duration::from_secs(15), 2);
            let columns = resample(&samples, Channel::Cpu, window);
            assert_eq!(columns, [None, Some(0.5)], "{now}");
        }
        assert_eq!(present(&samples, at(90)), at(90));
        let mut barely_begun = sample(60);
        barely_begun.until += TimeDelta::milliseconds(300);
        let window = Window::ending(present(&[barely_begun], at(61)), Duration::from_secs(15), 1);
        assert_eq!(resample(&[barely_begun], Channel::Cpu, window), [Some(0.5)]);
    }

    #[test]
    fn a_summary_is_about_the_window_alone() {
        let series = series(&[(0, 9.0), (60, 0.2), (120, 0.4)]);
        let window = Window::ending(at(119), Duration::from_secs(60), 2);
        let summed = summary(series.samples(), Channel::Cpu, window).unwrap();
        assert!((summed.average - 0.3).abs() < 1e-9);
        assert!((summed.peak - 0.4).abs() < 1e-9);
        assert_eq!(summary(series.samples(), Channel::Memory, window), None);
    }

    #[test]
    fn pitfall_16_shares_above_one_stay_above_one() {
        let averages = Averages {
            memory: Some(145.0),
            max_memory: Some(64.0),
            ..cpu(1.4)
        };
        assert_eq!(Channel::Cpu.of(&averages), Some(1.4));
        assert!(Channel::Memory.of(&averages).unwrap() > 2.0);
        let sizeless = Averages {
            max_memory: Some(0.0),
            ..averages
        };
        assert_eq!(Channel::Memory.of(&sizeless), None);
    }

    proptest! {
        #[test]
        fn no_column_leaves_the_range_of_its_samples(
            rows in proptest::collection::vec((any::<i64>(), 0.0..2.0_f64), 0..50),
            near in proptest::collection::vec((0..4000_i64, 0.0..2.0_f64), 0..80),
            count in 0..200_usize,
        ) {
            let rows = rows.into_iter().chain(near.into_iter().map(|(time, value)| (T + time, value)));
            let series = Series::new(Span::Hour, rows.map(|(time, value)| (time, cpu(value))).collect());
            let columns = resample(
                series.samples(),
                Channel::Cpu,
                Window::covering(Span::Hour, at(4000), count),
            );
            prop_assert_eq!(columns.len(), count);
            for value in columns.into_iter().flatten() {
                prop_assert!((0.0..=2.0 + 1e-9).contains(&value));
            }
        }
    }
}
