//! What the account may not do at all, said before a dialog opens.
//!
//! Where one of several things is permitted the key stays bright: the dialog then leaves out, or
//! objects to, what is not. What only the filled-in form tells is checked there (`privileges`).

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
        Change::Prune => managed(state)
            .filter(|_| !only_looks)
            .and_then(|guests| of_none(&guests, Change::Snapshot, permissions)),
        Change::Enforce if only_looks => None,
        Change::Enforce => lacks_for_enforcement(state, permissions),
        Change::Create => lacks_for_creation(state, permissions),
        Change::Bracket => {
            of_none(&marked(state), Change::Snapshot, permissions).filter(|_| !only_looks)
        }
        Change::Snapshot
        | Change::RollBack
        | Change::DeleteSnapshot
        | Change::KeepMark
        | Change::Clone
        | Change::Power
        | Change::Destroy => {
            let marked = marked(state);
            if !marked.is_empty() && !state.acts_on_row() {
                return of_none(&marked, change, permissions);
            }
            of_none(&[&state.target_guest()?.guest], change, permissions)
        }
    }
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
        Change::Create | Change::Prune | Change::Bracket | Change::Enforce => Vec::new(),
        Change::Destroy => on("VM.Allocate"),
    }
}

/// What a new guest needs, whose number nobody knows yet.
fn allocate() -> Need {
    Need::on("VM.Allocate", "/vms".to_owned())
}

/// Says what is missing where a change is permitted of none of the guests.
fn of_none(guests: &[&Guest], change: Change, permissions: &Permissions) -> Option<String> {
    let unmet = |guest: &&Guest| {
        let needs = needs(change, guest.vmid, permissions);
        needs.into_iter().find(|need| !need.is_met(permissions))
    };
    let missing: Vec<Need> = guests.iter().map_while(unmet).collect();
    if missing.len() < guests.len() {
        return None;
    }
    said(&missing)
}

/// Writes the first of several needs, and how many there are beside it.
fn said(missing: &[Need]) -> Option<String> {
    let first = missing.first()?;
    Some(match missing.len() - 1 {
        0 => first.to_string(),
        others => format!("{first}, and alike for {others} more"),
    })
}

fn managed(state: &State) -> Option<Vec<&Guest>> {
    let resources = state.inventory.resources.value()?;
    let guests = resources.guests.iter().map(|seen| &seen.guest);
    let selection = &state.setting.rules.selection;
    Some(guests.filter(|guest| selection.manages(guest)).collect())
}

fn marked(state: &State) -> Vec<&Guest> {
    let Some(resources) = state.inventory.resources.value() else {
        return Vec::new();
    };
    let marks = state.guests.marks().iter();
    let seen = marks.filter_map(|vmid| resources.guest(*vmid));
    seen.map(|seen| &seen.guest).collect()
}

/// Enforcement throttles in pools' comments, and shuts managed guests down.
fn lacks_for_enforcement(state: &State, permissions: &Permissions) -> Option<String> {
    let projects = &state.setting.rules.projects;
    let pools = projects.iter().map(|project| {
        let path = format!("/pool/{}", project.marker_pool());
        Need::on("Pool.Allocate", path)
    });
    let pools: Vec<Need> = pools.collect();
    let guests = managed(state).unwrap_or_default();
    let may_throttle = pools.iter().any(|need| need.is_met(permissions));
    let may_shut_down = guests.iter().any(|guest| {
        let need = Need::on_guest("VM.PowerMgmt", guest.vmid);
        need.is_met(permissions)
    });
    if may_throttle || may_shut_down {
        return None;
    }
    said(&pools)
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
        let bridge = profile.and_then(|profile| path_of_bridge(&profile.bridge, None));
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
