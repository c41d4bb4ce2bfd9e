//! Calls about nodes.
//!
//! Refuses to reach nodes that do not answer; the gate does that.

use serde_json::{Value, json};

use super::cluster::node_row;
use crate::simulator::certificate::{NOT_AFTER, NOT_BEFORE};
use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::sample::ROOT_SIZE;

pub(super) fn list(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let sample = call.core.sampler.newest();
    let rows = call
        .world
        .nodes
        .values()
        .map(|node| {
            let mut row = node_row(call, node, &sample);
            let answers = row["status"] == "online";
            // Assumed: all nodes of the simulated cluster share one certificate, unless it is said otherwise.
            row["ssl_fingerprint"] = if answers {
                let usual = || call.core.wardrobe.current().fingerprint.clone();
                json!(node.fingerprint.clone().unwrap_or_else(usual))
            } else {
                Value::Null
            };
            if let Some(row) = row.as_object_mut() {
                row.remove("cgroup-mode");
            }
            row
        })
        .collect();
    Ok(Reply::Data(rows))
}

/// What stands below a node.
const NAMES: [&str; 41] = [
    "aplinfo",
    "apt",
    "capabilities",
    "ceph",
    "certificates",
    "config",
    "disks",
    "dns",
    "firewall",
    "hardware",
    "hosts",
    "journal",
    "lxc",
    "migrateall",
    "netstat",
    "network",
    "qemu",
    "query-oci-repo-tags",
    "query-url-metadata",
    "replication",
    "report",
    "rrd",
    "rrddata",
    "scan",
    "sdn",
    "services",
    "spiceshell",
    "startall",
    "status",
    "stopall",
    "storage",
    "subscription",
    "suspendall",
    "syslog",
    "tasks",
    "termproxy",
    "time",
    "version",
    "vncshell",
    "vzdump",
    "wakeonlan",
];

pub(super) fn index(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.node()?;
    Ok(Reply::Data(
        NAMES.iter().map(|name| json!({ "name": name })).collect(),
    ))
}

pub(super) fn status(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let node = call.node()?;
    // Assumed: the fields beyond the schema's; no recording shows a node's status.
    let sample = call
        .core
        .sampler
        .newest()
        .node(&node.name)
        .unwrap_or_default();
    let load = sample.cpu * f64::from(node.cores);
    Ok(Reply::Data(json!({
        "cpu": sample.cpu,
        "wait": sample.cpu / 60.0,
        "idle": 0,
        "uptime": (call.now - node.started).max(0.0) as u64,
        "loadavg": [format!("{load:.2}"), format!("{:.2}", load * 0.97), format!("{:.2}", load * 0.93)],
        "memory": {
            "total": node.memory,
            "used": sample.memory,
            "free": (node.memory - sample.memory) / 2,
            "available": node.memory - sample.memory,
        },
        "swap": { "total": 0, "used": 0, "free": 0 },
        "rootfs": {
            "total": ROOT_SIZE,
            "used": sample.root_used,
            "avail": ROOT_SIZE - sample.root_used,
            "free": ROOT_SIZE - sample.root_used,
        },
        "ksm": { "shared": 0 },
        "cpuinfo": {
            "cpus": node.cores,
            "cores": (node.cores / 2).max(1),
            "sockets": 1,
            "model": "AMD EPYC 9354P 32-Core Processor",
            "mhz": "3250.000",
            "hvm": "1",
            "user_hz": 100,
            "flags": "fpu vme de pse tsc msr",
        },
        "pveversion": "pve-manager/9.2.11/14a22df35955d97d",
        "kversion": "Linux 6.17.2-1-pve",
        "current-kernel": {
            "sysname": "Linux",
            "release": "6.17.2-1-pve",
            "version": "#1 SMP PREEMPT_DYNAMIC PMX 6.17.2-1",
            "machine": "x86_64",
        },
        "boot-info": { "mode": "efi", "secureboot": 0 },
    })))
}

pub(super) fn version(call: &mut Call<'_>) -> Result<Reply, Failure> {
    super::cluster::version(call)
}

pub(super) fn time(call: &mut Call<'_>) -> Result<Reply, Failure> {
    // Assumed: local time is given as if the node kept UTC; the recorded one did.
    let now = call.now as i64;
    Ok(Reply::Data(
        json!({ "time": now, "localtime": now, "timezone": call.world.timezone }),
    ))
}

pub(super) fn subscription(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.node()?;
    Ok(Reply::Data(json!({
        "status": "notfound",
        "message": "There is no subscription key",
        "serverid": null,
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    })))
}

pub(super) fn replication(call: &mut Call<'_>) -> Result<Reply, Failure> {
    call.node()?;
    super::cluster::nothing(call)
}

pub(super) fn network(call: &mut Call<'_>) -> Result<Reply, Failure> {
    // Assumed: no recording shows a network list; the fields are the schema's.
    let wanted = call.text("type").map(str::to_owned);
    let address = call.node()?.address.to_string();
    let physical = json!({
        "iface": "eno1", "type": "eth", "active": 1, "exists": 1, "priority": 3, "method": "manual",
        "method6": "manual", "families": ["inet"],
    });
    let bridge = |name: &str, priority: u8| {
        json!({
            "iface": name, "type": "bridge", "active": 1, "autostart": 1, "priority": priority,
            "bridge_ports": if priority == 4 { "eno1" } else { "" }, "bridge_stp": "off", "bridge_fd": "0",
            "method": "static", "method6": "manual", "families": ["inet"], "address": address, "netmask": "24",
            "cidr": format!("{address}/24"),
        })
    };
    let mut rows = vec![physical];
    for (priority, name) in (4..).zip(["vmbr0", "vmbr1"]) {
        let path = format!("/sdn/zones/localnetwork/{name}");
        if call.may(&path, "SDN.Audit") || call.may(&path, "SDN.Use") {
            rows.push(bridge(name, priority));
        }
    }
    let kept = rows.into_iter().filter(|row| match wanted.as_deref() {
        None => true,
        Some("any_bridge" | "any_local_bridge" | "bridge") => row["type"] == "bridge",
        Some(kind) => row["type"] == kind,
    });
    Ok(Reply::Data(kept.collect()))
}

pub(super) fn certificates(call: &mut Call<'_>) -> Result<Reply, Failure> {
    const ISSUER: &str = "/O=PVE Cluster Manager CA/CN=Proxmox Virtual Environment";
    // Assumed: no recording shows certificates; the fields are the schema's.
    let identity = call.core.wardrobe.current();
    let node = call.node()?;
    let names: Vec<String> = ["127.0.0.1", "localhost"]
        .iter()
        .map(|name| (*name).to_owned())
        .chain(call.world.nodes.keys().cloned())
        .collect();
    let certificate = |file: &str, fingerprint: &str, subject: &str, ends: i64, pem: &str| {
        json!({
            "filename": file,
            "fingerprint": fingerprint,
            "issuer": ISSUER,
            "subject": subject,
            "notbefore": NOT_BEFORE,
            "notafter": ends,
            "public-key-type": "ED25519",
            "public-key-bits": 256,
            "pem": pem,
        })
    };
    let authority = certificate(
        "pve-root-ca.pem",
        &identity.authority_fingerprint,
        ISSUER,
        NOT_AFTER,
        &identity.authority_pem,
    );
    let mut own = certificate(
        "pve-ssl.pem",
        &identity.fingerprint,
        &format!("/O=PVE Cluster Node/CN={}", node.name),
        node.certified_until,
        &identity.leaf_pem,
    );
    own["san"] = json!(names);
    Ok(Reply::Data(json!([authority, own])))
}
