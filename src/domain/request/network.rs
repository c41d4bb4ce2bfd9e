//! The wish that a network plan be executed as it was shown.

use super::{Field, Objection, Objections};
use crate::domain::guest::Guest;
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::network::NetworkPlan;
use crate::domain::operation::{Batch, ChangeNetwork, Operation, Skipped};

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

/// The wish that several network plans be executed as they were shown.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchNetworkRequest {
    /// The plans, each of another guest.
    pub plans: Vec<NetworkPlan>,
}

impl BatchNetworkRequest {
    /// Checks the wish against the guests as they are now; one that cannot be is in the way of all.
    ///
    /// Guests at which nothing is to be changed are left out and named.
    pub fn check<'a>(
        &self,
        find: impl Fn(Vmid) -> Option<&'a Guest>,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let (mut operations, mut skipped) = (Vec::new(), Vec::new());
        for plan in &self.plans {
            let guest = plan.guest();
            if plan.is_empty() && plan.objections().is_empty() {
                let reason = "there is nothing to change".to_owned();
                skipped.push(Skipped {
                    guest: guest.clone(),
                    reason,
                });
                continue;
            }
            match (NetworkRequest { plan: plan.clone() }).check(find(guest.vmid)) {
                Ok(operation) => operations.push(operation),
                Err(reasons) => {
                    for objection in reasons {
                        objections.add(objection.field, format!("{guest}: {objection}"));
                    }
                }
            }
        }
        if operations.is_empty() && objections.0.is_empty() {
            objections.add(Field::Whole, "there is nothing to change");
        }
        objections.or(Batch::of(operations, skipped))
    }
}

/// Says why a guest can have no network profile, if so.
pub fn refuses_profile(guest: &Guest) -> Option<&'static str> {
    match guest.kind {
        GuestKind::Qemu => None,
        GuestKind::Lxc => Some(CONTAINER),
    }
}
