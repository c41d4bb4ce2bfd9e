//! JSON as every document is written: for programs, and harmless where a person looks at it.
//!
//! Texts of strangers stay exactly as they are for whoever parses them, but what could drive a
//! terminal or pile up on it is written as `\u…`. Nothing is written to a file or a stream here.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::text::Cleaner;

/// Writes a value as JSON that is laid out for people too, with a line break at its end.
pub fn to_careful_json(value: &impl Serialize) -> serde_json::Result<String> {
    write(value, PrettyFormatter::new())
}

/// Writes a value as JSON on one line, with a line break at its end.
pub fn to_careful_line(value: &impl Serialize) -> serde_json::Result<String> {
    write(value, CompactFormatter)
}

fn write(value: &impl Serialize, layout: impl Formatter) -> serde_json::Result<String> {
    let mut json = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut json, Careful(layout));
    value.serialize(&mut serializer)?;
    json.push(b'\n');
    // What a serializer writes is text; the conversion can only be refused in theory.
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

/// Lays JSON out in some way, and escapes what a terminal might obey.
struct Careful<Layout>(Layout);

impl<Layout: Formatter> Formatter for Careful<Layout> {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut cleaner = Cleaner::default();
        let mut buffer = [0; 4];
        for character in fragment.chars() {
            let text = character.encode_utf8(&mut buffer);
            if cleaner.show(character) == Some(character) {
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
        let json = to_careful_json(&hostile).unwrap();
        assert_eq!(
            json,
            "\"a\\u001b[2J\\u009b31m\\u202eb\\u007fü\\u200b\\udb40\\udc41\\\"\"\n"
        );
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
        let line = to_careful_line(&[hostile, "b"]).unwrap();
        assert_eq!(line, format!("[{},\"b\"]\n", json.trim_end()));
    }

    #[test]
    fn marks_that_pile_up_are_escaped_and_none_is_lost() {
        let hostile = format!("e{}x", "\u{301}".repeat(4));
        let json = to_careful_json(&hostile).unwrap();
        assert_eq!(json, "\"e\u{301}\u{301}\\u0301\\u0301x\"\n");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
