//! Several changes of one kind under one confirmation, each with a result of its own.

use super::Operation;
use crate::domain::guest::GuestRef;

/// Several changes of one kind; one that fails stops no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    first: Box<Operation>,
    others: Vec<Operation>,
}

impl Batch {
    /// Joins changes; nothing where there is none.
    pub(in crate::domain) fn of(operations: Vec<Operation>) -> Option<Operation> {
        let mut operations = operations.into_iter();
        let first = operations.next()?;
        let others: Vec<Operation> = operations.collect();
        Some(if others.is_empty() {
            first
        } else {
            let first = Box::new(first);
            Operation::Batch(Self { first, others })
        })
    }

    /// Iterates over the changes, in the order in which they begin.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        std::iter::once(&*self.first).chain(&self.others)
    }

    /// Returns the guest of the first change.
    pub(super) fn lead(&self) -> &GuestRef {
        self.first.guest()
    }

    /// Returns the word for what each of them does.
    pub(super) fn kind(&self) -> &'static str {
        self.first.kind()
    }

    /// Counts the changes; there are at least two.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.others.len()
    }
}
