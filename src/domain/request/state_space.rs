//! Whether the storages have room for the memory that snapshots save.

use std::collections::BTreeMap;

use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::{NodeName, StorageName};
use crate::domain::inventory::{Resources, Storage};

/// What the server sets aside beside twice the memory (API.md §6).
const EXTRA: u64 = 500 << 20;
/// The share of a storage that stays free (SPEC §5.4).
const KEPT_FREE: f64 = 0.05;

/// How much memory several snapshots would save, storage by storage.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::domain) struct StateNeeds(BTreeMap<(StorageName, Option<NodeName>), u64>);

impl StateNeeds {
    /// Adds a guest's memory; one whose storage or size is not known is left to the server.
    pub(in crate::domain) fn add(
        &mut self,
        guest: &Guest,
        config: Option<&GuestConfig>,
        resources: Option<&Resources>,
    ) {
        let Some(storage) = state_storage(guest, config, resources) else {
            return;
        };
        let Some(memory) = guest.figures.max_memory else {
            return;
        };
        let node = (!storage.shared).then(|| guest.node.clone());
        let need = memory.saturating_mul(2).saturating_add(EXTRA);
        let sum = self.0.entry((storage.name.clone(), node)).or_default();
        *sum = sum.saturating_add(need);
    }

    /// Says which storage would be filled up, if one would.
    pub(in crate::domain) fn refusal(&self, resources: &Resources) -> Option<String> {
        self.0.iter().find_map(|((name, node), need)| {
            let storage = resources.storages.iter().find(|storage| {
                storage.name == *name && node.as_ref().is_none_or(|node| storage.node == *node)
            })?;
            let (size, used) = (storage.size?, storage.used?);
            let left = size.saturating_sub(used).saturating_sub(*need);
            ((left as f64) < size as f64 * KEPT_FREE).then(|| {
                format!(
                    "the RAM would need {:.1} GiB on storage {name}, which would keep less than 5 % free",
                    *need as f64 / f64::from(1 << 30)
                )
            })
        })
    }
}

/// Finds the storage on which a guest's memory would be saved, as the server chooses it.
///
/// That is the one its configuration names; else a shared one that holds a disk of it, else one
/// that holds a disk (qemu-server's choice; which of several is assumed to be the first).
fn state_storage<'a>(
    guest: &Guest,
    config: Option<&GuestConfig>,
    resources: Option<&'a Resources>,
) -> Option<&'a Storage> {
    let (config, resources) = (config?, resources?);
    let find = |name: &StorageName| storage_of(guest, name, resources);
    if let Some(named) = config.get("vmstatestorage") {
        return find(&named.raw().parse().ok()?);
    }
    let drives = config.drives();
    let held: Vec<&Storage> = drives
        .iter()
        .filter_map(|drive| find(drive.storage.as_ref()?))
        .collect();
    held.iter()
        .find(|storage| storage.shared)
        .or(held.first())
        .copied()
}

/// Finds a storage as a guest's node has it.
fn storage_of<'a>(
    guest: &Guest,
    name: &StorageName,
    resources: &'a Resources,
) -> Option<&'a Storage> {
    let mut storages = resources.storages.iter();
    storages.find(|it| it.name == *name && (it.shared || it.node == guest.node))
}

/// Says which storage of a guest's disks has less free already than is to stay free, if one has.
pub(in crate::domain) fn nearly_full(
    guest: &Guest,
    config: &GuestConfig,
    resources: &Resources,
) -> Option<String> {
    let drives = config.drives();
    let mut names = drives.iter().filter_map(|drive| drive.storage.as_ref());
    let full = names.find(|name| {
        storage_of(guest, name, resources)
            .and_then(|storage| storage.size.zip(storage.used))
            .is_some_and(|(size, used)| {
                (size.saturating_sub(used) as f64) < size as f64 * KEPT_FREE
            })
    })?;
    Some(format!("storage {full} has less than 5 % free"))
}
