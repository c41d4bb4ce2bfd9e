//! What the projects use of their budgets, for commands that need it once.

use chrono_tz::Tz;

use super::inventory::Reading;
use super::setup::Setup;
use crate::domain::failure::Failure;
use crate::domain::usage::{Period, ProjectStanding};

/// What was read of the projects' use.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    projects: Vec<ProjectStanding>,
    unread: Vec<(String, Failure)>,
}

impl Budgets {
    /// Reckons what the projects use, from the resource list.
    pub(super) fn of(setup: &Setup, reading: &Reading) -> Self {
        let projects = &setup.rules.projects;
        let standing = projects.iter().map(|project| {
            let members = projects.members(project, &reading.guests);
            let period = Period::of(project.window, reading.time, Tz::UTC);
            ProjectStanding::since_boot(project, &members, period)
        });
        Self {
            projects: standing.collect(),
            unread: Vec::new(),
        }
    }

    /// Returns how each project stands, in the order of the config.
    pub(super) fn projects(&self) -> &[ProjectStanding] {
        &self.projects
    }

    /// Returns what could not be read, and why.
    pub(super) fn unread(&self) -> &[(String, Failure)] {
        &self.unread
    }
}
