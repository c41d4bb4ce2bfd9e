//! What the account may do: held against each checked change, and read again when it has changed.
//!
//! Privileges are read at the start, every 10 minutes, and after the server refused something for
//! want of one (SPEC §5.2). As long as they are not known nothing is objected to. The list leaves
//! open whether a path that it does not name merely inherits or is closed altogether; where a
//! change rests on such a path, the server is asked about that path alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::effect::{Effect, Query, Ticket};
use super::remote::Remote;
use super::state::State;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::inventory::Resources;
use crate::domain::operation::{Fate, Operation, Report};
use crate::domain::permission::{Denial, Need, Permissions};
use crate::domain::request::{Objection, permit};
use crate::domain::time::Moment;

/// Privileges are read again after so long.
const LIVE: Duration = Duration::from_secs(600);
/// Questions that are refused again and again have them read again at most so often.
const SETTLED: Duration = Duration::from_secs(60);
/// So many single paths are remembered; a dashboard in use comes nowhere near.
const MOST_PATHS: usize = 64;

/// What is known of the account's privileges.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rights {
    listing: Remote<Permissions>,
    /// What the server says of single paths.
    paths: BTreeMap<String, Remote<Permissions>>,
    /// What it refused, until it has said more about the path.
    refused: BTreeSet<Denial>,
    /// All of it together; absent until the list is read.
    known: Option<Permissions>,
}

impl Rights {
    /// Returns the privileges, once they are read.
    pub fn value(&self) -> Option<&Permissions> {
        self.known.as_ref()
    }

    /// Notes that the server refused something, and has everything about it read again.
    pub(super) fn learn(&mut self, denials: Vec<Denial>) {
        self.listing.outdate();
        for denial in denials {
            self.doubt(&denial.path).outdate();
            self.refused.insert(denial);
        }
        self.join();
    }

    /// Notes what was refused to a question; what is asked over and over is not looked into.
    fn learn_aside(&mut self, denial: Option<Denial>) {
        self.refused.extend(denial);
        self.join();
    }

    /// Wants to know of one path for certain.
    fn doubt(&mut self, path: &str) -> &mut Remote<Permissions> {
        self.paths.entry(path.to_owned()).or_default()
    }

    /// Asks for what is due.
    fn questions(&mut self, now: Moment, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut ask = |remote: &mut Remote<Permissions>, query: Query| {
            *next += 1;
            remote.ask(Ticket(*next));
            (Ticket(*next), query)
        };
        let mut questions = Vec::new();
        let is_due = self.listing.is_due(now, LIVE);
        // What was found out about single paths is as old as the list; it is asked for anew where
        // it is needed again.
        if is_due && !self.listing.is_outdated() {
            self.paths.retain(|_, remote| remote.is_pending());
            self.refused.clear();
        }
        if is_due {
            questions.push(ask(&mut self.listing, Query::Permissions));
        }
        for (path, remote) in self.paths.iter_mut().take(MOST_PATHS) {
            if remote.is_due_after(now, LIVE, LIVE) {
                questions.push(ask(remote, Query::PermissionsAt(path.clone())));
            }
        }
        questions
    }

    /// Tells whether the answer to this question is awaited.
    fn awaits(&self, ticket: Ticket) -> bool {
        let mut paths = self.paths.values();
        self.listing.awaits(ticket) || paths.any(|remote| remote.awaits(ticket))
    }

    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<Permissions, Failure>,
    ) {
        if !self.awaits(ticket) {
            return;
        }
        self.listing.settle(ticket, now, result.clone());
        for (path, remote) in &mut self.paths {
            if remote.awaits(ticket) {
                remote.settle(ticket, now, result.clone());
                if result.is_ok() {
                    self.refused.retain(|denial| denial.path != *path);
                }
            }
        }
        self.join();
    }

    fn join(&mut self) {
        let mut known = self.listing.value().cloned();
        if let Some(known) = &mut known {
            for (path, remote) in &self.paths {
                if let Some(answer) = remote.value() {
                    known.settle(path, answer);
                }
            }
            for denial in &self.refused {
                known.refuse(denial);
            }
        }
        self.known = known;
    }
}

impl State {
    /// Asks for the privileges when they are due.
    pub(super) fn ask_for_permissions(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now.moment;
        let questions = self.permissions.questions(now, &mut self.tickets);
        let fetches = questions
            .into_iter()
            .map(|(ticket, query)| Effect::Fetch(ticket, query));
        effects.extend(fetches);
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
        // Asked for in answer to their own refusal, they would be asked for without end.
        if failure.kind != FailureKind::Forbidden || self.permissions.awaits(ticket) {
            return;
        }
        let now = self.now.moment;
        let answer = self.permissions.listing.answer();
        if answer.is_some_and(|answer| now.since(answer.read) >= SETTLED) {
            self.permissions.listing.outdate();
        }
        self.permissions.learn_aside(denial_of(failure));
    }

    /// Wants to know for certain what an operation rests on that the list does not name.
    pub(super) fn doubt(&mut self, operation: Option<&Operation>) {
        let (Some(operation), Some(known)) = (operation, self.permissions.value()) else {
            return;
        };
        let resources = self.inventory.resources.value().map(|it| &**it);
        let needs = operation.needs();
        let paths: BTreeSet<String> = needs
            .iter()
            .flat_map(Need::paths)
            .filter(|path| !known.lists(path) && !is_seen(path, resources))
            .map(str::to_owned)
            .collect();
        for path in paths {
            self.permissions.doubt(&path);
        }
    }
}

/// Tells whether something is shown to the account, so that it has a right on it.
///
/// The list names every path with rules of its own on which the account has any right.
fn is_seen(path: &str, resources: Option<&Resources>) -> bool {
    let Some(resources) = resources else {
        return false;
    };
    if let Some(number) = path.strip_prefix("/vms/") {
        let vmid = number.parse().ok();
        return vmid.is_some_and(|vmid| resources.guest(vmid).is_some());
    }
    let mut storages = resources.storages.iter();
    path.strip_prefix("/storage/")
        .is_some_and(|name| storages.any(|storage| storage.name.as_str() == name))
}

/// Returns what the server named when it refused a change, or a part of it, for want of a privilege.
///
/// Nothing where nothing was refused so; an empty list where the refusals do not say what is missing.
pub(super) fn denials_of(report: &Report) -> Option<Vec<Denial>> {
    let parts = report.parts.iter().filter_map(|part| match &part.fate {
        Fate::Ended(outcome) => outcome.failure(),
        Fate::Skipped(_) | Fate::NotTried(_) => None,
    });
    let failures = report.outcome.failure().into_iter().chain(parts);
    let refusals: Vec<&Failure> = failures
        .filter(|failure| failure.kind == FailureKind::Forbidden)
        .collect();
    let denials = refusals.iter().filter_map(|failure| denial_of(failure));
    (!refusals.is_empty()).then(|| denials.collect())
}

fn denial_of(failure: &Failure) -> Option<Denial> {
    Denial::from_words(failure.message.raw())
}

/// Adds to a check what the account lacks.
pub(super) fn require(
    checked: &mut Result<Operation, Vec<Objection>>,
    permissions: Option<&Permissions>,
) {
    let before = std::mem::replace(checked, Err(Vec::new()));
    *checked = before.and_then(|operation| permit(operation, permissions));
}
