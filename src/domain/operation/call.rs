//! A write as it will be sent, for people to read.

use std::fmt;

use crate::domain::guest::GuestRef;

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
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)?;
        for (name, value) in &self.parameters {
            write!(formatter, "  {name}={value}")?;
        }
        Ok(())
    }
}
