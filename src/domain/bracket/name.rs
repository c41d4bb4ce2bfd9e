//! The names of brackets and those of their snapshots.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::snapshot::{InvalidSnapshotName, SnapshotName};

/// How the names of a bracket's snapshots begin; retention spares them (SPEC §5.5).
const PREFIX: &str = "br-";

/// The name of a bracket: `NAME`, whose snapshots are called `br-NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BracketName(SnapshotName);

impl BracketName {
    /// Checks a name as it is typed; who types the snapshots' name means the same.
    pub fn of_typed(typed: &str) -> Result<Self, InvalidSnapshotName> {
        let name = typed.strip_prefix(PREFIX).unwrap_or(typed);
        if name.is_empty() {
            return Err(InvalidSnapshotName::Empty);
        }
        Ok(Self(format!("{PREFIX}{name}").parse()?))
    }

    /// Finds the bracket's name in that of a snapshot.
    pub fn of_snapshot(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(PREFIX)?;
        let name = name.parse().ok()?;
        (!rest.is_empty()).then_some(Self(name))
    }

    /// Suggests `MMDD-HHMM` in UTC; where that is taken, with the seconds behind it.
    pub fn suggest(now: DateTime<Utc>, is_taken: impl Fn(&str) -> bool) -> String {
        let name = now.format("%m%d-%H%M").to_string();
        if is_taken(&format!("{PREFIX}{name}")) {
            return now.format("%m%d-%H%M%S").to_string();
        }
        name
    }

    /// Returns the name without what every bracket's snapshots begin with.
    pub fn as_str(&self) -> &str {
        let whole = self.0.as_str();
        whole.strip_prefix(PREFIX).unwrap_or(whole)
    }

    /// Returns the name of its snapshots.
    pub fn snapshot(&self) -> &SnapshotName {
        &self.0
    }
}

impl fmt::Display for BracketName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_is_what_the_server_checks() {
        let name = BracketName::of_typed("release-7").unwrap();
        assert_eq!(name.to_string(), "release-7");
        assert_eq!(name.snapshot().as_str(), "br-release-7");
        assert_eq!(BracketName::of_typed("br-release-7"), Ok(name));
        assert!(BracketName::of_typed(&"x".repeat(37)).is_ok());
        for (typed, reason) in [
            ("", "a snapshot needs a name"),
            ("br-", "a snapshot needs a name"),
            (
                "a b",
                "' ' is not allowed in a name: letters, digits, `-` and `_` are",
            ),
            (
                "a@b",
                "'@' is not allowed in a name: letters, digits, `-` and `_` are",
            ),
        ] {
            assert_eq!(
                BracketName::of_typed(typed).unwrap_err().to_string(),
                reason
            );
        }
        let long = BracketName::of_typed(&"x".repeat(38)).unwrap_err();
        assert_eq!(
            long.to_string(),
            "a name has at most 40 characters, this one has 41"
        );
    }

    #[test]
    fn a_suggestion_is_short_and_free() {
        let now = DateTime::from_timestamp(1_795_424_445, 0).unwrap();
        assert_eq!(BracketName::suggest(now, |_| false), "1123-0900");
        let second = BracketName::suggest(now, |name| name == "br-1123-0900");
        assert_eq!(second, "1123-090045");
    }

    #[test]
    fn only_names_that_begin_so_are_those_of_brackets() {
        assert!(BracketName::of_snapshot("br-x").is_some());
        for name in ["br-", "BR-x", "bracket", "xbr-x", "br-\u{1b}[2J"] {
            assert_eq!(BracketName::of_snapshot(name), None, "{name:?}");
        }
    }
}
