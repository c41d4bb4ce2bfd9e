//! Rates from counters that only ever count up.
//!
//! The cluster's list is sampled every 10 s and read more often than that (PITFALLS 14), so two
//! readings are not two measurements. A [`RateMeter`] measures between *changes*, and trusts the
//! guest's own uptime to tell how far apart two samples really were.

use std::time::Duration;

use super::time::Moment;

/// Readings further apart than this say nothing about the present.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Readings nearer to each other than this would turn a few bytes into a torrent.
const SHORTEST: Duration = Duration::from_millis(500);
/// Uptime is told in whole seconds, so the true distance of two samples lies within one of theirs.
const UPTIME_GRAIN: Duration = Duration::from_secs(1);
/// No guest moves more bytes a second than this; what claims to is a broken counter.
pub(super) const MOST_BELIEVABLE: f64 = 1e12;

/// Bytes since the guest's process started; absent means unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Bytes received.
    pub net_in: Option<u64>,
    /// Bytes sent.
    pub net_out: Option<u64>,
    /// Bytes read from disks.
    pub disk_read: Option<u64>,
    /// Bytes written to disks.
    pub disk_write: Option<u64>,
}

impl Counters {
    const COUNT: usize = 4;

    fn each(&self) -> [Option<u64>; Self::COUNT] {
        [self.net_in, self.net_out, self.disk_read, self.disk_write]
    }
}

/// Bytes a second; absent means unknown, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// Bytes received a second.
    pub net_in: Option<f64>,
    /// Bytes sent a second.
    pub net_out: Option<f64>,
    /// Bytes read from disks a second.
    pub disk_read: Option<f64>,
    /// Bytes written to disks a second.
    pub disk_write: Option<f64>,
}

impl Rates {
    /// Fills what is unknown here with what is known there.
    #[must_use]
    pub fn or(self, other: Rates) -> Rates {
        Rates {
            net_in: self.net_in.or(other.net_in),
            net_out: self.net_out.or(other.net_out),
            disk_read: self.disk_read.or(other.disk_read),
            disk_write: self.disk_write.or(other.disk_write),
        }
    }

    /// Tells whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Rates::default()
    }
}

/// The counters of a guest as one answer told them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When the answer came.
    pub at: Moment,
    /// How long the guest's process had run.
    pub uptime: Option<Duration>,
    /// What it had counted.
    pub counters: Counters,
}

/// What happened between two readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// When the later reading came.
    pub at: Moment,
    /// How far apart the samples behind the readings were.
    pub length: Duration,
    /// How fast the counters moved.
    pub rates: Rates,
}

/// Turns readings of one source into rates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RateMeter {
    last: Option<Reading>,
    latest: Option<Measurement>,
}

impl RateMeter {
    /// Takes in a reading; returns a measurement when it tells something new.
    ///
    /// A smaller counter or uptime is a restart and a long silence a pause: both begin anew,
    /// without a rate, because what lies before them does not belong to the present.
    pub fn read(&mut self, reading: Reading) -> Option<Measurement> {
        let Some(last) = self.last else {
            self.last = Some(reading);
            return None;
        };
        if reading.uptime == last.uptime && reading.counters == last.counters {
            return None;
        }
        let observed = reading.at.since(last.at);
        if observed.is_zero() {
            return None;
        }
        if is_restart(&last, &reading, observed) || observed > LONGEST_PAUSE {
            self.last = Some(reading);
            self.latest = None;
            return None;
        }
        let length = true_distance(&last, &reading, observed);
        if length < SHORTEST {
            return None;
        }
        let measurement = Measurement {
            at: reading.at,
            length,
            rates: rates(&last.counters, &reading.counters, length),
        };
        self.last = Some(reading);
        self.latest = Some(measurement);
        self.latest
    }

    /// Returns the latest rates, unless they are older than `lifetime`.
    pub fn rates(&self, now: Moment, lifetime: Duration) -> Option<Rates> {
        self.latest
            .filter(|latest| now.since(latest.at) <= lifetime)
            .map(|latest| latest.rates)
    }
}

/// Tells whether the process of the later reading is another one than that of the earlier.
fn is_restart(last: &Reading, reading: &Reading, observed: Duration) -> bool {
    let shrank = last
        .counters
        .each()
        .into_iter()
        .zip(reading.counters.each())
        .any(|(before, now)| matches!((before, now), (Some(before), Some(now)) if now < before));
    let younger = match (last.uptime, reading.uptime) {
        (Some(before), Some(now)) => now < before || now + UPTIME_GRAIN < observed,
        _ => false,
    };
    shrank || younger
}

/// Brings the observed distance of two readings within what their uptimes allow.
fn true_distance(last: &Reading, reading: &Reading, observed: Duration) -> Duration {
    match (last.uptime, reading.uptime) {
        (Some(before), Some(now)) => {
            let grown = now.saturating_sub(before);
            observed.clamp(grown.saturating_sub(UPTIME_GRAIN), grown + UPTIME_GRAIN)
        }
        _ => observed,
    }
}

