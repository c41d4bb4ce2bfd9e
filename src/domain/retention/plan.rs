//! The plan: a row per snapshot, what a person may change in it, and its sums.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::policy::{Class, Policy};
use super::reason::{Group, Reason, Verdict};
use crate::domain::guest::GuestRef;
use crate::domain::id::Vmid;
use crate::domain::operation::{Call, deletion};
use crate::domain::snapshot::Snapshot;
use crate::domain::text::Text;

/// One snapshot in a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    guest: GuestRef,
    snapshot: Snapshot,
    class: Class,
    age: Option<Duration>,
    reason: Reason,
    kept_by_you: bool,
}

impl Row {
    pub(super) fn new(
        guest: GuestRef,
        snapshot: Snapshot,
        age: Option<Duration>,
        reason: Reason,
    ) -> Self {
        Self {
            guest,
            class: Class::of(snapshot.name.raw()),
            snapshot,
            age,
            reason,
            kept_by_you: false,
        }
    }

    /// All of a row takes part, so that even equal names and dates come out in one order.
    fn sort_key(&self) -> impl Ord + '_ {
        let Snapshot {
            name,
            taken,
            parent,
            description,
            has_ram,
            unfinished,
        } = &self.snapshot;
        let guest = &self.guest;
        (
            (guest.vmid, taken, name, parent),
            (description, has_ram, unfinished),
            (guest.kind, &guest.node, &guest.name),
        )
    }

    /// Returns the snapshot's guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the snapshot's name.
    pub fn name(&self) -> &Text {
        &self.snapshot.name
    }

    /// Returns the snapshot as it was when it was judged.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns when the snapshot was taken, by the node's clock.
    pub fn taken(&self) -> Option<DateTime<Utc>> {
        self.snapshot.taken
    }

    /// Returns the class that its name tells.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Returns its age; absent without a date, or with one in the future.
    pub fn age(&self) -> Option<Duration> {
        self.age
    }

    /// Returns why it stays or goes.
    pub fn reason(&self) -> &Reason {
        if self.kept_by_you {
            &Reason::KeptByYou
        } else {
            &self.reason
        }
    }

    /// Returns what is to become of it.
    pub fn verdict(&self) -> Verdict {
        self.reason().verdict()
    }

    /// Returns the call that would delete it.
    pub fn call(&self) -> Call {
        deletion(&self.guest, &self.snapshot)
    }

    /// Tells whether a person may decide: only what the rules would delete can be kept by hand.
    pub fn is_editable(&self) -> bool {
        self.reason.verdict() == Verdict::Delete
    }
}

/// Why a row of a plan cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    /// The plan has no such row.
    #[error("the plan has no snapshot {name} of guest {vmid}")]
    NoSuchRow {
        /// The guest.
        vmid: Vmid,
        /// The snapshot.
        name: Text,
    },
    /// The rules keep it, and no plan deletes what they keep.
    #[error("{name} is kept: {reason}")]
    KeptByRule {
        /// The snapshot.
        name: Text,
        /// The rule that keeps it.
        reason: Reason,
    },
}

/// What is to become of the snapshots of several guests.
///
/// It can only be weakened: a person may keep what the rules would delete, never the reverse.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a plan does nothing until it is executed"]
pub struct RetentionPlan {
    policy: Policy,
    now: DateTime<Utc>,
    rows: Vec<Row>,
}

impl RetentionPlan {
    pub(super) fn new(policy: Policy, now: DateTime<Utc>, mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        Self { policy, now, rows }
    }

    /// Returns the policy that was applied.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the time at which ages were taken.
    pub fn time(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns every row: guests by number, within one the oldest first, undated ones before.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Takes a snapshot out of the plan; what is kept by hand already stays so.
    pub fn keep(&mut self, vmid: Vmid, name: &Text) -> Result<(), NotEditable> {
        self.editable(vmid, name)?.kept_by_you = true;
        Ok(())
    }

    /// Takes a snapshot out of the plan, or puts it back in, and returns the new verdict.
    pub fn toggle(&mut self, vmid: Vmid, name: &Text) -> Result<Verdict, NotEditable> {
        let row = self.editable(vmid, name)?;
        row.kept_by_you = !row.kept_by_you;
        Ok(row.verdict())
    }

    /// Takes everything out of the plan that a person did not mean to delete.
    pub(super) fn keep_all_but(&mut self, is_meant: impl Fn(&Row) -> bool) {
        for row in &mut self.rows {
            row.kept_by_you |= row.is_editable() && !is_meant(row);
        }
    }

    fn editable(&mut self, vmid: Vmid, name: &Text) -> Result<&mut Row, NotEditable> {
        // Rows of equal names are all unclear, so that the first one speaks for them.
        let row = self
            .rows
            .iter_mut()
            .find(|row| row.guest.vmid == vmid && row.name() == name);
        match row {
            None => Err(NotEditable::NoSuchRow {
                vmid,
                name: name.clone(),
            }),
            Some(row) if !row.is_editable() => Err(NotEditable::KeptByRule {
                name: name.clone(),
                reason: row.reason.clone(),
            }),
            Some(row) => Ok(row),
        }
    }

    /// Returns what is to be deleted, guest by guest, within one in the order of execution.
    pub fn deletions(&self) -> Vec<GuestDeletions<'_>> {
        let mut guests: Vec<GuestDeletions<'_>> = Vec::new();
        for row in &self.rows {
            if row.verdict() == Verdict::Keep {
                continue;
            }
            match guests.last_mut() {
                Some(last) if last.guest.vmid == row.guest.vmid => last.rows.push(row),
                _ => guests.push(GuestDeletions {
                    guest: &row.guest,
                    rows: vec![row],
                }),
            }
        }
        guests
    }

    /// Counts the rows by verdict and reason.
    pub fn summary(&self) -> Summary {
        let deletions = self.deletions();
        let mut kept = BTreeMap::new();
        for row in &self.rows {
            if row.verdict() == Verdict::Keep {
                *kept.entry(row.reason().group()).or_default() += 1;
            }
        }
        Summary {
            total: self.rows.len(),
            delete: deletions.iter().map(|each| each.rows.len()).sum(),
            guests: deletions.len(),
            kept,
        }
    }
}

/// The deletions of one guest, to be executed one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestDeletions<'a> {
    /// The guest.
    pub guest: &'a GuestRef,
    /// Its rows that go, oldest first.
    pub rows: Vec<&'a Row>,
}

/// A plan in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// How many snapshots there are.
    pub total: usize,
    /// How many of them go.
    pub delete: usize,
    /// How many guests lose any.
    pub guests: usize,
    /// How many stay, by the reason.
    pub kept: BTreeMap<Group, usize>,
}

impl Summary {
    /// Returns how many snapshots stay.
    pub fn keep(&self) -> usize {
        self.total - self.delete
    }
}

impl fmt::Display for Summary {
    /// Writes `delete 8 of 23 in 3 guests · keep 15: 6 daily, 4 weekly, 3 monthly, 2 marked`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "delete {} of {}", self.delete, self.total)?;
        match self.guests {
            0 => {}
            1 => formatter.write_str(" in 1 guest")?,
            guests => write!(formatter, " in {guests} guests")?,
        }
        write!(formatter, " · keep {}", self.keep())?;
        for (index, (group, count)) in self.kept.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(formatter, "{separator}{count} {}", group.as_str())?;
        }
        Ok(())
    }
}
