//! Reads TOML into sections and entries that know where they stand.
//!
//! Asking a [`Section`] for its keys *is* the grammar: what nobody asked for is an unknown key when
//! the section is finished, so code and list of known keys cannot disagree. Entries never stop at
//! the first mistake; they report it to [`Findings`] and yield nothing.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{InvalidSetting, Place, Problem, Source, listed, nearest, quoted};

/// What has been found wrong in one file so far.
pub(super) struct Findings<'a> {
    text: &'a str,
    file: &'a Path,
    home: Option<&'a Path>,
    problems: Vec<Problem>,
}

impl<'a> Findings<'a> {
    /// Begins with a file of which nothing bad is known.
    pub(super) fn new(text: &'a str, file: &'a Path, home: Option<&'a Path>) -> Self {
        Self {
            text,
            file,
            home,
            problems: Vec::new(),
        }
    }

    /// Notes a problem at a byte of the file.
    pub(super) fn report(
        &mut self,
        offset: usize,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        let problem = Problem::new(Source::File(self.file.to_owned()), message, cure);
        self.problems.push(problem.at(Place::of(self.text, offset)));
    }

    /// Returns the line of a byte of the file.
    pub(super) fn line(&self, offset: usize) -> usize {
        Place::of(self.text, offset).line
    }

    /// Finds what a path in the file means: `~/` is the home folder, others begin beside the file.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        if let (Some(rest), Some(home)) = (path.strip_prefix("~/"), self.home) {
            return home.join(rest);
        }
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Ends the search.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// Parses a text; what is not TOML at all is reported, and then there is no table.
pub(super) fn parse<'a>(
    text: &'a str,
    findings: &mut Findings<'_>,
) -> Option<Spanned<DeTable<'a>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        // Only the parser's own words: its full message repeats the line, and the line may hold a secret.
        let mut message = error.message().trim().replace('\n', ", ");
        if message == "duplicate key" {
            message = format!(
                "{} stands here a second time",
                quoted(text.get(span.clone()).unwrap_or_default())
            );
        }
        findings.report(span.start, message, "see https://toml.io for the notation");
    }
    errors.is_empty().then_some(table)
}

/// A table of the file, asked key by key.
pub(super) struct Section<'a> {
    name: String,
    entries: Vec<Entry<'a>>,
    known: Vec<&'static str>,
    offset: usize,
}

impl<'a> Section<'a> {
    /// Opens a table under the name that its brackets have; the whole file has none.
    pub(super) fn new(name: impl Into<String>, table: &'a DeTable<'a>, offset: usize) -> Self {
        let name = name.into();
        let mut entries: Vec<Entry<'a>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                section: name.clone(),
                item: None,
                key_offset: key.span().start,
                span: value.span(),
                value: value.get_ref(),
            })
            .collect();
        // The order of writing carries meaning: first cluster, first matching project.
        entries.sort_by_key(|entry| entry.key_offset);
        Self {
            name,
            entries,
            known: Vec::new(),
            offset,
        }
    }

    /// Returns where the section begins.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the name as it stands in brackets.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Takes the entry under a key, which thereby is a known one.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// Takes a table under a key.
    pub(super) fn take_section(
        &mut self,
        key: &'static str,
        findings: &mut Findings<'_>,
    ) -> Option<Section<'a>> {
        self.take(key)?.section(findings)
    }

    /// Takes all that is left, for tables whose keys are names of the user's own.
    pub(super) fn take_named(&mut self) -> Vec<Entry<'a>> {
        std::mem::take(&mut self.entries)
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self, findings: &mut Findings<'_>) {
        for entry in self.entries {
            let place = if self.name.is_empty() {
                String::new()
            } else {
                format!(" in [{}]", self.name)
            };
            let message = format!("unknown key {}{place}", quoted(entry.key));
            let cure = match nearest(entry.key, self.known.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known are {}", listed(self.known.iter().copied())),
            };
            findings.report(entry.key_offset, message, cure);
        }
    }
}

/// A key with its value, or one element of an array.
pub(super) struct Entry<'a> {
    key: &'a str,
    section: String,
    item: Option<usize>,
    key_offset: usize,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(item) = self.item {
            write!(formatter, "entry {item} of ")?;
        }
        formatter.write_str(&quoted(self.key))?;
        if !self.section.is_empty() {
            write!(formatter, " in [{}]", self.section)?;
        }
        Ok(())
    }
}

