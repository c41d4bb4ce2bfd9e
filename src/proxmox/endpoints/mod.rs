//! The calls, one file per area of the API.

mod access;
mod cluster;
mod firewall;
mod guests;
mod metrics;
mod nodes;
mod pools;
mod storage;
mod tasks;

pub use access::Access;
pub use cluster::Cluster;
pub use firewall::Firewalls;
pub use guests::{CloneSpec, Guests, SnapshotSpec};
pub use nodes::Nodes;
pub use pools::Pools;
pub use storage::Storages;
pub use tasks::{Standing, TaskFilter, Tasks};

use super::client::encode;
use super::error::Error;
use crate::domain::failure::FailureKind;

/// Joins path segments, each escaped.
///
/// Dots alone would climb out of their folder even when escaped; nothing in Proxmox is named so.
fn path(segments: &[&str]) -> Result<String, Error> {
    let mut path = String::new();
    for segment in segments {
        if segment.is_empty() || matches!(*segment, "." | "..") {
            let text = format!("{segment:?} cannot be part of an address");
            return Err(Error::unsent(FailureKind::Refused, text));
        }
        path.push('/');
        path.push_str(&encode(segment));
    }
    Ok(path)
}

/// Writes the form that changes options and removes others, of the state that has this digest.
fn change_form<'a>(
    options: &[(&'a str, &'a str)],
    delete: &'a str,
    digest: Option<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    let mut form = options.to_vec();
    if !delete.is_empty() {
        form.push(("delete", delete));
    }
    form.extend(digest.map(|digest| ("digest", digest)));
    form
}
