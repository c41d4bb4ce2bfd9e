//! Taking, deleting and rolling back snapshots.
//!
//! Refuses to clean up after a task that was killed: its lock and its half-made entry stay, as on the real server.

use crate::simulator::gate::call::{locked, missing};
use crate::simulator::storage::{Feature, Storage, storage_of, vmstate_size};
use crate::simulator::workers::{Ending, Worker};
use crate::simulator::world::World;
use crate::simulator::world::guest::{Guest, Kind, Snapshot};

// Assumed: how long snapshots, deletions and roll-backs take.

/// Bytes of memory that are saved in a second.
const SAVE_RATE: f64 = 450.0 * 1024.0 * 1024.0;

/// A snapshot that somebody asked for.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Wanted {
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) vmid: u32,
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) name: String,
    pub(in crate::simulator) description: String,
    pub(in crate::simulator) memory: bool,
}

/// Finds a guest where it is supposed to be.
pub(in crate::simulator) fn find<'a>(
    world: &'a mut World,
    kind: Kind,
    vmid: u32,
    node: &str,
) -> Result<&'a mut Guest, String> {
    let there = world
        .guests
        .get(&vmid)
        .is_some_and(|guest| guest.kind == kind && guest.node == node);
    if !there {
        return Err(missing(kind, vmid, node));
    }
    world
        .guest_mut(vmid)
        .ok_or_else(|| missing(kind, vmid, node))
}

/// Takes a snapshot.
pub(in crate::simulator) async fn create(worker: Worker, wanted: Wanted) -> Result<(), Ending> {
    let lock = worker.lock(wanted.kind, wanted.vmid).await?;
    let prepared = worker.world(|world| prepare(world, &wanted))?;
    drop(lock);
    worker.work(0.3).await?;
    if let Some(memory) = prepared.memory {
        save_memory(&worker, &wanted, &prepared, memory).await?;
    } else if prepared.running && wanted.kind == Kind::Qemu {
        if prepared.agent {
            worker.log("issuing guest agent 'guest-fsfreeze-freeze' command");
            worker.work(0.5).await?;
        } else {
            worker.log("skipping guest filesystem freeze - disabled in VM options");
        }
    }
    for (key, volume) in &prepared.disks {
        if wanted.kind == Kind::Qemu {
            worker.log(format!("snapshotting 'drive-{key}' ({volume})"));
            if prepared.running && prepared.internal.contains(volume) {
                worker.log("internal qemu snapshot");
            }
        }
        worker.work(0.4).await?;
    }
    let lock = worker.lock(wanted.kind, wanted.vmid).await?;
    let now = worker.now();
    worker.world(|world| -> Result<(), String> {
        let guest = find(world, wanted.kind, wanted.vmid, &wanted.node)?;
        guest.config.remove("lock");
        guest.config.insert("parent".into(), wanted.name.clone());
        if let Some(snapshot) = guest.snapshots.get_mut(&wanted.name) {
            snapshot.state = None;
            snapshot.time = Some(now as i64);
        }
        Ok(())
    })?;
    drop(lock);
    Ok(())
}

struct Prepared {
    disks: Vec<(String, String)>,
    /// Volumes whose snapshots live inside of them.
    internal: Vec<String>,
    running: bool,
    agent: bool,
    memory: Option<u64>,
    state_volume: Option<String>,
}

/// Checks what is checked inside the task, then locks the guest and enters the half-made snapshot.
fn prepare(world: &mut World, wanted: &Wanted) -> Result<Prepared, String> {
    let guest = find(world, wanted.kind, wanted.vmid, &wanted.node)?;
    if guest.is_template() {
        return Err("you can't take a snapshot if it's a template".into());
    }
    if let Some(lock) = guest.lock() {
        return Err(locked(wanted.kind, lock));
    }
    if guest.snapshots.contains_key(&wanted.name) {
        return Err(format!("snapshot name '{}' already used", wanted.name));
    }
    let disks = guest.disks();
    let running = guest.run.is_up();
    // Without a process there is no memory to save; the wish is silently dropped.
    let memory = (wanted.memory && running && wanted.kind == Kind::Qemu).then(|| guest.memory());
    let agent = guest
        .config
        .get("agent")
        .is_some_and(|agent| agent.starts_with('1'));
    for (_, volume) in &disks {
        let known = world.volumes.get(volume);
        let storage = world.storages.get(storage_of(volume));
        let able = known
            .zip(storage)
            .is_some_and(|(volume, storage)| storage.can(Feature::Snapshot, volume, false));
        if !able {
            return Err("snapshot feature is not available".into());
        }
    }
    let internal = disks.iter().map(|(_, volume)| volume.clone());
    let internal = internal.filter(|id| {
        world
            .volumes
            .get(id)
            .is_some_and(|volume| volume.format == "qcow2")
    });
    let internal = internal.collect();
    let state_volume = match memory {
        Some(memory) => Some(add_state_volume(world, wanted, &disks, memory)?),
        None => None,
    };
    let guest = find(world, wanted.kind, wanted.vmid, &wanted.node)?;
    let mut config = guest.config.clone();
    let parent = config.remove("parent");
    let snapshot = Snapshot {
        time: None,
        description: wanted.description.clone(),
        parent,
        vmstate: state_volume.clone(),
        state: Some("prepare".into()),
        config,
    };
    guest.config.insert("lock".into(), "snapshot".into());
    guest.snapshots.insert(wanted.name.clone(), snapshot);
    Ok(Prepared {
        disks,
        internal,
        running,
        agent,
        memory,
        state_volume,
    })
}

