//! A guest as the cluster's resource list describes it.

use std::fmt;
use std::time::Duration;

use super::id::{GuestKind, NodeName, PoolName, Vmid};
use super::text::Text;

/// One guest: a virtual machine, a container or a template.
///
/// Source: `/cluster/resources` (API.md §4). Everything that a silent node withholds is an `Option`.
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    /// The guest's number.
    pub vmid: Vmid,
    /// Virtual machine or container.
    pub kind: GuestKind,
    /// The node that holds its configuration.
    pub node: NodeName,
    /// Its name; absent while the node is silent or the guest is being cloned.
    pub name: Option<Text>,
    /// Its run state.
    pub status: Status,
    /// Whether it is a template.
    pub template: bool,
    /// The lock in its configuration, as the server names it (`backup`, `clone`, `snapshot`…).
    pub lock: Option<Text>,
    /// Its tags in the server's order.
    pub tags: Vec<Text>,
    /// Its pool, where the account may see it.
    pub pool: Option<PoolName>,
    /// Its state under high availability, where it is managed.
    pub ha_state: Option<Text>,
    /// What it uses and may use.
    pub figures: Figures,
}

impl Guest {
    /// Returns what names this guest in requests and dialogs.
    pub fn to_ref(&self) -> GuestRef {
        GuestRef {
            vmid: self.vmid,
            kind: self.kind,
            node: self.node.clone(),
            name: self.name.clone(),
        }
    }

    /// Tells whether its node vouches for a running process.
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }
}

/// A guest's identity and its present whereabouts.
///
/// Identity is number, kind and name; the node may change by migration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GuestRef {
    /// The guest's number.
    pub vmid: Vmid,
    /// Virtual machine or container.
    pub kind: GuestKind,
    /// The node on which it was last seen.
    pub node: NodeName,
    /// Its name, where known.
    pub name: Option<Text>,
}

impl GuestRef {
    /// Tells whether `other` is the same guest, wherever it runs.
    pub fn is_same_guest(&self, other: &GuestRef) -> bool {
        self.vmid == other.vmid && self.kind == other.kind && self.name == other.name
    }

    /// Tells whether it has no name of its own; the server calls such a guest `VM 104` or `CT104`.
    pub fn is_nameless(&self) -> bool {
        let vmid = self.vmid;
        let substitute = match self.kind {
            GuestKind::Qemu => format!("VM {vmid}"),
            GuestKind::Lxc => format!("CT{vmid}"),
        };
        self.name
            .as_ref()
            .is_none_or(|name| name.raw() == substitute)
    }
}

impl fmt::Display for GuestRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(formatter, "{} {name}", self.vmid),
            None => write!(formatter, "{}", self.vmid),
        }
    }
}

/// A guest's run state; the set is open because QEMU's own states shine through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It runs.
    Running,
    /// It exists but does not run.
    Stopped,
    /// Its processors are halted, its memory is kept.
    Paused,
    /// Its memory was written to disk; starting it resumes.
    Suspended,
    /// QEMU has started and waits, as at the beginning of an incoming migration.
    Prelaunch,
    /// It stands still because a disk could not be written.
    IoError,
    /// QEMU itself failed.
    InternalError,
    /// Nobody knows: its node is silent, or it was created seconds ago.
    Unknown,
    /// A state that this program does not know, in the server's word.
    Other(Text),
}

impl Status {
    /// Reads the server's word.
    pub fn from_word(word: &str) -> Self {
        match word {
            "running" => Self::Running,
            "stopped" => Self::Stopped,
            "paused" => Self::Paused,
            "suspended" => Self::Suspended,
            "prelaunch" => Self::Prelaunch,
            "io-error" => Self::IoError,
            "internal-error" => Self::InternalError,
            "unknown" | "" => Self::Unknown,
            other => Self::Other(Text::new(other)),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::Prelaunch => "prelaunch",
            Self::IoError => "io-error",
            Self::InternalError => "internal-error",
            Self::Unknown => "unknown",
            Self::Other(word) => return fmt::Display::fmt(word, formatter),
        };
        formatter.pad(word)
    }
}

