//! `/nodes/N/tasks`: work in the background.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde::de::IgnoredAny;

use super::path;
use crate::domain::failure::FailureKind;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::task::{LogLine, Task, TaskState, Upid};
use crate::proxmox::client::Client;
use crate::proxmox::error::Error;
use crate::proxmox::{convert, wire};

/// How long a task may have run whose end is looked for.
const LONGEST_TASK: TimeDelta = TimeDelta::days(1);
/// How many failed tasks of a node are read, the latest to end.
const MOST_FAILED: &str = "500";

/// Calls about tasks; made by [`Client::tasks`].
#[derive(Debug)]
pub struct Tasks<'a>(pub(super) &'a Client);

impl Client {
    /// Opens the calls about tasks.
    pub fn tasks(&self) -> Tasks<'_> {
        Tasks(self)
    }
}

/// Which tasks of a node are wanted.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only those about this guest.
    pub vmid: Option<Vmid>,
    /// Only those started at or after this time, in seconds since 1970.
    pub since: Option<i64>,
    /// Only those of this type.
    pub kind: Option<&'static str>,
    /// Which of them by how they stand.
    pub standing: Standing,
}

/// How the tasks stand that are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Anyhow: the 50 that a server lists unasked.
    #[default]
    Any,
    /// Those at work; one that ended a moment ago may still be among them.
    Running,
    /// Those that ended neither well nor with warnings: up to 500, the latest to end.
    Failed,
}

impl Standing {
    fn query(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Any => &[("source", "all")],
            Self::Running => &[("source", "active")],
            // `errors=1` keeps warnings and what runs (API.md §5); `unknown` is a vanished worker.
            Self::Failed => &[
                ("source", "archive"),
                ("statusfilter", "error,unknown"),
                ("limit", MOST_FAILED),
            ],
        }
    }
}

impl Tasks<'_> {
    /// Reads how a task stands; the node asked is the one in its name.
    pub async fn state(&self, upid: &Upid) -> Result<TaskState, Error> {
        let path = task_path(upid, "status")?;
        let status: wire::TaskStatus = self.0.get(&path, &[]).await?;
        convert::task_state(&status)
            .ok_or_else(|| Error::unsent(FailureKind::Malformed, "the task's status says nothing"))
    }

    /// Reads up to 500 lines of a task's log, after the first `skip`.
    pub async fn log(&self, upid: &Upid, skip: u64) -> Result<Vec<LogLine>, Error> {
        let path = task_path(upid, "log")?;
        let start = skip.to_string();
        self.0
            .get(&path, &[("start", &start), ("limit", "500")])
            .await
            .map(convert::log)
    }

    /// Asks a task to stop; the server waits up to 5 s for its end.
    ///
    /// Never for snapshots and roll-backs: a killed one leaves its guest locked (PITFALLS 26).
    pub async fn stop(&self, upid: &Upid) -> Result<(), Error> {
        let path = path(&["nodes", upid.node().as_str(), "tasks", upid.as_str()])?;
        let _: IgnoredAny = self.0.write(Method::DELETE, &path, &[]).await?;
        Ok(())
    }

    /// Reads the tasks of a node that failed or were stopped since a moment, newest start first.
    ///
    /// Without Sys.Audit on the node only own ones are listed. The server counts from a task's
    /// start, this call from its end, for tasks of up to a day. Failed consoles (`vncproxy`) are
    /// among them; whoever was stopped is told apart by [`TaskState::Interrupted`] (recordings
    /// 1580–1590).
    pub async fn failed_since(
        &self,
        node: &NodeName,
        since: DateTime<Utc>,
    ) -> Result<Vec<Task>, Error> {
        let begun = since.checked_sub_signed(LONGEST_TASK).unwrap_or(since);
        let filter = TaskFilter {
            since: Some(begun.timestamp()),
            standing: Standing::Failed,
            ..TaskFilter::default()
        };
        let mut tasks = self.of_node(node, &filter).await?;
        tasks.retain(|task| {
            let has_failed = !task.state.is_running() && !task.state.is_success();
            has_failed && task.ended.is_some_and(|ended| ended >= since)
        });
        Ok(tasks)
    }

    /// Reads the running and past tasks of a node, newest first.
    pub async fn of_node(&self, node: &NodeName, filter: &TaskFilter) -> Result<Vec<Task>, Error> {
        let path = path(&["nodes", node.as_str(), "tasks"])?;
        let vmid = filter.vmid.map(|vmid| vmid.to_string());
        let since = filter.since.map(|since| since.to_string());
        let mut query = filter.standing.query().to_vec();
        query.extend(vmid.as_deref().map(|vmid| ("vmid", vmid)));
        query.extend(since.as_deref().map(|since| ("since", since)));
        query.extend(filter.kind.map(|kind| ("typefilter", kind)));
        self.0.get(&path, &query).await.map(convert::tasks)
    }
}

fn task_path(upid: &Upid, what: &str) -> Result<String, Error> {
    path(&["nodes", upid.node().as_str(), "tasks", upid.as_str(), what])
}
