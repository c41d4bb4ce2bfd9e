//! Whether an action is possible now, and why not.

use super::action::{Action, Change};
use super::state::State;
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

/// Says why a change to the selected guest is impossible, if so.
fn refusal(state: &State, change: Change) -> Option<String> {
    if state.setting.read_only {
        return Some("read-only".to_owned());
    }
    let marked = state.guests.marks().len();
    if marked > 0 {
        return Some(format!(
            "{marked} marked; one guest at a time, Esc clears the marks"
        ));
    }
    let Some(seen) = state.selected_guest() else {
        return Some("no guest".to_owned());
    };
    let privilege = match change {
        Change::Snapshot => "VM.Snapshot",
    };
    let need = Need::on_guest(privilege, seen.guest.vmid);
    if let Some(permissions) = state.permissions.value()
        && !need.is_met(permissions)
    {
        return Some(need.to_string());
    }
    if let Some(job) = state.jobs.on(&seen.guest.to_ref()) {
        return Some(format!("busy: {}", job.title));
    }
    if !seen.vouched {
        return Some(format!("{} does not answer", seen.guest.node));
    }
    request::refuses_snapshots(&seen.guest)
}
