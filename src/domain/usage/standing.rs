//! How a project stands: what it uses of its budget, now and at the end of its window.

use super::project::{Coverage, ProjectUse};
use super::projection::{Projection, project_ahead};
use super::window::Period;
use crate::domain::guest::Guest;
use crate::domain::project::{Project, Resource, Window};
use crate::domain::quota::{
    Amount, Certainty, ResourceUsage, Tier, assess, used_since_boot, worst_tier,
};

/// A project's use beside its budget; screen, commands, alerts and enforcement get the same.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectStanding {
    /// The project's name.
    pub project: String,
    /// The window over which it is counted.
    pub window: Window,
    /// The window at this moment.
    pub period: Period,
    /// What is used beside the quota, in the order of [`Resource::ALL`].
    pub usage: Vec<ResourceUsage>,
    /// What will have been used at the end of the window, in the same order.
    pub ahead: Vec<Projection>,
    /// How much of the time is known.
    pub coverage: Coverage,
    /// How many guests it counts now.
    pub guests: usize,
    /// How many of them were not read yet, so that their use is missing.
    pub unread: usize,
}

impl ProjectStanding {
    /// Holds what a project used within a period against its budget.
    pub fn of(project: &Project, used: &ProjectUse, period: Period, guests: usize) -> Self {
        let usage = assess(project, &used.used);
        let ahead = usage
            .iter()
            .map(|each| project_ahead(each, project.window, &period))
            .collect();
        Self {
            project: project.name().to_owned(),
            window: project.window,
            period,
            usage,
            ahead,
            coverage: used.coverage,
            guests,
            unread: 0,
        }
    }

    /// Reckons what the guests of a project have used since they were started, from the resource
    /// list alone.
    ///
    /// That says nothing of the window, and so nothing of its end.
    pub fn since_boot(project: &Project, members: &[&Guest], period: Period) -> Self {
        let used = ProjectUse {
            used: used_since_boot(members.iter().copied()),
            coverage: Coverage::default(),
        };
        let mut standing = Self::of(project, &used, period, members.len());
        standing.ahead = standing.usage.iter().map(unforeseen).collect();
        standing
    }

    /// Returns the tier of its worst resource.
    pub fn tier(&self) -> Tier {
        worst_tier(&self.usage)
    }

    /// Returns the use of a resource and what it will come to.
    pub fn resource(&self, resource: Resource) -> Option<(&ResourceUsage, &Projection)> {
        let mut each = self.usage.iter().zip(&self.ahead);
        each.find(|(usage, _)| usage.resource == resource)
    }

    /// Tells whether every figure that has a quota is neither an estimate nor a lower bound.
    pub fn is_complete(&self) -> bool {
        let bounded = self
            .usage
            .iter()
            .filter(|each| each.quota.bound().is_some());
        self.unread == 0
            && bounded
                .map(|each| each.used.certainty())
                .all(|certainty| certainty == Certainty::Exact)
    }
}

fn unforeseen(usage: &ResourceUsage) -> Projection {
    let used = Amount::UNKNOWN;
    Projection {
        used,
        tier: ResourceUsage::new(usage.resource, used, usage.quota).tier,
        full_in: None,
    }
}
