//! What can happen to the dashboard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::effect::{Answer, Ticket};
use super::jobs::JobId;
use super::keymap::Combo;
use crate::domain::alert::{FailingChannel, Memory};
use crate::domain::failure::Failure;
use crate::domain::id::NodeName;
use crate::domain::inventory::{Inventory, Link};
use crate::domain::operation::Update;
use crate::domain::sign_in::Wanted;
use crate::domain::usage::Ledger;

/// Something that happened, at a time that is handed in beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A key was pressed.
    Key(Combo),
    /// Text was pasted.
    Paste(String),
    /// The terminal changed its size.
    Resize,
    /// A frame was drawn in which the list with the keys shows so many rows.
    Drawn(usize),
    /// Time went by.
    Tick,
    /// The surroundings want the program to stop for a while.
    Suspend,
    /// The surroundings want the program to end: a signal, or the terminal is gone.
    Leave,
    /// The refresh knows more.
    Inventory(Arc<Inventory>),
    /// The connection changed.
    Link(Link),
    /// Something could not be kept on this machine.
    NotKept(Box<Failure>),
    /// What is remembered of alerts on this machine, by earlier runs and by others.
    Remembered(Memory),
    /// What is remembered of the use of guests that may be gone.
    Ledger(Box<Ledger>),
    /// Which notify channels failed the last time.
    Channels(Vec<FailingChannel>),
    /// A job moved on.
    Job(JobId, Update),
    /// A file was written, under this name and in this folder, or was not.
    Exported(Result<(String, String), Failure>),
    /// Signing in with what a person typed came to its end.
    SignedIn {
        /// How it went.
        result: Result<(), Failure>,
        /// What the server wants next.
        wanted: Option<Wanted>,
        /// How long no other try is made.
        wait: Duration,
    },
    /// Another cluster was opened beside this one, or was not.
    ClusterOpened(String, Result<(), Failure>),
    /// What a question has cost; its answer follows at once.
    Spent(Ticket, Spent),
    /// A question was answered.
    Fetched(Ticket, Result<Answer, Failure>),
}

/// What a question has cost, and which nodes are left alone since.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spent {
    /// How many requests were sent for it; none where its node is left alone.
    pub requests: usize,
    /// The nodes that leave questions unanswered, and how long nobody asks them yet.
    pub resting: BTreeMap<NodeName, Duration>,
}
