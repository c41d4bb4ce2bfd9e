//! What a guest did over the last hour, day, week or month, ready to be charted.
//!
//! A series is what the server's RRD keeps: averages over steps that may differ within one answer,
//! with gaps (PITFALLS 19). Charts need equal columns, so [`resample`] averages by overlap and
//! leaves a gap a gap; nothing is interpolated.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::guest::Figures;
use super::rates::Rates;

/// The present of a chart is known when at least so much of a column is.
const LEAST_OVERLAP_MS: i64 = 1_000;
/// While a guest is watched, its samples follow each other within this time.
const BETWEEN_SAMPLES: TimeDelta = TimeDelta::seconds(16);
/// Rows beyond this count are the oldest and are dropped; no server keeps so many.
const MOST_ROWS: usize = 4_096;
/// 2000-01-01 and 2100-01-01: a row dated outside was not written by a working clock.
const BELIEVABLE_TIMES: std::ops::Range<i64> = 946_684_800..4_102_444_800;
/// So long after a guest's start its processor figure of 0 only means that nothing was compared yet.
const FIRST_COMPARISON: Duration = Duration::from_secs(20);

/// How far back a history reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Span {
    /// The last hour.
    #[default]
    Hour,
    /// The last day.
    Day,
    /// The last week.
    Week,
    /// The last thirty days.
    Month,
}

impl Span {
    /// All spans, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Returns the word that the server knows it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// Returns how long it is.
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
        })
    }

    /// Returns the longest step that a server up to version 8 answers with (API.md §4).
    const fn coarsest_step(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 60,
            Self::Day => 1_800,
            Self::Week => 3 * 3_600,
            Self::Month => 12 * 3_600,
        })
    }

    /// Returns the next longer span; the longest is its own.
    #[must_use]
    pub const fn longer(self) -> Self {
        match self {
            Self::Hour => Self::Day,
            Self::Day => Self::Week,
            Self::Week | Self::Month => Self::Month,
        }
    }

    /// Returns the next shorter span; the shortest is its own.
    #[must_use]
    pub const fn shorter(self) -> Self {
        match self {
            Self::Hour | Self::Day => Self::Hour,
            Self::Week => Self::Day,
            Self::Month => Self::Week,
        }
    }
}

/// Averages over one step; absent means unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Averages {
    /// Processor use as a fraction of all cores; may exceed 1.
    pub cpu: Option<f64>,
    /// Memory in use, in bytes.
    pub memory: Option<f64>,
    /// Memory that it might use, in bytes.
    pub max_memory: Option<f64>,
    /// Memory that the host spent, in bytes.
    pub host_memory: Option<f64>,
    /// Bytes moved a second.
    pub rates: Rates,
}

impl Averages {
    /// Tells whether nothing was measured; sizes alone are no measurement.
    fn is_gap(&self) -> bool {
        self.cpu.is_none() && self.memory.is_none() && self.rates.is_unknown()
    }

    /// Drops what is negative or endless.
    fn believable(mut self) -> Self {
        for figure in [
            &mut self.cpu,
            &mut self.memory,
            &mut self.max_memory,
            &mut self.host_memory,
            &mut self.rates.net_in,
            &mut self.rates.net_out,
            &mut self.rates.disk_read,
            &mut self.rates.disk_write,
        ] {
            *figure = figure.filter(|figure| figure.is_finite() && *figure >= 0.0);
        }
        self
    }

    fn or(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.or(other.cpu),
            memory: self.memory.or(other.memory),
            max_memory: self.max_memory.or(other.max_memory),
            host_memory: self.host_memory.or(other.host_memory),
            rates: self.rates.or(other.rates),
        }
    }
}

/// A row of history: averages over the time that ends with `until`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The end of the time that it is about.
    pub until: DateTime<Utc>,
    /// How long that time is.
    pub length: Duration,
    /// What was measured.
    pub averages: Averages,
}

impl Sample {
    fn bounds(&self) -> (i64, i64) {
        let until = self.until.timestamp_millis();
        let length = i64::try_from(self.length.as_millis()).unwrap_or(i64::MAX);
        (until.saturating_sub(length), until)
    }
}

/// Samples in the order of time, without doubles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    samples: Vec<Sample>,
}

