//! How the end of an operation is told in one line.

use super::toasts::News;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{Fate, Outcome, Product, Report};
use crate::domain::text::Text;

/// Tells how an operation ended; failures carry what came of each part.
pub(super) fn news(title: &str, report: &Report) -> News {
    let made = match &report.product {
        Some(Product::Snapshot(facts)) => format!(": {}", facts.name),
        Some(Product::Guest(guest)) => format!(": {guest}"),
        Some(Product::Power(facts)) if facts.requested => {
            ": requested from high availability".to_owned()
        }
        Some(Product::Power(facts)) => format!(": {}", facts.status),
        Some(Product::RolledBack(_) | Product::Enforced(_)) | None => String::new(),
    };
    let tally = report.tally();
    // That all was done is said by the word itself.
    let parts = if tally.done == report.parts.len() {
        String::new()
    } else {
        format!(" ({tally})")
    };
    let mut notes = String::new();
    for note in notes_of(report) {
        notes.push_str("; ");
        notes.push_str(note);
    }
    match &report.outcome {
        Outcome::Done => News::Good(format!("{title} done{made}{parts}{notes}")),
        Outcome::Warnings(count) => {
            let warnings = if *count == 1 {
                "1 warning".to_owned()
            } else {
                format!("{count} warnings")
            };
            News::Good(format!(
                "{title} done{made}{parts}, with {warnings} in the task's log{notes}"
            ))
        }
        Outcome::Failed(failure) => News::Bad(
            format!("{title}{parts}: {failure}"),
            Box::new(explained(failure, report)),
            report.half_made.clone(),
        ),
        Outcome::Unknown(failure) => News::Bad(
            format!("{title}{parts}: nobody knows whether it happened: {failure}"),
            Box::new(explained(failure, report)),
            report.half_made.clone(),
        ),
        Outcome::Stopped => {
            let failure = Failure::new(FailureKind::TaskFailed, "stopped");
            News::Bad(
                format!("{title} was stopped{parts}"),
                Box::new(explained(&failure, report)),
                report.half_made.clone(),
            )
        }
    }
}

/// Returns the notes that say more than the count of the parts, which is told beside the title.
fn notes_of(report: &Report) -> impl Iterator<Item = &str> {
    let tally = report.tally().to_string();
    let notes = report.notes.iter().map(String::as_str);
    notes.filter(move |note| *note != tally)
}

/// Adds to a failure what exists now and what came of each part.
fn explained(failure: &Failure, report: &Report) -> Failure {
    let mut failure = failure.clone();
    if let Some(Product::Guest(guest)) = &report.product {
        failure
            .details
            .insert(0, Text::new(format!("{guest} exists now")));
    }
    failure.details.extend(notes_of(report).map(Text::from));
    for part in &report.parts {
        let reason = match &part.fate {
            Fate::Ended(outcome) => outcome.failure().map(|failure| format!(": {failure}")),
            Fate::Skipped(reason) | Fate::NotTried(reason) => Some(format!(": {reason}")),
        };
        let line = format!(
            "{} {}: {}{}",
            part.guest,
            part.subject,
            part.fate.as_str(),
            reason.unwrap_or_default()
        );
        failure.details.push(Text::new(line));
    }
    failure
}
