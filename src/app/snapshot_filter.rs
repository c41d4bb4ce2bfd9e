//! The filter of the view of all snapshots: that of the guests, and the verdict.
//!
//! `build tag:autovibe verdict:delete` shows what retention would delete of the guests that carry
//! the tag, where the words match the guest and the snapshot fuzzily.

use super::filter::{Filter, Words};
use crate::domain::guest::Guest;
use crate::domain::retention::{Reason, Verdict};

/// The prefix that only this view knows.
pub const PREFIX: &str = "verdict:";

/// A filter, ready to be put to snapshots.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotFilter {
    text: String,
    verdicts: Vec<String>,
    guests: Filter,
}

impl SnapshotFilter {
    /// Reads a filter as typed; every text is one.
    pub fn parse(text: &str) -> Self {
        let (asked, others): (Vec<&str>, Vec<&str>) = text
            .split_whitespace()
            .partition(|word| word.starts_with(PREFIX));
        Self {
            text: text.trim().to_owned(),
            verdicts: asked
                .into_iter()
                .map(|word| word[PREFIX.len()..].to_lowercase())
                // A prefix whose value is still being typed asks nothing yet.
                .filter(|wanted| !wanted.is_empty())
                .collect(),
            guests: Filter::parse(&others.join(" ")),
        }
    }

    /// Returns the filter as typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Tells whether every snapshot passes.
    pub fn is_empty(&self) -> bool {
        self.verdicts.is_empty() && self.guests.is_empty()
    }

    /// Tells whether a guest has the properties that are asked for.
    pub(super) fn admits_guest<'a>(
        &self,
        guest: &Guest,
        project_of: impl Fn() -> Option<&'a str>,
    ) -> bool {
        self.guests.admits(guest, project_of)
    }

    /// Tells whether a snapshot has the verdict that is asked for; one of no managed guest has none.
    pub(super) fn admits_verdict(&self, reason: Option<&Reason>) -> bool {
        let word = reason.map_or("none", |reason| match reason.verdict() {
            Verdict::Keep => "keep",
            Verdict::Delete => "delete",
        });
        self.verdicts.iter().all(|wanted| word.starts_with(wanted))
    }

    /// Returns what looks for the words in guests and snapshots; absent when there are none.
    pub(super) fn words(&self) -> Option<Words<'_>> {
        self.guests.words()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::retention::Class;

    #[test]
    fn verdicts_are_asked_by_their_beginning() {
        let expired = Reason::Expired {
            class: Class::Daily,
            limit_days: 7,
        };
        let passes = |text: &str, reason| SnapshotFilter::parse(text).admits_verdict(reason);
        assert!(passes("verdict:del", Some(&expired)));
        assert!(passes("verdict:DELETE", Some(&expired)));
        assert!(!passes("verdict:delete", Some(&Reason::Newest)));
        assert!(passes("verdict:keep", Some(&Reason::Newest)));
        assert!(!passes("verdict:keep", None));
        assert!(passes("verdict:none", None));
        assert!(passes("verdict:", None) && passes("", None));
    }

    #[test]
    fn the_rest_is_the_filter_of_the_guests() {
        let filter = SnapshotFilter::parse(" tag:a verdict:keep  build ");
        assert_eq!(filter.text(), "tag:a verdict:keep  build");
        assert!(filter.words().is_some_and(|mut words| {
            words.are_in("104 agent-build-4 daily") && !words.are_in("105 docs weekly")
        }));
        assert!(SnapshotFilter::parse("verdict: tag:").is_empty());
        assert!(!SnapshotFilter::parse("verdict:k").is_empty());
    }
}
