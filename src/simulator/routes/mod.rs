//! What each call answers: one table that joins paths with functions, one file per area.
//!
//! Refuses to check privileges and formats that the table of calls already states.

mod access;
mod cluster;
mod guest_status;
mod nodes;
mod rrd;
mod snapshots;
mod tasks;

use super::gate::answer::{Failure, Reply};
use super::gate::call::Call;

/// What a call does.
pub(super) type Handler = fn(&mut Call<'_>) -> Result<Reply, Failure>;

/// All calls as (method, path template, function).
const ROUTES: &[(&str, &str, Handler)] = &[
    ("GET", "/version", cluster::version),
    ("GET", "/access/permissions", access::permissions),
    ("GET", "/cluster/resources", cluster::resources),
    ("GET", "/cluster/tasks", tasks::cluster),
    ("GET", "/cluster/status", cluster::status),
    ("GET", "/nodes", nodes::list),
    ("GET", "/nodes/{node}/rrddata", rrd::node),
    ("GET", "/nodes/{node}/tasks/{upid}/log", tasks::log),
    ("GET", "/nodes/{node}/tasks/{upid}/status", tasks::status),
    ("GET", "/nodes/{node}/qemu/{vmid}/rrddata", rrd::guest),
    ("GET", "/nodes/{node}/lxc/{vmid}/rrddata", rrd::guest),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/status/current",
        guest_status::current,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/status/current",
        guest_status::current,
    ),
    ("GET", "/nodes/{node}/qemu/{vmid}/snapshot", snapshots::list),
    ("GET", "/nodes/{node}/lxc/{vmid}/snapshot", snapshots::list),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/snapshot",
        snapshots::create,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/snapshot",
        snapshots::create,
    ),
];

/// Finds the function of a call.
pub(super) fn handler(method: &str, template: &str) -> Option<Handler> {
    ROUTES
        .iter()
        .find(|(verb, path, _)| *verb == method && *path == template)
        .map(|(_, _, handler)| *handler)
}

/// Iterates over all calls as (method, path template).
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES
        .iter()
        .map(|(method, template, _)| (*method, *template))
}
