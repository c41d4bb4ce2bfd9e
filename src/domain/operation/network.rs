//! The execution of a network plan on one guest.

use super::call::Call;
use crate::domain::guest::GuestRef;
use crate::domain::network::{Action, Deed, NetworkPlan};
use crate::domain::permission::{Need, path_of_bridge};

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
        needs_of(&self.plan)
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

/// Returns the privileges that a plan needs on its own guest.
pub(super) fn needs_of(plan: &NetworkPlan) -> Vec<Need> {
    let mut needs = vec![Need::on_guest("VM.Config.Network", plan.guest().vmid)];
    for change in plan.steps() {
        let Action::SetCard { before, after } = &change.action else {
            continue;
        };
        // The card leaves one bridge for another; the server asks for both (API.md §3).
        for card in [before, after] {
            let bridge = card.get("bridge");
            let path = bridge.and_then(|bridge| path_of_bridge(bridge, card.get("tag")));
            let need = path.map(|path| Need::on("SDN.Use", path));
            needs.extend(need.filter(|need| !needs.contains(need)));
        }
    }
    needs
}
