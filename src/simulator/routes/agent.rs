//! Calls that ask the agent inside a guest.
//!
//! Refuses to run commands in guests.

use serde_json::{Value, json};

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::world::guest::RunState;

// Assumed: what an agent that is there answers; the recorded guests had none.

/// Refuses unless an agent is there to answer.
fn reach(call: &Call<'_>) -> Result<String, Failure> {
    let guest = call.guest()?;
    let configured = guest
        .config
        .get("agent")
        .is_some_and(|agent| agent.starts_with('1') || agent.contains("enabled=1"));
    if !guest.run.is_up() {
        return Err(Failure::internal(format!(
            "VM {} is not running",
            guest.vmid
        )));
    }
    if !configured {
        return Err(Failure::internal("No QEMU guest agent configured"));
    }
    match guest.run {
        RunState::Running => Ok(guest.name()),
        RunState::Paused | RunState::IoError | RunState::Stopped => Err(Failure {
            after: 3.0,
            ..Failure::internal("QEMU guest agent is not running")
        }),
    }
}

fn result(value: &Value) -> Result<Reply, Failure> {
    Ok(Reply::Data(json!({ "result": value })))
}

pub(super) fn index(_call: &mut Call<'_>) -> Result<Reply, Failure> {
    let names = [
        "exec",
        "file-read",
        "get-host-name",
        "get-osinfo",
        "info",
        "network-get-interfaces",
        "ping",
    ];
    Ok(Reply::Data(
        names.iter().map(|name| json!({ "name": name })).collect(),
    ))
}

pub(super) fn ping(call: &mut Call<'_>) -> Result<Reply, Failure> {
    reach(call)?;
    result(&json!({}))
}

pub(super) fn command(call: &mut Call<'_>) -> Result<Reply, Failure> {
    reach(call)?;
    result(&json!({}))
}

pub(super) fn info(call: &mut Call<'_>) -> Result<Reply, Failure> {
    reach(call)?;
    result(&json!({ "version": "9.2.0", "supported_commands": [] }))
}

pub(super) fn host_name(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let name = reach(call)?;
    result(&json!({ "host-name": name }))
}

pub(super) fn system(call: &mut Call<'_>) -> Result<Reply, Failure> {
    reach(call)?;
    result(&json!({
        "id": "ubuntu", "name": "Ubuntu", "pretty-name": "Ubuntu 22.04.5 LTS", "version": "22.04.5 LTS (Jammy Jellyfish)",
        "version-id": "22.04", "kernel-release": "5.15.0-130-generic", "machine": "x86_64",
    }))
}

pub(super) fn interfaces(call: &mut Call<'_>) -> Result<Reply, Failure> {
    reach(call)?;
    let vmid = call.vmid();
    let address = format!("10.20.{}.{}", vmid / 250, vmid % 250 + 2);
    result(&json!([
        {
            "name": "lo", "hardware-address": "00:00:00:00:00:00",
            "ip-addresses": [{ "ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8 }],
        },
        {
            "name": "eth0",
            "ip-addresses": [{ "ip-address": address, "ip-address-type": "ipv4", "prefix": 24 }],
        },
    ]))
}
