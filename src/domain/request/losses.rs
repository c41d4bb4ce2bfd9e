//! What a roll-back takes away: time, snapshots that stay aside, options that change back, disks.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::danger::Danger;
use super::refence::Refence;
use crate::domain::guest_config::{Drive, GuestConfig, is_numbered};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::text::Text;

/// Options that say how a configuration is kept, or that a roll-back leaves alone (API.md §6).
const NOT_COMPARED: [&str; 12] = [
    "description",
    "digest",
    "lock",
    "meta",
    "parent",
    "runningcpu",
    "runningmachine",
    "running-nets-host-mtu",
    "snapstate",
    "snaptime",
    "vmgenid",
    "vmstate",
];

/// The options that matter most, in their order; every `net` comes before them.
const FIRST: [&str; 6] = ["tags", "memory", "name", "hostname", "cores", "protection"];

/// What a roll-back takes away; unknown parts are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Losses {
    /// How much of the guest's life is undone; absent for a snapshot without a date.
    pub time: Option<Duration>,
    /// The snapshots, oldest first, that stay but from which the present no longer descends.
    pub branches: Vec<Text>,
    /// Whether the guest's process is killed.
    pub hard_stop: bool,
    /// What the guest does in the end.
    pub afterwards: Afterwards,
    /// What makes the guest less safe afterwards, losses first, as far as it is known.
    pub dangers: Vec<Danger>,
    /// The options that change back, what matters most first; absent when a configuration is not known.
    pub changes: Option<Vec<ConfigChange>>,
    /// The disks that were added since, which end up unused; absent when a configuration is not known.
    pub set_aside: Option<Vec<Drive>>,
    /// How it is fenced in again; absent: its card comes back as its fence wants it.
    pub fence: Option<Refence>,
}

/// What a guest does after it went back to a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It goes on where it was: the snapshot holds its memory.
    Resumes,
    /// It boots.
    Starts,
    /// It stays off.
    StaysOff,
    /// It stays off, unless high availability starts it although nobody asked.
    MayBeStarted,
}

/// An option of a configuration that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigChange {
    /// The option.
    pub key: String,
    /// Its value now, if it is set.
    pub now: Option<Text>,
    /// Its value afterwards, if it will be set.
    pub then: Option<Text>,
}

/// Walks from a snapshot to its oldest ancestor, itself included; a loop ends the walk.
fn line_of<'a>(list: &'a SnapshotList, from: Option<&'a str>) -> Vec<&'a Snapshot> {
    let mut line = Vec::new();
    let mut seen = HashSet::new();
    let mut next = from.and_then(|name| list.find(name));
    while let Some(snapshot) = next.filter(|snapshot| seen.insert(snapshot.name.raw())) {
        line.push(snapshot);
        next = snapshot
            .parent
            .as_ref()
            .and_then(|parent| list.find(parent.raw()));
    }
    line
}

pub(super) fn branches(list: &SnapshotList, target: &str) -> Vec<Text> {
    let kept: HashSet<&str> = line_of(list, Some(target))
        .iter()
        .map(|snapshot| snapshot.name.raw())
        .collect();
    let present = list.current_parent.as_ref().map(Text::raw);
    let mut left: Vec<Text> = line_of(list, present)
        .into_iter()
        .filter(|snapshot| !kept.contains(snapshot.name.raw()))
        .map(|snapshot| snapshot.name.clone())
        .collect();
    left.reverse();
    left
}

pub(super) fn changes(present: &GuestConfig, frozen: &GuestConfig) -> Vec<ConfigChange> {
    let keys: BTreeSet<&str> = present
        .options()
        .chain(frozen.options())
        .map(|(key, _)| key)
        .filter(|key| !NOT_COMPARED.contains(key) && !is_numbered(key, "unused"))
        .collect();
    let mut keys: Vec<&str> = keys
        .into_iter()
        .filter(|key| present.get(key) != frozen.get(key))
        .collect();
    // Stable: within one rank the order of the keys stays.
    keys.sort_by_key(|key| rank(key));
    keys.into_iter()
        .map(|key| ConfigChange {
            key: key.to_owned(),
            now: present.get(key).cloned(),
            then: frozen.get(key).cloned(),
        })
        .collect()
}

/// Ranks an option by how much its change should be looked at.
fn rank(key: &str) -> usize {
    if is_numbered(key, "net") {
        return 0;
    }
    let place = FIRST.iter().position(|first| *first == key);
    1 + place.unwrap_or(FIRST.len())
}

pub(super) fn set_aside(present: &GuestConfig, frozen: &GuestConfig) -> Vec<Drive> {
    let kept = frozen.drives();
    present
        .drives()
        .into_iter()
        .filter(|drive| kept.iter().all(|each| each.volume != drive.volume))
        .collect()
}