impl<'a> Entry<'a> {
    /// Returns the key.
    pub(super) fn key(&self) -> &'a str {
        self.key
    }

    /// Returns where the key begins, or the element of an array.
    pub(super) fn offset(&self) -> usize {
        self.key_offset
    }

    /// Reports that the value is not what it must be.
    pub(super) fn reject(
        &self,
        findings: &mut Findings<'_>,
        message: impl fmt::Display,
        cure: impl Into<String>,
    ) {
        findings.report(self.span.start, format!("{self} {message}"), cure);
    }

    fn reject_type(&self, findings: &mut Findings<'_>, expected: &str) {
        let found = match self.value {
            DeValue::String(_) => "a text in quotes",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a section",
        };
        self.reject(findings, format_args!("must be {expected}"), {
            format!("here stands {found}")
        });
    }

    /// Reads a text that is not empty and holds no control characters.
    pub(super) fn text(&self, findings: &mut Findings<'_>, expected: &str) -> Option<&'a str> {
        let DeValue::String(text) = self.value else {
            self.reject_type(findings, expected);
            return None;
        };
        if text.trim().is_empty() {
            self.reject(
                findings,
                "is empty",
                format!("write {expected}, or leave the key out"),
            );
            return None;
        }
        if text.chars().any(char::is_control) {
            self.reject(
                findings,
                "holds a control character or a line break",
                "write it on one line, without escapes",
            );
            return None;
        }
        Some(text)
    }

    /// Reads a text that has a form of its own.
    pub(super) fn parsed<T: FromStr<Err: Into<InvalidSetting>>>(
        &self,
        findings: &mut Findings<'_>,
        expected: &str,
    ) -> Option<T> {
        let text = self.text(findings, expected)?;
        self.checked(findings, text.parse().map_err(Into::into))
    }

    /// Passes on a checked value and reports an unsuitable one.
    pub(super) fn checked<T>(
        &self,
        findings: &mut Findings<'_>,
        result: Result<T, InvalidSetting>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(InvalidSetting { message, cure }) => {
                findings.report(self.span.start, format!("{self}: {message}"), cure);
                None
            }
        }
    }

    /// Reads true or false.
    pub(super) fn flag(&self, findings: &mut Findings<'_>) -> Option<bool> {
        let DeValue::Boolean(flag) = self.value else {
            self.reject_type(findings, "true or false, without quotes");
            return None;
        };
        Some(*flag)
    }

    /// Reads a whole number within bounds.
    pub(super) fn whole(
        &self,
        findings: &mut Findings<'_>,
        bounds: RangeInclusive<u32>,
    ) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        let DeValue::Integer(number) = self.value else {
            self.reject_type(findings, &expected);
            return None;
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok();
        let number = read.filter(|number| bounds.contains(number));
        if number.is_none() {
            self.reject(findings, format_args!("must be {expected}"), {
                format!("here stands {}", self.number_as_written(findings))
            });
        }
        number
    }

    /// Reads a number that may have a fraction; `inf` and `nan` are none.
    pub(super) fn number(&self, findings: &mut Findings<'_>, expected: &str) -> Option<f64> {
        let read = match self.value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => {
                self.reject_type(findings, expected);
                return None;
            }
        };
        let number = read.filter(|number| number.is_finite());
        if number.is_none() {
            self.reject(findings, format_args!("must be {expected}"), {
                format!("here stands {}", self.number_as_written(findings))
            });
        }
        number
    }

    fn number_as_written(&self, findings: &Findings<'_>) -> String {
        quoted(findings.text.get(self.span.clone()).unwrap_or_default())
    }

    /// Tells whether the value is this very text.
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.value, DeValue::String(text) if text == word)
    }

    /// Tells whether the value is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, DeValue::Array(_))
    }

    /// Reads one of several words.
    pub(super) fn choice<T: Copy>(
        &self,
        findings: &mut Findings<'_>,
        choices: &[(&'static str, T)],
    ) -> Option<T> {
        let words = || listed(choices.iter().map(|(word, _)| *word));
        let text = self.text(findings, &format!("one of {}", words()))?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let cure = match nearest(text, choices.iter().map(|(word, _)| *word)) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write one of {}", words()),
            };
            self.reject(findings, format_args!("cannot be {}", quoted(text)), cure);
        }
        found.map(|(_, choice)| *choice)
    }

    /// Reads a list; each element becomes an entry of its own.
    pub(super) fn items(&self, findings: &mut Findings<'_>, expected: &str) -> Vec<Entry<'a>> {
        let DeValue::Array(items) = self.value else {
            self.reject_type(findings, expected);
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Entry {
                key: self.key,
                section: self.section.clone(),
                item: Some(index + 1),
                key_offset: item.span().start,
                span: item.span(),
                value: item.get_ref(),
            })
            .collect()
    }

    /// Reads a list of texts of one form; elements that do not fit are reported and left out.
    pub(super) fn list<T: FromStr<Err: Into<InvalidSetting>>>(
        &self,
        findings: &mut Findings<'_>,
        expected: &str,
    ) -> Vec<T> {
        self.items(findings, &format!("a list, each element {expected}"))
            .iter()
            .filter_map(|item| item.parsed(findings, expected))
            .collect()
    }

    /// Opens a section.
    pub(super) fn section(&self, findings: &mut Findings<'_>) -> Option<Section<'a>> {
        let name = match self.section.as_str() {
            "" => self.key.to_owned(),
            outer => format!("{outer}.{}", self.key),
        };
        let DeValue::Table(table) = self.value else {
            self.reject_type(findings, &format!("a section [{}]", shown_name(&name)));
            return None;
        };
        Some(Section::new(shown_name(&name), table, self.key_offset))
    }
}

/// Makes a section's name fit for a message.
pub(super) fn shown_name(name: &str) -> String {
    quoted(name).trim_matches('`').to_owned()
}
