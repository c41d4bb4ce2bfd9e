//! Guests as a scenario writes them: what they are, hold, consume and have kept.

use serde::Deserialize;

use super::{FirewallScenario, Size, Span};

/// QEMU or LXC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GuestKind {
    /// A virtual machine.
    #[default]
    Qemu,
    /// A container.
    Lxc,
}

/// What a guest is doing when the world starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuestStatus {
    /// Running.
    Running,
    /// Not running.
    #[default]
    Stopped,
    /// Held by the hypervisor.
    Paused,
    /// Held because a disk failed.
    IoError,
}

/// A virtual machine or a container.
#[expect(
    clippy::struct_excessive_bools,
    reason = "a file format: each is a key of its own"
)]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestScenario {
    /// Its number.
    pub vmid: u32,
    /// Its name; a guest without one is called `VM ID`.
    pub name: Option<String>,
    /// Node that has it.
    pub node: String,
    /// QEMU or LXC.
    #[serde(default)]
    pub kind: GuestKind,
    /// What it is doing.
    #[serde(default)]
    pub status: GuestStatus,
    /// Whether it is a template.
    #[serde(default)]
    pub template: bool,
    /// Cores.
    #[serde(default = "one_core")]
    pub cores: u32,
    /// Memory.
    #[serde(default = "two_gibibytes")]
    pub memory: Size,
    /// Disks as `STORAGE:SIZE[:FORMAT]`; `base:VMID` after the size links it to a template's disk.
    #[serde(default)]
    pub disks: Vec<String>,
    /// Bridge of its network card; an empty one means that it has no card.
    #[serde(default = "first_bridge")]
    pub bridge: String,
    /// Whether the card's firewall flag is set.
    #[serde(default)]
    pub nic_firewall: bool,
    /// Bridges of further cards, whose firewall flag is not set.
    #[serde(default)]
    pub more_bridges: Vec<String>,
    /// Tags, joined by `;`.
    #[serde(default)]
    pub tags: String,
    /// Pool it belongs to.
    pub pool: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Whether it is protected against removal.
    #[serde(default)]
    pub protection: bool,
    /// Whether it starts with its node.
    #[serde(default)]
    pub onboot: bool,
    /// Whether the guest agent is configured and answers.
    #[serde(default)]
    pub agent: bool,
    /// Whether it ignores requests to shut down.
    #[serde(default)]
    pub deaf: bool,
    /// Whether the balloon driver reports; without it memory is the host's view.
    #[serde(default = "yes")]
    pub balloon: bool,
    /// Whether the high-availability manager has it.
    #[serde(default)]
    pub ha: bool,
    /// A lock that stands in its configuration.
    pub lock: Option<String>,
    /// How long it is up.
    pub up: Option<Span>,
    /// How long ago it was made.
    #[serde(default = "super::forty_days")]
    pub age: Span,
    /// Earlier runs as [began ago, ended ago].
    #[serde(default)]
    pub ran: Vec<[Span; 2]>,
    /// What it consumes.
    #[serde(default)]
    pub load: LoadScenario,
    /// Its snapshots, oldest first; each follows the one before unless `parent` says otherwise.
    #[serde(default)]
    pub snapshots: Vec<SnapshotScenario>,
    /// Snapshot that its present state follows, where it is not the last of the list.
    pub parent: Option<String>,
    /// The shared firewall file that it has.
    pub fence: Option<String>,
    /// Its own firewall file; what it says is laid over the shared one.
    #[serde(default)]
    pub firewall: FirewallScenario,
}

/// What a guest consumes on average, and how lively.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoadScenario {
    /// Fraction of its cores.
    pub cpu: f64,
    /// Fraction of its memory.
    pub memory: f64,
    /// Fraction of its memory that leaks away in an hour.
    pub leak: f64,
    /// Bytes a second in.
    pub network_in: f64,
    /// Bytes a second out.
    pub network_out: f64,
    /// Bytes a second read.
    pub disk_read: f64,
    /// Bytes a second written.
    pub disk_write: f64,
    /// 0 flat, 1 wild.
    pub lively: f64,
}

impl Default for LoadScenario {
    fn default() -> Self {
        Self {
            cpu: 0.12,
            memory: 0.45,
            leak: 0.0,
            network_in: 40_000.0,
            network_out: 25_000.0,
            disk_read: 60_000.0,
            disk_write: 150_000.0,
            lively: 0.7,
        }
    }
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotScenario {
    /// Its name; `{time}` stands for its time as `YYYYMMDD-HHMM`.
    pub name: String,
    /// How long ago it was taken.
    pub age: Span,
    /// Description.
    #[serde(default)]
    pub description: String,
    /// Whether it holds the memory.
    #[serde(default)]
    pub ram: bool,
    /// Snapshot that it follows, where it is not the one before; empty for a root.
    pub parent: Option<String>,
    /// `prepare` or `delete` for one that was never finished.
    pub state: Option<String>,
    /// Whether its time is missing.
    #[serde(default)]
    pub timeless: bool,
}

/// A disk as a scenario writes it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) struct DiskText {
    /// Storage that holds it.
    pub(in crate::simulator) storage: String,
    /// Provisioned size.
    pub(in crate::simulator) size: Size,
    /// Format, where not the storage's usual one.
    pub(in crate::simulator) format: Option<String>,
    /// Template whose disk it is based on.
    pub(in crate::simulator) base: Option<u32>,
}

impl DiskText {
    pub(in crate::simulator) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let storage = parts.next()?.to_owned();
        let size = Size::parse(parts.next()?)?;
        let mut disk = Self {
            storage,
            size,
            format: None,
            base: None,
        };
        while let Some(part) = parts.next() {
            if part == "base" {
                disk.base = Some(parts.next()?.parse().ok()?);
            } else {
                disk.format = Some(part.to_owned());
            }
        }
        Some(disk)
    }
}

fn one_core() -> u32 {
    1
}

fn two_gibibytes() -> Size {
    Size::gibibytes(2)
}

fn first_bridge() -> String {
    "vmbr0".into()
}

fn yes() -> bool {
    true
}
