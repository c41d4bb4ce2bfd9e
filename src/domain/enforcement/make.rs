//! How the plan is made.

use chrono::{DateTime, Utc};

use super::case::{EnforcementRules, ProjectCase};
use super::guests::Emergency;
use super::steps::{Action, EnforcementPlan, ProjectPlan};
use crate::domain::inventory::Resources;
use crate::domain::notification::{TierChange, over, recipients};
use crate::domain::project::Resource;
use crate::domain::quota::{Certainty, ResourceUsage, Tier};
use crate::domain::throttle::{Found, MarkedTier, Marker};
use crate::domain::usage::ProjectStanding;

/// Names the steps that lead from the throttles that stand to those that the use wants.
///
/// `now` is the server's time, and `resources` the storages for snapshots. At most
/// [`EnforcementRules::max_shutdowns`] guests go down over all projects; planning again names the
/// next ones. A project of which something needed is not known gets no step.
pub fn plan(
    cases: &[ProjectCase<'_>],
    rules: &EnforcementRules,
    resources: Option<&Resources>,
    now: DateTime<Utc>,
) -> EnforcementPlan {
    let mut emergency = Emergency::new(rules, resources, now);
    let projects = cases.iter().map(|case| of_project(case, &mut emergency));
    EnforcementPlan {
        time: now,
        projects: projects.collect(),
    }
}

fn of_project(case: &ProjectCase<'_>, emergency: &mut Emergency<'_>) -> ProjectPlan {
    let mut plan = ProjectPlan {
        project: case.project.clone(),
        usage: Vec::new(),
        tier: None,
        found: case.throttle.as_ref().ok().cloned(),
        change: None,
        steps: Vec::new(),
        left_alone: Vec::new(),
        notes: Vec::new(),
    };
    let standing = match &case.standing {
        Ok(standing) => *standing,
        Err(reason) => {
            plan.notes.push(format!("no step: {reason}"));
            return plan;
        }
    };
    let tier = standing.tier();
    plan.usage.clone_from(&standing.usage);
    plan.tier = Some(tier);
    if tier == Tier::Warn {
        plan.step(Action::Warn, excesses(&standing.usage));
    }
    let found = match &case.throttle {
        Ok(found) => found,
        Err(reason) => {
            plan.notes.push(format!(
                "no step: the comment of pool {}, which holds the throttle, cannot be read: {reason}",
                case.project.marker_pool()
            ));
            return plan;
        }
    };
    if let Found::Malformed(reason) = found {
        plan.notes
            .push(format!("{reason}; it binds like a readable one"));
    }
    let told = match found {
        Found::None => None,
        Found::One(marker) => Some(marker.tier()),
        // Nobody knows what was told; that it binds is what everybody sees.
        Found::Malformed(_) => Some(MarkedTier::Throttle),
    };
    match tier {
        Tier::Unknown => plan
            .notes
            .push(format!("no step: {}", unknowns(&standing.usage))),
        Tier::Unlimited | Tier::Ok => {
            if let Some(told) = told {
                lift(standing, found, told, &mut plan);
            }
        }
        // Only a use that is back under the quota lifts a throttle.
        Tier::Warn if told.is_some() => {
            throttle(MarkedTier::Throttle, told, found, emergency.now, &mut plan);
            plan.notes
                .push("still over its quota: the throttle stays".to_owned());
        }
        Tier::Warn => {}
        Tier::Throttle => throttle(MarkedTier::Throttle, told, found, emergency.now, &mut plan),
        Tier::Emergency => {
            throttle(MarkedTier::Emergency, told, found, emergency.now, &mut plan);
            let marked = found
                .marker()
                .filter(|marker| marker.tier() == MarkedTier::Emergency)
                .map(Marker::since);
            emergency.shut_down(case, marked, &mut plan);
        }
    }
    notify(&mut plan);
    plan
}

/// Adds the throttle unless it stands there already.
fn throttle(
    wanted: MarkedTier,
    told: Option<MarkedTier>,
    found: &Found,
    now: DateTime<Utc>,
    plan: &mut ProjectPlan,
) {
    let is_readable = !matches!(found, Found::Malformed(_));
    if told == Some(wanted) && is_readable {
        return;
    }
    let Some(marker) = Marker::new(now, binding(&plan.usage), wanted) else {
        return;
    };
    let mut reason = excesses(&plan.usage);
    if let Some(told) = told.filter(|told| *told != wanted) {
        reason = format!("{reason}; was {}", told.tier());
    }
    plan.step(Action::Throttle(marker), reason);
    plan.change = (told != Some(wanted)).then(|| TierChange {
        from: told.map_or(Tier::Ok, MarkedTier::tier),
        to: wanted.tier(),
    });
}

/// Adds the lifting of a throttle, unless nothing is known of what it was for.
///
/// A lower bound under the quota lifts it: its sign stands in the reason for whoever approves the
/// plan, and nobody acts on it alone ([`super::may_act_alone`]).
fn lift(standing: &ProjectStanding, found: &Found, told: MarkedTier, plan: &mut ProjectPlan) {
    let is_meant = |resource: Resource| match found.marker() {
        Some(marker) => marker.resources().contains(&resource),
        None => true,
    };
    if standing.unread > 0 {
        plan.notes.push(format!(
            "the throttle stays: {} of its guests could not be read",
            standing.unread
        ));
        return;
    }
    let open = standing.usage.iter().find(|each| {
        is_meant(each.resource)
            && each.quota.bound().is_some()
            && each.used.certainty() == Certainty::Unknown
    });
    if let Some(open) = open {
        plan.notes.push(format!(
            "the throttle stays: nothing is known of {}",
            open.resource
        ));
        return;
    }
    plan.step(Action::Unthrottle, unders(&standing.usage, is_meant));
    plan.change = Some(TierChange {
        from: told.tier(),
        to: standing.tier(),
    });
}

/// Adds the telling of a change of tier.
fn notify(plan: &mut ProjectPlan) {
    let Some(change) = plan.change else {
        return;
    };
    let channels = recipients(change, &plan.project);
    if channels.is_empty() {
        plan.notes
            .push("nobody is told: the project has no notify list".to_owned());
        return;
    }
    let reason = format!("{}; was {}", change.to, change.from);
    plan.step(Action::Notify(channels), reason);
}

/// Finds the resources that bind: those that throttle, or those over their quota where none does.
fn binding(usage: &[ResourceUsage]) -> Vec<Resource> {
    let from = |least: Tier| -> Vec<Resource> {
        let over = usage.iter().filter(|each| each.tier >= least);
        over.map(|each| each.resource).collect()
    };
    let throttling = from(Tier::Throttle);
    if throttling.is_empty() {
        from(Tier::Warn)
    } else {
        throttling
    }
}

/// Says how far each resource is over its quota.
fn excesses(usage: &[ResourceUsage]) -> String {
    let over: Vec<String> = usage
        .iter()
        .filter(|each| each.tier >= Tier::Warn)
        .map(over)
        .collect();
    over.join(", ")
}

/// Says how the resources stand for which a throttle was meant.
fn unders(usage: &[ResourceUsage], is_meant: impl Fn(Resource) -> bool) -> String {
    let texts: Vec<String> = usage
        .iter()
        .filter(|each| is_meant(each.resource))
        .filter_map(|each| {
            let quota = each.quota.bound()?;
            let (resource, unit) = (each.resource, each.resource.unit());
            Some(format!("{resource} {} of {quota} {unit}", each.used))
        })
        .collect();
    if texts.is_empty() {
        return "no quota binds any more".to_owned();
    }
    format!("back under the quota: {}", texts.join(", "))
}

/// Says of which resources nothing is known.
fn unknowns(usage: &[ResourceUsage]) -> String {
    let unknown: Vec<&str> = usage
        .iter()
        .filter(|each| each.tier == Tier::Unknown)
        .map(|each| each.resource.as_str())
        .collect();
    format!("nothing is known of the use of {}", unknown.join(", "))
}
