//! What is told about an operation while it runs and when it is over.

use chrono::{DateTime, Utc};

use super::stamp::Stamp;
use crate::domain::failure::Failure;
use crate::domain::guest::{GuestRef, Status};
use crate::domain::task::Upid;
use crate::domain::text::Text;

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
    Ended(Box<Report>),
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

    /// Returns what went wrong, if something is known to have.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Unknown(failure) => Some(failure),
            Self::Done | Self::Warnings(_) | Self::Stopped => None,
        }
    }
}

/// The end of an operation: its outcome, its task, and what it made.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The server's task, once there was one.
    pub upid: Option<Upid>,
    /// What exists or holds now that did not before.
    pub product: Option<Product>,
    /// What came of each part, for an operation that has several.
    pub parts: Vec<Part>,
    /// What else a person should know, a sentence each.
    pub notes: Vec<String>,
    /// Guests that were made and then not brought to what was wanted.
    pub half_made: Vec<HalfMade>,
    /// Why the audit log does not tell all of it, if so; one of the notes says the same.
    pub unlogged: Option<String>,
}

/// A guest that we made and that is not what was wanted; it may be destroyed, if a person wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct HalfMade {
    /// The guest.
    pub guest: GuestRef,
    /// What its description carries as long as it is still the one that we made.
    pub stamp: Stamp,
}

impl Report {
    /// Makes a report that tells the outcome and nothing else.
    pub fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            upid: None,
            product: None,
            parts: Vec::new(),
            notes: Vec::new(),
            half_made: Vec::new(),
            unlogged: None,
        }
    }

    /// Names the server's task.
    #[must_use]
    pub fn with_upid(mut self, upid: impl Into<Option<Upid>>) -> Self {
        self.upid = upid.into();
        self
    }

    /// Says what exists now.
    #[must_use]
    pub fn with_product(mut self, product: impl Into<Option<Product>>) -> Self {
        self.product = product.into();
        self
    }

    /// Adds a sentence that a person should know.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says how a trial ended, where it was one.
    pub fn trial(&self) -> Option<&TrialFacts> {
        match &self.product {
            Some(Product::Trial(facts)) => Some(facts),
            Some(_) | None => None,
        }
    }

    /// Counts the parts.
    pub fn tally(&self) -> Tally {
        Tally::of(self.parts.iter().map(|part| &part.fate))
    }
}

impl Tally {
    /// Counts what came of parts.
    pub fn of<'a>(fates: impl IntoIterator<Item = &'a Fate>) -> Self {
        let mut tally = Self::default();
        for fate in fates {
            let count = match fate {
                Fate::Ended(Outcome::Done | Outcome::Warnings(_)) => &mut tally.done,
                Fate::Ended(Outcome::Failed(_) | Outcome::Stopped) => &mut tally.failed,
                Fate::Ended(Outcome::Unknown(_)) => &mut tally.unknown,
                Fate::Skipped(_) => &mut tally.skipped,
                Fate::NotTried(_) => &mut tally.not_tried,
            };
            *count += 1;
        }
        tally
    }
}

/// One part of an operation that has several, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The guest that it concerned.
    pub guest: GuestRef,
    /// What it concerned of the guest, as a snapshot's name.
    pub subject: Text,
    /// What came of it.
    pub fate: Fate,
    /// The server's task, once there was one.
    pub upid: Option<Upid>,
    /// The guest that it made, which exists whatever came of the rest.
    pub made: Option<GuestRef>,
    /// How a trial of it ended, where it was one that ended well.
    pub trial: Option<TrialFacts>,
}

/// What came of one part of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It was tried, and ended so.
    Ended(Outcome),
    /// It was not wanted any more when its turn came, for this reason.
    Skipped(String),
    /// Its turn never came, for this reason.
    NotTried(String),
}

impl Fate {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ended(outcome) => outcome.as_str(),
            Self::Skipped(_) => "skipped",
            Self::NotTried(_) => "not-tried",
        }
    }

    /// Tells whether it was done.
    pub fn is_well(&self) -> bool {
        match self {
            Self::Ended(outcome) => outcome.is_success(),
            Self::Skipped(_) | Self::NotTried(_) => false,
        }
    }

    /// Says why it was not done, if so.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Ended(Outcome::Stopped) => Some("it was stopped half-way".to_owned()),
            Self::Ended(outcome) => outcome.failure().map(ToString::to_string),
            Self::Skipped(reason) | Self::NotTried(reason) => Some(reason.clone()),
        }
    }
}

/// The parts of an operation in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many were done, with or without warnings.
    pub done: usize,
    /// How many failed or were stopped.
    pub failed: usize,
    /// Of how many nobody knows.
    pub unknown: usize,
    /// How many were not wanted any more.
    pub skipped: usize,
    /// How many were never begun.
    pub not_tried: usize,
}

