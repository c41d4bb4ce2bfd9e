//! Cloning guests, fully or linked, with the progress lines of every disk.
//!
//! Refuses to leave a half-made guest behind: a failed clone removes its target.

use crate::simulator::gate::call::missing;
use crate::simulator::storage::{Feature, Storage, Volume, is_base, storage_of};
use crate::simulator::workers::{Ending, Worker};
use crate::simulator::world::World;
use crate::simulator::world::guest::{
    Config, Guest, Kind, RunState, disks_of, format_size, property,
};

// Assumed: how fast disks are copied; the lines that say so are as recorded.

/// Bytes that are copied in a second.
const COPY_RATE: f64 = 600.0 * 1024.0 * 1024.0;
/// Percent between two progress lines.
const PROGRESS_STEP: f64 = 1.5;

/// A clone that somebody asked for.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Wanted {
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) source: u32,
    pub(in crate::simulator) node: String,
    pub(in crate::simulator) target: u32,
    pub(in crate::simulator) target_node: String,
    pub(in crate::simulator) name: Option<String>,
    pub(in crate::simulator) description: Option<String>,
    pub(in crate::simulator) pool: Option<String>,
    pub(in crate::simulator) snapshot: Option<String>,
    pub(in crate::simulator) storage: Option<String>,
    pub(in crate::simulator) format: Option<String>,
    pub(in crate::simulator) full: bool,
    /// Bytes a second, where limited.
    pub(in crate::simulator) limit: Option<f64>,
}

/// Clones a guest.
pub(in crate::simulator) async fn clone(worker: Worker, wanted: Wanted) -> Result<(), Ending> {
    let running = worker.world(|world| {
        world
            .guests
            .get(&wanted.source)
            .is_some_and(|guest| guest.run.is_up())
    });
    // Copies of a stopped guest do not mind each other; a running one is held alone, and briefly waited for.
    let lock = if running {
        worker
            .lock_within(wanted.kind, wanted.source, false, 1.0)
            .await?
    } else {
        worker.lock_shared(wanted.kind, wanted.source).await?
    };
    worker.world(|world| reserve(world, &wanted))?;
    let own = worker.lock(wanted.kind, wanted.target).await?;
    let result = copy(&worker, &wanted, running).await;
    match result {
        Ok(()) => {
            let now = worker.now();
            worker.world(|world| complete(world, &wanted, now))?;
            drop((lock, own));
            Ok(())
        }
        Err(Ending::Vanished) => Err(Ending::Vanished),
        Err(other) => {
            worker.world(|world| world.forget_guest(wanted.target));
            drop((lock, own));
            Err(match other {
                Ending::Error(message) => Ending::Error(format!("clone failed: {message}")),
                Ending::Interrupted => Ending::Error(interrupted(&worker, &wanted)),
                Ending::Vanished => Ending::Vanished,
            })
        }
    }
}

/// A killed copy says which command was interrupted.
fn interrupted(worker: &Worker, wanted: &Wanted) -> String {
    let volume = worker.world(|world| {
        let guest = world.guests.get(&wanted.source)?;
        guest.disks().first().map(|(_, volume)| volume.clone())
    });
    let file = volume
        .as_deref()
        .and_then(|volume| volume.split_once(':'))
        .map_or("", |(_, file)| file);
    format!(
        "clone failed: copy failed: command '/usr/bin/qemu-img convert -p -n -f qcow2 -O qcow2 {file}' failed: \
         interrupted by signal"
    )
}

