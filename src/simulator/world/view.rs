//! Peeks at the world for tests, without a request.
//!
//! Refuses to change anything.

use std::collections::BTreeMap;

use super::guest::Guest;
use super::{Kind, RunState, World};
use crate::simulator::firewall::{File, Set};

/// What stood in the world at one moment.
#[derive(Debug, Clone)]
pub struct WorldView {
    guests: BTreeMap<u32, GuestView>,
    firewalls: BTreeMap<u32, FirewallView>,
    tasks: Vec<TaskView>,
    pools: BTreeMap<String, (Option<String>, Vec<u32>)>,
}

/// A guest at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct GuestView {
    /// Its number.
    pub vmid: u32,
    /// Its name.
    pub name: String,
    /// Node that has it.
    pub node: String,
    /// QEMU or LXC.
    pub kind: Kind,
    /// What it is doing.
    pub status: RunState,
    /// The lock in its configuration.
    pub lock: Option<String>,
    /// Whether somebody holds its file lock, which no answer shows.
    pub file_locked: bool,
    /// Its configuration as it runs.
    pub config: BTreeMap<String, String>,
    /// Changes that wait for a restart; `None` deletes.
    pub pending: BTreeMap<String, Option<String>>,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<SnapshotView>,
    /// Pool that it belongs to.
    pub pool: Option<String>,
    /// Volumes that belong to it.
    pub volumes: Vec<String>,
}

/// A guest's firewall at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FirewallView {
    /// Its options, only those that were set.
    pub options: BTreeMap<String, String>,
    /// Its rules by position, each by its fields.
    pub rules: Vec<BTreeMap<String, String>>,
    /// The networks of its sets by name.
    pub sets: BTreeMap<String, Vec<String>>,
}

/// A snapshot at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotView {
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub time: Option<i64>,
    /// Snapshot that it follows.
    pub parent: Option<String>,
    /// Description.
    pub description: String,
    /// Whether it holds the memory.
    pub vmstate: bool,
    /// `prepare` or `delete` while unfinished.
    pub snapstate: Option<String>,
}

/// A task at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskView {
    /// Its UPID.
    pub upid: String,
    /// Type, such as `qmsnapshot`.
    pub kind: String,
    /// Subject.
    pub id: String,
    /// Who started it.
    pub user: String,
    /// When it began.
    pub started: i64,
    /// How it ended; `None` while it runs.
    pub status: Option<String>,
    /// Its log so far.
    pub log: Vec<String>,
}

impl WorldView {
    pub(in crate::simulator) fn of(world: &World) -> Self {
        Self {
            guests: world
                .guests
                .values()
                .map(|guest| (guest.vmid, view(world, guest)))
                .collect(),
            firewalls: world
                .guests
                .keys()
                .map(|vmid| (*vmid, firewall(world.firewall.guest(*vmid))))
                .collect(),
            tasks: world
                .tasks
                .iter()
                .map(|task| TaskView {
                    upid: task.upid.clone(),
                    kind: task.kind.clone(),
                    id: task.id.clone(),
                    user: task.who.clone(),
                    started: task.started,
                    status: task.end.as_ref().map(|end| end.status.clone()),
                    log: task.log.clone(),
                })
                .collect(),
            pools: world
                .pools
                .iter()
                .map(|(name, pool)| {
                    (
                        name.clone(),
                        (pool.comment.clone(), pool.guests.iter().copied().collect()),
                    )
                })
                .collect(),
        }
    }

    /// Returns a guest.
    pub fn guest(&self, vmid: u32) -> Option<GuestView> {
        self.guests.get(&vmid).cloned()
    }

    /// Returns all guests by number.
    pub fn guests(&self) -> Vec<GuestView> {
        self.guests.values().cloned().collect()
    }

    /// Returns a guest's firewall; of one that has no file it is empty.
    pub fn firewall(&self, vmid: u32) -> FirewallView {
        self.firewalls.get(&vmid).cloned().unwrap_or_default()
    }

    /// Returns all tasks, oldest first.
    pub fn tasks(&self) -> &[TaskView] {
        &self.tasks
    }

    /// Returns a pool's comment, `None` for an unknown pool.
    pub fn pool_comment(&self, name: &str) -> Option<String> {
        self.pools
            .get(name)
            .map(|(comment, _)| comment.clone().unwrap_or_default())
    }

    /// Returns the guests of a pool.
    pub fn pool_members(&self, name: &str) -> Vec<u32> {
        self.pools
            .get(name)
            .map(|(_, guests)| guests.clone())
            .unwrap_or_default()
    }
}

fn firewall(file: &File) -> FirewallView {
    let networks = |set: &Set| {
        let members = set.members.iter();
        members.map(|member| member.network.clone()).collect()
    };
    FirewallView {
        options: file.options.clone(),
        rules: file.rules.clone(),
        sets: file
            .sets
            .iter()
            .map(|(name, set)| (name.clone(), networks(set)))
            .collect(),
    }
}

fn view(world: &World, guest: &Guest) -> GuestView {
    let mut snapshots: Vec<SnapshotView> = guest
        .snapshots
        .iter()
        .map(|(name, snapshot)| SnapshotView {
            name: name.clone(),
            time: snapshot.time,
            parent: snapshot.parent.clone(),
            description: snapshot.description.clone(),
            vmstate: snapshot.vmstate.is_some(),
            snapstate: snapshot.state.clone(),
        })
        .collect();
    snapshots.sort_by_key(|snapshot| snapshot.time);
    GuestView {
        vmid: guest.vmid,
        name: guest.name(),
        node: guest.node.clone(),
        kind: guest.kind,
        status: guest.run,
        lock: guest.lock().map(str::to_owned),
        file_locked: world.file_locks.contains_key(&guest.vmid),
        config: guest.config.clone(),
        pending: guest.pending.clone(),
        snapshots,
        pool: world.pool_of(guest.vmid).map(str::to_owned),
        volumes: world
            .volumes_of(guest.vmid)
            .map(|volume| volume.id.clone())
            .collect(),
    }
}
