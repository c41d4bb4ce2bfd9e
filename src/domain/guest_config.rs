//! A guest's configuration: keys and values as the server keeps them.

use std::collections::{BTreeMap, BTreeSet};

use super::id::StorageName;
use super::text::Text;

/// A guest's configuration, of its present or of a snapshot.
///
/// Source: `…/config` and `…/snapshot/NAME/config` (API.md §8). Values are kept as sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestConfig {
    options: BTreeMap<String, Text>,
    digest: Option<String>,
}

/// A disk of a guest, as its configuration describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drive {
    /// Where it hangs, as `scsi0`.
    pub key: String,
    /// Its volume, as `vmstore:101/vm-101-disk-0.qcow2`.
    pub volume: Text,
    /// The storage that holds it; absent for a device of the host.
    pub storage: Option<StorageName>,
    /// Its provisioned size in bytes.
    pub size: Option<u64>,
}

/// An option that will change with the guest's next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOption {
    /// The option.
    pub key: String,
    /// Its value now, if it is set.
    pub now: Option<Text>,
    /// Its value then; absent when it will be removed.
    pub then: Option<Text>,
}

impl GuestConfig {
    /// Collects options; `digest` is what the server calls this state of the configuration.
    pub fn new(options: impl IntoIterator<Item = (String, Text)>, digest: Option<String>) -> Self {
        Self {
            options: options.into_iter().collect(),
            digest,
        }
    }

    /// Puts another value in the place of an option's; what the server calls that is not known.
    #[must_use]
    pub fn with(&self, key: &str, value: impl Into<Text>) -> Self {
        let mut options = self.options.clone();
        options.insert(key.to_owned(), value.into());
        Self {
            options,
            digest: None,
        }
    }

    /// Returns an option's value.
    pub fn get(&self, key: &str) -> Option<&Text> {
        self.options.get(key)
    }

    /// Iterates over the options in the order of their keys.
    pub fn options(&self) -> impl Iterator<Item = (&str, &Text)> {
        self.options
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    /// Returns what the server calls this state of the configuration, to be sent with a change.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the lock that it holds.
    pub fn lock(&self) -> Option<&Text> {
        self.get("lock")
    }

    /// Tells whether the guest is protected from being destroyed.
    pub fn is_protected(&self) -> bool {
        self.get("protection").is_some_and(|flag| flag.raw() == "1")
    }

    /// Returns the description, empty where there is none.
    pub fn description(&self) -> &str {
        self.get("description").map_or("", Text::raw)
    }

    /// Returns the disks that are in use, in the order of their keys; CD-ROMs are none.
    pub fn drives(&self) -> Vec<Drive> {
        self.options()
            .filter(|(key, _)| is_drive_key(key))
            .filter_map(|(key, value)| read_drive(key, value.raw()))
            .collect()
    }

    /// Returns the disk that it starts from: the first one in the order of boot, else the first of all.
    pub fn boot_drive(&self) -> Option<Drive> {
        let drives = self.drives();
        let order = self.get("boot").map(Text::raw).unwrap_or_default();
        let order = order
            .split(',')
            .find_map(|part| part.strip_prefix("order="));
        let old = self.get("bootdisk").map(Text::raw);
        let named = order
            .into_iter()
            .flat_map(|order| order.split(';'))
            .chain(old);
        named
            .filter_map(|key| drives.iter().find(|drive| drive.key == key.trim()))
            .chain(drives.iter().filter(|drive| is_data_disk(&drive.key)))
            .next()
            .cloned()
    }

    /// Returns the volumes that belong to it without being in use, in the order of their keys.
    pub fn unused_volumes(&self) -> Vec<Text> {
        self.options()
            .filter(|(key, _)| is_numbered(key, "unused"))
            .map(|(_, volume)| volume.clone())
            .collect()
    }

    /// Returns the storages on which its disks lie.
    pub fn storages(&self) -> BTreeSet<StorageName> {
        self.drives()
            .into_iter()
            .filter_map(|drive| drive.storage)
            .collect()
    }

    /// Sums up the provisioned sizes of its disks; absent when one of them is unknown.
    pub fn disk_size(&self) -> Option<u64> {
        total(&self.drives())
    }
}

/// Tells whether a key names a disk that is in use, of a virtual machine or a container.
fn is_drive_key(key: &str) -> bool {
    matches!(key, "rootfs" | "efidisk0" | "tpmstate0")
        || ["scsi", "virtio", "sata", "ide", "mp"]
            .iter()
            .any(|bus| is_numbered(key, bus))
}

/// Tells whether a disk holds a system or data, and not the firmware's or the TPM's state.
fn is_data_disk(key: &str) -> bool {
    !matches!(key, "efidisk0" | "tpmstate0")
}

/// Tells whether a key is `name` with a number behind it.
pub(in crate::domain) fn is_numbered(key: &str, name: &str) -> bool {
    key.strip_prefix(name)
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit()))
}

