//! What the projects use of their budgets; reckoned once when the inventory changes, shown many times.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::state::Rules;
use crate::domain::guest::Guest;
use crate::domain::inventory::Resources;
use crate::domain::quota::{self, ResourceUsage, Tier};
use crate::domain::usage::{Period, ProjectStanding};

/// The verdicts on the present inventory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts {
    projects: Vec<ProjectStanding>,
}

impl Verdicts {
    /// Judges an inventory by the rules.
    pub(super) fn of(resources: &Resources, rules: &Rules, server: DateTime<Utc>) -> Self {
        // One pass over the guests, however many projects there are.
        let mut members: Vec<Vec<&Guest>> = rules.projects.iter().map(|_| Vec::new()).collect();
        for seen in &resources.guests {
            let owner = rules.projects.assign(&seen.guest).project;
            let index =
                owner.and_then(|owner| rules.projects.iter().position(|project| project == owner));
            if let Some(members) = index.and_then(|index| members.get_mut(index)) {
                members.push(&seen.guest);
            }
        }
        let projects = rules.projects.iter().zip(members);
        let projects = projects.map(|(project, members)| {
            let period = Period::of(project.window, server, Tz::UTC);
            ProjectStanding::since_boot(project, &members, period)
        });
        Self {
            projects: projects.collect(),
        }
    }

    /// Returns what all projects use.
    pub fn projects(&self) -> &[ProjectStanding] {
        &self.projects
    }

    /// Returns what a project uses of its budget.
    pub fn budget(&self, project: &str) -> Option<&[ResourceUsage]> {
        self.projects
            .iter()
            .find(|each| each.project == project)
            .map(|each| each.usage.as_slice())
    }

    /// Returns the tier of a project; one that is not known has no quota.
    pub fn tier(&self, project: &str) -> Tier {
        self.budget(project)
            .map_or(Tier::Unlimited, quota::worst_tier)
    }
}
