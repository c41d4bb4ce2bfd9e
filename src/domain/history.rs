//! What a guest did over the last hour, day, week, month or year.
//!
//! A series is what the server's RRD keeps: averages over steps that may differ within one answer,
//! with gaps (PITFALLS 19).

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::guest::Figures;
use super::rates::Rates;

/// A recent sample that begins so much before a history's end still continues it.
const DISAGREEMENT_MS: i64 = 1_000;
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
    /// The last year, too coarse for a chart.
    Year,
}

impl Span {
    /// The spans that charts show, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// Returns the word that the server knows it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Returns how long it is.
    pub const fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
            Self::Year => 360 * 86_400,
        })
    }

    /// Returns the longest step that a server up to version 8 answers with (API.md §4).
    const fn coarsest_step(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hour => 60,
            Self::Day => 1_800,
            Self::Week => 3 * 3_600,
            Self::Month => 12 * 3_600,
            Self::Year => 7 * 86_400,
        })
    }

    /// Returns the next longer span of a chart; the longest is its own.
    #[must_use]
    pub const fn longer(self) -> Self {
        match self {
            Self::Hour => Self::Day,
            Self::Day => Self::Week,
            Self::Week | Self::Month => Self::Month,
            Self::Year => Self::Year,
        }
    }

    /// Returns the next shorter span; the shortest is its own.
    #[must_use]
    pub const fn shorter(self) -> Self {
        match self {
            Self::Hour | Self::Day => Self::Hour,
            Self::Week => Self::Day,
            Self::Month => Self::Week,
            Self::Year => Self::Month,
        }
    }
}

/// Averages over one step; absent means unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Averages {
    /// Processor use as a fraction of all cores; may exceed 1.
    pub cpu: Option<f64>,
    /// Its cores; fractional for containers.
    pub max_cpu: Option<f64>,
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

    /// Tells whether the guest is known not to have run: the server knew its sizes and nothing else.
    pub(super) fn is_idle(&self) -> bool {
        self.is_gap() && (self.max_cpu.is_some() || self.max_memory.is_some())
    }

    /// Tells whether the server knew anything at all.
    pub(super) fn is_known(&self) -> bool {
        !self.is_gap() || self.is_idle()
    }

    /// Drops what is negative or endless.
    fn believable(mut self) -> Self {
        let was_measured = !self.is_gap();
        for figure in [
            &mut self.cpu,
            &mut self.max_cpu,
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
        if was_measured && self.is_gap() {
            // Broken figures must not look like those of a guest that did not run.
            return Self::default();
        }
        self
    }

    fn or(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.or(other.cpu),
            max_cpu: self.max_cpu.or(other.max_cpu),
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
    pub(super) fn bounds(&self) -> (i64, i64) {
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
            end.is_none_or(|end| sample.bounds().0 >= end.saturating_sub(DISAGREEMENT_MS))
        };
        let past = history.map_or(&[][..], |series| &series.samples);
        past.iter()
            .chain(recent.into_iter().filter(begins_after))
            .collect()
    }
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
    fn spans_stop_at_their_ends() {
        assert_eq!(Span::Month.longer(), Span::Month);
        assert_eq!(Span::Hour.shorter(), Span::Hour);
        for pair in Span::ALL.windows(2) {
            assert_eq!((pair[0].longer(), pair[1].shorter()), (pair[1], pair[0]));
        }
        // The year is read for sums and never shown.
        assert!(!Span::ALL.contains(&Span::Year));
    }

    #[test]
    fn pitfall_19_a_row_of_sizes_alone_is_a_guest_that_did_not_run_and_a_bare_time_a_gap() {
        // Recordings 100 and 608.
        let sizes = Averages {
            max_cpu: Some(1.0),
            max_memory: Some(67_108_864.0),
            ..Averages::default()
        };
        assert!(sizes.is_idle() && sizes.is_known() && sizes.is_gap());
        let nothing = Averages::default();
        assert!(!nothing.is_idle() && !nothing.is_known());
        assert!(!cpu(0.0).is_idle() && cpu(0.0).is_known());
        // A broken figure is no proof that nothing ran.
        let broken = Averages {
            cpu: Some(f64::NAN),
            ..sizes
        };
        let series = Series::new(Span::Hour, vec![(T, broken)]);
        assert!(!series.samples()[0].averages.is_known());
    }

    #[test]
    fn a_row_of_the_year_is_about_as_much_as_its_server_says() {
        let lengths = |step: i64| {
            let rows = (1..4).map(|row| (T + row * step, cpu(0.5))).collect();
            let series = Series::new(Span::Year, rows);
            series.samples()[1].length.as_secs() / 3_600
        };
        assert_eq!((lengths(6 * 3_600), lengths(7 * 86_400)), (6, 168));
    }
}
