//! Which certificates are pinned, which the cluster's nodes have, and what may be pinned beside.
//!
//! Every node has a certificate of its own, and a trusted one tells those of its peers (API.md §1).
//! Nothing here pins anything: a person compares, and writes the lines into the config.

use std::fmt::Write as _;

use super::id::NodeName;

/// A node of the cluster, and the certificate that it is known to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The node.
    pub node: NodeName,
    /// The SHA-256 of its certificate; absent while the node does not answer.
    pub fingerprint: Option<String>,
}

/// A server of the config whose certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// Its address.
    pub endpoint: String,
    /// The SHA-256 of what it presents.
    pub presents: String,
}

/// What a trusted server says about the certificates of its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinReport {
    /// The address of the server that was asked.
    pub told_by: String,
    /// What the config pins; empty where servers are trusted by an authority.
    pub pinned: Vec<String>,
    /// The cluster's nodes.
    pub peers: Vec<Peer>,
    /// The servers that were refused since the start.
    pub strangers: Vec<Stranger>,
}

impl PinReport {
    /// Tells whether a certificate is pinned.
    pub fn is_pinned(&self, fingerprint: &str) -> bool {
        is_among(fingerprint, &self.pinned)
    }

    /// Finds the node that has a certificate.
    pub fn owner(&self, fingerprint: &str) -> Option<&NodeName> {
        let owns = |peer: &&Peer| {
            let own = peer.fingerprint.as_ref();
            own.is_some_and(|own| own.eq_ignore_ascii_case(fingerprint))
        };
        self.peers.iter().find(owns).map(|peer| &peer.node)
    }

    /// Returns the nodes whose certificate is known and not pinned.
    pub fn unpinned(&self) -> Vec<&Peer> {
        let is_new = |peer: &&Peer| {
            let own = peer.fingerprint.as_ref();
            own.is_some_and(|own| !self.is_pinned(own))
        };
        // Where an authority vouches there is nothing to pin.
        let peers = self.peers.iter().filter(|_| !self.pinned.is_empty());
        peers.filter(is_new).collect()
    }

    /// Says of a refused server whether the cluster knows what it presents.
    pub fn judge(&self, stranger: &Stranger) -> String {
        let Stranger { endpoint, presents } = stranger;
        match self.owner(presents) {
            Some(node) => format!(
                "{endpoint} was refused: it presents {presents}, which is that of {node}, as {} says; \
                 it is not pinned yet",
                self.told_by
            ),
            None => format!(
                "{endpoint} was refused: it presents {presents}, which is that of no node that {} \
                 knows; do not trust it before you know whose it is",
                self.told_by
            ),
        }
    }

    /// Writes what a person pastes into the config; absent where nothing is to be pinned.
    ///
    /// What is pinned already stays, also where no node says that it has it: that node may be down.
    pub fn snippet(&self, cluster: &str) -> Option<String> {
        let new = self.unpinned();
        if new.is_empty() {
            return None;
        }
        let mut text = format!("# in [clusters.{cluster}]\nfingerprints = [\n");
        for pin in &self.pinned {
            let whose = match self.owner(pin) {
                Some(node) => node.to_string(),
                None => "of no node that answers".to_owned(),
            };
            let _ = writeln!(text, "  \"{pin}\",  # {whose}");
        }
        for peer in new {
            let pin = peer.fingerprint.as_deref().unwrap_or_default();
            let _ = writeln!(text, "  \"{pin}\",  # {}, new", peer.node);
        }
        text.push_str("]\n");
        Some(text)
    }
}

fn is_among(fingerprint: &str, list: &[String]) -> bool {
    list.iter().any(|pin| pin.eq_ignore_ascii_case(fingerprint))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn peer(node: &str, fingerprint: Option<&str>) -> Peer {
        Peer {
            node: node.parse().unwrap(),
            fingerprint: fingerprint.map(str::to_owned),
        }
    }

    fn report() -> PinReport {
        PinReport {
            told_by: "https://pve1:8006".into(),
            pinned: vec!["AA:01".into(), "FF:09".into()],
            peers: vec![
                peer("pve1", Some("aa:01")),
                peer("pve2", Some("BB:02")),
                peer("pve3", None),
            ],
            strangers: Vec::new(),
        }
    }

    #[test]
    fn the_lines_for_the_config_keep_what_is_pinned_and_name_each_node() {
        let expected = "# in [clusters.lab]\nfingerprints = [\n  \"AA:01\",  # pve1\n  \
                        \"FF:09\",  # of no node that answers\n  \"BB:02\",  # pve2, new\n]\n";
        assert_eq!(report().snippet("lab").as_deref(), Some(expected));
        let mut all = report();
        all.pinned.push("bb:02".into());
        assert_eq!(all.snippet("lab"), None, "there is nothing to pin");
        let by_authority = PinReport {
            pinned: Vec::new(),
            ..report()
        };
        assert_eq!(by_authority.snippet("lab"), None);
    }

    #[test]
    fn a_stranger_is_told_from_a_node_that_is_only_not_pinned() {
        let stranger = |presents: &str| Stranger {
            endpoint: "https://pve2:8006".into(),
            presents: presents.into(),
        };
        let known = report().judge(&stranger("BB:02"));
        assert!(known.contains("that of pve2"), "{known}");
        let unknown = report().judge(&stranger("66:66"));
        assert!(unknown.contains("do not trust it"), "{unknown}");
    }
}
