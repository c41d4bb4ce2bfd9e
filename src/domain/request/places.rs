//! Where a copy may lie: which nodes and storages can take it, and how it can be copied (API.md §7).
//!
//! What is not known refuses nothing; the server has the last word.

use std::collections::BTreeSet;

use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::{NodeName, StorageName};
use crate::domain::inventory::{NodeState, Resources, Storage};
use crate::domain::operation::CopyKind;

/// The kinds of storage that cannot copy a snapshot's disks.
const NO_COPY_OF_SNAPSHOTS: [&str; 2] = ["zfspool", "lvm"];
/// The kinds of storage that keep disks as files of several formats.
const FILES: [&str; 4] = ["dir", "nfs", "cifs", "glusterfs"];
/// The kinds of storage on which a copy may share a snapshot's blocks.
const LINKS_TO_SNAPSHOTS: [&str; 3] = ["lvmthin", "rbd", "btrfs"];
/// The kinds of storage on which a copy may not share a template's blocks.
const NO_LINKS_TO_TEMPLATES: [&str; 3] = ["lvm", "iscsi", "iscsidirect"];

/// What the server says that a guest's disks can do; absent: it was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Features {
    /// Whether they can be copied whole.
    pub copy: Option<bool>,
    /// Whether a copy can share their blocks.
    pub clone: Option<bool>,
}

/// What is copied, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Original<'a> {
    /// The guest.
    pub guest: &'a Guest,
    /// Whether one of its snapshots is copied, and not its present.
    pub at_snapshot: bool,
    /// The configuration that is copied.
    pub config: Option<&'a GuestConfig>,
    /// What the server says about its disks.
    pub features: Features,
}

impl Original<'_> {
    fn storages(&self) -> BTreeSet<StorageName> {
        self.config.map(GuestConfig::storages).unwrap_or_default()
    }
}

/// Says why a guest cannot be copied in this way, if so.
pub fn refuses_copy(
    original: &Original<'_>,
    kind: CopyKind,
    resources: Option<&Resources>,
) -> Option<String> {
    refused_by_storage(original, kind, resources).or_else(|| {
        // What the server says comes last, as it names no reason.
        let (answer, word) = match kind {
            CopyKind::Full => (original.features.copy, "copied"),
            CopyKind::Linked => (original.features.clone, "linked"),
        };
        let what = if original.at_snapshot {
            "this snapshot"
        } else {
            "this guest"
        };
        (answer == Some(false))
            .then(|| format!("the server says that the disks of {what} cannot be {word}"))
    })
}

fn refused_by_storage(
    original: &Original<'_>,
    kind: CopyKind,
    resources: Option<&Resources>,
) -> Option<String> {
    match kind {
        CopyKind::Full if original.at_snapshot => {
            if let Some(drive) = raw_file(original, resources?) {
                return Some(format!(
                    "disk {drive} is a raw file, whose snapshots cannot be copied"
                ));
            }
            let (storage, plugin) = unable(original, resources?, |plugin| {
                !NO_COPY_OF_SNAPSHOTS.contains(&plugin)
            })?;
            Some(format!(
                "storage {storage} ({plugin}) cannot copy a snapshot; copy the present"
            ))
        }
        CopyKind::Full => None,
        CopyKind::Linked if original.at_snapshot => {
            let (storage, plugin) = unable(original, resources?, |plugin| {
                LINKS_TO_SNAPSHOTS.contains(&plugin)
            })?;
            Some(format!(
                "storage {storage} ({plugin}) cannot link a copy to a snapshot; make a full one"
            ))
        }
        CopyKind::Linked if !original.guest.template => {
            Some("only templates and snapshots can have linked copies".to_owned())
        }
        CopyKind::Linked => {
            let (storage, plugin) = unable(original, resources?, |plugin| {
                !NO_LINKS_TO_TEMPLATES.contains(&plugin)
            })?;
            Some(format!(
                "storage {storage} ({plugin}) cannot link a copy to a template; make a full one"
            ))
        }
    }
}

