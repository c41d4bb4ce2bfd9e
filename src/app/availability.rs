//! Whether an action is possible now, and why not.

use super::action::{Action, Change};
use super::jobs::Job;
use super::lacking::lacking;
use super::state::{State, View};
use crate::domain::request;
use crate::domain::template::Template;

/// Whether an action is possible; the reason is a phrase for footer, menu and help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It is.
    Yes,
    /// It is not, for this reason.
    No(String),
}

/// Decides whether an action is possible; footer, palette, help and dispatch all ask here.
pub fn availability(state: &State, action: Action) -> Availability {
    let reason = if let Action::Change(change) = action {
        refusal(state, change)
    } else if action == Action::Clusters {
        state.refuses_switching()
    } else if action == Action::Console {
        let is_there = state.target_guest().is_some();
        (!is_there).then(|| "no guest".to_owned())
    } else {
        lacking(state, action)
    };
    reason.map_or(Availability::Yes, Availability::No)
}

/// Says why a change is impossible now, if so.
fn refusal(state: &State, change: Change) -> Option<String> {
    if change == Change::Bracket && state.guests.marks().is_empty() {
        // They are only shown; what is done to one is refused there.
        let is_read = state.inventory.resources.value().is_some();
        return (!is_read).then(|| "the cluster is not read yet".to_owned());
    }
    // A plan may be looked at and exported by anybody; its dialog refuses to execute it.
    let is_plan = matches!(change, Change::Prune | Change::Enforce);
    if state.setting.read_only && !is_plan {
        return Some("read-only".to_owned());
    }
    let lacks = || lacking(state, Action::Change(change));
    if change == Change::Bracket {
        return lacks().or_else(|| busy_mark(state));
    }
    if change == Change::Enforce && state.setting.rules.projects.iter().next().is_none() {
        return Some("no [projects] in the config have budgets".to_owned());
    }
    if is_plan {
        let managed = state.setting.rules.selection.is_configured();
        return (!managed)
            .then(|| "no [selection] in the config says which guests are managed".to_owned())
            .or_else(lacks);
    }
    if change == Change::Network && state.setting.rules.profiles.is_empty() {
        return Some("no [network_profiles] in the config".to_owned());
    }
    if change == Change::Create {
        return refuses_creation(state).or_else(lacks);
    }
    // Where the row is meant no mark is.
    let in_guests = !state.acts_on_row();
    if !state.guests.marks().is_empty() && in_guests {
        return refuses_marked(state, change);
    }
    let Some(seen) = state.target_guest() else {
        let what = if state.focus.view() == View::Snapshots {
            "no snapshot"
        } else {
            "no guest"
        };
        return Some(what.to_owned());
    };
    let guest = &seen.guest;
    if let Some(reason) = lacks() {
        return Some(reason);
    }
    // What runs may be the trial whose end is to be chosen.
    let ends_trial = |job: &&Job| change == Change::Network && job.is_trial;
    if let Some(job) = state
        .jobs
        .on(&guest.to_ref())
        .filter(|job| !ends_trial(job))
    {
        return Some(format!("busy: {}", job.title));
    }
    if !seen.vouched {
        return Some(format!("{} does not answer", guest.node));
    }
    match change {
        Change::Snapshot | Change::RollBack | Change::DeleteSnapshot | Change::KeepMark => {
            request::refuses_snapshots(guest)
        }
        Change::Clone => request::refuses_clones(guest),
        Change::Network => request::refuses_profile(guest).map(str::to_owned),
        Change::Power => guest.template.then(|| "a template cannot run".to_owned()),
        Change::Create | Change::Prune | Change::Bracket | Change::Enforce => None,
        Change::Destroy => request::refuses_destruction(guest),
    }
}

/// Says why a change of all marked guests is impossible now; a single guest is left out by the form.
fn refuses_marked(state: &State, change: Change) -> Option<String> {
    if !matches!(change, Change::Snapshot | Change::Power | Change::Network) {
        let count = state.guests.marks().len();
        return Some(format!(
            "{count} marked; one guest at a time, Esc clears the marks"
        ));
    }
    lacking(state, Action::Change(change)).or_else(|| busy_mark(state))
}

/// Says what is at work on a marked guest, if something is.
fn busy_mark(state: &State) -> Option<String> {
    // Few jobs run, and thousands of guests may be marked.
    let marks = state.guests.marks();
    let is_marked = |job: &&Job| job.guests.iter().any(|guest| marks.contains(&guest.vmid));
    let job = state.jobs.running().find(is_marked)?;
    Some(format!("busy: {}", job.title))
}

fn refuses_creation(state: &State) -> Option<String> {
    let templates = &state.setting.rules.templates;
    if templates.is_empty() {
        return Some("no [templates] in the config say what guests are made from".to_owned());
    }
    let resources = state.inventory.resources.value();
    let Some(resources) = resources else {
        return Some("the cluster is not read yet".to_owned());
    };
    let is_there = |template: &Template| resources.guest(template.vmid).is_some();
    let is_one_there = templates.iter().any(is_there);
    (!is_one_there)
        .then(|| "no guest of this cluster has the number of a [templates] entry".to_owned())
}
