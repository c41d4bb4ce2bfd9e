//! One guest: its configuration, snapshots, what it is doing and since when.
//!
//! Refuses to decide whether something may be done to it; `lifecycle` and `routes` do.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sha1::{Digest as _, Sha1};

use crate::simulator::load::Load;

/// Options as they stand in the configuration file.
pub(in crate::simulator) type Config = BTreeMap<String, String>;

/// QEMU or LXC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl Kind {
    /// Returns the word in paths and ids.
    pub fn word(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// Returns the folder of configuration files.
    pub(in crate::simulator) fn folder(self) -> &'static str {
        match self {
            Self::Qemu => "qemu-server",
            Self::Lxc => "lxc",
        }
    }

    /// Returns the first letters of task types.
    pub(in crate::simulator) fn prefix(self) -> &'static str {
        match self {
            Self::Qemu => "qm",
            Self::Lxc => "vz",
        }
    }

    /// Returns the word that starts messages about a guest of this kind.
    pub(in crate::simulator) fn title(self) -> &'static str {
        match self {
            Self::Qemu => "VM",
            Self::Lxc => "CT",
        }
    }
}

/// What a guest is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Not running.
    Stopped,
    /// Running.
    Running,
    /// Held by the hypervisor.
    Paused,
    /// Held because a disk failed.
    IoError,
}

impl RunState {
    /// Returns the word of QMP and of `/cluster/resources`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::IoError => "io-error",
        }
    }

    /// Tells whether a process exists.
    pub fn is_up(self) -> bool {
        self != Self::Stopped
    }
}

/// A snapshot of a guest.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) struct Snapshot {
    pub(in crate::simulator) time: Option<i64>,
    pub(in crate::simulator) description: String,
    pub(in crate::simulator) parent: Option<String>,
    /// The volume that holds the memory.
    pub(in crate::simulator) vmstate: Option<String>,
    /// `prepare` or `delete` while unfinished.
    pub(in crate::simulator) state: Option<String>,
    /// The frozen configuration.
    pub(in crate::simulator) config: Config,
}

/// A virtual machine or a container.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Guest {
    pub(in crate::simulator) vmid: u32,
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) config: Config,
    /// Changes that wait for a restart; `None` deletes.
    pub(in crate::simulator) pending: BTreeMap<String, Option<String>>,
    pub(in crate::simulator) snapshots: BTreeMap<String, Snapshot>,
    pub(in crate::simulator) run: RunState,
    /// When the process that runs now was started.
    pub(in crate::simulator) started: f64,
    pub(in crate::simulator) pid: u32,
    /// Earlier runs, as (began, ended).
    pub(in crate::simulator) runs: Vec<(f64, f64)>,
    pub(in crate::simulator) born: f64,
    pub(in crate::simulator) load: Arc<Load>,
    pub(in crate::simulator) balloon_reports: bool,
    pub(in crate::simulator) ha: bool,
    /// Whether it ignores requests to shut down.
    pub(in crate::simulator) deaf: bool,
    /// Tells guests apart that had the same id one after the other.
    pub(in crate::simulator) incarnation: u64,
    /// Grows with every change.
    pub(in crate::simulator) revision: u64,
}

const QEMU_NUMBERS: [&str; 23] = [
    "acpi",
    "allow-ksm",
    "autostart",
    "balloon",
    "ciupgrade",
    "cores",
    "cpuunits",
    "freeze",
    "keephugepages",
    "kvm",
    "localtime",
    "migrate_speed",
    "numa",
    "onboot",
    "protection",
    "reboot",
    "shares",
    "smp",
    "sockets",
    "tablet",
    "tdf",
    "template",
    "vcpus",
];
const LXC_NUMBERS: [&str; 12] = [
    "console",
    "cores",
    "cpuunits",
    "debug",
    "memory",
    "onboot",
    "protection",
    "swap",
    "template",
    "tty",
    "unprivileged",
    "snaptime",
];

