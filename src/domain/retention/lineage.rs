//! Whether what a server says of a guest's snapshots holds together.
//!
//! Dates, names and parents are compared with each other; whatever contradicts itself gets a
//! [`Doubt`], and retention keeps it. Nothing is repaired and nothing guessed.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::reason::Doubt;
use crate::domain::snapshot::{Snapshot, SnapshotList};

/// 2008-04-15, when Proxmox VE was first released; no snapshot of it can be older.
const FIRST_RELEASE: i64 = 1_208_217_600;

/// The snapshots of a guest with their parents looked up.
pub(super) struct Lineage<'a> {
    list: &'a SnapshotList,
    /// The positions of each name; more than one is a contradiction.
    positions: HashMap<&'a str, Vec<usize>>,
}

/// Where a snapshot's parent was found.
enum Parent {
    /// It has none.
    None,
    /// At this position.
    At(usize),
    /// At several.
    Twice,
    /// Nowhere, though one is named.
    Missing,
}

impl<'a> Lineage<'a> {
    pub(super) fn new(list: &'a SnapshotList) -> Self {
        let mut positions: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, snapshot) in list.snapshots.iter().enumerate() {
            positions
                .entry(snapshot.name.raw())
                .or_default()
                .push(index);
        }
        Self { list, positions }
    }

    /// Returns for each snapshot, in the list's order, why it cannot be judged.
    pub(super) fn doubts(&self, now: DateTime<Utc>) -> Vec<Option<Doubt>> {
        let missing_base = self
            .list
            .current_parent
            .as_ref()
            .filter(|base| !self.positions.contains_key(base.raw()));
        let order = self.ancestors_first();
        let out_of_order = self.out_of_order(&order, now);
        let mut rooted = vec![false; self.list.snapshots.len()];
        for &(index, _) in &order {
            rooted[index] = true;
        }
        self.list
            .snapshots
            .iter()
            .enumerate()
            .map(|(index, snapshot)| {
                let unfinished = snapshot.unfinished.clone().map(Doubt::Unfinished);
                unfinished
                    .or_else(|| wrong_date(snapshot, now))
                    .or_else(|| self.name_doubt(snapshot))
                    .or_else(|| (!rooted[index]).then_some(Doubt::Loop))
                    .or_else(|| out_of_order[index].then_some(Doubt::OutOfOrder))
                    .or_else(|| missing_base.cloned().map(Doubt::NoBase))
            })
            .collect()
    }

    fn name_doubt(&self, snapshot: &Snapshot) -> Option<Doubt> {
        if self.positions[snapshot.name.raw()].len() > 1 {
            return Some(Doubt::NameTwice);
        }
        match (self.parent(snapshot), &snapshot.parent) {
            (Parent::Twice, Some(parent)) => Some(Doubt::ParentTwice(parent.clone())),
            (Parent::Missing, Some(parent)) => Some(Doubt::NoParent(parent.clone())),
            _ => None,
        }
    }

    fn parent(&self, snapshot: &Snapshot) -> Parent {
        let Some(name) = &snapshot.parent else {
            return Parent::None;
        };
        match self.positions.get(name.raw()).map(Vec::as_slice) {
            Some([one]) => Parent::At(*one),
            Some(_) => Parent::Twice,
            None => Parent::Missing,
        }
    }

    /// Returns the positions with those of their parents, ancestors before descendants.
    ///
    /// Snapshots in a loop, and those that descend from one, are reached from no root and left out.
    fn ancestors_first(&self) -> Vec<(usize, Option<usize>)> {
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        let mut order = Vec::with_capacity(self.list.snapshots.len());
        for (index, snapshot) in self.list.snapshots.iter().enumerate() {
            match self.parent(snapshot) {
                Parent::At(parent) => children.entry(parent).or_default().push(index),
                Parent::None | Parent::Twice | Parent::Missing => order.push((index, None)),
            }
        }
        let mut next = 0;
        while let Some(&(index, _)) = order.get(next) {
            let born = children.remove(&index).unwrap_or_default();
            order.extend(born.into_iter().map(|child| (child, Some(index))));
            next += 1;
        }
        order
    }

    /// Tells for each snapshot whether an ancestor is younger, or a descendant older.
    ///
    /// Dates that are wrong by themselves accuse nobody else.
    fn out_of_order(&self, order: &[(usize, Option<usize>)], now: DateTime<Utc>) -> Vec<bool> {
        let dates: Vec<Option<DateTime<Utc>>> = self
            .list
            .snapshots
            .iter()
            .map(|snapshot| {
                snapshot
                    .taken
                    .filter(|_| wrong_date(snapshot, now).is_none())
            })
            .collect();
        // The youngest date at or above each snapshot, then the oldest at or below it.
        let mut youngest_above = dates.clone();
        for &(index, parent) in order {
            let above = parent.and_then(|parent| youngest_above[parent]);
            youngest_above[index] = youngest_above[index].max(above);
        }
        let mut oldest_below = dates.clone();
        for &(index, parent) in order.iter().rev() {
            if let (Some(parent), Some(below)) = (parent, oldest_below[index]) {
                let known = oldest_below[parent].unwrap_or(below);
                oldest_below[parent] = Some(known.min(below));
            }
        }
        dates
            .iter()
            .zip(youngest_above.iter().zip(&oldest_below))
            .map(|(date, bounds)| date.is_some() && (*bounds.0 > *date || *bounds.1 < *date))
            .collect()
    }
}

/// Returns how old a snapshot is; absent where its date cannot be right.
pub fn credible_age(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Duration> {
    let taken = snapshot.taken?;
    if wrong_date(snapshot, now).is_some() {
        return None;
    }
    now.signed_duration_since(taken).to_std().ok()
}

/// Tells what is wrong with a snapshot's date by itself.
fn wrong_date(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Doubt> {
    match snapshot.taken {
        None => Some(Doubt::Undated),
        Some(taken) if taken > now => Some(Doubt::Future),
        // A date of zero is what a missing number becomes on its way.
        Some(taken) if taken.timestamp() == 0 => Some(Doubt::Undated),
        Some(taken) if taken.timestamp() < FIRST_RELEASE => Some(Doubt::Prehistoric),
        Some(_) => None,
    }
}
