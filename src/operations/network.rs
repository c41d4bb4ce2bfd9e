//! Executes network plans step by step: on a guest's firewall, its sets and its first card.
//!
//! A plan was made of what was read, and somebody else may change the same lists. So everything is
//! read again first and compared with what the plan began with; from then on each list is expected
//! to be as the steps before have left it, and where it is not, no further step is taken. There are
//! no tasks to look up: a lost answer is settled by reading again (SPEC §5.12).

mod read;
mod step;
mod trial;

use std::fmt::Write as _;

pub use read::{read, read_cluster};

use super::Context;
use super::lookup::find_meant;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::firewall::GuestFirewall;
use crate::domain::guest::GuestRef;
use crate::domain::network::{Action, Change, Deed, NetworkPlan};
use crate::domain::operation::{ChangeNetwork, Outcome, Report};
use crate::domain::text::Text;

use read::read_firewall;
use step::{Turn, difference};

/// How many steps that were not done are named.
const MOST_NAMED: usize = 5;

/// Executes a network plan; a trial until it is kept or put back.
pub(super) async fn change(context: Context<'_>, operation: &ChangeNetwork) -> Report {
    let plan = operation.plan();
    match plan.deed() {
        Deed::Try(way_back) => trial::try_out(context, plan, way_back).await,
        Deed::Apply | Deed::PutBack | Deed::Keep => apply(context, plan, Heed::Stop).await.report,
    }
}

/// Takes the steps of a plan that is a part of another change, to its end.
pub(super) async fn apply_to(context: Context<'_>, plan: &NetworkPlan) -> Report {
    apply(context, plan, Heed::Nothing).await.report
}

/// Whether a person may end the work between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heed {
    /// They may.
    Stop,
    /// What was begun is brought to its end.
    Nothing,
}

/// What came of a plan.
struct Applied {
    report: Report,
    /// Whether the server may have been changed at all.
    has_written: bool,
    /// The guest, where it was found in the end.
    guest: GuestRef,
}

/// Takes the steps of a plan in their order; after one that did not end well none is begun.
async fn apply(context: Context<'_>, plan: &NetworkPlan, heed: Heed) -> Applied {
    let untouched = |report, guest: &GuestRef| Applied {
        report,
        has_written: false,
        guest: guest.clone(),
    };
    let (guest, found) = match look(context, plan).await {
        Ok(seen) => seen,
        Err(failure) => {
            let report = Report::new(Outcome::Failed(Box::new(failure)));
            return untouched(report, plan.guest());
        }
    };
    let mut turn = Turn::new(context, guest, found);
    let mut outcome = Outcome::Done;
    let mut done = 0;
    let mut is_sure = true;
    for change in plan.steps() {
        if heed == Heed::Stop && context.reporter.stop_requested() {
            outcome = Outcome::Stopped;
            break;
        }
        let share = done as f64 / plan.steps().len() as f64;
        let line = Text::from(change.to_string());
        context.reporter.progress(Some(share), line);
        if let Err(stuck) = turn.take(&change.action).await {
            is_sure = !matches!(stuck, Outcome::Unknown(_));
            outcome = stuck;
            break;
        }
        done += 1;
    }
    let mut report = Report::new(outcome);
    let rest = &plan.steps()[done..];
    if rest.is_empty() {
        report.outcome = turn.make_sure(plan).await;
        let touches_card = |change: &Change| matches!(change.action, Action::SetCard { .. });
        if plan.steps().iter().any(touches_card) {
            tell_pending(&turn, &mut report).await;
        }
    } else {
        report.notes.push(half_way(plan.steps().len(), done, rest));
    }
    Applied {
        report,
        has_written: done > 0 || !is_sure,
        guest: turn.guest,
    }
}

/// Finds the guest and makes sure that the plan still begins with what is there.
async fn look(
    context: Context<'_>,
    plan: &NetworkPlan,
) -> Result<(GuestRef, GuestFirewall), Failure> {
    let (guest, _) = find_meant(context.client, plan.guest()).await?;
    let found = read_firewall(context.client, &guest).await?;
    match difference(plan.base(), &found) {
        None => Ok((guest, found)),
        Some(what) => {
            let text = format!("{what} of {guest} changed since the plan was made");
            let failure = Failure::new(FailureKind::Conflict, text);
            Err(failure.with_advice("nothing was written; make the plan again"))
        }
    }
}

/// Says how far a plan came that was not done to its end.
fn half_way(all: usize, done: usize, rest: &[Change]) -> String {
    let mut text = format!("{done} of {all} steps were done; not done: ");
    for (index, change) in rest.iter().take(MOST_NAMED).enumerate() {
        let comma = if index == 0 { "" } else { "; " };
        // A text never refuses to be written to.
        let _ = write!(text, "{comma}{change}");
    }
    if rest.len() > MOST_NAMED {
        let _ = write!(text, "; and {} more", rest.len() - MOST_NAMED);
    }
    text
}

/// Says what of a running guest's cards waits for its next start: until then it is not fenced so.
async fn tell_pending(turn: &Turn<'_>, report: &mut Report) {
    if !report.outcome.is_success() {
        return;
    }
    let pending = match turn.context.client.guests().pending(&turn.guest).await {
        Ok(pending) => pending,
        Err(error) => {
            let note = format!("whether a change of net0 waits for a restart is unknown: {error}");
            report.notes.push(note);
            report.outcome = Outcome::Warnings(1);
            return;
        }
    };
    for option in pending.iter().filter(|option| option.key == "net0") {
        let text = |value: &Option<Text>| value.as_ref().map(ToString::to_string);
        report.notes.push(format!(
            "net0 changes with the next start of {} only: it is {} and will be {}",
            turn.guest,
            text(&option.now).unwrap_or_else(|| "absent".to_owned()),
            text(&option.then).unwrap_or_else(|| "removed".to_owned()),
        ));
        report.outcome = Outcome::Warnings(1);
    }
}
