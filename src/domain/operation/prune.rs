//! The execution of a retention plan.

use super::call::Call;
use crate::domain::guest::GuestRef;
use crate::domain::permission::Need;
use crate::domain::plan::Plan;
use crate::domain::retention::Policy;

/// The execution of a retention plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Prune {
    lead: GuestRef,
    plan: Plan,
    policy: Policy,
}

impl Prune {
    pub(in crate::domain) fn new(lead: GuestRef, plan: Plan, policy: Policy) -> Self {
        Self { lead, plan, policy }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.plan
            .groups()
            .iter()
            .flat_map(|group| group.steps.iter().map(|step| step.call(&group.guest)))
            .collect()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        self.guests()
            .map(|guest| Need::on_guest("VM.Snapshot", guest.vmid))
            .collect()
    }

    pub(super) fn lead(&self) -> &GuestRef {
        &self.lead
    }

    /// Iterates over the guests that lose snapshots.
    pub fn guests(&self) -> impl Iterator<Item = &GuestRef> {
        self.plan.groups().iter().map(|group| &group.guest)
    }

    /// Returns what is done, guest by guest.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the policy, by which new marks are recognized while the plan is executed.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}
