//! The call that exports every figure of every node, guest and storage, with or without the last half hour.
//!
//! Refuses nodes that do not answer: their figures are simply absent.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::sample::{INTERVAL, ROOT_SIZE, compute_at, node_sample};
use crate::simulator::scenario::NodeCondition;
use crate::simulator::world::Node;
use crate::simulator::world::guest::Guest;

/// How far back the history reaches.
const HISTORY: f64 = 1800.0;

pub(super) fn export(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let local_only = call.flag("local-only").unwrap_or(false);
    let history = call.flag("history").unwrap_or(false);
    let since = call
        .integer("start-time")
        .map_or(f64::NEG_INFINITY, |time| time as f64);
    let wanted: Vec<String> =
        crate::simulator::gate::parameters::split_list(call.text("node-list").unwrap_or(""));
    let newest = (call.now / INTERVAL).floor() * INTERVAL;
    let first = if history {
        since.max(newest - HISTORY)
    } else {
        newest
    };
    let mut moments = Vec::new();
    let mut moment = newest;
    while moment >= first && moment > since {
        moments.push(moment);
        moment -= INTERVAL;
    }
    moments.reverse();
    let mut rows: Vec<Value> = Vec::new();
    for node in call.world.nodes.values() {
        let asked = (!local_only || node.name == call.world.local)
            && (wanted.is_empty() || wanted.contains(&node.name));
        if !asked || call.core.condition(node) != NodeCondition::Online {
            continue;
        }
        let guests: Vec<&Guest> = call
            .world
            .guests
            .values()
            .filter(|guest| guest.node == node.name)
            .collect();
        for moment in &moments {
            rows.extend(node_metrics(node, &guests, *moment));
            for guest in &guests {
                rows.extend(guest_metrics(guest, *moment));
            }
            rows.extend(storage_metrics(call, node, *moment));
        }
    }
    rows.sort_by_key(|row| row["timestamp"].as_i64());
    Ok(Reply::Data(json!({ "data": rows })))
}

fn metric(id: &str, time: f64, kind: &str, name: &str, value: impl Into<Value>) -> Value {
    json!({ "id": id, "timestamp": time as i64, "type": kind, "metric": name, "value": value.into() })
}

fn node_metrics(node: &Node, guests: &[&Guest], time: f64) -> Vec<Value> {
    let (mut cpu, mut memory, mut network_in, mut network_out) = (0.0, 0, 0, 0);
    for guest in guests {
        let numbers = compute_at(guest, time);
        cpu += numbers.cpu * f64::from(guest.processors());
        memory += numbers.host_memory;
        network_in += numbers.network_in;
        network_out += numbers.network_out;
    }
    let sample = node_sample(node, cpu, memory, time);
    let id = format!("node/{}", node.name);
    let load = sample.cpu * f64::from(node.cores);
    let gauge = |name: &str, value: Value| metric(&id, time, "gauge", name, value);
    vec![
        gauge("uptime", json!((time - node.started).max(0.0) as u64)),
        metric(&id, time, "derive", "net_in", network_in),
        metric(&id, time, "derive", "net_out", network_out),
        gauge("cpu_avg1", json!(load)),
        gauge("cpu_avg5", json!(load)),
        gauge("cpu_avg15", json!(load)),
        gauge("cpu_max", json!(node.cores)),
        gauge("cpu_current", json!(sample.cpu)),
        gauge("cpu_iowait", json!(sample.cpu / 60.0)),
        gauge("mem_total", json!(node.memory)),
        gauge("mem_used", json!(sample.memory)),
        gauge("swap_total", json!(0)),
        gauge("swap_used", json!(0)),
        gauge("disk_total", json!(ROOT_SIZE)),
        gauge("disk_used", json!(sample.root_used)),
    ]
}

fn guest_metrics(guest: &Guest, time: f64) -> Vec<Value> {
    let id = format!("{}/{}", guest.kind.word(), guest.vmid);
    let numbers = compute_at(guest, time);
    let gauge = |name: &str, value: Value| metric(&id, time, "gauge", name, value);
    let mut rows = Vec::new();
    if guest.run.is_up() && time >= guest.started {
        rows.push(gauge("cpu_current", json!(numbers.cpu)));
        rows.push(gauge("mem_used", json!(numbers.memory)));
        rows.push(metric(&id, time, "derive", "disk_read", numbers.disk_read));
        rows.push(metric(
            &id,
            time,
            "derive",
            "disk_write",
            numbers.disk_write,
        ));
        rows.push(metric(&id, time, "derive", "net_in", numbers.network_in));
        rows.push(metric(&id, time, "derive", "net_out", numbers.network_out));
    }
    rows.push(gauge("uptime", json!(numbers.uptime)));
    rows.push(gauge("cpu_max", json!(guest.processors())));
    rows.push(gauge("mem_total", json!(guest.memory())));
    rows.push(gauge("disk_total", json!(guest.boot_disk_size())));
    rows
}

fn storage_metrics(call: &Call<'_>, node: &Node, time: f64) -> Vec<Value> {
    call.world
        .storages
        .values()
        .filter(|storage| storage.is_on(&node.name))
        .flat_map(|storage| {
            let id = format!("storage/{}/{}", node.name, storage.name);
            [
                metric(&id, time, "gauge", "disk_total", storage.size),
                metric(
                    &id,
                    time,
                    "gauge",
                    "disk_used",
                    call.world.used(storage, &node.name),
                ),
            ]
        })
        .collect()
}
