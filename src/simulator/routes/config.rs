//! Calls about configurations: reading, changing, what waits for a restart.
//!
//! Refuses to start tasks for what is done at once; disks are made and dropped on the spot.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rights::{is_card, permit_card, permit_option};
use super::snapshots::{frozen, kept};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::{split_list, split_tags};
use crate::simulator::storage::{Volume, storage_of};
use crate::simulator::world::guest::{
    Config, Guest, Kind, format_size, is_disk_key, property, typed,
};

/// Parameters that are not options.
const NOT_OPTIONS: [&str; 10] = [
    "node",
    "vmid",
    "digest",
    "delete",
    "revert",
    "skiplock",
    "force",
    "background_delay",
    "import-working-storage",
    "_dc",
];

/// Options of a running machine that take effect at once.
const LIVE: [&str; 17] = [
    "name",
    "description",
    "tags",
    "onboot",
    "protection",
    "startup",
    "shares",
    "balloon",
    "cpulimit",
    "cpuunits",
    "hookscript",
    "vmstatestorage",
    "migrate_speed",
    "migrate_downtime",
    "lock",
    "hotplug",
    "affinity",
];

pub(super) fn read(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    if let Some(name) = call.text("snapshot") {
        let snapshot = guest
            .snapshots
            .get(name)
            .ok_or_else(|| Failure::internal(format!("snapshot '{name}' does not exist")))?;
        let mut data = frozen(guest.kind, snapshot);
        data["digest"] = json!(guest.digest());
        return Ok(Reply::Data(data));
    }
    let mut config = guest.config.clone();
    if !call.flag("current").unwrap_or(false) {
        for (key, value) in &guest.pending {
            match value {
                Some(value) => config.insert(key.clone(), value.clone()),
                None => config.remove(key),
            };
        }
    }
    let mut data: Map<String, Value> = config
        .iter()
        .map(|(key, value)| (key.clone(), typed(guest.kind, key, value)))
        .collect();
    data.insert("digest".into(), json!(guest.digest()));
    Ok(Reply::Data(Value::Object(data)))
}

pub(super) fn pending(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    let mut rows: Vec<Value> = guest
        .config
        .iter()
        .map(|(key, value)| {
            let mut row = json!({ "key": key, "value": typed(guest.kind, key, value) });
            match guest.pending.get(key) {
                Some(Some(waiting)) => row["pending"] = typed(guest.kind, key, waiting),
                Some(None) => row["delete"] = json!(1),
                None => {}
            }
            row
        })
        .collect();
    let new = guest
        .pending
        .iter()
        .filter(|(key, _)| !guest.config.contains_key(*key));
    rows.extend(new.filter_map(|(key, value)| {
        value
            .as_ref()
            .map(|value| json!({ "key": key, "pending": typed(guest.kind, key, value) }))
    }));
    rows.push(json!({ "key": "digest", "value": guest.digest() }));
    Ok(Reply::Data(Value::Array(rows)))
}

pub(super) fn change(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let wanted = examine(call)?;
    apply(call, &wanted)?;
    log(call, &wanted);
    Ok(Reply::Data(Value::Null))
}

pub(super) fn change_later(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let wanted = examine(call)?;
    apply(call, &wanted)?;
    log(call, &wanted);
    if call.integer("background_delay").unwrap_or(0) > 0 {
        return Ok(Reply::Data(Value::Null));
    }
    // Assumed: the change is in force before the task says so; real ones differ by milliseconds.
    let (id, line) = (call.vmid().to_string(), wanted.line(call.vmid()));
    let upid = call.start("qmconfig", &id, move |worker| async move {
        worker.log(line);
        worker.work(0.2).await
    });
    Ok(Reply::Data(json!(upid)))
}

/// Parameters of the call that makes a guest which are not options.
const ONLY_WHEN_MADE: [&str; 9] = [
    "pool",
    "start",
    "archive",
    "storage",
    "unique",
    "bwlimit",
    "live-restore",
    "ha-managed",
    "force",
];

