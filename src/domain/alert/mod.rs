//! Alerts: what an operator should look at, how much it presses, and since when (SPEC §5.10).
//!
//! A [`Situation`] is one look at the cluster; the [`AlertBook`] turns looks into alerts that begin
//! once, stand, are acknowledged, and end. It is told the time and what was read, and reads nothing.

mod book;
mod fences;
mod lock;
mod memory;
mod raise;
mod situation;
mod tasks;

pub use book::{AlertBook, Counts, Standing, Stands, lasting};
pub use lock::{LockAdvice, explain_lock, is_worker_of};
pub use memory::{Acknowledgement, Changes, Memory, Remembered};
pub(super) use raise::ENDS_SOON;
pub use situation::{FailingChannel, Situation, ThrottledProject};

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::guest::GuestRef;
use super::id::{NodeName, PoolName, StorageName};
use super::limits::{Severity, ViolationKind};
use super::project::Resource;
use super::task::Upid;

/// What kind of matter an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// The server cannot be reached.
    LinkDown,
    /// The cluster has lost its quorum.
    QuorumLost,
    /// A node does not answer.
    NodeOffline,
    /// A guest stopped with an error of its own: `io-error`, `internal-error`.
    GuestFailed,
    /// A guest breaks a limit.
    Limit(ViolationKind),
    /// A project uses more than its quota.
    QuotaExceeded,
    /// A project will have used more than its quota at the end of its window.
    QuotaProjected,
    /// A project's throttle cannot be read; it binds all the same.
    ThrottleUnreadable,
    /// A guest was made elsewhere although its project takes no new ones.
    ThrottleBypassed,
    /// A storage is nearly full.
    StorageFull,
    /// A guest is paused, and nobody is known to have paused it.
    GuestPaused,
    /// A guest is locked for long, without a task that explains it.
    GuestLocked,
    /// A task failed.
    TaskFailed,
    /// A bracket was not dropped for a week.
    BracketOld,
    /// A node's certificate ends soon.
    CertificateExpires,
    /// The API token ends soon.
    TokenExpires,
    /// A notification did not get through.
    NotificationFails,
    /// A guest differs from the network profile that fences it in.
    NetworkDrift,
    /// A guest has a network profile, and traffic passes by it.
    NotFenced,
    /// A trial of a network profile was not put back when it was over.
    TrialLeft,
    /// The datacenter's firewall is off, and with it every fence.
    FirewallOff,
}

impl AlertKind {
    /// Returns the name under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkDown => "LinkDown",
            Self::QuorumLost => "QuorumLost",
            Self::NodeOffline => "NodeOffline",
            Self::GuestFailed => "GuestFailed",
            Self::Limit(kind) => kind.as_str(),
            Self::QuotaExceeded => "QuotaExceeded",
            Self::QuotaProjected => "QuotaProjected",
            Self::ThrottleUnreadable => "ThrottleUnreadable",
            Self::ThrottleBypassed => "ThrottleBypassed",
            Self::StorageFull => "StorageFull",
            Self::GuestPaused => "GuestPaused",
            Self::GuestLocked => "GuestLocked",
            Self::TaskFailed => "TaskFailed",
            Self::BracketOld => "BracketOld",
            Self::CertificateExpires => "CertificateExpires",
            Self::TokenExpires => "TokenExpires",
            Self::NotificationFails => "NotificationFails",
            Self::NetworkDrift => "NetworkDrift",
            Self::NotFenced => "NotFenced",
            Self::TrialLeft => "TrialLeft",
            Self::FirewallOff => "FirewallOff",
        }
    }
}

/// Whom or what an alert is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// The connection to the cluster, or the cluster as a whole.
    Cluster,
    /// A node.
    Node(NodeName),
    /// A storage; the node is absent where it is shared.
    Storage(StorageName, Option<NodeName>),
    /// A guest.
    Guest(GuestRef),
    /// A resource of a project.
    Project(String, Resource),
    /// A pool of resources.
    Pool(PoolName),
    /// A bracket, as `NAME@NONCE`.
    Bracket(String),
    /// A failed task, with the guest that it worked on where it is known.
    Task(Upid, Option<GuestRef>),
    /// Several tasks of one type that failed alike; the latest of them.
    Tasks(Upid, usize),
    /// The API token in use.
    Token,
    /// A notify channel.
    Channel(String),
}

