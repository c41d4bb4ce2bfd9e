//! Starting and stopping guests, and everything between.
//!
//! Refuses to answer requests; what is refused at once stands in `routes::power`.

use crate::simulator::gate::call::{locked, missing};
use crate::simulator::storage::{Volume, storage_of};
use crate::simulator::workers::{Ending, HeldLock, Worker};
use crate::simulator::world::World;
use crate::simulator::world::guest::{Guest, Kind, RunState};
use crate::simulator::world::task::Order;

use super::snapshot::find;

/// Who is to be started or stopped.
#[derive(Debug, Clone)]
pub(in crate::simulator) struct Target {
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) vmid: u32,
    pub(in crate::simulator) node: String,
}

/// How a guest is asked to shut down.
#[derive(Debug, Clone, Copy)]
pub(in crate::simulator) struct Shutdown {
    pub(in crate::simulator) timeout: f64,
    pub(in crate::simulator) force: bool,
}

// Assumed: how long starting, stopping and pausing take; the recorded guests had no system to wait for.

/// How long a guest takes to shut down, and how long its server cleans up afterwards.
const SHUTDOWN_SECONDS: f64 = 6.0;
const CLEAN_UP_SECONDS: f64 = 1.0;

impl Target {
    fn find<'a>(&self, world: &'a mut World) -> Result<&'a mut Guest, String> {
        find(world, self.kind, self.vmid, &self.node)
    }

    fn running_message(&self) -> String {
        format!("{} {} already running", self.kind.title(), self.vmid)
    }
}

/// Starts a guest.
pub(in crate::simulator) async fn start(worker: Worker, target: Target) -> Result<(), Ending> {
    let exists = worker.world(|world| target.find(world).map(|_| ()));
    exists?;
    let lock = worker.lock(target.kind, target.vmid).await?;
    start_locked(&worker, &target, lock).await
}

async fn start_locked(worker: &Worker, target: &Target, lock: HeldLock) -> Result<(), Ending> {
    let resumes = worker.world(|world| -> Result<bool, String> {
        let guest = target.find(world)?;
        let suspended = guest.lock() == Some("suspended");
        if guest.is_template() {
            return Err("you can't start a vm if it's a template".into());
        }
        if let Some(lock) = guest.lock().filter(|_| !suspended) {
            return Err(locked(target.kind, lock));
        }
        if guest.run.is_up() {
            return Err(target.running_message());
        }
        Ok(suspended)
    })?;
    worker.work(2.0).await?;
    let now = worker.now();
    worker.world(|world| -> Result<(), String> {
        let pid = world.chance() as u32 % 30_000 + 2000;
        let guest = target.find(world)?;
        guest.rise(now, pid);
        if resumes {
            guest.config.remove("lock");
            let volume = guest.config.remove("vmstate");
            if let Some(volume) = volume {
                world.volumes.remove(&volume);
            }
        }
        Ok(())
    })?;
    drop(lock);
    Ok(())
}

/// Stops a guest the hard way; a stopped one is fine as it is.
pub(in crate::simulator) async fn stop(
    worker: Worker,
    target: Target,
    overrules: bool,
) -> Result<(), Ending> {
    if overrules {
        let id = target.vmid.to_string();
        worker.world(|world| {
            let shutdowns = ["qmshutdown", "vzshutdown"];
            let own = world
                .tasks
                .iter()
                .filter(|task| task.end.is_none() && task.id == id);
            own.filter(|task| shutdowns.contains(&task.kind.as_str()))
                .for_each(|task| task.cancel.cancel());
        });
    }
    let lock = worker.lock(target.kind, target.vmid).await?;
    let running = worker.world(|world| unlocked_run(world, &target))?;
    if running == RunState::Stopped {
        drop(lock);
        return Ok(());
    }
    worker.work(1.0).await?;
    fall(&worker, &target)?;
    worker.clean_up(lock, CLEAN_UP_SECONDS);
    Ok(())
}

/// Asks a guest to shut down and waits; the file lock is held all the while.
pub(in crate::simulator) async fn shutdown(
    worker: Worker,
    target: Target,
    how: Shutdown,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    wait_for_shutdown(&worker, &target, how).await?;
    worker.clean_up(lock, CLEAN_UP_SECONDS);
    Ok(())
}

async fn wait_for_shutdown(worker: &Worker, target: &Target, how: Shutdown) -> Result<(), Ending> {
    if worker.world(|world| unlocked_run(world, target))? == RunState::Stopped {
        return Ok(());
    }
    let deaf = worker.world(|world| {
        world
            .guests
            .get(&target.vmid)
            .is_some_and(|guest| guest.deaf)
    });
    if deaf || how.timeout < SHUTDOWN_SECONDS {
        worker.work(how.timeout).await?;
        if !how.force {
            return Err("VM quit/powerdown failed - got timeout".into());
        }
        worker.log("VM quit/powerdown failed - got timeout");
    } else {
        worker.work(SHUTDOWN_SECONDS).await?;
    }
    fall(worker, target)?;
    Ok(())
}

/// Shuts a guest down and starts it again, which takes over changes that waited for it.
pub(in crate::simulator) async fn reboot(
    worker: Worker,
    target: Target,
    timeout: f64,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    wait_for_shutdown(
        &worker,
        &target,
        Shutdown {
            timeout,
            force: false,
        },
    )
    .await?;
    start_locked(&worker, &target, lock).await
}

