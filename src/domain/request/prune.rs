//! The wish that a retention plan be executed.

use chrono::TimeDelta;

use super::{Field, Objection, Objections};
use crate::domain::inventory::Resources;
use crate::domain::operation::{Operation, Prune};
use crate::domain::plan::Plan;
use crate::domain::retention::RetentionPlan;

/// With clocks further apart than this, ages mean nothing (SPEC §5.5).
pub const MOST_CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// The wish that a retention plan, as it was edited, be executed.
#[derive(Debug, Clone, PartialEq)]
pub struct PruneRequest {
    /// The plan.
    pub plan: RetentionPlan,
}

impl PruneRequest {
    /// Checks the wish against the cluster as it is now.
    ///
    /// `clock_skew` is how far the server's clock is ahead of the local one. Locks and running tasks
    /// are no objection: each is looked at right before its deletion, and what is busy is skipped.
    pub fn check(
        &self,
        resources: Option<&Resources>,
        clock_skew: Option<TimeDelta>,
    ) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        if let Some(skew) = clock_skew.filter(|skew| skew.abs() > MOST_CLOCK_SKEW) {
            let reason = format!(
                "the server's clock and the local one are {} minutes apart; nobody knows how old snapshots are",
                skew.num_minutes().abs()
            );
            objections.add(Field::Whole, reason);
        }
        let plan = Plan::of_deletions(&self.plan);
        for group in plan.groups() {
            let found = resources.and_then(|resources| resources.guest(group.guest.vmid));
            objections.same_guest(&group.guest, found.map(|seen| &seen.guest));
        }
        let lead = plan.groups().first().map(|group| group.guest.clone());
        if lead.is_none() {
            objections.add(Field::Whole, "the plan deletes nothing");
        }
        let (policy, time) = (self.plan.policy().clone(), self.plan.time());
        objections.or(lead.map(|lead| Operation::Prune(Prune::new(lead, plan, policy, time))))
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::samples::{chain, guest};
    use super::*;
    use crate::domain::inventory::SeenGuest;
    use crate::domain::retention::{GuestSnapshots, Policy, plan};
    use crate::domain::time::Moment;

    fn resources() -> Resources {
        Resources {
            guests: vec![SeenGuest {
                guest: guest(),
                seen: Moment::default(),
                vouched: true,
            }],
            ..Resources::default()
        }
    }

    fn retention() -> RetentionPlan {
        let (guest, list) = (guest().to_ref(), chain());
        let guests = [GuestSnapshots {
            guest: &guest,
            list: &list,
        }];
        let now = chrono::DateTime::from_timestamp(1_795_424_445, 0).unwrap();
        let mut list = list.clone();
        for snapshot in &mut list.snapshots {
            snapshot.taken = snapshot
                .taken
                .map(|taken| now - TimeDelta::days(40) + (taken - chrono::DateTime::UNIX_EPOCH));
        }
        let guests = guests.map(|each| GuestSnapshots {
            list: &list,
            ..each
        });
        plan(&guests, &Policy::default(), now)
    }

    #[test]
    fn an_edited_plan_becomes_deletions_oldest_first() {
        let mut edited = retention();
        let request = PruneRequest {
            plan: edited.clone(),
        };
        let operation = request.check(Some(&resources()), None).unwrap();
        let calls: Vec<String> = operation.calls().iter().map(ToString::to_string).collect();
        assert_eq!(
            calls,
            [
                "DELETE /nodes/pve1/qemu/104/snapshot/first",
                "DELETE /nodes/pve1/qemu/104/snapshot/second"
            ]
        );
        assert_eq!(operation.title(), "prune 2 snapshots");
        edited.keep(guest().vmid, &"first".into()).unwrap();
        let operation = PruneRequest { plan: edited }
            .check(Some(&resources()), None)
            .unwrap();
        assert_eq!(operation.calls().len(), 1);
    }

    #[test]
    fn nothing_is_pruned_by_a_wrong_clock_or_from_a_guest_that_changed() {
        let request = PruneRequest { plan: retention() };
        let resources = resources();
        let skew = |seconds| Some(TimeDelta::seconds(seconds));
        assert!(request.check(Some(&resources), skew(-301)).is_err());
        assert!(request.check(Some(&resources), skew(300)).is_ok());
        let mut other = resources.clone();
        other.guests[0].guest.name = Some("other".into());
        assert!(request.check(Some(&other), None).is_err());
        assert!(request.check(None, None).is_err());
    }

    #[test]
    fn a_plan_that_deletes_nothing_is_no_operation() {
        let mut plan = retention();
        for name in ["first", "second"] {
            plan.keep(guest().vmid, &name.into()).unwrap();
        }
        let objections = PruneRequest { plan }
            .check(Some(&resources()), None)
            .unwrap_err();
        assert_eq!(objections[0].reason, "the plan deletes nothing");
    }
}
