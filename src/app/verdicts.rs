//! What the rules say about the inventory; reckoned once when it changes, shown many times.

use super::state::Rules;
use crate::domain::guest::Guest;
use crate::domain::inventory::{Resources, SeenGuest};
use crate::domain::limits::{self, Severity, Violation};
use crate::domain::quota::{self, ResourceUsage, Tier};
use crate::domain::time::Moment;

/// The verdicts on the present inventory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdicts {
    budgets: Vec<(String, Vec<ResourceUsage>)>,
    /// How many managed guests break a limit critically.
    pub critical: usize,
    /// How many managed guests break a limit, but none critically.
    pub warnings: usize,
}

impl Verdicts {
    /// Judges an inventory by the rules.
    pub(super) fn of(resources: &Resources, rules: &Rules, now: Moment) -> Self {
        let mut verdicts = Self::default();
        for seen in &resources.guests {
            match violations(seen, rules, now)
                .iter()
                .map(|violation| violation.severity)
                .max()
            {
                Some(Severity::Critical) => verdicts.critical += 1,
                Some(Severity::Warning) => verdicts.warnings += 1,
                None => {}
            }
        }
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
        verdicts.budgets = rules
            .projects
            .iter()
            .zip(members)
            .map(|(project, members)| (project.name().to_owned(), quota::usage(project, members)))
            .collect();
        verdicts
    }

    /// Returns what a project uses of its budget.
    pub fn budget(&self, project: &str) -> Option<&[ResourceUsage]> {
        self.budgets
            .iter()
            .find(|(name, _)| name == project)
            .map(|(_, usage)| usage.as_slice())
    }

    /// Returns the tier of a project; one that is not known has no quota.
    pub fn tier(&self, project: &str) -> Tier {
        self.budget(project)
            .map_or(Tier::Unlimited, quota::worst_tier)
    }
}

/// Returns the limits that a guest breaks now; one that is not managed or stale has none.
pub fn violations(seen: &SeenGuest, rules: &Rules, now: Moment) -> Vec<Violation> {
    if seen.is_stale(now) || !rules.selection.manages(&seen.guest) {
        return Vec::new();
    }
    limits::violations(&seen.guest, &rules.limits)
}
