//! What the server measures: a guest's present and its history, and every guest's last half hour, as sent.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::lenient::{FromScalar, Row, flag, object, scalar};

/// What fits into the largest answer that is read, rounded up.
const MOST_FIGURES: usize = 600_000;

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

/// `/cluster/metrics/export`: a list within an object, sorted by time.
#[derive(Debug, Deserialize)]
pub(crate) struct Export {
    #[serde(deserialize_with = "guest_figures")]
    pub(crate) data: VecDeque<Figure>,
}

/// One figure of one guest, node or storage at one moment.
#[derive(Debug, Deserialize)]
pub(crate) struct Figure {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) id: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) timestamp: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) metric: Option<Metric>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) value: Option<f64>,
}

/// The figures of a guest that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    CpuCurrent,
    CpuMax,
    MemUsed,
    MemTotal,
    Uptime,
}

impl FromScalar<'_> for Metric {
    fn from_u64(_: u64) -> Option<Self> {
        None
    }

    fn from_f64(_: f64) -> Option<Self> {
        None
    }

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "cpu_current" => Some(Self::CpuCurrent),
            "cpu_max" => Some(Self::CpuMax),
            "mem_used" => Some(Self::MemUsed),
            "mem_total" => Some(Self::MemTotal),
            "uptime" => Some(Self::Uptime),
            _ => None,
        }
    }
}

impl Figure {
    fn is_of_guest(&self) -> bool {
        self.metric.is_some()
            && self.value.is_some()
            && self
                .id
                .as_deref()
                .is_some_and(|id| id.starts_with("qemu/") || id.starts_with("lxc/"))
    }
}

/// Decodes figures and keeps those of guests; of too many the last, which are the newest.
fn guest_figures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VecDeque<Figure>, D::Error> {
    struct Figures;

    impl<'de> Visitor<'de> for Figures {
        type Value = VecDeque<Figure>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut figures = VecDeque::new();
            while let Some(Row(figure)) = seq.next_element::<Row<Figure>>()? {
                let Some(figure) = figure.filter(Figure::is_of_guest) else {
                    continue;
                };
                if figures.len() == MOST_FIGURES {
                    figures.pop_front();
                }
                figures.push_back(figure);
            }
            Ok(figures)
        }
    }

    deserializer.deserialize_seq(Figures)
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
