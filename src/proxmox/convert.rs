//! From answers as sent to values that mean something.
//!
//! Whatever cannot be understood is left out and counted, never guessed.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use super::room::make_room;
use super::wire;
use super::wire::lenient::{Rows, each_entry, each_row};
use crate::domain::guest::{Figures, Guest, LiveState, Status};
use crate::domain::guest_config::{GuestConfig, PendingOption};
use crate::domain::id::{GuestKind, NodeName, StorageName, Vmid};
use crate::domain::inventory::{ClusterStatus, Node, NodeState, Storage};
use crate::domain::permission::{Listing, Permissions};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::task::{LogLine, Task, TaskState, Upid};
use crate::domain::text::Text;

/// The resource list, taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ResourceRows {
    /// Guests, in the server's order.
    pub guests: Vec<Guest>,
    /// Nodes, in the order of their names.
    pub nodes: Vec<Node>,
    /// Storages, a shared one once.
    pub storages: Vec<Storage>,
    /// How many rows of these kinds made no sense.
    pub rejected: usize,
}

impl<'de> Deserialize<'de> for ResourceRows {
    /// Takes each row apart as it is read: of ten thousand none is held in two forms at once.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut rows = Self::default();
        each_row(deserializer, |row: Option<wire::Resource<'de>>| {
            let understood = row.and_then(|row| rows.take(row));
            rows.rejected += usize::from(understood.is_none());
        })?;
        rows.arrange();
        Ok(rows)
    }
}

impl ResourceRows {
    /// Reads the body of an answer to `/cluster/resources`, as the client does.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        wire::unwrap(body)
    }

    /// Takes a row in; nothing where it makes no sense.
    fn take(&mut self, row: wire::Resource<'_>) -> Option<()> {
        match row.kind.as_deref()? {
            "qemu" => self.add(guest(row, GuestKind::Qemu)?),
            "lxc" => self.add(guest(row, GuestKind::Lxc)?),
            "node" => self.nodes.push(node(&row)?),
            "storage" => self.storages.push(storage(row)?),
            // Pools, SDN zones and whatever later versions add.
            _ => {}
        }
        Some(())
    }

    fn add(&mut self, guest: Guest) {
        make_room(&mut self.guests, 1);
        self.guests.push(guest);
    }

    /// Puts everything in its order, and leaves one row of each shared storage.
    fn arrange(&mut self) {
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        // A shared storage has a row for every node (PITFALLS 18); one that answers speaks for all.
        self.storages.sort_by(|a, b| {
            (&a.name, !a.available, &a.node).cmp(&(&b.name, !b.available, &b.node))
        });
        self.storages.dedup_by(|later, earlier| {
            later.shared && earlier.shared && later.name == earlier.name
        });
    }
}

fn guest(row: wire::Resource<'_>, kind: GuestKind) -> Option<Guest> {
    Some(Guest {
        vmid: Vmid::new(row.vmid?)?,
        kind,
        node: row.node.as_deref()?.parse().ok()?,
        name: listed(row.name),
        status: Status::from_word(row.status.as_deref().unwrap_or_default()),
        template: row.template,
        lock: listed(row.lock),
        tags: tags(row.tags.as_deref().unwrap_or_default()),
        pool: row.pool.as_deref().and_then(|pool| pool.parse().ok()),
        ha_state: listed(row.hastate),
        figures: Figures {
            cpu: row.cpu,
            max_cpu: row.maxcpu,
            memory: row.mem,
            max_memory: row.maxmem,
            host_memory: row.memhost,
            disk: row.disk,
            max_disk: row.maxdisk,
            net_in: row.netin,
            net_out: row.netout,
            disk_read: row.diskread,
            disk_write: row.diskwrite,
            uptime: row.uptime.map(Duration::from_secs),
        },
    })
}

/// Splits tags as the server itself does: at `;`, `,` and blanks.
fn tags(joined: &str) -> Vec<Text> {
    joined
        .split([';', ',', ' '])
        .filter(|tag| !tag.is_empty())
        .map(Text::from)
        .collect()
}

fn listed(raw: Option<Cow<'_, str>>) -> Option<Text> {
    raw.filter(|raw| !raw.is_empty()).map(Text::new)
}

