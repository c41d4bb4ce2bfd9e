//! `/nodes/N/qemu/ID` and `/nodes/N/lxc/ID`: one guest.

use reqwest::Method;
use serde::de::IgnoredAny;

use super::{change_form, path};
use crate::domain::failure::FailureKind;
use crate::domain::guest::{GuestRef, LiveState};
use crate::domain::guest_config::{GuestConfig, PendingOption};
use crate::domain::id::{GuestKind, NodeName, PoolName, StorageName, Vmid};
use crate::domain::operation::Power;
use crate::domain::snapshot::{SnapshotList, SnapshotName};
use crate::domain::task::Upid;
use crate::domain::units::Size;
use crate::proxmox::client::Client;
use crate::proxmox::error::Error;
use crate::proxmox::{convert, wire};

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

/// A copy of a guest to be made.
#[derive(Debug, Clone, Copy)]
pub struct CloneSpec<'a> {
    /// The new guest's number.
    pub vmid: Vmid,
    /// Its name.
    pub name: &'a str,
    /// Its description.
    pub description: &'a str,
    /// Whether all blocks are copied; a linked copy takes no storage of its own (PITFALLS 23).
    pub full: bool,
    /// The snapshot to be copied; absent: the present.
    pub snapshot: Option<&'a str>,
    /// The pool that it joins.
    pub pool: Option<&'a PoolName>,
    /// Another node than the source's.
    pub target: Option<&'a NodeName>,
    /// Another storage than the source's.
    pub storage: Option<&'a StorageName>,
}

