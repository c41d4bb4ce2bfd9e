//! Why a call failed, with the server's own words kept whole.

use std::fmt;

use reqwest::{Method, StatusCode};

use super::tls::Presented;
use super::wire::Refusal;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::permission::Denial;
use crate::domain::text::Text;

/// A call that failed.
///
/// [`Error::kind`] tells what happened, [`Error::text`] gives the server's words, and
/// [`Error::outcome_unknown`] whether a write may have taken effect all the same.
#[derive(Debug, Clone)]
pub struct Error {
    kind: FailureKind,
    call: String,
    is_write: bool,
    status: Option<u16>,
    text: Text,
    fields: Vec<(String, Text)>,
    advice: Option<String>,
}

impl Error {
    /// Makes an error for a call that was never sent.
    pub(crate) fn unsent(kind: FailureKind, text: impl Into<Text>) -> Self {
        Self {
            kind,
            call: String::new(),
            is_write: false,
            status: None,
            text: text.into(),
            fields: Vec::new(),
            advice: None,
        }
    }

    /// Names the call that failed.
    #[must_use]
    pub(crate) fn of(mut self, method: &Method, path: &str) -> Self {
        self.call = format!("{method} {path}");
        self.is_write = *method != Method::GET;
        self
    }

    /// Says more exactly what the failure is than its answer alone tells.
    #[must_use]
    pub(crate) fn called(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// Tells more than this one failure.
    #[must_use]
    pub(crate) fn saying(mut self, text: impl Into<Text>) -> Self {
        self.text = text.into();
        self
    }

    /// Says what to do about it, better than its kind alone can.
    #[must_use]
    pub(crate) fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Notes that it was the login before a call that failed: the call itself was not sent.
    ///
    /// Whatever became of the login, a write that waited for it cannot have taken effect.
    #[must_use]
    pub(crate) fn before(mut self, method: &Method, path: &str) -> Self {
        if self.call.is_empty() {
            self.call = format!("{method} {path}");
        }
        self.is_write = false;
        self
    }

    /// Notes that the server had answered with success before the failure.
    #[must_use]
    pub(crate) fn with_success_status(mut self) -> Self {
        self.status = Some(200);
        self
    }

    /// Makes an error of an answer whose status is not a success.
    ///
    /// The text is the body's `message`, else the status line's reason phrase: servers before
    /// http-server 5.2.0 say nothing in the body (API.md §1, PITFALLS 1).
    pub(crate) fn from_answer(status: StatusCode, reason: &str, body: &[u8]) -> Self {
        let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
        let text = match refusal.message.filter(|message| !message.trim().is_empty()) {
            Some(message) => message,
            None if !reason.is_empty() => reason.to_owned(),
            None => status
                .canonical_reason()
                .unwrap_or("no reason given")
                .to_owned(),
        };
        let fields = refusal
            .errors
            .into_iter()
            .flatten()
            .map(|(name, why)| {
                (
                    name,
                    Text::new(why.as_str().map_or_else(|| why.to_string(), str::to_owned)),
                )
            })
            .collect();
        let kind = classify(status.as_u16(), &text);
        Self {
            status: Some(status.as_u16()),
            text: Text::new(text),
            fields,
            ..Self::unsent(kind, "")
        }
    }

    /// Makes an error of a connection that failed.
    pub(crate) fn from_transport(error: &reqwest::Error, presented: Option<&Presented>) -> Self {
        if let Some(reason) = certificate_error(error) {
            let mut untrusted = Self::unsent(FailureKind::UntrustedCertificate, reason);
            if let Some(presented) = presented {
                untrusted.text = Text::new(presented.to_string());
                untrusted.advice = Some(presented.advice());
            }
            return untrusted;
        }
        let text = match deepest_cause(error) {
            // The library's words for it lead to its own handbook.
            text if text.contains("close_notify") => "it was closed without an answer".to_owned(),
            text => text,
        };
        if error.is_connect() {
            // Of several servers, and of several clusters, it has to be said which one.
            let text = match error.url() {
                Some(url) => format!("{}: {text}", url.origin().ascii_serialization()),
                None => text,
            };
            return Self::unsent(FailureKind::Unreachable, text);
        }
        if error.is_timeout() {
            return Self::unsent(FailureKind::Interrupted, "no answer in time");
        }
        Self::unsent(FailureKind::Interrupted, text)
    }

    /// Returns what kind of failure it is.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// Returns the HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Returns the server's words, or what the connection reported.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Returns the refused parameters and why.
    pub fn fields(&self) -> &[(String, Text)] {
        &self.fields
    }

    /// Tells whether no connection came about.
    pub fn is_unreachable(&self) -> bool {
        self.kind == FailureKind::Unreachable
    }

    /// Tells whether signing in again might help.
    pub fn needs_login(&self) -> bool {
        self.status == Some(401)
    }

    /// Tells whether the call was a write that may have taken effect although it failed.
    ///
    /// Such a write is looked up, never sent again. A 595 is certain not to have reached its
    /// node; 596 to 599 are not (recordings 500–597).
    pub fn outcome_unknown(&self) -> bool {
        self.is_write
            && match self.status {
                Some(596..=599 | 502 | 504) => true,
                Some(status) => (200..300).contains(&status),
                None => self.kind == FailureKind::Interrupted,
            }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind.headline(), self.text)?;
        for (name, why) in &self.fields {
            write!(formatter, "; {}: {why}", Text::from(name.as_str()))?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Failure::new(error.kind, error.text);
        if let Some(advice) = error.advice {
            failure.advice = advice;
        } else if error.kind == FailureKind::Forbidden
            && let Some(denial) = Denial::from_words(failure.message.raw())
        {
            // What would have been said beforehand, had the list of privileges told.
            failure.advice = format!("{denial}; ask an administrator for the privilege");
        }
        for (name, why) in error.fields {
            failure
                .details
                .push(Text::new(format!("{name}: {}", why.raw())));
        }
        if !error.call.is_empty() {
            let status = error
                .status
                .map(|status| format!(" → {status}"))
                .unwrap_or_default();
            failure
                .details
                .push(Text::new(format!("{}{status}", error.call)));
        }
        failure
    }
}

/// Tells kinds of refusal apart; Proxmox has no status for most of them (PITFALLS 2).
fn classify(status: u16, text: &str) -> FailureKind {
    match status {
        400 | 506 => FailureKind::Rejected,
        401 => FailureKind::AuthenticationFailed,
        403 => FailureKind::Forbidden,
        501 => FailureKind::NotImplemented,
        595..=599 => FailureKind::NodeUnreachable,
        500 if text.contains("onfiguration file '") && text.contains("does not exist") => {
            FailureKind::NoSuchGuest
        }
        // A clone says the same of its source in other words (recording 327).
        500 if text.contains("unable to find configuration file for ") => FailureKind::NoSuchGuest,
        500 if text.contains("is locked (") => FailureKind::Locked,
        500 if text.contains("can't lock file") && text.contains("got timeout") => {
            FailureKind::Busy
        }
        500 if text.contains("checksum mismatch")
            || text.contains("detected modified configuration") =>
        {
            FailureKind::Conflict
        }
        500..=599 => FailureKind::Server,
        _ => FailureKind::Malformed,
    }
}

/// Tells kinds of a task's bad end apart by its text, which is that of a refusal.
pub fn kind_of_task_end(text: &str) -> FailureKind {
    let kind = classify(500, text);
    if kind == FailureKind::Server {
        return FailureKind::TaskFailed;
    }
    kind
}

/// Finds the TLS library's complaint about a certificate among the causes of a failed connection.
fn certificate_error(error: &reqwest::Error) -> Option<String> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(reason)) = error.downcast_ref() {
            return Some(reason.to_string());
        }
        // The source of an I/O error skips what it wraps, and it wraps another one here.
        cause = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        };
    }
    None
}

