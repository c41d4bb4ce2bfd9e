//! Checked changes, and what is told about them while they run.
//!
//! An [`Operation`] can only come out of a request that passed its checks (`domain::request`);
//! `operations` executes it, the screen and the command line show its [`Update`]s.

use std::fmt;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::guest::GuestRef;
use super::snapshot::SnapshotName;
use super::task::Upid;
use super::text::Text;

/// A change that may be executed.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an operation does nothing until it is run"]
pub enum Operation {
    /// Takes a snapshot.
    TakeSnapshot(TakeSnapshot),
}

impl Operation {
    /// Returns the guest that the change concerns.
    pub fn guest(&self) -> &GuestRef {
        match self {
            Self::TakeSnapshot(operation) => operation.guest(),
        }
    }

    /// Returns the writes that it will send, in order.
    pub fn calls(&self) -> Vec<Call> {
        match self {
            Self::TakeSnapshot(operation) => vec![operation.call()],
        }
    }

    /// Returns what it does, as a title: `snapshot 104 agent-build-4`.
    pub fn title(&self) -> String {
        match self {
            Self::TakeSnapshot(operation) => format!("snapshot {}", operation.guest()),
        }
    }
}

/// A write as it will be sent, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method, as `POST`.
    pub method: &'static str,
    /// The path below `/api2/json`.
    pub path: String,
    /// Its parameters.
    pub parameters: Vec<(&'static str, String)>,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        for (name, value) in &self.parameters {
            write!(formatter, "  {name}={value}")?;
        }
        Ok(())
    }
}

/// The taking of one snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeSnapshot {
    guest: GuestRef,
    name: SnapshotName,
    description: String,
    ram: bool,
}

impl TakeSnapshot {
    pub(super) fn new(guest: GuestRef, name: SnapshotName, description: String, ram: bool) -> Self {
        Self {
            guest,
            name,
            description,
            ram,
        }
    }

    fn call(&self) -> Call {
        let GuestRef {
            vmid, kind, node, ..
        } = &self.guest;
        let mut parameters = vec![("snapname", self.name.to_string())];
        if !self.description.is_empty() {
            parameters.push(("description", self.description.clone()));
        }
        if self.ram {
            parameters.push(("vmstate", "1".to_owned()));
        }
        Call {
            method: "POST",
            path: format!("/nodes/{node}/{kind}/{vmid}/snapshot"),
            parameters,
        }
    }

    /// Returns the guest.
    pub fn guest(&self) -> &GuestRef {
        &self.guest
    }

    /// Returns the new snapshot's name.
    pub fn name(&self) -> &SnapshotName {
        &self.name
    }

    /// Returns the new snapshot's description.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Tells whether the guest's memory is saved too.
    pub fn with_ram(&self) -> bool {
        self.ram
    }
}

/// What is told while an operation runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The server took the request and works on it under this name.
    Accepted(Upid),
    /// The work moved on; may be dropped when nobody keeps up.
    Progress {
        /// The share that is done, where the server tells.
        fraction: Option<f64>,
        /// The last line of the log.
        line: Text,
    },
    /// The next step began.
    Step(String),
    /// It is over; nothing follows.
    Ended(Report),
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// As wanted.
    Done,
    /// As wanted, with this many warnings in the log.
    Warnings(u32),
    /// Not, for this reason.
    Failed(Box<Failure>),
    /// It was stopped half-way.
    Stopped,
    /// Nobody knows; it is never repeated on its own.
    Unknown(Box<Failure>),
}

impl Outcome {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warnings(_) => "warnings",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Tells whether the wanted change is there.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Warnings(_))
    }
}

/// The end of an operation: its outcome, its task, and what it made.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The server's task, once there was one.
    pub upid: Option<Upid>,
    /// What exists now that did not before.
    pub product: Option<Product>,
}

/// What an operation made.
#[derive(Debug, Clone, PartialEq)]
pub enum Product {
    /// A snapshot, as it was found in the guest's list afterwards.
    Snapshot(SnapshotFacts),
}

/// What is known of a snapshot after it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotFacts {
    /// Its name.
    pub name: Text,
    /// When it was taken, by the node's clock.
    pub taken: Option<DateTime<Utc>>,
    /// What it descends from.
    pub parent: Option<Text>,
    /// Whether it holds memory.
    pub has_ram: bool,
    /// Its description.
    pub description: Text,
    /// Its size, as far as anything tells.
    pub size: SizeEstimate,
}

/// How large a snapshot is, as far as anything tells; the server reports no size (API.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeEstimate {
    /// Nothing is known.
    Unknown,
    /// The RAM volume occupies so many bytes; the disks' share is unknown.
    Ram(u64),
    /// Certainly no more than so many bytes: the provisioned size of the disks.
    AtMost(u64),
}
