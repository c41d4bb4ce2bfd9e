//! What a project uses, how sure that is, and what tier follows from it (SPEC §5.7, §5.8).
//!
//! [`since_boot`] reckons from the resource list alone; [`assess`] judges use from any source.
//! A figure that is missing never counts as zero: it lowers the certainty of the sum. What is to
//! be done about a tier is not decided here.

use std::collections::BTreeMap;
use std::fmt;

use super::guest::{Guest, Status};
use super::id::Vmid;
use super::project::{Project, Quota, Resource};
use super::units::GIGABYTE;

/// From this share above the quota on, a project is throttled.
pub const THROTTLE_FROM: f64 = 0.10;

/// From this share above the quota on, it is an emergency.
pub const EMERGENCY_FROM: f64 = 0.50;

/// How sure a figure is, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// It was measured or counted.
    Exact,
    /// It may be more or less (`~`).
    Estimated,
    /// It may be more, because something is missing (`≥`).
    AtLeast,
    /// Nothing is known.
    Unknown,
}

impl Certainty {
    /// Returns the sign before the figure.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::Estimated => "~",
            Self::AtLeast => "≥",
            Self::Unknown => "?",
        }
    }
}

/// An amount of a resource in its unit, and how sure it is; finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    value: f64,
    certainty: Certainty,
}

impl Amount {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        value: 0.0,
        certainty: Certainty::Unknown,
    };

    /// Makes an amount; what makes no sense as one, and a lower bound of zero, is unknown.
    pub fn new(value: f64, certainty: Certainty) -> Self {
        let says_nothing = !value.is_finite()
            || value < 0.0
            || (certainty == Certainty::AtLeast && value == 0.0)
            || certainty == Certainty::Unknown;
        if says_nothing {
            return Self::UNKNOWN;
        }
        // Adding zero turns a negative zero into zero.
        let value = value + 0.0;
        Self { value, certainty }
    }

    /// Returns the value, where anything is known.
    pub fn value(self) -> Option<f64> {
        (self.certainty != Certainty::Unknown).then_some(self.value)
    }

    /// Returns how sure the value is.
    pub const fn certainty(self) -> Certainty {
        self.certainty
    }

    /// Adds amounts; unknown ones make the sum a lower bound, and alone leave it unknown.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Self {
        let mut value = 0.0;
        let mut certainty = Certainty::Exact;
        for amount in amounts {
            value += amount.value;
            // What is unknown of a part is missing from the whole.
            certainty = certainty.max(amount.certainty.min(Certainty::AtLeast));
        }
        Self::new(value, certainty)
    }

    /// Returns the amount with a certainty no better than the given one.
    #[must_use]
    pub fn at_best(self, certainty: Certainty) -> Self {
        Self::new(self.value, self.certainty.max(certainty))
    }
}

impl fmt::Display for Amount {
    /// Writes `368`, `~368.5`, `≥90` or `unknown`; grouping is for the screen.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            None => formatter.pad("unknown"),
            Some(value) => {
                let rounded = (value * 10.0).round() / 10.0;
                formatter.pad(&format!("{}{rounded}", self.certainty.sign()))
            }
        }
    }
}

/// What one guest or one project uses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Use {
    /// Core-hours.
    pub cpu_hours: Amount,
    /// GB-hours of used memory.
    pub memory_gb_hours: Amount,
    /// GB of provisioned disks.
    pub storage_gb: Amount,
    /// GB received and sent.
    pub network_gb: Amount,
}

impl Use {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        cpu_hours: Amount::UNKNOWN,
        memory_gb_hours: Amount::UNKNOWN,
        storage_gb: Amount::UNKNOWN,
        network_gb: Amount::UNKNOWN,
    };

    /// Returns the amount of one resource.
    pub const fn amount(&self, resource: Resource) -> Amount {
        match resource {
            Resource::CpuHours => self.cpu_hours,
            Resource::MemoryGbHours => self.memory_gb_hours,
            Resource::StorageGb => self.storage_gb,
            Resource::NetworkGb => self.network_gb,
        }
    }

    /// Adds what several guests use.
    pub fn sum<'a>(uses: impl IntoIterator<Item = &'a Self>) -> Self {
        let uses: Vec<&Self> = uses.into_iter().collect();
        let total = |resource| Amount::sum(uses.iter().map(|each| each.amount(resource)));
        Self {
            cpu_hours: total(Resource::CpuHours),
            memory_gb_hours: total(Resource::MemoryGbHours),
            storage_gb: total(Resource::StorageGb),
            network_gb: total(Resource::NetworkGb),
        }
    }
}