/// What a guest uses and may use; absent means unknown, never zero.
///
/// Sizes are bytes; the four counters count from the start of the guest's process and begin
/// again at zero with it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Processor use as a fraction of all its cores; may exceed 1 (PITFALLS 16).
    pub cpu: Option<f64>,
    /// Its cores; fractional for containers.
    pub max_cpu: Option<f64>,
    /// Memory in use, in bytes; may exceed `max_memory` where it is the host's view.
    pub memory: Option<u64>,
    /// Memory that it may use, in bytes.
    pub max_memory: Option<u64>,
    /// Memory that the host spends on it, in bytes (PVE 9).
    pub host_memory: Option<u64>,
    /// Disk space in use, in bytes; always 0 for virtual machines.
    pub disk: Option<u64>,
    /// Size of the *boot disk* alone, in bytes.
    pub max_disk: Option<u64>,
    /// Bytes received since its process started.
    pub net_in: Option<u64>,
    /// Bytes sent since its process started.
    pub net_out: Option<u64>,
    /// Bytes read from disks since its process started.
    pub disk_read: Option<u64>,
    /// Bytes written to disks since its process started.
    pub disk_write: Option<u64>,
    /// How long its process has run.
    pub uptime: Option<Duration>,
}

impl Figures {
    /// Returns used memory as a fraction of what it may use.
    pub fn memory_fraction(&self) -> Option<f64> {
        let (used, most) = (self.memory?, self.max_memory?);
        (most > 0).then(|| used as f64 / most as f64)
    }

    /// Tells whether the memory figure is the host's view and not the guest's own.
    ///
    /// Without a balloon driver the server reports what the QEMU process occupies (API.md §4).
    pub fn memory_is_host_view(&self) -> bool {
        match (self.memory, self.host_memory) {
            (Some(memory), Some(host)) => memory > 0 && memory >= host,
            _ => false,
        }
    }
}

/// A guest as its own node describes it at this moment.
///
/// Source: `…/status/current` (API.md §4); unlike the resource list it is never late.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveState {
    /// Its name.
    pub name: Option<Text>,
    /// Its run state; QEMU's own where the machine says more than that it runs.
    pub status: Status,
    /// The lock in its configuration.
    pub lock: Option<Text>,
    /// Whether high availability manages it.
    pub ha_managed: bool,
    /// How long its process has run.
    pub uptime: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitfall_17_states_beyond_running_and_stopped_keep_their_name() {
        for word in [
            "running",
            "paused",
            "io-error",
            "prelaunch",
            "internal-error",
            "suspended",
            "postmigrate",
        ] {
            assert_eq!(Status::from_word(word).to_string(), word);
        }
        assert_eq!(
            Status::from_word("postmigrate"),
            Status::Other("postmigrate".into())
        );
        assert_eq!(Status::from_word(""), Status::Unknown);
    }

    #[test]
    fn pitfall_16_fractions_above_one_are_kept_as_they_are() {
        let figures = Figures {
            memory: Some(150),
            max_memory: Some(100),
            cpu: Some(1.7),
            ..Figures::default()
        };
        assert_eq!(figures.memory_fraction(), Some(1.5));
    }

    #[test]
    fn what_the_server_calls_a_guest_without_a_name_is_no_name() {
        let guest = |kind, name: Option<&str>| GuestRef {
            vmid: Vmid::new(104).unwrap(),
            kind,
            node: "pve1".parse().unwrap(),
            name: name.map(Text::from),
        };
        assert!(guest(GuestKind::Qemu, None).is_nameless());
        assert!(guest(GuestKind::Qemu, Some("VM 104")).is_nameless());
        assert!(guest(GuestKind::Lxc, Some("CT104")).is_nameless());
        assert!(!guest(GuestKind::Qemu, Some("CT104")).is_nameless());
        assert!(!guest(GuestKind::Qemu, Some("VM 105")).is_nameless());
    }

    #[test]
    fn memory_of_unknown_size_has_no_fraction() {
        let figures = Figures {
            memory: Some(1),
            max_memory: Some(0),
            ..Figures::default()
        };
        assert_eq!(figures.memory_fraction(), None);
        assert_eq!(Figures::default().memory_fraction(), None);
    }
}
