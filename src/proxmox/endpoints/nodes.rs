//! `/nodes/N`: what a node says of itself.

use std::collections::BTreeSet;

use super::path;
use crate::domain::failure::FailureKind;
use crate::domain::id::NodeName;
use crate::domain::node::{Certificate, NodeTime};
use crate::domain::pins::PinReport;
use crate::proxmox::client::Client;
use crate::proxmox::convert_nodes;
use crate::proxmox::error::Error;
use crate::proxmox::wire;

/// Calls about a node; made by [`Client::nodes`].
#[derive(Debug)]
pub struct Nodes<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about a node.
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes(self)
    }
}

impl Nodes<'_> {
    /// Reads the node's clock and time zone; needs Sys.Audit on the node (recording 1544).
    pub async fn time(&self, node: &NodeName) -> Result<NodeTime, Error> {
        let path = path(&["nodes", node.as_str(), "time"])?;
        let sent: wire::nodes::NodeTime = self.0.get(&path, &[]).await?;
        convert_nodes::time(&sent)
            .ok_or_else(|| Error::unsent(FailureKind::Malformed, "the node's clock shows nothing"))
    }

    /// Reads which certificates the cluster's nodes have, and holds them against the pins.
    ///
    /// Every account may. What it says is as good as the server that answers, which is trusted.
    pub async fn pins(&self) -> Result<PinReport, Error> {
        let peers = self.0.get("/nodes", &[]).await.map(convert_nodes::peers)?;
        let mut report = PinReport {
            told_by: self.0.endpoint().to_owned(),
            pinned: self.0.pinned(),
            peers,
            strangers: self.0.strangers(),
        };
        report
            .peers
            .sort_by(|a, b| a.node.as_str().cmp(b.node.as_str()));
        Ok(report)
    }

    /// Reads what the node's certificate files say; every account may.
    ///
    /// The cluster's own authority is one of them on every node. A file that the node cannot read
    /// is missing from the answer.
    pub async fn certificates(&self, node: &NodeName) -> Result<Vec<Certificate>, Error> {
        let path = path(&["nodes", node.as_str(), "certificates", "info"])?;
        self.0
            .get(&path, &[])
            .await
            .map(convert_nodes::certificates)
    }

    /// Reads which bridges the account may use on the node; every account may ask.
    ///
    /// One that it may neither see nor use is missing (API.md §4).
    pub async fn bridges(&self, node: &NodeName) -> Result<BTreeSet<String>, Error> {
        let path = path(&["nodes", node.as_str(), "network"])?;
        let query = [("type", "any_bridge")];
        self.0.get(&path, &query).await.map(convert_nodes::bridges)
    }
}
