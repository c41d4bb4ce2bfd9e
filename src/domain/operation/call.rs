//! A write as it will be sent, for people to read.

use std::fmt;

use crate::domain::guest::GuestRef;
use crate::domain::text::clean;

/// A write as it will be sent, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method, as `POST`.
    pub method: &'static str,
    /// The path below `/api2/json`.
    pub path: String,
    /// Its parameters.
    pub parameters: Vec<(&'static str, String)>,
}

impl Call {
    /// Makes a call about a guest; `rest` is what follows the guest in the path.
    pub(in crate::domain) fn on(guest: &GuestRef, method: &'static str, rest: &str) -> Self {
        let GuestRef {
            vmid, kind, node, ..
        } = guest;
        Self {
            method,
            path: format!("/nodes/{node}/{kind}/{vmid}{rest}"),
            parameters: Vec::new(),
        }
    }

    /// Makes it a call about another guest, whose path is `path`.
    #[must_use]
    pub(in crate::domain) fn moved(mut self, from: &GuestRef, path: &str) -> Self {
        let GuestRef {
            vmid, kind, node, ..
        } = from;
        if let Some(rest) = self
            .path
            .strip_prefix(&format!("/nodes/{node}/{kind}/{vmid}"))
        {
            self.path = format!("{path}{rest}");
        }
        self
    }

    /// Adds a parameter.
    #[must_use]
    pub(in crate::domain) fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// Adds a parameter if there is one.
    #[must_use]
    pub(in crate::domain) fn with_some(
        self,
        name: &'static str,
        value: Option<impl fmt::Display>,
    ) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl fmt::Display for Call {
    /// Writes one clean line; what is sent may be somebody's words, of several lines.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, clean(&self.path))?;
        for (name, value) in &self.parameters {
            write!(formatter, "  {name}={}", clean(&value.replace('\n', "\\n")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_shown_on_one_line_that_moves_no_cursor() {
        let call = Call {
            method: "PUT",
            path: "/nodes/pve1/qemu/101/config".into(),
            parameters: Vec::new(),
        };
        let call = call
            .with("net0", "virtio\r\u{1b}[2J\u{202e}")
            .with("description", "a\nb");
        assert_eq!(
            call.to_string(),
            "PUT /nodes/pve1/qemu/101/config  net0=virtio ␛[2J\u{fffd}  description=a\\nb"
        );
    }
}
