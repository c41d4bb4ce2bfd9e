//! `proxdeck enforce`: what is to be done about projects over their budgets.
//!
//! The plan is printed; `--yes` acts on what was printed, and `--auto`, run by a timer, on what may
//! be done although nobody looked.

mod look;
mod tell;

use super::complaint::Refusal;
use super::connect::Session;
use super::execute::{Watched, Wires};
use super::output::Output;
use super::progress::Progress;
use super::setup::Setup;
use super::{Exit, change, channels, interruptible};
use crate::config::settings::rules::EnforcementMode;
use crate::domain::enforcement::{
    Action, EnforcementPlan, EnforcementRules, ProjectPlan, may_act_alone, next_sighting,
};
use crate::domain::operation::{self, Operation, Product};
use crate::domain::request::EnforceRequest;
use crate::notify::Notifier;
use crate::runtime::Ending;

use look::Look;
use tell::{Held, Told};

/// Show what is to be done about projects over their budgets: warn, throttle, shut down, tell
///
/// Nothing is done without --yes, which acts on what was printed. Before each shutdown the guest is
/// looked at again, and a busy one is left alone; none is ever stopped by force.
///
/// With --auto, for a timer, it acts on a project only where [enforcement] mode is "auto", no figure
/// of it is an estimate (`~`) or a lower bound (`≥`), and a run at least 10 minutes earlier saw it at
/// the same tier. What is held back is named with the reason.
#[derive(Debug, clap::Args)]
pub(super) struct Enforce {
    /// Do what the plan says
    #[arg(long)]
    yes: bool,

    /// Do only what may be done with nobody looking at the plan
    #[arg(long, conflicts_with = "yes")]
    auto: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Enforce {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        if self.yes || self.auto {
            setup.require_writable()?;
        }
        if !setup.rules.selection.is_configured() {
            return Err(Refusal::new(
                "NoSelection",
                "the config selects no guests, and enforcement shuts down managed ones alone",
                "write [selection] with tags = [\"…\"], pools or vmids into the config",
            )
            .into());
        }
        let rules = setup.rules.enforcement.clone();
        let mut ending = Ending::listen()?;
        let session = Session::open(setup).await?;
        let looking = Look::take(&session, setup, output);
        let mut look = interruptible(&mut ending, looking).await?;
        let held = if self.auto {
            hold_back(setup, &session, &look, &rules)?
        } else {
            Vec::new()
        };
        let is_held = |name: &str| held.iter().any(|held| held.name() == name);
        let reading = look.details(&session, &rules, is_held);
        interruptible(&mut ending, reading).await?;
        let plan = look.plan(&rules, |project| !is_held(project.name()));
        let executes = (self.yes || self.auto) && !plan.is_empty();
        let mut told = Told::new(&plan, held);
        if !self.json {
            told.tell(output);
            for note in look.notes() {
                output.note(note);
            }
            if !executes && !plan.is_empty() {
                output.note("this is the plan alone; nothing was done");
            } else if (self.yes || self.auto) && told.only_warns() {
                output.note("nothing to carry out: a warning is an alert and no more");
            }
        }
        let watched = if executes {
            let operation = check(&session, &look, plan.clone(), &rules).await?;
            Some(execute(&session, setup, output, &mut ending, operation).await)
        } else {
            log_warnings(&plan);
            None
        };
        let exit = match &watched {
            None => Exit::Done,
            Some(Watched::Ended(report)) if report.outcome.is_success() => Exit::Done,
            Some(Watched::Ended(_)) => Exit::Failed,
            Some(Watched::Stopped(_) | Watched::Left(_)) => Exit::Interrupted,
        };
        if let Some(watched) = &watched {
            told.carried(watched);
            remember_channels(watched, setup, &session, &look, output);
        }
        if self.json {
            told.print(&session.cluster, look.time(), look.notes(), output);
        } else {
            told.tell_carried(output);
        }
        Ok(exit)
    }
}