/// Presses the reset button.
pub(in crate::simulator) async fn reset(worker: Worker, target: Target) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    worker.world(|world| unlocked_run(world, &target))?;
    worker.work(0.5).await?;
    // The process goes on, so neither uptime nor counters begin anew, and a paused guest stays paused.
    drop(lock);
    Ok(())
}

/// Holds a guest where it is.
pub(in crate::simulator) async fn pause(worker: Worker, target: Target) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    worker.world(|world| unlocked_run(world, &target))?;
    worker.work(0.5).await?;
    set_run(&worker, &target, RunState::Paused)?;
    drop(lock);
    Ok(())
}

/// Saves a guest's memory to a volume and stops it; its lock says that it can be resumed.
pub(in crate::simulator) async fn suspend_to_disk(
    worker: Worker,
    target: Target,
) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    worker.world(|world| unlocked_run(world, &target))?;
    set_option(&worker, &target, "lock", Some("suspending"))?;
    worker.work(4.0).await?;
    let now = worker.now();
    let day = chrono::DateTime::from_timestamp(now as i64, 0)
        .unwrap_or_default()
        .format("%Y-%m-%d")
        .to_string();
    worker.world(|world| -> Result<(), String> {
        let guest = target.find(world)?;
        let disk = guest
            .disks()
            .first()
            .map(|(_, volume)| volume.clone())
            .unwrap_or_default();
        let memory = guest.memory();
        let storage = world
            .storages
            .get(storage_of(&disk))
            .ok_or("no storage for the state")?;
        let of = format!("suspend-{day}");
        let volume = Volume {
            used: memory / 2,
            made: now as i64,
            ..storage.state_volume(target.vmid, &of, &target.node, memory)
        };
        let id = volume.id.clone();
        world.volumes.insert(id.clone(), volume);
        let guest = target.find(world)?;
        guest.fall(now);
        guest.config.insert("lock".into(), "suspended".into());
        guest.config.insert("vmstate".into(), id);
        Ok(())
    })?;
    drop(lock);
    Ok(())
}

/// Lets a paused guest go on, or brings a suspended one back.
pub(in crate::simulator) async fn resume(worker: Worker, target: Target) -> Result<(), Ending> {
    let lock = worker.lock(target.kind, target.vmid).await?;
    let suspended = worker.world(|world| {
        target
            .find(world)
            .map(|guest| guest.lock() == Some("suspended"))
    })?;
    if suspended {
        return start_locked(&worker, &target, lock).await;
    }
    worker.world(|world| unlocked_run(world, &target))?;
    worker.work(0.5).await?;
    set_run(&worker, &target, RunState::Running)?;
    drop(lock);
    Ok(())
}

/// Asks the high-availability manager; the task ends as soon as it was asked.
pub(in crate::simulator) async fn request_ha(
    worker: Worker,
    target: Target,
    wants_up: bool,
) -> Result<(), Ending> {
    // Assumed: the log lines of requests to the manager.
    let service = format!(
        "{}:{}",
        if target.kind == Kind::Qemu {
            "vm"
        } else {
            "ct"
        },
        target.vmid
    );
    let state = if wants_up { "started" } else { "stopped" };
    worker.log(format!(
        "Requesting HA {} for {} {}",
        if wants_up { "start" } else { "stop" },
        target.kind.title(),
        target.vmid
    ));
    worker.log(format!("service '{service}' in state '{state}'"));
    worker.work(0.5).await?;
    let kind = format!(
        "{}{}",
        target.kind.prefix(),
        if wants_up { "start" } else { "stop" }
    );
    let order = Order {
        node: target.node.clone(),
        kind,
        id: target.vmid.to_string(),
        who: "root@pam".into(),
    };
    // Assumed: the manager acts within one of its ten-second rounds.
    worker.start_other(order, move |worker| async move {
        worker.work(5.0).await?;
        if wants_up {
            start(worker, target).await
        } else {
            stop(worker, target, false).await
        }
    });
    Ok(())
}

/// Returns what a guest is doing; a running one must not be locked.
fn unlocked_run(world: &mut World, target: &Target) -> Result<RunState, String> {
    let guest = world
        .guests
        .get(&target.vmid)
        .filter(|guest| guest.kind == target.kind && guest.node == target.node)
        .ok_or_else(|| missing(target.kind, target.vmid, &target.node))?;
    match guest.lock() {
        Some(lock) if guest.run.is_up() => Err(locked(target.kind, lock)),
        Some(_) | None => Ok(guest.run),
    }
}

pub(super) fn fall(worker: &Worker, target: &Target) -> Result<(), String> {
    let now = worker.now();
    worker.world(|world| target.find(world).map(|guest| guest.fall(now)))
}

fn set_run(worker: &Worker, target: &Target, run: RunState) -> Result<(), String> {
    worker.world(|world| target.find(world).map(|guest| guest.run = run))
}

fn set_option(
    worker: &Worker,
    target: &Target,
    key: &str,
    value: Option<&str>,
) -> Result<(), String> {
    worker.world(|world| {
        target.find(world).map(|guest| {
            match value {
                Some(value) => guest.config.insert(key.to_owned(), value.to_owned()),
                None => guest.config.remove(key),
            };
        })
    })
}
