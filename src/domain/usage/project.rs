//! What a project used: its guests' accounts, their disks, and the guests that are gone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::account::Account;
use super::ledger::GoneGuest;
use super::storage::StorageUse;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::project::Resource;
use crate::domain::quota::{Amount, Certainty, Use, since_boot};

/// A guest of a project.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Member<'a> {
    /// One whose use is known.
    Read(&'a Account),
    /// One of which nothing but the resource list was read.
    Unread(&'a Guest),
}

impl Member<'_> {
    const fn vmid(&self) -> Vmid {
        match self {
            Self::Read(account) => account.identity.vmid,
            Self::Unread(guest) => guest.vmid,
        }
    }

    fn used(&self, storage: &StorageUse) -> Use {
        let (used, boot_disk) = match self {
            Self::Read(account) => (account.used, account.used.storage_gb),
            Self::Unread(guest) => (Use::UNKNOWN, since_boot(guest).storage_gb),
        };
        Use {
            storage_gb: storage.of(self.vmid(), boot_disk),
            ..used
        }
    }
}

/// For which share of their time the figures of a project's guests are known; absent without any.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Coverage {
    /// Of the processors.
    pub cpu_hours: Option<f64>,
    /// Of the memory.
    pub memory_gb_hours: Option<f64>,
    /// Of the network.
    pub network_gb: Option<f64>,
}

impl Coverage {
    /// Returns the share of one resource; disks are not counted over time.
    pub const fn of(&self, resource: Resource) -> Option<f64> {
        match resource {
            Resource::CpuHours => self.cpu_hours,
            Resource::MemoryGbHours => self.memory_gb_hours,
            Resource::StorageGb => None,
            Resource::NetworkGb => self.network_gb,
        }
    }

    /// Returns the share of the figure that is known least.
    pub fn least(&self) -> Option<f64> {
        [self.cpu_hours, self.memory_gb_hours, self.network_gb]
            .into_iter()
            .flatten()
            .reduce(f64::min)
    }
}

/// What a project used within a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProjectUse {
    /// The sums, for [`crate::domain::quota::assess`].
    pub used: Use,
    /// How much of the time of the guests that are there is known; since boot there is none.
    pub coverage: Coverage,
}

/// Sums what the guests of a project used, each once, and those that are gone.
///
/// `ledger_covers` tells whether no guest can have gone unnoticed within the period
/// ([`super::Ledger::covers`]); otherwise all but the disks are lower bounds.
pub fn project_use(
    members: &[Member<'_>],
    storage: &StorageUse,
    gone: &[GoneGuest],
    ledger_covers: bool,
) -> ProjectUse {
    // In the order of their numbers, so that the last bits of a sum are always the same.
    let mut by_number: BTreeMap<Vmid, &Member<'_>> = BTreeMap::new();
    for member in members {
        let known = by_number.entry(member.vmid()).or_insert(member);
        if matches!(known, Member::Unread(_)) {
            *known = member;
        }
    }
    let living: Vec<Use> = by_number
        .values()
        .map(|member| member.used(storage))
        .collect();
    let total = Use::sum(living.iter().chain(gone.iter().map(|guest| &guest.used)));
    let best = if ledger_covers {
        Certainty::Exact
    } else {
        Certainty::AtLeast
    };
    let accounts: Vec<&Account> = by_number
        .values()
        .filter_map(|member| match member {
            Member::Read(account) => Some(*account),
            Member::Unread(_) => None,
        })
        .collect();
    ProjectUse {
        used: Use {
            cpu_hours: total.cpu_hours.at_best(best),
            memory_gb_hours: total.memory_gb_hours.at_best(best),
            network_gb: total.network_gb.at_best(best),
            storage_gb: Amount::sum(living.iter().map(|used| used.storage_gb)),
        },
        coverage: Coverage {
            cpu_hours: coverage(&accounts, Resource::CpuHours),
            memory_gb_hours: coverage(&accounts, Resource::MemoryGbHours),
            network_gb: coverage(&accounts, Resource::NetworkGb),
        },
    }
}

fn coverage(accounts: &[&Account], resource: Resource) -> Option<f64> {
    let mut known = Duration::ZERO;
    let mut whole = Duration::ZERO;
    for integral in accounts.iter().filter_map(|account| account.integral) {
        known = known.saturating_add(integral.measured(resource)?.covered);
        whole = whole.saturating_add(integral.span);
    }
    (!whole.is_zero()).then(|| known.as_secs_f64() / whole.as_secs_f64())
}
