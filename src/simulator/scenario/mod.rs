//! Worlds as text: what a scenario file may say, and the embedded ones.
//!
//! Refuses unknown keys and contradictions; building the world from a scenario is `world`'s business.

mod firewall;
mod generated;
mod guest;
mod quantity;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

pub use firewall::FirewallScenario;
pub(in crate::simulator) use guest::DiskText;
pub use guest::{GuestKind, GuestScenario, GuestStatus, LoadScenario, SnapshotScenario};
pub use quantity::{Size, Span};

/// A description of a world before anything happened in it; ages count back from the start of the simulator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Everything random comes from this number.
    pub seed: u64,
    /// How many times faster than a real cluster work runs.
    #[serde(default = "one")]
    pub speed: f64,
    /// Name of the cluster; a single node without one is a standalone server.
    pub cluster: Option<String>,
    /// Time zone that the nodes report.
    #[serde(default = "utc")]
    pub timezone: String,
    /// How long the operator's token is still good; absent for ever.
    pub token_expires: Option<Span>,
    /// What the user with a second factor may answer with.
    #[serde(default)]
    pub second_factor: SecondFactorScenario,
    /// Whether the datacenter's firewall switch is on.
    #[serde(default)]
    pub firewall: bool,
    /// Sets and aliases of the datacenter's firewall.
    #[serde(default)]
    pub datacenter: FirewallScenario,
    /// Security groups by name, each with its rules by position.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// Firewall files by name, that several guests share.
    #[serde(default)]
    pub fences: BTreeMap<String, FirewallScenario>,
    /// Names that the world's resolver knows.
    #[serde(default)]
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Nodes; the first one is the one that answers.
    pub nodes: Vec<NodeScenario>,
    /// Storages of the cluster.
    pub storages: Vec<StorageScenario>,
    /// Resource pools.
    #[serde(default)]
    pub pools: Vec<PoolScenario>,
    /// Virtual machines and containers.
    #[serde(default)]
    pub guests: Vec<GuestScenario>,
    /// Tasks that ended before the start.
    #[serde(default)]
    pub tasks: Vec<TaskScenario>,
}

/// What the user with a second factor may answer with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecondFactorScenario {
    /// Whether an authenticator's code is taken.
    pub totp: bool,
    /// How many recovery keys there are.
    pub recovery_keys: usize,
    /// Whether a security key is offered too, which nothing here can answer with.
    pub security_key: bool,
}

impl Default for SecondFactorScenario {
    fn default() -> Self {
        Self {
            totp: true,
            recovery_keys: 0,
            security_key: false,
        }
    }
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeScenario {
    /// Name of the node.
    pub name: String,
    /// Address in `/cluster/status`.
    pub address: Option<IpAddr>,
    /// Logical processors.
    #[serde(default = "sixteen")]
    pub cores: u32,
    /// Main memory.
    #[serde(default = "quarter_terabyte")]
    pub memory: Size,
    /// How long it is up.
    #[serde(default = "forty_days")]
    pub up: Span,
    /// How long its certificate is still good, by its own account; the one that is shown lasts longer.
    #[serde(default = "two_years")]
    pub certificate: Span,
    /// What the cluster says is the SHA-256 of its certificate; absent: that of the world.
    pub fingerprint: Option<String>,
    /// Whether it answers.
    #[serde(default)]
    pub state: NodeCondition,
}

/// Whether a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeCondition {
    /// It answers.
    #[default]
    Online,
    /// It takes requests and never answers them: 596 after the proxy's patience.
    Silent,
    /// It is off and refuses connections: 595 at once.
    Offline,
}

/// How a storage keeps volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    /// A directory with image files.
    Dir,
    /// An LVM thin pool.
    Lvmthin,
    /// A ZFS pool.
    Zfspool,
    /// Plain LVM volumes, without snapshots.
    Lvm,
}

/// A storage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageScenario {
    /// Name of the storage.
    pub name: String,
    /// How it keeps volumes.
    pub kind: StorageKind,
    /// What it may hold.
    #[serde(default = "guest_content")]
    pub content: Vec<String>,
    /// Size on each node.
    pub size: Size,
    /// Fraction in use when the world starts.
    #[serde(default)]
    pub used: f64,
    /// Fraction in use on single nodes, where it differs.
    #[serde(default)]
    pub used_on: BTreeMap<String, f64>,
    /// Whether all nodes see the same content.
    #[serde(default)]
    pub shared: bool,
    /// Nodes that have it; empty means all.
    #[serde(default)]
    pub nodes: Vec<String>,
}

/// A pool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolScenario {
    /// Name, with `/` for nested ones.
    pub name: String,
    /// Comment.
    pub comment: Option<String>,
    /// Storages that are members.
    #[serde(default)]
    pub storages: Vec<String>,
}

