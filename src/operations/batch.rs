//! Carries out several changes, a few at a time on each node; one that fails stops no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::parts::{Words, part_of, sum_up};
use super::{Context, Reporter, execute};
use crate::domain::guest::GuestRef;
use crate::domain::id::NodeName;
use crate::domain::operation::{Batch, Fate, Operation, Outcome, Part, Product, Report};
use crate::domain::text::Text;

/// So many changes are at work on one node at once (SPEC §5.3).
const AT_ONCE_ON_A_NODE: usize = 2;

const WORDS: Words = Words {
    failed: "not everything went well",
    unknown: "of some nobody knows",
};

/// Carries out several changes.
pub(super) async fn carry_out_all(context: Context<'_>, batch: &Batch) -> Report {
    // Each change of a batch has a guest; enforcement, which may have none, is a plan of its own.
    let changes = || {
        let operations = batch.operations();
        operations.filter_map(|operation| Some((operation.guest()?, operation)))
    };
    let lanes: BTreeMap<&NodeName, Semaphore> = changes()
        .map(|(guest, _)| (&guest.node, Semaphore::new(AT_ONCE_ON_A_NODE)))
        .collect();
    let board = Board::of(batch.len());
    let work = changes().enumerate().map(|(index, (guest, operation))| {
        // Firewalls are written in moments, and a trial that waits for a word must keep no other waiting.
        let waits = !matches!(operation, Operation::Network(_));
        let lane = lanes.get(&guest.node).filter(|_| waits);
        let reporter = context.reporter.for_part(&board, index);
        async move {
            let _permit = match lane {
                Some(lane) => lane.acquire().await.ok(),
                None => None,
            };
            let context = Context {
                reporter: &reporter,
                ..context
            };
            let ended = carry_out_one(context, guest, operation).await;
            reporter.progress(Some(1.0), Text::from(operation.title().as_str()));
            ended
        }
    });
    let mut report = Report::new(Outcome::Done);
    for (part, ended) in join_all(work).await {
        if let Some(ended) = ended {
            let notes = ended.notes.into_iter();
            let notes = notes.map(|note| told(note, &part.guest, part.made.as_ref()));
            report.notes.extend(notes);
            report.half_made.extend(ended.half_made);
        }
        report.parts.push(part);
    }
    for skipped in batch.skipped() {
        report.parts.push(Part {
            guest: skipped.guest.clone(),
            subject: Text::default(),
            fate: Fate::Skipped(skipped.reason.clone()),
            upid: None,
            made: None,
            trial: None,
        });
    }
    report.outcome = sum_up(&report, WORDS);
    report.notes.push(report.tally().to_string());
    if let Some(deed) = batch.bracket() {
        report.notes.extend(deed.way_on(&report.parts));
    }
    report
}

/// Returns a note of one change so that it can stand among those of others: it names its guest.
fn told(note: String, guest: &GuestRef, made: Option<&GuestRef>) -> String {
    let is_named = |guest: &GuestRef| note.contains(&guest.to_string());
    if is_named(guest) || made.is_some_and(is_named) {
        note
    } else {
        format!("{guest}: {note}")
    }
}

async fn carry_out_one(
    context: Context<'_>,
    guest: &GuestRef,
    operation: &Operation,
) -> (Part, Option<Report>) {
    let subject = Text::from(operation.title().as_str());
    if context.reporter.stop_requested() {
        let fate = Fate::NotTried("asked to stop".to_owned());
        let part = Part {
            guest: guest.clone(),
            subject,
            fate,
            upid: None,
            made: None,
            trial: None,
        };
        return (part, None);
    }
    let time = || context.client.server_time();
    context.auditor.begins(operation, time());
    // A batch holds single changes, so that this ends; the compiler cannot know.
    let report = Box::pin(execute(context, operation)).await;
    context.auditor.ended(operation, &report, time());
    let made: Option<GuestRef> = match &report.product {
        Some(Product::Guest(guest)) => Some(guest.clone()),
        Some(
            Product::Snapshot(_)
            | Product::Power(_)
            | Product::RolledBack(_)
            | Product::Enforced(_)
            | Product::Trial(_),
        )
        | None => None,
    };
    let mut part = part_of(guest, subject, &report);
    part.made = made;
    (part, Some(report))
}

/// How far each of several changes is.
#[derive(Debug, Clone)]
pub(super) struct Board(Arc<Mutex<Vec<f64>>>);

impl Board {
    fn of(parts: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![0.0; parts])))
    }

    /// Notes how far one change is, and returns how far all are.
    pub(super) fn note(&self, index: usize, fraction: f64) -> f64 {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get_mut(index) {
            *part = part.max(fraction);
        }
        parts.iter().sum::<f64>() / parts.len() as f64
    }
}

impl Reporter {
    /// Makes a reporter whose progress counts as a part of the whole.
    fn for_part(&self, board: &Board, index: usize) -> Self {
        Self {
            part: Some((board.clone(), index)),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_among_those_of_others_names_its_guest_once() {
        let guest = |vmid: u32, name: &str| GuestRef {
            vmid: vmid.to_string().parse().unwrap(),
            kind: crate::domain::id::GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: Some(name.into()),
        };
        let (source, copy) = (guest(101, "db"), guest(107, "db-copy"));
        for (note, shown) in [
            (
                "no task of its start was found",
                "101 db: no task of its start was found",
            ),
            ("101 db stays stopped", "101 db stays stopped"),
            ("107 db-copy exists now", "107 db-copy exists now"),
        ] {
            assert_eq!(told(note.to_owned(), &source, Some(&copy)), shown);
        }
    }
}