/// Remembers which channels failed, for the alerts of later looks.
fn remember_channels(
    watched: &Watched,
    setup: &Setup,
    session: &Session,
    look: &Look<'_>,
    output: &Output,
) {
    let (Watched::Ended(report) | Watched::Stopped(report)) = watched else {
        return;
    };
    let Some(Product::Enforced(steps)) = &report.product else {
        return;
    };
    let told: Vec<operation::Told> = steps.iter().flat_map(|step| step.told.clone()).collect();
    let memory = setup.channel_memory(&session.cluster);
    if let Some(memory) = memory.filter(|_| !told.is_empty())
        && let Err(error) = memory.update(&told, look.now())
    {
        output.note(format_args!(
            "proxdeck: note: failing channels are not remembered: {error}"
        ));
    }
}

/// Remembers what this run saw, and names the projects that it may not act on alone.
fn hold_back(
    setup: &Setup,
    session: &Session,
    look: &Look<'_>,
    rules: &EnforcementRules,
) -> anyhow::Result<Vec<Held>> {
    let now = look.now();
    let standings = look.standings();
    let memory = setup.enforcement_memory(&session.cluster);
    let earlier = memory.update(|earlier| {
        let seen = setup.rules.projects.iter().filter_map(|project| {
            let (name, known) = (project.name(), earlier.get(project.name()));
            let next = match standings.iter().find(|each| each.project == name) {
                Some(standing) => next_sighting(known, standing, now),
                // What was not judged is neither confirmed nor denied.
                None => known.cloned(),
            };
            Some((name.to_owned(), next?))
        });
        seen.collect()
    })?;
    let acts = setup.loaded.settings.enforcement.mode == EnforcementMode::Auto;
    let plan = look.plan(rules, |_| true);
    let held = plan.projects().iter().filter_map(|project| {
        let name = project.project().name();
        let standing = standings.iter().find(|each| each.project == name)?;
        let judged = may_act_alone(project, standing, earlier.get(name), acts, now);
        judged.err().map(|reason| Held::new(project, reason))
    });
    Ok(held.filter(|held| !held.is_idle()).collect())
}

/// Checks the plan against the cluster, and what the account may do.
async fn check(
    session: &Session,
    look: &Look<'_>,
    plan: EnforcementPlan,
    rules: &EnforcementRules,
) -> anyhow::Result<Operation> {
    let permissions = session.client.access().permissions().await?;
    let request = EnforceRequest {
        plan,
        cluster: session.cluster.clone(),
        shutdown_timeout_seconds: rules.shutdown_timeout_seconds,
    };
    let operation = request
        .check(Some(look.resources()), Some(look.skew()))
        .map_err(|objections| {
            let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
            change::refused(&reasons)
        })?;
    let needs = operation.needs();
    let unmet = needs.iter().filter(|need| !need.is_met(&permissions));
    let unmet: Vec<String> = unmet.map(ToString::to_string).collect();
    if unmet.is_empty() {
        return Ok(operation);
    }
    let advice = "ask an administrator for the privilege; nothing was changed";
    Err(Refusal::new("Forbidden", unmet.join("\n"), advice).into())
}

/// Carries the plan out.
async fn execute(
    session: &Session,
    setup: &Setup,
    output: &Output,
    ending: &mut Ending,
    operation: Operation,
) -> Watched {
    let access = change::access_of(session, setup, output);
    let notifier = Notifier::new(channels::of(&setup.loaded.settings));
    let label = operation.title();
    let mut progress = Progress::of_work(output, &setup.environment, label);
    let wires = Wires {
        notifier,
        ..Wires::default()
    };
    let progressing = &mut progress;
    let watched =
        super::execute::execute(session, &operation, &access, wires, progressing, ending).await;
    progress.finish();
    watched
}

/// Tells whether a project's plan does nothing but warn.
fn is_idle(project: &ProjectPlan) -> bool {
    let mut steps = project.steps().iter();
    steps.all(|step| matches!(step.action, Action::Warn))
}

/// Writes warnings into the log; a plan that is executed does so itself.
fn log_warnings(plan: &EnforcementPlan) {
    for (project, step) in plan.steps() {
        if matches!(step.action, Action::Warn) {
            tracing::warn!("project {}: {}", project.project().name(), step.reason);
        }
    }
}
