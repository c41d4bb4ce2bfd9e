//! Brackets: the same-named snapshot over several guests, which go back or are dropped together.
//!
//! What a bracket is stands in the cluster itself, in the names and descriptions of its snapshots,
//! so that any operator finds it again (SPEC §5.11). It is name *and* nonce: a snapshot that merely
//! has the name belongs to no bracket, and is never touched as part of one.

mod line;
mod name;

pub use line::{BracketLine, Nonce};
pub use name::BracketName;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::guest::{Guest, GuestRef};
use super::id::Vmid;
use super::snapshot::{Snapshot, SnapshotList};

/// The same-named snapshot over several guests.
#[derive(Debug, Clone, PartialEq)]
pub struct Bracket {
    /// Its name.
    pub name: BracketName,
    /// What tells it from others of that name.
    pub nonce: Nonce,
    /// The guests that have its snapshot, in the order of their numbers; never none.
    pub members: Vec<Member>,
    /// The guests that should have its snapshot and do not.
    pub missing: Vec<Vmid>,
    /// The guests that should have its snapshot, and whose lists are not known.
    pub unread: Vec<Vmid>,
}

/// A guest and its snapshot of a bracket.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The guest.
    pub guest: GuestRef,
    /// Its snapshot.
    pub snapshot: Snapshot,
}

/// Whether every guest of a bracket has its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Each has, as far as the bracket itself says who belongs to it.
    Whole,
    /// Some have none, or one that was never finished.
    Incomplete,
    /// Of some nobody knows.
    Unknown,
}

impl Completeness {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Incomplete => "incomplete",
            Self::Unknown => "unknown",
        }
    }
}

impl Bracket {
    /// Returns when its first snapshot was taken, as far as dates are known.
    pub fn taken(&self) -> Option<DateTime<Utc>> {
        self.members
            .iter()
            .filter_map(|member| member.snapshot.taken)
            .min()
    }

    /// Tells whether any of its snapshots holds memory.
    pub fn has_ram(&self) -> bool {
        self.members.iter().any(|member| member.snapshot.has_ram)
    }

    /// Tells whether every guest that belongs to it has its snapshot.
    pub fn completeness(&self) -> Completeness {
        let is_finished = |member: &Member| member.snapshot.unfinished.is_none();
        if !self.missing.is_empty() || !self.members.iter().all(is_finished) {
            Completeness::Incomplete
        } else if self.unread.is_empty() {
            Completeness::Whole
        } else {
            Completeness::Unknown
        }
    }

    /// Returns the numbers of all guests that belong to it.
    pub fn vmids(&self) -> BTreeSet<Vmid> {
        let members = self.members.iter().map(|member| member.guest.vmid);
        members
            .chain(self.missing.iter().copied())
            .chain(self.unread.iter().copied())
            .collect()
    }

    /// Finds a guest's part in it.
    pub fn member(&self, vmid: Vmid) -> Option<&Member> {
        self.members.iter().find(|member| member.guest.vmid == vmid)
    }

    /// Tells whether a name as typed means it, with or without its nonce: `NAME`, `NAME@NONCE`.
    pub fn is_called(&self, typed: &str) -> bool {
        let (name, nonce) = match typed.split_once('@') {
            Some((name, nonce)) => (name, Some(nonce)),
            None => (typed, None),
        };
        let snapshot = self.name.snapshot().as_str();
        (name == self.name.as_str() || name == snapshot)
            && nonce.is_none_or(|nonce| nonce == self.nonce.as_str())
    }

    /// Returns what means it and no other: `NAME@NONCE`.
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.name, self.nonce)
    }
}

/// Whoever has a list of snapshots.
pub trait Owner {
    /// Returns the guest's number.
    fn vmid(&self) -> Vmid;
    /// Returns what names the guest.
    fn to_ref(&self) -> GuestRef;
}

impl Owner for GuestRef {
    fn vmid(&self) -> Vmid {
        self.vmid
    }

    fn to_ref(&self) -> GuestRef {
        self.clone()
    }
}