/// Reckons what one guest has used since its process started, from its row in the resource list.
///
/// Present use times uptime is an estimate by nature. The disk is a lower bound by nature: the
/// list knows the boot disk only (PITFALLS 18).
pub fn since_boot(guest: &Guest) -> Use {
    let storage_gb = match guest.figures.max_disk {
        Some(bytes) => Amount::new(gigabytes(bytes), Certainty::AtLeast),
        None => Amount::UNKNOWN,
    };
    let (cpu_hours, memory_gb_hours, network_gb) = match process(guest) {
        Process::None => {
            let nothing = Amount::new(0.0, Certainty::Estimated);
            (nothing, nothing, nothing)
        }
        Process::Sampled => run_time_use(guest, Certainty::Estimated),
        // It may have gone on since it was last seen; what it had used is still used.
        Process::LastSeen => run_time_use(guest, Certainty::AtLeast),
    };
    Use {
        cpu_hours,
        memory_gb_hours,
        storage_gb,
        network_gb,
    }
}

/// What is known of a guest's process.
enum Process {
    /// There is none, so that nothing is used.
    None,
    /// Its figures are of now.
    Sampled,
    /// Its node is silent; its figures, if any, are of before.
    LastSeen,
}

fn process(guest: &Guest) -> Process {
    if guest.template {
        return Process::None;
    }
    match guest.status {
        Status::Stopped | Status::Suspended => Process::None,
        Status::Unknown => Process::LastSeen,
        Status::Running
        | Status::Paused
        | Status::Prelaunch
        | Status::IoError
        | Status::InternalError
        | Status::Other(_) => Process::Sampled,
    }
}

fn run_time_use(guest: &Guest, certainty: Certainty) -> (Amount, Amount, Amount) {
    let figures = &guest.figures;
    let hours = figures.uptime.map(|time| time.as_secs_f64() / 3600.0);
    let over_time = |rate: Option<f64>| match (rate, hours) {
        // Without any uptime nothing was used, whatever the rate is.
        (_, Some(0.0)) => Amount::new(0.0, certainty),
        (Some(rate), Some(hours)) => Amount::new(rate * hours, certainty),
        _ => Amount::UNKNOWN,
    };
    let sensible = |value: &f64| value.is_finite() && *value >= 0.0;
    let busy_cores = figures
        .cpu
        .filter(sensible)
        .zip(
            figures
                .max_cpu
                .filter(|cores| sensible(cores) && *cores > 0.0),
        )
        .map(|(share, cores)| share * cores);
    let network = |bytes: Option<u64>| match bytes {
        Some(bytes) => Amount::new(gigabytes(bytes), certainty),
        None => Amount::UNKNOWN,
    };
    (
        over_time(busy_cores),
        over_time(figures.memory.map(gigabytes)),
        Amount::sum([network(figures.net_in), network(figures.net_out)]),
    )
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / GIGABYTE as f64
}

/// Where the use of a resource stands against its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// There is no quota.
    Unlimited,
    /// The use, as far as it is known, is within the quota.
    Ok,
    /// There is a quota, and nothing is known of the use.
    Unknown,
    /// Over the quota by less than 10 %.
    Warn,
    /// Over the quota by 10 % and more, or anything used of a quota of 0.
    Throttle,
    /// Over the quota by 50 % and more.
    Emergency,
}

