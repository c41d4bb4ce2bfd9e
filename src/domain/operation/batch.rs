//! Several changes of one kind under one confirmation, each with a result of its own.

use super::Operation;
use crate::domain::guest::GuestRef;

/// Several changes of one kind; one that fails stops no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    first: Box<Operation>,
    others: Vec<Operation>,
    skipped: Vec<Skipped>,
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
            })
        })
    }

    /// Iterates over the changes, in the order in which they begin.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        std::iter::once(&*self.first).chain(&self.others)
    }

    /// Returns the guests that are left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns the guest of the first change.
    pub(super) fn lead(&self) -> &GuestRef {
        self.first.guest()
    }

    /// Returns the word for what each of them does.
    pub(super) fn kind(&self) -> &'static str {
        self.first.kind()
    }

    /// Counts the changes; there is at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.others.len()
    }
}
