//! Storages and volumes: names, formats, what each kind can and cannot do.
//!
//! Refuses to look at guests' states; it answers questions about storage kinds.

use crate::simulator::scenario::StorageKind;

/// A storage as the cluster's configuration names it.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    pub(super) name: String,
    pub(super) kind: StorageKind,
    pub(super) content: Vec<String>,
    pub(super) size: u64,
    /// Bytes in use beside the volumes that the world knows, by node (`""` for a shared one).
    pub(super) other_use: std::collections::BTreeMap<String, u64>,
    pub(super) shared: bool,
    pub(super) nodes: Vec<String>,
}

/// An image on a storage.
#[derive(Debug, Clone)]
pub(super) struct Volume {
    pub(super) id: String,
    pub(super) storage: String,
    /// Node that has it; empty on shared storages.
    pub(super) node: String,
    pub(super) vmid: u32,
    pub(super) format: String,
    pub(super) size: u64,
    pub(super) used: u64,
    /// The volume that a linked clone is based on.
    pub(super) base: Option<String>,
    pub(super) made: i64,
}

/// What can be asked of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// Taking snapshots.
    Snapshot,
    /// Linked clones.
    Clone,
    /// Full copies.
    Copy,
    /// Becoming a template's base image.
    Template,
}

impl Storage {
    pub(super) fn is_on(&self, node: &str) -> bool {
        self.nodes.is_empty() || self.nodes.iter().any(|name| name == node)
    }

    pub(super) fn holds(&self, content: &str) -> bool {
        self.content.iter().any(|name| name == content)
    }

    /// Returns the plugin's name.
    pub(super) fn plugin(&self) -> &'static str {
        match self.kind {
            StorageKind::Dir => "dir",
            StorageKind::Lvmthin => "lvmthin",
            StorageKind::Zfspool => "zfspool",
            StorageKind::Lvm => "lvm",
        }
    }

    /// Returns the format of a new volume of a virtual machine.
    pub(super) fn usual_format(&self) -> &'static str {
        match self.kind {
            StorageKind::Dir => "qcow2",
            StorageKind::Lvmthin | StorageKind::Zfspool | StorageKind::Lvm => "raw",
        }
    }

    /// Tells whether only the newest snapshot can be rolled back to.
    pub(super) fn rolls_back_to_newest_only(&self) -> bool {
        self.kind == StorageKind::Zfspool
    }

    /// Tells whether a volume can do a thing, from its present state or from a snapshot.
    pub(super) fn can(&self, feature: Feature, volume: &Volume, from_snapshot: bool) -> bool {
        let is_base = is_base(&volume.id);
        match (self.kind, feature) {
            (StorageKind::Dir, Feature::Snapshot) => volume.format == "qcow2",
            (StorageKind::Lvmthin | StorageKind::Zfspool, Feature::Snapshot)
            | (StorageKind::Lvmthin, Feature::Copy) => true,
            (StorageKind::Lvm, Feature::Snapshot | Feature::Clone | Feature::Template) => false,
            (StorageKind::Dir | StorageKind::Zfspool, Feature::Clone) => is_base && !from_snapshot,
            (StorageKind::Lvmthin, Feature::Clone) => is_base || from_snapshot,
            (StorageKind::Dir, Feature::Copy) => !from_snapshot || volume.format == "qcow2",
            (StorageKind::Zfspool | StorageKind::Lvm, Feature::Copy) => !from_snapshot,
            (_, Feature::Template) => !is_base,
        }
    }

    /// Returns the node that a volume belongs to which this one makes: none where the storage is shared.
    pub(super) fn place_of<'a>(&self, node: &'a str) -> &'a str {
        if self.shared { "" } else { node }
    }

    /// Makes an empty volume for the memory of a guest, which says in its name what it is of.
    pub(super) fn state_volume(&self, vmid: u32, of: &str, node: &str, memory: u64) -> Volume {
        Volume {
            id: self.volume_id(vmid, &format!("vm-{vmid}-state-{of}"), "raw"),
            storage: self.name.clone(),
            node: self.place_of(node).to_owned(),
            vmid,
            format: "raw".into(),
            size: vmstate_size(memory),
            used: 0,
            base: None,
            made: 0,
        }
    }

    /// Returns the id of a volume.
    pub(super) fn volume_id(&self, vmid: u32, file: &str, format: &str) -> String {
        match self.kind {
            StorageKind::Dir => format!("{}:{vmid}/{file}.{format}", self.name),
            StorageKind::Lvmthin | StorageKind::Zfspool | StorageKind::Lvm => {
                format!("{}:{file}", self.name)
            }
        }
    }

    /// Returns where a volume lies in the node's file system.
    pub(super) fn path_of(&self, volume: &str) -> String {
        let file = volume.split_once(':').map_or(volume, |(_, file)| file);
        match self.kind {
            StorageKind::Dir => format!("/mnt/{}/images/{file}", self.name),
            StorageKind::Lvmthin | StorageKind::Lvm => format!("/dev/{}/{file}", self.name),
            StorageKind::Zfspool => format!("/dev/zvol/{}/{file}", self.name),
        }
    }
}

/// Returns the storage that a volume id names.
pub(super) fn storage_of(volume: &str) -> &str {
    volume.split_once(':').map_or("", |(storage, _)| storage)
}

/// Tells whether a volume is a template's base image.
pub(super) fn is_base(volume: &str) -> bool {
    let file = volume.rsplit(['/', ':']).next().unwrap_or(volume);
    file.starts_with("base-")
}

/// Returns the size that the server sets aside for the memory of a guest: twice its memory and a reserve.
pub(super) fn vmstate_size(memory: u64) -> u64 {
    memory * 2 + (500 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(id: &str, format: &str) -> Volume {
        Volume {
            id: id.into(),
            storage: storage_of(id).into(),
            node: String::new(),
            vmid: 1,
            format: format.into(),
            size: 1,
            used: 1,
            base: None,
            made: 0,
        }
    }

    fn storage(kind: StorageKind) -> Storage {
        Storage {
            name: "s".into(),
            kind,
            content: Vec::new(),
            size: 1,
            other_use: std::collections::BTreeMap::new(),
            shared: false,
            nodes: Vec::new(),
        }
    }

    #[test]
    fn kinds_differ_in_what_they_can() {
        let dir = storage(StorageKind::Dir);
        assert!(dir.can(
            Feature::Snapshot,
            &volume("s:1/vm-1-disk-0.qcow2", "qcow2"),
            false
        ));
        assert!(!dir.can(
            Feature::Snapshot,
            &volume("s:1/vm-1-disk-0.raw", "raw"),
            false
        ));
        assert!(!dir.can(
            Feature::Clone,
            &volume("s:1/vm-1-disk-0.qcow2", "qcow2"),
            false
        ));
        assert!(dir.can(
            Feature::Clone,
            &volume("s:1/base-1-disk-0.qcow2", "qcow2"),
            false
        ));
        assert!(storage(StorageKind::Lvmthin).can(
            Feature::Clone,
            &volume("s:vm-1-disk-0", "raw"),
            true
        ));
        assert!(!storage(StorageKind::Zfspool).can(
            Feature::Copy,
            &volume("s:vm-1-disk-0", "raw"),
            true
        ));
    }

    #[test]
    fn the_recorded_size_of_a_memory_volume() {
        assert_eq!(vmstate_size(64 << 20), 658_505_728);
    }
}
