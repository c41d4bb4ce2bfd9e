//! What the dashboard wants done by the world around it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::jobs::JobId;
use crate::domain::alert::Changes;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::guest_status::GuestStatus;
use crate::domain::history::{Series, Span};
use crate::domain::id::{NodeName, PoolName, StorageName};
use crate::domain::operation::{CopyKind, Operation, Told};
use crate::domain::permission::Permissions;
use crate::domain::pins::PinReport;
use crate::domain::pool::Pool;
use crate::domain::sign_in::Given;
use crate::domain::snapshot::SnapshotList;
use crate::domain::task::{LogLine, Task, TaskState, Upid};
use crate::domain::text::Text;
use crate::domain::usage::{Account, LedgerEntry, Origin, Period};
use crate::domain::volume::Volume;

/// Something to be done outside; whatever comes of it returns as an event.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an effect is only a wish until the runtime performs it"]
pub enum Effect {
    /// Runs an operation as a job.
    Run(JobId, Operation),
    /// Lets a job finish its running step and begin no other.
    Stop(JobId),
    /// Asks the server a question.
    Fetch(Ticket, Query),
    /// Reads the whole inventory again now.
    Refresh,
    /// Signs in with what a person typed.
    SignIn(Given),
    /// Opens another cluster of the config beside this one.
    OpenCluster(String),
    /// Leaves this cluster for the one that was opened under this name.
    Switch(String),
    /// Puts a text into the clipboard of whoever looks at the terminal.
    Copy(String),
    /// Writes a text into a new file of this name, in the folder in which the program was started.
    Export {
        /// The wished name; where a file has it already, a number is added.
        name: String,
        /// What is written.
        text: String,
    },
    /// Rings the terminal's bell once.
    Ring,
    /// Gives the terminal a title.
    Title(String),
    /// Writes down what changed among the alerts; the date is the server's.
    Remember(Box<Changes>, DateTime<Utc>),
    /// Notes what guests have used; the date is the server's.
    RecordUsage(Vec<LedgerEntry>, DateTime<Utc>),
    /// Notes how notify channels fared; the date is the server's.
    RecordTold(Vec<Told>, DateTime<Utc>),
    /// Sends a tick after this many milliseconds.
    Wake(u64),
    /// Stops the program until it is continued.
    Suspend,
    /// Ends the program.
    Leave,
}

/// Names a question, so that late answers to old questions are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// A question to the server about one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The snapshots of a guest.
    Snapshots(GuestRef),
    /// What a guest does now.
    Status(GuestRef),
    /// What a guest did.
    History(GuestRef, Span),
    /// Which certificates the cluster's nodes have.
    Pins,
    /// The privileges of the account.
    Permissions,
    /// The privileges of the account on one path, beyond doubt.
    PermissionsAt(String),
    /// The configuration of a guest.
    Config(GuestRef),
    /// The configuration that a snapshot froze.
    FrozenConfig(GuestRef, Text),
    /// How a task stands, and its log after so many lines.
    TaskLog(Upid, u64),
    /// The tasks of a node that failed since then.
    FailedTasks(NodeName, DateTime<Utc>),
    /// The tasks that run on a guest.
    RunningTasks(GuestRef),
    /// What a guest has used within a period; where it comes from may be known already.
    Account(Box<Guest>, Option<Origin>, Period),
    /// What lies on a storage, as a node tells it.
    Contents(NodeName, StorageName),
    /// In which time zone a node is.
    Zone(NodeName),
    /// The pools, with their comments.
    Pools,
    /// Whether the disks of a guest can be snapshotted.
    CanSnapshot(GuestRef),
    /// When the certificate of a node ends.
    Certificate(NodeName),
    /// When the API token in use ends.
    TokenEnd,
    /// Whether a guest's disks, or those of its snapshot, can be copied in a way.
    CanCopy(GuestRef, CopyKind, Option<Text>),
    /// The comment of a pool, in which a throttle may stand.
    PoolComment(PoolName),
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The snapshots of a guest.
    Snapshots(SnapshotList),
    /// What a guest does now.
    Status(Box<GuestStatus>),
    /// What a guest did.
    History(Series),
    /// Which certificates the cluster's nodes have.
    Pins(Box<PinReport>),
    /// The privileges of the account, on all paths or on the one asked about.
    Permissions(Permissions),
    /// A configuration.
    Config(Box<GuestConfig>),
    /// How a task stands, and lines of its log.
    TaskLog(TaskState, Vec<LogLine>),
    /// Tasks of a node.
    Tasks(Vec<Task>),
    /// What a guest has used, and where it comes from.
    Account(Box<(Account, Option<Origin>)>),
    /// What lies on a storage.
    Contents(Vec<Volume>),
    /// A time zone; absent where the node names none that is known.
    Zone(Option<Tz>),
    /// The pools, with their comments.
    Pools(Vec<Pool>),
    /// When a certificate or a token ends; absent where it never does, or where nobody says.
    Ends(Option<DateTime<Utc>>),
    /// Whether disks can be copied.
    CanCopy(bool),
    /// A pool's comment; absent where it has none.
    PoolComment(Option<Text>),
}
