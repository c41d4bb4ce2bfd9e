//! Making, growing and destroying guests, and turning them into templates.
//!
//! Refuses to destroy what others depend on: a template's disk with linked clones stays, as on the real server.

use std::collections::{BTreeMap, BTreeSet};

use super::power::Target;
use super::snapshot::find;
use crate::simulator::gate::call::locked;
use crate::simulator::storage::{Feature, is_base, storage_of};
use crate::simulator::workers::{Ending, Worker};
use crate::simulator::world::World;
use crate::simulator::world::guest::{Config, Guest, Kind, format_size, property};

/// How thoroughly a guest is destroyed.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulator) struct Thoroughness {
    /// Whether a running container is stopped for it.
    pub(in crate::simulator) force: bool,
    /// Whether volumes go too that carry its number without standing in its configuration.
    pub(in crate::simulator) unreferenced: bool,
}

/// Destroys a stopped guest.
///
/// Assumed, as no recording looks in between: disks go first, and until the configuration goes too
/// nothing but the lock `destroyed` (API.md §6) stands in it.
pub(in crate::simulator) async fn destroy(
    worker: Worker,
    target: Target,
    how: Thoroughness,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    let now = worker.now();
    worker.world(|world| -> Result<(), String> {
        let guest = find(world, target.kind, target.vmid, &target.node)?;
        // A clone's half-made target can be destroyed: its lock does not protect it once the copy is done.
        if let Some(lock) = guest.lock() {
            return Err(locked(target.kind, lock));
        }
        if guest.run.is_up() && how.force {
            guest.fall(now);
        } else if guest.run.is_up() {
            return Err(running(target.kind, target.vmid));
        }
        let own: Vec<String> = world
            .volumes_of(target.vmid)
            .map(|volume| volume.id.clone())
            .collect();
        let used = world
            .volumes
            .values()
            .find_map(|volume| volume.base.clone().filter(|base| own.contains(base)));
        used.map_or(Ok(()), |base| {
            Err(format!(
                "base volume '{base}' is still in use by linked cloned"
            ))
        })
    })?;
    worker.work(0.7).await?;
    worker.world(|world| -> Result<(), String> {
        let guest = find(world, target.kind, target.vmid, &target.node)?;
        let named = volumes_in(guest);
        guest.config = Config::from([("lock".into(), "destroyed".into())]);
        guest.pending.clear();
        guest.snapshots.clear();
        world.volumes.retain(|id, volume| {
            volume.vmid != target.vmid || !(how.unreferenced || named.contains(id))
        });
        Ok(())
    })?;
    worker.work(0.3).await?;
    worker.world(|world| world.forget_config(target.vmid));
    drop(lock);
    Ok(())
}

/// Says that a guest runs; of containers no recording shows it, and the words are assumed.
pub(in crate::simulator) fn running(kind: Kind, vmid: u32) -> String {
    match kind {
        Kind::Qemu => format!("VM {vmid} is running - destroy failed"),
        Kind::Lxc => format!("unable to destroy CT {vmid} - container is running"),
    }
}

/// Returns whatever could be a volume in a guest's configuration and in those of its snapshots.
fn volumes_in(guest: &Guest) -> BTreeSet<String> {
    let frozen = guest.snapshots.values();
    let states = frozen
        .clone()
        .filter_map(|snapshot| snapshot.vmstate.clone());
    frozen
        .map(|snapshot| &snapshot.config)
        .chain([&guest.config])
        .flat_map(Config::values)
        .filter_map(|value| value.split(',').next().map(str::to_owned))
        .chain(states)
        .collect()
}

/// Grows a disk.
pub(in crate::simulator) async fn resize(
    worker: Worker,
    target: Target,
    disk: String,
    size: String,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    worker.work(0.4).await?;
    worker.world(|world| -> Result<(), String> {
        let guest = find(world, target.kind, target.vmid, &target.node)?;
        if let Some(lock) = guest.lock() {
            return Err(locked(target.kind, lock));
        }
        let value = guest
            .config
            .get(&disk)
            .cloned()
            .ok_or_else(|| format!("disk '{disk}' does not exist"))?;
        let volume = value.split(',').next().unwrap_or("").to_owned();
        let known = world
            .volumes
            .get_mut(&volume)
            .ok_or_else(|| format!("disk '{disk}' does not exist"))?;
        let wanted =
            crate::simulator::world::guest::parse_size(size.trim_start_matches('+')).unwrap_or(0);
        let wanted = if size.starts_with('+') {
            known.size + wanted
        } else {
            wanted
        };
        if wanted < known.size {
            return Err("shrinking disks is not supported".into());
        }
        known.size = wanted;
        let old = property(&value, "size").unwrap_or_default();
        let guest = find(world, target.kind, target.vmid, &target.node)?;
        guest.config.insert(
            disk,
            value.replace(
                &format!("size={old}"),
                &format!("size={}", format_size(wanted)),
            ),
        );
        Ok(())
    })?;
    drop(lock);
    Ok(())
}

/// Turns a stopped guest into a template: its disks become base images.
pub(in crate::simulator) async fn template(worker: Worker, target: Target) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    worker.work(1.0).await?;
    worker.world(|world| make_template(world, &target))?;
    drop(lock);
    Ok(())
}

fn make_template(world: &mut World, target: &Target) -> Result<(), String> {
    let guest = find(world, target.kind, target.vmid, &target.node)?;
    let disks = guest.disks();
    let mut renamed = BTreeMap::new();
    for (_, id) in &disks {
        let able = world
            .volumes
            .get(id)
            .zip(world.storages.get(storage_of(id)))
            .is_some_and(|(volume, storage)| storage.can(Feature::Template, volume, false));
        if !able && !is_base(id) {
            return Err(format!("volume '{id}' does not support template/clone"));
        }
        let old = format!("vm-{}-", target.vmid);
        renamed.insert(
            id.clone(),
            id.replace(&old, &format!("base-{}-", target.vmid)),
        );
    }
    for (old, new) in &renamed {
        if let Some(mut volume) = world.volumes.remove(old) {
            volume.id.clone_from(new);
            world.volumes.insert(new.clone(), volume);
        }
    }
    let guest = find(world, target.kind, target.vmid, &target.node)?;
    for value in guest.config.values_mut() {
        for (old, new) in &renamed {
            if value.split(',').next() == Some(old.as_str()) {
                *value = value.replacen(old.as_str(), new, 1);
            }
        }
    }
    guest.config.insert("template".into(), "1".into());
    Ok(())
}

/// Finishes a guest whose configuration was written when the request came.
pub(in crate::simulator) async fn create(
    worker: Worker,
    target: Target,
    start: bool,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    let disks: Vec<(String, String)> = worker.world(|world| {
        find(world, target.kind, target.vmid, &target.node).map(|guest| {
            let keys = guest.disks();
            keys.into_iter()
                .filter_map(|(key, _)| Some((key.clone(), guest.config.get(&key)?.clone())))
                .collect()
        })
    })?;
    for (key, value) in disks {
        if target.kind == Kind::Qemu {
            worker.log(format!("{key}: successfully created disk '{value}'"));
        }
        worker.work(0.5).await?;
    }
    worker.world(|world| {
        find(world, target.kind, target.vmid, &target.node).map(|guest| guest.config.remove("lock"))
    })?;
    drop(lock);
    if start {
        let order = crate::simulator::world::task::Order {
            node: target.node.clone(),
            kind: format!("{}start", target.kind.prefix()),
            id: target.vmid.to_string(),
            who: worker.who(),
        };
        worker.start_other(order, move |worker| super::power::start(worker, target));
    }
    Ok(())
}
