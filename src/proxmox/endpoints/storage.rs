//! `/nodes/N/storage/S`: what a storage holds.

use super::path;
use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::proxmox::client::Client;
use crate::proxmox::error::Error;
use crate::proxmox::wire;
use crate::proxmox::wire::lenient::Rows;

/// Calls about storages; made by [`Client::storage`].
#[derive(Debug)]
pub struct Storages<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about storages.
    pub fn storage(&self) -> Storages<'_> {
        Storages(self)
    }
}

/// A volume on a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its id, as `vmstore:101/vm-101-disk-0.qcow2`.
    pub id: String,
    /// Its provisioned size in bytes.
    pub size: Option<u64>,
    /// The bytes it occupies, where the storage tells.
    pub used: Option<u64>,
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
        let list: Rows<wire::VolumeRow> = self
            .0
            .get(&path, &[("content", "images"), ("vmid", &vmid_text)])
            .await?;
        let volumes = list
            .rows
            .into_iter()
            .filter(|row| row.vmid.is_none_or(|owner| owner == u64::from(vmid.get())));
        Ok(volumes.filter_map(volume).collect())
    }

    /// Reads the disk images of every guest whose images the account may see.
    pub async fn all_images(
        &self,
        node: &NodeName,
        storage: &StorageName,
    ) -> Result<Vec<Volume>, Error> {
        let path = content(node, storage)?;
        let list: Rows<wire::VolumeRow> = self.0.get(&path, &[("content", "images")]).await?;
        Ok(list.rows.into_iter().filter_map(volume).collect())
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

fn volume(row: wire::VolumeRow) -> Option<Volume> {
    Some(Volume {
        id: row.volid?,
        size: row.size,
        used: row.used,
    })
}
