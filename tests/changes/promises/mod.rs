//! What is promised when something goes wrong: a row for each fault, a column for each place that it can meet.
//!
//! The promises are values, and the tests beside hold the program to them: [`reading`] and [`watching`] where
//! something is read, [`crate::faults`] where something is changed. [`table`] writes them down for the documentation.

mod desk;
mod reading;
mod table;
mod watching;
pub(crate) mod writing;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::stream::{self, StreamExt};
use proxdeck::domain::failure::FailureKind;
use proxdeck::proxmox::Tuning;
use proxdeck::simulator::FaultKind;

use self::writing::Role;
use crate::counts::tell;

/// A row of the table.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// What it is called in the table.
    pub(crate) name: &'static str,
    /// What `simulate --fault` calls it.
    pub(crate) word: &'static str,
    pub(crate) kind: FaultKind,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The login with a password.
    Login,
    /// The reading of the inventory.
    Refresh,
    /// What is read of the guest under the cursor.
    Detail,
    /// What is read of all guests in turn.
    Background,
}

/// What is promised where something is read; [`table`] says what the words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    Unseen,
    Dated,
    Down,
    Aged,
    Told,
    Named,
    Asked,
    Clean,
    /// The fault cannot be there, and why.
    Nothing(&'static str),
}

/// What stands in a row where there is no task.
const NO_TASK: &str = "nothing that is only read has a task";
const NO_NODE: &str = "the server answers logins itself, whatever its nodes do";

/// Returns the rows.
pub(crate) fn faults() -> Vec<Fault> {
    let error = |text: &str| FaultKind::Error(text.into());
    let rows = [
        (
            "answers late",
            "latency",
            FaultKind::Latency(Duration::from_millis(200)),
        ),
        ("never answers", "stall", FaultKind::Stall),
        ("refuses connections", "refused", FaultKind::Refused),
        (
            "cut before it took effect",
            "reset-before",
            FaultKind::ResetBefore,
        ),
        (
            "cut after it took effect",
            "reset-after",
            FaultKind::ResetAfter,
        ),
        ("401", "401", FaultKind::Unauthorized),
        (
            "403",
            "403",
            FaultKind::Forbidden("/vms/101".into(), "VM.Audit".into()),
        ),
        ("500: guest locked", "500", error("VM is locked (backup)")),
        (
            "500: file lock",
            "500",
            error("can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"),
        ),
        (
            "500: no such guest",
            "500",
            error("Configuration file 'nodes/pve1/qemu-server/101.conf' does not exist"),
        ),
        (
            "500: anything else",
            "500",
            error("got no worker upid - start worker failed"),
        ),
        ("595", "595", FaultKind::Unreachable),
        ("596", "596", FaultKind::TimedOut),
        ("JSON ends early", "truncated", FaultKind::Truncated),
        ("no JSON", "malformed", FaultKind::Malformed),
        ("hostile values", "hostile", FaultKind::Hostile),
        (
            "node offline",
            "node-offline",
            FaultKind::NodeOffline("pve2".into()),
        ),
        (
            "node hangs",
            "node-hanging",
            FaultKind::NodeHanging("pve2".into()),
        ),
        (
            "task fails",
            "task-fails",
            FaultKind::TaskFails(1, "it does not work".into()),
        ),
        ("task vanishes", "task-vanishes", FaultKind::TaskVanishes(1)),
        ("no quorum", "quorum-lost", FaultKind::QuorumLost),
        (
            "another certificate",
            "certificate-swapped",
            FaultKind::CertificateSwapped,
        ),
        (
            "clock five hours off",
            "clock-skew",
            FaultKind::ClockSkew(5 * 3600),
        ),
    ];
    let rows = rows.into_iter();
    rows.map(|(name, word, kind)| Fault { name, word, kind })
        .collect()
}

impl Fault {
    /// Returns the waits with which a test need not wait long for what never comes.
    pub(crate) fn tuning(&self) -> Tuning {
        if self.kind == FaultKind::Stall {
            return Tuning {
                answer: Duration::from_millis(1500),
                ..Tuning::default()
            };
        }
        Tuning::default()
    }