impl Subject {
    /// Returns the guest that it is about, if any.
    pub fn guest(&self) -> Option<&GuestRef> {
        match self {
            Self::Guest(guest) | Self::Task(_, Some(guest)) => Some(guest),
            Self::Cluster
            | Self::Node(_)
            | Self::Storage(..)
            | Self::Project(..)
            | Self::Pool(_)
            | Self::Bracket(_)
            | Self::Task(_, None)
            | Self::Tasks(..)
            | Self::Token
            | Self::Channel(_) => None,
        }
    }

    /// Returns what identifies it from one look to the next, and over restarts.
    fn identity(&self) -> String {
        match self {
            Self::Cluster | Self::Token => String::new(),
            Self::Node(node) => node.to_string(),
            Self::Storage(storage, Some(node)) => format!("{storage} on {node}"),
            Self::Storage(storage, None) => storage.to_string(),
            Self::Guest(guest) => {
                let name = guest.name.as_ref().map(ToString::to_string);
                let kind = guest.kind.as_str();
                format!("{kind}/{}={}", guest.vmid, name.unwrap_or_default())
            }
            Self::Project(project, resource) => format!("{project} {}", resource.as_str()),
            Self::Pool(pool) => pool.to_string(),
            Self::Bracket(name) | Self::Channel(name) => name.clone(),
            Self::Task(upid, _) => upid.to_string(),
            // The latest of them changes while it is the same trouble.
            Self::Tasks(upid, _) => format!("all {}", upid.kind()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Cluster => "cluster".to_owned(),
            Self::Node(node) => format!("node {node}"),
            Self::Storage(storage, Some(node)) => format!("storage {storage} on {node}"),
            Self::Storage(storage, None) => format!("storage {storage}"),
            Self::Guest(guest) | Self::Task(_, Some(guest)) => guest.to_string(),
            Self::Project(project, resource) => format!("{project} {}", resource.as_str()),
            Self::Pool(pool) => format!("pool {pool}"),
            Self::Bracket(name) => format!("bracket {name}"),
            Self::Task(upid, None) if upid.id().is_empty() => format!("node {}", upid.node()),
            Self::Task(upid, None) => upid.id().to_owned(),
            Self::Tasks(_, count) => format!("{count} tasks"),
            Self::Token => "API token".to_owned(),
            Self::Channel(name) => format!("notify {name}"),
        };
        formatter.pad(&text)
    }
}

/// What identifies an alert from one look to the next, and over restarts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertKey(String);

/// A matter that an operator should look at, as one look at the cluster shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// What kind of matter it is.
    pub kind: AlertKind,
    /// Whom or what it is about.
    pub subject: Subject,
    /// How much it presses.
    pub severity: Severity,
    /// How bad it is among alerts of its kind; one that rises is news again.
    pub level: u8,
    /// What is the matter, without the subject.
    pub text: String,
    /// The measured value: a fraction, seconds, or a count.
    pub value: Option<f64>,
    /// What it is held against, in the same unit.
    pub limit: Option<f64>,
    /// Since when it is so, where the matter itself tells.
    pub since: Option<DateTime<Utc>>,
    /// Whether it may have been so for longer than since then.
    pub perhaps_earlier: bool,
    /// How long it must have been so before anybody is told.
    pub patience: Duration,
}

impl Alert {
    fn new(kind: AlertKind, subject: Subject, severity: Severity, text: impl Into<String>) -> Self {
        Self {
            kind,
            subject,
            severity,
            level: match severity {
                Severity::Warning => 1,
                Severity::Critical => 2,
            },
            text: text.into(),
            value: None,
            limit: None,
            since: None,
            perhaps_earlier: false,
            patience: Duration::ZERO,
        }
    }

    fn measured(mut self, value: f64, limit: f64) -> Self {
        self.value = Some(value);
        self.limit = Some(limit);
        self
    }

    fn since(mut self, since: Option<DateTime<Utc>>) -> Self {
        self.since = since;
        self
    }

    fn after(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns what identifies it from one look to the next.
    pub fn key(&self) -> AlertKey {
        AlertKey(format!(
            "{} {}",
            self.kind.as_str(),
            self.subject.identity()
        ))
    }
}

impl fmt::Display for Alert {
    /// Writes the sentence for a pager: `104 agent-build-4 CPU 97 % > 90 %`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{} {}", self.subject, self.text))
    }
}
