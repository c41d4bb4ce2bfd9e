//! Whether an action is possible now, and why not.

use super::action::{Action, Change};
use super::state::{State, View};
use crate::domain::id::Vmid;
use crate::domain::permission::Need;
use crate::domain::request;

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
    let Action::Change(change) = action else {
        return Availability::Yes;
    };
    match refusal(state, change) {
        Some(reason) => Availability::No(reason),
        None => Availability::Yes,
    }
}

/// Says why a change is impossible now, if so.
fn refusal(state: &State, change: Change) -> Option<String> {
    if state.setting.read_only {
        return Some("read-only".to_owned());
    }
    if change == Change::Prune {
        let managed = state.setting.rules.selection.is_configured();
        return (!managed)
            .then(|| "no [selection] in the config says which guests are managed".to_owned());
    }
    let marked = state.guests.marks().len();
    // Where the snapshots of all guests are shown, the row is meant and no mark.
    let in_guests = state.focus.view() != View::Snapshots;
    if marked > 0 && in_guests {
        return Some(format!(
            "{marked} marked; one guest at a time, Esc clears the marks"
        ));
    }
    let Some(seen) = state.target_guest() else {
        return Some(if in_guests { "no guest" } else { "no snapshot" }.to_owned());
    };
    let guest = &seen.guest;
    if let Some(permissions) = state.permissions.value()
        && let Some(need) = needs(change, guest.vmid)
            .into_iter()
            .find(|need| !need.is_met(permissions))
    {
        return Some(need.to_string());
    }
    if let Some(job) = state.jobs.on(&guest.to_ref()) {
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
        Change::Power => guest.template.then(|| "a template cannot run".to_owned()),
        Change::Prune => None,
    }
}

/// Names what a change needs in any case; the form names the rest when it is filled in.
fn needs(change: Change, vmid: Vmid) -> Vec<Need> {
    let on = |privilege| vec![Need::on_guest(privilege, vmid)];
    match change {
        Change::Snapshot | Change::DeleteSnapshot | Change::KeepMark => on("VM.Snapshot"),
        Change::RollBack => {
            vec![
                Need::on_guest("VM.Snapshot", vmid)
                    .or(Need::on_guest("VM.Snapshot.Rollback", vmid)),
            ]
        }
        Change::Clone => on("VM.Clone"),
        Change::Power => on("VM.PowerMgmt"),
        Change::Prune => Vec::new(),
    }
}
