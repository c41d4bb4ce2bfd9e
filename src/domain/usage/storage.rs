//! Provisioned disks by the guest that owns them, over the content lists of storages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::inventory::{Node, NodeState, Storage};
use crate::domain::permission::Permissions;
use crate::domain::quota::{Amount, Certainty};
use crate::domain::units::GIGABYTE;
use crate::domain::volume::{Volume, VolumeContent};

/// A content list to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentList {
    /// The storage.
    pub storage: StorageName,
    /// The node that it belongs to; absent for a storage that nodes share.
    pub node: Option<NodeName>,
    /// The node to ask; absent while none answers.
    pub through: Option<NodeName>,
}

/// Names the lists of all storages that may hold disks: of a local one for each node, of a shared
/// one once.
pub fn content_lists(storages: &[Storage], nodes: &[Node]) -> Vec<ContentList> {
    let answers = |storage: &Storage| {
        let node = nodes.iter().find(|node| node.name == storage.node);
        match node.map(|node| node.state) {
            Some(NodeState::Online) => true,
            Some(NodeState::Offline) => false,
            // Its storage was broadcast by somebody.
            Some(NodeState::Unknown) | None => storage.available,
        }
    };
    let online = nodes.iter().find(|node| node.state == NodeState::Online);
    let lists = storages.iter().filter(|each| holds_disks(each));
    lists
        .map(|storage| {
            let own = answers(storage).then(|| storage.node.clone());
            let other = || online.filter(|_| storage.shared);
            ContentList {
                storage: storage.name.clone(),
                node: (!storage.shared).then(|| storage.node.clone()),
                through: own.or_else(|| other().map(|node| node.name.clone())),
            }
        })
        .collect()
}

/// Tells whether a storage may hold disks; one that does not say what it holds may.
fn holds_disks(storage: &Storage) -> bool {
    storage.content.as_ref().is_none_or(|content| {
        let mut words = content.raw().split(',').map(str::trim);
        words.any(|word| VolumeContent::from_word(word) != VolumeContent::Other)
    })
}

/// Returns the guests of which the lists may hide disks from an account (API.md §3).
///
/// A storage that the account may not see at all is on no list, and so may be any guest's.
pub fn hidden_owners(
    lists: &[ContentList],
    owners: impl IntoIterator<Item = Vmid>,
    permissions: &Permissions,
) -> BTreeSet<Vmid> {
    let may = |privilege, storage: &str| permissions.allows(privilege, storage);
    let any = "/storage";
    let sees_all = may("Datastore.Audit", any) || may("Datastore.AllocateSpace", any);
    let paths = lists.iter().map(|list| format!("{any}/{}", list.storage));
    let restricted: Vec<String> = paths
        .filter(|path| !may("Datastore.Allocate", path))
        .collect();
    let audits = restricted.iter().all(|path| may("Datastore.Audit", path));
    let is_seen = |vmid: &Vmid| {
        let path = format!("/vms/{vmid}");
        restricted.is_empty() || (audits && permissions.allows("VM.Config.Disk", &path))
    };
    let owners = owners.into_iter();
    owners.filter(|vmid| !sees_all || !is_seen(vmid)).collect()
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
    pub volumes: Result<Arc<[Volume]>, Unread>,
}

/// The disks of all guests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StorageUse {
    bytes: BTreeMap<Vmid, u128>,
    /// Guests that have, or may have, volumes whose size is unknown.
    partial: BTreeSet<Vmid>,
    /// Whether at least one list was read.
    any_read: bool,
    /// Whether no list is missing.
    all_read: bool,
}

/// Adds up the disks on all storages; a shared one counts once, whichever node listed it.
pub fn storage_use(contents: &[StorageContents]) -> StorageUse {
    let mut storages: BTreeMap<(&StorageName, Option<&NodeName>), Option<&[Volume]>> =
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
    for volume in volumes.filter(|volume| volume.is_guest_disk()) {
        match (volume.owner, volume.size) {
            (Some(owner), Some(size)) => *sums.bytes.entry(owner).or_default() += u128::from(size),
            (Some(owner), None) => {
                sums.partial.insert(owner);
            }
            // A disk of nobody's.
            (None, _) => {}
        }
    }
    sums
}

impl StorageUse {
    /// Notes that of these guests not every disk may have been seen.
    #[must_use]
    pub fn with_hidden(mut self, owners: impl IntoIterator<Item = Vmid>) -> Self {
        self.partial.extend(owners);
        self
    }

    /// Returns the disks of a guest, of which the resource list knows `boot_disk`.
    ///
    /// Where a list or a size is missing, both are lower bounds, and the larger one says more.
    pub fn of(&self, vmid: Vmid, boot_disk: Amount) -> Amount {
        if !self.any_read {
            return boot_disk;
        }
        let bytes = self.bytes.get(&vmid).copied().unwrap_or_default();
        let gigabytes = bytes as f64 / GIGABYTE as f64;
        if self.all_read && !self.partial.contains(&vmid) {
            return Amount::new(gigabytes, Certainty::Exact);
        }
        let bound = boot_disk.value().unwrap_or_default().max(gigabytes);
        Amount::new(bound, Certainty::AtLeast)
    }
}
