//! Calls about configurations: reading, changing, what waits for a restart.
//!
//! Refuses to start tasks for what is done at once; disks are made and dropped on the spot.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::devices::{drop_disk, stored};
use super::rights::{is_card, permit_card, permit_option};
use super::snapshots::frozen;
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_list;
use crate::simulator::world::guest::{Config, Guest, Kind, is_disk_key, property, typed};

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

fn log(call: &mut Call<'_>, wanted: &Wanted) {
    let (node, who, line) = (
        call.node_name().to_owned(),
        call.caller.who.clone(),
        wanted.line(call.vmid()),
    );
    call.world.note(call.now as i64, &node, &who, 6, line);
}
