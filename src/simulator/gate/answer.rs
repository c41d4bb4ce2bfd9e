//! What a call comes to: data, or a refusal with the status, reason phrase and body of the real server.
//!
//! Refuses to write HTTP; `server` does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Data that a call answers with.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) enum Reply {
    /// `{"data": …}`.
    Data(Value),
    /// `{"data": …, "total": …}`.
    Listed(Value, Option<usize>),
    /// A body that was written before.
    Written(String),
}

impl Reply {
    pub(in crate::simulator) fn into_body(self) -> String {
        match self {
            Self::Data(data) | Self::Listed(data, None) => json!({ "data": data }).to_string(),
            Self::Listed(data, Some(total)) => json!({ "data": data, "total": total }).to_string(),
            Self::Written(body) => body,
        }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::simulator) struct Failure {
    pub(in crate::simulator) status: u16,
    pub(in crate::simulator) message: String,
    pub(in crate::simulator) errors: BTreeMap<String, String>,
    /// Refusals before the dispatch and by the proxy have no body.
    pub(in crate::simulator) body: bool,
    /// The guest whose file lock stands in the way: worth another look until patience ends.
    pub(in crate::simulator) busy: Option<u32>,
    /// How many of a real server's seconds pass before the refusal is sent.
    pub(in crate::simulator) after: f64,
}

impl Failure {
    fn new(status: u16, message: String) -> Self {
        Self {
            status,
            message,
            errors: BTreeMap::new(),
            body: true,
            busy: None,
            after: 0.0,
        }
    }

    /// Refuses the way every `die` in a handler does.
    pub(in crate::simulator) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, message.into())
    }

    /// Refuses one parameter.
    pub(in crate::simulator) fn parameter(name: &str, why: impl Into<String>) -> Self {
        Self::parameters(BTreeMap::from([(name.to_owned(), why.into())]))
    }

    /// Refuses several parameters.
    pub(in crate::simulator) fn parameters(errors: BTreeMap<String, String>) -> Self {
        Self {
            errors,
            ..Self::new(400, "Parameter verification failed.".into())
        }
    }

    /// Refuses for want of privileges.
    pub(in crate::simulator) fn forbidden(path: &str, privileges: &str) -> Self {
        Self::new(
            403,
            format!("Permission check failed ({path}, {privileges})"),
        )
    }

    /// Refuses for want of privileges, in words of its own or none.
    pub(in crate::simulator) fn forbidden_because(why: &str) -> Self {
        let detail = if why.is_empty() {
            String::new()
        } else {
            format!(" ({why})")
        };
        Self::new(403, format!("Permission check failed{detail}"))
    }

    /// Refuses to know a path.
    pub(in crate::simulator) fn not_implemented(method: &str, path: &str) -> Self {
        Self::new(501, format!("Method '{method} {path}' not implemented"))
    }

    /// Refuses before the dispatch: after three seconds and without a body.
    pub(in crate::simulator) fn unauthorized(message: &str) -> Self {
        Self {
            body: false,
            after: 3.0,
            ..Self::new(401, message.to_owned())
        }
    }

    /// Refuses a login: after three seconds, with a body.
    pub(in crate::simulator) fn login_failed() -> Self {
        Self {
            after: 3.0,
            ..Self::new(401, "authentication failure".into())
        }
    }

    /// Refuses what the transport does not allow.
    pub(in crate::simulator) fn transport(status: u16, message: &str) -> Self {
        Self {
            body: false,
            ..Self::new(status, message.to_owned())
        }
    }

    /// Refuses because another node could not be asked.
    pub(in crate::simulator) fn proxy(status: u16, message: &str, after: f64) -> Self {
        Self {
            body: false,
            after,
            ..Self::new(status, message.to_owned())
        }
    }

    /// Refuses because somebody holds a guest's file lock.
    pub(in crate::simulator) fn busy(folder: &str, vmid: u32) -> Self {
        Self {
            busy: Some(vmid),
            ..Self::internal(lock_timeout(folder, vmid))
        }
    }

    /// Returns the reason phrase: the first line of the message.
    pub(in crate::simulator) fn reason(&self) -> &str {
        self.message.lines().next().unwrap_or("")
    }

    pub(in crate::simulator) fn into_body(self) -> String {
        if !self.body {
            return String::new();
        }
        // The dispatcher's own message lacks the newline that every `die` carries.
        let newline = if self.status == 501 { "" } else { "\n" };
        let mut body = json!({ "data": null, "message": format!("{}{newline}", self.message) });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        body.to_string()
    }
}

/// Returns the words for a file lock that was not given in time.
pub(in crate::simulator) fn lock_timeout(folder: &str, vmid: u32) -> String {
    match folder {
        "lxc" => format!("can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout"),
        _ => format!("can't lock file '/var/lock/{folder}/lock-{vmid}.conf' - got timeout"),
    }
}
