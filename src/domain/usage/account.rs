//! What one guest used within a period, and how sure that is.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::integral::{Integral, Measured, integrate};
use super::window::{Period, between};
use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::history::Series;
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::operation::Stamp;
use crate::domain::project::Resource;
use crate::domain::quota::{Amount, Certainty, Use, since_boot};
use crate::domain::text::Text;

/// Below this share of the time, in percent, a figure is an estimate.
const ENOUGH_PERCENT: u128 = 95;
/// The server writes the first row of a new guest's history about so long after its birth.
const FIRST_ROW: Duration = Duration::from_secs(120);
/// What is longer is no uuid.
const LONGEST_UUID: usize = 64;

/// Who a guest is, also when it is gone or its number belongs to another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The guest's number.
    pub vmid: Vmid,
    /// Virtual machine or container.
    pub kind: GuestKind,
    /// Its name, where known.
    pub name: Option<Text>,
    /// The uuid of a virtual machine, where known; no two guests share one.
    pub uuid: Option<String>,
}

impl Identity {
    /// Says who a guest of the list is; the list knows no uuid.
    pub fn of(guest: &Guest, origin: &Origin) -> Self {
        Self {
            vmid: guest.vmid,
            kind: guest.kind,
            name: guest.name.clone(),
            uuid: origin.uuid.clone(),
        }
    }
}

/// What a guest's configuration tells of where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The uuid of a virtual machine, in small letters.
    pub uuid: Option<String>,
    /// When it came to be, where that is known.
    pub birth: Option<DateTime<Utc>>,
    /// Whether it carries the line of a guest that was made from here.
    pub ours: bool,
}

impl Origin {
    /// Reads the uuid and the birth: by our own line in the description, else by `meta`.
    pub fn of(config: &GuestConfig) -> Self {
        let ours = Stamp::find(config.description()).map(|stamp| stamp.time());
        let theirs = || {
            let seconds: i64 = property(config, "meta", "ctime")?.parse().ok()?;
            DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
        };
        let uuid = property(config, "smbios1", "uuid")
            .filter(|uuid| (1..=LONGEST_UUID).contains(&uuid.len()));
        Self {
            uuid: uuid.map(str::to_ascii_lowercase),
            ours: ours.is_some(),
            birth: ours.or_else(theirs),
        }
    }
}

/// Finds a property in an option like `creation-qemu=9.0.2,ctime=1700000000`.
fn property<'a>(config: &'a GuestConfig, option: &str, name: &str) -> Option<&'a str> {
    let properties = config.get(option)?.raw().split(',');
    let mut named = properties.filter_map(|part| part.trim().split_once('='));
    named
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// What one guest used within a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Whose it is.
    pub identity: Identity,
    /// Since when it counts: the beginning of the period, or the guest's birth if that is later.
    pub from: DateTime<Utc>,
    /// Until when it counts.
    pub until: DateTime<Utc>,
    /// What was used; of disks only what the resource list knows.
    pub used: Use,
    /// What the history says; absent where use is reckoned since boot.
    pub integral: Option<Integral>,
}

impl Account {
    /// Adds up a guest's history; what none of it knows is reckoned since boot.
    ///
    /// Without a known birth the time before the first known row is a gap like any other.
    pub fn of_history(
        guest: &Guest,
        origin: &Origin,
        history: &[&Series],
        period: &Period,
    ) -> Self {
        let own = period.since(origin.birth);
        let integral = integrate(history, own.from, own.until);
        let is_new = origin
            .birth
            .is_some_and(|birth| between(birth, own.until) <= FIRST_ROW);
        let boot = since_boot(guest);
        let amount = |resource: Resource| {
            let boot = boot.amount(resource);
            match integral.measured(resource) {
                None => boot,
                Some(measured) => known(measured, integral.span).unwrap_or_else(|| {
                    // What a guest used in its first moments is next to nothing, and no reason
                    // to doubt the sum of a whole project.
                    let fallback = boot.at_best(Certainty::Estimated);
                    if is_new && fallback == Amount::UNKNOWN {
                        Amount::new(0.0, Certainty::Estimated)
                    } else {
                        fallback
                    }
                }),
            }
        };
        Self {
            identity: Identity::of(guest, origin),
            from: own.from,
            until: own.until,
            used: Use {
                cpu_hours: amount(Resource::CpuHours),
                memory_gb_hours: amount(Resource::MemoryGbHours),
                storage_gb: amount(Resource::StorageGb),
                network_gb: amount(Resource::NetworkGb),
            },
            integral: Some(integral),
        }
    }

    /// Returns the same as an estimate: where the guest comes from is not known, and so the history
    /// of its number may be another's.
    #[must_use]
    pub fn of_unknown_origin(mut self) -> Self {
        let doubted = |amount: Amount| amount.at_best(Certainty::Estimated);
        self.used = Use {
            cpu_hours: doubted(self.used.cpu_hours),
            memory_gb_hours: doubted(self.used.memory_gb_hours),
            network_gb: doubted(self.used.network_gb),
            ..self.used
        };
        self
    }

    /// Reckons what a guest used since its process started, whatever the period is.
    pub fn since_boot(guest: &Guest, origin: &Origin, period: &Period) -> Self {
        let own = period.since(origin.birth);
        Self {
            identity: Identity::of(guest, origin),
            from: own.from,
            until: own.until,
            used: since_boot(guest),
            integral: None,
        }
    }
}

/// Judges a measured figure; absent when nothing of it was measured.
fn known(measured: Measured, span: Duration) -> Option<Amount> {
    if measured.covered.is_zero() && !span.is_zero() {
        return None;
    }
    let certainty = if is_enough(measured.covered, span) {
        Certainty::Exact
    } else {
        Certainty::Estimated
    };
    Some(Amount::new(measured.value, certainty))
}

/// Tells whether so much is known of a time that a sum over it is no estimate.
pub(super) fn is_enough(covered: Duration, span: Duration) -> bool {
    covered.as_millis() * 100 >= span.as_millis() * ENOUGH_PERCENT
}