pub(super) fn text(raw: Option<&String>) -> Option<Text> {
    raw.filter(|raw| !raw.is_empty())
        .map(|raw| Text::new(raw.as_str()))
}

fn node(row: &wire::Resource<'_>) -> Option<Node> {
    Some(Node {
        name: row.node.as_deref()?.parse().ok()?,
        state: match row.status.as_deref() {
            Some("online") => NodeState::Online,
            Some("offline") => NodeState::Offline,
            _ => NodeState::Unknown,
        },
        cpu: row.cpu,
        max_cpu: row.maxcpu,
        memory: row.mem,
        max_memory: row.maxmem,
        disk: row.disk,
        max_disk: row.maxdisk,
        uptime: row.uptime.map(Duration::from_secs),
    })
}

fn storage(row: wire::Resource<'_>) -> Option<Storage> {
    Some(Storage {
        name: row.storage.as_deref()?.parse::<StorageName>().ok()?,
        node: row.node.as_deref()?.parse::<NodeName>().ok()?,
        shared: row.shared,
        plugin: listed(row.plugintype),
        content: listed(row.content),
        available: row.status.as_deref() == Some("available"),
        used: row.disk,
        size: row.maxdisk,
    })
}

pub(super) fn cluster_status(list: Rows<wire::ClusterMember>) -> ClusterStatus {
    let mut status = ClusterStatus::default();
    for row in list.rows {
        match row.kind.as_deref() {
            Some("cluster") => {
                status.name = text(row.name.as_ref());
                status.quorate = row.quorate;
            }
            Some("node") => {
                if let Some(name) = row.name.and_then(|name| name.parse().ok()) {
                    status.nodes.push((name, row.online));
                }
            }
            _ => {}
        }
    }
    status.nodes.sort();
    status
}

/// Reads task rows, newest first; a row without a readable UPID is left out.
pub(super) fn tasks(list: Rows<wire::TaskRow>) -> Vec<Task> {
    let mut tasks: Vec<Task> = list
        .rows
        .into_iter()
        .filter_map(|row| {
            let upid: Upid = row.upid?.parse().ok()?;
            let ended = row.endtime.and_then(timestamp);
            let state = match row.status.as_deref() {
                // Running rows have neither end nor status in one list, and `RUNNING` in the other.
                None | Some("RUNNING") if ended.is_none() => TaskState::Running,
                status => TaskState::from_exit(status.unwrap_or_default()),
            };
            Some(Task { upid, ended, state })
        })
        .collect();
    tasks.sort_by(|a, b| {
        (b.upid.started(), b.upid.as_str()).cmp(&(a.upid.started(), a.upid.as_str()))
    });
    tasks
}

pub(super) fn task_state(status: &wire::TaskStatus) -> Option<TaskState> {
    match status.status.as_deref()? {
        "running" => Some(TaskState::Running),
        "stopped" => Some(TaskState::from_exit(
            status.exitstatus.as_deref().unwrap_or_default(),
        )),
        _ => None,
    }
}

pub(super) fn log(list: Rows<wire::LogRow>) -> Vec<LogLine> {
    list.rows
        .into_iter()
        .filter_map(|row| {
            Some(LogLine {
                number: row.n?,
                text: Text::new(row.t.unwrap_or_default()),
            })
        })
        .collect()
}

pub(super) fn snapshots(list: Rows<wire::SnapshotRow>) -> SnapshotList {
    let mut snapshots = SnapshotList::default();
    for row in list.rows {
        let Some(name) = row.name.filter(|name| !name.is_empty()) else {
            continue;
        };
        let parent = text(row.parent.as_ref());
        if name == "current" {
            snapshots.current_parent = parent;
            snapshots.digest = row.digest;
            continue;
        }
        snapshots.snapshots.push(Snapshot {
            name: Text::new(name),
            taken: row.snaptime.and_then(timestamp),
            parent,
            description: Text::new(row.description.unwrap_or_default()),
            has_ram: row.vmstate,
            unfinished: text(row.snapstate.as_ref()),
        });
    }
    snapshots
}

