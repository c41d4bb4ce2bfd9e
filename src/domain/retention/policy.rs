//! For how long snapshots are kept, by class, and what marks protect them.

use std::fmt;

use crate::domain::snapshot::Snapshot;
use crate::domain::text::clean;

/// The seconds of a day; retention knows no calendar.
pub const DAY: u64 = 86_400;

/// The mark that proxdeck itself writes into descriptions; it holds whatever the config lists.
pub const OWN_MARK: &str = "keep";

/// How long snapshots are kept: the config's `[retention]` (SPEC §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    daily_days: u32,
    weekly_days: u32,
    monthly_days: u32,
    keep_last: usize,
    keep_marks: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            daily_days: 7,
            weekly_days: 30,
            monthly_days: 365,
            keep_last: 1,
            keep_marks: vec![OWN_MARK.to_owned(), "important".to_owned()],
        }
    }
}

/// A keep mark that could never be found in a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be a keep mark: one word of letters and digits is expected, without `#`, `-`, `_` or blanks"
)]
pub struct InvalidMark(String);

impl Policy {
    /// Checks a policy; days count 86,400 s, 0 keeps nothing of that class beyond its first second.
    ///
    /// A mark of several words is refused, because it would protect nothing.
    pub fn new(
        daily_days: u32,
        weekly_days: u32,
        monthly_days: u32,
        keep_last: usize,
        keep_marks: Vec<String>,
    ) -> Result<Self, InvalidMark> {
        if let Some(bad) = keep_marks
            .iter()
            .find(|mark| mark.is_empty() || !mark.chars().all(char::is_alphanumeric))
        {
            return Err(InvalidMark(bad.clone()));
        }
        Ok(Self {
            daily_days,
            weekly_days,
            monthly_days,
            keep_last,
            keep_marks,
        })
    }

    /// Returns for how many days snapshots of a class are kept.
    pub const fn days(&self, class: Class) -> u32 {
        match class {
            Class::Daily => self.daily_days,
            Class::Weekly => self.weekly_days,
            Class::Monthly => self.monthly_days,
        }
    }

    /// Returns how many of a guest's newest snapshots are kept whatever their age.
    pub const fn keep_last(&self) -> usize {
        self.keep_last
    }

    /// Returns the words that protect a snapshot.
    pub fn keep_marks(&self) -> &[String] {
        &self.keep_marks
    }

    /// Finds what marks a snapshot as to be kept.
    ///
    /// A mark counts as a whole word of the name (split at everything but letters and digits), or
    /// as a `#word` of the description; upper and lower case never matter, so that `Keep` protects
    /// too. The description is read as sent and as shown: what looks like `#keep` on the screen is one.
    pub fn mark_of(&self, snapshot: &Snapshot) -> Option<Mark> {
        let in_name = words(snapshot.name.raw()).find_map(|word| {
            self.keep_marks
                .iter()
                .find(|mark| same_word(mark, word))
                .map(|mark| Mark::Name(mark.clone()))
        });
        in_name.or_else(|| {
            let raw = snapshot.description.raw();
            self.hash_mark(raw).or_else(|| self.hash_mark(&clean(raw)))
        })
    }

    fn hash_mark(&self, text: &str) -> Option<Mark> {
        text.split('#').skip(1).find_map(|after| {
            let end = after
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(after.len());
            let word = &after[..end];
            self.keep_marks
                .iter()
                .map(String::as_str)
                .chain([OWN_MARK])
                .find(|mark| same_word(mark, word))
                .map(|mark| Mark::Description(mark.to_owned()))
        })
    }
}

impl fmt::Display for Policy {
    /// Writes `daily 7 d · weekly 30 d · monthly 365 d · newest 1 · marks keep, important`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "daily {} d · weekly {} d · monthly {} d · newest {}",
            self.daily_days, self.weekly_days, self.monthly_days, self.keep_last
        )?;
        if !self.keep_marks.is_empty() {
            write!(formatter, " · marks {}", self.keep_marks.join(", "))?;
        }
        Ok(())
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
}

fn same_word(mark: &str, word: &str) -> bool {
    !word.is_empty() && mark.to_lowercase() == word.to_lowercase()
}

/// The word that protects a snapshot, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// In the name; it cannot be taken off.
    Name(String),
    /// In the description, behind a `#`.
    Description(String),
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(word) => write!(formatter, "{word}"),
            Self::Description(word) => write!(formatter, "#{word}"),
        }
    }
}

/// For how long a snapshot was meant to be kept, told by the last word of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Everything that is neither of the others.
    Daily,
    /// Its name ends in `-weekly`.
    Weekly,
    /// Its name ends in `-monthly`.
    Monthly,
}

impl Class {
    /// Reads the class off a name; upper and lower case do not matter, but the hyphen does.
    pub fn of(name: &str) -> Self {
        match name.rsplit_once('-') {
            Some((_, word)) if word.eq_ignore_ascii_case("monthly") => Self::Monthly,
            Some((_, word)) if word.eq_ignore_ascii_case("weekly") => Self::Weekly,
            _ => Self::Daily,
        }
    }

    /// Returns the word under which `--json` reports it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}
