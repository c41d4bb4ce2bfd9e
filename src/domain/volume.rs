//! Volumes: what a storage holds, and whose it is.

use super::id::Vmid;
use super::text::Text;

/// What a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeContent {
    /// A disk of a virtual machine, or the saved memory of one.
    Image,
    /// A disk of a container.
    RootDir,
    /// A backup, a disc, a template of a container, or what later versions add.
    Other,
}

impl VolumeContent {
    /// Makes it of the server's word.
    pub fn from_word(word: &str) -> Self {
        match word {
            "images" => Self::Image,
            "rootdir" => Self::RootDir,
            _ => Self::Other,
        }
    }
}

/// A volume on a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its id, as `vmstore:101/vm-101-disk-0.qcow2`.
    pub id: String,
    /// The guest that it belongs to; a backup's is the guest that was saved.
    pub owner: Option<Vmid>,
    /// What it is; absent where the server does not say.
    pub content: Option<VolumeContent>,
    /// Its format, as `qcow2`.
    pub format: Option<Text>,
    /// Its provisioned size in bytes.
    pub size: Option<u64>,
    /// The bytes it occupies, where the storage tells.
    pub used: Option<u64>,
    /// The volume that it is a linked clone of, in the storage's own spelling.
    pub parent: Option<Text>,
}

impl Volume {
    /// Tells whether it is a disk of a guest or the saved memory of one, and no backup or disc.
    pub fn is_guest_disk(&self) -> bool {
        match self.content {
            Some(VolumeContent::Image | VolumeContent::RootDir) => true,
            Some(VolumeContent::Other) | None => false,
        }
    }
}
