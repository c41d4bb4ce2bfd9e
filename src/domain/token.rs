//! API tokens: how long one lives.

use chrono::{DateTime, Utc};

/// When an API token stops opening doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenExpiry {
    /// It has no end of its own; its user may have one.
    Never,
    /// At this moment, by the server's clock.
    At(DateTime<Utc>),
}
