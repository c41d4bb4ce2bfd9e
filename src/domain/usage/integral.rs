//! Averages over time added up: core-hours, GB-hours and GB.
//!
//! Frames of different steps may overlap. At each moment each figure is that of the finest sample
//! which knows it; what no sample knows counts nothing and is not covered.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::domain::history::{Averages, Sample, Series};
use crate::domain::project::Resource;
use crate::domain::rates::MOST_BELIEVABLE;
use crate::domain::units::GIGABYTE;

/// No guest keeps its cores busier than this many times; what claims to is a broken figure.
const MOST_BUSY: f64 = 100.0;
/// No guest has more cores.
const MOST_CORES: f64 = 8_192.0;
/// No guest uses more bytes of memory.
const MOST_MEMORY: f64 = 1e15;

/// A figure added up over a time, and for how much of that time it was known.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// What was used while it was known, in the resource's unit; finite and not negative.
    pub value: f64,
    /// For how long it was known.
    pub covered: Duration,
}

/// What a guest used over a time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Integral {
    /// Core-hours.
    pub cpu_hours: Measured,
    /// GB-hours of used memory.
    pub memory_gb_hours: Measured,
    /// GB received and sent.
    pub network_gb: Measured,
    /// How long the time is.
    pub span: Duration,
    /// Since when anything of it is known; absent where nothing is.
    pub known_since: Option<DateTime<Utc>>,
}

impl Integral {
    /// Returns the figure of a resource; disks are not counted over time.
    pub const fn measured(&self, resource: Resource) -> Option<Measured> {
        match resource {
            Resource::CpuHours => Some(self.cpu_hours),
            Resource::MemoryGbHours => Some(self.memory_gb_hours),
            Resource::StorageGb => None,
            Resource::NetworkGb => Some(self.network_gb),
        }
    }
}

/// Adds up what the samples say about the time between two moments.
///
/// The series may be given in any order; each is walked through once.
pub fn integrate(series: &[&Series], from: DateTime<Utc>, until: DateTime<Utc>) -> Integral {
    let (begin, end) = (from.timestamp_millis(), until.timestamp_millis());
    let mut rest: Vec<&[Sample]> = series
        .iter()
        .map(|series| {
            let samples = series.samples();
            &samples[samples.partition_point(|sample| sample.bounds().1 <= begin)..]
        })
        .collect();
    let mut sums = [Sum::default(); 3];
    let mut known_since = None;
    let mut at = begin;
    while at < end {
        let (figures, next) = finest(&mut rest, at, end);
        if figures.iter().any(Option::is_some) {
            known_since = known_since.or(DateTime::from_timestamp_millis(at));
        }
        for (sum, figure) in sums.iter_mut().zip(figures) {
            sum.add(figure, next - at);
        }
        at = next;
    }
    let [cpu, memory, network] = sums;
    Integral {
        cpu_hours: cpu.measured(3_600.0),
        memory_gb_hours: memory.measured(3_600.0 * GIGABYTE as f64),
        network_gb: network.measured(GIGABYTE as f64),
        span: Duration::from_millis(u64::try_from(end.saturating_sub(begin)).unwrap_or(0)),
        known_since,
    }
}

/// A figure and the length of the sample that it is from.
#[derive(Clone, Copy)]
struct Figure {
    step: Duration,
    value: f64,
}

impl Figure {
    /// Tells whether it is to be believed rather than another: the finer, of equals the larger.
    fn is_better(self, other: Self) -> bool {
        (other.step, self.value) > (self.step, other.value)
    }
}

/// Returns what is known best at a moment, and until when nothing changes.
fn finest(rest: &mut [&[Sample]], at: i64, end: i64) -> ([Option<Figure>; 3], i64) {
    let mut best = [None::<Figure>; 3];
    let mut next = end;
    for samples in rest {
        while samples
            .first()
            .is_some_and(|sample| sample.bounds().1 <= at)
        {
            *samples = &samples[1..];
        }
        let Some(sample) = samples.first() else {
            continue;
        };
        let (begins, ends) = sample.bounds();
        if begins > at {
            next = next.min(begins);
            continue;
        }
        next = next.min(ends);
        for (best, value) in best.iter_mut().zip(figures(&sample.averages)) {
            let step = sample.length;
            let figure = value.map(|value| Figure { step, value });
            if let Some(figure) = figure
                && best.is_none_or(|best| figure.is_better(best))
            {
                *best = Some(figure);
            }
        }
    }
    (best, next)
}

/// Returns the busy cores, the bytes of memory and the bytes a second of a row, where known.
///
/// A guest of which the server knew the sizes alone was not running, and used nothing.
fn figures(averages: &Averages) -> [Option<f64>; 3] {
    if averages.is_idle() {
        return [Some(0.0); 3];
    }
    let up_to = |figure: Option<f64>, most| figure.filter(|figure| (0.0..=most).contains(figure));
    let rates = &averages.rates;
    let cpu = up_to(averages.cpu, MOST_BUSY).zip(up_to(averages.max_cpu, MOST_CORES));
    let network = up_to(rates.net_in, MOST_BELIEVABLE).zip(up_to(rates.net_out, MOST_BELIEVABLE));
    [
        cpu.map(|(share, cores)| share * cores),
        up_to(averages.memory, MOST_MEMORY),
        network.map(|(received, sent)| received + sent),
    ]
}

/// A figure times seconds, and the milliseconds that it is known for.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: f64,
    covered: i64,
}

impl Sum {
    fn add(&mut self, figure: Option<Figure>, milliseconds: i64) {
        if let Some(figure) = figure {
            self.value += figure.value * (milliseconds as f64 / 1_000.0);
            self.covered += milliseconds;
        }
    }

    fn measured(self, seconds_times_unit: f64) -> Measured {
        Measured {
            value: self.value / seconds_times_unit,
            covered: Duration::from_millis(self.covered.unsigned_abs()),
        }
    }
}
