//! Calls about the cluster as a whole: version, resources, status.
//!
//! Refuses to compute numbers; `sample` has them.

use std::collections::{HashMap, HashSet};
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
        for row in pools(call, &sample) {
            add(&row.to_string());
        }
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
        for row in storages(call) {
            add(&row.to_string());
        }
    }
    if wants("sdn") {
        // The schema's `sdn` answers with rows of type `network` since version 9.
        for row in networks(call) {
            add(&row.to_string());
        }
    }
    let _ = body.write_str("]}");
    Ok(Reply::Written(body))
}

fn guests(call: &Call<'_>, sample: &Sample, add: &mut impl FnMut(&str)) {
    let pools: HashMap<u32, &str> = call
        .world
        .pools
        .iter()
        .flat_map(|(name, pool)| pool.guests.iter().map(move |vmid| (*vmid, name.as_str())))
        .collect();
    // Guests without an entry of their own differ by their pool only, so that one look a pool is enough.
    let list = &call.world.access.list;
    let own: HashSet<&str> = list.iter().map(|entry| entry.path.as_str()).collect();
    let mut by_pool: HashMap<Option<&str>, bool> = HashMap::new();
    let mut pool_is_seen: HashMap<&str, bool> = HashMap::new();
    for guest in call.world.guests.values() {
        let path = format!("/vms/{}", guest.vmid);
        let pool = pools.get(&guest.vmid).copied();
        let sees = if own.contains(path.as_str()) {
            call.may(&path, "VM.Audit")
        } else {
            *by_pool
                .entry(pool)
                .or_insert_with(|| call.may(&path, "VM.Audit"))
        };
        if !sees {
            continue;
        }
        let pool = pool.filter(|pool| {
            *pool_is_seen
                .entry(pool)
                .or_insert_with(|| call.may(&format!("/pool/{pool}"), "Pool.Audit"))
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
    let usage = call.world.usage();
    for node in call.world.nodes.values() {
        for storage in call
            .world
            .storages
            .values()
            .filter(|storage| storage.is_on(&node.name))
        {
            let path = format!("/storage/{}", storage.name);
            if call.may(&path, "Datastore.Audit") || call.may(&path, "Datastore.AllocateSpace") {
                let place = storage.place_of(&node.name);
                let used = usage
                    .get(&(storage.name.as_str(), place))
                    .copied()
                    .unwrap_or(0);
                rows.push(storage_row(call, node, storage, used));
            }
        }
    }
    rows
}

fn storage_row(call: &Call<'_>, node: &Node, storage: &Storage, used: u64) -> Value {
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
        row["disk"] = json!(used);
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
            "quorate": u8::from(call.is_quorate()),
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

pub(super) fn index(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    const NAMES: [&str; 21] = [
        "acme",
        "backup",
        "backup-info",
        "bulk-action",
        "ceph",
        "config",
        "firewall",
        "ha",
        "jobs",
        "log",
        "mapping",
        "metrics",
        "notifications",
        "nextid",
        "options",
        "qemu",
        "replication",
        "resources",
        "status",
        "tasks",
        "sdn",
    ];
    Ok(Reply::Data(
        NAMES.iter().map(|name| json!({ "name": name })).collect(),
    ))
}

pub(super) fn next_id(call: &mut Call<'_>) -> Result<Reply, Failure> {
    if let Some(vmid) = call.integer("vmid") {
        let taken = u32::try_from(vmid).is_ok_and(|vmid| call.world.guests.contains_key(&vmid));
        if taken {
            return Err(Failure::parameter(
                "vmid",
                format!("VM {vmid} already exists"),
            ));
        }
        return Ok(Reply::Data(json!(vmid.to_string())));
    }
    let free = (100..1_000_000).find(|vmid: &u32| !call.world.guests.contains_key(vmid));
    let free = free
        .ok_or_else(|| Failure::internal("unable to get any free VMID in range [100, 1000000]"))?;
    Ok(Reply::Data(json!(free.to_string())))
}

pub(super) fn log(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let most = call.integer("max").unwrap_or(50).max(1) as usize;
    let audits = call.may("/", "Sys.Syslog") || call.may("/", "Sys.Audit");
    let user = call.caller.user().to_owned();
    let rows = call
        .world
        .log
        .iter()
        .rev()
        .filter(|line| audits || line.user.split('!').next() == Some(user.as_str()))
        .take(most)
        .map(|line| {
            json!({
                "uid": line.number.to_string(),
                "id": format!("{}:{}", line.number, line.node),
                "time": line.time,
                "node": line.node,
                "user": line.user,
                "pri": line.priority,
                "tag": "pvedaemon",
                "pid": 24_273,
                "msg": line.message,
            })
        });
    Ok(Reply::Data(rows.collect()))
}

pub(super) fn options(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let mut tags: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    for guest in call.world.guests.values() {
        if call.may(&format!("/vms/{}", guest.vmid), "VM.Audit") {
            let own = guest.config.get("tags").map_or("", String::as_str);
            tags.extend(
                own.split(';')
                    .map(str::trim)
                    .filter(|tag| !tag.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    let mut data = json!({ "allowed-tags": tags });
    if call.may("/", "Sys.Audit") {
        for (key, value) in &call.world.options {
            data[key] = json!(value);
        }
    }
    Ok(Reply::Data(data))
}

pub(super) fn ha_status(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let node = call.world.local.clone();
    let mut rows = vec![
        json!({ "id": "quorum", "type": "quorum", "node": node, "status": "OK", "quorate": 1 }),
        json!({
            "id": "fencing", "type": "fencing", "node": node, "status": "standby (CRM watchdog standby)",
            "armed-state": "standby",
        }),
    ];
    if !call.is_quorate() {
        rows[0]["status"] = json!("No quorum on node");
        rows[0]["quorate"] = json!(0);
    }
    Ok(Reply::Data(Value::Array(rows)))
}

pub(super) fn ha_resources(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let rows = call
        .world
        .guests
        .values()
        .filter(|guest| guest.ha)
        .map(|guest| {
            let kind = if guest.kind == crate::simulator::world::guest::Kind::Qemu {
                "vm"
            } else {
                "ct"
            };
            json!({
                "sid": format!("{kind}:{}", guest.vmid),
                "type": kind,
                "state": "started",
                "digest": "f425104a9534157bbffdc0bc83c1f918dba9de42",
            })
        });
    Ok(Reply::Data(rows.collect()))
}

/// Lists the guests that no backup job covers, which are all of them: this world has no jobs.
pub(super) fn not_backed_up(call: &mut Call<'_>) -> Result<Reply, Failure> {
    // Assumed: no recording shows the list; fields as published, templates not left out.
    let rows = call.world.guests.values().map(
        |guest| json!({ "vmid": guest.vmid, "name": guest.name(), "type": guest.kind.word() }),
    );
    Ok(Reply::Data(rows.collect()))
}

/// Assumed: a cluster without a quorum device answers with nothing in an object.
pub(super) fn no_quorum_device(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(json!({})))
}

/// Answers lists that are empty in this world.
pub(super) fn nothing(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    Ok(Reply::Data(json!([])))
}
