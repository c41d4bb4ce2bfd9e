//! A call on its way through its handler: its parameters, its caller and the world it changes.
//!
//! Refuses to wait; what takes time is a task.

use std::future::Future;
use std::sync::Arc;

use super::answer::Failure;
use super::authentication::Caller;
use super::catalogue::Route;
use super::parameters::Parameters;
use crate::simulator::Core;
use crate::simulator::workers::{self, Ending, Worker};
use crate::simulator::world::access::Privileges;
use crate::simulator::world::guest::{Guest, Kind};
use crate::simulator::world::task::Order;
use crate::simulator::world::{Node, World};

/// A call on its way through its handler.
pub(in crate::simulator) struct Call<'a> {
    pub(in crate::simulator) core: &'a Arc<Core>,
    pub(in crate::simulator) world: &'a mut World,
    pub(in crate::simulator) route: &'a Route,
    pub(in crate::simulator) caller: &'a Caller,
    pub(in crate::simulator) parameters: &'a Parameters,
    pub(in crate::simulator) now: f64,
}

impl Call<'_> {
    /// Returns a parameter.
    pub(in crate::simulator) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Returns a parameter that the table calls required.
    pub(in crate::simulator) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or("")
    }

    /// Returns a boolean parameter, `None` when it was not sent.
    pub(in crate::simulator) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "1")
    }

    /// Returns an integer parameter.
    pub(in crate::simulator) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name)
            .and_then(|value| value.trim_start_matches('+').parse().ok())
    }

    /// Returns the name of the node in the path.
    pub(in crate::simulator) fn node_name(&self) -> &str {
        self.text("node").unwrap_or(&self.world.local)
    }

    /// Returns the node in the path.
    pub(in crate::simulator) fn node(&self) -> Result<&Node, Failure> {
        let name = self.node_name();
        self.world
            .nodes
            .get(name)
            .ok_or_else(|| Failure::internal(format!("no such cluster node '{name}'")))
    }

    /// Returns the guest's number in the path.
    pub(in crate::simulator) fn vmid(&self) -> u32 {
        self.integer("vmid")
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }

    /// Returns the kind of guest that the path is about.
    pub(in crate::simulator) fn kind(&self) -> Kind {
        if self.route.template.contains("/lxc") {
            Kind::Lxc
        } else {
            Kind::Qemu
        }
    }

    /// Returns the guest in the path, if its node has it.
    pub(in crate::simulator) fn guest(&self) -> Result<&Guest, Failure> {
        let (kind, vmid, node) = (self.kind(), self.vmid(), self.node_name());
        self.world
            .guests
            .get(&vmid)
            .filter(|guest| guest.kind == kind && guest.node == node)
            .ok_or_else(|| Failure::internal(missing(kind, vmid, node)))
    }

    /// Refuses while the guest has a lock in its configuration.
    pub(in crate::simulator) fn unlocked(guest: &Guest) -> Result<(), Failure> {
        guest.lock().map_or(Ok(()), |lock| {
            Err(Failure::internal(locked(guest.kind, lock)))
        })
    }

    /// Refuses for now while somebody holds the guest's file lock.
    pub(in crate::simulator) fn lock_is_free(&self) -> Result<(), Failure> {
        let vmid = self.vmid();
        if self.world.lock_is_free(vmid, false) {
            Ok(())
        } else {
            Err(Failure::busy(self.kind().folder(), vmid))
        }
    }

    /// Returns what the caller may do at a path.
    pub(in crate::simulator) fn privileges(&self, path: &str) -> Privileges {
        privileges_at(self.world, self.caller, path)
    }

    /// Tells whether the caller has a privilege at a path.
    pub(in crate::simulator) fn may(&self, path: &str, privilege: &str) -> bool {
        self.privileges(path).contains_key(privilege)
    }

    /// Refuses unless the caller has a privilege at a path.
    pub(in crate::simulator) fn needs(&self, path: &str, privilege: &str) -> Result<(), Failure> {
        if self.may(path, privilege) {
            Ok(())
        } else {
            Err(Failure::forbidden(path, privilege))
        }
    }

    /// Tells whether the cluster has a quorum, faults considered.
    pub(in crate::simulator) fn is_quorate(&self) -> bool {
        self.world.quorate && !self.core.faults.quorum_is_lost()
    }

    /// Refuses without quorum.
    pub(in crate::simulator) fn quorum(&self) -> Result<(), Failure> {
        if self.is_quorate() {
            Ok(())
        } else {
            Err(Failure::internal("cluster not ready - no quorum?"))
        }
    }

    /// Starts a task on the node in the path and returns its UPID.
    pub(in crate::simulator) fn start<F, W>(&mut self, kind: &str, id: &str, work: W) -> String
    where
        W: FnOnce(Worker) -> F,
        F: Future<Output = Result<(), Ending>> + Send + 'static,
    {
        let order = Order {
            node: self.node_name().to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            who: self.caller.who.clone(),
        };
        workers::start(self.core, self.world, order, work)
    }
}

/// Returns what a caller may do at a path, the pool of its object considered.
pub(in crate::simulator) fn privileges_at(
    world: &World,
    caller: &Caller,
    path: &str,
) -> Privileges {
    let pool = if let Some(vmid) = path.strip_prefix("/vms/") {
        vmid.parse().ok().and_then(|vmid| world.pool_of(vmid))
    } else if let Some(storage) = path.strip_prefix("/storage/") {
        world.pool_of_storage(storage)
    } else {
        None
    };
    world.access.privileges(&caller.who, path, pool)
}

/// Returns the words for a guest that a node does not have.
pub(in crate::simulator) fn missing(kind: Kind, vmid: u32, node: &str) -> String {
    format!(
        "Configuration file 'nodes/{node}/{}/{vmid}.conf' does not exist",
        kind.folder()
    )
}

/// Returns the words for a guest whose configuration holds a lock.
pub(in crate::simulator) fn locked(kind: Kind, lock: &str) -> String {
    format!("{} is locked ({lock})", kind.title())
}
