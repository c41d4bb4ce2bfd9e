//! Reads the clocks; the only place of the product that does.

use std::time::Instant;

use chrono::Utc;

use crate::domain::time::{Moment, Now};

/// The program's clock, started once.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts the clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the product reads the monotonic clock"
    )]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Reads the monotonic clock.
    pub fn moment(&self) -> Moment {
        Moment::after_start(self.start.elapsed())
    }

    /// Reads both clocks.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where the product reads the calendar"
    )]
    pub fn now(&self) -> Now {
        Now {
            moment: self.moment(),
            wall: Utc::now(),
        }
    }
}
