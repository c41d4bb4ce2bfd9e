//! Calls about snapshots.
//!
//! Refuses to wait for the work; `lifecycle::snapshot` does it in tasks.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::lifecycle::snapshot;
use crate::simulator::world::guest::{Kind, Snapshot};

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
        description: call.text("description").unwrap_or("").trim_end().to_owned(),
        memory: call.flag("vmstate").unwrap_or(false),
    };
    let task = format!("{}snapshot", kind.prefix());
    let upid = call.start(&task, &vmid.to_string(), move |worker| {
        snapshot::create(worker, order)
    });
    Ok(Reply::Data(json!(upid)))
}
