//! The simulated cluster: everything that stands in its configuration and everything that runs on it.
//!
//! Refuses to speak HTTP and to wait; requests and workers change it under one lock, briefly.

pub(super) mod access;
pub(super) mod accounts;
mod build;
mod edit;
pub(super) mod guest;
pub(super) mod task;
mod view;

use std::collections::BTreeMap;

pub use edit::EditError;
pub use guest::{Kind, RunState};
pub use view::{FirewallView, GuestView, SnapshotView, TaskView, WorldView};

use access::Access;
use guest::Guest;
use task::Tasks;

use super::scenario::NodeCondition;
use super::storage::{Storage, Volume};

pub(super) use accounts::Secrets;
pub(super) use build::last_line;

/// A node of the cluster.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) address: std::net::IpAddr,
    pub(super) cores: u32,
    pub(super) memory: u64,
    pub(super) started: f64,
    /// What `/nodes` says of its certificate; absent: that of the world.
    pub(super) fingerprint: Option<String>,
    /// When its certificate ends, in seconds since 1970.
    pub(super) certified_until: i64,
    pub(super) condition: NodeCondition,
}

/// A resource pool.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    pub(super) comment: Option<String>,
    pub(super) guests: std::collections::BTreeSet<u32>,
    pub(super) storages: std::collections::BTreeSet<String>,
}

/// A line of the cluster's log.
#[derive(Debug, Clone)]
pub(super) struct LogLine {
    pub(super) number: u64,
    pub(super) time: i64,
    pub(super) node: String,
    pub(super) user: String,
    pub(super) priority: u8,
    pub(super) message: String,
}

/// Who holds a guest's file lock, which no answer ever shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileLock {
    /// One holder.
    Exclusive,
    /// So many holders that do not mind each other.
    Shared(u32),
}

/// The simulated cluster.
#[derive(Debug)]
pub struct World {
    pub(super) cluster: Option<String>,
    pub(super) timezone: String,
    /// Grows with every change that `/cluster/resources` shows at once.
    pub(super) revision: u64,
    pub(super) last_incarnation: u64,
    pub(super) seed: u64,
    pub(super) quorate: bool,
    pub(super) nodes: BTreeMap<String, Node>,
    /// The node that answers.
    pub(super) local: String,
    pub(super) storages: BTreeMap<String, Storage>,
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) pools: BTreeMap<String, Pool>,
    pub(super) guests: BTreeMap<u32, Guest>,
    pub(super) file_locks: BTreeMap<u32, FileLock>,
    /// Guests whose snapshots are being rolled back or deleted, one operation at a time.
    pub(super) migration_locks: std::collections::BTreeSet<u32>,
    pub(super) access: Access,
    pub(super) tasks: Tasks,
    pub(super) log: Vec<LogLine>,
    pub(super) options: BTreeMap<String, String>,
    pub(super) firewall: super::firewall::Firewalls,
    pub(super) hosts: BTreeMap<String, Vec<std::net::IpAddr>>,
}

impl World {
    /// Returns the pool that a guest belongs to.
    pub(super) fn pool_of(&self, vmid: u32) -> Option<&str> {
        self.pools
            .iter()
            .find(|(_, pool)| pool.guests.contains(&vmid))
            .map(|(name, _)| name.as_str())
    }

    /// Returns the pool that a storage belongs to.
    pub(super) fn pool_of_storage(&self, storage: &str) -> Option<&str> {
        self.pools
            .iter()
            .find(|(_, pool)| pool.storages.contains(storage))
            .map(|(name, _)| name.as_str())
    }

    /// Returns a guest for a change, which from then on counts as changed.
    pub(super) fn guest_mut(&mut self, vmid: u32) -> Option<&mut Guest> {
        let guest = self.guests.get_mut(&vmid)?;
        self.revision += 1;
        guest.revision = self.revision;
        Some(guest)
    }

    /// Returns a number that tells a new guest from earlier ones with its id.
    pub(super) fn next_incarnation(&mut self) -> u64 {
        self.last_incarnation += 1;
        self.last_incarnation
    }

    /// Returns a fresh number that depends on the seed and on what happened before only.
    pub(super) fn chance(&mut self) -> u64 {
        self.seed = super::load::scramble(self.seed);
        self.seed
    }