fn deepest_cause(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, reason: &str, body: &str) -> Error {
        Error::from_answer(
            StatusCode::from_u16(status).unwrap(),
            reason,
            body.as_bytes(),
        )
    }

    #[test]
    fn pitfall_01_the_reason_phrase_speaks_where_the_body_does_not() {
        let old = answer(500, "VM is locked (backup)", "{\"data\":null}");
        assert_eq!(old.text().to_string(), "VM is locked (backup)");
        assert_eq!(old.kind(), FailureKind::Locked);
        let new = answer(
            400,
            "Parameter verification failed.",
            r#"{"data":null,"message":"Parameter verification failed.\n","errors":{"snapname":"invalid format"}}"#,
        );
        assert_eq!(new.text().to_string(), "Parameter verification failed.");
        assert_eq!(
            new.fields(),
            [("snapname".to_owned(), Text::from("invalid format"))]
        );
        assert_eq!(answer(502, "", "<html>").text().to_string(), "Bad Gateway");
    }

    #[test]
    fn pitfall_02_the_many_meanings_of_500_are_told_apart_by_their_text() {
        let kind = |text: &str| answer(500, text, "").kind();
        assert_eq!(
            kind("Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist"),
            FailureKind::NoSuchGuest
        );
        assert_eq!(kind("VM is locked (snapshot)"), FailureKind::Locked);
        assert_eq!(kind("CT is locked (backup)"), FailureKind::Locked);
        assert_eq!(
            kind("can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout"),
            FailureKind::Busy
        );
        assert_eq!(
            kind("checksum mismatch (file change by other user?)"),
            FailureKind::Conflict
        );
        assert_eq!(
            kind("detected modified configuration - file changed by other user?"),
            FailureKind::Conflict
        );
        assert_eq!(
            kind("got no worker upid - start worker failed"),
            FailureKind::Server
        );
    }

    #[test]
    fn a_write_is_of_unknown_outcome_only_when_it_may_have_reached_its_node() {
        let write = |status: u16| {
            answer(status, "", "")
                .of(&Method::POST, "/x")
                .outcome_unknown()
        };
        assert!(!write(595));
        assert!(write(596));
        assert!(write(599));
        assert!(!write(500));
        assert!(!write(401));
        assert!(write(200), "a success that cannot be read is one");
        let lost = Error::unsent(FailureKind::Interrupted, "reset");
        assert!(lost.clone().of(&Method::DELETE, "/x").outcome_unknown());
        assert!(!lost.of(&Method::GET, "/x").outcome_unknown());
        assert!(
            !Error::unsent(FailureKind::Unreachable, "refused")
                .of(&Method::POST, "/x")
                .outcome_unknown()
        );
    }
}
