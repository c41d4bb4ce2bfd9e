//! Tells network plans: for people guest by guest, for programs a row per change.

use serde::Serialize;

use super::super::document::{Document, rfc3339};
use super::super::output::Output;
use super::look::Look;
use crate::domain::network::{Change, NetworkPlan, Role, Warning, WayBack};

/// A change as the document shows it.
#[derive(Debug, Serialize)]
struct Row {
    vmid: u32,
    name: Option<String>,
    node: String,
    change: String,
    before: Option<String>,
    after: Option<String>,
    call: String,
    /// `mends` a difference, `follows` from a change before it, or `refreshes` the addresses of names.
    role: &'static str,
}

#[derive(Debug, Serialize)]
struct Summary {
    changes: usize,
    refreshes: usize,
    guests: Vec<GuestRow>,
}

/// What is said of a guest as a whole.
#[derive(Debug, Serialize)]
struct GuestRow {
    vmid: u32,
    name: Option<String>,
    node: String,
    profile: String,
    changes: usize,
    warnings: Vec<WarningRow>,
    /// Why the plan cannot be executed.
    objections: Vec<String>,
    /// Rules that are not ours and are left alone.
    foreign: Vec<ForeignRow>,
    trial: Option<TrialRow>,
}

#[derive(Debug, Serialize)]
struct WarningRow {
    /// Whether the guest is less fenced than it looks.
    grave: bool,
    text: String,
}

#[derive(Debug, Serialize)]
struct ForeignRow {
    position: usize,
    rule: String,
}

#[derive(Debug, Serialize)]
struct TrialRow {
    profile: String,
    began: String,
    ends: String,
    left_behind: bool,
}

/// Prints plans as one document.
pub(super) fn print(plans: &[NetworkPlan], look: &Look, output: &Output) {
    let rows: Vec<Row> = plans
        .iter()
        .flat_map(|plan| plan.steps().iter().map(|change| row(plan, change)))
        .collect();
    let summary = Summary {
        changes: plans.iter().map(|plan| plan.steps().len()).sum(),
        refreshes: plans.iter().map(|plan| plan.refreshes().count()).sum(),
        guests: plans.iter().map(|plan| guest_row(plan, look)).collect(),
    };
    let (cluster, time) = (&look.session.cluster, look.reading.time);
    let document = Document::new("proxdeck.network-plan/1", cluster, time, &rows, summary);
    output.document(&document);
}

fn row(plan: &NetworkPlan, change: &Change) -> Row {
    let guest = plan.guest();
    Row {
        vmid: guest.vmid.get(),
        name: guest.name.as_ref().map(|name| name.raw().to_owned()),
        node: guest.node.to_string(),
        change: change.subject.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        call: change.call(guest).to_string(),
        role: match change.role {
            Role::Mends => "mends",
            Role::Follows => "follows",
            Role::Refreshes => "refreshes",
        },
    }
}

fn guest_row(plan: &NetworkPlan, look: &Look) -> GuestRow {
    let guest = plan.guest();
    let warnings = plan.warnings().iter().map(|warning| WarningRow {
        grave: warning.is_grave(),
        text: warning.to_string(),
    });
    let foreign = plan.foreign().iter().map(|foreign| ForeignRow {
        position: foreign.position,
        rule: foreign.rule.to_string(),
    });
    GuestRow {
        vmid: guest.vmid.get(),
        name: guest.name.as_ref().map(|name| name.raw().to_owned()),
        node: guest.node.to_string(),
        profile: plan.profile().to_owned(),
        changes: plan.steps().len(),
        warnings: warnings.collect(),
        objections: plan.objections().iter().map(ToString::to_string).collect(),
        foreign: foreign.collect(),
        trial: trial(plan, look).map(|way_back| TrialRow {
            profile: way_back.profile().to_owned(),
            began: rfc3339(way_back.began()),
            ends: rfc3339(way_back.ends()),
            left_behind: is_left_behind(&way_back, look),
        }),
    }
}

/// Finds the trial that is under way at a guest, or was left behind there.
fn trial(plan: &NetworkPlan, look: &Look) -> Option<WayBack> {
    let firewall = look.current(plan.guest().vmid)?.firewall.as_ref().ok()?;
    WayBack::find(&firewall.rules)
}

/// Tells whether a trial is over whose proxdeck has not put it back.
fn is_left_behind(way_back: &WayBack, look: &Look) -> bool {
    way_back.ends() < look.now()
}

/// Says for people what is planned.
pub(super) fn tell(plans: &[NetworkPlan], look: &Look, output: &Output) {
    for plan in plans {
        tell_one(plan, look, output);
    }
}

fn tell_one(plan: &NetworkPlan, look: &Look, output: &Output) {
    let (guest, profile) = (plan.guest(), plan.profile());
    let refreshes = plan.refreshes().count();
    let changes = match (plan.steps().len() - refreshes, refreshes) {
        (0, 0) if plan.objections().is_empty() => "nothing to change".to_owned(),
        (0, 0) => "cannot be planned".to_owned(),
        (0, addresses) => format!("{addresses} addresses to bring up to date"),
        (1, 0) => "1 change".to_owned(),
        (changes, 0) => format!("{changes} changes"),
        (changes, addresses) => format!("{changes} changes, and {addresses} of addresses"),
    };
    output.line(format_args!("{guest}, {profile}: {changes}"));
    for change in plan.steps() {
        output.line(format_args!("  {change}"));
        output.line(format_args!("      {}", change.call(guest)));
    }
    for foreign in plan.foreign() {
        let (position, rule) = (foreign.position, &foreign.rule);
        output.line(format_args!("  left alone: rule {position}: {rule}"));
    }
    for warning in plan.warnings() {
        let mark = if warning.is_grave() { "!!" } else { "! " };
        output.line(format_args!("  {mark} {warning}"));
        if let Warning::TrialUnderWay(way_back) = warning {
            offer(plan, way_back, look, output);
        }
    }
    for objection in plan.objections() {
        output.line(format_args!("  cannot be applied: {objection}"));
    }
}

/// Says how a trial that is there can be ended.
fn offer(plan: &NetworkPlan, way_back: &WayBack, look: &Look, output: &Output) {
    let vmid = plan.guest().vmid;
    let state = if is_left_behind(way_back, look) {
        "it was left behind, and nobody puts it back by itself"
    } else {
        "whoever began it may still be waiting"
    };
    let profile = way_back.profile();
    output.line(format_args!("     {state}"));
    output.line(format_args!(
        "     put back: proxdeck network apply {vmid} {profile} --put-back"
    ));
    output.line(format_args!(
        "     keep:     proxdeck network apply {vmid} {profile}"
    ));
}
