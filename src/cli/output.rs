//! What the program says: results on stdout, everything else on stderr.
//!
//! The only file of the command line that writes to either. Whoever stops reading is no error:
//! after a broken pipe everything further is dropped silently. What is written here must be clean.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use crate::domain::text::clean;

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
        let mut json = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut json, Careful::default());
        match document.serialize(&mut serializer) {
            Ok(()) => {
                json.push(b'\n');
                self.put(&json);
            }
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

/// Lays JSON out for people too, and escapes what a terminal might obey.
#[derive(Default)]
struct Careful(PrettyFormatter<'static>);

impl Formatter for Careful {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            let text = character.encode_utf8(&mut buffer);
            if character.is_ascii_graphic() || character == ' ' || clean(text) == *text {
                writer.write_all(text.as_bytes())?;
            } else {
                for unit in text.encode_utf16() {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_escapes_what_a_terminal_might_obey_and_loses_nothing() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{7f}ü\u{200b}\u{e0041}\"";
        let mut json = Vec::new();
        hostile
            .serialize(&mut Serializer::with_formatter(
                &mut json,
                Careful::default(),
            ))
            .unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(
            json,
            r#""a\u001b[2J\u009b31m\u202eb\u007fü\u200b\udb40\udc41\"""#
        );
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
