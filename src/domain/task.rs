//! Tasks: the work that a server does in the background, named by its UPID.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::id::{NodeName, Vmid};
use super::text::{Text, clean};

/// The unique name of a task: `UPID:NODE:PID:PSTART:STARTTIME:TYPE:ID:USER:`.
///
/// Source: API.md §5. The text is kept exactly as received, since it is also the task's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upid {
    text: String,
    node: NodeName,
    started: DateTime<Utc>,
    kind: String,
    id: String,
    user: String,
}

impl Upid {
    /// Returns the node on which the task runs; requests about it go there.
    pub fn node(&self) -> &NodeName {
        &self.node
    }

    /// Returns when the task started, by the node's clock.
    pub fn started(&self) -> DateTime<Utc> {
        self.started
    }

    /// Returns the type of work, as `qmsnapshot`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns what the task works on: a guest's number, or something else, or nothing.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the guest the task works on, if it is one.
    pub fn vmid(&self) -> Option<Vmid> {
        self.id.parse().ok()
    }

    /// Returns who started it: `user@realm`, or `user@realm!token`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns the name as the server spells it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

/// A text that is no UPID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no task name (UPID)")]
pub struct InvalidUpid(String);

impl FromStr for Upid {
    type Err = InvalidUpid;

    fn from_str(text: &str) -> Result<Self, InvalidUpid> {
        parse_upid(text).ok_or_else(|| InvalidUpid(text.chars().take(200).collect()))
    }
}

fn parse_upid(text: &str) -> Option<Upid> {
    // It is shown as it is, so that nothing may be in it that a terminal would act on.
    if text.len() > 512 || clean(text) != text {
        return None;
    }
    let parts: Vec<&str> = text
        .strip_prefix("UPID:")?
        .strip_suffix(':')?
        .split(':')
        .collect();
    let [node, pid, pstart, starttime, kind, id, user] = parts.as_slice() else {
        return None;
    };
    u32::from_str_radix(pid, 16).ok()?;
    u64::from_str_radix(pstart, 16).ok()?;
    let started = i64::from_str_radix(starttime, 16).ok()?;
    if kind.is_empty() || user.is_empty() {
        return None;
    }
    Some(Upid {
        text: text.to_owned(),
        node: node.parse().ok()?,
        started: DateTime::from_timestamp(started, 0)?,
        kind: (*kind).to_owned(),
        id: (*id).to_owned(),
        user: (*user).to_owned(),
    })
}

/// One row of a task list.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The task's name; it tells node, type, object, user and start.
    pub upid: Upid,
    /// When it ended; absent while it runs.
    pub ended: Option<DateTime<Utc>>,
    /// How it stands.
    pub state: TaskState,
}

/// How a task stands, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// It runs.
    Running,
    /// It ended well.
    Ok,
    /// It ended well, with this many warnings.
    Warnings(u32),
    /// It was stopped by somebody.
    Interrupted(Text),
    /// It failed, with the server's reason.
    Failed(Text),
    /// Its worker vanished (killed, or the node restarted): nobody knows what it did.
    Unexpected,
}

impl TaskState {
    /// Classifies an exit status (API.md §5, PITFALLS 24).
    pub fn from_exit(exit: &str) -> Self {
        let exit = exit.trim();
        if exit == "OK" {
            return Self::Ok;
        }
        if let Some(count) = exit.strip_prefix("WARNINGS:") {
            return Self::Warnings(count.trim().parse().unwrap_or(1));
        }
        match exit {
            "" | "unexpected status" => Self::Unexpected,
            "received interrupt" | "interrupted by signal" => Self::Interrupted(Text::new(exit)),
            reason => Self::Failed(Text::new(reason)),
        }
    }

    /// Tells whether the task is still at work.
    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }

    /// Tells whether the work was done, with or without warnings.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Ok | Self::Warnings(_))
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => formatter.pad("running"),
            Self::Ok => formatter.pad("OK"),
            Self::Warnings(1) => formatter.pad("1 warning"),
            Self::Warnings(count) => formatter.pad(&format!("{count} warnings")),
            Self::Interrupted(reason) | Self::Failed(reason) => {
                fmt::Display::fmt(reason, formatter)
            }
            Self::Unexpected => formatter.pad("unexpected status"),
        }
    }
}

/// One line of a task's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its number, from 1.
    pub number: u64,
    /// What it says.
    pub text: Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_upid_tells_node_type_guest_and_token() {
        let upid: Upid = "UPID:pve1:000036F6:0003AF31:6B045F84:qmdelsnapshot:101:admin@pve!ci:"
            .parse()
            .unwrap();
        assert_eq!(upid.node().as_str(), "pve1");
        assert_eq!(upid.kind(), "qmdelsnapshot");
        assert_eq!(upid.vmid(), Vmid::new(101));
        assert_eq!(upid.user(), "admin@pve!ci");
        assert_eq!(upid.started().timestamp(), 1_795_448_708);
    }

    #[test]
    fn a_upid_without_an_object_is_one_too() {
        let upid: Upid = "UPID:pve1:000036F6:0003AF31:6B045F84:startall::root@pam:"
            .parse()
            .unwrap();
        assert_eq!(upid.vmid(), None);
        assert_eq!(upid.id(), "");
    }

    #[test]
    fn what_is_no_upid_is_refused() {
        for text in [
            "",
            "UPID:",
            "notaupid",
            "UPID:pve1:zz:0003AF31:6B045F84:qmstart:101:u@pam:",
            "UPID:pve1:000036F6:0003AF31:6B045F84:qmstart:101:u@pam",
            "UPID:pve1:000036F6:0003AF31:6B045F84:qmstart:101:u@pam::",
            "UPID:../x:000036F6:0003AF31:6B045F84:qmstart:101:u@pam:",
            "UPID:pve1:000036F6:0003AF31:6B045F84:qm\x1bstart:101:u@pam:",
        ] {
            assert!(text.parse::<Upid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn pitfall_24_exit_states_are_told_apart() {
        assert_eq!(TaskState::from_exit("OK"), TaskState::Ok);
        assert_eq!(TaskState::from_exit("WARNINGS: 3"), TaskState::Warnings(3));
        assert_eq!(
            TaskState::from_exit("unexpected status"),
            TaskState::Unexpected
        );
        assert!(matches!(
            TaskState::from_exit("received interrupt"),
            TaskState::Interrupted(_)
        ));
        assert!(matches!(
            TaskState::from_exit("VM is locked (snapshot)"),
            TaskState::Failed(_)
        ));
        assert!(TaskState::from_exit("WARNINGS: 1").is_success());
        assert!(!TaskState::from_exit("unexpected status").is_success());
    }
}