impl std::fmt::Display for Tally {
    /// Writes `6 done, 1 failed, 2 skipped`, leaving out what is none.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} done", self.done)?;
        for (count, word) in [
            (self.failed, "failed"),
            (self.unknown, "unknown"),
            (self.skipped, "skipped"),
            (self.not_tried, "not tried"),
        ] {
            if count > 0 {
                write!(formatter, ", {count} {word}")?;
            }
        }
        Ok(())
    }
}

/// What an operation made or brought about.
#[derive(Debug, Clone, PartialEq)]
pub enum Product {
    /// A snapshot, as it was found in the guest's list afterwards.
    Snapshot(SnapshotFacts),
    /// A new guest, which exists whatever the outcome says.
    Guest(GuestRef),
    /// A guest's run state, as it was found afterwards.
    Power(PowerFacts),
    /// A guest that went back to a snapshot, as it was found afterwards.
    RolledBack(RollBackFacts),
    /// What came of each step of an enforcement plan, in the order of its steps.
    Enforced(Vec<Enforced>),
    /// A network profile that was tried, and how that ended.
    Trial(TrialFacts),
}

/// How the trial of a network profile ended well: put back is as good an end as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFacts {
    /// The profile.
    pub profile: String,
    /// What became of it.
    pub end: TrialEnd,
}

/// What became of a network profile that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrialEnd {
    /// It stays.
    Kept,
    /// It was stopped before anything was written.
    NotBegun,
    /// Everything is as before.
    PutBack {
        /// Why.
        why: PutBackReason,
        /// What was changed back, as `net0, 2 options, 5 rules`.
        what: String,
        /// Sets of addresses that had to stay, for rules that are not ours use them.
        stays: Vec<String>,
        /// Whether the guest had nothing of the profile before, and so has nothing of it now.
        leaves_nothing: bool,
    },
    /// Its way back is gone: somebody else has ended it, or a write of ours whose answer was lost.
    Elsewhere,
}

/// Why a trial was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBackReason {
    /// A person or the system asked for it.
    Asked,
    /// Nobody kept it in time.
    Expired,
}

impl TrialFacts {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(&self) -> &'static str {
        match self.end {
            TrialEnd::Kept => "kept",
            TrialEnd::NotBegun => "not-begun",
            TrialEnd::PutBack { .. } => "put-back",
            TrialEnd::Elsewhere => "ended-elsewhere",
        }
    }
}

impl std::fmt::Display for TrialFacts {
    /// Writes `put back as asked (net0, 2 options): everything is as before, nothing of api is left`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.end {
            TrialEnd::Kept => formatter.write_str("kept"),
            TrialEnd::NotBegun => {
                formatter.write_str("asked to stop: nothing was changed, everything is as before")
            }
            TrialEnd::PutBack {
                why,
                what,
                stays,
                leaves_nothing,
            } => {
                let why = match why {
                    PutBackReason::Asked => "put back as asked",
                    PutBackReason::Expired => "put back, for nobody kept it in time",
                };
                write!(formatter, "{why}")?;
                if !what.is_empty() {
                    write!(formatter, " ({what})")?;
                }
                if !stays.is_empty() {
                    let sets = stays.join(", ");
                    return write!(
                        formatter,
                        ": only {sets} stays, for a rule that is not ours uses it"
                    );
                }
                formatter.write_str(": everything is as before")?;
                if *leaves_nothing {
                    write!(formatter, ", nothing of {} is left", self.profile)?;
                }
                Ok(())
            }
            TrialEnd::Elsewhere => {
                formatter.write_str("its way back is gone: it was kept or put back meanwhile")
            }
        }
    }
}

/// What came of one step of an enforcement plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Enforced {
    /// The project's name.
    pub project: String,
    /// What was done, in the word of `--json`.
    pub action: &'static str,
    /// The guest, where it was about one.
    pub guest: Option<GuestRef>,
    /// What came of it.
    pub fate: Fate,
    /// Whether the shutdown was only requested: high availability will make it in its own time.
    pub requested: bool,
    /// The task of the shutdown, once there was one.
    pub upid: Option<Upid>,
    /// How the channels fared that were to tell of it.
    pub told: Vec<Told>,
}

/// How a notify channel fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its name in the config.
    pub channel: String,
    /// Why nobody was told; absent where the message got through.
    pub problem: Option<Text>,
}

impl Enforced {
    /// Returns the word under which `--json` reports what came of it.
    pub const fn word(&self) -> &'static str {
        if self.requested {
            "requested"
        } else {
            self.fate.as_str()
        }
    }
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

/// A guest's run state after a change of its power.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerFacts {
    /// What the guest does now.
    pub status: Status,
    /// Whether the change was only requested: high availability will make it in its own time.
    pub requested: bool,
}

/// What is known of a guest after it went back to a snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct RollBackFacts {
    /// The snapshot from which its present descends now.
    pub snapshot: Text,
    /// What the guest does now, where that could be read.
    pub status: Option<Status>,
    /// The snapshot that was taken of the lost present.
    pub safety: Option<Text>,
}
