//! A trial: a profile that is put back unless a person keeps it in time.
//!
//! What has to be undone stands in the guest's own rules before anything else is changed, so the way
//! back outlives this program. The way back is not given up easily: as long as the server may answer
//! again it is tried, from what is there then.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Context;
use super::super::parts::part_of;
use super::read::read;
use super::{Applied, Heed, apply};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::firewall::ClusterFirewall;
use crate::domain::guest::GuestRef;
use crate::domain::network::{self, Current, NetworkPlan, Warning, WayBack};
use crate::domain::operation::{Outcome, Product, PutBackReason, Report, TrialEnd, TrialFacts};
use crate::domain::text::Text;

/// The pauses before each try to put everything back; the last one goes on.
const PAUSES: [u64; 6] = [0, 1, 2, 4, 8, 15];
/// So long it is tried while the program has time.
const PATIENCE: Duration = Duration::from_secs(600);
/// So long it is tried when the program is to end.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(60);
/// How often it is said how much time is left.
const TICK: Duration = Duration::from_secs(1);

/// What a person, the system or the clock wants of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// A person kept it.
    Keep,
    /// It is put back.
    PutBack(PutBackReason),
}

/// Applies a profile, waits for a word, and keeps it or puts everything back.
pub(super) async fn try_out(
    context: Context<'_>,
    plan: &NetworkPlan,
    way_back: &WayBack,
) -> Report {
    let applied = apply(context, plan, Heed::Stop).await;
    if !applied.report.outcome.is_success() {
        return give_up(context, applied, way_back).await;
    }
    let Applied {
        mut report, guest, ..
    } = applied;
    context
        .reporter
        .step(format!("{} is on trial on {guest}", way_back.profile()))
        .await;
    let verdict = wait(context, way_back.began(), way_back.ends()).await;
    match verdict {
        Verdict::Keep => {
            let ended = keep(context, &guest).await;
            if ended.is_err() {
                let note = "it could not be made sure that it is kept";
                report.notes.push(note.to_owned());
            }
            let facts = ended.as_ref().ok().map(|way| match way {
                Way::Taken(_) => TrialEnd::Kept,
                Way::Gone => TrialEnd::Elsewhere,
            });
            close(context, &guest, "keep-network", ended, &mut report);
            told(report, way_back, facts)
        }
        Verdict::PutBack(why) => back(context, &guest, way_back, why, report).await,
    }
}

/// Ends a trial whose profile did not come to be applied: what was written is put back.
///
/// Whoever asked to stop has it so; else the failure stays the outcome.
async fn give_up(context: Context<'_>, applied: Applied, way_back: &WayBack) -> Report {
    let Applied {
        mut report,
        has_written,
        guest,
    } = applied;
    let is_asked_for = report.outcome == Outcome::Stopped;
    if !has_written {
        if is_asked_for {
            report.outcome = Outcome::Done;
            report.notes.clear();
            return told(report, way_back, Some(TrialEnd::NotBegun));
        }
        return report;
    }
    if is_asked_for {
        report.outcome = Outcome::Done;
        // How far it came does not matter once it is undone.
        let half_way = std::mem::take(&mut report.notes);
        let mut report = back(context, &guest, way_back, PutBackReason::Asked, report).await;
        if !report.outcome.is_success() {
            report.notes.splice(0..0, half_way);
        }
        return report;
    }
    let ended = put_back(context, &guest).await;
    if ended.is_ok() {
        report
            .notes
            .push("the trial failed: everything is as before".to_owned());
    }
    close(context, &guest, "put-back", ended, &mut report);
    report
}

/// Puts back what a trial has changed, and says so.
async fn back(
    context: Context<'_>,
    guest: &GuestRef,
    way_back: &WayBack,
    why: PutBackReason,
    mut report: Report,
) -> Report {
    let ended = put_back(context, guest).await;
    let facts = match &ended {
        Ok(Way::Gone) => Some(TrialEnd::Elsewhere),
        Ok(Way::Taken(taken)) => Some(TrialEnd::PutBack {
            why,
            what: taken.what.clone(),
            stays: taken.stays.clone(),
            leaves_nothing: way_back.leaves_nothing(),
        }),
        Err(_) => {
            let note = "not everything could be put back";
            report.notes.push(note.to_owned());
            None
        }
    };
    close(context, guest, "put-back", ended, &mut report);
    told(report, way_back, facts)
}

/// Says how a trial ended, if it ended well.
fn told(report: Report, way_back: &WayBack, end: Option<TrialEnd>) -> Report {
    let facts = end.map(|end| TrialFacts {
        profile: way_back.profile().to_owned(),
        end,
    });
    report.with_product(facts.map(Product::Trial))
}

