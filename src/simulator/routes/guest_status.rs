//! Calls about what guests are doing now.
//!
//! Refuses to change anything.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::sample::numbers;
use crate::simulator::world::guest::{Guest, Kind, RunState, property};

pub(super) fn current(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let guest = call.guest()?;
    let mut data = fields(guest, call.now);
    detail(guest, call.now, &mut data);
    data["ha"] = if guest.ha {
        json!({ "managed": 1, "state": "started" })
    } else {
        json!({ "managed": 0 })
    };
    Ok(Reply::Data(data))
}

/// Returns what lists and single guests have in common.
pub(super) fn fields(guest: &Guest, now: f64) -> Value {
    let numbers = numbers(guest, now);
    let up = guest.run.is_up();
    let mut data = json!({
        "vmid": guest.vmid,
        "name": guest.name(),
        "status": if up { "running" } else { "stopped" },
        "uptime": numbers.uptime,
        "cpu": numbers.cpu,
        "cpus": guest.processors(),
        "mem": numbers.memory,
        "maxmem": guest.memory(),
        "disk": 0,
        "maxdisk": guest.boot_disk_size(),
        "netin": numbers.network_in,
        "netout": numbers.network_out,
    });
    // Assumed: a running container shows its process and pressure as a machine does; none of the recorded ones ran.
    if up {
        data["pid"] = json!(guest.pid);
        let pressure = (numbers.cpu - 0.8).max(0.0);
        for (key, share) in [
            ("cpu", pressure * 40.0),
            ("io", pressure * 9.0),
            ("memory", 0.0),
        ] {
            data[format!("pressure{key}some")] = json!(share);
            data[format!("pressure{key}full")] = json!(share / 3.0);
        }
    }
    match guest.kind {
        Kind::Qemu => data["memhost"] = json!(numbers.host_memory),
        Kind::Lxc => {
            data["type"] = json!("lxc");
            data["swap"] = json!(0);
            let swap = guest
                .config
                .get("swap")
                .and_then(|swap| swap.parse::<u64>().ok())
                .unwrap_or(0);
            data["maxswap"] = json!(swap << 20);
            data["diskread"] = json!(numbers.disk_read);
            data["diskwrite"] = json!(numbers.disk_write);
            data["disk"] = json!(if up {
                guest.boot_disk_size() / 100 * 37
            } else {
                0
            });
        }
    }
    for key in ["tags", "lock"] {
        if let Some(value) = guest.config.get(key) {
            data[key] = json!(value);
        }
    }
    if guest.is_template() {
        data["template"] = json!(1);
    }
    data
}

/// Adds what only a full look has: the machine's own state and, while it runs, its devices.
pub(super) fn detail(guest: &Guest, now: f64, data: &mut Value) {
    if guest.kind == Kind::Lxc {
        return;
    }
    data["qmpstatus"] = json!(guest.run.word());
    if guest
        .config
        .get("agent")
        .is_some_and(|agent| agent.starts_with('1') || agent.contains("enabled=1"))
    {
        data["agent"] = json!(1);
    }
    if guest.run == RunState::Stopped {
        return;
    }
    let numbers = numbers(guest, now);
    data["diskread"] = json!(numbers.disk_read);
    data["diskwrite"] = json!(numbers.disk_write);
    if guest.balloon_reports {
        data["balloon"] = json!(guest.memory());
        data["freemem"] = json!(guest.memory().saturating_sub(numbers.memory));
        data["ballooninfo"] = json!({
            "actual": guest.memory(),
            "max_mem": guest.memory(),
            "total_mem": guest.memory() / 100 * 97,
            "free_mem": (guest.memory() / 100 * 97).saturating_sub(numbers.memory),
            "last_update": now as i64,
        });
    }
    for (key, _) in guest
        .config
        .iter()
        .filter(|(key, value)| key.starts_with("net") && property(value, "bridge").is_some())
    {
        let number = key.trim_start_matches("net");
        let card = format!("tap{}i{number}", guest.vmid);
        data["nics"][card] = json!({ "netin": numbers.network_in, "netout": numbers.network_out });
    }
    for (place, (key, _)) in guest.disks().into_iter().enumerate() {
        let first = u64::from(place == 0);
        data["blockstat"][key] = json!({ "rd_bytes": numbers.disk_read * first, "wr_bytes": numbers.disk_write * first });
    }
    data["running-machine"] = json!("pc-i440fx-10.0+pve0");
    data["running-qemu"] = json!("10.0.2");
}