impl Guests<'_> {
    /// Reads what the guest does at this moment; needs VM.Audit.
    pub async fn state(&self, guest: &GuestRef) -> Result<LiveState, Error> {
        let path = guest_path(guest, &["status", "current"])?;
        self.0.get(&path, &[]).await.map(convert::live_state)
    }

    /// Reads the guest's configuration as it is in force, without what waits for a restart.
    pub async fn config(&self, guest: &GuestRef) -> Result<GuestConfig, Error> {
        let path = guest_path(guest, &["config"])?;
        let config = self.0.get(&path, &[("current", "1")]).await;
        config.map(convert::config)
    }

    /// Reads the guest's configuration as it will be after its next start.
    pub async fn next_config(&self, guest: &GuestRef) -> Result<GuestConfig, Error> {
        let path = guest_path(guest, &["config"])?;
        self.0.get(&path, &[]).await.map(convert::config)
    }

    /// Reads which options wait for the guest's next start.
    pub async fn pending(&self, guest: &GuestRef) -> Result<Vec<PendingOption>, Error> {
        let path = guest_path(guest, &["pending"])?;
        self.0.get(&path, &[]).await.map(convert::pending)
    }

    /// Changes options, and removes those named in `delete`; done when it returns.
    ///
    /// With a `digest` it is refused when somebody changed the configuration since. What cannot be
    /// changed while the guest runs waits for its next start, although the answer is a success.
    pub async fn set_config(
        &self,
        guest: &GuestRef,
        options: &[(&str, &str)],
        delete: &[&str],
        digest: Option<&str>,
    ) -> Result<(), Error> {
        let path = guest_path(guest, &["config"])?;
        let delete = delete.join(",");
        let form = change_form(options, &delete, digest);
        let _: IgnoredAny = self.0.write(Method::PUT, &path, &form).await?;
        Ok(())
    }

    /// Asks whether the guest's disks can do something: `snapshot`, `clone` or `copy`.
    pub async fn feature(
        &self,
        guest: &GuestRef,
        feature: &str,
        snapshot: Option<&str>,
    ) -> Result<bool, Error> {
        let path = guest_path(guest, &["feature"])?;
        let mut query = vec![("feature", feature)];
        query.extend(snapshot.map(|name| ("snapname", name)));
        let answer: wire::Feature = self.0.get(&path, &query).await?;
        Ok(answer.has_feature)
    }

    /// Starts a change of the guest's power; needs VM.PowerMgmt.
    ///
    /// A guest that high availability manages is only asked for: the task ends with the request.
    pub async fn power(&self, power: &Power, guest: &GuestRef) -> Result<Upid, Error> {
        let path = guest_path(guest, &["status", power.action().as_str()])?;
        let timeout = power.timeout_seconds().map(|seconds| seconds.to_string());
        let mut form = Vec::new();
        form.extend(timeout.as_deref().map(|timeout| ("timeout", timeout)));
        if power.overrules_shutdown() {
            form.push(("overrule-shutdown", "1"));
        }
        self.start(Method::POST, &path, &form).await
    }

    /// Starts the guest, with nothing else to say about it.
    pub async fn start_up(&self, guest: &GuestRef) -> Result<Upid, Error> {
        let path = guest_path(guest, &["status", "start"])?;
        self.start(Method::POST, &path, &[]).await
    }

    /// Starts the making of a copy; the task is the source's (API.md §7).
    pub async fn clone(&self, guest: &GuestRef, spec: CloneSpec<'_>) -> Result<Upid, Error> {
        let path = guest_path(guest, &["clone"])?;
        let vmid = spec.vmid.to_string();
        let mut form = vec![
            ("newid", vmid.as_str()),
            ("name", spec.name),
            ("full", if spec.full { "1" } else { "0" }),
            ("description", spec.description),
        ];
        form.extend(spec.snapshot.map(|name| ("snapname", name)));
        form.extend(spec.pool.map(|pool| ("pool", pool.as_str())));
        form.extend(spec.target.map(|target| ("target", target.as_str())));
        form.extend(spec.storage.map(|storage| ("storage", storage.as_str())));
        self.start(Method::POST, &path, &form).await
    }

    /// Lets a disk grow to a size; the server refuses to let one shrink.
    pub async fn resize(&self, guest: &GuestRef, drive: &str, size: Size) -> Result<Upid, Error> {
        let path = guest_path(guest, &["resize"])?;
        let size = size.for_disk();
        let form = [("disk", drive), ("size", size.as_str())];
        self.start(Method::PUT, &path, &form).await
    }

    /// Starts the removal of a stopped guest with its disks; `purge` also takes it out of backup jobs and the like.
    pub async fn destroy(&self, guest: &GuestRef, purge: bool) -> Result<Upid, Error> {
        let path = guest_path(guest, &[])?;
        let query: &[_] = if purge { &[("purge", "1")] } else { &[] };
        self.start(Method::DELETE, &path, query).await
    }

    /// Reads the configuration that a snapshot froze; needs VM.Audit.
    pub async fn snapshot_config(
        &self,
        guest: &GuestRef,
        name: &str,
    ) -> Result<GuestConfig, Error> {
        let path = guest_path(guest, &["snapshot", name, "config"])?;
        self.0.get(&path, &[]).await.map(convert::config)
    }

    /// Writes a snapshot's description; done when it returns. The call knows no digest (recording 751).
    pub async fn describe_snapshot(
        &self,
        guest: &GuestRef,
        name: &str,
        description: &str,
    ) -> Result<(), Error> {
        let path = guest_path(guest, &["snapshot", name, "config"])?;
        // The one place where an empty value is meant: it removes the description.
        let form = [("description", description)];
        let _: IgnoredAny = self.0.write(Method::PUT, &path, &form).await?;
        Ok(())
    }

    /// Starts the deletion of a snapshot; needs VM.Snapshot.
    pub async fn delete_snapshot(&self, guest: &GuestRef, name: &str) -> Result<Upid, Error> {
        let path = guest_path(guest, &["snapshot", name])?;
        self.start(Method::DELETE, &path, &[]).await
    }

    /// Starts the guest's return to a snapshot; needs VM.Snapshot or VM.Snapshot.Rollback.
    ///
    /// With `start` the server starts the guest in a task of its own, which may still run or have
    /// failed when this one has ended well (API.md §6).
    pub async fn rollback(&self, guest: &GuestRef, name: &str, start: bool) -> Result<Upid, Error> {
        let path = guest_path(guest, &["snapshot", name, "rollback"])?;
        let form: &[_] = if start { &[("start", "1")] } else { &[] };
        self.start(Method::POST, &path, form).await
    }

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
