//! What a node says of itself: its clock and its certificates.

use chrono::{DateTime, Utc};

use super::text::Text;

/// What a node's clock shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTime {
    /// Its time zone, as `Europe/Vienna`; absent where the node does not say.
    pub zone: Option<Text>,
    /// What it shows, to a second and the length of the request.
    pub utc: DateTime<Utc>,
}

/// A certificate file of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The file: `pve-root-ca.pem`, `pve-ssl.pem`, or `pveproxy-ssl.pem`, which is shown before the latter.
    pub file: Option<Text>,
    /// Its SHA-256 in pairs of hexadecimal digits joined by colons.
    pub fingerprint: Option<Text>,
    /// Whom it speaks for.
    pub subject: Option<Text>,
    /// When it ends; absent where that cannot be read.
    pub not_after: Option<DateTime<Utc>>,
}

/// Returns the certificate that a node shows to its clients.
///
/// One that somebody put there themselves goes before the one that the cluster made; the
/// authority behind that one shows itself to nobody.
pub fn served(certificates: &[Certificate]) -> Option<&Certificate> {
    let named = |wanted: &str| {
        certificates.iter().find(|each| {
            let file = each.file.as_ref();
            file.is_some_and(|file| file.raw() == wanted)
        })
    };
    named("pveproxy-ssl.pem").or_else(|| named("pve-ssl.pem"))
}
