//! Putting the world into a state, for tests that need one no request can make.
//!
//! Refuses to keep rules: whoever edits answers for the result.

use super::super::scenario::NodeCondition;
use super::{RunState, World};

/// Says that the thing to be changed is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the world has no {0}")]
pub struct EditError(String);

impl World {
    /// Writes a lock into a guest's configuration, or takes it out.
    pub fn lock_guest(&mut self, vmid: u32, lock: Option<&str>) -> Result<(), EditError> {
        let config = &mut self
            .guest_mut(vmid)
            .ok_or_else(|| missing_guest(vmid))?
            .config;
        match lock {
            Some(lock) => config.insert("lock".into(), lock.into()),
            None => config.remove("lock"),
        };
        Ok(())
    }

    /// Holds a guest's file lock, which no answer shows, until `release_file_lock`.
    pub fn hold_file_lock(&mut self, vmid: u32) {
        self.file_locks.insert(vmid, super::FileLock::Exclusive);
    }

    /// Gives a guest's file lock back.
    pub fn release_file_lock(&mut self, vmid: u32) {
        self.file_locks.remove(&vmid);
    }

    /// Changes what a guest is doing, at once and without a task.
    pub fn set_run_state(&mut self, vmid: u32, state: RunState, now: i64) -> Result<(), EditError> {
        let pid = self.chance() as u32 % 30_000 + 1000;
        let guest = self.guest_mut(vmid).ok_or_else(|| missing_guest(vmid))?;
        match (guest.run.is_up(), state.is_up()) {
            (false, true) => guest.rise(now as f64, pid),
            (true, false) => guest.fall(now as f64),
            (true, true) | (false, false) => {}
        }
        guest.run = state;
        Ok(())
    }

    /// Sets one option of a guest's configuration, or deletes it.
    pub fn set_option(
        &mut self,
        vmid: u32,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), EditError> {
        let config = &mut self
            .guest_mut(vmid)
            .ok_or_else(|| missing_guest(vmid))?
            .config;
        match value {
            Some(value) => config.insert(key.into(), value.into()),
            None => config.remove(key),
        };
        Ok(())
    }

    /// Moves a guest to another node, its volumes with it.
    pub fn move_guest(&mut self, vmid: u32, node: &str) -> Result<(), EditError> {
        if !self.nodes.contains_key(node) {
            return Err(missing_node(node));
        }
        self.guest_mut(vmid)
            .ok_or_else(|| missing_guest(vmid))?
            .node = node.into();
        for volume in self
            .volumes
            .values_mut()
            .filter(|volume| volume.vmid == vmid && !volume.node.is_empty())
        {
            volume.node = node.into();
        }
        Ok(())
    }

    /// Gives a guest a further volume that is a linked clone of a template's.
    pub fn add_linked_volume(&mut self, vmid: u32, base: &str) -> Result<(), EditError> {
        let missing = || EditError(format!("volume '{base}'"));
        let mut volume = self.volumes.get(base).ok_or_else(missing)?.clone();
        volume.id = format!("{base}/{vmid}/vm-{vmid}-disk-9.qcow2");
        volume.vmid = vmid;
        volume.base = Some(base.to_owned());
        self.volumes.insert(volume.id.clone(), volume);
        Ok(())
    }

    /// Removes a guest without a task.
    pub fn remove_guest(&mut self, vmid: u32) -> Result<(), EditError> {
        if !self.guests.contains_key(&vmid) {
            return Err(missing_guest(vmid));
        }
        self.forget_guest(vmid);
        Ok(())
    }

    /// Removes a snapshot without a task.
    pub fn remove_snapshot(&mut self, vmid: u32, name: &str) -> Result<(), EditError> {
        let guest = self.guest_mut(vmid).ok_or_else(|| missing_guest(vmid))?;
        guest
            .snapshots
            .remove(name)
            .map(|_| ())
            .ok_or_else(|| EditError(format!("snapshot '{name}' of {vmid}")))
    }

    /// Changes when a snapshot was taken; `None` takes its time away.
    pub fn set_snapshot_time(
        &mut self,
        vmid: u32,
        name: &str,
        time: Option<i64>,
    ) -> Result<(), EditError> {
        let guest = self.guest_mut(vmid).ok_or_else(|| missing_guest(vmid))?;
        let snapshot = guest.snapshots.get_mut(name);
        snapshot
            .ok_or_else(|| EditError(format!("snapshot '{name}' of {vmid}")))?
            .time = time;
        Ok(())
    }

