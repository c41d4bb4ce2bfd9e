//! What the program says: results on stdout, everything else on stderr.
//!
//! The only file of the command line that writes to either. Whoever stops reading is no error:
//! after a broken pipe everything further is dropped silently. What is written here must be clean.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use serde::Serialize;

use crate::domain::json::to_careful_json;

/// The two streams of the program, and why the first can no longer be written.
#[derive(Debug, Default)]
pub(super) struct Output {
    failure: OnceLock<io::Error>,
}

impl Output {
    /// Writes a line, or several, of the result.
    pub(super) fn line(&self, text: impl Display) {
        self.put(format!("{text}\n").as_bytes());
    }

    /// Writes a text as it is; it brings its own line ends.
    pub(super) fn text(&self, text: impl Display) {
        self.put(text.to_string().as_bytes());
    }

    /// Writes one JSON document.
    ///
    /// Texts of strangers stay exactly as they are for whoever parses it, but what could drive a
    /// terminal is written as `\u…`.
    pub(super) fn document(&self, document: &impl Serialize) {
        match to_careful_json(document) {
            Ok(json) => self.put(json.as_bytes()),
            Err(error) => self.fail(io::Error::other(error)),
        }
    }

    /// Says something on stderr; nobody hearing it is no error.
    #[expect(
        clippy::unused_self,
        reason = "whoever speaks needs the output, so that no other file writes"
    )]
    pub(super) fn note(&self, text: impl Display) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Prints what the parser of the arguments has to say: help on stdout, complaints on stderr.
    #[expect(
        clippy::unused_self,
        reason = "whoever speaks needs the output, so that no other file writes"
    )]
    pub(super) fn usage(&self, message: &clap::Error) {
        let _ = message.print();
    }

    /// Sends everything on its way, and tells why not all of it could be written.
    pub(super) fn finish(&self) -> io::Result<()> {
        if let Err(error) = io::stdout().flush() {
            self.fail(error);
        }
        match self.failure.get() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(io::Error::new(error.kind(), error.to_string()))
            }
            _ => Ok(()),
        }
    }

    fn put(&self, bytes: &[u8]) {
        if self.failure.get().is_none()
            && let Err(error) = io::stdout().write_all(bytes)
        {
            self.fail(error);
        }
    }

    fn fail(&self, error: io::Error) {
        // Only the first failure says anything; the others follow from it.
        let _ = self.failure.set(error);
    }
}

/// Tells whether a person watches stderr.
pub(super) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
