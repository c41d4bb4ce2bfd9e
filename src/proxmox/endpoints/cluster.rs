//! `/cluster`: what the whole cluster knows, in one answer.

use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;

use crate::domain::failure::FailureKind;
use crate::domain::id::Vmid;
use crate::domain::inventory::ClusterStatus;
use crate::domain::metrics::GuestMetrics;
use crate::domain::task::Task;
use crate::proxmox::client::Client;
use crate::proxmox::convert::{self, ResourceRows};
use crate::proxmox::convert_metrics;
use crate::proxmox::error::Error;
use crate::proxmox::wire::lenient::Scalar;

/// Calls about the cluster; made by [`Client::cluster`].
#[derive(Debug)]
pub struct Cluster<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about the cluster.
    pub fn cluster(&self) -> Cluster<'_> {
        Cluster(self)
    }
}

impl Cluster<'_> {
    /// Reads every guest, node and storage that the account may see.
    ///
    /// The figures are sampled every 10 s by each node (API.md §4); tags and locks are fresh.
    pub async fn resources(&self) -> Result<ResourceRows, Error> {
        self.0.get("/cluster/resources", &[]).await
    }

    /// Reads running and recent tasks of all nodes, newest first.
    ///
    /// An API token sees none without Sys.Audit on `/` (PITFALLS 10).
    pub async fn tasks(&self) -> Result<Vec<Task>, Error> {
        self.0.get("/cluster/tasks", &[]).await.map(convert::tasks)
    }

    /// Asks for the smallest free guest id; nothing is reserved by it (PITFALLS 20).
    pub async fn next_id(&self) -> Result<Vmid, Error> {
        let Scalar(answer) = self.0.get("/cluster/nextid", &[]).await?;
        let answer: String = answer.unwrap_or_default();
        answer.parse().map_err(|error| {
            let text = format!("the server offers no usable id: {error}");
            Error::unsent(FailureKind::Malformed, text)
        })
    }

    /// Asks whether no guest, seen or unseen, has an id; like [`Self::next_id`] it reserves nothing.
    ///
    /// Every account may ask (recordings 071, 072).
    pub async fn is_free(&self, vmid: Vmid) -> Result<bool, Error> {
        let vmid = vmid.to_string();
        let query = [("vmid", vmid.as_str())];
        match self.0.get::<IgnoredAny>("/cluster/nextid", &query).await {
            Ok(_) => Ok(true),
            // A taken id is a refused parameter (API.md §7).
            Err(error) if error.kind() == FailureKind::Rejected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads membership and quorum; needs Sys.Audit on `/`.
    pub async fn status(&self) -> Result<ClusterStatus, Error> {
        self.0
            .get("/cluster/status", &[])
            .await
            .map(convert::cluster_status)
    }

    /// Reads what every guest did in the last half hour, or since a moment within it, about every 10 s.
    ///
    /// Needs Sys.Audit on `/`; servers before 8.2 do not know the call. Nodes that do not answer
    /// the one asked are missing without a word. The whole half hour is about 150 kB a guest, so a
    /// large cluster is asked for a part of it (recordings 1531, 1731–1739).
    pub async fn metrics_history(
        &self,
        since: Option<DateTime<Utc>>,
    ) -> Result<GuestMetrics, Error> {
        let since = since.map(|since| since.timestamp().to_string());
        let mut query = vec![("history", "1")];
        query.extend(since.as_deref().map(|since| ("start-time", since)));
        self.0
            .get("/cluster/metrics/export", &query)
            .await
            .map(convert_metrics::export)
    }
}
