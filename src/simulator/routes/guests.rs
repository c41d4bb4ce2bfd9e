//! Calls that list, make, clone, grow and destroy guests.
//!
//! Refuses at once what the real server refuses at once; the rest the task finds out.

use serde_json::{Value, json};

use super::devices::usable_storage;
use super::guest_status::{detail, fields};
use super::rights::permit_copy;
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::lifecycle::copy;
use crate::simulator::lifecycle::existence;
use crate::simulator::lifecycle::power::Target;
use crate::simulator::storage::{Feature, storage_of};
use crate::simulator::world::guest::{Config, Kind, disks_of};

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (kind, node) = (call.kind(), call.node_name().to_owned());
    let full = call.flag("full").unwrap_or(false);
    let rows = call
        .world
        .guests
        .values()
        .filter(|guest| guest.kind == kind && guest.node == node)
        .filter(|guest| call.may(&format!("/vms/{}", guest.vmid), "VM.Audit"))
        .map(|guest| {
            let mut row = fields(guest, call.now);
            if full {
                detail(guest, call.now, &mut row);
            }
            row
        });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn index(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let subdirectories: &[&str] = match call.kind() {
        Kind::Qemu => &[
            "config",
            "cloudinit",
            "pending",
            "status",
            "unlink",
            "vncproxy",
            "termproxy",
            "migrate",
            "resize",
            "move",
            "rrd",
            "rrddata",
            "monitor",
            "agent",
            "snapshot",
            "spiceproxy",
            "sendkey",
            "firewall",
            "mtunnel",
            "remote_migrate",
        ],
        Kind::Lxc => &[
            "config",
            "pending",
            "status",
            "vncproxy",
            "termproxy",
            "vncwebsocket",
            "spiceproxy",
            "migrate",
            "clone",
            "rrd",
            "rrddata",
            "firewall",
            "snapshot",
            "resize",
            "interfaces",
            "mtunnel",
            "remote_migrate",
        ],
    };
    Ok(Reply::Data(
        subdirectories
            .iter()
            .map(|name| json!({ "subdir": name }))
            .collect(),
    ))
}

pub(super) fn status_index(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let subdirectories: &[&str] = match call.kind() {
        Kind::Qemu => &[
            "current", "start", "stop", "reset", "shutdown", "suspend", "reboot",
        ],
        Kind::Lxc => &["current", "start", "stop", "shutdown", "reboot", "migrate"],
    };
    Ok(Reply::Data(
        subdirectories
            .iter()
            .map(|name| json!({ "subdir": name }))
            .collect(),
    ))
}

pub(super) fn interfaces(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    if !guest.run.is_up() {
        return Ok(Reply::Data(Value::Null));
    }
    // Assumed: no recording shows a running container.
    Ok(Reply::Data(
        json!([{ "name": "lo", "hwaddr": "00:00:00:00:00:00", "inet": "127.0.0.1/8", "inet6": "::1/128" }]),
    ))
}

pub(super) fn feature(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    let feature = match call.required("feature") {
        "snapshot" => Feature::Snapshot,
        "clone" => Feature::Clone,
        _ => Feature::Copy,
    };
    let config = match call.text("snapname") {
        None => &guest.config,
        Some(name) => {
            let snapshot = guest.snapshots.get(name);
            &snapshot
                .ok_or_else(|| Failure::internal(format!("snapshot '{name}' does not exist")))?
                .config
        }
    };
    let disks = disks_of(guest.kind, config);
    let able = disks.iter().all(|(_, id)| {
        let known = call
            .world
            .volumes
            .get(id)
            .zip(call.world.storages.get(storage_of(id)));
        known.is_some_and(|(volume, storage)| {
            storage.can(feature, volume, call.text("snapname").is_some())
        })
    });
    let able = able && !(feature == Feature::Snapshot && guest.is_template());
    let mut data = json!({ "hasFeature": u8::from(able) });
    if guest.kind == Kind::Qemu {
        let shared = disks.iter().all(|(_, id)| {
            call.world
                .storages
                .get(storage_of(id))
                .is_some_and(|storage| storage.shared)
        });
        let nodes: Vec<&String> = call
            .world
            .nodes
            .keys()
            .filter(|node| shared || **node == guest.node)
            .collect();
        data["nodes"] = json!(nodes);
    }
    Ok(Reply::Data(data))
}

