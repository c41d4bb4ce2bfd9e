//! A snapshot as the documents show it.

use serde::Serialize;

use crate::cli::document::rfc3339;
use crate::domain::guest::GuestRef;
use crate::domain::operation::{SizeEstimate, SnapshotFacts};
use crate::domain::snapshot::Snapshot;
use crate::domain::text::Text;

/// A snapshot of a guest; `null` is unknown or absent.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    vmid: u32,
    name: Option<String>,
    node: String,
    snapshot: String,
    time: Option<String>,
    parent: Option<String>,
    vmstate: Option<bool>,
    description: Option<String>,
    /// The server reports no size; what is known is an estimate.
    size_bytes: Option<u64>,
    size_is_estimate: Option<bool>,
    /// `prepare` or `delete` for one that was never finished.
    unfinished: Option<String>,
}

impl Row {
    /// Describes a snapshot from a guest's list.
    pub(super) fn of_snapshot(guest: &GuestRef, snapshot: &Snapshot) -> Self {
        Self {
            time: snapshot.taken.map(rfc3339),
            parent: raw(snapshot.parent.as_ref()),
            vmstate: Some(snapshot.has_ram),
            description: Some(snapshot.description.raw().to_owned()),
            unfinished: raw(snapshot.unfinished.as_ref()),
            ..Self::of_name(guest, snapshot.name.raw())
        }
    }

    /// Describes a snapshot that was just taken and found in the guest's list.
    pub(super) fn of_facts(guest: &GuestRef, facts: &SnapshotFacts) -> Self {
        let size = match facts.size {
            SizeEstimate::Unknown => None,
            SizeEstimate::Ram(bytes) | SizeEstimate::AtMost(bytes) => Some(bytes),
        };
        Self {
            time: facts.taken.map(rfc3339),
            parent: raw(facts.parent.as_ref()),
            vmstate: Some(facts.has_ram),
            description: Some(facts.description.raw().to_owned()),
            size_bytes: size,
            size_is_estimate: size.map(|_| true),
            ..Self::of_name(guest, facts.name.raw())
        }
    }

    /// Names a snapshot of which nothing is known.
    pub(super) fn of_name(guest: &GuestRef, snapshot: &str) -> Self {
        Self {
            vmid: guest.vmid.get(),
            name: raw(guest.name.as_ref()),
            node: guest.node.to_string(),
            snapshot: snapshot.to_owned(),
            time: None,
            parent: None,
            vmstate: None,
            description: None,
            size_bytes: None,
            size_is_estimate: None,
            unfinished: None,
        }
    }
}

fn raw(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.raw().to_owned())
}
