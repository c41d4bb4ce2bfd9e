//! Whether an action is possible now, and why not.

use super::action::Action;
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

impl Availability {
    /// Tells whether the action is possible.
    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

/// Decides whether an action is possible; footer, palette, help and dispatch all ask here.
pub fn availability(state: &State, action: Action) -> Availability {
    match refusal(state, action) {
        Some(reason) => Availability::No(reason),
        None => Availability::Yes,
    }
}

fn refusal(state: &State, action: Action) -> Option<String> {
    match action {
        Action::Snapshot => writing(state, "VM.Snapshot"),
        _ => None,
    }
}

/// Says why a change to the selected guest is impossible.
fn writing(state: &State, privilege: &'static str) -> Option<String> {
    if state.setting.read_only {
        return Some("read-only".to_owned());
    }
    let Some(seen) = state.selected_guest() else {
        return Some("no guest".to_owned());
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
