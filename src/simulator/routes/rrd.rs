//! Calls about history: averages and peaks over the frames of version 9, computed from the same waves as the samples.
//!
//! Refuses to store anything.

use serde_json::{Map, Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::sample::{ROOT_SIZE, node_sample};
use crate::simulator::scenario::NodeCondition;
use crate::simulator::world::guest::{Guest, Kind};

/// The frames: (name, seconds a row, rows).
const FRAMES: [(&str, i64, i64); 6] = [
    ("hour", 60, 60),
    ("day", 60, 1440),
    ("week", 1800, 336),
    ("month", 1800, 1440),
    ("year", 21_600, 1440),
    ("decade", 604_800, 570),
];

/// Seconds that the newest row lags behind.
const LAG: i64 = 60;

/// Returns the ends of the rows of a frame, oldest first, and their length.
fn frame(call: &Call<'_>) -> (Vec<i64>, i64) {
    let wanted = call.required("timeframe");
    let (_, step, rows) = FRAMES
        .into_iter()
        .find(|(name, ..)| *name == wanted)
        .unwrap_or(FRAMES[0]);
    let last = (call.now as i64 - LAG) / step * step;
    (
        (0..rows).rev().map(|back| last - back * step).collect(),
        step,
    )
}

fn no_file(kind: &str, name: &str) -> Failure {
    Failure::internal(format!(
        "RRD error: rrdcached@unix:/var/run/rrdcached.sock: rrd_fetch_r failed: opening \
         '/var/lib/rrdcached/db/{kind}/{name}': No such file or directory"
    ))
}

pub(super) fn guest(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let vmid = call.vmid();
    // History is kept on every node and found by number alone, whatever node and kind the path names.
    let guest = call
        .world
        .guests
        .get(&vmid)
        .ok_or_else(|| no_file("pve-vm-9.0", &vmid.to_string()))?;
    let silent = call
        .world
        .nodes
        .get(&guest.node)
        .is_some_and(|node| call.core.condition(node) != NodeCondition::Online);
    // Assumed: a node that does not answer now has been silent for eight minutes.
    let heard = if silent { call.now - 480.0 } else { call.now };
    let peak = call.text("cf") == Some("MAX");
    let (ends, step) = frame(call);
    let rows = ends
        .into_iter()
        .map(|end| guest_row(guest, end, step, heard, peak))
        .collect();
    Ok(Reply::Data(rows))
}

fn guest_row(guest: &Guest, time: i64, step: i64, heard: f64, peak: bool) -> Value {
    let mut row = Map::from_iter([("time".to_owned(), json!(time))]);
    let (from, until) = ((time - step) as f64, time as f64);
    if until < guest.born || until > heard {
        return Value::Object(row);
    }
    let mut add = |key: &str, value: Value| row.insert(key.to_owned(), value);
    add("maxcpu", json!(guest.processors()));
    add("maxmem", json!(guest.memory()));
    add("maxdisk", json!(guest.boot_disk_size()));
    let runs = guest.runs_within(from, until);
    let known: f64 = runs.iter().map(|(start, end, _)| end - start).sum();
    let disk = if guest.kind == Kind::Lxc && known > 0.0 {
        guest.boot_disk_size() / 100 * 37
    } else {
        0
    };
    add("disk", json!(disk));
    // A row that is known for less than half its span is a gap.
    if known * 2.0 < step as f64 {
        return Value::Object(row);
    }
    let load = &guest.load;
    let average = |value: &dyn Fn(f64, f64, f64) -> f64| {
        runs.iter()
            .map(|(start, end, began)| value(*start, *end, *began) * (end - start))
            .sum::<f64>()
            / known
    };
    let highest = |value: &dyn Fn(f64) -> f64| {
        (0..8)
            .map(|part| value(from + step as f64 * f64::from(part) / 8.0))
            .fold(0.0, f64::max)
    };
    let waves = [
        ("cpu", &load.cpu),
        ("netin", &load.network_in),
        ("netout", &load.network_out),
        ("diskread", &load.disk_read),
        ("diskwrite", &load.disk_write),
    ];
    for (key, wave) in waves {
        let value = if peak {
            highest(&|at| wave.at(at))
        } else {
            average(&|start, end, _| wave.average(start, end))
        };
        add(key, json!(value));
    }
    let used = average(&|start, end, began| load.memory_average(start, end, began))
        * guest.memory() as f64;
    let host = match guest.kind {
        Kind::Qemu => {
            (used + guest.memory() as f64 / 20.0).min(guest.memory() as f64) + f64::from(90 << 20)
        }
        Kind::Lxc => used,
    };
    add(
        "mem",
        json!(if guest.kind == Kind::Lxc || guest.balloon_reports {
            used
        } else {
            host
        }),
    );
    add("memhost", json!(host));
    for kind in ["cpu", "io", "memory"] {
        for span in ["some", "full"] {
            add(&format!("pressure{kind}{span}"), json!(0));
        }
    }
    Value::Object(row)
}

pub(super) fn node(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = call.node_name().to_owned();
    let node = call
        .world
        .nodes
        .get(&name)
        .ok_or_else(|| no_file("pve-node-9.0", &name))?;
    let silent = call.core.condition(node) != NodeCondition::Online;
    let heard = if silent { call.now - 480.0 } else { call.now };
    let guests: Vec<&Guest> = call
        .world
        .guests
        .values()
        .filter(|guest| guest.node == name)
        .collect();
    let (ends, step) = frame(call);
    let mut rows = Vec::new();
    for time in ends {
        let (from, until) = ((time - step) as f64, time as f64);
        if until > heard || from < node.started {
            rows.push(json!({ "time": time }));
            continue;
        }
        let (mut cpu, mut memory, mut network_in, mut network_out) = (0.0, 0.0, 0.0, 0.0);
        for guest in &guests {
            for (start, end, began) in guest.runs_within(from, until) {
                let share = (end - start) / step as f64;
                cpu += guest.load.cpu.average(start, end) * f64::from(guest.processors()) * share;
                memory +=
                    guest.load.memory_average(start, end, began) * guest.memory() as f64 * share;
                network_in += guest.load.network_in.integral(start, end) / step as f64;
                network_out += guest.load.network_out.integral(start, end) / step as f64;
            }
        }
        let sample = node_sample(node, cpu, memory as u64, until);
        rows.push(json!({
            "time": time,
            "cpu": sample.cpu,
            "maxcpu": node.cores,
            "iowait": sample.cpu / 60.0,
            "loadavg": sample.cpu * f64::from(node.cores),
            "memtotal": node.memory,
            "memused": sample.memory,
            "memavailable": node.memory - sample.memory,
            "swaptotal": 0,
            "swapused": 0,
            "roottotal": ROOT_SIZE,
            "rootused": sample.root_used,
            "netin": network_in,
            "netout": network_out,
            "arcsize": 0,
            "pressurecpusome": sample.cpu,
            "pressureiosome": sample.cpu / 10.0,
            "pressureiofull": sample.cpu / 20.0,
            "pressurememorysome": 0,
            "pressurememoryfull": 0,
        }));
    }
    Ok(Reply::Data(Value::Array(rows)))
}

pub(super) fn storage(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (name, node) = (
        call.required("storage").to_owned(),
        call.node_name().to_owned(),
    );
    let known = call
        .world
        .storages
        .get(&name)
        .filter(|storage| storage.is_on(&node));
    let storage = known.ok_or_else(|| no_file("pve-storage-9.0", &format!("{node}/{name}")))?;
    let (total, used) = (storage.size, call.world.used(storage, &node) as f64);
    let (ends, _) = frame(call);
    let now = call.now;
    // Assumed: a storage fills up slowly and evenly, by a tenth in a month.
    let rows = ends.into_iter().map(|time| {
        let share = 1.0 - 0.1 * (now - time as f64) / 2_592_000.0;
        json!({ "time": time, "total": total, "used": used * share.max(0.1) })
    });
    Ok(Reply::Data(rows.collect()))
}
