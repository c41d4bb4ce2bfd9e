//! What guests consume: pure functions of (seed, guest, time), so that the newest sample, the counters and a year of
//! history agree with each other without any of it being stored.
//!
//! Refuses to know about guests' states; callers say from when to when a guest ran.

use std::f64::consts::TAU;

/// A quantity over time: a mean and a few rhythms around it, never negative, with a closed-form integral.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wave {
    mean: f64,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
struct Part {
    amplitude: f64,
    frequency: f64,
    phase: f64,
}

/// Shares of a wave's liveliness: (period in seconds, share). The day is first; bursts come as two harmonics.
const RHYTHMS: [(f64, f64); 8] = [
    (86_400.0, 0.30),
    (604_800.0, 0.08),
    (9_377.0, 0.15),
    (2_459.0, 0.14),
    (1_229.5, 0.09),
    (433.0, 0.12),
    (127.0, 0.07),
    (47.0, 0.05),
];

impl Wave {
    /// Makes a wave around `mean`; `liveliness` 0 is flat, 1 swings between nothing and the double.
    pub(super) fn new(mean: f64, liveliness: f64, seed: u64) -> Self {
        let mut state = seed;
        let parts = RHYTHMS
            .iter()
            .map(|&(period, share)| {
                state = scramble(state);
                Part {
                    amplitude: mean * liveliness.clamp(0.0, 1.0) * share,
                    frequency: TAU / period,
                    phase: TAU * (state >> 11) as f64 / (1u64 << 53) as f64,
                }
            })
            .collect();
        Self { mean, parts }
    }

    /// Returns the value at a moment.
    pub(super) fn at(&self, time: f64) -> f64 {
        let swing: f64 = self
            .parts
            .iter()
            .map(|part| part.amplitude * (part.frequency * time + part.phase).cos())
            .sum();
        (self.mean + swing).max(0.0)
    }

    /// Returns the integral over a span of seconds.
    pub(super) fn integral(&self, from: f64, until: f64) -> f64 {
        let swing: f64 = self
            .parts
            .iter()
            .map(|part| {
                let angle = |time: f64| (part.frequency * time + part.phase).sin();
                part.amplitude / part.frequency * (angle(until) - angle(from))
            })
            .sum();
        (self.mean * (until - from) + swing).max(0.0)
    }

    /// Returns the average over a span, or the value at its end when the span is empty.
    pub(super) fn average(&self, from: f64, until: f64) -> f64 {
        if until > from {
            self.integral(from, until) / (until - from)
        } else {
            self.at(until)
        }
    }
}

/// Everything that a guest consumes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Load {
    /// Fraction of the guest's cores.
    pub(super) cpu: Wave,
    /// Fraction of the guest's memory.
    pub(super) memory: Wave,
    /// Fraction of the guest's memory that leaks away in an hour, freed by a restart.
    pub(super) leak: f64,
    /// Bytes a second towards the guest.
    pub(super) network_in: Wave,
    /// Bytes a second from the guest.
    pub(super) network_out: Wave,
    /// Bytes a second read from disks.
    pub(super) disk_read: Wave,
    /// Bytes a second written to disks.
    pub(super) disk_write: Wave,
}

/// The most that a guest's memory can fill.
const FULL: f64 = 0.99;

impl Load {
    /// Returns the used fraction of memory at a moment of a run that began at `started`.
    pub(super) fn memory_at(&self, time: f64, started: f64) -> f64 {
        (self.memory.at(time) + self.leak * (time - started).max(0.0) / 3600.0).min(FULL)
    }

    /// Returns the average used fraction of memory over a span of a run.
    pub(super) fn memory_average(&self, from: f64, until: f64, started: f64) -> f64 {
        let middle = f64::midpoint(from, until);
        (self.memory.average(from, until) + self.leak * (middle - started).max(0.0) / 3600.0)
            .min(FULL)
    }

    /// Returns the fraction of the cores in use at a moment.
    pub(super) fn cpu_at(&self, time: f64) -> f64 {
        self.cpu.at(time)
    }
}

/// Turns a number into an unrelated one, always the same.
pub(super) fn scramble(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_the_sum_of_the_values() {
        let wave = Wave::new(5.0, 0.8, 3);
        let start = 1_795_000_000.0;
        let sum: f64 = (0..36_000)
            .map(|step| wave.at(start + f64::from(step) + 0.5))
            .sum();
        let integral = wave.integral(start, start + 36_000.0);
        assert!(
            (sum - integral).abs() / integral < 1e-4,
            "{sum} against {integral}"
        );
    }

    #[test]
    fn a_wave_never_goes_below_nothing() {
        let wave = Wave::new(1.0, 1.0, 9);
        assert!((0..200_000).all(|step| wave.at(f64::from(step) * 7.0) >= 0.0));
    }
}
