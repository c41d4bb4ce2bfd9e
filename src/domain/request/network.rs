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

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::samples::{config, guest};
    use super::*;
    use crate::domain::firewall::{ClusterFirewall, GuestFirewall};
    use crate::domain::network::{Current, NetworkProfile, Resolved, plan};

    fn request(allow: &str) -> NetworkRequest {
        let current = Current {
            config: Ok(config(&[("net0", "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0")])),
            firewall: Ok(GuestFirewall::default()),
            cluster: ClusterFirewall::default(),
        };
        let profile = NetworkProfile {
            name: "api".to_owned(),
            bridge: "vmbr1".parse().unwrap(),
            firewall: true,
            allow: vec![allow.parse().unwrap()],
            block: Vec::new(),
            allow_in: None,
            dns: None,
        };
        let resolved = Resolved::new(chrono::DateTime::UNIX_EPOCH);
        NetworkRequest {
            plan: plan(&guest().to_ref(), &profile, &resolved, &current),
        }
    }

    #[test]
    fn a_plan_becomes_an_operation_that_says_what_it_sends_and_needs() {
        let operation = request("10.0.0.1:443").check(Some(&guest())).unwrap();
        assert_eq!(operation.title(), "apply api to 104 agent-4");
        assert_eq!(operation.calls().len(), 5);
        let needs: Vec<String> = operation.needs().iter().map(ToString::to_string).collect();
        assert_eq!(
            needs,
            [
                "needs VM.Config.Network on /vms/104",
                "needs SDN.Use on /sdn/zones/localnetwork/vmbr0",
                "needs SDN.Use on /sdn/zones/localnetwork/vmbr1",
            ]
        );
    }

    #[test]
    fn a_plan_with_an_open_question_or_for_another_guest_becomes_nothing() {
        let reasons = |request: &NetworkRequest, found: Option<&Guest>| -> Vec<String> {
            let objections = request.check(found).unwrap_err();
            objections.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            reasons(&request("gone.example:443"), Some(&guest())),
            ["gone.example was not resolved"]
        );
        assert_eq!(
            reasons(&request("10.0.0.1:443"), None),
            ["guest 104 is gone"]
        );
        let mut other = guest();
        other.name = Some("other".into());
        assert_eq!(reasons(&request("10.0.0.1:443"), Some(&other)).len(), 1);
    }
}