/// Sets a volume aside for the memory, on the storage of the first disk.
fn add_state_volume(
    world: &mut World,
    wanted: &Wanted,
    disks: &[(String, String)],
    memory: u64,
) -> Result<String, String> {
    let name = disks
        .first()
        .map_or("local", |(_, volume)| storage_of(volume));
    let storage = world
        .storages
        .get(name)
        .ok_or_else(|| format!("storage '{name}' does not exist"))?;
    let volume = storage.state_volume(wanted.vmid, &wanted.name, &wanted.node, memory);
    let id = volume.id.clone();
    world.volumes.insert(id.clone(), volume);
    Ok(id)
}

async fn save_memory(
    worker: &Worker,
    wanted: &Wanted,
    prepared: &Prepared,
    memory: u64,
) -> Result<(), Ending> {
    let Some(volume) = &prepared.state_volume else {
        return Ok(());
    };
    let storage = storage_of(volume).to_owned();
    let path = worker.world(|world| {
        world
            .storages
            .get(&storage)
            .map(|known| known.path_of(volume))
    });
    if let Some(path) = path.filter(|path| path.starts_with("/mnt/")) {
        let size = vmstate_size(memory);
        worker.log(format!(
            "Formatting '{path}', fmt=raw size={size} preallocation=off"
        ));
    }
    worker.log(format!("saving VM state and RAM using storage '{storage}'"));
    let saved = worker.world(|world| {
        let guest = world.guests.get(&wanted.vmid);
        guest.map_or(0.0, |guest| {
            guest.load.memory_at(worker.now(), guest.started) * memory as f64
        })
    });
    let seconds = (saved / SAVE_RATE).max(1.0);
    let mut second = 0.0;
    // A line a second, and one every ten seconds after the first minute.
    while second < seconds {
        let done = saved * second / seconds;
        let shown = if second == 0.0 {
            "291.00 B".to_owned()
        } else {
            binary(done)
        };
        worker.log(format!("{shown} in {second:.0}s"));
        let step = if second < 60.0 { 1.0 } else { 10.0 };
        worker.work(step).await?;
        second += step;
    }
    worker.log(format!(
        "completed saving the VM state in {seconds:.0}s, saved {}",
        binary(saved)
    ));
    let now = worker.now() as i64;
    worker.world(|world| {
        if let Some(volume) = world.volumes.get_mut(volume) {
            volume.used = saved as u64;
            volume.made = now;
        }
    });
    Ok(())
}

/// Writes a number of bytes the way progress lines do.
pub(in crate::simulator) fn binary(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes.max(0.0);
    let mut unit = 0;
    while value >= 1024.0 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.2} {}", UNITS[unit])
}

/// A snapshot that somebody wants to delete or to go back to.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Named {
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) vmid: u32,
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) name: String,
}

impl Named {
    fn find<'a>(&self, world: &'a mut World) -> Result<&'a mut Guest, String> {
        find(world, self.kind, self.vmid, &self.node)
    }

    fn unknown(&self) -> String {
        format!("snapshot '{}' does not exist", self.name)
    }
}

/// Deletes a snapshot; its children follow its parent from then on.
pub(in crate::simulator) async fn delete(worker: Worker, named: Named) -> Result<(), Ending> {
    let migration = worker.migration_lock(named.vmid).await?;
    let lock = worker.lock(named.kind, named.vmid).await?;
    let disks = worker.world(|world| -> Result<usize, String> {
        let guest = named.find(world)?;
        if guest.is_template() {
            return Err("you can't delete a snapshot if vm is a template".into());
        }
        if !guest.snapshots.contains_key(&named.name) {
            return Err(named.unknown());
        }
        if let Some(lock) = guest.lock() {
            return Err(locked(named.kind, lock));
        }
        guest.config.insert("lock".into(), "snapshot-delete".into());
        let disks = guest.disks().len();
        if let Some(snapshot) = guest.snapshots.get_mut(&named.name) {
            snapshot.state = Some("delete".into());
        }
        Ok(disks)
    })?;
    drop(lock);
    for _ in 0..disks.max(1) {
        worker.work(1.2).await?;
    }
    let lock = worker.lock(named.kind, named.vmid).await?;
    worker.world(|world| -> Result<(), String> {
        let guest = named.find(world)?;
        let Some(gone) = guest.snapshots.remove(&named.name) else {
            return Err(named.unknown());
        };
        for snapshot in guest.snapshots.values_mut() {
            if snapshot.parent.as_deref() == Some(&named.name) {
                snapshot.parent.clone_from(&gone.parent);
            }
        }
        if guest.config.get("parent") == Some(&named.name) {
            match &gone.parent {
                Some(parent) => guest.config.insert("parent".into(), parent.clone()),
                None => guest.config.remove("parent"),
            };
        }
        guest.config.remove("lock");
        if let Some(volume) = &gone.vmstate {
            world.volumes.remove(volume);
        }
        Ok(())
    })?;
    drop(lock);
    drop(migration);
    Ok(())
}

