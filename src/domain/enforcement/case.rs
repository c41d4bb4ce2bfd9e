//! What is known of the projects when the plan is made.

use super::CriticalTags;
use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::project::Project;
use crate::domain::quota::Use;
use crate::domain::throttle::Found;
use crate::domain::usage::ProjectStanding;

/// How enforcement acts: the config's `[enforcement]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcementRules {
    /// The tags of guests that are never shut down.
    pub critical: CriticalTags,
    /// Whether guests are snapshotted before they are shut down.
    pub snapshot_first: bool,
    /// How long a guest may take to shut down, in seconds.
    pub shutdown_timeout_seconds: u32,
    /// How many guests one plan shuts down, over all projects.
    pub max_shutdowns: usize,
}

impl Default for EnforcementRules {
    fn default() -> Self {
        Self {
            critical: CriticalTags::default(),
            snapshot_first: true,
            shutdown_timeout_seconds: 180,
            max_shutdowns: 5,
        }
    }
}

/// A project, and what is known of it; what is not known says why.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectCase<'a> {
    /// The project.
    pub project: &'a Project,
    /// What it uses of its budget.
    pub standing: Result<&'a ProjectStanding, String>,
    /// The throttle in its pool's comment.
    pub throttle: Result<Found, String>,
    /// The guests that it counts.
    pub members: Vec<Member<'a>>,
}

/// A guest of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Member<'a> {
    /// The guest.
    pub guest: &'a Guest,
    /// Whether its node answers for it.
    pub vouched: bool,
    /// Whether the config's selection picks it.
    pub managed: bool,
    /// What it used, where that is known.
    pub used: Option<Use>,
    /// The type of a task that works on it, as far as tasks are seen.
    pub task: Option<&'a str>,
    /// Its configuration, for what a snapshot would take; what is not known is left to the server.
    pub config: Option<&'a GuestConfig>,
    /// Why no snapshot of it can be taken, where that is known.
    pub refuses_snapshots: Option<String>,
}

impl<'a> Member<'a> {
    /// Makes a guest that is known from the resource list alone.
    pub fn new(guest: &'a Guest, managed: bool) -> Self {
        Self {
            guest,
            vouched: true,
            managed,
            used: None,
            task: None,
            config: None,
            refuses_snapshots: None,
        }
    }
}
