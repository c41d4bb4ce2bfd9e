//! What the server measures: a guest's present and its history, as sent.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::lenient::{flag, object, scalar};

/// `/nodes/N/{qemu,lxc}/ID/status/current`.
#[derive(Debug, Deserialize)]
pub(crate) struct CurrentStatus {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) status: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) qmpstatus: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cpu: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cpus: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) mem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxmem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) memhost: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) freemem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) balloon: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) balloon_min: Option<u64>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) ballooninfo: Option<BalloonInfo>,
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
    #[serde(default, deserialize_with = "objects")]
    pub(crate) blockstat: BTreeMap<String, BlockStatistics>,
    #[serde(default, deserialize_with = "objects")]
    pub(crate) nics: BTreeMap<String, CardStatistics>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) uptime: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) lock: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressurecpusome: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressurecpufull: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressureiosome: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressureiofull: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressurememorysome: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) pressurememoryfull: Option<f64>,
    #[serde(default, deserialize_with = "object")]
    pub(crate) ha: Option<HighAvailability>,
    #[serde(default, rename = "running-machine", deserialize_with = "scalar")]
    pub(crate) machine: Option<String>,
    #[serde(default, rename = "running-qemu", deserialize_with = "scalar")]
    pub(crate) qemu: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) agent: Option<bool>,
}

/// What the balloon driver reports.
#[derive(Debug, Deserialize)]
pub(crate) struct BalloonInfo {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) actual: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) max_mem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) total_mem: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) free_mem: Option<u64>,
}

/// What a drive moved.
#[derive(Debug, Deserialize)]
pub(crate) struct BlockStatistics {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) rd_bytes: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) wr_bytes: Option<u64>,
}

/// What a network card moved.
#[derive(Debug, Deserialize)]
pub(crate) struct CardStatistics {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netin: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netout: Option<u64>,
}

/// How high availability sees the guest.
#[derive(Debug, Deserialize)]
pub(crate) struct HighAvailability {
    #[serde(default, deserialize_with = "flag")]
    pub(crate) managed: bool,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) state: Option<String>,
}

/// A row of `rrddata`; in a gap only the time is there.
#[derive(Debug, Deserialize)]
pub(crate) struct HistoryRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) time: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) cpu: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxcpu: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) mem: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) maxmem: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) memhost: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netin: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) netout: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) diskread: Option<f64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) diskwrite: Option<f64>,
}

/// Decodes named objects; what is none of them is left out.
fn objects<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let Value::Object(entries) = Value::deserialize(deserializer)? else {
        return Ok(BTreeMap::new());
    };
    let decoded = entries.into_iter().filter_map(|(name, value)| {
        let decoded = value
            .is_object()
            .then(|| serde_json::from_value(value).ok())
            .flatten()?;
        Some((name, decoded))
    });
    Ok(decoded.collect())
}