/// Enters the target as a locked shell, so that its id is taken.
fn reserve(world: &mut World, wanted: &Wanted) -> Result<(), String> {
    if world.guests.contains_key(&wanted.target) {
        return Err(format!(
            "unable to create VM {}: config file already exists",
            wanted.target
        ));
    }
    let source = world
        .guests
        .get(&wanted.source)
        .filter(|guest| guest.node == wanted.node)
        .cloned()
        .ok_or_else(|| missing(wanted.kind, wanted.source, &wanted.node))?;
    let incarnation = world.next_incarnation();
    world.revision += 1;
    let verb = if wanted.kind == Kind::Qemu {
        "qmclone"
    } else {
        "vzclone"
    };
    let config = Config::from([
        (
            "lock".to_owned(),
            if wanted.kind == Kind::Qemu {
                "clone"
            } else {
                "create"
            }
            .to_owned(),
        ),
        ("description".to_owned(), format!(" {verb} temporary file")),
    ]);
    let target = Guest {
        vmid: wanted.target,
        node: wanted.target_node.clone(),
        config,
        pending: std::collections::BTreeMap::new(),
        snapshots: std::collections::BTreeMap::new(),
        run: RunState::Stopped,
        started: 0.0,
        pid: 0,
        runs: Vec::new(),
        ha: false,
        incarnation,
        revision: world.revision,
        ..source
    };
    world.guests.insert(wanted.target, target);
    Ok(())
}

async fn copy(worker: &Worker, wanted: &Wanted, running: bool) -> Result<(), Ending> {
    if wanted.kind == Kind::Qemu {
        worker.log(format!(
            "creating a clone of VM {} with ID {}",
            wanted.source, wanted.target
        ));
    }
    let frozen = worker.world(|world| source_config(world, wanted))?;
    let disks = disks_of(wanted.kind, &frozen);
    for (number, (key, volume)) in disks.iter().enumerate() {
        let linked = !wanted.full && worker.world(|world| can_link(world, wanted, volume));
        if linked {
            link_disk(worker, wanted, key, volume, number).await?;
        } else {
            copy_disk(
                worker,
                wanted,
                key,
                volume,
                number,
                running && wanted.snapshot.is_none(),
            )
            .await?;
        }
    }
    if running && wanted.kind == Kind::Qemu && wanted.full && wanted.snapshot.is_none() {
        worker.log("all 'mirror' jobs are ready");
        worker.log("skipping guest filesystem freeze - disabled in VM options");
        worker.log("suspend vm");
        for (key, _) in &disks {
            worker.log(format!("mirror-{key}: Cancelling block job"));
            worker.log(format!("mirror-{key}: Done."));
        }
        worker.log("resume vm");
    }
    worker.work(0.3).await
}

/// Returns the configuration that is copied: the present one or a snapshot's.
fn source_config(world: &World, wanted: &Wanted) -> Result<Config, String> {
    let guest = world
        .guests
        .get(&wanted.source)
        .ok_or_else(|| missing(wanted.kind, wanted.source, &wanted.node))?;
    match &wanted.snapshot {
        None => Ok(guest.config.clone()),
        Some(name) => guest
            .snapshots
            .get(name)
            .map(|snapshot| snapshot.config.clone())
            .ok_or_else(|| format!("snapshot '{name}' does not exist")),
    }
}

fn can_link(world: &World, wanted: &Wanted, volume: &str) -> bool {
    let known = world
        .volumes
        .get(volume)
        .zip(world.storages.get(storage_of(volume)));
    known.is_some_and(|(volume, storage)| {
        storage.can(Feature::Clone, volume, wanted.snapshot.is_some())
    })
}

/// Returns the volume's place on its target storage: storage, id, format and size.
fn target_volume(
    world: &World,
    wanted: &Wanted,
    volume: &str,
    number: usize,
) -> Result<(Storage, String, String, u64), String> {
    let known = world
        .volumes
        .get(volume)
        .ok_or_else(|| format!("volume '{volume}' does not exist"))?;
    let name = wanted
        .storage
        .as_deref()
        .filter(|_| wanted.full)
        .unwrap_or(storage_of(volume));
    let storage = world
        .storages
        .get(name)
        .ok_or_else(|| format!("storage '{name}' does not exist"))?;
    let format = match (&wanted.format, storage.usual_format()) {
        (Some(format), "qcow2") => format.clone(),
        (None, "qcow2") => known.format.clone(),
        (_, usual) => usual.to_owned(),
    };
    let id = storage.volume_id(
        wanted.target,
        &format!("vm-{}-disk-{number}", wanted.target),
        &format,
    );
    if wanted.full && world.used(storage, &wanted.target_node) + known.used > storage.size {
        return Err(format!(
            "copy failed: storage '{name}' is full: No space left on device"
        ));
    }
    Ok((storage.clone(), id, format, known.size))
}

