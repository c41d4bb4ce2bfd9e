//! What the account may do: held against each checked change, and read again when it has changed.
//!
//! Privileges are read at the start, every 10 minutes, and after the server refused something for
//! want of one (SPEC §5.2). As long as they are not known nothing is objected to.

use std::time::Duration;

use super::effect::{Effect, Query, Ticket};
use super::state::State;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{Fate, Operation, Report};
use crate::domain::permission::Permissions;
use crate::domain::request::{Objection, permit};

/// Privileges are read again after so long.
const LIVE: Duration = Duration::from_secs(600);
/// Questions that are refused again and again have them read again at most so often.
const SETTLED: Duration = Duration::from_secs(60);

impl State {
    /// Asks for the privileges when they are due.
    pub(super) fn ask_for_permissions(&mut self, effects: &mut Vec<Effect>) {
        if self.permissions.is_due(self.now.moment, LIVE) {
            let ticket = self.next_ticket();
            self.permissions.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Permissions));
        }
    }

    /// Objects to a change for which the account is known to lack a privilege.
    pub(super) fn permit(
        &self,
        checked: Result<Operation, Vec<Objection>>,
    ) -> Result<Operation, Vec<Objection>> {
        checked.and_then(|operation| permit(operation, self.permissions.value()))
    }

    /// Has the privileges read again when a question was refused for want of one.
    pub(super) fn learn_from_refusal(&mut self, ticket: Ticket, failure: &Failure) {
        let now = self.now.moment;
        let answer = self.permissions.answer();
        let is_settled = answer.is_some_and(|answer| now.since(answer.read) >= SETTLED);
        // Asked for in answer to their own refusal, they would be asked for without end.
        let is_own = self.permissions.awaits(ticket);
        if failure.kind == FailureKind::Forbidden && is_settled && !is_own {
            self.permissions.outdate();
        }
    }
}

/// Tells whether a change, or a part of it, was refused for want of a privilege.
pub(super) fn was_forbidden(report: &Report) -> bool {
    let parts = report.parts.iter().filter_map(|part| match &part.fate {
        Fate::Ended(outcome) => outcome.failure(),
        Fate::Skipped(_) | Fate::NotTried(_) => None,
    });
    let mut failures = report.outcome.failure().into_iter().chain(parts);
    failures.any(|failure| failure.kind == FailureKind::Forbidden)
}

/// Adds to a check what the account lacks.
pub(super) fn require(
    checked: &mut Result<Operation, Vec<Objection>>,
    permissions: Option<&Permissions>,
) {
    let before = std::mem::replace(checked, Err(Vec::new()));
    *checked = before.and_then(|operation| permit(operation, permissions));
}
