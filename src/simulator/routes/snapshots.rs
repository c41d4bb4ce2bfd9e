//! Calls about snapshots.
//!
//! Refuses to wait for the work; `lifecycle::snapshot` does it in tasks.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::lifecycle::snapshot;
use crate::simulator::world::guest::{Kind, Snapshot, typed};

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    let mut rows: Vec<Value> = guest
        .snapshots
        .iter()
        .map(|(name, snapshot)| row(guest.kind, name, snapshot))
        .collect();
    let mut current = json!({
        "name": "current",
        "description": "You are here!",
        "digest": guest.digest(),
        "running": u8::from(guest.run.is_up()),
    });
    if let Some(parent) = guest.config.get("parent") {
        current["parent"] = json!(parent);
    }
    rows.push(current);
    Ok(Reply::Data(Value::Array(rows)))
}

fn row(kind: Kind, name: &str, snapshot: &Snapshot) -> Value {
    let mut row = json!({ "name": name, "description": snapshot.description });
    if let Some(time) = snapshot.time {
        row["snaptime"] = json!(time);
    }
    if let Some(parent) = &snapshot.parent {
        row["parent"] = json!(parent);
    }
    if let Some(state) = &snapshot.state {
        row["snapstate"] = json!(state);
    }
    if kind == Kind::Qemu {
        row["vmstate"] = json!(u8::from(snapshot.vmstate.is_some()));
    }
    row
}

pub(super) fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (kind, vmid) = (call.kind(), call.vmid());
    let name = call.required("snapname").to_owned();
    // `current` is reserved as written, `pending` in any case; containers reserve `vzdump` too.
    if name == "current"
        || name.eq_ignore_ascii_case("pending")
        || (kind == Kind::Lxc && name == "vzdump")
    {
        return Err(Failure::internal(format!(
            "unable to use snapshot name '{name}' (reserved name)"
        )));
    }
    let order = snapshot::Wanted {
        kind,
        vmid,
        node: call.node_name().to_owned(),
        name,
        description: kept(kind, call.text("description").unwrap_or("")),
        memory: call.flag("vmstate").unwrap_or(false),
    };
    let task = format!("{}snapshot", kind.prefix());
    let upid = call.start(&task, &vmid.to_string(), move |worker| {
        snapshot::create(worker, order)
    });
    Ok(Reply::Data(json!(upid)))
}

fn named(call: &Call<'_>) -> snapshot::Named {
    snapshot::Named {
        kind: call.kind(),
        vmid: call.vmid(),
        node: call.node_name().to_owned(),
        name: call.required("snapname").to_owned(),
    }
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (named, id) = (named(call), call.vmid().to_string());
    let task = format!("{}delsnapshot", call.kind().prefix());
    // `force` makes no difference to a lock, as recorded; the simulated storages never fail a deletion.
    let upid = call.start(&task, &id, move |worker| snapshot::delete(worker, named));
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn rollback(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let (named, id) = (named(call), call.vmid().to_string());
    let start = call.flag("start").unwrap_or(false);
    if start {
        call.needs(&format!("/vms/{id}"), "VM.PowerMgmt")?;
    }
    let task = format!("{}rollback", call.kind().prefix());
    let upid = call.start(&task, &id, move |worker| {
        snapshot::rollback(worker, named, start)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn index(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(
        json!([{ "cmd": "rollback" }, { "cmd": "config" }]),
    ))
}

fn unknown(name: &str) -> Failure {
    Failure::internal(format!("snapshot '{name}' does not exist"))
}

pub(super) fn config(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    let name = call.required("snapname");
    let snapshot = guest.snapshots.get(name).ok_or_else(|| unknown(name))?;
    Ok(Reply::Data(frozen(guest.kind, snapshot)))
}

/// Returns the frozen configuration of a snapshot.
pub(super) fn frozen(kind: Kind, snapshot: &Snapshot) -> Value {
    let mut data: serde_json::Map<String, Value> = snapshot
        .config
        .iter()
        .map(|(key, value)| (key.clone(), typed(kind, key, value)))
        .collect();
    data.remove("description");
    data.remove("lock");
    if !snapshot.description.is_empty() {
        data.insert("description".into(), json!(snapshot.description));
    }
    if let Some(time) = snapshot.time {
        data.insert("snaptime".into(), json!(time));
    }
    for (key, value) in [
        ("parent", &snapshot.parent),
        ("vmstate", &snapshot.vmstate),
        ("snapstate", &snapshot.state),
    ] {
        if let Some(value) = value {
            data.insert(key.into(), json!(value));
        }
    }
    Value::Object(data)
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.quorum()?;
    let guest = call.guest()?;
    let (kind, name) = (guest.kind, call.required("snapname").to_owned());
    call.lock_is_free()?;
    Call::unlocked(guest)?;
    if !guest.snapshots.contains_key(&name) {
        return Err(unknown(&name));
    }
    if let Some(description) = call.text("description").map(str::to_owned) {
        let vmid = call.vmid();
        if let Some(snapshot) = call
            .world
            .guest_mut(vmid)
            .and_then(|guest| guest.snapshots.get_mut(&name))
        {
            snapshot.description = kept(kind, &description);
        }
    }
    Ok(Reply::Data(Value::Null))
}

/// Machines lose blanks at the end of a description, containers gain a newline.
pub(in crate::simulator) fn kept(kind: Kind, description: &str) -> String {
    let text = description.trim_end();
    match kind {
        Kind::Lxc if !text.is_empty() => format!("{text}\n"),
        Kind::Lxc | Kind::Qemu => text.to_owned(),
    }
}