impl Series {
    /// Makes a series of rows of an answer, each the end of its step in seconds since 1970.
    ///
    /// Rows may come in any order, twice, and in mixed steps; those with impossible times are left
    /// out. Each row is about the time since the row before, but never about more than the
    /// longest step of its span: what is missing is a gap.
    pub fn new(span: Span, mut rows: Vec<(i64, Averages)>) -> Self {
        rows.retain(|(time, _)| BELIEVABLE_TIMES.contains(time));
        rows.sort_by_key(|(time, _)| *time);
        rows.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 = earlier.1.or(later.1);
            }
            same
        });
        rows.drain(..rows.len().saturating_sub(MOST_ROWS));
        let coarsest = i64::try_from(span.coarsest_step().as_secs()).unwrap_or(i64::MAX);
        let first_step = match rows.as_slice() {
            [first, second, ..] => second.0 - first.0,
            _ => coarsest,
        };
        let mut before = rows.first().map_or(0, |(time, _)| time - first_step);
        let samples = rows.into_iter().filter_map(|(time, averages)| {
            let step = (time - before).min(coarsest);
            before = time;
            Some(Sample {
                until: DateTime::from_timestamp(time, 0)?,
                length: Duration::from_secs(step.unsigned_abs()),
                averages: averages.believable(),
            })
        });
        Self {
            samples: samples.collect(),
        }
    }

    /// Returns the samples, the oldest first.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Returns until when something was measured.
    pub fn end(&self) -> Option<DateTime<Utc>> {
        self.samples
            .iter()
            .rev()
            .find(|sample| !sample.averages.is_gap())
            .map(|sample| sample.until)
    }

    /// Returns its samples, continued by those of `recent` that begin where it ends.
    pub fn continued<'a>(
        history: Option<&'a Series>,
        recent: impl IntoIterator<Item = &'a Sample>,
    ) -> Vec<&'a Sample> {
        let end = history
            .and_then(Series::end)
            .map(|end| end.timestamp_millis());
        // What the clocks differ by may let a sample begin a moment early.
        let begins_after = |sample: &&Sample| {
            end.is_none_or(|end| sample.bounds().0 >= end.saturating_sub(LEAST_OVERLAP_MS))
        };
        let past = history.map_or(&[][..], |series| &series.samples);
        past.iter()
            .chain(recent.into_iter().filter(begins_after))
            .collect()
    }
}

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

/// Returns a guest's processor use, unless it is the zero of a guest that has only just started.
///
/// The first figure after a start has nothing to be compared with (PITFALLS 15).
pub fn believed_cpu(figures: &Figures) -> Option<f64> {
    let just_started = figures
        .uptime
        .is_some_and(|uptime| uptime < FIRST_COMPARISON);
    figures.cpu.filter(|cpu| *cpu > 0.0 || !just_started)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

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
    fn pitfall_19_rows_are_sorted_joined_and_freed_of_impossible_times() {
        let net = Averages {
            rates: Rates {
                net_in: Some(7.0),
                ..Rates::default()
            },
            ..Averages::default()
        };
        let series = Series::new(
            Span::Hour,
            vec![
                (T + 60, cpu(0.2)),
                (T, cpu(0.1)),
                (T + 60, net),
                (0, cpu(9.0)),
                (i64::MAX, cpu(9.0)),
                (-5, cpu(9.0)),
            ],
        );
        let rows: Vec<_> = series
            .samples()
            .iter()
            .map(|sample| {
                (
                    sample.until,
                    sample.averages.cpu,
                    sample.averages.rates.net_in,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [(at(0), Some(0.1), None), (at(60), Some(0.2), Some(7.0))]
        );
    }

    #[test]
    fn pitfall_19_mixed_steps_each_count_for_as_long_as_they_are() {
        let rows = [0, 1800, 1860, 1920].map(|time| (T + time, cpu(time as f64)));
        let series = Series::new(Span::Day, rows.to_vec());
        let lengths: Vec<u64> = series
            .samples()
            .iter()
            .map(|sample| sample.length.as_secs())
            .collect();
        assert_eq!(lengths, [1800, 1800, 60, 60]);
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
    fn figures_that_cannot_be_are_gaps() {
        let series = series(&[(0, -1.0), (60, f64::NAN), (120, f64::INFINITY), (180, 1.7)]);
        let known: Vec<_> = series
            .samples()
            .iter()
            .map(|sample| sample.averages.cpu)
            .collect();
        assert_eq!(known, [None, None, None, Some(1.7)]);
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
    fn recent_samples_continue_where_history_ends() {
        let history = series(&[(0, 0.5), (60, 0.5)]);
        let recent: Vec<Sample> = (0..30)
            .map(|index| Sample {
                until: at(index * 5),
                length: Duration::from_secs(5),
                averages: cpu(0.9),
            })
            .collect();
        let joined = Series::continued(Some(&history), &recent);
        assert_eq!(joined.len(), 2 + 17);
        assert_eq!(joined[2].until, at(65));
        assert_eq!(Series::continued(None, &recent).len(), 30);
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
    fn pitfall_15_the_zero_of_a_guest_that_just_started_is_not_believed() {
        let figures = |cpu, uptime| Figures {
            cpu,
            uptime: Some(Duration::from_secs(uptime)),
            ..Figures::default()
        };
        assert_eq!(believed_cpu(&figures(Some(0.0), 8)), None);
        assert_eq!(believed_cpu(&figures(Some(0.3), 8)), Some(0.3));
        assert_eq!(believed_cpu(&figures(Some(0.0), 20)), Some(0.0));
        assert_eq!(believed_cpu(&figures(None, 500)), None);
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

    #[test]
    fn spans_stop_at_their_ends() {
        assert_eq!(Span::Month.longer(), Span::Month);
        assert_eq!(Span::Hour.shorter(), Span::Hour);
        for pair in Span::ALL.windows(2) {
            assert_eq!((pair[0].longer(), pair[1].shorter()), (pair[1], pair[0]));
        }
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
