//! Time as a value: two clocks that are always handed in, never read.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A point on the monotonic clock, counted from the start of the program.
///
/// Ages and deadlines use it, so that a corrected wall clock never makes data look fresh or stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(Duration);

impl Moment {
    /// Makes the moment that lies `elapsed` after the start of the program.
    pub const fn after_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// Returns how long ago `earlier` was; zero when it lies ahead.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the moment that lies `delay` later.
    #[must_use]
    pub fn later(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(delay))
    }
}

/// The present on both clocks, as read once by the runtime for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock, for ages and deadlines.
    pub moment: Moment,
    /// The calendar in UTC, for snapshot ages and names.
    pub wall: DateTime<Utc>,
}

/// A value together with the moment at which it was true.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated<T> {
    /// When the value was read from the server.
    pub read: Moment,
    /// The value.
    pub value: T,
}

impl<T> Dated<T> {
    /// Stamps `value` with the moment of its reading.
    pub fn new(read: Moment, value: T) -> Self {
        Self { read, value }
    }
}
