//! Calls that start and stop guests.
//!
//! Refuses at once what the real server refuses at once; the rest the task finds out.

use serde_json::json;

use crate::simulator::gate::answer::{Failure, Reply};
use crate::simulator::gate::call::Call;
use crate::simulator::lifecycle::power::{self, Shutdown, Target};
use crate::simulator::world::guest::{Guest, Kind, RunState};

fn target(call: &Call<'_>) -> Target {
    Target {
        kind: call.kind(),
        vmid: call.vmid(),
        node: call.node_name().to_owned(),
    }
}

/// Checks what all calls here have in common.
fn begin(call: &Call<'_>) -> Result<(Target, String), Failure> {
    call.quorum()?;
    if call.text("skiplock").is_some() && !call.caller.is_root() {
        return Err(Failure::parameter(
            "skiplock",
            "Only root may use this option.",
        ));
    }
    let target = target(call);
    let id = target.vmid.to_string();
    Ok((target, id))
}

fn task(call: &Call<'_>, verb: &str) -> String {
    format!("{}{verb}", call.kind().prefix())
}

/// Refuses what needs a process when there is none.
fn needs_process(call: &Call<'_>, title: &str) -> Result<(), Failure> {
    let guest = call.guest()?;
    if guest.run.is_up() {
        return Ok(());
    }
    Err(Failure::internal(format!(
        "{title} {} not running",
        guest.vmid
    )))
}

fn needs_ears(guest: &Guest) -> Result<(), Failure> {
    match guest.run {
        RunState::Paused => Err(Failure::internal("VM is paused - cannot shutdown")),
        RunState::Stopped | RunState::Running | RunState::IoError => Ok(()),
    }
}

fn is_managed(call: &Call<'_>) -> bool {
    call.guest().is_ok_and(|guest| guest.ha)
}

pub(super) fn start(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    if call.kind() == Kind::Lxc && call.guest()?.run.is_up() {
        return Err(Failure::internal(format!("CT {id} already running")));
    }
    if is_managed(call) {
        let upid = call.start("hastart", &id, move |worker| {
            power::request_ha(worker, target, true)
        });
        return Ok(Reply::Data(json!(upid)));
    }
    let kind = task(call, "start");
    let upid = call.start(&kind, &id, move |worker| power::start(worker, target));
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn stop(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    if call.kind() == Kind::Lxc {
        needs_process(call, "CT")?;
    } else {
        call.guest()?;
    }
    if is_managed(call) {
        let upid = call.start("hastop", &id, move |worker| {
            power::request_ha(worker, target, false)
        });
        return Ok(Reply::Data(json!(upid)));
    }
    let overrules = call.flag("overrule-shutdown").unwrap_or(false);
    let kind = task(call, "stop");
    let upid = call.start(&kind, &id, move |worker| {
        power::stop(worker, target, overrules)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn shutdown(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    if call.kind() == Kind::Lxc {
        needs_process(call, "CT")?;
    }
    needs_ears(call.guest()?)?;
    if is_managed(call) {
        let upid = call.start("hastop", &id, move |worker| {
            power::request_ha(worker, target, false)
        });
        return Ok(Reply::Data(json!(upid)));
    }
    let how = Shutdown {
        timeout: call
            .integer("timeout")
            .map_or(60.0, |seconds| seconds as f64),
        force: call.flag("forceStop").unwrap_or(false),
    };
    let kind = task(call, "shutdown");
    let upid = call.start(&kind, &id, move |worker| {
        power::shutdown(worker, target, how)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn reboot(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    // Containers answer with the same words as machines here, as recorded.
    needs_process(call, "VM")?;
    needs_ears(call.guest()?)?;
    let timeout = call
        .integer("timeout")
        .map_or(60.0, |seconds| seconds as f64);
    let kind = task(call, "reboot");
    let upid = call.start(&kind, &id, move |worker| {
        power::reboot(worker, target, timeout)
    });
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn reset(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    needs_process(call, "VM")?;
    let upid = call.start("qmreset", &id, move |worker| power::reset(worker, target));
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn suspend(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    needs_process(call, call.kind().title())?;
    if call.flag("todisk").unwrap_or(false) {
        call.needs(&format!("/vms/{id}"), "VM.Config.Disk")?;
        let storage = call.guest()?.config.get("vmstatestorage").cloned();
        if let Some(storage) = storage {
            call.needs(&format!("/storage/{storage}"), "Datastore.AllocateSpace")?;
        }
        let upid = call.start("qmsuspend", &id, move |worker| {
            power::suspend_to_disk(worker, target)
        });
        return Ok(Reply::Data(json!(upid)));
    }
    let kind = if call.kind() == Kind::Qemu {
        "qmpause"
    } else {
        "vzsuspend"
    };
    let upid = call.start(kind, &id, move |worker| power::pause(worker, target));
    Ok(Reply::Data(json!(upid)))
}

pub(super) fn resume(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let (target, id) = begin(call)?;
    if call.guest()?.lock() != Some("suspended") {
        needs_process(call, call.kind().title())?;
    }
    let kind = task(call, "resume");
    let upid = call.start(&kind, &id, move |worker| power::resume(worker, target));
    Ok(Reply::Data(json!(upid)))
}
