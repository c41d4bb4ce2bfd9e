//! Projects: budgets over guests, and which guest belongs to which (SPEC §4).
//!
//! What the guests of a project use, and what follows from it, is decided in [`super::quota`].

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::guest::Guest;
use super::id::PoolName;
use super::selection::Pattern;

/// The word that stands for no project wherever one may be named.
pub const NO_PROJECT: &str = "none";

/// A budget over the guests of a pool or of a pattern: the config's `[projects.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    name: String,
    /// The hub's id of the project, where the config gives one.
    pub uuid: Option<String>,
    /// Which guests belong to it.
    pub membership: Membership,
    /// Over which time its use is counted.
    pub window: Window,
    /// How much it may use.
    pub budget: Budget,
    /// The notify lists that hear of its throttling.
    pub notify: Vec<String>,
}

impl Project {
    /// Makes a project without a budget, counted by the calendar month.
    ///
    /// The name must be one word, because it is typed on command lines, and not `none`.
    pub fn new(name: &str, membership: Membership) -> Result<Self, InvalidProject> {
        let is_word =
            !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control());
        if !is_word || name == NO_PROJECT {
            return Err(InvalidProject::Name(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            uuid: None,
            membership,
            window: Window::default(),
            budget: Budget::default(),
            notify: Vec::new(),
        })
    }

    /// Returns the project's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether the guest is one of those the project counts.
    ///
    /// An earlier project may claim the guest first; [`Projects::assign`] knows.
    pub fn matches(&self, guest: &Guest) -> bool {
        match &self.membership {
            Membership::Pool(pool) => guest.pool.as_ref() == Some(pool),
            Membership::Match { pattern, .. } => pattern.matches(guest),
        }
    }

    /// Returns the pool whose comment holds the project's throttle.
    pub fn marker_pool(&self) -> &PoolName {
        match &self.membership {
            Membership::Pool(pool) => pool,
            Membership::Match { marker_pool, .. } => marker_pool,
        }
    }
}

/// How a project finds its guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// The guests of exactly this pool; pools nested in it are others.
    Pool(PoolName),
    /// The guests that a pattern matches.
    Match {
        /// The pattern.
        pattern: Pattern,
        /// The pool whose comment holds the throttle, which a pattern has no place for.
        marker_pool: PoolName,
    },
}

impl Membership {
    /// Reads `pool`, `match` and `marker_pool` as the config gives them.
    pub fn from_config(
        pool: Option<&str>,
        pattern: Option<&str>,
        marker_pool: Option<&str>,
    ) -> Result<Self, InvalidMembership> {
        let named = |name: &str| {
            name.parse::<PoolName>()
                .map_err(|error| InvalidMembership::Part(error.to_string()))
        };
        match (pool, pattern, marker_pool) {
            (Some(pool), None, None) => Ok(Self::Pool(named(pool)?)),
            (None, Some(pattern), Some(marker_pool)) => Ok(Self::Match {
                pattern: pattern
                    .parse::<Pattern>()
                    .map_err(|error| InvalidMembership::Part(error.to_string()))?,
                marker_pool: named(marker_pool)?,
            }),
            (Some(_), Some(_), _) => Err(InvalidMembership::Both),
            (None, None, _) => Err(InvalidMembership::Neither),
            (None, Some(_), None) => Err(InvalidMembership::NoMarkerPool),
            (Some(_), None, Some(_)) => Err(InvalidMembership::NeedlessMarkerPool),
        }
    }
}

/// Why `pool`, `match` and `marker_pool` do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMembership {
    /// Pool and pattern.
    #[error("a project has either `pool` or `match`, not both")]
    Both,
    /// Neither pool nor pattern.
    #[error("a project needs `pool`, or `match` with `marker_pool`")]
    Neither,
    /// A pattern without a place for the throttle.
    #[error("`match` needs `marker_pool`: the pool whose comment holds the project's throttle")]
    NoMarkerPool,
    /// A second place for the throttle.
    #[error("`marker_pool` goes with `match`; with `pool` the throttle stands in that pool")]
    NeedlessMarkerPool,
    /// A name or pattern that is none.
    #[error("{0}")]
    Part(String),
}

