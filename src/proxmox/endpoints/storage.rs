//! `/nodes/N/storage/S`: what a storage holds.

use super::path;
use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::volume::Volume;
use crate::proxmox::client::Client;
use crate::proxmox::convert_nodes;
use crate::proxmox::error::Error;

/// Calls about storages; made by [`Client::storage`].
#[derive(Debug)]
pub struct Storages<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about storages.
    pub fn storage(&self) -> Storages<'_> {
        Storages(self)
    }
}

impl Storages<'_> {
    /// Reads the disk images of one guest; needs Datastore.Audit, and VM.Config.Disk on the guest.
    pub async fn images(
        &self,
        node: &NodeName,
        storage: &StorageName,
        vmid: Vmid,
    ) -> Result<Vec<Volume>, Error> {
        let path = content(node, storage)?;
        let vmid_text = vmid.to_string();
        let query = [("content", "images"), ("vmid", &vmid_text)];
        let mut volumes = self
            .0
            .get(&path, &query)
            .await
            .map(convert_nodes::volumes)?;
        volumes.retain(|volume| volume.owner.is_none_or(|owner| owner == vmid));
        Ok(volumes)
    }

    /// Reads everything that a storage holds, as a node sees it: disks of guests, saved memory, backups, discs.
    ///
    /// Needs Datastore.Audit or Datastore.AllocateSpace on the storage. Without Datastore.Allocate
    /// the disks of guests on which the account has no VM.Config.Disk are missing without a word,
    /// so a sum over them is a lower bound (API.md §3). One call for all contents: a filter takes
    /// one, and each would list the storage anew. A storage that is away, off or elsewhere is a
    /// failure of the server (recordings 1333–1343).
    pub async fn contents(
        &self,
        node: &NodeName,
        storage: &StorageName,
    ) -> Result<Vec<Volume>, Error> {
        let path = content(node, storage)?;
        self.0.get(&path, &[]).await.map(convert_nodes::volumes)
    }
}

fn content(node: &NodeName, storage: &StorageName) -> Result<String, Error> {
    path(&[
        "nodes",
        node.as_str(),
        "storage",
        storage.as_str(),
        "content",
    ])
}
