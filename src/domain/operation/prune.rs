//! The execution of a retention plan.

use chrono::{DateTime, Utc};

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
    time: DateTime<Utc>,
}

impl Prune {
    pub(in crate::domain) fn new(
        lead: GuestRef,
        plan: Plan,
        policy: Policy,
        time: DateTime<Utc>,
    ) -> Self {
        Self {
            lead,
            plan,
            policy,
            time,
        }
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

    /// Returns the policy, by which each snapshot is judged once more right before it goes.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the time at which the plan was made, by the server's clock.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }
}
