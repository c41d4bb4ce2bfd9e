//! What is wrong with a configuration: what, where and what to do about it.
//!
//! Everything wrong is gathered and told together; nobody should have to start a program six times
//! to learn of six mistakes. No secret is ever repeated in a message.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::text::clean;

/// The longest piece of somebody's text that a message repeats, in characters.
const MAX_QUOTED: usize = 80;

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// A program that the config names, by what it is for.
    Command(&'static str),
    /// Nowhere: something is missing altogether.
    Nowhere,
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.write_str(&shown(path)),
            Self::Variable(name) => formatter.write_str(&clean(name)),
            Self::Flag(name) | Self::Command(name) => formatter.write_str(name),
            Self::Nowhere => formatter.write_str("config"),
        }
    }
}

/// A position in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in that line.
    pub column: usize,
}

impl Place {
    /// Returns the position of a byte of a text.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = text.get(..end).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub source: Source,
    /// Where in that file.
    pub place: Option<Place>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it; empty where the message says it already.
    pub cure: String,
}

impl Problem {
    /// Describes a problem of a whole source.
    pub fn new(source: Source, message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            source,
            place: None,
            message: message.into(),
            cure: cure.into(),
        }
    }

    /// Adds the position in the file.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.source)?;
        if let Some(place) = self.place {
            write!(formatter, ", line {}, column {}", place.line, place.column)?;
        }
        write!(formatter, ": {}", self.message)?;
        if !self.cure.is_empty() {
            write!(formatter, "; {}", self.cure)?;
        }
        Ok(())
    }
}

/// Why a configuration cannot be used: at least one problem, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// Returns `value` when nothing is wrong, all problems otherwise.
    pub fn unless_empty<T>(mut problems: Vec<Problem>, value: T) -> Result<T, Self> {
        if problems.is_empty() {
            return Ok(value);
        }
        // Stable: what has no position stays behind the file's own problems.
        problems.sort_by_key(|problem| (problem.place.is_none(), problem.place));
        Err(Self { problems })
    }

    /// Returns every problem.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// A text that cannot be the value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSetting {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub cure: String,
}

impl InvalidSetting {
    /// Describes what is wrong with a text and what to write instead.
    pub fn new(message: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            cure: cure.into(),
        }
    }
}

impl fmt::Display for InvalidSetting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.message, self.cure)
    }
}

impl std::error::Error for InvalidSetting {}

/// Repeats somebody's text in a message: clean, in back quotes, and not for pages.
pub(crate) fn quoted(text: &str) -> String {
    let text = clean(text);
    if text.chars().count() > MAX_QUOTED {
        let start: String = text.chars().take(MAX_QUOTED).collect();
        return format!("`{start}…`");
    }
    format!("`{text}`")
}

/// Shows a path on one clean line.
pub(super) fn shown(path: &Path) -> String {
    clean(&path.display().to_string())
}

/// Returns the candidate that was probably meant by `word`.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A huge word cannot be a slip, and comparing costs the product of both lengths.
    if word.len() > 100 {
        return None;
    }
    let allowed = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Joins names for a message, each in back quotes.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(quoted).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "é = 1\r\nab = 2\n";
        assert_eq!(Place::of(text, 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of(text, 3), Place { line: 1, column: 3 });
        assert_eq!(Place::of(text, 9), Place { line: 2, column: 2 });
        // In the middle of a character and beyond the end are no reason to fall over.
        assert_eq!(Place::of(text, 1), Place { line: 1, column: 1 });
        assert_eq!(Place::of(text, 999), Place { line: 3, column: 1 });
    }

    #[test]
    fn several_problems_stand_one_a_line_in_the_order_of_the_file() {
        let file = || Source::File("/etc/x.toml".into());
        let problems = vec![
            Problem::new(
                Source::Variable("PROXDECK_USER".into()),
                "is odd",
                "unset it",
            ),
            Problem::new(file(), "late", "").at(Place { line: 9, column: 2 }),
            Problem::new(file(), "early", "mend it").at(Place { line: 2, column: 1 }),
        ];
        assert_eq!(
            ConfigError::unless_empty(problems, ())
                .unwrap_err()
                .to_string(),
            "/etc/x.toml, line 2, column 1: early; mend it\n\
             /etc/x.toml, line 9, column 2: late\n\
             PROXDECK_USER: is odd; unset it"
        );
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_key_and_another_word_does_not() {
        let keys = ["refresh_seconds", "endpoints", "user"];
        assert_eq!(nearest("refesh_seconds", keys), Some("refresh_seconds"));
        assert_eq!(nearest("endpoint", keys), Some("endpoints"));
        assert_eq!(nearest("uesr", keys), Some("user"));
        assert_eq!(nearest("colour", keys), None);
    }

    #[test]
    fn a_quoted_text_cannot_drive_the_terminal_or_fill_it() {
        assert_eq!(quoted("a\x1b[2J"), "`a␛[2J`");
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), MAX_QUOTED + 3);
    }
}
