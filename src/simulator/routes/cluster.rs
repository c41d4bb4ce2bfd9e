//! Calls about the cluster as a whole: version, resources, status.
//!
//! Refuses to compute numbers; `sample` has them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::sample::{ROOT_SIZE, Sample};
use crate::simulator::scenario::NodeCondition;
use crate::simulator::storage::Storage;
use crate::simulator::world::Node;

pub(super) fn version(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(
        json!({ "version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d" }),
    ))
}

pub(super) fn resources(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let sample = call.core.sampler.newest();
    let wanted = call.text("type").map(str::to_owned);
    let wants = |kind: &str| wanted.as_deref().is_none_or(|wanted| wanted == kind);
    let mut body = String::from("{\"data\":[");
    let mut add = |row: &str| {
        if !body.ends_with('[') {
            body.push(',');
        }
        body.push_str(row);
    };
    if wanted.is_none() {
        pools(call, &sample)
            .iter()
            .for_each(|row| add(&row.to_string()));
    }
    if wants("vm") {
        guests(call, &sample, &mut add);
    }
    if wants("node") {
        for node in call.world.nodes.values() {
            add(&node_row(call, node, &sample).to_string());
        }
    }
    if wants("storage") {
        storages(call).iter().for_each(|row| add(&row.to_string()));
    }
    if wants("sdn") {
        // The schema's `sdn` answers with rows of type `network` since version 9.
        networks(call).iter().for_each(|row| add(&row.to_string()));
    }
    let _ = body.write_str("]}");
    Ok(Reply::Written(body))
}

fn guests(call: &Call<'_>, sample: &Sample, add: &mut impl FnMut(&str)) {
    let uniform = call.world.access.is_uniform(&call.caller.who);
    let everything = uniform.then(|| call.privileges("/"));
    let pools: std::collections::HashMap<u32, &str> = call
        .world
        .pools
        .iter()
        .flat_map(|(name, pool)| pool.guests.iter().map(move |vmid| (*vmid, name.as_str())))
        .collect();
    for guest in call.world.guests.values() {
        let sees = match &everything {
            Some(privileges) => privileges.contains_key("VM.Audit"),
            None => call.may(&format!("/vms/{}", guest.vmid), "VM.Audit"),
        };
        if !sees {
            continue;
        }
        let pool = pools
            .get(&guest.vmid)
            .copied()
            .filter(|pool| match &everything {
                Some(privileges) => privileges.contains_key("Pool.Audit"),
                None => call.may(&format!("/pool/{pool}"), "Pool.Audit"),
            });
        add(&call.core.sampler.row(sample, guest, pool));
    }
}

fn pools(call: &Call<'_>, sample: &Sample) -> Vec<Value> {
    call.world
        .pools
        .iter()
        .filter(|(name, _)| call.may(&format!("/pool/{name}"), "Pool.Audit"))
        .map(|(name, pool)| {
            // A nested pool shows its parent as `pool`, as recorded.
            let top = name.split('/').next().unwrap_or(name);
            let mut row = json!({ "id": format!("/pool/{name}"), "type": "pool", "pool": top });
            if let Some((cores, used, memory, memory_used, uptime)) =
                sample.pool_sums(pool.guests.iter().copied())
            {
                row["maxcpu"] = json!(cores);
                row["cpu"] = json!(used / cores.max(1) as f64);
                row["maxmem"] = json!(memory);
                row["mem"] = json!(memory_used);
                row["uptime"] = json!(uptime);
            }
            row
        })
        .collect()
}

/// Returns a node's row of `/cluster/resources` and `/nodes`.
pub(super) fn node_row(call: &Call<'_>, node: &Node, sample: &Sample) -> Value {
    let mut row = json!({ "id": format!("node/{}", node.name), "type": "node", "node": node.name });
    let condition = call.core.condition(node);
    let numbers = sample
        .node(&node.name)
        .filter(|_| condition == NodeCondition::Online);
    row["status"] = match (condition, numbers) {
        (NodeCondition::Offline, _) => json!("offline"),
        (NodeCondition::Online, Some(_)) => json!("online"),
        // Assumed: a member of the cluster that broadcasts nothing is `unknown`, as its guests are.
        (NodeCondition::Silent, _) | (NodeCondition::Online, None) => json!("unknown"),
    };
    let Some(numbers) = numbers else { return row };
    row["level"] = json!("");
    if call.may(&format!("/nodes/{}", node.name), "Sys.Audit") {
        row["cpu"] = json!(numbers.cpu);
        row["maxcpu"] = json!(node.cores);
        row["mem"] = json!(numbers.memory);
        row["maxmem"] = json!(node.memory);
        row["disk"] = json!(numbers.root_used);
        row["maxdisk"] = json!(ROOT_SIZE);
        row["uptime"] = json!((call.now - node.started).max(0.0) as u64);
        row["cgroup-mode"] = json!(2);
    }
    row
}

fn storages(call: &Call<'_>) -> Vec<Value> {
    let mut rows = Vec::new();
    for node in call.world.nodes.values() {
        for storage in call
            .world
            .storages
            .values()
            .filter(|storage| storage.is_on(&node.name))
        {
            let path = format!("/storage/{}", storage.name);
            if call.may(&path, "Datastore.Audit") || call.may(&path, "Datastore.AllocateSpace") {
                rows.push(storage_row(call, node, storage));
            }
        }
    }
    rows
}

fn storage_row(call: &Call<'_>, node: &Node, storage: &Storage) -> Value {
    let mut row = json!({
        "id": format!("storage/{}/{}", node.name, storage.name),
        "type": "storage",
        "node": node.name,
        "storage": storage.name,
        "plugintype": storage.plugin(),
        "content": storage.content.join(","),
        "shared": u8::from(storage.shared),
        "status": "unknown",
    });
    if call.core.condition(node) == NodeCondition::Online {
        row["status"] = json!("available");
        row["disk"] = json!(call.world.used(storage, &node.name));
        row["maxdisk"] = json!(storage.size);
    }
    row
}

fn networks(call: &Call<'_>) -> Vec<Value> {
    let path = "/sdn/zones/localnetwork";
    if !call.may(path, "SDN.Audit") && !call.may(path, "SDN.Use") {
        return Vec::new();
    }
    call.world
        .nodes
        .values()
        .filter(|node| call.core.condition(node) == NodeCondition::Online)
        .map(|node| {
            json!({
                "id": format!("network/{}/zone/localnetwork", node.name),
                "type": "network",
                "network-type": "zone",
                "network": "localnetwork",
                "node": node.name,
                "status": "ok",
            })
        })
        .collect()
}

pub(super) fn status(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let mut rows = Vec::new();
    if let Some(name) = &call.world.cluster {
        rows.push(json!({
            "id": "cluster",
            "type": "cluster",
            "name": name,
            "nodes": call.world.nodes.len(),
            "quorate": u8::from(call.world.quorate),
            "version": 2,
        }));
    }
    for node in call.world.nodes.values() {
        // Assumed: a node that is silent above still votes below, so corosync calls it online.
        let online = call.core.condition(node) != NodeCondition::Offline;
        rows.push(json!({
            "id": format!("node/{}", node.name),
            "type": "node",
            "name": node.name,
            "nodeid": if call.world.cluster.is_some() { node.number } else { 0 },
            "ip": node.address.to_string(),
            "level": "",
            "local": u8::from(node.name == call.world.local),
            "online": u8::from(online),
        }));
    }
    Ok(Reply::Data(Value::Array(rows)))
}