pub(super) fn clone(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (kind, vmid, node) = (call.kind(), call.vmid(), call.node_name().to_owned());
    let new = call
        .integer("newid")
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(0);
    permit_clone(call, vmid, new)?;
    call.quorum()?;
    let target_node = call.text("target").unwrap_or(&node).to_owned();
    if !call.world.nodes.contains_key(&target_node) {
        return Err(Failure::internal(format!(
            "no such cluster node '{target_node}'"
        )));
    }
    let guest = call.guest().map_err(|_| {
        Failure::internal(format!(
            "unable to find configuration file for VM {vmid} on node '{node}'"
        ))
    })?;
    Call::unlocked(guest)?;
    if call.world.guests.contains_key(&new) {
        return Err(Failure::internal(format!(
            "unable to create VM {new}: config file already exists"
        )));
    }
    let snapshot = call.text("snapname").map(str::to_owned);
    let config = match &snapshot {
        None => guest.config.clone(),
        Some(name) => guest
            .snapshots
            .get(name)
            .map(|snapshot| snapshot.config.clone())
            .ok_or_else(|| Failure::internal(format!("snapshot '{name}' does not exist")))?,
    };
    let full = call
        .flag("full")
        .unwrap_or(!guest.is_template() && kind == Kind::Qemu);
    let wanted = copy::Wanted {
        kind,
        source: vmid,
        node,
        target: new,
        target_node,
        name: call
            .text(if kind == Kind::Qemu {
                "name"
            } else {
                "hostname"
            })
            .map(str::to_owned),
        description: call.text("description").map(str::to_owned),
        pool: call.text("pool").map(str::to_owned),
        snapshot,
        storage: call.text("storage").map(str::to_owned),
        format: call.text("format").map(str::to_owned),
        full,
        limit: call
            .integer("bwlimit")
            .filter(|limit| *limit > 0)
            .map(|kibibytes| kibibytes as f64 * 1024.0),
    };
    check_storages(call, &config, &wanted)?;
    let task = if kind == Kind::Qemu {
        "qmclone"
    } else {
        "vzclone"
    };
    let upid = call.start(task, &vmid.to_string(), move |worker| {
        copy::clone(worker, wanted)
    });
    Ok(Reply::Data(json!(upid)))
}

/// The right to clone, and to allocate the new guest either by its id or in its pool.
fn permit_clone(call: &Call<'_>, vmid: u32, new: u32) -> Result<(), Failure> {
    call.needs(&format!("/vms/{vmid}"), "VM.Clone")?;
    if let Some(pool) = call.text("pool")
        && !call.world.pools.contains_key(pool)
    {
        return Err(Failure::forbidden_because(&format!(
            "pool '{pool}' does not exist"
        )));
    }
    let by_id = call.may(&format!("/vms/{new}"), "VM.Allocate");
    let by_pool = call
        .text("pool")
        .is_some_and(|pool| call.may(&format!("/pool/{pool}"), "VM.Allocate"));
    if by_id || by_pool {
        Ok(())
    } else {
        Err(Failure::forbidden_because(""))
    }
}

