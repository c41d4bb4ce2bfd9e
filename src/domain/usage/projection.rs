//! What a project will have used at the end of its window, if it goes on as it did.

use std::time::Duration;

use super::window::Period;
use crate::domain::project::{Resource, Window};
use crate::domain::quota::{Amount, Certainty, ResourceUsage, Tier};

/// The end of a window, as far as the present lets it be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    /// What will have been used.
    pub used: Amount,
    /// The tier that follows from it.
    pub tier: Tier,
    /// In how long the quota will be used up, at the window's own rate, if that is before its end.
    pub full_in: Option<Duration>,
}

/// Looks from the use of a resource to the end of its window.
///
/// A calendar month's use is stretched to the whole month. A window that slides loses at its
/// beginning what it gains at its end, so that its use stays; when it will be full cannot be said,
/// nor of disks, which do not flow.
pub fn project_ahead(usage: &ResourceUsage, window: Window, period: &Period) -> Projection {
    let flows = match (window, usage.resource) {
        (Window::Days30 | Window::Days7 | Window::Hours24, _) | (_, Resource::StorageGb) => false,
        (Window::Month, Resource::CpuHours | Resource::MemoryGbHours | Resource::NetworkGb) => true,
    };
    let used = if flows {
        stretched(usage.used, period)
    } else {
        usage.used
    };
    Projection {
        used,
        tier: ResourceUsage::new(usage.resource, used, usage.quota).tier,
        full_in: flows.then(|| full_in(usage, period)).flatten(),
    }
}

/// Stretches what was used so far to the whole window.
fn stretched(used: Amount, period: &Period) -> Amount {
    let elapsed = period.elapsed().as_secs_f64();
    match used.value() {
        Some(value) if elapsed > 0.0 => {
            let certainty = used.certainty().max(Certainty::Estimated);
            Amount::new(value * (period.whole().as_secs_f64() / elapsed), certainty)
        }
        _ => Amount::UNKNOWN,
    }
}

/// Reckons in how long the quota is used up; nothing when it already is, or will not be.
fn full_in(usage: &ResourceUsage, period: &Period) -> Option<Duration> {
    let (used, bound) = (usage.used.value()?, usage.quota.bound()?);
    if used <= 0.0 || used >= bound {
        return None;
    }
    let seconds = (bound - used) / used * period.elapsed().as_secs_f64();
    (seconds <= period.left().as_secs_f64())
        .then(|| Duration::try_from_secs_f64(seconds).ok())
        .flatten()
}
