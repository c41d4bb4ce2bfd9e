//! What nodes say of themselves and of what they hold, as sent.

use serde::Deserialize;

use super::lenient::scalar;

/// `/nodes/N/time`.
#[derive(Debug, Deserialize)]
pub(crate) struct NodeTime {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) time: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) timezone: Option<String>,
}

/// A row of `/nodes`.
#[derive(Debug, Deserialize)]
pub(crate) struct PeerRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) node: Option<String>,
    /// Absent or `null` while the node does not answer.
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) ssl_fingerprint: Option<String>,
}

/// A row of `/nodes/N/certificates/info`.
#[derive(Debug, Deserialize)]
pub(crate) struct CertificateRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) filename: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) fingerprint: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) subject: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) notafter: Option<u64>,
}

/// A row of `/nodes/N/network`.
#[derive(Debug, Deserialize)]
pub(crate) struct NetworkRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) iface: Option<String>,
}

/// A row of `/nodes/N/storage/S/content`.
#[derive(Debug, Deserialize)]
pub(crate) struct VolumeRow {
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) volid: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) vmid: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) content: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) format: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) size: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) used: Option<u64>,
    #[serde(default, deserialize_with = "scalar")]
    pub(crate) parent: Option<String>,
}