    /// Changes the description of a snapshot.
    pub fn describe_snapshot(
        &mut self,
        vmid: u32,
        name: &str,
        description: &str,
    ) -> Result<(), EditError> {
        let guest = self.guest_mut(vmid).ok_or_else(|| missing_guest(vmid))?;
        let snapshot = guest.snapshots.get_mut(name);
        snapshot
            .ok_or_else(|| EditError(format!("snapshot '{name}' of {vmid}")))?
            .description = description.into();
        Ok(())
    }

    /// Marks a snapshot as never finished (`prepare`, `delete`), or as finished.
    pub fn set_snapstate(
        &mut self,
        vmid: u32,
        name: &str,
        state: Option<&str>,
    ) -> Result<(), EditError> {
        let guest = self.guest_mut(vmid).ok_or_else(|| missing_guest(vmid))?;
        let snapshot = guest.snapshots.get_mut(name);
        snapshot
            .ok_or_else(|| EditError(format!("snapshot '{name}' of {vmid}")))?
            .state = state.map(str::to_owned);
        Ok(())
    }

    /// Makes a node answer, fall silent or go away.
    pub fn set_node(&mut self, node: &str, condition: NodeCondition) -> Result<(), EditError> {
        let found = self.nodes.get_mut(node).ok_or_else(|| missing_node(node))?;
        found.condition = condition;
        self.revision += 1;
        Ok(())
    }

    /// Takes the cluster's quorum away or gives it back.
    pub fn set_quorate(&mut self, quorate: bool) {
        self.quorate = quorate;
    }

    /// Fills a storage up to a fraction of its size, on every node that has it.
    pub fn fill_storage(&mut self, storage: &str, fraction: f64) -> Result<(), EditError> {
        let nodes: Vec<String> = self.nodes.keys().cloned().collect();
        let known = self
            .storages
            .get(storage)
            .ok_or_else(|| EditError(format!("storage '{storage}'")))?
            .clone();
        for place in if known.shared {
            vec![String::new()]
        } else {
            nodes
        } {
            let volumes: u64 = self
                .volumes
                .values()
                .filter(|volume| volume.storage == storage && volume.node == place)
                .map(|volume| volume.used)
                .sum();
            let wanted = (known.size as f64 * fraction) as u64;
            if let Some(found) = self.storages.get_mut(storage) {
                found
                    .other_use
                    .insert(place, wanted.saturating_sub(volumes));
            }
        }
        self.revision += 1;
        Ok(())
    }

    /// Adds a role with these privileges.
    pub fn add_role(&mut self, role: &str, privileges: &[&str]) {
        let privileges = privileges.iter().map(|name| (*name).to_owned()).collect();
        self.access.add_role(role, privileges);
    }

    /// Grants a role on a path to a user or a full token id.
    pub fn grant(&mut self, path: &str, who: &str, role: &str) {
        self.access.grant(path, who, role, true);
        self.revision += 1;
    }

    /// Takes every grant away from a user or a full token id.
    pub fn revoke(&mut self, who: &str) {
        self.access.list.retain(|entry| entry.who != who);
        self.revision += 1;
    }

    /// Takes one privilege out of a role of this cluster's own or of the product's.
    pub fn drop_privilege(&mut self, role: &str, privilege: &str) {
        if let Some(role) = self.access.roles.get_mut(role) {
            role.privileges.remove(privilege);
        }
        self.revision += 1;
    }

    /// Writes the comment of a pool.
    pub fn set_pool_comment(&mut self, pool: &str, comment: Option<&str>) -> Result<(), EditError> {
        let found = self
            .pools
            .get_mut(pool)
            .ok_or_else(|| EditError(format!("pool '{pool}'")))?;
        found.comment = comment.map(str::to_owned);
        Ok(())
    }

    /// Turns the datacenter's firewall switch.
    pub fn set_datacenter_firewall(&mut self, enabled: bool) {
        self.firewall.enable_datacenter(enabled);
    }
}

fn missing_guest(vmid: u32) -> EditError {
    EditError(format!("guest {vmid}"))
}

fn missing_node(node: &str) -> EditError {
    EditError(format!("node '{node}'"))
}
