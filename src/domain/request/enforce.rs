//! The wish that an enforcement plan be executed as it was shown.

use chrono::TimeDelta;

use super::prune::MOST_CLOCK_SKEW;
use super::{Field, Objection, Objections};
use crate::domain::enforcement::EnforcementPlan;
use crate::domain::inventory::Resources;
use crate::domain::operation::{Enforce, Operation};

/// The wish that an enforcement plan be executed as it was shown.
#[derive(Debug, Clone, PartialEq)]
pub struct EnforceRequest {
    /// The plan.
    pub plan: EnforcementPlan,
    /// The name under which people are told of the cluster.
    pub cluster: String,
    /// How long a guest may take to shut down, in seconds.
    pub shutdown_timeout_seconds: u32,
}

impl EnforceRequest {
    /// Checks the wish against the cluster as it is now.
    ///
    /// `clock_skew` is how far the server's clock is ahead of the local one. Locks and running tasks
    /// are no objection: each guest is looked at right before its shutdown.
    pub fn check(
        &self,
        resources: Option<&Resources>,
        clock_skew: Option<TimeDelta>,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        if let Some(skew) = clock_skew.filter(|skew| skew.abs() > MOST_CLOCK_SKEW) {
            let reason = format!(
                "the server's clock and the local one are {} minutes apart; nobody knows what a window holds",
                skew.num_minutes().abs()
            );
            objections.add(Field::Whole, reason);
        }
        for shutdown in self.plan.shutdowns() {
            let found = resources.and_then(|resources| resources.guest(shutdown.guest.vmid));
            objections.same_guest(&shutdown.guest, found.map(|seen| &seen.guest));
        }
        if self.plan.is_empty() {
            objections.add(Field::Whole, "the plan has no step");
        }
        objections.or(Some(Operation::Enforce(Box::new(Enforce::new(
            self.cluster.clone(),
            self.plan.clone(),
            self.shutdown_timeout_seconds,
        )))))
    }
}