/// A task that ended before the start.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskScenario {
    /// Node that ran it.
    pub node: String,
    /// Type as in its UPID.
    pub kind: String,
    /// Subject as in its UPID.
    #[serde(default)]
    pub id: String,
    /// Who started it: a user or a full token id.
    #[serde(default = "root")]
    pub user: String,
    /// How long ago it began.
    pub age: Span,
    /// How long it took.
    #[serde(default = "two_seconds")]
    pub took: Span,
    /// `OK`, `WARNINGS: n` or the error.
    #[serde(default = "fine")]
    pub status: String,
    /// Its log without the last line.
    #[serde(default)]
    pub log: Vec<String>,
}

/// Says what is wrong with a scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The text is no scenario.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// It contradicts itself.
    #[error("{0}")]
    Contradiction(String),
}

impl Scenario {
    /// Returns the world that `--demo` shows.
    pub fn demo() -> Self {
        embedded(include_str!("../../../assets/scenarios/demo.toml"))
    }

    /// Returns a small and fast world for tests: one node, a handful of guests.
    pub fn small() -> Self {
        embedded(include_str!("../../../assets/scenarios/small.toml"))
    }

    /// Invents a cluster of any size, always the same for the same numbers.
    pub fn generated(nodes: usize, guests: usize, seed: u64) -> Self {
        generated::cluster(nodes, guests, seed)
    }

    /// Reads a scenario file.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let wrong = |text: String| Err(ScenarioError::Contradiction(text));
        let node = |name: &str| self.nodes.iter().any(|node| node.name == name);
        let storage = |name: &str| self.storages.iter().any(|storage| storage.name == name);
        if self
            .nodes
            .first()
            .is_none_or(|node| node.state != NodeCondition::Online)
        {
            return wrong("the first node must be online: it is the one that answers".into());
        }
        let mut seen = std::collections::BTreeSet::new();
        for guest in &self.guests {
            let vmid = guest.vmid;
            if !seen.insert(vmid) {
                return wrong(format!("guest {vmid} stands there twice"));
            }
            if !node(&guest.node) {
                return wrong(format!(
                    "guest {vmid} is on an unknown node '{}'",
                    guest.node
                ));
            }
            if let Some(pool) = &guest.pool
                && !self.pools.iter().any(|known| known.name == *pool)
            {
                return wrong(format!("guest {vmid} is in an unknown pool '{pool}'"));
            }
            if let Some(fence) = &guest.fence
                && !self.fences.contains_key(fence)
            {
                return wrong(format!("guest {vmid} has an unknown fence '{fence}'"));
            }
            for disk in &guest.disks {
                let Some(disk) = DiskText::parse(disk) else {
                    return wrong(format!(
                        "guest {vmid}: '{disk}' is no disk: write STORAGE:SIZE[:FORMAT]"
                    ));
                };
                if !storage(&disk.storage) {
                    return wrong(format!(
                        "guest {vmid} has a disk on an unknown storage '{}'",
                        disk.storage
                    ));
                }
            }
        }
        self.tasks
            .iter()
            .find(|task| !node(&task.node))
            .map_or(Ok(()), |task| {
                wrong(format!(
                    "task {} is on an unknown node '{}'",
                    task.kind, task.node
                ))
            })
    }
}

fn embedded(text: &str) -> Scenario {
    #[expect(
        clippy::expect_used,
        reason = "the embedded scenarios are read by a unit test"
    )]
    Scenario::from_toml(text).expect("embedded scenarios are valid")
}

fn one() -> f64 {
    1.0
}

fn utc() -> String {
    "UTC".into()
}

fn sixteen() -> u32 {
    16
}

fn quarter_terabyte() -> Size {
    Size::gibibytes(256)
}

fn forty_days() -> Span {
    Span(40.0 * 86_400.0)
}

fn two_years() -> Span {
    Span(730.0 * 86_400.0)
}

fn guest_content() -> Vec<String> {
    vec!["images".into(), "rootdir".into()]
}

fn root() -> String {
    "root@pam".into()
}

fn two_seconds() -> Span {
    Span(2.0)
}

fn fine() -> String {
    "OK".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_scenarios_are_valid() {
        assert_eq!(Scenario::demo().cluster.as_deref(), Some("lab"));
        assert_eq!(Scenario::small().nodes.len(), 1);
    }

    #[test]
    fn a_contradiction_is_named() {
        for (guest, expected) in [
            ("node = 'b'", "guest 100 is on an unknown node 'b'"),
            (
                "node = 'a', fence = 'x'",
                "guest 100 has an unknown fence 'x'",
            ),
        ] {
            let text = format!(
                "seed = 1\nstorages = []\nnodes = [{{ name = 'a' }}]\nguests = [{{ vmid = 100, {guest} }}]"
            );
            let error = Scenario::from_toml(&text).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
