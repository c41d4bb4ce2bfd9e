//! What is no longer as a plan says, one sentence each.

use std::fmt;

use chrono::{DateTime, Utc};

use super::reason::Reason;
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::text::Text;

/// Something of a plan that is not as it was when the plan was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    vmid: Vmid,
    name: Option<Text>,
    snapshot: Option<Text>,
    changed: Changed,
}

/// What is not as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// No guest has this number.
    GuestGone,
    /// The number belongs to a guest of another kind.
    GuestKind(GuestKind),
    /// The guest is called otherwise; absent where its name is not known now.
    GuestName(Option<Text>),
    /// The guest is a template now.
    Template,
    /// The config's selection does not pick the guest.
    NotManaged,
    /// The guest is locked, and something of it was to be deleted.
    Locked(Text),
    /// The guest's snapshots cannot be read, for this reason.
    Unread(String),
    /// The guest has no snapshot of this name.
    Gone,
    /// The snapshot of this name was taken at another time.
    Time {
        /// What the plan says.
        before: Option<DateTime<Utc>>,
        /// What the server says.
        now: Option<DateTime<Utc>>,
    },
    /// The snapshot is marked otherwise.
    Mark {
        /// What the plan says.
        before: Option<Text>,
        /// What the server says.
        now: Option<Text>,
    },
    /// The snapshot is being made or removed, or is no longer.
    Unfinished(Option<Text>),
    /// The rules keep what the plan deletes.
    KeptByRule(Reason),
}

impl Difference {
    pub(super) fn new(
        vmid: Vmid,
        name: Option<Text>,
        snapshot: Option<Text>,
        changed: Changed,
    ) -> Self {
        Self {
            vmid,
            name,
            snapshot,
            changed,
        }
    }

    /// Returns the guest's number.
    pub fn guest(&self) -> Vmid {
        self.vmid
    }

    /// Returns the guest's name, as the plan has it.
    pub fn name(&self) -> Option<&Text> {
        self.name.as_ref()
    }

    /// Returns the snapshot; absent where the guest itself is different.
    pub fn snapshot(&self) -> Option<&Text> {
        self.snapshot.as_ref()
    }

    /// Returns what is different.
    pub fn changed(&self) -> &Changed {
        &self.changed
    }
}

impl fmt::Display for Difference {
    /// Writes `104 agent-build-4: av-20261024-0300 is gone`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.vmid)?;
        if let Some(name) = &self.name {
            write!(formatter, " {name}")?;
        }
        match &self.snapshot {
            Some(snapshot) => write!(formatter, ": {snapshot} {}", self.changed),
            None => write!(formatter, ": the guest {}", self.changed),
        }
    }
}

impl Changed {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::GuestGone => "guest-gone",
            Self::GuestKind(_) => "guest-kind",
            Self::GuestName(_) => "guest-name",
            Self::Template => "template",
            Self::NotManaged => "not-managed",
            Self::Locked(_) => "locked",
            Self::Unread(_) => "unread",
            Self::Gone => "gone",
            Self::Time { .. } => "time",
            Self::Mark { .. } => "mark",
            Self::Unfinished(_) => "unfinished",
            Self::KeptByRule(_) => "kept-by-rule",
        }
    }
}

impl fmt::Display for Changed {
    /// Goes on after the guest or the snapshot, as in `is gone`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GuestGone | Self::Gone => formatter.write_str("is gone"),
            Self::GuestKind(kind) => write!(formatter, "is of the kind {kind} now"),
            Self::GuestName(Some(name)) => write!(formatter, "is called {name} now"),
            Self::GuestName(None) => formatter.write_str("has no known name now"),
            Self::Template => formatter.write_str("is a template now"),
            Self::NotManaged => formatter.write_str("is not managed: [selection] does not pick it"),
            Self::Locked(lock) => write!(formatter, "is locked ({lock})"),
            Self::Unread(reason) => write!(formatter, "could not be read: {reason}"),
            Self::Time { before, now } => write!(
                formatter,
                "was taken {}, and in the plan {}",
                Date(*now),
                Date(*before)
            ),
            Self::Mark {
                now: Some(mark), ..
            } => write!(formatter, "is marked `{mark}` now"),
            Self::Mark {
                before: Some(mark),
                now: None,
            } => write!(formatter, "is no longer marked `{mark}`"),
            Self::Mark {
                before: None,
                now: None,
            } => formatter.write_str("is marked as before"),
            Self::Unfinished(Some(state)) => write!(formatter, "is unfinished ({state}) now"),
            Self::Unfinished(None) => formatter.write_str("is no longer unfinished"),
            Self::KeptByRule(reason) => write!(formatter, "is kept by the rules: {reason}"),
        }
    }
}

/// A date for people, or that there is none.
struct Date(Option<DateTime<Utc>>);

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(date) => write!(formatter, "{}", date.format("%Y-%m-%d %H:%M:%SZ")),
            None => formatter.write_str("at an unknown time"),
        }
    }
}
