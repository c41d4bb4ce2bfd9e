//! The line by which every guest that proxdeck made is known again.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// What the line begins with.
const PREFIX: &str = "proxdeck: created ";

/// When a guest was made, and a word that no other guest has.
///
/// It stands as a line of its own in the guest's description (SPEC §5.3) and proves, after a lost
/// answer, which of two new guests is ours.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    time: DateTime<Utc>,
    nonce: String,
}

impl Stamp {
    /// Makes a stamp of a time and random bits; neither is drawn here.
    pub fn new(time: DateTime<Utc>, random: u64) -> Self {
        Self {
            time,
            nonce: format!("{random:016x}"),
        }
    }

    /// Makes a further stamp of the same moment; the one numbered 0 is this one.
    #[must_use]
    pub fn sibling(&self, number: u64) -> Self {
        let own = u64::from_str_radix(&self.nonce, 16).unwrap_or_default();
        // An odd factor keeps different numbers different.
        Self::new(self.time, own ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Finds the stamp in a description: the last line that is one.
    pub fn find(description: &str) -> Option<Self> {
        description.lines().rev().find_map(Self::read_line)
    }

    fn read_line(line: &str) -> Option<Self> {
        let (time, nonce) = line.trim().strip_prefix(PREFIX)?.split_once(' ')?;
        let is_nonce = nonce.len() == 16 && nonce.chars().all(|c| c.is_ascii_hexdigit());
        is_nonce.then_some(())?;
        Some(Self {
            time: DateTime::parse_from_rfc3339(time).ok()?.to_utc(),
            nonce: nonce.to_owned(),
        })
    }

    /// Appends the line to a description, in which older ones are dropped.
    ///
    /// A copy of a guest that we made carries that guest's line along; it is not when the copy was made.
    pub fn append_to(&self, description: &str) -> String {
        let mut lines: Vec<String> = description
            .lines()
            .filter(|line| Self::read_line(line).is_none())
            .map(str::to_owned)
            .collect();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        lines.push(self.to_string());
        lines.join("\n")
    }

    /// Tells whether a description carries this stamp and no later one.
    pub fn is_on(&self, description: &str) -> bool {
        Self::find(description).is_some_and(|found| found.nonce == self.nonce)
    }

    /// Returns when the guest was made.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Returns the word that no other guest has.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(formatter, "{PREFIX}{time} {}", self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap(), 0xabc)
    }

    #[test]
    fn a_stamp_is_found_again_whatever_surrounds_it() {
        let line = "proxdeck: created 2026-11-23T09:00:45Z 0000000000000abc";
        assert_eq!(stamp().to_string(), line);
        assert_eq!(Stamp::find(&format!("a\n  {line} \nb\n")), Some(stamp()));
        for text in [
            "",
            "proxdeck: created",
            "proxdeck: created soon 0000000000000abc",
            "proxdeck: created 2026-11-23T09:00:45Z xyz",
        ] {
            assert_eq!(Stamp::find(text), None, "{text}");
        }
    }

    #[test]
    fn siblings_are_of_one_moment_and_never_alike() {
        let nonces: std::collections::BTreeSet<String> = (0..100)
            .map(|number| stamp().sibling(number).nonce().to_owned())
            .collect();
        assert_eq!(nonces.len(), 100);
        assert_eq!(stamp().sibling(0), stamp());
    }

    #[test]
    fn a_copy_s_stamp_replaces_that_of_its_source() {
        let old = Stamp::new(DateTime::from_timestamp(1_700_000_000, 0).unwrap(), 1);
        let description = stamp().append_to(&format!("web server\n{old}\n\n"));
        assert_eq!(description, format!("web server\n{}", stamp()));
        assert_eq!(stamp().append_to(""), stamp().to_string());
    }
}