/// Returns an option as the server prints it: some are numbers, `memory` of a VM is a string.
pub(in crate::simulator) fn typed(kind: Kind, key: &str, value: &str) -> Value {
    let numbers: &[&str] = match kind {
        Kind::Qemu => &QEMU_NUMBERS,
        Kind::Lxc => &LXC_NUMBERS,
    };
    let number = (numbers.contains(&key) || key == "snaptime")
        .then(|| value.parse::<i64>().ok())
        .flatten();
    number.map_or_else(|| Value::from(value), Value::from)
}

impl Guest {
    /// Returns the name that lists show.
    pub(in crate::simulator) fn name(&self) -> String {
        let key = match self.kind {
            Kind::Qemu => "name",
            Kind::Lxc => "hostname",
        };
        self.config
            .get(key)
            .cloned()
            .unwrap_or_else(|| match self.kind {
                Kind::Qemu => format!("VM {}", self.vmid),
                Kind::Lxc => format!("CT{}", self.vmid),
            })
    }

    /// Returns the lock that stands in the configuration.
    pub(in crate::simulator) fn lock(&self) -> Option<&str> {
        self.config.get("lock").map(String::as_str)
    }

    pub(in crate::simulator) fn is_template(&self) -> bool {
        self.config
            .get("template")
            .is_some_and(|value| value == "1")
    }

    /// Returns the number of virtual processors.
    pub(in crate::simulator) fn processors(&self) -> u32 {
        let number = |key: &str| {
            self.config
                .get(key)
                .and_then(|value| value.parse::<u32>().ok())
        };
        number("cores").unwrap_or(1).max(1) * number("sockets").unwrap_or(1).max(1)
    }

    /// Returns the memory in bytes.
    pub(in crate::simulator) fn memory(&self) -> u64 {
        let text = self.config.get("memory").map_or("512", String::as_str);
        let text = text.strip_prefix("current=").unwrap_or(text);
        text.parse::<u64>().unwrap_or(512) << 20
    }

    /// Returns the disks, unused ones left out, as (key, volume id, the whole value), CD-ROMs excluded.
    pub(in crate::simulator) fn disks(&self) -> Vec<(String, String)> {
        disks_of(self.kind, &self.config)
    }

    /// Returns the provisioned size of the disk that it boots from.
    pub(in crate::simulator) fn boot_disk_size(&self) -> u64 {
        let first = match self.kind {
            Kind::Lxc => self.config.get("rootfs").cloned(),
            Kind::Qemu => self
                .config
                .get("boot")
                .and_then(|boot| boot.strip_prefix("order="))
                .and_then(|order| {
                    order
                        .split(';')
                        .find_map(|key| self.config.get(key).filter(|_| is_disk_key(key)))
                })
                .cloned()
                .or_else(|| {
                    self.disks()
                        .first()
                        .and_then(|(key, _)| self.config.get(key).cloned())
                }),
        };
        first
            .as_deref()
            .and_then(|value| property(value, "size"))
            .and_then(|size| parse_size(&size))
            .unwrap_or(0)
    }

