//! The simulator's calendar and pace: the one place that reads the wall clock and that knows how fast work runs.
//!
//! It refuses to bend time itself: the calendar always moves one second a second, `speed` only shortens work.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the simulated time of day and how long simulated work takes.
#[derive(Debug)]
pub struct Clock {
    speed: f64,
    offset_milliseconds: AtomicI64,
    skew_seconds: AtomicI64,
}

impl Clock {
    pub(super) fn new(speed: f64) -> Self {
        let speed = if speed.is_finite() {
            speed.clamp(0.01, 100_000.0)
        } else {
            1.0
        };
        Self {
            speed,
            offset_milliseconds: AtomicI64::new(0),
            skew_seconds: AtomicI64::new(0),
        }
    }

    /// Returns the simulated time in seconds since 1970.
    pub fn now(&self) -> f64 {
        #[expect(
            clippy::disallowed_methods,
            reason = "the simulator's only reading of the wall clock"
        )]
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        wall + self.offset_milliseconds.load(Ordering::Relaxed) as f64 / 1000.0
            + self.skew_seconds.load(Ordering::Relaxed) as f64
    }

    /// Returns the simulated time in whole seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.now() as i64
    }

    /// Moves the calendar: `Date`, snapshot and task times, uptimes, history, expiry of tickets.
    pub fn set_offset(&self, offset: chrono::Duration) {
        self.offset_milliseconds
            .store(offset.num_milliseconds(), Ordering::Relaxed);
    }

    /// Returns how far the calendar was moved.
    pub fn offset(&self) -> chrono::Duration {
        chrono::Duration::milliseconds(self.offset_milliseconds.load(Ordering::Relaxed))
    }

    /// Returns how many times faster than a real cluster work runs.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Returns how long `seconds` of a real cluster's work take here.
    pub fn pace(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64((seconds / self.speed).clamp(0.0, 86_400.0))
    }

    pub(super) fn set_skew(&self, seconds: i64) {
        self.skew_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Returns the value of a `Date` header: RFC 9110, precise to a second.
    pub(super) fn date_header(&self) -> String {
        chrono::DateTime::from_timestamp(self.seconds(), 0)
            .unwrap_or_default()
            .format("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    }
}
