//! The wish that a network plan be executed as it was shown.

use super::batch::{join, left_out};
use super::{Field, Objection, Objections};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::id::GuestKind;
use crate::domain::inventory::Resources;
use crate::domain::network::NetworkPlan;
use crate::domain::operation::{ChangeNetwork, Operation};

/// Why containers have no profile.
const CONTAINER: &str = "network profiles are for virtual machines, this is a container";

/// The wish that a network plan be executed as it was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkRequest {
    /// The plan.
    pub plan: NetworkPlan,
}

impl NetworkRequest {
    /// Checks the wish against the guest as it is now, if it is still there.
    ///
    /// A guest's lock is no objection, for its firewall has none; a change of `net0` on a locked
    /// guest is refused by the server and told of.
    pub fn check(&self, found: Option<&Guest>) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        objections.same_guest(self.plan.guest(), found);
        objections.0.extend_from_slice(self.plan.objections());
        if self.plan.is_empty() && objections.0.is_empty() {
            objections.add(Field::Whole, "there is nothing to change");
        }
        let operation = ChangeNetwork::new(self.plan.clone());
        objections.or(Some(Operation::Network(Box::new(operation))))
    }
}

/// The wish that several guests be fenced in under one confirmation.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkBatchRequest {
    /// The guests, as they were when the plans were made, with the plan or why there is none.
    pub plans: Vec<(GuestRef, Result<NetworkPlan, String>)>,
}

impl NetworkBatchRequest {
    /// Checks the wish against the guests as they are now; whoever cannot take part is left out.
    ///
    /// Of one guest alone the objections are those of its own plan.
    pub fn check(&self, resources: Option<&Resources>) -> Result<Operation, Vec<Objection>> {
        let (mut operations, mut skipped) = (Vec::new(), Vec::new());
        for (guest, plan) in &self.plans {
            let checked = check_one(guest, plan, resources);
            match checked {
                Ok(operation) => operations.push(operation),
                Err(objections) if self.plans.len() == 1 => return Err(objections),
                Err(objections) => skipped.push(left_out(guest, &objections)),
            }
        }
        join(operations, skipped, Objections::default())
    }
}

fn check_one(
    guest: &GuestRef,
    plan: &Result<NetworkPlan, String>,
    resources: Option<&Resources>,
) -> Result<Operation, Vec<Objection>> {
    let seen = resources.and_then(|resources| resources.guest(guest.vmid));
    if let Some(seen) = seen.filter(|seen| !seen.vouched) {
        let reason = format!("{} does not answer", seen.guest.node);
        return Err(vec![Objection::new(Field::Whole, reason)]);
    }
    match plan {
        Ok(plan) => NetworkRequest { plan: plan.clone() }.check(seen.map(|seen| &seen.guest)),
        Err(reason) => Err(vec![Objection::new(Field::Whole, reason)]),
    }
}

/// Says why a guest can have no network profile, if so.
pub fn refuses_profile(guest: &Guest) -> Option<&'static str> {
    match guest.kind {
        GuestKind::Qemu => None,
        GuestKind::Lxc => Some(CONTAINER),
    }
}
