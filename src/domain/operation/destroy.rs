//! The removal of a guest with its disks and snapshots, for good.

use super::call::Call;
use super::stamp::Stamp;
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::permission::Need;

/// The removal of a guest with its disks and snapshots, for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DestroyGuest {
    guest: GuestRef,
    purge: bool,
    stamp: Option<Stamp>,
}

impl DestroyGuest {
    pub(in crate::domain) fn new(guest: GuestRef, purge: bool, stamp: Option<Stamp>) -> Self {
        Self {
            guest,
            purge,
            stamp,
        }
    }

    pub(super) fn call(&self) -> Call {
        Call::on(&self.guest, "DELETE", "").with_some("purge", self.purge.then_some(1))
    }

    pub(super) fn needs(&self) -> Vec<Need> {
        vec![Need::on_guest("VM.Allocate", self.guest.vmid)]
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Tells whether it is taken out of backup jobs, replication and high availability too.
    pub fn purges(&self) -> bool {
        self.purge
    }

    /// Returns what the guest's description must carry, for one that we made and that is half-made.
    pub fn stamp(&self) -> Option<&Stamp> {
        self.stamp.as_ref()
    }

    /// Returns the types of the tasks that the server may make of it.
    pub fn task_kinds(&self) -> &'static [&'static str] {
        match self.guest.kind {
            GuestKind::Qemu => &["qmdestroy"],
            GuestKind::Lxc => &["vzdestroy"],
        }
    }
}