    /// Returns what a reading that it strikes is said to have failed of.
    fn cause(&self) -> FailureKind {
        match &self.kind {
            FaultKind::Stall | FaultKind::ResetBefore | FaultKind::ResetAfter => {
                FailureKind::Interrupted
            }
            FaultKind::Refused => FailureKind::Unreachable,
            FaultKind::Unauthorized => FailureKind::AuthenticationFailed,
            FaultKind::Forbidden(..) => FailureKind::Forbidden,
            FaultKind::Error(text) if text.contains("is locked") => FailureKind::Locked,
            FaultKind::Error(text) if text.contains("got timeout") => FailureKind::Busy,
            FaultKind::Error(text) if text.contains("does not exist") => FailureKind::NoSuchGuest,
            FaultKind::Error(_) => FailureKind::Server,
            FaultKind::Unreachable
            | FaultKind::TimedOut
            | FaultKind::NodeOffline(_)
            | FaultKind::NodeHanging(_) => FailureKind::NodeUnreachable,
            FaultKind::Truncated | FaultKind::Malformed | FaultKind::Hostile => {
                FailureKind::Malformed
            }
            FaultKind::CertificateSwapped => FailureKind::UntrustedCertificate,
            FaultKind::Latency(_)
            | FaultKind::TaskFails(..)
            | FaultKind::TaskVanishes(_)
            | FaultKind::QuorumLost
            | FaultKind::ClockSkew(_) => panic!("{} fails no reading", self.name),
        }
    }
}

/// Returns what is promised where something is read.
pub(crate) fn promise(fault: &Fault, place: Place) -> Promise {
    match (&fault.kind, place) {
        (FaultKind::Latency(_) | FaultKind::ClockSkew(_), _)
        | (FaultKind::QuorumLost, Place::Login | Place::Detail | Place::Background) => {
            Promise::Unseen
        }
        (FaultKind::QuorumLost, Place::Refresh) => Promise::Told,
        (FaultKind::Hostile, _) => Promise::Clean,
        (FaultKind::TaskFails(..) | FaultKind::TaskVanishes(_), _) => Promise::Nothing(NO_TASK),
        (FaultKind::NodeOffline(_) | FaultKind::NodeHanging(_), Place::Login) => {
            Promise::Nothing(NO_NODE)
        }
        (FaultKind::NodeOffline(_) | FaultKind::NodeHanging(_), _) => Promise::Aged,
        (FaultKind::Unauthorized, Place::Login) => Promise::Asked,
        (_, Place::Login) => Promise::Named,
        // What concerns every connection, or the account itself, concerns the inventory too.
        (
            FaultKind::Refused | FaultKind::CertificateSwapped | FaultKind::Unauthorized,
            Place::Detail | Place::Background,
        ) => Promise::Down,
        (
            FaultKind::Refused
            | FaultKind::CertificateSwapped
            | FaultKind::Unauthorized
            | FaultKind::Stall
            | FaultKind::ResetBefore
            | FaultKind::ResetAfter
            | FaultKind::Forbidden(..)
            | FaultKind::Error(_)
            | FaultKind::Unreachable
            | FaultKind::TimedOut
            | FaultKind::Truncated
            | FaultKind::Malformed,
            Place::Refresh | Place::Detail | Place::Background,
        ) => Promise::Dated,
    }
}

/// So many worlds are looked at once; most of each is waiting.
const AT_ONCE: usize = 24;

/// Holds every cell of a column to its promise, all of them at the same time, and counts them.
async fn hold_column<F>(place: &str, is_there: impl Fn(&Fault) -> bool, cell: impl Fn(Fault) -> F)
where
    F: Future<Output = ()>,
{
    let mut rows = faults();
    rows.retain(is_there);
    let count = rows.len();
    // One that breaks its promise keeps none of the others from being looked at.
    let cells = rows.into_iter().map(|fault| {
        let held = AssertUnwindSafe(cell(fault.clone())).catch_unwind();
        held.map(move |held| held.is_err().then_some(fault.name))
    });
    let broken = stream::iter(cells).buffer_unordered(AT_ONCE);
    let broken = broken.filter_map(std::future::ready);
    let broken: Vec<&str> = broken.collect().await;
    assert!(broken.is_empty(), "{place}: {broken:?}");
    tell(&format!(
        "promises held: {place}: {count} of {} faults",
        faults().len()
    ));
}

fn is_at(place: Place) -> impl Fn(&Fault) -> bool {
    move |fault| !matches!(promise(fault, place), Promise::Nothing(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_keeps_its_promises() {
    hold_column("login", is_at(Place::Login), watching::login).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshing_keeps_its_promises() {
    hold_column("refresh", is_at(Place::Refresh), watching::refresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_at_a_guest_keeps_its_promises() {
    let cell = |fault| reading::guest(fault, Place::Detail);
    hold_column("detail", is_at(Place::Detail), cell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_in_the_background_keeps_its_promises() {
    let cell = |fault| reading::guest(fault, Place::Background);
    hold_column("background", is_at(Place::Background), cell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_a_task_keeps_its_promises() {
    let column = async |place, role| {
        let cell = |fault| writing::follow(role, fault);
        hold_column(place, |_| true, cell).await;
    };
    tokio::join!(
        column("how a task stands", Role::Status),
        column("the log of a task", Role::Log)
    );
}