pub(super) fn live_state(current: wire::CurrentStatus) -> LiveState {
    let status = match (current.status.as_deref(), current.qmpstatus.as_deref()) {
        // A paused machine is `running` here; only QEMU's own word tells (recording 172).
        (Some("running"), Some(own)) if own != "running" => Status::from_word(own),
        (status, _) => Status::from_word(status.unwrap_or_default()),
    };
    LiveState {
        name: text(current.name.as_ref()),
        status,
        lock: text(current.lock.as_ref()),
        ha_managed: current.ha.is_some_and(|ha| ha.managed),
        uptime: current.uptime.map(Duration::from_secs),
    }
}

pub(super) fn config(mut config: wire::Config) -> GuestConfig {
    let digest = config.remove("digest");
    let digest = digest.and_then(|digest| digest.as_str().map(str::to_owned));
    let options = config.into_iter().filter_map(|(key, value)| {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => u8::from(flag).to_string(),
            serde_json::Value::Null
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => return None,
        };
        Some((key, Text::new(value)))
    });
    GuestConfig::new(options.collect::<Vec<_>>(), digest)
}

/// Reads which options wait for a restart; the others are left out.
pub(super) fn pending(list: Rows<wire::PendingRow>) -> Vec<PendingOption> {
    list.rows
        .into_iter()
        .filter(|row| row.pending.is_some() || row.delete.unwrap_or(0) > 0)
        .filter_map(|row| {
            Some(PendingOption {
                key: row.key?,
                now: row.value.map(Text::new),
                then: row.pending.map(Text::new),
            })
        })
        .collect()
}

/// The answer of `/access/permissions`, taken apart path by path as it is read.
pub(super) struct ListedPermissions(pub(super) Permissions);

impl<'de> Deserialize<'de> for ListedPermissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut listing = Listing::default();
        each_entry(deserializer, |path, wire::Granted(granted)| {
            let granted: Vec<(&str, bool)> = granted
                .iter()
                .map(|(name, propagates)| (&**name, *propagates))
                .collect();
            listing.add(path.into_owned(), &granted);
        })?;
        Ok(Self(listing.whole()))
    }
}

pub(super) fn timestamp(seconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(json: &str) -> ResourceRows {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn pitfall_18_a_shared_storage_counts_once_and_a_local_one_for_every_node() {
        let rows = rows(
            r#"[
            {"type":"storage","storage":"local","node":"pve1","status":"available","shared":0,"maxdisk":100},
            {"type":"storage","storage":"local","node":"pve2","status":"available","shared":0,"maxdisk":100},
            {"type":"storage","storage":"nfs","node":"pve1","status":"unknown","shared":1},
            {"type":"storage","storage":"nfs","node":"pve2","status":"available","shared":"1","maxdisk":"700","disk":5}
            ]"#,
        );
        let listed: Vec<(&str, bool, Option<u64>)> = rows
            .storages
            .iter()
            .map(|storage| (storage.name.as_str(), storage.available, storage.size))
            .collect();
        let local = ("local", true, Some(100));
        assert_eq!(
            listed,
            [local, local, ("nfs", true, Some(700))],
            "one that answers speaks for all"
        );
    }

    #[test]
    fn pitfall_17_an_unknown_guest_has_no_figures_and_no_zeros() {
        let rows = rows(
            r#"[{"type":"qemu","vmid":126,"node":"pve4","status":"unknown","tags":"a;b c,d","id":"qemu/126"}]"#,
        );
        let guest = &rows.guests[0];
        assert_eq!(
            (guest.name.as_ref(), guest.figures),
            (None, Figures::default())
        );
        let tags: Vec<String> = guest.tags.iter().map(ToString::to_string).collect();
        assert_eq!(tags, ["a", "b", "c", "d"]);
    }

    #[test]
    fn rows_that_make_no_sense_are_counted_and_left_out() {
        let rows = rows(
            r#"[{"type":"qemu","vmid":"abc","node":"pve1"},{"type":"qemu","vmid":100,"node":"../x"},
                {"vmid":101,"node":"pve1"},{"type":"sdn","sdn":"zone"},{"type":"lxc","vmid":"102","node":"pve1"}]"#,
        );
        assert_eq!(rows.guests.len(), 1);
        assert_eq!(rows.rejected, 3, "what later versions add is no mistake");
    }
}
