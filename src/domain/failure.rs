//! What went wrong, in a form that screen and command line share.

use std::fmt;

use super::text::Text;

/// The kind of a failure; each has its own advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureKind {
    /// No connection came about: name, route, refusal or time-out.
    Unreachable,
    /// The server's certificate is not the trusted one.
    UntrustedCertificate,
    /// The server refused user, password or token.
    AuthenticationFailed,
    /// Nobody has given the account's password yet.
    PasswordNeeded,
    /// The account needs a second factor.
    SecondFactorRequired,
    /// A session ended and could not be renewed.
    SessionExpired,
    /// The account may not do this.
    Forbidden,
    /// The server refused the parameters.
    Rejected,
    /// The guest's configuration is not where it was expected; nothing was done.
    NoSuchGuest,
    /// A lock in the guest's configuration forbids it.
    Locked,
    /// Another process held the guest's file lock; nothing was done.
    Busy,
    /// Somebody changed the configuration meanwhile; nothing was done.
    Conflict,
    /// The node that should have answered could not be reached by the one asked.
    NodeUnreachable,
    /// The server does not know this call.
    NotImplemented,
    /// The server failed in a way known only by its text.
    Server,
    /// What came back could not be understood.
    Malformed,
    /// The connection was lost, or no answer came in time.
    Interrupted,
    /// A task ended badly.
    TaskFailed,
    /// A snapshot's task ended well, but the snapshot is not there.
    SnapshotMissing,
    /// A snapshot's task failed.
    SnapshotFailed,
    /// This program refused before asking the server.
    Refused,
    /// A file of this machine could not be written.
    FileNotWritten,
    /// Somebody could not be told.
    NotDelivered,
    /// Something inside this program broke.
    Internal,
}

impl FailureKind {
    /// Returns the name under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "Unreachable",
            Self::UntrustedCertificate => "UntrustedCertificate",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::PasswordNeeded => "PasswordNeeded",
            Self::SecondFactorRequired => "SecondFactorRequired",
            Self::SessionExpired => "SessionExpired",
            Self::Forbidden => "Forbidden",
            Self::Rejected => "Rejected",
            Self::NoSuchGuest => "NoSuchGuest",
            Self::Locked => "Locked",
            Self::Busy => "Busy",
            Self::Conflict => "Conflict",
            Self::NodeUnreachable => "NodeUnreachable",
            Self::NotImplemented => "NotImplemented",
            Self::Server => "Server",
            Self::Malformed => "Malformed",
            Self::Interrupted => "Interrupted",
            Self::TaskFailed => "TaskFailed",
            Self::SnapshotMissing => "SnapshotMissing",
            Self::SnapshotFailed => "SnapshotFailed",
            Self::Refused => "Refused",
            Self::FileNotWritten => "FileNotWritten",
            Self::NotDelivered => "NotDelivered",
            Self::Internal => "Internal",
        }
    }

    /// Returns the headline that names the failure on screen.
    pub const fn headline(self) -> &'static str {
        match self {
            Self::Unreachable => "cannot reach the server",
            Self::UntrustedCertificate => "the server's certificate is not trusted",
            Self::AuthenticationFailed => "the server refused the login",
            Self::PasswordNeeded => "nobody is signed in",
            Self::SecondFactorRequired => "the account needs a second factor",
            Self::SessionExpired => "the session expired",
            Self::Forbidden => "not allowed",
            Self::Rejected => "the server refused the parameters",
            Self::NoSuchGuest => "the guest is not there",
            Self::Locked => "the guest is locked",
            Self::Busy => "the guest is busy",
            Self::Conflict => "somebody else changed it meanwhile",
            Self::NodeUnreachable => "the node does not answer",
            Self::NotImplemented => "the server does not know this call",
            Self::Server => "the server failed",
            Self::Malformed => "the answer makes no sense",
            Self::Interrupted => "the connection was lost",
            Self::TaskFailed => "the task failed",
            Self::SnapshotMissing => "the snapshot is missing",
            Self::SnapshotFailed => "the snapshot failed",
            Self::Refused => "refused",
            Self::FileNotWritten => "the file could not be written",
            Self::NotDelivered => "a notification was not delivered",
            Self::Internal => "proxdeck failed",
        }
    }

    /// Returns what usually helps; empty where nothing can be advised.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unreachable => "check the address, the network and whether pveproxy runs",
            Self::UntrustedCertificate => {
                "compare the fingerprint with what the server's console shows (pvenode cert info) before trusting it"
            }
            Self::AuthenticationFailed => {
                "check user, realm and password, or the token's full id (user@realm!name) and secret; \
                 a token may have expired or been removed"
            }
            Self::PasswordNeeded => "sign in: r in the dashboard asks for the password",
            Self::SecondFactorRequired => {
                "sign in at a terminal, where the code is asked for (r in the dashboard), or with an API token, \
                 which needs no second factor"
            }
            Self::SessionExpired => {
                "the login worked before and is refused now: the password may have been changed or \
                 the account disabled; sign in anew"
            }
            Self::Forbidden => {
                "ask an administrator for the privilege on the path that the message names"
            }
            Self::Rejected => "the message names the parameter; correct it and try again",
            Self::NoSuchGuest => "it was removed or moved to another node; refresh and look again",
            Self::Locked => {
                "wait for the task that holds the lock; a lock left behind is freed by root with qm unlock"
            }
            Self::Busy => "nothing was done: another task holds the guest for a moment; try again",
            Self::Conflict => "nothing was done: look at the new state, then try again",
            Self::NodeUnreachable => {
                "check the node and its network; its guests keep their last known figures"
            }
            Self::NotImplemented => "the server may be too old; Proxmox VE 7.4 to 9 are supported",
            Self::Interrupted => "the server may be busy or the link weak",
            Self::TaskFailed | Self::SnapshotFailed => {
                "read the task's log for the step that failed"
            }
            Self::SnapshotMissing => {
                "read the task's log, and look whether somebody removed it meanwhile"
            }
            Self::Malformed => {
                "check that the address is that of a Proxmox VE server and not of a proxy before it"
            }
            Self::FileNotWritten => "start proxdeck in a folder that you may write to",
            Self::NotDelivered => "check the channel's section [notify.NAME] in the config",
            Self::Server | Self::Refused | Self::Internal => "",
        }
    }
}

/// One thing that went wrong: kind, the server's words, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// What happened, in one sentence, with the server's own words where there are any.
    pub message: Text,
    /// What to do about it; empty where nothing can be advised.
    pub advice: String,
    /// More to read: refused parameters, the last lines of a log, the request.
    pub details: Vec<Text>,
}

impl Failure {
    /// Makes a failure that has a kind and a message, and nothing more to say.
    pub fn new(kind: FailureKind, message: impl Into<Text>) -> Self {
        Self {
            kind,
            message: message.into(),
            advice: String::new(),
            details: Vec::new(),
        }
    }

    /// Returns what to do about it: its own advice, else what usually helps.
    pub fn advised(&self) -> &str {
        match self.advice.as_str() {
            "" => self.kind.advice(),
            own => own,
        }
    }

    /// Replaces what to do about it.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Adds a line of detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Text>) -> Self {
        self.details.push(detail.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_blank() {
            return formatter.write_str(self.kind.headline());
        }
        write!(formatter, "{}: {}", self.kind.headline(), self.message)
    }
}

impl std::error::Error for Failure {}