/// Returns the options of a guest that is to be made, as they are sent.
fn given(call: &Call<'_>) -> Vec<(String, String)> {
    call.parameters
        .iter()
        .filter(|(name, _)| {
            !NOT_OPTIONS.contains(&name.as_str()) && !ONLY_WHEN_MADE.contains(&name.as_str())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Refuses to make a guest with options, disks or cards that the caller may not give it.
pub(super) fn permit_options(
    call: &Call<'_>,
    vmid: u32,
    pool: Option<&str>,
) -> Result<(), Failure> {
    for (key, value) in given(call) {
        permit_option(call, vmid, pool, &key, Some(&value))?;
        if is_card(&key) {
            permit_card(call, &value)?;
        }
        // `STORAGE:GIGABYTES` makes a disk there.
        let is_disk = is_disk_key(&key) && !value.contains("media=cdrom");
        if let Some((storage, _)) = value.split_once(':').filter(|_| is_disk) {
            call.needs(&format!("/storage/{storage}"), "Datastore.AllocateSpace")?;
        }
    }
    Ok(())
}

/// Returns the options of a guest that is being made, its disks made on the way.
pub(super) fn options(call: &mut Call<'_>) -> Result<Config, Failure> {
    let kind = call.kind();
    given(call)
        .into_iter()
        .map(|(key, value)| Ok((key.clone(), stored(call, kind, &key, &value)?)))
        .collect()
}

/// Options to set, delete and revert.
#[derive(Debug, Default)]
struct Wanted {
    set: BTreeMap<String, String>,
    delete: Vec<String>,
    revert: Vec<String>,
}

impl Wanted {
    /// Returns the line that logs show.
    fn line(&self, vmid: u32) -> String {
        let set: Vec<String> = self
            .set
            .iter()
            .map(|(key, value)| format!("-{key} {value}"))
            .collect();
        let mut text = set.join(" ");
        if !self.delete.is_empty() {
            text = format!("{text} -delete {}", self.delete.join(","));
        }
        format!("update VM {vmid}: {}", text.trim())
    }
}

/// Checks everything that is checked before the change.
fn examine(call: &Call<'_>) -> Result<Wanted, Failure> {
    call.quorum()?;
    let wanted = Wanted {
        set: call
            .parameters
            .iter()
            .filter(|(name, _)| !NOT_OPTIONS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        delete: split_list(call.text("delete").unwrap_or("")),
        revert: split_list(call.text("revert").unwrap_or("")),
    };
    if call.text("skiplock").is_some() && !call.caller.is_root() {
        return Err(Failure::parameter(
            "skiplock",
            "Only root may use this option.",
        ));
    }
    if wanted.set.is_empty() && wanted.delete.is_empty() && wanted.revert.is_empty() {
        return Err(Failure::internal("no options specified"));
    }
    let touched = || wanted.set.keys().chain(&wanted.delete);
    for option in ["lock", "args"] {
        if touched().any(|key| key == option) && !call.caller.is_root() {
            return Err(Failure::internal(format!(
                "only root can set '{option}' config"
            )));
        }
    }
    for key in touched() {
        permit_option(call, call.vmid(), None, key, wanted.set.get(key))?;
    }
    let guest = call.guest()?;
    check_bridges(call, guest, &wanted)?;
    call.lock_is_free()?;
    check_digest(call, guest)?;
    Call::unlocked(guest)?;
    Ok(wanted)
}

fn check_digest(call: &Call<'_>, guest: &Guest) -> Result<(), Failure> {
    let Some(digest) = call.text("digest") else {
        return Ok(());
    };
    if digest == guest.digest() {
        return Ok(());
    }
    Err(Failure::internal(match guest.kind {
        Kind::Qemu => "checksum mismatch (file change by other user?)",
        Kind::Lxc => "detected modified configuration - file changed by other user? Try again.",
    }))
}

/// Changing a card needs the right to use its bridge, the old one as well as the new one.
fn check_bridges(call: &Call<'_>, guest: &Guest, wanted: &Wanted) -> Result<(), Failure> {
    let keys = wanted.set.keys().chain(&wanted.delete);
    for key in keys.filter(|key| is_card(key)) {
        let values = [guest.config.get(key), wanted.set.get(key)];
        for value in values.into_iter().flatten() {
            permit_card(call, value)?;
        }
    }
    Ok(())
}

fn apply(call: &mut Call<'_>, wanted: &Wanted) -> Result<(), Failure> {
    let vmid = call.vmid();
    let (kind, running) = {
        let guest = call.guest()?;
        (guest.kind, guest.run.is_up())
    };
    let mut changes: Vec<(String, Option<String>)> = Vec::new();
    for (key, value) in &wanted.set {
        changes.push((key.clone(), Some(stored(call, kind, key, value)?)));
    }
    for key in &wanted.delete {
        drop_disk(call, vmid, key, &mut changes);
        changes.push((key.clone(), None));
    }
    let Some(guest) = call.world.guest_mut(vmid) else {
        return Ok(());
    };
    for key in &wanted.revert {
        guest.pending.remove(key);
    }
    for (key, value) in changes {
        let waits = running && kind == Kind::Qemu && !is_live(guest, &key, value.as_deref());
        if waits && guest.config.get(&key) != value.as_ref() {
            guest.pending.insert(key, value);
            continue;
        }
        guest.pending.remove(&key);
        match value {
            Some(value) => guest.config.insert(key, value),
            None => guest.config.remove(&key),
        };
    }
    Ok(())
}

/// Tells whether a new value of an option of a running machine takes effect at once.
fn is_live(guest: &Guest, key: &str, value: Option<&str>) -> bool {
    if is_card(key) {
        return is_plugged(guest) || stays_the_same_card(guest.config.get(key), value);
    }
    LIVE.contains(&key) || key.starts_with("unused") || is_disk_key(key)
}

/// Tells whether cards may be pulled out of a running machine and put into it.
///
/// Assumed from the documentation of `hotplug`: no recording has it without `network`.
fn is_plugged(guest: &Guest) -> bool {
    let hotplug = guest.config.get("hotplug").map_or("1", String::as_str);
    hotplug == "1" || split_list(hotplug).iter().any(|each| each == "network")
}

/// Tells whether what the guest sees of a card stays; its bridge and its firewall are the host's.
fn stays_the_same_card(old: Option<&String>, new: Option<&str>) -> bool {
    let (Some(old), Some(new)) = (old, new) else {
        return false;
    };
    let hardware = |card: &str| card.split(',').next().map(str::to_owned);
    let is_bridged = |card: &str| property(card, "bridge").is_some();
    hardware(old) == hardware(new)
        && ["queues", "mtu"]
            .iter()
            .all(|it| property(old, it) == property(new, it))
        && is_bridged(old)
        && is_bridged(new)
}

/// Returns an option as the file keeps it.
fn stored(call: &mut Call<'_>, kind: Kind, key: &str, value: &str) -> Result<String, Failure> {
    if key == "tags" {
        return Ok(normal_tags(value));
    }
    if key == "description" {
        return Ok(kept(kind, value));
    }
    if key.starts_with("net") && key != "netout" {
        return Ok(card(call, kind, value));
    }
    if (is_disk_key(key) || key == "rootfs" || key.starts_with("mp"))
        && !value.contains("media=cdrom")
    {
        return disk(call, value);
    }
    if key == "memory" {
        return Ok(value.strip_prefix("current=").unwrap_or(value).to_owned());
    }
    Ok(value.to_owned())
}

/// Tags are kept in lower case, sorted, once each; none at all leaves a blank, as recorded.
pub(super) fn normal_tags(value: &str) -> String {
    let mut tags: Vec<String> = split_tags(value)
        .into_iter()
        .map(|tag| tag.to_lowercase())
        .collect();
    tags.sort();
    tags.dedup();
    if tags.is_empty() {
        " ".to_owned()
    } else {
        tags.join(";")
    }
}

/// Models of network cards that a card's first property may name.
const CARD_MODELS: [&str; 6] = [
    "virtio", "e1000", "e1000e", "rtl8139", "vmxnet3", "ne2k_pci",
];

/// A card without an address gets a new one; the model comes first, the rest in order.
fn card(call: &mut Call<'_>, kind: Kind, value: &str) -> String {
    let mut parts: BTreeMap<String, String> = value
        .split(',')
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(key, text)| (key.to_owned(), text.to_owned()))
        .collect();
    if kind == Kind::Lxc {
        let name = parts.remove("name").unwrap_or_else(|| "eth0".into());
        if !parts.contains_key("hwaddr") {
            parts.insert("hwaddr".into(), call.world.hardware_address());
        }
        parts.entry("type".into()).or_insert_with(|| "veth".into());
        let rest: Vec<String> = parts
            .iter()
            .map(|(key, text)| format!("{key}={text}"))
            .collect();
        return format!("name={name},{}", rest.join(","));
    }
    let model = parts.remove("model").or_else(|| {
        CARD_MODELS
            .iter()
            .find(|model| parts.contains_key(**model))
            .map(|model| (*model).to_owned())
    });
    let model = model.unwrap_or_else(|| "virtio".into());
    let mut address = parts.remove(&model).unwrap_or_default();
    if let Some(given) = parts.remove("macaddr") {
        address = given;
    }
    if address.is_empty() {
        address = call.world.hardware_address();
    }
    let rest = parts.iter().fold(String::new(), |rest, (key, text)| {
        format!("{rest},{key}={text}")
    });
    format!("{model}={}{rest}", address.to_uppercase())
}

/// `STORAGE:GIGABYTES` makes a new disk, anything else names one that exists.
fn disk(call: &mut Call<'_>, value: &str) -> Result<String, Failure> {
    let (first, options) = value
        .split_once(',')
        .map_or((value, ""), |(first, rest)| (first, rest));
    let first = first.strip_prefix("file=").unwrap_or(first);
    let gigabytes: Option<f64> = first
        .split_once(':')
        .and_then(|(_, size)| size.parse().ok());
    let Some(gigabytes) = gigabytes else {
        let known =
            call.world.volumes.contains_key(first) || first == "none" || first.starts_with('/');
        return if known {
            Ok(value.to_owned())
        } else {
            Err(no_volume(call, first))
        };
    };
    let (vmid, node, now) = (call.vmid(), call.node_name().to_owned(), call.now);
    let name = storage_of(first).to_owned();
    call.needs(&format!("/storage/{name}"), "Datastore.AllocateSpace")?;
    let number = free_number(call, vmid);
    let storage = usable_storage(call, &name, &node)?;
    // A new disk is raw unless the request says otherwise, even where qcow2 is possible, as recorded.
    let format = property(options, "format").unwrap_or_else(|| "raw".to_owned());
    let size = (gigabytes * f64::from(1 << 30)) as u64;
    let volume = Volume {
        id: storage.volume_id(vmid, &format!("vm-{vmid}-disk-{number}"), &format),
        storage: name,
        node: if storage.shared { String::new() } else { node },
        vmid,
        format,
        size,
        used: 200_704,
        base: None,
        made: now as i64,
    };
    let id = volume.id.clone();
    call.world.volumes.insert(id.clone(), volume);
    let kept = options
        .split(',')
        .filter(|part| !part.is_empty() && !part.starts_with("format="));
    let rest = kept.fold(String::new(), |rest, part| format!("{rest},{part}"));
    Ok(format!("{id}{rest},size={}", format_size(size)))
}

fn no_volume(call: &Call<'_>, volume: &str) -> Failure {
    let storage = storage_of(volume);
    if call.world.storages.contains_key(storage) {
        Failure::internal(format!("volume '{volume}' does not exist"))
    } else {
        Failure::internal(format!("storage '{storage}' does not exist"))
    }
}

/// Finds a storage that a node can use.
pub(super) fn usable_storage<'a>(
    call: &'a Call<'_>,
    name: &str,
    node: &str,
) -> Result<&'a crate::simulator::storage::Storage, Failure> {
    let storage = call
        .world
        .storages
        .get(name)
        .ok_or_else(|| Failure::internal(format!("storage '{name}' does not exist")))?;
    if storage.is_on(node) {
        Ok(storage)
    } else {
        Err(Failure::internal(format!(
            "storage '{name}' is not available on node '{node}'"
        )))
    }
}

/// Returns the first number that no disk of a guest has.
fn free_number(call: &Call<'_>, vmid: u32) -> u32 {
    let taken = |number: u32| {
        let part = format!("-{vmid}-disk-{number}");
        call.world.volumes_of(vmid).any(|volume| {
            volume
                .id
                .split(['.', '/'])
                .any(|piece| piece.ends_with(&part))
        })
    };
    (0..1000).find(|number| !taken(*number)).unwrap_or(1000)
}

/// A disk that is taken out stays as an unused one; an unused one that is deleted is gone.
fn drop_disk(
    call: &mut Call<'_>,
    vmid: u32,
    key: &str,
    changes: &mut Vec<(String, Option<String>)>,
) {
    let config: Config = call
        .guest()
        .map(|guest| guest.config.clone())
        .unwrap_or_default();
    let Some(value) = config.get(key) else { return };
    let volume = value.split(',').next().unwrap_or("").to_owned();
    if key.starts_with("unused") {
        call.world.volumes.remove(&volume);
    } else if is_disk_key(key)
        && call
            .world
            .volumes
            .get(&volume)
            .is_some_and(|known| known.vmid == vmid)
    {
        let taken = |number: &u32| {
            let name = format!("unused{number}");
            config.contains_key(&name) || changes.iter().any(|(key, _)| *key == name)
        };
        let number = (0..256).find(|number| !taken(number)).unwrap_or(0);
        changes.push((format!("unused{number}"), Some(volume)));
    }
}

fn log(call: &mut Call<'_>, wanted: &Wanted) {
    let (node, who, line) = (
        call.node_name().to_owned(),
        call.caller.who.clone(),
        wanted.line(call.vmid()),
    );
    call.world.note(call.now as i64, &node, &who, 6, line);
}
