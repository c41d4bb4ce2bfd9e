//! Why a snapshot stays or goes, in one sentence each.

use std::fmt;
use std::time::Duration;

use super::policy::{Class, DAY, Mark};
use crate::domain::text::Text;

/// What is to become of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// It goes.
    Delete,
}

impl Verdict {
    /// Returns the word under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}

/// Why a snapshot stays or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// What is said of it cannot be trusted.
    Unclear(Doubt),
    /// Somebody marked it.
    Marked(Mark),
    /// It belongs to a bracket, which is dropped as a whole.
    Bracket,
    /// It is among the newest of its guest.
    Newest,
    /// The guest's present descends from it.
    Base,
    /// It is not older than its class allows.
    WithinLimit {
        /// Its class.
        class: Class,
        /// How long it will be kept from now on.
        left: Duration,
    },
    /// A person took it out of the plan.
    KeptByYou,
    /// It is older than its class allows.
    Expired {
        /// Its class.
        class: Class,
        /// For how many days the class is kept.
        limit_days: u32,
    },
}

impl Reason {
    /// Returns what the reason means for the snapshot.
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Unclear(_)
            | Self::Marked(_)
            | Self::Bracket
            | Self::Newest
            | Self::Base
            | Self::WithinLimit { .. }
            | Self::KeptByYou => Verdict::Keep,
            Self::Expired { .. } => Verdict::Delete,
        }
    }

    /// Returns the group under which a summary counts it.
    pub const fn group(&self) -> Group {
        match self {
            Self::Unclear(_) => Group::Unclear,
            Self::Marked(_) => Group::Marked,
            Self::Bracket => Group::Bracket,
            Self::Newest => Group::Newest,
            Self::Base => Group::Base,
            Self::WithinLimit { class, .. } => match class {
                Class::Daily => Group::Daily,
                Class::Weekly => Group::Weekly,
                Class::Monthly => Group::Monthly,
            },
            Self::KeptByYou => Group::KeptByYou,
            Self::Expired { .. } => Group::Expired,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Unclear(doubt) => format!("unclear: {doubt}"),
            Self::Marked(mark) => format!("marked `{mark}`"),
            Self::Bracket => "bracket until dropped".to_owned(),
            Self::Newest => "newest".to_owned(),
            Self::Base => "base of the present".to_owned(),
            Self::WithinLimit { class, left } => format!("{class}, {} left", rounded_up(*left)),
            Self::KeptByYou => "kept by you".to_owned(),
            Self::Expired { class, limit_days } => format!("{class}, limit {limit_days} d"),
        };
        formatter.pad(&sentence)
    }
}

/// Rounds up, so that the days passed and the days left add up to the limit.
fn rounded_up(left: Duration) -> String {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    if seconds > DAY {
        format!("{} d", seconds.div_ceil(DAY))
    } else {
        format!("{} h", seconds.div_ceil(3600))
    }
}

/// Why what is said of a snapshot cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// It has no date.
    Undated,
    /// It claims to be from the future.
    Future,
    /// It claims to be older than Proxmox VE, as from a node whose clock was not set.
    Prehistoric,
    /// It is being made or removed, or was left so; the server's word.
    Unfinished(Text),
    /// The plan was given its guest more than once.
    GuestTwice,
    /// Another snapshot of the guest has the same name.
    NameTwice,
    /// The parent that it names is not there.
    NoParent(Text),
    /// The name of its parent belongs to two snapshots.
    ParentTwice(Text),
    /// Its line of parents goes in a circle.
    Loop,
    /// It is younger than one of its descendants, or older than one of its ancestors.
    OutOfOrder,
    /// The guest's present descends from a snapshot that is not there; any of them may be meant.
    NoBase(Text),
}

impl fmt::Display for Doubt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undated => formatter.write_str("no date"),
            Self::Future => formatter.write_str("date in the future"),
            Self::Prehistoric => formatter.write_str("date before Proxmox VE existed"),
            Self::Unfinished(state) => write!(formatter, "unfinished ({state})"),
            Self::GuestTwice => formatter.write_str("its guest is listed twice"),
            Self::NameTwice => formatter.write_str("two snapshots have this name"),
            Self::NoParent(parent) => write!(formatter, "its parent {parent} is missing"),
            Self::ParentTwice(parent) => {
                write!(formatter, "its parent {parent} exists twice")
            }
            Self::Loop => formatter.write_str("its parents form a loop"),
            Self::OutOfOrder => formatter.write_str("dates of parents and children disagree"),
            Self::NoBase(base) => write!(formatter, "the present's parent {base} is missing"),
        }
    }
}

/// The groups that a summary counts, in the order in which it names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Daily ones within their limit.
    Daily,
    /// Weekly ones within their limit.
    Weekly,
    /// Monthly ones within their limit.
    Monthly,
    /// The newest of their guests.
    Newest,
    /// Those from which a guest's present descends.
    Base,
    /// Marked ones.
    Marked,
    /// Bracket snapshots.
    Bracket,
    /// Those that cannot be judged.
    Unclear,
    /// Those that a person took out of the plan.
    KeptByYou,
    /// Those that go.
    Expired,
}

impl Group {
    /// Returns the word that follows the count.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Newest => "newest",
            Self::Base => "base",
            Self::Marked => "marked",
            Self::Bracket => "bracket",
            Self::Unclear => "unclear",
            Self::KeptByYou => "kept by you",
            Self::Expired => "expired",
        }
    }
}
