//! What a project will have used when new guests have joined it (SPEC §5.7, §5.11).
//!
//! New guests count with all their cores and all their memory for the time that is left, which is
//! the most that they can use; their network traffic is not guessed at all.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::project::{Quota, Resource, Window};
use super::quota::{Amount, Certainty, ResourceUsage, Tier};
use super::units::GIGABYTE;
use super::usage::Period;

/// Guests that do not exist yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewGuests {
    /// How many.
    pub count: u32,
    /// The cores of each, where they are known.
    pub cores: Option<f64>,
    /// The memory of each, in bytes, where it is known.
    pub memory: Option<u64>,
    /// The disks of all, in bytes, where they are known.
    pub disks: Option<u64>,
}

/// A resource of a project, now and with the new guests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The use now.
    pub now: ResourceUsage,
    /// The use with the new guests, at most.
    pub then: ResourceUsage,
}

impl Forecast {
    /// Tells whether the new guests may take the project into a worse tier.
    pub fn worsens(&self) -> bool {
        self.then.tier > self.now.tier && self.then.tier >= Tier::Warn
    }
}

/// Reckons the bounded resources of a project with new guests in it; `zone` is where its months begin.
pub fn forecast(
    usage: &[ResourceUsage],
    window: Window,
    guests: &NewGuests,
    now: DateTime<Utc>,
    zone: Tz,
) -> Vec<Forecast> {
    let hours = hours_left(window, now, zone);
    let bounded = usage
        .iter()
        .filter(|each| matches!(each.quota, Quota::AtMost(_)));
    bounded
        .map(|now| {
            let added = added(now.resource, guests, hours);
            let then = Amount::sum([now.used, added]);
            Forecast {
                now: *now,
                then: ResourceUsage::new(now.resource, then, now.quota),
            }
        })
        .collect()
}

/// Reckons how much the new guests can use of a resource in so many hours.
fn added(resource: Resource, guests: &NewGuests, hours: f64) -> Amount {
    let count = f64::from(guests.count);
    let estimate = |value: Option<f64>| match value {
        Some(value) => Amount::new(value, Certainty::Estimated),
        None => Amount::UNKNOWN,
    };
    let gigabytes = |bytes: u64| bytes as f64 / GIGABYTE as f64;
    match resource {
        Resource::CpuHours => estimate(guests.cores.map(|cores| cores * count * hours)),
        Resource::MemoryGbHours => {
            estimate(guests.memory.map(|bytes| gigabytes(bytes) * count * hours))
        }
        Resource::StorageGb => match guests.disks {
            Some(bytes) => Amount::new(gigabytes(bytes), Certainty::Exact),
            None => Amount::UNKNOWN,
        },
        Resource::NetworkGb => Amount::new(0.0, Certainty::Exact),
    }
}

/// Returns for how many hours a new guest will count in a window.
///
/// In a window that slides it will one day have been there all the time.
fn hours_left(window: Window, now: DateTime<Utc>, zone: Tz) -> f64 {
    if let Some(length) = window.sliding() {
        return length.as_secs_f64() / 3600.0;
    }
    let left = Period::of(window, now, zone).left();
    left.as_secs_f64() / 3600.0
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn usage(resource: Resource, used: f64, quota: f64) -> ResourceUsage {
        let used = Amount::new(used, Certainty::Estimated);
        ResourceUsage::new(resource, used, Quota::at_most(quota).unwrap())
    }

    fn guests() -> NewGuests {
        NewGuests {
            count: 2,
            cores: Some(2.0),
            memory: Some(4_000_000_000),
            disks: Some(40_000_000_000),
        }
    }

    fn then(window: Window, day: u32) -> Vec<String> {
        let now = format!("2026-11-{day:02}T12:00:00Z").parse().unwrap();
        let usage = [
            usage(Resource::CpuHours, 100.0, 400.0),
            usage(Resource::MemoryGbHours, 10.0, 2000.0),
            usage(Resource::StorageGb, 90.0, 100.0),
            usage(Resource::NetworkGb, 5.0, 10.0),
        ];
        forecast(&usage, window, &guests(), now, Tz::UTC)
            .iter()
            .map(|each| format!("{} {}", each.then.used, each.then.tier))
            .collect()
    }

    #[test]
    fn new_guests_count_in_full_for_the_rest_of_the_window() {
        // Half a day is left of November: 2 × 2 cores for 12 hours.
        assert_eq!(
            then(Window::Month, 30),
            ["~148 ok", "~106 ok", "~130 throttle", "~5 ok"]
        );
        assert_eq!(
            then(Window::Hours24, 30),
            ["~196 ok", "~202 ok", "~130 throttle", "~5 ok"]
        );
        assert_eq!(then(Window::Month, 1)[0], "~2932 emergency");
    }

    #[test]
    fn the_month_ends_at_midnight_of_the_quotas_time_zone() {
        let now = "2026-10-31T22:30:00Z".parse().unwrap();
        let left = |zone| hours_left(Window::Month, now, zone);
        assert!((left(Tz::UTC) - 1.5).abs() < 1e-9);
        assert!((left(Tz::Europe__Berlin) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_known_of_new_guests_makes_the_sum_a_lower_bound_and_what_has_no_quota_is_left_out()
     {
        let unlimited = ResourceUsage::new(
            Resource::StorageGb,
            Amount::new(1.0, Certainty::Exact),
            Quota::Unlimited,
        );
        let usage = [usage(Resource::CpuHours, 100.0, 400.0), unlimited];
        let guests = NewGuests {
            cores: None,
            ..guests()
        };
        let now = "2026-12-31T23:00:00Z".parse().unwrap();
        let rows = forecast(&usage, Window::Month, &guests, now, Tz::UTC);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].then.used.to_string(), "≥100");
        assert!(!rows[0].worsens());
    }
}
