//! Executes an enforcement plan: the throttle first, then shutdowns one by one, then the telling.
//!
//! The throttle holds the tier that people were last told, so it is written before they are told: a
//! run that dies in between tells nobody, rather than every later run telling everybody again. What
//! cannot be marked is not done either, because the next run would not know of it. A project whose
//! throttle this run has written is told even when no further step is wanted.

mod guest;
mod mark;

use super::Context;
use super::parts::{Words, sum_up_fates};
use crate::domain::enforcement::{Action, LeftAlone, ProjectPlan};
use crate::domain::notification::{ConcernedGuest, GuestOutcome, Notification};
use crate::domain::operation::{
    Enforce, Enforced, Fate, Outcome, Part, Product, Report, Tally, Told,
};
use crate::domain::quota::Tier;
use crate::domain::text::Text;

use guest::{Shut, shut_down};
use mark::{Marked, Wanted, mark};

const WORDS: Words = Words {
    failed: "not everything could be enforced",
    unknown: "of some steps nobody knows",
};

/// Executes an enforcement plan.
pub(super) async fn enforce(context: Context<'_>, operation: &Enforce) -> Report {
    let mut report = Report::new(Outcome::Done);
    let mut steps = Vec::new();
    for project in operation.plan().projects() {
        let mut turn = Turn {
            context,
            operation,
            project,
            throttle: Throttle::AsItWas,
            concerned: Vec::new(),
            report: &mut report,
        };
        for step in project.steps() {
            let enforced = turn.take(&step.action).await;
            steps.push(enforced);
        }
    }
    let named: Vec<(String, &Fate)> = steps.iter().map(|step| (name(step), &step.fate)).collect();
    report.outcome = sum_up_fates(&named, WORDS);
    // A warning only stands there, as in the count of the plan.
    let deeds = steps
        .iter()
        .filter(|step| step.action != Action::Warn.as_str());
    let tally = Tally::of(deeds.map(|step| &step.fate));
    report.notes.push(tally.to_string());
    report.product = Some(Product::Enforced(steps));
    report
}

/// Names a step for people.
fn name(step: &Enforced) -> String {
    match &step.guest {
        Some(guest) => format!("{}: {} of {guest}", step.project, step.action),
        None => format!("{}: {}", step.project, step.action),
    }
}

/// How a project's throttle stands while its steps are taken.
#[derive(Debug)]
enum Throttle {
    /// The plan leaves it as it was.
    AsItWas,
    /// This run has changed it as planned.
    Ours,
    /// It was as planned already: another run tells of it.
    Theirs,
    /// It is not as planned, so that nothing else is done.
    Missing,
}

/// The work at one project.
struct Turn<'a> {
    context: Context<'a>,
    operation: &'a Enforce,
    project: &'a ProjectPlan,
    throttle: Throttle,
    concerned: Vec<ConcernedGuest>,
    report: &'a mut Report,
}