    /// Returns a fresh identifier in the form of a UUID.
    pub(super) fn uuid(&mut self) -> String {
        accounts::uuid(self.chance(), self.chance())
    }

    /// Returns a fresh hardware address below the product's prefix.
    pub(super) fn hardware_address(&mut self) -> String {
        let [a, b, c, ..] = self.chance().to_be_bytes();
        format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
    }

    /// Returns the volumes that belong to a guest and lie where its node sees them.
    pub(super) fn volumes_of(&self, vmid: u32) -> impl Iterator<Item = &Volume> {
        self.volumes
            .values()
            .filter(move |volume| volume.vmid == vmid)
    }

    /// Returns the bytes in use on a storage as a node sees it.
    pub(super) fn used(&self, storage: &Storage, node: &str) -> u64 {
        let place = storage.place_of(node);
        let volumes = self
            .volumes
            .values()
            .filter(|volume| volume.storage == storage.name && volume.node == place);
        Self::used_with(storage, place, volumes.map(|volume| volume.used).sum())
    }

    /// Returns the bytes in use on all storages at once, by storage and node (`""` where shared).
    pub(super) fn usage(&self) -> BTreeMap<(&str, &str), u64> {
        let mut volumes: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for volume in self.volumes.values() {
            *volumes.entry((&volume.storage, &volume.node)).or_default() += volume.used;
        }
        let mut usage = BTreeMap::new();
        for storage in self.storages.values() {
            for place in self.nodes.keys().map(String::as_str).chain([""]) {
                let own = volumes
                    .get(&(storage.name.as_str(), place))
                    .copied()
                    .unwrap_or(0);
                usage.insert(
                    (storage.name.as_str(), place),
                    Self::used_with(storage, place, own),
                );
            }
        }
        usage
    }

    fn used_with(storage: &Storage, place: &str, volumes: u64) -> u64 {
        (storage.other_use.get(place).copied().unwrap_or(0) + volumes).min(storage.size)
    }

    /// Tells whether a file lock could be taken now.
    pub(super) fn lock_is_free(&self, vmid: u32, shared: bool) -> bool {
        match self.file_locks.get(&vmid) {
            None => true,
            Some(FileLock::Shared(_)) => shared,
            Some(FileLock::Exclusive) => false,
        }
    }

    /// Takes a file lock if it is free.
    pub(super) fn take_lock(&mut self, vmid: u32, shared: bool) -> bool {
        if !self.lock_is_free(vmid, shared) {
            return false;
        }
        let lock = match (shared, self.file_locks.get(&vmid)) {
            (true, Some(FileLock::Shared(holders))) => FileLock::Shared(holders + 1),
            (true, _) => FileLock::Shared(1),
            (false, _) => FileLock::Exclusive,
        };
        self.file_locks.insert(vmid, lock);
        true
    }

    /// Gives a file lock back.
    pub(super) fn release_lock(&mut self, vmid: u32) {
        match self.file_locks.get(&vmid) {
            Some(FileLock::Shared(holders)) if *holders > 1 => {
                self.file_locks.insert(vmid, FileLock::Shared(holders - 1));
            }
            Some(FileLock::Shared(_) | FileLock::Exclusive) | None => {
                self.file_locks.remove(&vmid);
            }
        }
    }

    /// Writes a line to the cluster's log.
    pub(super) fn note(
        &mut self,
        time: i64,
        node: &str,
        user: &str,
        priority: u8,
        message: String,
    ) {
        let number = self.log.last().map_or(1, |line| line.number + 1);
        let line = LogLine {
            number,
            time,
            node: node.to_owned(),
            user: user.to_owned(),
            priority,
            message,
        };
        self.log.push(line);
        if self.log.len() > 1000 {
            self.log.drain(..500);
        }
    }

    /// Removes a guest and everything that was its own.
    pub(super) fn forget_guest(&mut self, vmid: u32) {
        self.volumes.retain(|_, volume| volume.vmid != vmid);
        self.forget_config(vmid);
    }

    /// Removes a guest's configuration and all that others' speaks of it; its volumes stay.
    pub(super) fn forget_config(&mut self, vmid: u32) {
        self.guests.remove(&vmid);
        for pool in self.pools.values_mut() {
            pool.guests.remove(&vmid);
        }
        self.access
            .list
            .retain(|entry| entry.path != format!("/vms/{vmid}"));
        self.firewall.forget(vmid);
        self.revision += 1;
    }
}
