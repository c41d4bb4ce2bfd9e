//! What talking to the server costs: requests a minute and how long answers take.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// The span over which requests are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Enough for the promised rates many times over; a bound for everything else.
const MOST_SAMPLES: usize = 4096;

/// Reads the monotonic clock for latencies and the age of tickets.
#[expect(
    clippy::disallowed_methods,
    reason = "latency and ticket age concern the connection alone; no rule sees them"
)]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}

/// The cost of the connection over the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Requests sent in the last 60 seconds.
    pub requests_per_minute: usize,
    /// The time within which 95 of 100 of them were answered; absent without any.
    pub latency_p95: Option<Duration>,
    /// How far the server's clock is ahead of the local one, to the second; absent before an answer.
    pub clock_skew: Option<TimeDelta>,
}

/// How many requests were sent for one purpose; clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<AtomicUsize>);

impl Tally {
    /// Returns how many requests were sent so far, repeated ones each time.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts requests and measures their answers.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Samples>);

#[derive(Debug, Default)]
struct Samples {
    sent: VecDeque<(Instant, Duration)>,
    skew: Option<TimeDelta>,
}

impl Samples {
    /// Notes by how much a date was ahead of the local clock when it came.
    ///
    /// Dates are told in whole seconds and on their way for a while, so that each makes the server's
    /// clock seem late by up to a second. The latest is nearest; otherwise that clock would run back
    /// and forth between two answers.
    fn note_skew(&mut self, seen: TimeDelta) {
        let noise = TimeDelta::seconds(1);
        self.skew = Some(match self.skew {
            Some(known) if (seen - known).abs() < noise => known.max(seen),
            Some(_) | None => seen,
        });
    }
}

impl Meter {
    /// Notes a request that took so long, and the server's date if it answered.
    pub(crate) fn note(&self, begun: Instant, server_date: Option<DateTime<Utc>>) {
        let took = monotonic().saturating_duration_since(begun);
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.sent.len() == MOST_SAMPLES {
            samples.sent.pop_front();
        }
        samples.sent.push_back((begun, took));
        if let Some(date) = server_date {
            samples.note_skew(date - local_date());
        }
    }

    /// Returns what the server's clock shows, as its last answer tells; absent before the first.
    pub(crate) fn server_time(&self) -> Option<DateTime<Utc>> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        samples.skew.map(|skew| local_date() + skew)
    }

    /// Sums up the last minute.
    pub(crate) fn cost(&self) -> Cost {
        let now = monotonic();
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while samples
            .sent
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            samples.sent.pop_front();
        }
        let mut times: Vec<Duration> = samples.sent.iter().map(|(_, took)| *took).collect();
        times.sort_unstable();
        Cost {
            requests_per_minute: times.len(),
            latency_p95: times
                .get((times.len() * 95).div_ceil(100).saturating_sub(1))
                .copied(),
            clock_skew: samples.skew,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the skew is the difference of two clocks, and this is one of them"
)]
fn local_date() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_clock_never_runs_back_within_a_second_and_follows_when_it_is_set() {
        let meter = Meter::default();
        let answered = |ahead: i64| {
            let date = local_date() + TimeDelta::milliseconds(ahead);
            meter.note(monotonic(), Some(date));
        };
        answered(5_000);
        let before = meter.server_time().unwrap();
        answered(4_100);
        let after = meter.server_time().unwrap();
        assert!(after >= before, "{before} then {after}");
        answered(-3_600_000);
        assert!(meter.server_time().unwrap() < before, "somebody has set it");
        assert!(meter.cost().clock_skew.unwrap() < TimeDelta::zero());
    }
}
