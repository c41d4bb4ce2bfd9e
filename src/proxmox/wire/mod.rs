//! Answers exactly as the server sends them.
//!
//! These types name the fields that are used and ignore every other; nothing here interprets
//! (that is `convert`'s work). Field meanings: API.md §4–6.

pub(crate) mod access;
pub(crate) mod firewall;
pub(crate) mod lenient;
pub(crate) mod metrics;
pub(crate) mod nodes;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use lenient::{Scalar, each_entry, flag, object, scalar};

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: T,
}

/// Takes an answer out of what it is wrapped in.
pub(crate) fn unwrap<'de, T: Deserialize<'de>>(body: &'de [u8]) -> serde_json::Result<T> {
    serde_json::from_slice::<Envelope<T>>(body).map(|envelope| envelope.data)
}

/// The body of a refusal; old servers send only an empty `data`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) errors: Option<BTreeMap<String, serde_json::Value>>,
}

/// A row of `/cluster/resources`, of any type; its texts are those of the answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Resource<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "scalar")]
    pub(crate) kind: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) vmid: Option<u64>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) node: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) status: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) template: bool,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) lock: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) tags: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) pool: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) hastate: Option<Cow<'a, str>>,
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
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) storage: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) shared: bool,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) plugintype: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "scalar")]
    pub(crate) content: Option<Cow<'a, str>>,
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

/// What `/access/permissions` grants on a path: privilege and propagate flag.
#[derive(Debug)]
pub(crate) struct Granted<'a>(pub(crate) Vec<(Cow<'a, str>, bool)>);

impl<'de> Deserialize<'de> for Granted<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut granted = Vec::new();
        each_entry(deserializer, |name, Scalar(propagates)| {
            granted.push((name, propagates.unwrap_or(false)));
        })?;
        Ok(Self(granted))
    }
}