/// Goes back to a snapshot: disks, configuration and, where it was saved, memory.
pub(in crate::simulator) async fn rollback(
    worker: Worker,
    named: Named,
    start: bool,
) -> Result<(), Ending> {
    let migration = worker.migration_lock(named.vmid).await?;
    let lock = worker.lock(named.kind, named.vmid).await?;
    let running = worker.world(|world| begin_rollback(world, &named))?;
    worker.work(0.5).await?;
    if running {
        let now = worker.now();
        worker.world(|world| named.find(world).map(|guest| guest.fall(now)))?;
        worker.work(1.0).await?;
    }
    worker.work(1.5).await?;
    let now = worker.now();
    let has_memory = worker.world(|world| restore(world, &named, now))?;
    if running {
        worker.clean_up(lock, 1.0);
    } else {
        drop(lock);
    }
    drop(migration);
    if start && !has_memory {
        let target = super::power::Target {
            kind: named.kind,
            vmid: named.vmid,
            node: named.node.clone(),
        };
        let order = crate::simulator::world::task::Order {
            node: named.node.clone(),
            kind: format!("{}start", named.kind.prefix()),
            id: named.vmid.to_string(),
            who: worker.who(),
        };
        // The start is a task of its own that may end after the roll-back did.
        worker.start_other(order, move |worker| super::power::start(worker, target));
    }
    Ok(())
}

/// Checks what is checked inside the task and locks the guest; returns whether it runs.
fn begin_rollback(world: &mut World, named: &Named) -> Result<bool, String> {
    let guest = named.find(world)?;
    if guest.is_template() {
        return Err("you can't rollback if vm is a template".into());
    }
    let Some(snapshot) = guest.snapshots.get(&named.name) else {
        return Err(named.unknown());
    };
    if let Some(state) = &snapshot.state {
        return Err(format!(
            "unable to rollback to incomplete snapshot (snapstate = {state})"
        ));
    }
    let newest = guest
        .snapshots
        .values()
        .all(|other| other.time <= snapshot.time);
    let frozen = crate::simulator::world::guest::disks_of(named.kind, &snapshot.config);
    if let Some(lock) = guest.lock() {
        return Err(locked(named.kind, lock));
    }
    for (_, volume) in &frozen {
        let strict = world
            .storages
            .get(storage_of(volume))
            .is_some_and(Storage::rolls_back_to_newest_only);
        if strict && !newest {
            return Err(format!(
                "can't rollback, '{}' is not most recent snapshot on '{volume}'",
                named.name
            ));
        }
    }
    let guest = named.find(world)?;
    guest.config.insert("lock".into(), "rollback".into());
    Ok(guest.run.is_up())
}

/// Puts the frozen configuration back; description, unused disks and disks added since stay, the latter unused.
fn restore(world: &mut World, named: &Named, now: f64) -> Result<bool, String> {
    let generation = world.uuid();
    let pid = world.chance() as u32 % 30_000 + 2000;
    let guest = named.find(world)?;
    let Some(snapshot) = guest.snapshots.get(&named.name).cloned() else {
        return Err(named.unknown());
    };
    let present = guest.config.clone();
    let added: Vec<String> = guest
        .disks()
        .into_iter()
        .map(|(_, volume)| volume)
        .filter(|volume| {
            !snapshot
                .config
                .values()
                .any(|value| value.split(',').next() == Some(volume))
        })
        .collect();
    let mut config = snapshot.config;
    config.remove("lock");
    config.remove("description");
    config.extend(
        present
            .iter()
            .filter(|(key, _)| *key == "description" || key.starts_with("unused"))
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    for volume in added {
        let number = (0..256)
            .find(|number| !config.contains_key(&format!("unused{number}")))
            .unwrap_or(0);
        config.insert(format!("unused{number}"), volume);
    }
    config.insert("parent".into(), named.name.clone());
    if config.contains_key("vmgenid") {
        config.insert("vmgenid".into(), generation);
    }
    guest.config = config;
    guest.pending.clear();
    let has_memory = snapshot.vmstate.is_some();
    if has_memory {
        guest.rise(now, pid);
    }
    Ok(has_memory)
}
