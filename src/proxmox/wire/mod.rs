//! Answers exactly as the server sends them.
//!
//! These types name the fields that are used and ignore every other; nothing here interprets
//! (that is `convert`'s work). Field meanings: API.md §4–6.

pub(crate) mod access;
pub(crate) mod firewall;
pub(crate) mod lenient;
pub(crate) mod metrics;
pub(crate) mod nodes;

use std::collections::BTreeMap;

use serde::Deserialize;

use lenient::{flag, object, scalar};

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) data: T,
}

/// The body of a refusal; old servers send only an empty `data`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) errors: Option<BTreeMap<String, serde_json::Value>>,
}

/// A row of `/cluster/resources`, of any type.
#[derive(Debug, Deserialize)]
pub(crate) struct Resource {
    #[serde(default, rename = "type", deserialize_with = "scalar")]
    pub(crate) kind: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) vmid: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) node: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) status: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) template: bool,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) lock: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) tags: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pool: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) hastate: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cpu: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxcpu: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) mem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxmem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) memhost: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) disk: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxdisk: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netin: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netout: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) diskread: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) diskwrite: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) uptime: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) storage: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) shared: bool,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) plugintype: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) content: Option<String>,
}

/// A row of `/cluster/status`.
#[derive(Debug, Deserialize)]
pub(crate) struct ClusterMember {
    #[serde(default, rename = "type", deserialize_with = "scalar")]
    pub(crate) kind: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) quorate: Option<bool>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) online: bool,
}

/// A row of `/cluster/tasks` or `/nodes/N/tasks`.
#[derive(Debug, Deserialize)]
pub(crate) struct TaskRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) upid: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) endtime: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) status: Option<String>,
}

/// `/nodes/N/tasks/UPID/status`.
#[derive(Debug, Deserialize)]
pub(crate) struct TaskStatus {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) status: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) exitstatus: Option<String>,
}

/// A row of `/nodes/N/tasks/UPID/log`.
#[derive(Debug, Deserialize)]
pub(crate) struct LogRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) n: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) t: Option<String>,
}

/// A row of a guest's snapshot list; the row named `current` is the guest's present.
#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) snaptime: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) parent: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) description: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) vmstate: bool,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) snapstate: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) digest: Option<String>,
}

/// `…/status/current` of a guest.
#[derive(Debug, Deserialize)]
pub(crate) struct CurrentStatus {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) status: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) qmpstatus: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) lock: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) uptime: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) ha: Option<HaState>,
}

/// What high availability says of a guest.
#[derive(Debug, Deserialize)]
pub(crate) struct HaState {
    #[serde(default, deserialize_with = "flag")]
    pub(crate) managed: bool,
}

/// A guest's configuration: option → value of any scalar type.
pub(crate) type Config = BTreeMap<String, serde_json::Value>;

/// A row of a guest's `…/pending`.
#[derive(Debug, Deserialize)]
pub(crate) struct PendingRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) key: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) value: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pending: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) delete: Option<u64>,
}

/// The answer to `…/feature`.
#[derive(Debug, Deserialize)]
pub(crate) struct Feature {
    #[serde(default, rename = "hasFeature", deserialize_with = "flag")]
    pub(crate) has_feature: bool,
}

/// `/version`.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) version: Option<String>,
}

/// The answer to a login.
#[derive(Deserialize)]
pub(crate) struct Login {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) ticket: Option<String>,
    #[serde(default, rename = "CSRFPreventionToken", deserialize_with = "scalar")]
    pub(crate) csrf: Option<String>,
    #[serde(default, rename = "NeedTFA", deserialize_with = "flag")]
    pub(crate) needs_second_factor: bool,
}

/// `/access/permissions`: path → privilege → propagate flag.
pub(crate) type PermissionTree = BTreeMap<String, BTreeMap<String, serde_json::Value>>;
