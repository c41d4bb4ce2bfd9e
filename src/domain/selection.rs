//! Which guests are meant: the selection of managed guests, and the patterns of overrides.
//!
//! What is unknown never matches: a guest whose name or pool is not known is not matched by one,
//! not even by `*`. Nothing here decides what happens to the guests that are picked.

use std::fmt;
use std::str::FromStr;

use super::guest::Guest;
use super::id::{PoolName, Vmid};
use super::text::Text;

/// Which guests are managed: the config's `[selection]` (SPEC §4).
///
/// It bounds retention, limits, enforcement and drift; it does not bound what is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Selection {
    /// Nothing was selected; nothing is managed, and prune and enforce refuse to guess.
    #[default]
    Unconfigured,
    /// `all = true`: every guest; the entries beside it only name the tag of new guests.
    All(Entries),
    /// The guests that any of the entries matches.
    Listed(Entries),
}

/// The entries of a selection; a guest that any of them matches is selected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries {
    tags: Vec<String>,
    pools: Vec<Glob>,
    vmids: Vec<Vmid>,
}

/// Why a selection cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelection {
    /// A tag that no guest can carry.
    #[error(
        "{0:?} is no tag: in a selection tags are written out, with letters, digits, `_`, `-`, `+` and `.`"
    )]
    Tag(String),
    /// A pool that cannot exist.
    #[error(
        "{0:?} is no pool: letters, digits, `-`, `_`, `.`, `/` and the wildcards `*` and `?` are expected"
    )]
    Pool(String),
    /// A number that no guest can have.
    #[error("{0} is no guest id: a number from 100 to 999999999 is expected")]
    Vmid(u64),
}

impl Selection {
    /// Checks the entries as the config lists them.
    ///
    /// Tags are literal, because new guests get the first one; pools may hold wildcards.
    pub fn new(
        all: bool,
        tags: &[String],
        pools: &[String],
        vmids: &[u64],
    ) -> Result<Self, InvalidSelection> {
        let entries = Entries {
            tags: tags
                .iter()
                .map(|tag| {
                    is_tag(tag)
                        .then(|| tag.clone())
                        .ok_or_else(|| InvalidSelection::Tag(tag.clone()))
                })
                .collect::<Result<_, _>>()?,
            pools: pools
                .iter()
                .map(|pool| {
                    is_pool_pattern(pool)
                        .then(|| Glob::new(pool))
                        .ok_or_else(|| InvalidSelection::Pool(pool.clone()))
                })
                .collect::<Result<_, _>>()?,
            vmids: vmids
                .iter()
                .map(|&number| Vmid::new(number).ok_or(InvalidSelection::Vmid(number)))
                .collect::<Result<_, _>>()?,
        };
        Ok(if all {
            Self::All(entries)
        } else if entries == Entries::default() {
            Self::Unconfigured
        } else {
            Self::Listed(entries)
        })
    }

    /// Tells whether anything was selected at all.
    pub fn is_configured(&self) -> bool {
        *self != Self::Unconfigured
    }

    /// Tells whether the guest is ours.
    pub fn manages(&self, guest: &Guest) -> bool {
        match self {
            Self::Unconfigured => false,
            Self::All(_) => true,
            Self::Listed(entries) => entries.matches(guest),
        }
    }

    /// Returns the tag that guests get which we create: the first one of the selection.
    pub fn tag_of_new_guests(&self) -> Option<&str> {
        match self {
            Self::Unconfigured => None,
            Self::All(entries) | Self::Listed(entries) => entries.tags.first().map(String::as_str),
        }
    }
}

impl Entries {
    fn matches(&self, guest: &Guest) -> bool {
        self.vmids.contains(&guest.vmid)
            || self.tags.iter().any(|tag| has_tag(guest, tag))
            || guest.pool.as_ref().is_some_and(|pool| {
                self.pools
                    .iter()
                    .any(|glob| glob.matches(pool.as_str(), Case::Matters))
            })
    }
}

/// Tells whether a guest carries a tag, in upper or lower case.
///
/// A cluster counts tags that differ only in this as the same unless it is told otherwise.
pub fn has_tag(guest: &Guest, tag: &str) -> bool {
    guest
        .tags
        .iter()
        .any(|own| own.raw().eq_ignore_ascii_case(tag))
}

/// A pattern of the config, as `tag:service`, `pool:lab/*`, `vmid:104` or `name:agent-*`.
///
/// `*` stands for any number of characters, `/` included, and `?` for one. Upper and lower case
/// differ in pools, as they do for the server, but not in tags and names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    subject: Subject,
    glob: Glob,
}

/// What a pattern looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Any of the guest's tags.
    Tag,
    /// The guest's pool.
    Pool,
    /// The guest's number.
    Vmid,
    /// The guest's name.
    Name,
}

