//! Several changes of one kind under one confirmation, each with a result of its own.

use super::{BracketDeed, Operation};
use crate::domain::guest::GuestRef;

/// Several changes of one kind; one that fails stops no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    first: Box<Operation>,
    others: Vec<Operation>,
    skipped: Vec<Skipped>,
    bracket: Option<BracketDeed>,
}

/// A guest that was meant and is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The guest.
    pub guest: GuestRef,
    /// Why nothing is done to it.
    pub reason: String,
}

impl Batch {
    /// Joins changes, and names the guests that are left out; nothing where there is no change.
    ///
    /// A single change that leaves nobody out is that change alone.
    pub(in crate::domain) fn of(
        operations: Vec<Operation>,
        skipped: Vec<Skipped>,
    ) -> Option<Operation> {
        let mut operations = operations.into_iter();
        let first = operations.next()?;
        let others: Vec<Operation> = operations.collect();
        Some(if others.is_empty() && skipped.is_empty() {
            first
        } else {
            Operation::Batch(Self {
                first: Box::new(first),
                others,
                skipped,
                bracket: None,
            })
        })
    }

    /// Joins what is done to a bracket, be it to one guest alone; nothing where there is no change.
    pub(in crate::domain) fn of_bracket(
        deed: BracketDeed,
        operations: Vec<Operation>,
        skipped: Vec<Skipped>,
    ) -> Option<Operation> {
        let mut operations = operations.into_iter();
        Some(Operation::Batch(Self {
            first: Box::new(operations.next()?),
            others: operations.collect(),
            skipped,
            bracket: Some(deed),
        }))
    }

    /// Iterates over the changes, in the order in which they begin.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        std::iter::once(&*self.first).chain(&self.others)
    }

    /// Takes it apart into the changes and who is left out.
    pub(in crate::domain) fn into_parts(self) -> (Vec<Operation>, Vec<Skipped>) {
        let mut operations = vec![*self.first];
        operations.extend(self.others);
        (operations, self.skipped)
    }

    /// Returns the guests that are left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns what is done to a bracket, where the changes belong to one.
    pub fn bracket(&self) -> Option<&BracketDeed> {
        self.bracket.as_ref()
    }

    /// Returns the guest of the first change.
    pub(super) fn lead(&self) -> Option<&GuestRef> {
        self.first.guest()
    }

    /// Returns the word for what each of them does, or for what they do together.
    pub(super) fn kind(&self) -> &'static str {
        self.bracket
            .as_ref()
            .map_or_else(|| self.first.kind(), BracketDeed::word)
    }

    /// Returns what they do, as a title.
    pub(super) fn title(&self) -> String {
        match (&self.bracket, self.len()) {
            (Some(deed), count) => deed.title(count),
            (None, 1) => format!("{} 1 guest", self.kind()),
            (None, count) => format!("{} {count} guests", self.kind()),
        }
    }

    /// Counts the changes; there is at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.others.len()
    }
}
