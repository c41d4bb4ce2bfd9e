//! What each call answers: one table that joins paths with functions, one file per area.
//!
//! Refuses to check privileges and formats that the table of calls already states.

#![expect(
    clippy::unnecessary_wraps,
    reason = "all calls share one signature, also those that never refuse"
)]

mod access;
mod agent;
mod cluster;
mod config;
mod create;
mod devices;
mod firewall;
mod guest_status;
mod guests;
mod metrics;
mod nodes;
mod pools;
mod power;
mod rights;
mod rrd;
mod snapshots;
mod storages;
mod tasks;

use super::gate::answer::{Failure, Reply};
use super::gate::call::Call;

pub(super) use snapshots::kept as kept_description;

/// What a call does.
pub(super) type Handler = fn(&mut Call<'_>) -> Result<Reply, Failure>;

/// All calls as (method, path template, function).
const ROUTES: &[(&str, &str, Handler)] = &[
    ("GET", "/version", cluster::version),
    ("GET", "/access/ticket", access::ticket_dummy),
    ("POST", "/access/ticket", access::create_ticket),
    ("GET", "/access/domains", access::domains),
    ("GET", "/access/roles", access::roles),
    ("GET", "/access/users", access::users),
    ("GET", "/access/users/{userid}/token", access::tokens),
    (
        "GET",
        "/access/users/{userid}/token/{tokenid}",
        access::token,
    ),
    (
        "POST",
        "/access/users/{userid}/token/{tokenid}",
        access::create_token,
    ),
    (
        "DELETE",
        "/access/users/{userid}/token/{tokenid}",
        access::delete_token,
    ),
    ("GET", "/access/tfa", access::second_factors),
    ("PUT", "/access/password", access::change_password),
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
    (
        "DELETE",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}",
        snapshots::delete,
    ),
    (
        "DELETE",
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}",
        snapshots::delete,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}",
        snapshots::index,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}",
        snapshots::index,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config",
        snapshots::config,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config",
        snapshots::config,
    ),
    (
        "PUT",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config",
        snapshots::describe,
    ),
    (
        "PUT",
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config",
        snapshots::describe,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback",
        snapshots::rollback,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback",
        snapshots::rollback,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/start",
        power::start,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/start",
        power::start,
    ),
    ("POST", "/nodes/{node}/qemu/{vmid}/status/stop", power::stop),
    ("POST", "/nodes/{node}/lxc/{vmid}/status/stop", power::stop),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/shutdown",
        power::shutdown,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/shutdown",
        power::shutdown,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/reboot",
        power::reboot,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/reboot",
        power::reboot,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/suspend",
        power::suspend,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/suspend",
        power::suspend,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/resume",
        power::resume,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/status/resume",
        power::resume,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/status/reset",
        power::reset,
    ),
    ("GET", "/cluster", cluster::index),
    ("GET", "/cluster/nextid", cluster::next_id),
    ("GET", "/cluster/log", cluster::log),
    ("GET", "/cluster/options", cluster::options),
    ("GET", "/cluster/metrics/export", metrics::export),
    ("GET", "/cluster/ha/status/current", cluster::ha_status),
    ("GET", "/cluster/ha/resources", cluster::ha_resources),
    ("GET", "/cluster/backup", cluster::nothing),
    (
        "GET",
        "/cluster/backup-info/not-backed-up",
        cluster::not_backed_up,
    ),
    ("GET", "/cluster/config/qdevice", cluster::no_quorum_device),
    ("GET", "/cluster/replication", cluster::nothing),
    ("GET", "/cluster/sdn/zones", cluster::nothing),
    ("GET", "/cluster/sdn/vnets", cluster::nothing),
    ("GET", "/nodes/{node}", nodes::index),
    ("GET", "/nodes/{node}/status", nodes::status),
    ("GET", "/nodes/{node}/version", nodes::version),
    ("GET", "/nodes/{node}/time", nodes::time),
    ("GET", "/nodes/{node}/network", nodes::network),
    ("GET", "/nodes/{node}/subscription", nodes::subscription),
    ("GET", "/nodes/{node}/replication", nodes::replication),
    (
        "GET",
        "/nodes/{node}/certificates/info",
        nodes::certificates,
    ),
    ("GET", "/nodes/{node}/tasks", tasks::node),
    ("GET", "/nodes/{node}/tasks/{upid}", tasks::index),
    ("DELETE", "/nodes/{node}/tasks/{upid}", tasks::stop),
    ("GET", "/nodes/{node}/storage", storages::list),
    ("GET", "/nodes/{node}/storage/{storage}", storages::index),
    (
        "GET",
        "/nodes/{node}/storage/{storage}/status",
        storages::status,
    ),
    (
        "GET",
        "/nodes/{node}/storage/{storage}/content",
        storages::content,
    ),
    (
        "GET",
        "/nodes/{node}/storage/{storage}/content/{volume}",
        storages::volume,
    ),
    (
        "GET",
        "/nodes/{node}/storage/{storage}/rrddata",
        rrd::storage,
    ),
    ("GET", "/storage", storages::definitions),
    ("GET", "/storage/{storage}", storages::one_definition),
    ("GET", "/pools", pools::list),
    ("POST", "/pools", pools::create),
    ("PUT", "/pools", pools::update),
    ("DELETE", "/pools", pools::delete),
    ("GET", "/pools/{poolid}", pools::read),
    ("PUT", "/pools/{poolid}", pools::update),
    ("DELETE", "/pools/{poolid}", pools::delete),
    ("GET", "/nodes/{node}/qemu", guests::list),
    ("GET", "/nodes/{node}/lxc", guests::list),
    ("POST", "/nodes/{node}/qemu", create::machine),
    ("GET", "/nodes/{node}/qemu/{vmid}", guests::index),
    ("GET", "/nodes/{node}/lxc/{vmid}", guests::index),
    ("DELETE", "/nodes/{node}/qemu/{vmid}", guests::destroy),
    ("DELETE", "/nodes/{node}/lxc/{vmid}", guests::destroy),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/status",
        guests::status_index,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/status",
        guests::status_index,
    ),
    ("POST", "/nodes/{node}/qemu/{vmid}/clone", guests::clone),
    ("POST", "/nodes/{node}/lxc/{vmid}/clone", guests::clone),
    ("GET", "/nodes/{node}/qemu/{vmid}/config", config::read),
    ("GET", "/nodes/{node}/lxc/{vmid}/config", config::read),
    ("PUT", "/nodes/{node}/qemu/{vmid}/config", config::change),
    ("PUT", "/nodes/{node}/lxc/{vmid}/config", config::change),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/config",
        config::change_later,
    ),
    ("GET", "/nodes/{node}/qemu/{vmid}/pending", config::pending),
    ("GET", "/nodes/{node}/lxc/{vmid}/pending", config::pending),
    ("GET", "/nodes/{node}/qemu/{vmid}/feature", guests::feature),
    ("GET", "/nodes/{node}/lxc/{vmid}/feature", guests::feature),
    ("PUT", "/nodes/{node}/qemu/{vmid}/resize", guests::resize),
    ("PUT", "/nodes/{node}/lxc/{vmid}/resize", guests::resize),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/template",
        guests::template,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/template",
        guests::template,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/interfaces",
        guests::interfaces,
    ),
    ("GET", "/nodes/{node}/qemu/{vmid}/agent", agent::index),
    ("POST", "/nodes/{node}/qemu/{vmid}/agent", agent::command),
    ("POST", "/nodes/{node}/qemu/{vmid}/agent/ping", agent::ping),
    ("GET", "/nodes/{node}/qemu/{vmid}/agent/info", agent::info),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/agent/get-host-name",
        agent::host_name,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/agent/get-osinfo",
        agent::system,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces",
        agent::interfaces,
    ),
    ("GET", "/nodes/{node}/qemu/{vmid}/firewall", firewall::index),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/aliases",
        firewall::aliases,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset",
        firewall::sets,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset",
        firewall::create_set,
    ),
    (
        "DELETE",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}",
        firewall::delete_set,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}",
        firewall::members,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}",
        firewall::add_member,
    ),
    (
        "DELETE",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::delete_member,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::member,
    ),
    (
        "PUT",
        "/nodes/{node}/qemu/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::change_member,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/options",
        firewall::options,
    ),
    (
        "PUT",
        "/nodes/{node}/qemu/{vmid}/firewall/options",
        firewall::change_options,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/refs",
        firewall::references,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/rules",
        firewall::rules,
    ),
    (
        "POST",
        "/nodes/{node}/qemu/{vmid}/firewall/rules",
        firewall::create_rule,
    ),
    (
        "DELETE",
        "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}",
        firewall::delete_rule,
    ),
    (
        "GET",
        "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}",
        firewall::rule,
    ),
    (
        "PUT",
        "/nodes/{node}/qemu/{vmid}/firewall/rules/{pos}",
        firewall::change_rule,
    ),
    ("GET", "/nodes/{node}/lxc/{vmid}/firewall", firewall::index),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/aliases",
        firewall::aliases,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset",
        firewall::sets,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset",
        firewall::create_set,
    ),
    (
        "DELETE",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
        firewall::delete_set,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
        firewall::members,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}",
        firewall::add_member,
    ),
    (
        "DELETE",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::delete_member,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::member,
    ),
    (
        "PUT",
        "/nodes/{node}/lxc/{vmid}/firewall/ipset/{name}/{cidr}",
        firewall::change_member,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/options",
        firewall::options,
    ),
    (
        "PUT",
        "/nodes/{node}/lxc/{vmid}/firewall/options",
        firewall::change_options,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/refs",
        firewall::references,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/rules",
        firewall::rules,
    ),
    (
        "POST",
        "/nodes/{node}/lxc/{vmid}/firewall/rules",
        firewall::create_rule,
    ),
    (
        "DELETE",
        "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}",
        firewall::delete_rule,
    ),
    (
        "GET",
        "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}",
        firewall::rule,
    ),
    (
        "PUT",
        "/nodes/{node}/lxc/{vmid}/firewall/rules/{pos}",
        firewall::change_rule,
    ),
    ("GET", "/cluster/firewall/options", firewall::options),
    ("PUT", "/cluster/firewall/options", firewall::change_options),
    ("GET", "/cluster/firewall/groups", firewall::groups),
    (
        "GET",
        "/cluster/firewall/groups/{group}",
        firewall::group_rules,
    ),
    ("GET", "/cluster/firewall/ipset", firewall::sets),
    ("GET", "/cluster/firewall/ipset/{name}", firewall::members),
    ("GET", "/cluster/firewall/aliases", firewall::aliases),
    ("GET", "/cluster/firewall/rules", firewall::rules),
    ("GET", "/cluster/firewall/refs", firewall::references),
    ("GET", "/cluster/firewall/macros", firewall::macros),
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
