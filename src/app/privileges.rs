//! What the account may do: held against each checked change.
//!
//! As long as the privileges are not known nothing is objected to.

use std::collections::BTreeSet;

use crate::domain::operation::Operation;
use crate::domain::permission::Permissions;
use crate::domain::request::{Field, Objection};

/// Adds to a check what the account lacks.
pub(super) fn require(
    checked: &mut Result<Operation, Vec<Objection>>,
    permissions: Option<&Permissions>,
) {
    let (Ok(operation), Some(permissions)) = (&*checked, permissions) else {
        return;
    };
    // Several guests of one kind need the same.
    let missing: BTreeSet<String> = operation
        .needs()
        .into_iter()
        .filter(|need| !need.is_met(permissions))
        .map(|need| need.to_string())
        .collect();
    if !missing.is_empty() {
        let missing = missing.into_iter();
        let objections = missing.map(|need| Objection::new(Field::Whole, need));
        *checked = Err(objections.collect());
    }
}