impl Owner for &Guest {
    fn vmid(&self) -> Vmid {
        self.vmid
    }

    fn to_ref(&self) -> GuestRef {
        Guest::to_ref(self)
    }
}

/// Finds all brackets in the lists of the cluster's guests, the newest first.
///
/// A guest without a list is one whose snapshots are not known. The order of the guests does not
/// matter; each counts once.
pub fn find_all<'a>(
    guests: impl IntoIterator<Item = (impl Owner, Option<&'a SnapshotList>)>,
) -> Vec<Bracket> {
    let mut unread: BTreeSet<Vmid> = BTreeSet::new();
    let mut found: BTreeMap<(BracketName, Nonce), Found> = BTreeMap::new();
    for (guest, list) in guests {
        let Some(list) = list else {
            unread.insert(guest.vmid());
            continue;
        };
        for snapshot in &list.snapshots {
            let Some((name, line)) = place_of(guest.vmid(), snapshot, list) else {
                continue;
            };
            let bracket = found.entry((name, line.nonce().clone())).or_default();
            bracket.named.extend(line.vmids());
            bracket
                .members
                .entry(guest.vmid())
                .or_insert_with(|| Member {
                    guest: guest.to_ref(),
                    snapshot: snapshot.clone(),
                });
        }
    }
    let mut brackets: Vec<Bracket> = found
        .into_iter()
        .map(|((name, nonce), found)| {
            let absent = found.named.into_iter();
            let absent = absent.filter(|vmid| !found.members.contains_key(vmid));
            let (unread, missing) = absent.partition(|vmid| unread.contains(vmid));
            Bracket {
                name,
                nonce,
                members: found.members.into_values().collect(),
                missing,
                unread,
            }
        })
        .collect();
    // Stable: of one date the names decide.
    brackets.sort_by_key(|bracket| Reverse(bracket.taken()));
    brackets
}

/// What was found of one bracket so far.
#[derive(Default)]
struct Found {
    members: BTreeMap<Vmid, Member>,
    /// The guests that its lines name.
    named: BTreeSet<Vmid>,
}

/// Tells to which bracket a snapshot of a guest belongs, if to any.
///
/// It takes the name and a line that contradicts neither itself nor the guest: a line that names
/// other guests only was copied from somewhere. Of two snapshots of one name neither can be meant.
fn place_of(
    vmid: Vmid,
    snapshot: &Snapshot,
    list: &SnapshotList,
) -> Option<(BracketName, BracketLine)> {
    let name = BracketName::of_snapshot(snapshot.name.raw())?;
    let line = BracketLine::find(snapshot.description.raw())?;
    let names_guest = line.vmids().next().is_none() || line.vmids().any(|it| it == vmid);
    let alike = list.snapshots.iter();
    let is_only = alike.filter(|each| each.name == snapshot.name).count() == 1;
    (names_guest && is_only).then_some((name, line))
}

/// Finds the guests that have a snapshot of a bracket's name which belongs to no bracket.
pub fn strangers<'a>(
    name: &BracketName,
    guests: impl IntoIterator<Item = (impl Owner, Option<&'a SnapshotList>)>,
) -> Vec<GuestRef> {
    let wanted = name.snapshot().as_str();
    guests
        .into_iter()
        .filter(|(guest, list)| {
            list.is_some_and(|list| {
                let mut alike = list.snapshots.iter();
                alike.any(|each| {
                    each.name.raw() == wanted && place_of(guest.vmid(), each, list).is_none()
                })
            })
        })
        .map(|(guest, _)| guest.to_ref())
        .collect()
}

/// Tells whether a snapshot is still of the bracket that it was of; one that was of none always is.
///
/// What else stands in the description, as a mark that was set meanwhile, does not matter.
pub fn is_still_of(meant: &str, now: &str) -> bool {
    match BracketLine::find(meant) {
        None => true,
        Some(meant) => BracketLine::find(now).is_some_and(|found| found.nonce() == meant.nonce()),
    }
}