    /// Returns the digest of the whole configuration file.
    pub(in crate::simulator) fn digest(&self) -> String {
        let mut hash = Sha1::new();
        let mut section = |name: &str, config: &Config| {
            hash.update(name);
            for (key, value) in config {
                hash.update(key);
                hash.update([0]);
                hash.update(value);
                hash.update([1]);
            }
        };
        section("", &self.config);
        for (key, value) in &self.pending {
            section(
                "pending",
                &Config::from([(
                    key.clone(),
                    value.clone().unwrap_or_else(|| "delete".into()),
                )]),
            );
        }
        for (name, snapshot) in &self.snapshots {
            section(name, &snapshot.config);
            let time = snapshot.time.unwrap_or(0).to_string();
            let parent = snapshot.parent.clone().unwrap_or_default();
            let state = snapshot.state.clone().unwrap_or_default();
            section(
                "of",
                &Config::from([(time, parent), (state, snapshot.description.clone())]),
            );
        }
        hash.finalize()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Returns the parts of a span during which it ran, the current run included.
    pub(in crate::simulator) fn runs_within(&self, from: f64, until: f64) -> Vec<(f64, f64, f64)> {
        let current = self.run.is_up().then_some((self.started, f64::INFINITY));
        self.runs
            .iter()
            .copied()
            .chain(current)
            .filter_map(|(began, ended)| {
                let (start, end) = (began.max(from), ended.min(until));
                (end > start).then_some((start, end, began))
            })
            .collect()
    }

    /// Notes that a process started.
    pub(in crate::simulator) fn rise(&mut self, now: f64, pid: u32) {
        self.run = RunState::Running;
        self.started = now;
        self.pid = pid;
        self.apply_pending();
    }

    /// Notes that the process is gone.
    pub(in crate::simulator) fn fall(&mut self, now: f64) {
        if self.run.is_up() {
            self.runs.push((self.started, now));
        }
        self.run = RunState::Stopped;
        self.pid = 0;
        self.apply_pending();
    }

    /// Takes over changes that waited for a restart.
    pub(in crate::simulator) fn apply_pending(&mut self) {
        for (key, value) in std::mem::take(&mut self.pending) {
            match value {
                Some(value) => self.config.insert(key, value),
                None => self.config.remove(&key),
            };
        }
    }
}

/// Tells whether an option of a VM is a disk.
pub(in crate::simulator) fn is_disk_key(key: &str) -> bool {
    ["scsi", "virtio", "sata", "ide", "efidisk", "tpmstate"]
        .iter()
        .any(|bus| {
            key.strip_prefix(bus).is_some_and(|number| {
                !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
            })
        })
}

/// Returns the disks of a configuration as (key, volume id), CD-ROMs and unused ones excluded.
pub(in crate::simulator) fn disks_of(kind: Kind, config: &Config) -> Vec<(String, String)> {
    config
        .iter()
        .filter(|(key, value)| match kind {
            Kind::Qemu => is_disk_key(key) && property(value, "media").as_deref() != Some("cdrom"),
            Kind::Lxc => {
                *key == "rootfs"
                    || key
                        .strip_prefix("mp")
                        .is_some_and(|rest| rest.parse::<u32>().is_ok())
            }
        })
        .filter_map(|(key, value)| {
            let volume = value.split(',').next()?.to_owned();
            volume.contains(':').then(|| (key.clone(), volume))
        })
        .collect()
}

/// Returns one property of a comma-separated value.
pub(in crate::simulator) fn property(value: &str, name: &str) -> Option<String> {
    value
        .split(',')
        .find_map(|part| part.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, text)| text.to_owned())
}

/// Reads a size such as `32G`.
pub(in crate::simulator) fn parse_size(text: &str) -> Option<u64> {
    let (number, shift) = match text.chars().last()? {
        'K' => (&text[..text.len() - 1], 10),
        'M' => (&text[..text.len() - 1], 20),
        'G' => (&text[..text.len() - 1], 30),
        'T' => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number: f64 = number.parse().ok()?;
    (number >= 0.0).then(|| (number * (1u64 << shift) as f64) as u64)
}

/// Writes a size the way configuration files do.
pub(in crate::simulator) fn format_size(bytes: u64) -> String {
    for (shift, unit) in [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')] {
        if bytes >= 1 << shift && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_both_ways() {
        for text in ["32G", "1T", "64M", "1500M"] {
            assert_eq!(format_size(parse_size(text).unwrap()), text);
        }
        assert_eq!(format_size(1 << 30 | 1 << 20), "1025M");
    }

    #[test]
    fn memory_of_a_virtual_machine_leaks_as_a_string() {
        assert_eq!(typed(Kind::Qemu, "memory", "64"), Value::from("64"));
        assert_eq!(typed(Kind::Lxc, "memory", "64"), Value::from(64));
        assert_eq!(typed(Kind::Qemu, "cores", "2"), Value::from(2));
    }
}
