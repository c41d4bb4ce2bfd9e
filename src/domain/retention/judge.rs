//! The rules themselves: the first one that speaks about a snapshot decides.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::lineage::Lineage;
use super::plan::{RetentionPlan, Row};
use super::policy::{Class, DAY, Policy};
use super::reason::{Doubt, Reason};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::snapshot::{Snapshot, SnapshotList};

/// How the names of bracket snapshots begin (SPEC §5.11).
const BRACKET_PREFIX: &str = "br-";

/// The snapshots of one guest, as they go into a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GuestSnapshots<'a> {
    /// The guest.
    pub guest: &'a GuestRef,
    /// Its snapshots, as just read.
    pub list: &'a SnapshotList,
}

/// Judges every snapshot of the given guests by a policy.
///
/// `now` is the server's clock. The order of guests and of snapshots does not matter, and planning
/// again after the plan was carried out finds nothing more to delete.
pub fn plan(guests: &[GuestSnapshots<'_>], policy: &Policy, now: DateTime<Utc>) -> RetentionPlan {
    let mut times_listed: HashMap<Vmid, usize> = HashMap::new();
    for each in guests {
        *times_listed.entry(each.guest.vmid).or_default() += 1;
    }
    let rows = guests
        .iter()
        .flat_map(|each| {
            let judge = Judge::new(each.list, policy, now);
            let listed_once = times_listed.get(&each.guest.vmid) == Some(&1);
            each.list
                .snapshots
                .iter()
                .enumerate()
                .map(move |(index, snapshot)| {
                    let reason = if listed_once {
                        judge.reason(index, snapshot)
                    } else {
                        Reason::Unclear(Doubt::GuestTwice)
                    };
                    Row::new(
                        each.guest.clone(),
                        snapshot.clone(),
                        age(snapshot, now),
                        reason,
                    )
                })
        })
        .collect();
    RetentionPlan::new(policy.clone(), now, rows)
}

/// Judges the snapshots of one guest by a policy, in the order of its list.
///
/// The reasons are those that [`plan`] would give; nothing is copied, so that thousands of lists
/// can be judged again whenever time has passed.
pub fn judge(list: &SnapshotList, policy: &Policy, now: DateTime<Utc>) -> Vec<Reason> {
    let judge = Judge::new(list, policy, now);
    list.snapshots
        .iter()
        .enumerate()
        .map(|(index, snapshot)| judge.reason(index, snapshot))
        .collect()
}

fn age(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Duration> {
    now.signed_duration_since(snapshot.taken?).to_std().ok()
}

/// Judges the snapshots of one guest.
struct Judge<'a> {
    list: &'a SnapshotList,
    policy: &'a Policy,
    now: DateTime<Utc>,
    doubts: Vec<Option<Doubt>>,
    /// The date from which on snapshots are among the newest.
    newest_from: Option<DateTime<Utc>>,
}

impl<'a> Judge<'a> {
    fn new(list: &'a SnapshotList, policy: &'a Policy, now: DateTime<Utc>) -> Self {
        let doubts = Lineage::new(list).doubts(now);
        let mut dates: Vec<DateTime<Utc>> = list
            .snapshots
            .iter()
            .zip(&doubts)
            .filter(|(_, doubt)| doubt.is_none())
            .filter_map(|(snapshot, _)| snapshot.taken)
            .collect();
        dates.sort_unstable_by(|a, b| b.cmp(a));
        // With fewer snapshots than that all are among the newest.
        let count = policy.keep_last().min(dates.len());
        Self {
            list,
            policy,
            now,
            doubts,
            newest_from: count
                .checked_sub(1)
                .and_then(|last| dates.get(last).copied()),
        }
    }

    /// Applies the rules of SPEC §5.5; the first that speaks decides.
    ///
    /// The newest are counted among all clear snapshots of the guest, marked ones and brackets
    /// included; snapshots of the same second as the last of them are newest too.
    fn reason(&self, index: usize, snapshot: &Snapshot) -> Reason {
        if let Some(doubt) = self.doubts.get(index).cloned().flatten() {
            return Reason::Unclear(doubt);
        }
        let (Some(taken), Some(age)) = (snapshot.taken, age(snapshot, self.now)) else {
            return Reason::Unclear(Doubt::Undated);
        };
        if let Some(mark) = self.policy.mark_of(snapshot) {
            return Reason::Marked(mark);
        }
        if is_bracket(snapshot.name.raw()) {
            return Reason::Bracket;
        }
        if self.newest_from.is_some_and(|from| taken >= from) {
            return Reason::Newest;
        }
        if self.list.current_parent.as_ref() == Some(&snapshot.name) {
            return Reason::Base;
        }
        let class = Class::of(snapshot.name.raw());
        let limit_days = self.policy.days(class);
        let limit = Duration::from_secs(u64::from(limit_days) * DAY);
        match limit.checked_sub(age) {
            Some(left) => Reason::WithinLimit { class, left },
            None => Reason::Expired { class, limit_days },
        }
    }
}

/// Tells whether a name is that of a bracket's snapshot.
///
/// Ours begin in lower case; a name in capitals is spared too, because sparing costs only space.
fn is_bracket(name: &str) -> bool {
    name.get(..BRACKET_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(BRACKET_PREFIX))
}
