//! What the account may not do at all, said before a dialog opens.
//!
//! Where one of several things is permitted the key stays bright: the dialog then leaves out, or
//! objects to, what is not. What only the filled-in form tells is checked there (`privileges`).
//!
//! Each frame asks, for many keys, and thousands of guests may be meant: the first one that is
//! permitted ends the search, and a privilege that is granted nowhere is looked for on one alone.

use super::action::{Action, Change};
use super::state::State;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::permission::{Need, Permissions, path_of_bridge};
use crate::domain::task::Upid;
use crate::domain::template::Template;

/// Says which privilege keeps an action from being possible, if one does.
///
/// As long as the privileges are not read nothing does.
pub fn lacking(state: &State, action: Action) -> Option<String> {
    let permissions = state.permissions.value()?;
    if let Action::Change(change) = action {
        return lacks_for(state, change, permissions);
    }
    (action == Action::Log).then(|| lacks_for_log(state, permissions))?
}

fn lacks_for(state: &State, change: Change, permissions: &Permissions) -> Option<String> {
    // Whoever only looks needs no privilege to make a plan.
    let only_looks = state.setting.read_only;
    match change {
        Change::Prune | Change::Bracket | Change::Enforce if only_looks => None,
        Change::Prune => of_none(managed(state), Change::Snapshot, permissions)
            .map(|first| said(&first, state.census.managed())),
        Change::Enforce => lacks_for_enforcement(state, permissions),
        Change::Create => lacks_for_creation(state, permissions),
        Change::Bracket => lacks_for_marked(state, Change::Snapshot, permissions),
        Change::Snapshot
        | Change::RollBack
        | Change::DeleteSnapshot
        | Change::KeepMark
        | Change::Clone
        | Change::Power
        | Change::Network
        | Change::Destroy => {
            if !state.guests.marks().is_empty() && !state.acts_on_row() {
                return lacks_for_marked(state, change, permissions);
            }
            let target = &state.target_guest()?.guest;
            of_none([target], change, permissions).map(|need| need.to_string())
        }
    }
}

fn lacks_for_marked(state: &State, change: Change, permissions: &Permissions) -> Option<String> {
    let first = of_none(marked(state), change, permissions)?;
    Some(said(&first, state.guests.marks().len()))
}

/// Names what a change of a guest needs in any case; the form names the rest when it is filled in.
fn needs(change: Change, vmid: Vmid, permissions: &Permissions) -> Vec<Need> {
    let on = |privilege| vec![Need::on_guest(privilege, vmid)];
    match change {
        Change::Snapshot | Change::DeleteSnapshot | Change::KeepMark => on("VM.Snapshot"),
        Change::RollBack => {
            vec![
                Need::on_guest("VM.Snapshot", vmid)
                    .or(Need::on_guest("VM.Snapshot.Rollback", vmid)),
            ]
        }
        Change::Clone => {
            let allocate = (!permissions.grants_somewhere("VM.Allocate")).then(allocate);
            on("VM.Clone").into_iter().chain(allocate).collect()
        }
        Change::Power => on("VM.PowerMgmt"),
        // Which bridges are to be used is known when a profile is chosen.
        Change::Network => on("VM.Config.Network"),
        Change::Create | Change::Prune | Change::Bracket | Change::Enforce => Vec::new(),
        Change::Destroy => on("VM.Allocate"),
    }
}

/// What a new guest needs, whose number nobody knows yet.
fn allocate() -> Need {
    Need::on("VM.Allocate", "/vms".to_owned())
}

/// Returns what is missing on the first of the guests where a change is permitted of none.
fn of_none<'a>(
    guests: impl IntoIterator<Item = &'a Guest>,
    change: Change,
    permissions: &Permissions,
) -> Option<Need> {
    let mut unmet = guests.into_iter().map(|guest| {
        let needs = needs(change, guest.vmid, permissions);
        needs.into_iter().find(|need| !need.is_met(permissions))
    });
    let first = unmet.next()??;
    let is_permitted = first.is_met_somewhere(permissions) && unmet.any(|need| need.is_none());
    (!is_permitted).then_some(first)
}

/// Writes the first of several needs, and how many there are beside it.
fn said(first: &Need, all: usize) -> String {
    match all.saturating_sub(1) {
        0 => first.to_string(),
        others => format!("{first}, and alike for {others} more"),
    }
}

fn managed(state: &State) -> impl Iterator<Item = &Guest> {
    let resources = state.inventory.resources.value();
    let guests = resources.map_or(&[][..], |known| &known.guests);
    let selection = &state.setting.rules.selection;
    let guests = guests.iter().map(|seen| &seen.guest);
    guests.filter(|guest| selection.manages(guest))
}

fn marked(state: &State) -> impl Iterator<Item = &Guest> {
    let resources = state.inventory.resources.value();
    let marks = state.guests.marks().iter();
    let seen = marks.filter_map(move |vmid| resources?.guest(*vmid));
    seen.map(|seen| &seen.guest)
}

/// Enforcement throttles in pools' comments, and shuts managed guests down.
fn lacks_for_enforcement(state: &State, permissions: &Permissions) -> Option<String> {
    let projects = &state.setting.rules.projects;
    let pools = projects.iter().map(|project| {
        let path = format!("/pool/{}", project.marker_pool());
        Need::on("Pool.Allocate", path)
    });
    let pools: Vec<Need> = pools.collect();
    let may_throttle = pools.iter().any(|need| need.is_met(permissions));
    // Without guests there is nobody to shut down.
    let may_shut_down =
        state.census.managed() > 0 && of_none(managed(state), Change::Power, permissions).is_none();
    if may_throttle || may_shut_down {
        return None;
    }
    Some(said(pools.first()?, pools.len()))
}

/// A guest can be made where one template may be copied, and its profile's bridge be used.
fn lacks_for_creation(state: &State, permissions: &Permissions) -> Option<String> {
    let resources = state.inventory.resources.value()?;
    let rules = &state.setting.rules;
    let is_there = |template: &&Template| resources.guest(template.vmid).is_some();
    let unmet = |template: &Template| {
        let profile = template.network.as_ref().and_then(|name| {
            let mut profiles = rules.profiles.iter();
            profiles.find(|profile| profile.name == *name)
        });
        let bridge = profile.and_then(|profile| path_of_bridge(profile.bridge.as_str(), None));
        let needs = needs(Change::Clone, template.vmid, permissions)
            .into_iter()
            .chain(bridge.map(|path| Need::on("SDN.Use", path)));
        let mut needs = needs.filter(|need| !need.is_met(permissions));
        needs.next()
    };
    let mut templates = rules.templates.iter().filter(is_there);
    let first = unmet(templates.next()?)?;
    let is_possible = templates.any(|template| unmet(template).is_none());
    (!is_possible).then(|| first.to_string())
}

fn lacks_for_log(state: &State, permissions: &Permissions) -> Option<String> {
    let upid = state.logged_task()?;
    let need = Need::on("Sys.Audit", format!("/nodes/{}", upid.node()));
    let is_hidden = !is_own(&upid, &state.setting.account) && !need.is_met(permissions);
    is_hidden.then(|| need.to_string())
}

/// Tells whether a task is the account's own: a user's tokens are the user too, not the reverse.
fn is_own(upid: &Upid, account: &str) -> bool {
    let rest = upid.user().strip_prefix(account);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('!'))
}