/// Sums up the sizes of disks; absent when one of them is unknown, or no sum could be true.
pub(in crate::domain) fn total(drives: &[Drive]) -> Option<u64> {
    drives
        .iter()
        .try_fold(0u64, |sum, drive| sum.checked_add(drive.size?))
}

fn read_drive(key: &str, value: &str) -> Option<Drive> {
    let mut parts = value.split(',');
    let volume = parts.next()?;
    let volume = volume
        .strip_prefix("file=")
        .or_else(|| volume.strip_prefix("volume="))
        .unwrap_or(volume);
    let properties: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    if volume == "none" || properties.contains(&("media", "cdrom")) {
        return None;
    }
    let size = properties
        .iter()
        .find(|(name, _)| *name == "size")
        .and_then(|(_, size)| read_size(size));
    Some(Drive {
        key: key.to_owned(),
        storage: volume
            .split_once(':')
            .and_then(|(storage, _)| storage.parse().ok()),
        volume: volume.into(),
        size,
    })
}

/// Reads a size as configurations write it: a number and a binary unit of one letter.
fn read_size(text: &str) -> Option<u64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 'K') => (&text[..at], 1u64 << 10),
        (at, 'M') => (&text[..at], 1 << 20),
        (at, 'G') => (&text[..at], 1 << 30),
        (at, 'T') => (&text[..at], 1 << 40),
        _ => (text, 1),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(unit);
    }
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some((number * unit as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(options: &[(&str, &str)]) -> GuestConfig {
        let options = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Text::from(*value)));
        GuestConfig::new(options, None)
    }

    #[test]
    fn disks_are_told_from_everything_that_looks_like_one() {
        let config = config(&[
            ("scsi0", "vmstore:101/vm-101-disk-0.qcow2,size=10G"),
            ("ide2", "local:iso/debian.iso,media=cdrom,size=600M"),
            ("sata1", "none,media=cdrom"),
            ("scsihw", "virtio-scsi-pci"),
            ("unused0", "vmstore:101/vm-101-disk-1.qcow2"),
            ("efidisk0", "vmstore:vm-101-disk-2,size=528K"),
            ("virtio1", "/dev/sdb,size=1.5T"),
            ("mp0", "volume=tank:subvol-1,mp=/srv,size=8G"),
        ]);
        let drives = config.drives();
        let keys: Vec<&str> = drives.iter().map(|drive| drive.key.as_str()).collect();
        assert_eq!(keys, ["efidisk0", "mp0", "scsi0", "virtio1"]);
        assert_eq!(drives[0].size, Some(528 << 10));
        assert_eq!(drives[1].storage, Some("tank".parse().unwrap()));
        assert_eq!(drives[2].size, Some(10 << 30));
        assert_eq!(drives[3].storage, None);
        assert_eq!(drives[3].size, Some(3 << 39));
        assert_eq!(config.storages().len(), 2);
        let unused: [Text; 1] = ["vmstore:101/vm-101-disk-1.qcow2".into()];
        assert_eq!(config.unused_volumes(), unused);
    }

    #[test]
    fn the_boot_disk_is_the_first_disk_in_the_order_of_boot() {
        let boot = |options: &[(&str, &str)]| {
            let drive = config(options).boot_drive()?;
            Some(drive.key)
        };
        let disks = [
            ("efidisk0", "a:0,size=4M"),
            ("ide2", "local:iso/x.iso,media=cdrom"),
            ("scsi0", "a:1,size=1G"),
            ("virtio0", "a:2,size=2G"),
        ];
        let with = |key, value| {
            let mut options = disks.to_vec();
            options.push((key, value));
            boot(&options)
        };
        assert_eq!(
            with("boot", "order=ide2;virtio0;scsi0").as_deref(),
            Some("virtio0")
        );
        assert_eq!(with("bootdisk", "virtio0").as_deref(), Some("virtio0"));
        assert_eq!(with("boot", "order=net0").as_deref(), Some("scsi0"));
        assert_eq!(boot(&disks).as_deref(), Some("scsi0"));
        assert_eq!(boot(&disks[..2]), None);
    }

    #[test]
    fn a_sum_with_an_unknown_part_is_unknown() {
        let known = config(&[("scsi0", "a:1,size=1G"), ("scsi1", "a:2,size=1M")]);
        assert_eq!(known.disk_size(), Some((1 << 30) + (1 << 20)));
        let beyond = config(&[("scsi0", "a:1,size=16777215T"), ("scsi1", "a:2,size=9T")]);
        assert_eq!(beyond.disk_size(), None, "no sum could be true");
        assert_eq!(
            config(&[("scsi0", "a:1,size=1G"), ("scsi1", "a:2")]).disk_size(),
            None
        );
    }
}
