//! What all snapshots together weigh, and how much of that is known.

use chrono::{DateTime, Utc};

use super::snapshot_lists::{SnapshotLists, is_readable};
use crate::domain::failure::Failure;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::inventory::Resources;
use crate::domain::time::Moment;

/// So many guests of a group are named; the others are counted.
const NAMED: usize = 3;

/// The snapshots of all lists that were read, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Debt {
    /// How many there are.
    pub snapshots: usize,
    /// How many guests have any.
    pub guests: usize,
    /// How many retention would delete now.
    pub delete: usize,
    /// How many belong to managed guests; the others have no verdict.
    pub judged: usize,
    /// How many hold memory.
    pub with_ram: usize,
    /// The oldest whose date can be believed, and whose it is.
    pub oldest: Option<(DateTime<Utc>, Vmid)>,
    /// The length of the longest line of descent, and whose it is.
    pub deepest: Option<(usize, Vmid)>,
}

/// How much of what there is has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// How many guests can have snapshots; templates cannot.
    pub guests: usize,
    /// How many lists were read, once at least.
    pub read: usize,
    /// When the oldest of them was read.
    pub oldest: Option<Moment>,
    /// How many wait for their first reading.
    pub waiting: usize,
    /// The others, by what keeps them from being read.
    pub unread: Vec<Unread>,
}

/// Guests whose lists are not known, or no longer, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The reason.
    pub why: Why,
    /// How many they are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<Vmid>,
}

/// Why a list is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The guest's node does not answer for it.
    Silent(NodeName),
    /// The last reading failed; of several failures of a kind the first one speaks.
    Failed {
        /// How.
        failure: Failure,
        /// Whether an older reading is known.
        again: bool,
    },
}

impl Why {
    /// Tells whether one line says both; messages that name the guest are told once.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Silent(node), Self::Silent(other)) => node == other,
            (
                Self::Failed { failure, again },
                Self::Failed {
                    failure: other,
                    again: other_again,
                },
            ) => failure.kind == other.kind && again == other_again,
            (Self::Silent(_), Self::Failed { .. }) | (Self::Failed { .. }, Self::Silent(_)) => {
                false
            }
        }
    }
}

impl Coverage {
    /// Sums up what is known of the lists of these guests.
    pub(super) fn of(resources: &Resources, lists: &SnapshotLists) -> Self {
        let mut coverage = Self::default();
        for seen in &resources.guests {
            if seen.guest.template {
                continue;
            }
            let vmid = seen.guest.vmid;
            coverage.guests += 1;
            let list = lists.of(vmid);
            let answer = list.and_then(|list| list.answer());
            if let Some(answer) = answer {
                coverage.read += 1;
                let oldest = coverage.oldest.unwrap_or(answer.read);
                coverage.oldest = Some(oldest.min(answer.read));
            }
            let again = answer.is_some();
            let failure = list.and_then(|list| list.failure());
            if let Some(failure) = failure.cloned() {
                coverage.add(vmid, Why::Failed { failure, again });
            } else if !again && !is_readable(seen) {
                coverage.add(vmid, Why::Silent(seen.guest.node.clone()));
            } else if !again {
                coverage.waiting += 1;
            }
        }
        coverage
    }

    fn add(&mut self, vmid: Vmid, why: Why) {
        match self.unread.iter_mut().find(|group| group.why.is_like(&why)) {
            Some(group) => {
                group.count += 1;
                if group.first.len() < NAMED {
                    group.first.push(vmid);
                }
            }
            None => self.unread.push(Unread {
                why,
                count: 1,
                first: vec![vmid],
            }),
        }
    }
}
