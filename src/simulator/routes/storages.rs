//! Calls about storages and what they hold.
//!
//! Refuses to change them: defining storages is not simulated.

use serde_json::{Value, json};

use super::devices::usable_storage;
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::storage::{Storage, Volume};

fn no_such() -> Failure {
    Failure::parameter("storage", "No such storage.")
}

/// A storage's numbers on a node, without its name.
fn status_of(call: &Call<'_>, storage: &Storage, node: &str) -> Value {
    if !storage.is_on(node) {
        return json!({
            "type": storage.plugin(),
            "content": storage.content.join(","),
            "shared": u8::from(storage.shared),
            "enabled": 0, "active": 0, "total": 0, "used": 0, "avail": 0,
        });
    }
    let used = call.world.used(storage, node);
    json!({
        "type": storage.plugin(),
        "content": storage.content.join(","),
        "shared": u8::from(storage.shared),
        "enabled": 1,
        "active": 1,
        "total": storage.size,
        "used": used,
        "avail": storage.size - used,
    })
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let node = call.node_name().to_owned();
    let wanted = call
        .text("content")
        .map(super::super::gate::parameters::split_list);
    let rows = call
        .world
        .storages
        .values()
        .filter(|storage| call.text("storage").is_none_or(|name| name == storage.name))
        .filter(|storage| storage.is_on(&node))
        .filter(|storage| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|content| storage.holds(content)))
        })
        .filter(|storage| {
            let path = format!("/storage/{}", storage.name);
            call.may(&path, "Datastore.Audit") || call.may(&path, "Datastore.AllocateSpace")
        })
        .map(|storage| {
            let mut row = status_of(call, storage, &node);
            row["storage"] = json!(storage.name);
            if storage.size > 0 {
                row["used_fraction"] =
                    json!(call.world.used(storage, &node) as f64 / storage.size as f64);
            }
            row
        });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn status(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let storage = call
        .world
        .storages
        .get(call.required("storage"))
        .ok_or_else(no_such)?;
    Ok(Reply::Data(status_of(call, storage, call.node_name())))
}

pub(super) fn index(call: &mut Call<'_>) -> Result<Reply, Failure> {
    if !call.world.storages.contains_key(call.required("storage")) {
        return Err(no_such());
    }
    let names = [
        "content",
        "download-url",
        "file-restore",
        "import-metadata",
        "prunebackups",
        "rrd",
        "rrddata",
        "status",
        "upload",
    ];
    Ok(Reply::Data(
        names.iter().map(|name| json!({ "subdir": name })).collect(),
    ))
}

fn sees(call: &Call<'_>, volume: &Volume) -> bool {
    let path = format!("/storage/{}", volume.storage);
    call.may(&path, "Datastore.Allocate")
        || (call.may(&path, "Datastore.Audit")
            && call.may(&format!("/vms/{}", volume.vmid), "VM.Config.Disk"))
}

pub(super) fn content(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (name, node) = (
        call.required("storage").to_owned(),
        call.node_name().to_owned(),
    );
    let storage = usable_storage(call, &name, &node)?;
    let place = storage.place_of(&node);
    let owner = call
        .integer("vmid")
        .and_then(|vmid| u32::try_from(vmid).ok());
    let rows = call
        .world
        .volumes
        .values()
        .filter(|volume| volume.storage == name && volume.node == place)
        .filter(|volume| owner.is_none_or(|owner| owner == volume.vmid))
        .filter(|volume| call.text("content").is_none_or(|content| content == content_of(call, volume)))
        .filter(|volume| sees(call, volume))
        .map(|volume| {
            json!({
                "volid": volume.id,
                "vmid": volume.vmid,
                "content": content_of(call, volume),
                "format": volume.format,
                "size": volume.size,
                "used": volume.used,
                "ctime": volume.made,
                "parent": volume.base.as_deref().and_then(|base| base.split_once(':')).map(|(_, file)| format!("../{file}")),
            })
        });
    Ok(Reply::Data(rows.collect()))
}

fn content_of(call: &Call<'_>, volume: &Volume) -> &'static str {
    let container = call
        .world
        .guests
        .get(&volume.vmid)
        .is_some_and(|guest| guest.kind == crate::simulator::world::guest::Kind::Lxc);
    if container { "rootdir" } else { "images" }
}

pub(super) fn volume(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let given = call.required("volume");
    let storage = call
        .world
        .storages
        .get(call.required("storage"))
        .ok_or_else(no_such)?;
    let id = if given.contains(':') {
        given.to_owned()
    } else {
        format!("{}:{given}", storage.name)
    };
    let volume = call.world.volumes.get(&id);
    let volume = volume.ok_or_else(|| {
        Failure::internal(format!("volume_size_info on '{id}' failed - no format"))
    })?;
    if !sees(call, volume) {
        return Err(Failure::forbidden_because(""));
    }
    Ok(Reply::Data(json!({
        "path": storage.path_of(&id),
        "format": volume.format,
        "used": volume.used,
        "size": volume.size,
    })))
}

pub(super) fn definitions(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let wanted = call.text("type").map(str::to_owned);
    let rows = call
        .world
        .storages
        .values()
        .filter(|storage| {
            wanted
                .as_deref()
                .is_none_or(|wanted| wanted == storage.plugin())
        })
        .filter(|storage| {
            let path = format!("/storage/{}", storage.name);
            call.may(&path, "Datastore.Audit") || call.may(&path, "Datastore.AllocateSpace")
        })
        .map(definition);
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn one_definition(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = call.required("storage");
    let storage = call
        .world
        .storages
        .get(name)
        .ok_or_else(|| Failure::internal(format!("storage '{name}' does not exist")))?;
    Ok(Reply::Data(definition(storage)))
}

fn definition(storage: &Storage) -> Value {
    use crate::simulator::scenario::StorageKind;
    let mut row = json!({
        "storage": storage.name,
        "type": storage.plugin(),
        "content": storage.content.join(","),
        "digest": "6d6d27ce00174b8e09b257d0fa3f2cf35a223a7d",
    });
    match storage.kind {
        StorageKind::Dir => row["path"] = json!(format!("/mnt/{}", storage.name)),
        StorageKind::Lvmthin => {
            row["vgname"] = json!("pve");
            row["thinpool"] = json!("data");
        }
        StorageKind::Zfspool => row["pool"] = json!(storage.name),
        StorageKind::Lvm => row["vgname"] = json!("pve"),
    }
    if storage.shared {
        row["shared"] = json!(1);
    }
    if !storage.nodes.is_empty() {
        row["nodes"] = json!(storage.nodes.join(","));
    }
    row
}
