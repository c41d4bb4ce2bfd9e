//! How the end of an operation is told in one line.

use std::fmt::Write as _;

use super::toasts::News;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::operation::{Enforced, Outcome, Product, Report, Tally};
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
        Some(Product::Enforced(steps)) => deeds(steps),
        Some(Product::RolledBack(_) | Product::Trial(_)) | None => String::new(),
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
    for part in &report.parts {
        if let Some(trial) = &part.trial {
            // A text never refuses to be written to.
            let _ = write!(notes, "; {}: {trial}", part.guest);
        }
    }
    if let (Some(trial), true) = (report.trial(), report.outcome.is_success()) {
        return News::Good(format!("{title}: {trial}{notes}"));
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

/// Sums up the steps of an enforcement that were taken.
fn deeds(steps: &[Enforced]) -> String {
    let done: Vec<&Enforced> = steps.iter().filter(|step| step.fate.is_well()).collect();
    let mut deeds = Vec::new();
    for (action, words) in [
        ("throttle", "throttled"),
        ("unthrottle", "throttled no more"),
    ] {
        let of = done.iter().filter(|step| step.action == action);
        deeds.extend(of.map(|step| format!("{} {words}", step.project)));
    }
    let down = done.iter().filter(|step| step.guest.is_some()).count();
    match down {
        0 => {}
        1 => deeds.push("1 guest shut down".to_owned()),
        many => deeds.push(format!("{many} guests shut down")),
    }
    let told: Vec<&str> = done
        .iter()
        .flat_map(|step| &step.told)
        .filter(|told| told.problem.is_none())
        .map(|told| told.channel.as_str())
        .collect();
    if !told.is_empty() {
        deeds.push(format!("{} told", told.join(", ")));
    }
    if deeds.is_empty() {
        return String::new();
    }
    format!(": {}", deeds.join(", "))
}

/// Returns the notes that say more than the count of the parts, which is told beside the title.
fn notes_of(report: &Report) -> impl Iterator<Item = &str> {
    let tally = match &report.product {
        // That all was done is said by the word itself, and what was not by a line for each.
        Some(Product::Enforced(steps)) => Tally::of(
            steps
                .iter()
                .filter(|step| step.action != "warn")
                .map(|step| &step.fate),
        ),
        Some(_) | None => report.tally(),
    };
    let tally = tally.to_string();
    let notes = report.notes.iter().map(String::as_str);
    // That the audit log is incomplete is told by itself, and stays.
    let unlogged = report.unlogged.as_deref();
    notes.filter(move |note| *note != tally && Some(*note) != unlogged)
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
    if let Some(Product::Enforced(steps)) = &report.product {
        failure.details.extend(steps.iter().map(line_of));
    }
    for part in &report.parts {
        let trial = part.trial.as_ref().map(ToString::to_string);
        let reason = part.fate.why().or(trial).map(|why| format!(": {why}"));
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

/// Says what came of one step of an enforcement.
fn line_of(step: &Enforced) -> Text {
    let what = match &step.guest {
        Some(guest) => format!("{}: {} {guest}", step.project, step.action),
        None => format!("{}: {}", step.project, step.action),
    };
    let why = step.fate.why().map(|why| format!(": {why}"));
    Text::new(format!(
        "{what}: {}{}",
        step.word(),
        why.unwrap_or_default()
    ))
}
