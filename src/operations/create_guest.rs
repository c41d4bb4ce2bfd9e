//! Makes a guest from a template: copies it, configures the copy, lets its disk grow, starts it.
//!
//! The parts follow each other; after one that did not end well none is begun, and the report says
//! what exists. Nothing is taken back unasked (SPEC §5.3).

use super::clone_guest::{copy, start};
use super::configure::configure;
use super::grow::grow;
use super::parts::part_of;
use super::{Context, fence, refused};
use crate::domain::failure::FailureKind;
use crate::domain::guest::GuestRef;
use crate::domain::operation::{CreateGuest, HalfMade, Outcome, Product, Report};

/// Makes a guest from a template.
pub(super) async fn create(context: Context<'_>, operation: &CreateGuest) -> Report {
    // A name that does not resolve is found out before there is a guest that cannot be fenced in.
    let fence = match operation
        .profile()
        .and_then(|card| context.reporter.profile(&card.name))
    {
        None => None,
        Some(profile) => match Box::pin(fence::resolve(context, profile)).await {
            Ok(resolved) => Some((profile, resolved)),
            Err(reason) => return refused(FailureKind::Refused, reason),
        },
    };
    let mut report = copy(context, operation.copy()).await;
    let guest = match &report.product {
        Some(Product::Guest(guest)) if report.outcome.is_success() => guest.clone(),
        _ => return report,
    };
    report.parts.push(part_of(&guest, "copy", &report));
    for step in [Step::Configure, Step::Grow] {
        if context.reporter.stop_requested() {
            report.outcome = Outcome::Stopped;
            return half_made(report, operation, guest, "asked to stop");
        }
        let Some(done) = take(context, operation, &guest, step).await else {
            continue;
        };
        report.parts.push(part_of(&guest, step.subject(), &done));
        report.notes.extend(done.notes);
        if !done.outcome.is_success() {
            report.outcome = done.outcome;
            return half_made(report, operation, guest, step.undone());
        }
    }
    if let Some((profile, resolved)) = fence {
        if context.reporter.stop_requested() {
            report.outcome = Outcome::Stopped;
            return half_made(report, operation, guest, "it is not fenced: asked to stop");
        }
        let fencing = fence::fence(context, &guest, profile, &resolved);
        let done = Box::pin(fencing).await;
        report.parts.push(part_of(&guest, "network profile", &done));
        report.notes.extend(done.notes);
        if !done.outcome.is_success() {
            report.outcome = done.outcome;
            let why = format!("network profile {} is not applied", profile.name);
            return half_made(report, operation, guest, &why);
        }
        if operation.starts_fenced() {
            return start(context, operation.stamp(), report).await;
        }
    } else if let Some(profile) = operation.profile() {
        // Fences come before the first start; where nobody knows what to put up there is none.
        return report.with_note(format!(
            "not fenced: the rules of network profile {} are not applied; {guest} stays stopped",
            profile.name
        ));
    }
    if operation.starts() {
        return start(context, operation.stamp(), report).await;
    }
    report
}

/// A part between the copy and the start.
#[derive(Debug, Clone, Copy)]
enum Step {
    Configure,
    Grow,
}

impl Step {
    const fn subject(self) -> &'static str {
        match self {
            Self::Configure => "configuration",
            Self::Grow => "disk",
        }
    }

    const fn undone(self) -> &'static str {
        match self {
            Self::Configure => "its configuration is not as wanted",
            Self::Grow => "its disk is not as wanted",
        }
    }
}

/// Takes a step; nothing where there is nothing to do.
async fn take(
    context: Context<'_>,
    operation: &CreateGuest,
    guest: &GuestRef,
    step: Step,
) -> Option<Report> {
    match step {
        Step::Configure => {
            context.reporter.step(format!("configuring {guest}")).await;
            Some(configure(context, guest, |config| operation.changes(config)).await)
        }
        Step::Grow => Some(grow(context, guest, operation.disk()?).await),
    }
}

/// Says that a guest exists that is not what was wanted.
fn half_made(mut report: Report, operation: &CreateGuest, guest: GuestRef, why: &str) -> Report {
    let note = format!("{guest} exists and is stopped, but {why}; it is kept until you destroy it");
    report.notes.push(note);
    let stamp = operation.stamp().clone();
    report.half_made.push(HalfMade { guest, stamp });
    report
}