impl Tier {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unlimited => "unlimited",
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Throttle => "throttle",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One resource of a project: its use beside its quota.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResourceUsage {
    /// Which resource it is.
    pub resource: Resource,
    /// What is used.
    pub used: Amount,
    /// What may be used.
    pub quota: Quota,
    /// The used share of the quota; absent without a quota, of a quota of 0, and where unknown.
    pub fraction: Option<f64>,
    /// (used − quota) / quota where more is used than allowed; absent like the share.
    pub excess: Option<f64>,
    /// What follows from it.
    pub tier: Tier,
}

impl ResourceUsage {
    /// Holds a use against a quota.
    ///
    /// A lower bound is judged by what is known: under the quota it is [`Tier::Ok`], and its sign
    /// says that this is not the whole; over it the tier is at least the one given.
    pub fn new(resource: Resource, used: Amount, quota: Quota) -> Self {
        let known = quota.bound().zip(used.value());
        let share = known
            .filter(|(bound, _)| *bound > 0.0)
            .map(|(bound, value)| (value / bound, value > bound, (value - bound) / bound));
        let excess = share
            .filter(|(_, over, _)| *over)
            .map(|(_, _, excess)| excess);
        let tier = match (quota, known) {
            (Quota::Unlimited, _) => Tier::Unlimited,
            (Quota::AtMost(_), None) => Tier::Unknown,
            // No share of nothing can be reckoned; SPEC §5.8 stops at throttling.
            (Quota::AtMost(_), Some((0.0, value))) if value > 0.0 => Tier::Throttle,
            (Quota::AtMost(_), Some(_)) => excess.map_or(Tier::Ok, tier_of_excess),
        };
        Self {
            resource,
            used,
            quota,
            fraction: share.map(|(fraction, _, _)| fraction),
            excess,
            tier,
        }
    }
}

/// Returns the tier of a use that exceeds its quota by this share.
fn tier_of_excess(excess: f64) -> Tier {
    // The last bits of a sum must not decide about a shutdown; a millionth of a percent may.
    let excess = (excess * 1e8).round() / 1e8;
    if excess >= EMERGENCY_FROM {
        Tier::Emergency
    } else if excess >= THROTTLE_FROM {
        Tier::Throttle
    } else {
        Tier::Warn
    }
}

/// Holds what a project uses against its budget, resource by resource.
pub fn assess(project: &Project, used: &Use) -> Vec<ResourceUsage> {
    Resource::ALL
        .into_iter()
        .map(|resource| {
            let quota = project.budget.quota(resource);
            ResourceUsage::new(resource, used.amount(resource), quota)
        })
        .collect()
}

/// Returns the tier of a project: that of its worst resource.
///
/// What is unknown is worse than what is well, and better than what is over.
pub fn worst_tier(usage: &[ResourceUsage]) -> Tier {
    usage
        .iter()
        .map(|each| each.tier)
        .max()
        .unwrap_or(Tier::Unlimited)
}

/// Adds what the guests of a project have used since they were started.
///
/// A guest that is given more than once, as while it migrates, counts once. Without any guest
/// there is no disk either, which is sure; what guests used that are gone is not.
pub fn used_since_boot<'a>(members: impl IntoIterator<Item = &'a Guest>) -> Use {
    // In the order of their numbers, so that the last bits of a sum are always the same.
    let mut uses: BTreeMap<Vmid, Use> = BTreeMap::new();
    for guest in members {
        uses.entry(guest.vmid).or_insert_with(|| since_boot(guest));
    }
    let sum = Use::sum(uses.values());
    Use {
        cpu_hours: sum.cpu_hours.at_best(Certainty::Estimated),
        memory_gb_hours: sum.memory_gb_hours.at_best(Certainty::Estimated),
        network_gb: sum.network_gb.at_best(Certainty::Estimated),
        storage_gb: sum.storage_gb,
    }
}

/// Holds what a project's own guests have used since they were started against its budget.
///
/// `members` are the guests that the project counts ([`super::project::Projects::members`]).
pub fn usage<'a>(
    project: &Project,
    members: impl IntoIterator<Item = &'a Guest>,
) -> Vec<ResourceUsage> {
    assess(project, &used_since_boot(members))
}