fn check_storages(call: &Call<'_>, config: &Config, wanted: &copy::Wanted) -> Result<(), Failure> {
    if !wanted.full && wanted.kind == Kind::Qemu {
        for parameter in ["storage", "format"] {
            if call.text(parameter).is_some() {
                return Err(Failure::internal(format!(
                    "parameter '{parameter}' not allowed for linked clones"
                )));
            }
        }
    }
    let disks = disks_of(wanted.kind, config);
    if let Some(name) = &wanted.storage {
        usable_storage(call, name, &wanted.target_node)?;
        call.needs(&format!("/storage/{name}"), "Datastore.AllocateSpace")?;
    }
    for (key, id) in &disks {
        let name = storage_of(id);
        let storage = usable_storage(call, name, &wanted.node)?;
        if wanted.target_node != wanted.node && !storage.shared {
            let target = &wanted.target_node;
            return Err(Failure::internal(format!(
                "can't clone VM to node '{target}' (VM uses local storage)"
            )));
        }
        if wanted.storage.is_none() {
            call.needs(&format!("/storage/{name}"), "Datastore.AllocateSpace")?;
        }
        let volume = call.world.volumes.get(id);
        let linkable = volume
            .is_some_and(|volume| storage.can(Feature::Clone, volume, wanted.snapshot.is_some()));
        if !wanted.full && wanted.kind == Kind::Qemu && !linkable {
            return Err(Failure::internal(format!(
                "Linked clone feature is not supported for drive '{key}'"
            )));
        }
        let copyable = volume
            .is_some_and(|volume| storage.can(Feature::Copy, volume, wanted.snapshot.is_some()));
        if wanted.full && !copyable {
            return Err(Failure::internal(format!(
                "Full clone feature is not supported for drive '{key}'"
            )));
        }
    }
    permit_copy(call, config)
}

fn target(call: &Call<'_>) -> (Target, String) {
    let target = Target {
        kind: call.kind(),
        vmid: call.vmid(),
        node: call.node_name().to_owned(),
    };
    let id = target.vmid.to_string();
    (target, id)
}

pub(super) fn destroy(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    if call.text("skiplock").is_some() && !call.caller.is_root() {
        return Err(Failure::parameter(
            "skiplock",
            "Only root may use this option.",
        ));
    }
    let guest = call.guest()?;
    let (title, vmid) = (guest.kind.title(), guest.vmid);
    if guest
        .config
        .get("protection")
        .is_some_and(|value| value == "1")
    {
        return Err(Failure::internal(format!(
            "can't remove {title} {vmid} - protection mode enabled"
        )));
    }
    if guest.ha && !call.flag("purge").unwrap_or(false) {
        let text = format!(
            "unable to remove {title} {vmid} - used in HA resources and purge parameter not set."
        );
        return Err(Failure::internal(text));
    }
    let how = existence::Thoroughness {
        force: call.flag("force").unwrap_or(false),
        unreferenced: call.flag("destroy-unreferenced-disks").unwrap_or(false),
    };
    if guest.run.is_up() && !how.force {
        return Err(Failure::internal(existence::running(guest.kind, vmid)));
    }
    let task = format!("{}destroy", guest.kind.prefix());
    let (target, id) = target(call);
    let upid = call.start(&task, &id, move |worker| {
        existence::destroy(worker, target, how)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn resize(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let guest = call.guest()?;
    let (disk, size) = (
        call.required("disk").to_owned(),
        call.required("size").to_owned(),
    );
    if let Some(value) = guest.config.get(&disk) {
        let path = format!("/storage/{}", storage_of(value));
        call.needs(&path, "Datastore.AllocateSpace")?;
    }
    let (target, id) = target(call);
    let upid = call.start("resize", &id, move |worker| {
        existence::resize(worker, target, disk, size)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn template(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let guest = call.guest()?;
    let title = guest.kind.title();
    if guest.is_template() {
        return Err(Failure::internal(
            "you can't convert a template to a template",
        ));
    }
    Call::unlocked(guest)?;
    if !guest.snapshots.is_empty() {
        return Err(Failure::internal(format!(
            "unable to create template, because {title} contains snapshots"
        )));
    }
    if guest.run.is_up() {
        return Err(Failure::internal(format!(
            "you can't convert a {title} to template if the {title} is running"
        )));
    }
    let (target, id) = target(call);
    if guest.kind == Kind::Lxc {
        // Assumed: a container becomes a template without a task.
        let vmid = target.vmid;
        if let Some(guest) = call.world.guest_mut(vmid) {
            guest.config.insert("template".into(), "1".into());
        }
        return Ok(Reply::Data(Value::Null));
    }
    let upid = call.start("qmtemplate", &id, move |worker| {
        existence::template(worker, target)
    });
    Ok(Reply::Data(json!(upid)))
}
