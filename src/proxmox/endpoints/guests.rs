//! `/nodes/N/qemu/ID` and `/nodes/N/lxc/ID`: one guest.

use reqwest::Method;

use super::path;
use crate::domain::failure::FailureKind;
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::snapshot::{SnapshotList, SnapshotName};
use crate::domain::task::Upid;
use crate::proxmox::client::Client;
use crate::proxmox::convert;
use crate::proxmox::error::Error;

/// Calls about one guest; made by [`Client::guests`].
#[derive(Debug)]
pub struct Guests<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about one guest.
    pub fn guests(&self) -> Guests<'_> {
        Guests(self)
    }
}

/// A snapshot to be taken.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotSpec<'a> {
    /// Its name.
    pub name: &'a SnapshotName,
    /// Its description; empty for none.
    pub description: &'a str,
    /// Whether memory is saved; ignored by the server for a guest that does not run.
    pub ram: bool,
}

impl Guests<'_> {
    /// Reads the guest's snapshots; needs VM.Audit.
    pub async fn snapshots(&self, guest: &GuestRef) -> Result<SnapshotList, Error> {
        let path = guest_path(guest, &["snapshot"])?;
        self.0.get(&path, &[]).await.map(convert::snapshots)
    }

    /// Starts the taking of a snapshot; needs VM.Snapshot.
    ///
    /// That the task was accepted says nothing: duplicates, locks and disks without snapshots
    /// fail inside it (API.md §6).
    pub async fn snapshot(&self, guest: &GuestRef, spec: SnapshotSpec<'_>) -> Result<Upid, Error> {
        let path = guest_path(guest, &["snapshot"])?;
        let mut form = vec![("snapname", spec.name.as_str())];
        if !spec.description.is_empty() {
            form.push(("description", spec.description));
        }
        // Containers refuse even `vmstate=0` (recording 617).
        if spec.ram && guest.kind == GuestKind::Qemu {
            form.push(("vmstate", "1"));
        }
        self.start(Method::POST, &path, &form).await
    }

    /// Sends a write that is answered with the name of a task.
    async fn start(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Upid, Error> {
        let upid: String = self.0.write(method.clone(), path, form).await?;
        upid.parse().map_err(|error| {
            let text = format!("the server accepted the request, but {error}");
            Error::unsent(FailureKind::Malformed, text)
                .with_success_status()
                .of(&method, path)
        })
    }
}

pub(super) fn guest_path(guest: &GuestRef, rest: &[&str]) -> Result<String, Error> {
    let vmid = guest.vmid.to_string();
    let mut segments = vec!["nodes", guest.node.as_str(), guest.kind.as_str(), &vmid];
    segments.extend(rest);
    path(&segments)
}
