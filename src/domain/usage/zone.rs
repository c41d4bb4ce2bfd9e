//! In which time zone the months of the quotas begin.

use chrono_tz::Tz;

/// The time zone of the quotas, and who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    /// The config names it.
    Configured(Tz),
    /// It is the cluster's own.
    OfCluster(Tz),
    /// Nobody says; to enforce by the month would be to guess (SPEC §5.7).
    #[default]
    Unknown,
}

impl Zone {
    /// Returns the time zone, where it is known.
    pub const fn known(self) -> Option<Tz> {
        match self {
            Self::Configured(zone) | Self::OfCluster(zone) => Some(zone),
            Self::Unknown => None,
        }
    }

    /// Returns the time zone by which months are counted: where it is not known, UTC.
    pub const fn calendar(self) -> Tz {
        match self {
            Self::Configured(zone) | Self::OfCluster(zone) => zone,
            Self::Unknown => Tz::UTC,
        }
    }
}