fn enter_volume(
    worker: &Worker,
    wanted: &Wanted,
    storage: &Storage,
    id: &str,
    format: &str,
    size: u64,
    base: Option<&str>,
) {
    let now = worker.now() as i64;
    let volume = Volume {
        id: id.to_owned(),
        storage: storage.name.clone(),
        node: storage.place_of(&wanted.target_node).to_owned(),
        vmid: wanted.target,
        format: format.to_owned(),
        size,
        used: if base.is_some() { 528_384 } else { size / 3 },
        base: base.map(str::to_owned),
        made: now,
    };
    worker.world(|world| world.volumes.insert(id.to_owned(), volume));
}

async fn link_disk(
    worker: &Worker,
    wanted: &Wanted,
    key: &str,
    volume: &str,
    number: usize,
) -> Result<(), Ending> {
    let (storage, id, format, size) =
        worker.world(|world| target_volume(world, wanted, volume, number))?;
    worker.log(format!("create linked clone of drive {key} ({volume})"));
    let base = volume.split_once(':').map_or(volume, |(_, file)| file);
    let (own, file) = (
        id.split_once(':').map_or(id.as_str(), |(_, own)| own),
        storage.path_of(&id),
    );
    let own_file = own.rsplit('/').next().unwrap_or(own);
    if format == "qcow2" {
        worker.log(format!(
            "clone {base}: images, {own_file}, {} to {own_file} (base=../{base})",
            wanted.target
        ));
        worker.log(format!(
            "Formatting '{file}', fmt=qcow2 cluster_size=131072 extended_l2=on preallocation=metadata \
             compression_type=zlib size={size} backing_file=../{base} backing_fmt=qcow2 lazy_refcounts=off \
             refcount_bits=16"
        ));
    }
    worker.work(0.5).await?;
    let linked = if is_base(volume) {
        format!("{volume}/{own}")
    } else {
        id
    };
    enter_volume(
        worker,
        wanted,
        &storage,
        &linked,
        &format,
        size,
        Some(volume),
    );
    Ok(())
}

async fn copy_disk(
    worker: &Worker,
    wanted: &Wanted,
    key: &str,
    volume: &str,
    number: usize,
    live: bool,
) -> Result<(), Ending> {
    let (storage, id, format, size) =
        worker.world(|world| target_volume(world, wanted, volume, number))?;
    let refused = wanted.snapshot.is_some()
        && worker.world(|world| {
            let known = world
                .volumes
                .get(volume)
                .zip(world.storages.get(storage_of(volume)));
            !known.is_some_and(|(volume, storage)| storage.can(Feature::Copy, volume, true))
        });
    if refused {
        return Err(format!("Full clone feature is not supported for drive '{key}'").into());
    }
    worker.log(format!("create full clone of drive {key} ({volume})"));
    if format == "qcow2" {
        worker.log(format!(
            "Formatting '{}', fmt=qcow2 cluster_size=65536 extended_l2=off preallocation=metadata \
             compression_type=zlib size={size} lazy_refcounts=off refcount_bits=16",
            storage.path_of(&id)
        ));
        worker.log(format!("allocated target volume '{id}'"));
    }
    enter_volume(worker, wanted, &storage, &id, &format, size, None);
    let seconds = size as f64 / wanted.limit.unwrap_or(COPY_RATE).max(1.0);
    let total = short(size as f64);
    if live {
        worker.log(format!("drive mirror is starting for drive-{key}"));
    }
    let mut percent = 0.0;
    while percent < 100.0 {
        let done = short(size as f64 * percent / 100.0);
        if live {
            let elapsed = seconds * percent / 100.0;
            worker.log(format!(
                "mirror-{key}: transferred {done} of {total} ({percent:.2}%) in {elapsed:.0}s"
            ));
        } else {
            worker.log(format!("transferred {done} of {total} ({percent:.2}%)"));
        }
        worker.work(seconds * PROGRESS_STEP / 100.0).await?;
        percent += PROGRESS_STEP;
    }
    if live {
        worker.log(format!(
            "mirror-{key}: transferred {total} of {total} (100.00%) in {seconds:.0}s, ready"
        ));
    } else {
        worker.log(format!("transferred {total} of {total} (100.00%)"));
        worker.log(format!("transferred {total} of {total} (100.00%)"));
    }
    Ok(())
}

