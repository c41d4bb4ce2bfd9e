//! Provisioned disks by the guest that owns them, over the content lists of storages.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::quota::{Amount, Certainty};
use crate::domain::units::GIGABYTE;

/// What a volume holds, by the word of the content list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeKind {
    /// `images` and `rootdir`: disks of guests, in use or not, of templates, and kept RAM.
    Disk,
    /// Backups, ISO images, container templates, snippets and what is unknown.
    Other,
}

impl VolumeKind {
    /// Reads the word of the content list.
    pub fn from_word(word: &str) -> Self {
        match word {
            "images" | "rootdir" => Self::Disk,
            _ => Self::Other,
        }
    }
}

/// A volume that has an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedVolume {
    /// The guest that it belongs to, by number.
    pub vmid: Vmid,
    /// What it holds.
    pub kind: VolumeKind,
    /// Its provisioned size; a linked clone's own, without the template's.
    pub bytes: Option<u64>,
}

/// A content list was not read: it was refused, failed, or was not asked for yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread;

/// The content list of a storage as one node told it.
#[derive(Debug, Clone, PartialEq)]
pub struct StorageContents {
    /// The storage.
    pub storage: StorageName,
    /// The node that it belongs to; absent for a storage that nodes share.
    pub node: Option<NodeName>,
    /// What lies on it.
    pub volumes: Result<Vec<OwnedVolume>, Unread>,
}

/// The disks of all guests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageUse {
    bytes: BTreeMap<Vmid, u128>,
    /// Owners of a volume whose size is unknown.
    sizeless: BTreeSet<Vmid>,
    /// Whether at least one list was read.
    any_read: bool,
    /// Whether no list is missing.
    all_read: bool,
}

/// Adds up the disks on all storages; a shared one counts once, whichever node listed it.
pub fn storage_use(contents: &[StorageContents]) -> StorageUse {
    let mut storages: BTreeMap<(&StorageName, Option<&NodeName>), Option<&[OwnedVolume]>> =
        BTreeMap::new();
    for each in contents {
        let known = storages
            .entry((&each.storage, each.node.as_ref()))
            .or_default();
        if known.is_none() {
            *known = each.volumes.as_deref().ok();
        }
    }
    let mut sums = StorageUse {
        all_read: storages.values().all(Option::is_some),
        any_read: storages.values().any(Option::is_some),
        ..StorageUse::default()
    };
    let volumes = storages.into_values().flatten().flatten();
    for volume in volumes.filter(|volume| volume.kind == VolumeKind::Disk) {
        match volume.bytes {
            Some(bytes) => *sums.bytes.entry(volume.vmid).or_default() += u128::from(bytes),
            None => {
                sums.sizeless.insert(volume.vmid);
            }
        }
    }
    sums
}

impl StorageUse {
    /// Returns the disks of a guest, of which the resource list knows `boot_disk`.
    ///
    /// Where a list or a size is missing, both are lower bounds, and the larger one says more.
    pub fn of(&self, vmid: Vmid, boot_disk: Amount) -> Amount {
        if !self.any_read {
            return boot_disk;
        }
        let bytes = self.bytes.get(&vmid).copied().unwrap_or_default();
        let gigabytes = bytes as f64 / GIGABYTE as f64;
        if self.all_read && !self.sizeless.contains(&vmid) {
            return Amount::new(gigabytes, Certainty::Exact);
        }
        let bound = boot_disk.value().unwrap_or_default().max(gigabytes);
        Amount::new(bound, Certainty::AtLeast)
    }
}