/// Finds a disk that is a raw file on a file-based storage.
fn raw_file(original: &Original<'_>, resources: &Resources) -> Option<String> {
    let drives = original.config?.drives();
    let is_file_based = |name: &StorageName| {
        let mut storages = resources.storages.iter();
        storages.any(|storage| {
            let plugin = storage.plugin.as_ref();
            storage.name == *name && plugin.is_some_and(|it| FILES.contains(&it.raw()))
        })
    };
    drives
        .into_iter()
        .find(|drive| {
            let format = drive.volume.raw().rsplit_once('.');
            format.is_some_and(|(_, format)| format == "raw")
                && drive.storage.as_ref().is_some_and(is_file_based)
        })
        .map(|drive| drive.key)
}

/// Finds a storage of the original that is known to be of a kind that does not do.
fn unable(
    original: &Original<'_>,
    resources: &Resources,
    does: impl Fn(&str) -> bool,
) -> Option<(StorageName, String)> {
    let used = original.storages();
    resources
        .storages
        .iter()
        .filter(|storage| used.contains(&storage.name))
        .find_map(|storage| {
            let plugin = storage.plugin.as_ref()?;
            (!does(plugin.raw())).then(|| (storage.name.clone(), plugin.to_string()))
        })
}

/// Says why a copy cannot be on a node, if so; `storage` is the one chosen for its disks.
pub fn refuses_node(
    original: &Original<'_>,
    node: &NodeName,
    storage: Option<&StorageName>,
    resources: &Resources,
) -> Option<String> {
    match resources.node(node).map(|node| node.state) {
        None => return Some(format!("there is no node {node}")),
        Some(NodeState::Offline) => return Some(format!("node {node} is offline")),
        Some(NodeState::Unknown) => return Some(format!("node {node} does not answer")),
        Some(NodeState::Online) => {}
    }
    let own = &original.guest.node;
    if node == own {
        return None;
    }
    let used = original.storages();
    let local = used
        .iter()
        .chain(storage)
        .find(|name| find(resources, name, own).is_some_and(|it| !it.shared))?;
    Some(format!(
        "storage {local} is not shared; a copy on another node needs shared disks"
    ))
}

/// Says why a copy's disks cannot lie on a storage, if so; `bytes` is how much they may need.
pub fn refuses_storage(
    name: &StorageName,
    node: &NodeName,
    bytes: Option<u64>,
    resources: &Resources,
) -> Option<String> {
    let Some(storage) = find(resources, name, node) else {
        return Some(format!("node {node} has no storage {name}"));
    };
    if !takes_disks(storage) {
        return Some(format!("storage {name} takes no disk images"));
    }
    if !storage.available {
        return Some(format!("storage {name} does not answer"));
    }
    refuses_space(storage, bytes?)
}

/// Says why a storage that the original lies on has no room for copies of so many bytes, if so.
pub(super) fn refuses_room(
    name: &StorageName,
    node: &NodeName,
    bytes: u64,
    resources: &Resources,
) -> Option<String> {
    // A storage that is not listed may only not be seen by the account.
    refuses_space(find(resources, name, node)?, bytes)
}

/// Says why disks of so many bytes have no place on a storage, if so.
///
/// Thin storages take more than they have; what is refused here would fail once it is written.
fn refuses_space(storage: &Storage, bytes: u64) -> Option<String> {
    let free = storage.size?.saturating_sub(storage.used?);
    (bytes > free).then(|| {
        format!(
            "storage {} has {} free, the disks may need {}",
            storage.name,
            gibibytes(free),
            gibibytes(bytes)
        )
    })
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Tells whether a storage may hold a guest's disks, as far as it says.
pub fn takes_disks(storage: &Storage) -> bool {
    storage.content.as_ref().is_none_or(|content| {
        let mut kinds = content.raw().split(',');
        kinds.any(|kind| kind.trim() == "images")
    })
}

/// Finds a storage as a node sees it; a shared one is listed once for all nodes.
fn find<'a>(resources: &'a Resources, name: &StorageName, node: &NodeName) -> Option<&'a Storage> {
    resources
        .storages
        .iter()
        .find(|storage| storage.name == *name && (storage.shared || storage.node == *node))
}