/// Writes a number of bytes the way copies do.
fn short(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes.max(0.0), 0);
    while value >= 1024.0 && unit < UNITS.len() - 1 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Writes the target's real configuration, copies the firewall file, and only now lets it join its pool.
fn complete(world: &mut World, wanted: &Wanted, now: f64) -> Result<(), String> {
    let mut config = source_config(world, wanted)?;
    let source_name = world
        .guests
        .get(&wanted.source)
        .map(Guest::name)
        .unwrap_or_default();
    for key in [
        "parent",
        "lock",
        "template",
        "vmstate",
        "runningmachine",
        "snaptime",
    ] {
        config.remove(key);
    }
    config.retain(|key, _| !key.starts_with("unused"));
    let (name_key, usual) = match wanted.kind {
        Kind::Qemu => ("name", format!("Copy-of-VM-{source_name}")),
        Kind::Lxc => ("hostname", source_name),
    };
    config.insert(name_key.into(), wanted.name.clone().unwrap_or(usual));
    if let Some(description) = &wanted.description {
        let text = crate::simulator::routes::kept_description(wanted.kind, description);
        config.insert("description".into(), text);
    }
    if wanted.kind == Kind::Qemu {
        config.insert("smbios1".into(), format!("uuid={}", world.uuid()));
        if config.contains_key("vmgenid") {
            config.insert("vmgenid".into(), world.uuid());
        }
    }
    rename_disks(world, wanted, &mut config);
    renew_addresses(world, wanted.kind, &mut config);
    let incarnation = world
        .guests
        .get(&wanted.target)
        .map(|guest| guest.incarnation);
    let Some(target) = world.guest_mut(wanted.target) else {
        return Err("target vanished".into());
    };
    target.config = config;
    target.born = now;
    target.incarnation = incarnation.unwrap_or(target.incarnation);
    world.firewall.copy(wanted.source, wanted.target);
    if let Some(pool) = wanted
        .pool
        .as_ref()
        .and_then(|pool| world.pools.get_mut(pool))
    {
        pool.guests.insert(wanted.target);
    }
    Ok(())
}

fn rename_disks(world: &World, wanted: &Wanted, config: &mut Config) {
    let volumes: Vec<(String, u64)> = world
        .volumes_of(wanted.target)
        .map(|volume| (volume.id.clone(), volume.size))
        .collect();
    for (number, (key, _)) in disks_of(wanted.kind, config).into_iter().enumerate() {
        let part = format!("-{}-disk-{number}", wanted.target);
        let own = volumes.iter().find(|(id, _)| {
            id.rsplit(['/', ':']).next().is_some_and(|file| {
                file.split('.')
                    .next()
                    .is_some_and(|stem| stem.ends_with(&part))
            })
        });
        let Some((id, size)) = own else { continue };
        let value = config.get(&key).cloned().unwrap_or_default();
        let size = format!("size={}", format_size(*size));
        let options = value.split(',').skip(1);
        let kept = options.filter(|piece| !piece.starts_with("size="));
        let pieces: Vec<&str> = std::iter::once(id.as_str())
            .chain(kept)
            .chain([size.as_str()])
            .collect();
        config.insert(key, pieces.join(","));
    }
}

fn renew_addresses(world: &mut World, kind: Kind, config: &mut Config) {
    let cards: Vec<String> = config
        .keys()
        .filter(|key| {
            key.strip_prefix("net")
                .is_some_and(|number| number.parse::<u32>().is_ok())
        })
        .cloned()
        .collect();
    for key in cards {
        let Some(value) = config.get(&key).cloned() else {
            continue;
        };
        let old = match kind {
            Kind::Qemu => value
                .split(',')
                .next()
                .and_then(|model| model.split_once('='))
                .map(|(_, old)| old.to_owned()),
            Kind::Lxc => property(&value, "hwaddr"),
        };
        if let Some(old) = old.filter(|old| !old.is_empty()) {
            config.insert(key, value.replace(&old, &world.hardware_address()));
        }
    }
}
