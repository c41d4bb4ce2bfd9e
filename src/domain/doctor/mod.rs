//! Whether everything that proxdeck needs is there: what was found out, judged, with what mends it.
//!
//! Nothing is read here. Whoever looks (`cli::doctor`) hands in what it saw, and what it could not see
//! as unknown: an unknown is never told as a fault.

mod places;
mod privileges;
mod role;
mod service;

pub use places::{
    Bridges, bridges, datacenter_switch, guest_switches, holds_disks, storages, templates,
};
pub use privileges::{Scope, privileges, task_visibility};
pub use role::{Release, commands, role_of};
pub use service::{certificate, clock, login, notifications, token, version, zone};

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It is as it should be.
    Ok,
    /// Something does without it, or will soon.
    Warn,
    /// Something that proxdeck is for does not work.
    Fail,
    /// It could not be found out.
    Unknown,
}

impl Health {
    /// Returns the word under which it is told.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, as one word for programs: `privilege`.
    pub check: &'static str,
    /// Which one of its kind, as `VM.Snapshot`; empty where there is but one.
    pub subject: String,
    /// How it stands.
    pub health: Health,
    /// What was found, in one sentence.
    pub detail: String,
    /// What mends it; empty where nothing needs to be.
    pub fix: String,
}

impl Finding {
    /// Tells of something that is as it should be.
    pub fn ok(check: &'static str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            check,
            subject: subject.into(),
            health: Health::Ok,
            detail: detail.into(),
            fix: String::new(),
        }
    }

    /// Tells of something that is not, and what mends it.
    pub fn bad(
        health: Health,
        check: &'static str,
        subject: impl Into<String>,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            check,
            subject: subject.into(),
            health,
            detail: detail.into(),
            fix: fix.into(),
        }
    }

    /// Tells that something could not be found out.
    pub fn unknown(
        check: &'static str,
        subject: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::bad(Health::Unknown, check, subject, why, fix)
    }
}
