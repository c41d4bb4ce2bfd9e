//! Tasks that run: they take their time, write their log, hold locks, and end one way or another.
//!
//! Refuses to know what tasks do; `lifecycle` does.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::Core;
use super::faults::TaskFault;
use super::gate::answer::lock_timeout;
use super::world::World;
use super::world::guest::Kind;
use super::world::task::{End, Order};

/// How long a task waits for a guest's file lock.
const LOCK_PATIENCE: f64 = 10.0;
/// However fast work runs, a lock is waited for at least so long: a busy machine may not look for a while.
const LEAST_PATIENCE: Duration = Duration::from_millis(250);

/// How a task ended when not well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// With an error.
    Error(String),
    /// Somebody stopped it.
    Interrupted,
    /// Its process was gone before it could write a last line.
    Vanished,
}

impl From<String> for Ending {
    fn from(message: String) -> Self {
        Self::Error(message)
    }
}

impl From<&str> for Ending {
    fn from(message: &str) -> Self {
        Self::Error(message.to_owned())
    }
}

/// A task from the inside.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    core: Arc<Core>,
    upid: String,
    fault: Option<TaskFault>,
    steps: Arc<AtomicU32>,
    cancel: tokio_util::sync::CancellationToken,
}

/// Enters a task and lets it run; the world is locked by the caller, so it begins when the caller is done.
pub(super) fn start<F, W>(core: &Arc<Core>, world: &mut World, order: Order, work: W) -> String
where
    W: FnOnce(Worker) -> F,
    F: Future<Output = Result<(), Ending>> + Send + 'static,
{
    let now = core.clock.seconds();
    let boot = world
        .nodes
        .get(&order.node)
        .map_or(now as f64, |node| node.started);
    let fault = core.faults.for_task(&order.kind, &order.id);
    let (node, who) = (order.node.clone(), order.who.clone());
    let upid = world.tasks.enter(order, now, boot);
    world.note(now, &node, &who, 6, format!("starting task {upid}"));
    let cancel = world
        .tasks
        .get(&upid)
        .map(|task| task.cancel.clone())
        .unwrap_or_default();
    let worker = Worker {
        core: Arc::clone(core),
        upid: upid.clone(),
        fault,
        steps: Arc::default(),
        cancel,
    };
    let future = work(worker.clone());
    let stop = core.stop.clone();
    core.tracker.spawn(async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            result = future => worker.finish(result),
        }
    });
    upid
}