fn rates(before: &Counters, now: &Counters, length: Duration) -> Rates {
    let rate = |before: Option<u64>, now: Option<u64>| {
        let rate = now?.checked_sub(before?)? as f64 / length.as_secs_f64();
        (rate <= MOST_BELIEVABLE).then_some(rate)
    };
    Rates {
        net_in: rate(before.net_in, now.net_in),
        net_out: rate(before.net_out, now.net_out),
        disk_read: rate(before.disk_read, now.disk_read),
        disk_write: rate(before.disk_write, now.disk_write),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    use super::*;

    fn reading(at: f64, uptime: u64, net_in: u64) -> Reading {
        Reading {
            at: Moment::after_start(Duration::from_secs_f64(at)),
            uptime: Some(Duration::from_secs(uptime)),
            counters: Counters {
                net_in: Some(net_in),
                ..Counters::default()
            },
        }
    }

    fn measured(readings: &[Reading]) -> Vec<Option<f64>> {
        let mut meter = RateMeter::default();
        readings
            .iter()
            .map(|reading| meter.read(*reading)?.rates.net_in)
            .collect()
    }

    #[test]
    fn pitfall_14_a_sample_read_twice_is_one_sample() {
        // The list is read every 5 s, its samples are 10 s apart and bring 1000 bytes a second.
        let rates = measured(&[
            reading(2.0, 100, 50_000),
            reading(7.0, 110, 60_000),
            reading(12.0, 110, 60_000),
            reading(17.0, 120, 70_000),
            reading(22.0, 120, 70_000),
        ]);
        let near = |rate: Option<f64>| rate.is_some_and(|rate| (900.0..1120.0).contains(&rate));
        assert!(near(rates[1]) && near(rates[3]), "{rates:?}");
        assert_eq!((rates[0], rates[2], rates[4]), (None, None, None));
    }

    #[test]
    fn pitfall_14_a_counter_that_stands_still_while_time_passes_is_a_rate_of_zero() {
        assert_eq!(
            measured(&[reading(0.0, 10, 7), reading(5.0, 15, 7)])[1],
            Some(0.0)
        );
    }

    #[test]
    fn pitfall_14_a_restart_has_no_rate_and_the_next_reading_has_one() {
        let smaller_counter = [
            reading(0.0, 500, 90_000),
            reading(5.0, 505, 1_000),
            reading(10.0, 510, 6_000),
        ];
        assert_eq!(measured(&smaller_counter), [None, None, Some(1000.0)]);
        let smaller_uptime = [
            reading(0.0, 500, 90_000),
            reading(30.0, 4, 95_000),
            reading(35.0, 9, 100_000),
        ];
        assert_eq!(measured(&smaller_uptime), [None, None, Some(1000.0)]);
        let both_larger_yet_younger_than_the_last_look =
            [reading(0.0, 5, 100), reading(20.0, 8, 90_000)];
        assert_eq!(
            measured(&both_larger_yet_younger_than_the_last_look),
            [None, None]
        );
    }

    #[test]
    fn after_a_pause_nothing_spikes() {
        let readings = [
            reading(0.0, 100, 0),
            reading(600.0, 700, 6_000_000_000),
            reading(605.0, 705, 6_000_005_000),
        ];
        assert_eq!(measured(&readings), [None, None, Some(1000.0)]);
    }

    #[test]
    fn equal_and_nearly_equal_times_have_no_rate_and_lose_nothing() {
        let readings = [
            reading(5.0, 100, 1000),
            reading(5.0, 101, 2000),
            reading(5.1, 100, 3000),
            reading(10.0, 105, 6000),
        ];
        assert_eq!(measured(&readings), [None, None, None, Some(1000.0)]);
    }

    #[test]
    fn a_jump_that_no_machine_could_make_is_no_rate() {
        assert_eq!(
            measured(&[reading(0.0, 1, 0), reading(5.0, 6, u64::MAX)]),
            [None, None]
        );
    }

    #[test]
    fn one_missing_counter_costs_only_its_own_rate() {
        let mut first = reading(0.0, 100, 0);
        first.counters.disk_read = Some(0);
        let mut second = reading(5.0, 105, 5000);
        second.counters.disk_write = Some(9);
        let mut meter = RateMeter::default();
        meter.read(first);
        let rates = meter.read(second).unwrap().rates;
        assert_eq!(
            rates,
            Rates {
                net_in: Some(1000.0),
                ..Rates::default()
            }
        );
    }

    #[test]
    fn rates_grow_old() {
        let mut meter = RateMeter::default();
        meter.read(reading(0.0, 10, 0));
        meter.read(reading(5.0, 15, 5));
        let at = |seconds| Moment::after_start(Duration::from_secs(seconds));
        let lifetime = Duration::from_secs(15);
        assert!(meter.rates(at(20), lifetime).is_some());
        assert_eq!(meter.rates(at(21), lifetime), None);
    }

    proptest! {
        #[test]
        fn no_rate_is_negative_or_endless(
            steps in proptest::collection::vec((0.0..90.0_f64, 0..200_u64, any::<u64>()), 0..40)
        ) {
            let mut meter = RateMeter::default();
            let mut at = 0.0;
            for (pause, uptime, counter) in steps {
                at += pause;
                if let Some(measured) = meter.read(reading(at, uptime, counter)) {
                    prop_assert!(measured.length >= SHORTEST);
                    let rate = measured.rates.net_in.unwrap_or(0.0);
                    prop_assert!((0.0..=MOST_BELIEVABLE).contains(&rate));
                }
            }
        }
    }
}