/// Notes how the end of a trial went.
fn close(
    context: Context<'_>,
    guest: &GuestRef,
    action: &'static str,
    ended: Result<Way, Report>,
    report: &mut Report,
) {
    let own = match ended {
        Ok(Way::Gone) => return,
        Ok(Way::Taken(taken)) => taken.report,
        Err(own) => {
            report.notes.push(format!(
                "what is to be undone stands in a rule of {guest}; \
                 `proxdeck network plan {} PROFILE` finds it and says how",
                guest.vmid
            ));
            report.notes.extend(own.notes.iter().cloned());
            report.outcome = own.outcome.clone();
            own
        }
    };
    let part = part_of(guest, "trial", &own);
    context
        .auditor
        .part(action, &part, context.client.server_time());
}

/// Waits until a trial is kept, expires, or is to be ended.
async fn wait(context: Context<'_>, began: DateTime<Utc>, ends: DateTime<Utc>) -> Verdict {
    let reporter = context.reporter;
    let whole = (ends - began).as_seconds_f64();
    loop {
        let now = context.client.server_time().unwrap_or(ends);
        let left = ends - now;
        if left <= TimeDelta::zero() {
            return Verdict::PutBack(PutBackReason::Expired);
        }
        let line = format!("put back in {} s unless kept", left.num_seconds());
        let share = 1.0 - left.as_seconds_f64() / whole.max(1.0);
        reporter.progress(Some(share.clamp(0.0, 1.0)), Text::from(line));
        let pause = left.to_std().unwrap_or_default().min(TICK);
        tokio::select! {
            biased;
            () = reporter.keep.cancelled() => return Verdict::Keep,
            () = reporter.stop.cancelled() => return Verdict::PutBack(PutBackReason::Asked),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What became of the record of a trial.
enum Way {
    /// It was used or given up as wanted.
    Taken(Box<Taken>),
    /// It was not there any more.
    Gone,
}

/// A way back that was used or given up.
struct Taken {
    report: Report,
    /// What was changed, in the numbers of the first try, which found everything to be done.
    what: String,
    /// The sets that had to stay.
    stays: Vec<String>,
}

/// Gives up the way back, so that the profile stays.
async fn keep(context: Context<'_>, guest: &GuestRef) -> Result<Way, Report> {
    context
        .reporter
        .step(format!("keeping it on {guest}"))
        .await;
    insist(context, guest, network::keep).await
}

/// Puts back what a trial has changed.
async fn put_back(context: Context<'_>, guest: &GuestRef) -> Result<Way, Report> {
    context
        .reporter
        .step(format!("putting back what was changed on {guest}"))
        .await;
    insist(context, guest, network::put_back).await
}

/// Makes a plan of what is there and executes it, again and again until it is done.
///
/// Each try reads everything anew, so that none repeats what another has done.
async fn insist(
    context: Context<'_>,
    guest: &GuestRef,
    plan: fn(&GuestRef, &Current) -> Option<NetworkPlan>,
) -> Result<Way, Report> {
    let mut waited = Duration::ZERO;
    let mut pauses = PAUSES.into_iter();
    let mut last = PAUSES[PAUSES.len() - 1];
    let mut what = None;
    loop {
        last = pauses.next().unwrap_or(last);
        let pause = Duration::from_secs(last);
        tokio::time::sleep(pause).await;
        waited += pause;
        let mut stays = Vec::new();
        let report = match read(context.client, guest).await {
            Err(error) => Report::new(Outcome::Failed(Box::new(error.into()))),
            Ok((config, firewall)) => {
                let current = Current {
                    config: Ok(config),
                    firewall: Ok(firewall),
                    // What the datacenter says has no part in a way back.
                    cluster: ClusterFirewall::default(),
                };
                let Some(plan) = plan(guest, &current) else {
                    return Ok(Way::Gone);
                };
                if let Some(objection) = plan.objections().first() {
                    let failure = Failure::new(FailureKind::Refused, objection.to_string());
                    return Err(Report::new(Outcome::Failed(Box::new(failure))));
                }
                what.get_or_insert_with(|| plan.extent());
                for warning in plan.warnings() {
                    if let Warning::SetStays(name) = warning {
                        stays.push(name.clone());
                    }
                }
                apply(context, &plan, Heed::Nothing).await.report
            }
        };
        if report.outcome.is_success() {
            let what = what.unwrap_or_default();
            return Ok(Way::Taken(Box::new(Taken {
                report,
                what,
                stays,
            })));
        }
        let patience = if context.reporter.stop_requested() {
            PATIENCE_AT_THE_END
        } else {
            PATIENCE
        };
        if waited >= patience || is_hopeless(&report.outcome) {
            return Err(report);
        }
        let why = report.outcome.failure().map(ToString::to_string);
        let step = format!("it is tried again: {}", why.unwrap_or_default());
        context.reporter.step(step).await;
    }
}

/// Tells whether another try would be refused for the same reason.
fn is_hopeless(outcome: &Outcome) -> bool {
    let kind = outcome.failure().map(|failure| failure.kind);
    matches!(
        kind,
        Some(
            FailureKind::Forbidden
                | FailureKind::UntrustedCertificate
                | FailureKind::NoSuchGuest
                | FailureKind::NotImplemented
        )
    )
}