impl Subject {
    /// Returns the word before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Pool => "pool",
            Self::Vmid => "vmid",
            Self::Name => "name",
        }
    }
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// No colon tells what is meant.
    #[error("{0:?} does not say what it matches: tag:, pool:, vmid: or name: goes before it")]
    NoSubject(String),
    /// The word before the colon is unknown.
    #[error("{subject:?} in {text:?} is unknown: tag:, pool:, vmid: and name: are known")]
    UnknownSubject {
        /// The whole text.
        text: String,
        /// The word before the colon.
        subject: String,
    },
    /// Nothing follows the colon.
    #[error("{0:?} ends where its value should begin")]
    NoValue(String),
    /// The value can never be matched.
    #[error("{text:?} can match nothing: {rule}")]
    Impossible {
        /// The whole text.
        text: String,
        /// What the value may consist of.
        rule: &'static str,
    },
}

impl Pattern {
    /// Returns what the pattern looks at.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// Tells whether the guest is meant.
    pub fn matches(&self, guest: &Guest) -> bool {
        match self.subject {
            Subject::Tag => guest
                .tags
                .iter()
                .any(|tag| self.glob.matches(tag.raw(), Case::Ignored)),
            Subject::Pool => guest
                .pool
                .as_ref()
                .is_some_and(|pool| self.glob.matches(pool.as_str(), Case::Matters)),
            Subject::Vmid => self
                .glob
                .matches(&guest.vmid.get().to_string(), Case::Matters),
            Subject::Name => guest
                .name
                .as_ref()
                .map(Text::raw)
                .filter(|name| !name.is_empty())
                .is_some_and(|name| self.glob.matches(name, Case::Ignored)),
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (word, value) = text
            .split_once(':')
            .ok_or_else(|| InvalidPattern::NoSubject(text.to_owned()))?;
        let (word, value) = (word.trim(), value.trim());
        let (subject, possible, rule): (Subject, fn(&str) -> bool, &'static str) = match word {
            "tag" => (
                Subject::Tag,
                is_tag_pattern,
                "a tag has letters, digits, `_`, `-`, `+` and `.`",
            ),
            "pool" => (
                Subject::Pool,
                is_pool_pattern,
                "a pool has letters, digits, `-`, `_`, `.` and `/`",
            ),
            "vmid" => (
                Subject::Vmid,
                is_vmid_pattern,
                "a guest id is a number from 100 to 999999999",
            ),
            "name" => (
                Subject::Name,
                |value| !value.contains(char::is_whitespace),
                "a name has no blanks",
            ),
            _ => {
                return Err(InvalidPattern::UnknownSubject {
                    text: text.to_owned(),
                    subject: word.to_owned(),
                });
            }
        };
        if value.is_empty() {
            return Err(InvalidPattern::NoValue(text.to_owned()));
        }
        if !possible(value) {
            return Err(InvalidPattern::Impossible {
                text: text.to_owned(),
                rule,
            });
        }
        Ok(Self {
            subject,
            glob: Glob::new(value),
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{}:{}", self.subject.as_str(), self.glob.0))
    }
}

fn is_wildcard(character: char) -> bool {
    matches!(character, '*' | '?')
}

fn is_tag_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '+' | '.')
}

fn is_tag(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_tag_character)
}

fn is_tag_pattern(text: &str) -> bool {
    text.chars().all(|c| is_tag_character(c) || is_wildcard(c))
}

fn is_pool_pattern(text: &str) -> bool {
    // The wildcards stand for letters of a name, so a name must come out when they are letters.
    text.replace(is_wildcard, "x").parse::<PoolName>().is_ok()
}

fn is_vmid_pattern(text: &str) -> bool {
    if text.contains(is_wildcard) {
        text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit() || is_wildcard(c))
    } else {
        text.parse::<Vmid>()
            .is_ok_and(|vmid| vmid.get().to_string() == text)
    }
}

/// Whether upper and lower case differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

/// A text with the wildcards `*` and `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(String);

impl Glob {
    fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Matches by returning to the last `*` only, so that no pattern costs exponential time.
    fn matches(&self, text: &str, case: Case) -> bool {
        let fold = |character: char| match case {
            Case::Matters => character,
            Case::Ignored => character.to_ascii_lowercase(),
        };
        let pattern: Vec<char> = self.0.chars().map(fold).collect();
        let text: Vec<char> = text.chars().map(fold).collect();
        let (mut at, mut reached) = (0, 0);
        // Where the last `*` stands, and up to where it has swallowed the text.
        let mut star: Option<(usize, usize)> = None;
        while reached < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, reached));
                    at += 1;
                }
                Some(&wanted) if wanted == '?' || wanted == text[reached] => {
                    at += 1;
                    reached += 1;
                }
                _ => match &mut star {
                    Some((position, swallowed)) => {
                        *swallowed += 1;
                        at = *position + 1;
                        reached = *swallowed;
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|&rest| rest == '*')
    }
}