impl Turn<'_> {
    async fn take(&mut self, action: &Action) -> Enforced {
        let mut enforced = Enforced {
            project: self.project.project().name().to_owned(),
            action: action.as_str(),
            guest: action.guest().cloned(),
            fate: Fate::Ended(Outcome::Done),
            requested: false,
            upid: None,
            told: Vec::new(),
        };
        match action {
            Action::Warn => tracing::warn!("project {} is over its quota", enforced.project),
            Action::Throttle(marker) => {
                enforced.fate = self.mark(action.as_str(), Wanted::Set(marker)).await;
            }
            Action::Unthrottle => {
                enforced.fate = self.mark(action.as_str(), Wanted::Lifted).await;
            }
            Action::Shutdown(shutdown) => {
                let shut = if let Some(reason) = self.holds_back() {
                    Shut::not_begun(reason)
                } else {
                    shut_down(self.context, self.operation, shutdown).await
                };
                self.report.parts.push(Part {
                    guest: shutdown.guest.clone(),
                    subject: Text::from("shutdown"),
                    fate: shut.fate.clone(),
                    upid: shut.upid.clone(),
                    made: None,
                    trial: None,
                });
                self.concerned.push(shut.concerned(&shutdown.guest));
                self.report.notes.extend(shut.notes);
                enforced.fate = shut.fate;
                enforced.requested = shut.outcome == GuestOutcome::Requested;
                enforced.upid = shut.upid;
            }
            Action::Notify(channels) => {
                enforced.fate = self.notify(channels, &mut enforced.told).await;
            }
        }
        enforced
    }

    /// Says why no further step of the project is begun, if so.
    fn holds_back(&self) -> Option<String> {
        if matches!(self.throttle, Throttle::Missing) {
            return Some("the throttle before it is not as planned".to_owned());
        }
        let stops = self.context.reporter.stop_requested();
        stops.then(|| "asked to stop".to_owned())
    }

    async fn mark(&mut self, action: &str, wanted: Wanted<'_>) -> Fate {
        let Context {
            reporter,
            auditor,
            client,
            ..
        } = self.context;
        let pool = self.project.project().marker_pool();
        let marked = if let Some(reason) = self.holds_back() {
            Marked::Not(Fate::NotTried(reason))
        } else {
            reporter
                .step(format!("writing the comment of pool {pool}"))
                .await;
            mark(self.context, pool, self.project.found(), wanted).await
        };
        let (throttle, fate) = match marked {
            Marked::Ours => (Throttle::Ours, Fate::Ended(Outcome::Done)),
            Marked::Theirs => {
                let reason = "another run has done it already".to_owned();
                (Throttle::Theirs, Fate::Skipped(reason))
            }
            Marked::Not(fate) => (Throttle::Missing, fate),
        };
        self.throttle = throttle;
        auditor.pool(action, pool, &fate, client.server_time());
        fate
    }

    /// Tells of the change, once, with what was done.
    async fn notify(&mut self, channels: &[String], told: &mut Vec<Told>) -> Fate {
        match self.throttle {
            Throttle::Ours => {}
            Throttle::Theirs => return Fate::Skipped("the run that did it tells of it".to_owned()),
            Throttle::AsItWas | Throttle::Missing => {
                return Fate::NotTried("the throttle before it is not as planned".to_owned());
            }
        }
        let Some(notifier) = &self.context.reporter.notifier else {
            return Fate::Skipped("nobody can be told from here".to_owned());
        };
        let Some(change) = self.project.change() else {
            return Fate::Skipped("there is nothing new to tell".to_owned());
        };
        let (client, plan) = (self.context.client, self.operation.plan());
        let spared = self
            .project
            .left_alone()
            .iter()
            .filter(|it| it.why.is_spared());
        let guests = self.concerned.drain(..).chain(spared.map(of_spared));
        let notification = Notification::new(
            self.operation.cluster(),
            client.server_time().unwrap_or(plan.time()),
            self.project.project(),
            change,
            self.project.usage(),
        )
        .throttled(matches!(change.to, Tier::Throttle | Tier::Emergency))
        .with_guests(guests);
        self.context
            .reporter
            .step(format!("telling {}", channels.join(", ")))
            .await;
        let receipts = notifier.tell(&notification, channels).await;
        told.extend(receipts.iter().map(|receipt| {
            Told {
                channel: receipt.channel.clone(),
                problem: receipt
                    .result
                    .as_ref()
                    .err()
                    .map(|failure| failure.to_string().into()),
            }
        }));
        let failures = receipts
            .iter()
            .filter_map(|receipt| receipt.result.as_ref().err());
        let before = self.report.notes.len();
        self.report.notes.extend(failures.map(ToString::to_string));
        match u32::try_from(self.report.notes.len() - before) {
            Ok(0) => Fate::Ended(Outcome::Done),
            failed => Fate::Ended(Outcome::Warnings(failed.unwrap_or(u32::MAX))),
        }
    }
}

/// Tells of a guest that goes on running.
fn of_spared(left: &LeftAlone) -> ConcernedGuest {
    ConcernedGuest {
        vmid: left.guest.vmid,
        name: left.guest.name.clone(),
        outcome: GuestOutcome::Skipped,
        reason: Some(left.why.to_string().into()),
    }
}
