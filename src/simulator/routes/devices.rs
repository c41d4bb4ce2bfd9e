//! What a configuration's values come to when they are written: tags in order, cards with an address, disks
//! that are made and dropped.
//!
//! Refuses to know which call wrote them.

use std::collections::BTreeMap;

use super::snapshots::kept;
use crate::simulator::gate::answer::Failure;
use crate::simulator::gate::call::Call;
use crate::simulator::gate::parameters::split_tags;
use crate::simulator::storage::{Volume, storage_of};
use crate::simulator::world::guest::{Config, Kind, format_size, is_disk_key, property};

/// Returns an option as the file keeps it.
pub(super) fn stored(
    call: &mut Call<'_>,
    kind: Kind,
    key: &str,
    value: &str,
) -> Result<String, Failure> {
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
        node: storage.place_of(&node).to_owned(),
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
pub(super) fn drop_disk(
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
