//! Wishes about brackets: to take one, to go back to one, to drop one.
//!
//! Each looks at the guests' lists once more, since a bracket is nothing but what stands in them.

mod create;
mod drop;
mod restore;

#[cfg(test)]
mod samples;

pub use create::CreateBracketRequest;
pub use drop::DropBracketRequest;
pub use restore::{KnownMembers, RestoreBracketRequest, RestoreLosses};

use super::KnownGuests;
use crate::domain::bracket::{Member, is_still_of};
use crate::domain::guest::Guest;
use crate::domain::inventory::Resources;
use crate::domain::snapshot::SnapshotList;

/// Pairs every guest that can have snapshots with its list, as far as lists are known.
pub fn lists_of(known: &impl KnownGuests) -> Vec<(&Guest, Option<&SnapshotList>)> {
    let guests = known
        .resources()
        .map_or(&[][..], |resources: &Resources| &resources.guests);
    guests
        .iter()
        .filter(|seen| !seen.guest.template)
        .map(|seen| (&seen.guest, known.snapshots(seen.guest.vmid)))
        .collect()
}

/// Says why a member's snapshot is no longer the one that was meant, if so.
fn departure(member: &Member, list: &SnapshotList) -> Option<String> {
    let meant = &member.snapshot;
    let name = &meant.name;
    match list.find(name.raw()) {
        None => Some(format!("{name} is gone")),
        Some(found) if found.taken != meant.taken => {
            Some(format!("{name} has another date now: it was made anew"))
        }
        Some(found) if !is_still_of(meant.description.raw(), found.description.raw()) => {
            Some(format!("{name} no longer belongs to this bracket"))
        }
        Some(_) => None,
    }
}