/// The time over which a project's use is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Window {
    /// The calendar month, in the time zone of the quotas.
    #[default]
    Month,
    /// The last 30 days.
    Days30,
    /// The last 7 days.
    Days7,
    /// The last 24 hours.
    Hours24,
}

impl Window {
    /// Returns the word of the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Days30 => "30d",
            Self::Days7 => "7d",
            Self::Hours24 => "24h",
        }
    }

    /// Returns the length of a window that slides; a month's depends on the calendar.
    pub const fn sliding(self) -> Option<Duration> {
        match self {
            Self::Month => None,
            Self::Days30 => Some(Duration::from_hours(30 * 24)),
            Self::Days7 => Some(Duration::from_hours(7 * 24)),
            Self::Hours24 => Some(Duration::from_hours(24)),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A word that is no window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no window: month, 30d, 7d or 24h is expected")]
pub struct InvalidWindow(String);

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, InvalidWindow> {
        [Self::Month, Self::Days30, Self::Days7, Self::Hours24]
            .into_iter()
            .find(|window| window.as_str() == text)
            .ok_or_else(|| InvalidWindow(text.to_owned()))
    }
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Hours of one core at full use.
    CpuHours,
    /// GB of used memory times hours.
    MemoryGbHours,
    /// Provisioned GB of disks, now.
    StorageGb,
    /// GB received and sent.
    NetworkGb,
}

impl Resource {
    /// Every resource, in the order in which they are listed.
    pub const ALL: [Self; 4] = [
        Self::CpuHours,
        Self::MemoryGbHours,
        Self::StorageGb,
        Self::NetworkGb,
    ];

    /// Returns the key of the config, under which `--json` reports it too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CpuHours => "cpu_hours",
            Self::MemoryGbHours => "memory_gb_hours",
            Self::StorageGb => "storage_gb",
            Self::NetworkGb => "network_gb",
        }
    }

    /// Returns the unit; a GB is 10⁹ bytes.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::CpuHours => "core-hours",
            Self::MemoryGbHours => "GB-hours",
            Self::StorageGb | Self::NetworkGb => "GB",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// How much of one resource may be used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Quota {
    /// `"unlimited"`, or nothing at all.
    #[default]
    Unlimited,
    /// Everything above this is too much.
    AtMost(Allowance),
}

impl Quota {
    /// Checks a quota from the config; 0 allows nothing.
    pub fn at_most(amount: f64) -> Result<Self, InvalidQuota> {
        if amount.is_finite() && amount >= 0.0 {
            // Adding zero turns a negative zero into zero.
            Ok(Self::AtMost(Allowance(amount + 0.0)))
        } else {
            Err(InvalidQuota(amount))
        }
    }

    /// Returns the bound in the resource's unit, where there is one.
    pub const fn bound(self) -> Option<f64> {
        match self {
            Self::Unlimited => None,
            Self::AtMost(Allowance(amount)) => Some(amount),
        }
    }
}

/// An amount that may be used; finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Allowance(f64);

/// A number that cannot be a quota.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no quota: 0, a number above it or \"unlimited\" is expected")]
pub struct InvalidQuota(f64);

/// The quotas of a project; each in the unit of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Core-hours.
    pub cpu_hours: Quota,
    /// GB-hours of used memory.
    pub memory_gb_hours: Quota,
    /// GB of provisioned disks.
    pub storage_gb: Quota,
    /// GB received and sent.
    pub network_gb: Quota,
}

impl Budget {
    /// Returns the quota of one resource.
    pub const fn quota(&self, resource: Resource) -> Quota {
        match resource {
            Resource::CpuHours => self.cpu_hours,
            Resource::MemoryGbHours => self.memory_gb_hours,
            Resource::StorageGb => self.storage_gb,
            Resource::NetworkGb => self.network_gb,
        }
    }

    /// Tells whether it bounds a resource.
    pub const fn bounds(&self, resource: Resource) -> bool {
        self.quota(resource).bound().is_some()
    }