impl Worker {
    /// Looks at the world or changes it.
    pub(super) fn world<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.core.world())
    }

    /// Returns the simulated time.
    pub(super) fn now(&self) -> f64 {
        self.core.clock.now()
    }

    /// Returns who started the task: a user or a full token id.
    pub(super) fn who(&self) -> String {
        self.world(|world| {
            world
                .tasks
                .get(&self.upid)
                .map(|task| task.who.clone())
                .unwrap_or_default()
        })
    }

    /// Writes a line to the task's log.
    pub(super) fn log(&self, line: impl Into<String>) {
        let line = line.into();
        self.world(|world| {
            if let Some(task) = world.tasks.get_mut(&self.upid) {
                task.log.push(line);
            }
        });
    }

    /// Works for so many seconds of a real cluster; this is a step, where faults strike and interruptions come.
    pub(super) async fn work(&self, seconds: f64) -> Result<(), Ending> {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(fault) = &self.fault
            && fault.step == step
        {
            return Err(fault.ending.clone());
        }
        tokio::select! {
            () = tokio::time::sleep(self.core.clock.pace(seconds)) => Ok(()),
            () = self.cancel.cancelled() => Err(Ending::Interrupted),
        }
    }

    /// Takes a guest's file lock, waiting for it as long as the real server does.
    pub(super) async fn lock(&self, kind: Kind, vmid: u32) -> Result<HeldLock, Ending> {
        self.lock_within(kind, vmid, false, LOCK_PATIENCE).await
    }

    /// Takes a guest's file lock together with others that only read.
    pub(super) async fn lock_shared(&self, kind: Kind, vmid: u32) -> Result<HeldLock, Ending> {
        self.lock_within(kind, vmid, true, LOCK_PATIENCE).await
    }

    /// Takes a guest's file lock within so many seconds.
    pub(super) async fn lock_within(
        &self,
        kind: Kind,
        vmid: u32,
        shared: bool,
        patience: f64,
    ) -> Result<HeldLock, Ending> {
        let held = || HeldLock {
            core: Arc::clone(&self.core),
            vmid,
        };
        if self.world(|world| world.take_lock(vmid, shared)) {
            return Ok(held());
        }
        self.log("trying to acquire lock...");
        let patience = self.core.clock.pace(patience).max(LEAST_PATIENCE);
        let waiting = async {
            while !self.world(|world| world.take_lock(vmid, shared)) {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        };
        tokio::select! {
            () = waiting => {
                self.log(" OK");
                Ok(held())
            }
            () = tokio::time::sleep(patience) => {
                Err(Ending::Error(lock_timeout(kind.folder(), vmid)))
            }
            () = self.cancel.cancelled() => Err(Ending::Interrupted),
        }
    }

    /// Takes the lock that keeps roll-backs and deletions of one guest apart.
    pub(super) async fn migration_lock(&self, vmid: u32) -> Result<HeldMigrationLock, Ending> {
        let waiting = async {
            while !self.world(|world| world.migration_locks.insert(vmid)) {
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        };
        tokio::select! {
            () = waiting => Ok(HeldMigrationLock { core: Arc::clone(&self.core), vmid }),
            () = tokio::time::sleep(self.core.clock.pace(LOCK_PATIENCE)) => {
                Err("Failed to obtain guest migration lock - replication running?".into())
            }
            () = self.cancel.cancelled() => Err(Ending::Interrupted),
        }
    }

    /// Starts another task from this one.
    pub(super) fn start_other<F, W>(&self, order: Order, work: W) -> String
    where
        W: FnOnce(Worker) -> F,
        F: Future<Output = Result<(), Ending>> + Send + 'static,
    {
        start(&self.core, &mut self.core.world(), order, work)
    }

    /// Holds a guest's file lock for a while after the task, as the server's own clean-up does.
    pub(super) fn clean_up(&self, lock: HeldLock, seconds: f64) {
        let pause = self.core.clock.pace(seconds);
        let stop = self.core.stop.clone();
        self.core.tracker.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
            drop(lock);
        });
    }

    fn finish(&self, result: Result<(), Ending>) {
        let at = self.core.clock.seconds();
        self.world(|world| {
            let Some(task) = world.tasks.get_mut(&self.upid) else {
                return;
            };
            let warnings = task
                .log
                .iter()
                .filter(|line| line.starts_with("WARN: "))
                .count();
            let status = match result {
                Ok(()) if warnings > 0 => format!("WARNINGS: {warnings}"),
                Ok(()) => "OK".to_owned(),
                Err(Ending::Error(message)) => message.replace('\n', " "),
                Err(Ending::Interrupted) => "received interrupt".to_owned(),
                Err(Ending::Vanished) => "unexpected status".to_owned(),
            };
            if status != "unexpected status" {
                task.log.push(super::world::last_line(&status));
            }
            task.end = Some(End {
                at,
                status: status.clone(),
            });
            let (node, who) = (task.node.clone(), task.who.clone());
            let priority = if status == "OK" || status.starts_with("WARNINGS") {
                6
            } else {
                3
            };
            world.note(
                at,
                &node,
                &who,
                priority,
                format!("end task {} {status}", self.upid),
            );
        });
    }
}

/// A guest's file lock while somebody holds it.
#[derive(Debug)]
pub(super) struct HeldLock {
    core: Arc<Core>,
    vmid: u32,
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        self.core.world().release_lock(self.vmid);
    }
}

/// The lock that keeps roll-backs and deletions of one guest apart, while somebody holds it.
#[derive(Debug)]
pub(super) struct HeldMigrationLock {
    core: Arc<Core>,
    vmid: u32,
}

impl Drop for HeldMigrationLock {
    fn drop(&mut self) {
        self.core.world().migration_locks.remove(&self.vmid);
    }
}
