//! The execution of a network plan on one guest.

use super::call::Call;
use crate::domain::guest::GuestRef;
use crate::domain::network::{Deed, NetworkPlan};
use crate::domain::permission::Need;

/// The execution of a network plan on one guest.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeNetwork {
    plan: NetworkPlan,
}

impl ChangeNetwork {
    pub(in crate::domain) fn new(plan: NetworkPlan) -> Self {
        Self { plan }
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.plan.calls()
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        // SDN.Use on the bridge is left to the server: its path names a zone that we cannot see.
        vec![Need::on_guest("VM.Config.Network", self.guest().vmid)]
    }

    pub(super) fn title(&self) -> String {
        let (guest, profile) = (self.plan.guest(), self.plan.profile());
        match self.plan.deed() {
            Deed::Apply => format!("apply {profile} to {guest}"),
            Deed::Try(_) => format!("try {profile} on {guest}"),
            Deed::PutBack => format!("put back what {profile} changed on {guest}"),
            Deed::Keep => format!("keep {profile} on {guest}"),
        }
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        self.plan.guest()
    }

    /// Returns what is done, step by step.
    pub fn plan(&self) -> &NetworkPlan {
        &self.plan
    }
}