    /// Tells whether it bounds anything that is counted over time, for which histories are read.
    pub const fn bounds_flow(&self) -> bool {
        self.bounds(Resource::CpuHours)
            || self.bounds(Resource::MemoryGbHours)
            || self.bounds(Resource::NetworkGb)
    }
}

/// All projects, in the order of the config.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projects(Vec<Project>);

/// Why projects cannot stand beside each other, or one cannot stand at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProject {
    /// A name that nobody could type.
    #[error("{0:?} cannot name a project: one word is expected, and `none` means no project")]
    Name(String),
    /// Two projects answer to one name or uuid.
    #[error("{0:?} names two projects; names and uuids are unique")]
    NameTwice(String),
    /// Two projects would write their throttles into one comment.
    #[error(
        "projects {first} and {second} share the pool {pool}, whose comment holds one throttle"
    )]
    PoolTwice {
        /// The earlier project.
        first: String,
        /// The later project.
        second: String,
        /// The pool that both name.
        pool: PoolName,
    },
}

impl Projects {
    /// Puts projects beside each other in the order of the config.
    pub fn new(projects: Vec<Project>) -> Result<Self, InvalidProject> {
        let mut names = HashSet::new();
        for (index, project) in projects.iter().enumerate() {
            // A project may be its own namesake: name and uuid may be the same text.
            let mut own: Vec<&str> = vec![project.name()];
            own.extend(
                project
                    .uuid
                    .as_deref()
                    .filter(|uuid| *uuid != project.name()),
            );
            for name in own {
                if !names.insert(name) {
                    return Err(InvalidProject::NameTwice(name.to_owned()));
                }
            }
            let pool = project.marker_pool();
            if let Some(first) = projects[..index]
                .iter()
                .find(|earlier| earlier.marker_pool() == pool)
            {
                return Err(InvalidProject::PoolTwice {
                    first: first.name.clone(),
                    second: project.name.clone(),
                    pool: pool.clone(),
                });
            }
        }
        Ok(Self(projects))
    }

    /// Returns the projects in the order of the config.
    pub fn iter(&self) -> impl Iterator<Item = &Project> {
        self.0.iter()
    }

    /// Finds a project by its name or uuid.
    pub fn find(&self, name: &str) -> Option<&Project> {
        self.0
            .iter()
            .find(|project| project.name == name || project.uuid.as_deref() == Some(name))
    }

    /// Tells to which project a guest belongs, and which others would have it.
    pub fn assign(&self, guest: &Guest) -> Assignment<'_> {
        let mut claims = self.0.iter().filter(|project| project.matches(guest));
        Assignment {
            project: claims.next(),
            also_claimed_by: claims.collect(),
        }
    }

    /// Returns each project with the guests that it counts, in the order of the config.
    pub fn divide<'a>(
        &self,
        guests: impl IntoIterator<Item = &'a Guest>,
    ) -> Vec<(&Project, Vec<&'a Guest>)> {
        let mut divided: Vec<(&Project, Vec<&Guest>)> =
            self.0.iter().map(|project| (project, Vec::new())).collect();
        for guest in guests {
            let owner = self.0.iter().position(|project| project.matches(guest));
            if let Some((_, members)) = owner.and_then(|index| divided.get_mut(index)) {
                members.push(guest);
            }
        }
        divided
    }

    /// Returns the guests that a project counts, leaving out those that an earlier one claims.
    pub fn members<'a>(
        &self,
        project: &Project,
        guests: impl IntoIterator<Item = &'a Guest>,
    ) -> Vec<&'a Guest> {
        guests
            .into_iter()
            .filter(|guest| {
                self.assign(guest)
                    .project
                    .is_some_and(|owner| owner.name == project.name)
            })
            .collect()
    }
}

/// To whom a guest belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment<'a> {
    /// The first project that matches, which alone counts the guest.
    pub project: Option<&'a Project>,
    /// The others that match too; worth a warning.
    pub also_claimed_by: Vec<&'a Project>,
}
