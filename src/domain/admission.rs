//! Whether a project takes new guests, as far as its throttle is known (SPEC §5.3, §5.8).

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::id::PoolName;
use super::project::Project;
use super::text::Text;
use super::throttle::{Found, Marker, find};

/// What is known of a project's throttle.
#[derive(Debug, Clone, PartialEq)]
pub enum Throttle {
    /// Nobody has looked yet.
    Unread,
    /// The comment in which it would stand could not be read.
    Unreadable(Failure),
    /// What the comment says.
    Read(Found),
}

impl Throttle {
    /// Reads a pool's comment as it was sent, or why it was not.
    pub fn of(comment: Result<Option<&Text>, Failure>) -> Self {
        match comment {
            Ok(comment) => Self::Read(find(comment.map_or("", Text::raw))),
            Err(failure) => Self::Unreadable(failure),
        }
    }
}

/// The project that new guests would count for.
#[derive(Debug, Clone, PartialEq)]
pub struct JoinedProject {
    /// Its name.
    pub name: String,
    /// The pool whose comment holds its throttle.
    pub pool: PoolName,
    /// Its throttle.
    pub throttle: Throttle,
}

impl JoinedProject {
    /// Names a project whose throttle is known so far.
    pub fn new(project: &Project, throttle: Throttle) -> Self {
        Self {
            name: project.name().to_owned(),
            pool: project.marker_pool().clone(),
            throttle,
        }
    }

    /// Says why the project takes no new guests, if so; what is not known lets nobody in.
    pub fn refusal(&self) -> Option<String> {
        let Self {
            name,
            pool,
            throttle,
        } = self;
        match throttle {
            Throttle::Read(Found::None) => None,
            Throttle::Read(Found::One(marker)) => Some(told(name, marker)),
            Throttle::Read(Found::Malformed(reason)) => {
                Some(format!("{name} counts as throttled: {reason}"))
            }
            Throttle::Unreadable(failure) => Some(format!(
                "whether {name} is throttled is unknown: the comment of pool {pool} could not be read: {failure}"
            )),
            Throttle::Unread => Some(format!("whether {name} is throttled is not read yet")),
        }
    }

    /// Tells whether a person may let guests in all the same.
    pub fn can_be_overridden(&self) -> bool {
        match &self.throttle {
            Throttle::Unread => false,
            Throttle::Unreadable(_) => true,
            Throttle::Read(found) => found.is_throttled(),
        }
    }

    /// Lets new guests in, where need be because a person overrides the throttle; or says why not.
    pub fn admit(&self, overriding: bool) -> Result<Admission, String> {
        let overridden = match self.refusal() {
            Some(reason) if !(overriding && self.can_be_overridden()) => return Err(reason),
            reason => reason,
        };
        Ok(Admission {
            project: self.name.clone(),
            pool: self.pool.clone(),
            overridden,
        })
    }
}

/// Under which terms a project takes new guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    project: String,
    pool: PoolName,
    overridden: Option<String>,
}

impl Admission {
    /// Returns the project's name.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Returns the pool whose comment holds the project's throttle.
    pub fn pool(&self) -> &PoolName {
        &self.pool
    }

    /// Returns what stood in the way and was overridden; absent: the project was free.
    pub fn overridden(&self) -> Option<&str> {
        self.overridden.as_deref()
    }

    /// Says why the project takes no new guests now, if so; what was overridden binds no more.
    pub fn refusal(&self, throttle: Throttle) -> Option<String> {
        let now = JoinedProject {
            name: self.project.clone(),
            pool: self.pool.clone(),
            throttle,
        };
        now.refusal().filter(|_| self.overridden.is_none())
    }
}

/// Tells a throttle: `alpha is throttled since 2026-11-27 08:10Z: cpu_hours over its quota`.
fn told(project: &str, marker: &Marker) -> String {
    let resources: Vec<&str> = marker.resources().iter().map(|it| it.as_str()).collect();
    let quota = if resources.len() == 1 {
        "its quota"
    } else {
        "their quotas"
    };
    format!(
        "{project} is throttled since {}: {} over {quota} (tier {})",
        marker.since().format("%Y-%m-%d %H:%MZ"),
        resources.join(", "),
        marker.tier().tier()
    )
}

/// Returns the members of a throttled project that were born under its throttle, in their order.
///
/// A birth that nobody knows is none of them.
pub fn made_since<T>(
    marker: &Marker,
    members: impl IntoIterator<Item = (T, Option<DateTime<Utc>>)>,
) -> Vec<T> {
    let members = members.into_iter();
    members
        .filter(|(_, born)| born.is_some_and(|born| born > marker.since()))
        .map(|(member, _)| member)
        .collect()
}
