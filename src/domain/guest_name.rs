//! Names for new guests, checked as they are typed.

use std::fmt;
use std::str::FromStr;

use super::guest::Guest;

/// What a copy's suggested name ends in.
const COPY: &str = "-copy";

/// A name for a new guest that the server will accept: DNS labels joined by dots.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GuestName(String);

impl GuestName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Suggests a name that says where a copy comes from and is a DNS label.
    pub fn suggest_copy(source: &Guest) -> String {
        let name = source.name.as_ref().map(ToString::to_string);
        let label: String = name
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .skip_while(|c| *c == '-')
            .take(63 - COPY.len())
            .collect();
        match label.trim_end_matches('-') {
            "" => format!("guest-{}{COPY}", source.vmid),
            label => format!("{label}{COPY}"),
        }
    }
}

impl fmt::Display for GuestName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Why a text cannot name a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGuestName {
    /// Nothing was typed.
    #[error("a guest needs a name")]
    Empty,
    /// Two dots follow each other, or one stands at an end.
    #[error("a name has no empty part between dots")]
    EmptyLabel,
    /// A part between dots is too long.
    #[error("a part of a name has at most 63 characters, this one has {0}")]
    TooLong(usize),
    /// A part begins or ends with a hyphen.
    #[error("a part of a name neither begins nor ends with `-`")]
    Hyphen,
    /// Holds a character that the server refuses.
    #[error("{0:?} is not allowed in a guest's name: letters, digits, `-` and `.` are")]
    Contains(char),
}

impl FromStr for GuestName {
    type Err = InvalidGuestName;

    /// Checks a name as it is typed (recordings 323, 840–862).
    fn from_str(text: &str) -> Result<Self, InvalidGuestName> {
        if text.is_empty() {
            return Err(InvalidGuestName::Empty);
        }
        let is_allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if let Some(bad) = text.chars().find(|c| !is_allowed(c)) {
            return Err(InvalidGuestName::Contains(bad));
        }
        for label in text.split('.') {
            match label.len() {
                0 => return Err(InvalidGuestName::EmptyLabel),
                1..=63 => {}
                length => return Err(InvalidGuestName::TooLong(length)),
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(InvalidGuestName::Hyphen);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::samples::guest;

    #[test]
    fn a_copy_s_suggested_name_can_always_be_taken() {
        let suggest = |name: Option<&str>| {
            let mut source = guest();
            source.name = name.map(Into::into);
            GuestName::suggest_copy(&source)
        };
        assert_eq!(suggest(Some("agent-4")), "agent-4-copy");
        assert_eq!(suggest(Some("my vm.lab")), "myvmlab-copy");
        assert_eq!(suggest(Some("--ü--")), "guest-104-copy");
        assert_eq!(suggest(None), "guest-104-copy");
        for odd in [
            "a".repeat(80),
            format!("{}-b", "a".repeat(57)),
            "-a-".into(),
        ] {
            let name = suggest(Some(&odd));
            assert!(name.parse::<GuestName>().is_ok(), "{name}");
        }
    }

    #[test]
    fn names_are_refused_for_the_reason_that_the_server_would_have() {
        use InvalidGuestName as Bad;
        let parse = |text: &str| text.parse::<GuestName>().map(|name| name.to_string());
        assert_eq!(parse("agent-build-4"), Ok("agent-build-4".into()));
        assert_eq!(parse("4"), Ok("4".into()));
        assert_eq!(parse("web.lab"), Ok("web.lab".into()));
        assert_eq!(parse(""), Err(Bad::Empty));
        assert_eq!(parse("my_vm"), Err(Bad::Contains('_')));
        assert_eq!(parse("my vm"), Err(Bad::Contains(' ')));
        assert_eq!(parse("bücher"), Err(Bad::Contains('ü')));
        assert_eq!(parse("-a"), Err(Bad::Hyphen));
        assert_eq!(parse("a-"), Err(Bad::Hyphen));
        assert_eq!(parse("a..b"), Err(Bad::EmptyLabel));
        assert_eq!(parse(&"a".repeat(64)), Err(Bad::TooLong(64)));
    }
}
