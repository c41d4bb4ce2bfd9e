//! Changes of a guest's snapshots: taking one, deleting one, marking one as to be kept.

use super::call::Call;
use crate::domain::guest::GuestRef;
use crate::domain::permission::Need;
use crate::domain::retention::Mark;
use crate::domain::snapshot::{Snapshot, SnapshotName};

/// The taking of one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeSnapshot {
    guest: GuestRef,
    name: SnapshotName,
    description: String,
    ram: bool,
}

impl TakeSnapshot {
    pub(in crate::domain) fn new(
        guest: GuestRef,
        name: SnapshotName,
        description: String,
        ram: bool,
    ) -> Self {
        Self {
            guest,
            name,
            description,
            ram,
        }
    }

    pub(super) fn call(&self) -> Call {
        let description = (!self.description.is_empty()).then_some(&self.description);
        Call::on(&self.guest, "POST", "/snapshot")
            .with("snapname", &self.name)
            .with_some("description", description)
            .with_some("vmstate", self.ram.then_some(1))
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::on_guest("VM.Snapshot", self.guest.vmid)]
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the new snapshot's name.
    pub fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// Returns the new snapshot's description.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Tells whether the guest's memory is saved too.
    pub fn with_ram(&self) -> bool {
        self.ram
    }
}

/// The deletion of one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct DeleteSnapshot {
    guest: GuestRef,
    snapshot: Snapshot,
}

impl DeleteSnapshot {
    pub(in crate::domain) fn new(guest: GuestRef, snapshot: Snapshot) -> Self {
        Self { guest, snapshot }
    }

    pub(super) fn call(&self) -> Call {
        deletion(&self.guest, &self.snapshot)
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::on_guest("VM.Snapshot", self.guest.vmid)]
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the snapshot as it was when its deletion was asked for.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// Returns the call that deletes a snapshot.
pub(in crate::domain) fn deletion(guest: &GuestRef, snapshot: &Snapshot) -> Call {
    Call::on(guest, "DELETE", &format!("/snapshot/{}", snapshot.name))
}

/// The setting or taking off of a keep mark in a snapshot's description.
#[derive(Debug, Clone, PartialEq)]
pub struct KeepMark {
    guest: GuestRef,
    snapshot: Snapshot,
    mark: Option<Mark>,
    description: String,
}

impl KeepMark {
    pub(in crate::domain) fn new(
        guest: GuestRef,
        snapshot: Snapshot,
        mark: Option<Mark>,
        description: String,
    ) -> Self {
        Self {
            guest,
            snapshot,
            mark,
            description,
        }
    }

    pub(super) fn call(&self) -> Call {
        let rest = format!("/snapshot/{}/config", self.snapshot.name);
        Call::on(&self.guest, "PUT", &rest).with("description", &self.description)
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::on_guest("VM.Snapshot", self.guest.vmid)]
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the snapshot as it was when the mark was decided on.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Tells whether the snapshot is to be kept from now on.
    pub fn keeps(&self) -> bool {
        self.mark.is_some()
    }

    /// Returns the description that will be written.
    pub fn description(&self) -> &str {
        &self.description
    }
}
