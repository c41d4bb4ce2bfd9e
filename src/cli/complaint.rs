//! Why a command did not do what was asked: exit code, kind, sentence and advice.
//!
//! Commands return `anyhow` errors of whatever went wrong; here alone they become what is printed.

use serde::Serialize;

use super::Exit;
use crate::config::error::{ConfigError, Problem};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::text::clean;
use crate::proxmox;

/// A refusal of our own, before anything was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refusal {
    kind: &'static str,
    message: String,
    advice: String,
}

impl Refusal {
    /// Refuses with a kind for programs, and a sentence and advice for people.
    pub(super) fn new(
        kind: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// Refuses a change because only looking is allowed.
    pub(super) fn read_only() -> Self {
        Self::new(
            "ReadOnly",
            "--read-only refuses every change",
            "leave the flag out to change something",
        )
    }
}

/// A person asked the program to end before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted; nothing was changed")]
pub(super) struct Interrupted;

/// What is printed about an error, and the exit code that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub(super) struct Complaint {
    #[serde(skip)]
    pub(super) exit: Exit,
    kind: &'static str,
    message: String,
    advice: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

/// The JSON document of an error.
#[derive(Debug, Serialize)]
pub(super) struct ErrorDocument<'a> {
    pub(super) error: &'a Complaint,
}

impl Complaint {
    /// Makes a complaint without details.
    pub(super) fn new(
        exit: Exit,
        kind: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            exit,
            kind,
            message: message.into(),
            advice: advice.into(),
            details: Vec::new(),
        }
    }

    /// Finds out what an error is.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Self::new(
                Exit::Refused,
                refusal.kind,
                &refusal.message,
                &refusal.advice,
            );
        }
        if let Some(complaint) = error.downcast_ref::<Self>() {
            return complaint.clone();
        }
        if let Some(config) = error.downcast_ref::<ConfigError>() {
            return Self::of_config(config);
        }
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Self::of_failure(failure);
        }
        if let Some(failed) = error.downcast_ref::<proxmox::Error>() {
            return Self::of_failure(&Failure::from(failed.clone()));
        }
        if error.is::<Interrupted>() {
            return Self::new(Exit::Interrupted, "Cancelled", error.to_string(), "");
        }
        Self::new(
            Exit::Failed,
            FailureKind::Internal.as_str(),
            clean(&format!("{error:#}")),
            "",
        )
    }

    /// Tells a failure as its kind, the server's words and what usually helps.
    pub(super) fn of_failure(failure: &Failure) -> Self {
        Self {
            exit: exit_of(failure.kind),
            kind: failure.kind.as_str(),
            message: failure.to_string(),
            advice: clean(failure.advised()),
            details: failure.details.iter().map(ToString::to_string).collect(),
        }
    }

    fn of_config(config: &ConfigError) -> Self {
        let without_cure = |problem: &Problem| Problem {
            cure: String::new(),
            ..problem.clone()
        };
        let join = |texts: Vec<String>| texts.join("\n");
        let problems = config.problems();
        Self::new(
            Exit::Refused,
            "Config",
            join(
                problems
                    .iter()
                    .map(|problem| without_cure(problem).to_string())
                    .collect(),
            ),
            join(
                problems
                    .iter()
                    .map(|problem| problem.cure.clone())
                    .collect(),
            ),
        )
    }

    /// Returns the lines for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        // The problems of a config come with a piece of advice each.
        let mut advice = self.advice.lines();
        for message in self.message.lines() {
            lines.push(format!("proxdeck: {message}"));
            lines.extend(
                advice
                    .next()
                    .filter(|advice| !advice.is_empty())
                    .map(|advice| format!("  {advice}")),
            );
        }
        lines.extend(self.details.iter().map(|detail| format!("  {detail}")));
        lines
    }

    /// Says before the sentence what it is about.
    #[must_use]
    pub(super) fn about(mut self, subject: &str) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Returns advice and details, a line each.
    pub(super) fn remarks(&self) -> Vec<&str> {
        let lines = self.advice.lines();
        lines
            .chain(self.details.iter().map(String::as_str))
            .collect()
    }

    /// Returns the sentence alone.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

/// Chooses the exit code of a failure that kept a command from its result.
fn exit_of(kind: FailureKind) -> Exit {
    match kind {
        FailureKind::Unreachable
        | FailureKind::UntrustedCertificate
        | FailureKind::AuthenticationFailed
        | FailureKind::PasswordNeeded
        | FailureKind::SecondFactorRequired
        | FailureKind::SessionExpired
        | FailureKind::Interrupted => Exit::Unreachable,
        FailureKind::Forbidden | FailureKind::Refused => Exit::Refused,
        FailureKind::Rejected
        | FailureKind::NoSuchGuest
        | FailureKind::Locked
        | FailureKind::Busy
        | FailureKind::Conflict
        | FailureKind::NodeUnreachable
        | FailureKind::NotImplemented
        | FailureKind::Server
        | FailureKind::Malformed
        | FailureKind::TaskFailed
        | FailureKind::SnapshotMissing
        | FailureKind::SnapshotFailed
        | FailureKind::FileNotWritten
        | FailureKind::NotDelivered
        | FailureKind::Internal => Exit::Failed,
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::config::error::Source;

    #[test]
    fn each_problem_of_a_config_stands_above_its_own_cure() {
        let problem = |message: &str, cure: &str| {
            Problem::new(Source::File("/etc/x.toml".into()), message, cure)
        };
        let config = ConfigError::unless_empty(
            vec![
                problem("is odd", "mend it"),
                problem("is odder", ""),
                problem("is oddest", "give up"),
            ],
            (),
        )
        .unwrap_err();
        let complaint = Complaint::of(&config.into());
        assert_eq!(complaint.exit, Exit::Refused);
        assert_eq!(
            complaint.lines(),
            [
                "proxdeck: /etc/x.toml: is odd",
                "  mend it",
                "proxdeck: /etc/x.toml: is odder",
                "proxdeck: /etc/x.toml: is oddest",
                "  give up"
            ]
        );
    }

    #[test]
    fn what_cannot_be_reached_and_what_may_not_be_done_end_differently() {
        let exit = |kind| Complaint::of(&Failure::new(kind, "x").into()).exit;
        assert_eq!(exit(FailureKind::Unreachable), Exit::Unreachable);
        assert_eq!(exit(FailureKind::Forbidden), Exit::Refused);
        assert_eq!(exit(FailureKind::SnapshotFailed), Exit::Failed);
        assert_eq!(
            Complaint::of(&anyhow::anyhow!("x")).lines(),
            ["proxdeck: x"]
        );
    }
}
