//! The wish that a guest's power change, and what is possible in which state.

use super::{Field, Objection, Objections};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::id::GuestKind;
use crate::domain::operation::{Operation, Power, PowerAction};

/// The longest time limit that makes sense: a day.
const LONGEST_TIMEOUT: u32 = 86_400;

/// The wish that a guest's power change.
#[derive(Debug, Clone, PartialEq)]
pub struct PowerRequest {
    /// The guest, as it was when the form was opened.
    pub guest: GuestRef,
    /// What is to be done.
    pub action: PowerAction,
    /// For how long a shutdown or reboot may take; absent: as long as the server grants (60 s).
    pub timeout_seconds: Option<u32>,
    /// Whether a stop gives up a shutdown that is still running; servers before 8.1 refuse it.
    pub overrule_shutdown: bool,
}

impl PowerRequest {
    /// Makes the plain wish, without a time limit of its own.
    pub fn new(guest: GuestRef, action: PowerAction) -> Self {
        Self {
            guest,
            action,
            timeout_seconds: None,
            overrule_shutdown: false,
        }
    }

    /// Checks the wish against the guest as it is now.
    pub fn check(&self, guest: Option<&Guest>) -> Result<Operation, Vec<Objection>> {
        let mut objections = Objections::default();
        let guest = objections.same_guest(&self.guest, guest);
        if let Some(guest) = guest {
            objections.add_some(Field::Whole, refuses_power(guest, self.action));
        }
        match self.timeout_seconds {
            Some(_) if !self.action.takes_timeout() => {
                objections.add(
                    Field::Timeout,
                    format!("a {} takes no time limit", self.action),
                );
            }
            Some(0) => objections.add(Field::Timeout, "a time limit is at least 1 second"),
            Some(seconds) if seconds > LONGEST_TIMEOUT => {
                objections.add(Field::Timeout, "a time limit is at most a day");
            }
            Some(_) | None => {}
        }
        objections.or(guest.map(|guest| {
            Operation::Power(Power::new(
                guest.to_ref(),
                self.action,
                self.timeout_seconds,
                self.overrule_shutdown,
                guest.ha_state.is_some(),
            ))
        }))
    }
}

/// Says why a guest's power cannot be changed so now, if so (API.md §8, recordings 150–184, 905–933).
///
/// A guest of unknown state is refused nothing that its server may still grant.
pub fn refuses_power(guest: &Guest, action: PowerAction) -> Option<String> {
    if guest.template {
        return Some("a template cannot run".to_owned());
    }
    if guest.kind == GuestKind::Lxc
        && let Some(reason) = refuses_container(action)
    {
        return Some(reason.to_owned());
    }
    let is_suspended = guest
        .lock
        .as_ref()
        .is_some_and(|lock| lock.raw() == "suspended");
    if let Some(lock) = &guest.lock
        && !is_suspended
    {
        return Some(format!("locked ({lock})"));
    }
    let status = if is_suspended {
        &Status::Suspended
    } else {
        &guest.status
    };
    refuses_in_state(status, action).map(str::to_owned)
}

fn refuses_container(action: PowerAction) -> Option<&'static str> {
    match action {
        PowerAction::Reset => Some("a container has no reset button; reboot or stop it"),
        PowerAction::Suspend | PowerAction::Resume => {
            Some("holding containers is an experiment of Proxmox VE and not offered")
        }
        PowerAction::Start | PowerAction::Shutdown | PowerAction::Stop | PowerAction::Reboot => {
            None
        }
    }
}

fn refuses_in_state(status: &Status, action: PowerAction) -> Option<&'static str> {
    use PowerAction as Do;
    match status {
        Status::Unknown => None,
        Status::Stopped => match action {
            Do::Start => None,
            Do::Resume => Some("not running; start it"),
            Do::Shutdown | Do::Stop | Do::Reboot | Do::Reset | Do::Suspend => Some("not running"),
        },
        Status::Suspended => match action {
            Do::Start | Do::Resume => None,
            Do::Shutdown | Do::Stop | Do::Reboot | Do::Reset | Do::Suspend => {
                Some("suspended to disk; resume it first")
            }
        },
        Status::Paused => match action {
            Do::Start => Some("paused: it is running already; resume it"),
            Do::Shutdown | Do::Reboot => {
                Some("paused: its operating system hears nothing; resume it first")
            }
            Do::Suspend => Some("paused already"),
            Do::Resume | Do::Reset | Do::Stop => None,
        },
        Status::Running => match action {
            Do::Start => Some("running already"),
            Do::Resume => Some("running, not paused"),
            Do::Shutdown | Do::Stop | Do::Reboot | Do::Reset | Do::Suspend => None,
        },
        Status::Prelaunch | Status::IoError | Status::InternalError | Status::Other(_) => (action
            == Do::Start)
            .then_some("its process is there already; resume, reset or stop it"),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::samples::guest;
    use super::*;

    fn possible(guest: &Guest) -> Vec<&'static str> {
        PowerAction::ALL
            .into_iter()
            .filter(|action| refuses_power(guest, *action).is_none())
            .map(PowerAction::as_str)
            .collect()
    }

    fn in_state(status: Status) -> Guest {
        Guest { status, ..guest() }
    }

    #[test]
    fn each_state_allows_what_makes_sense_in_it() {
        assert_eq!(possible(&in_state(Status::Stopped)), ["start"]);
        assert_eq!(
            possible(&in_state(Status::Running)),
            ["shutdown", "reboot", "suspend", "reset", "stop"]
        );
        assert_eq!(
            possible(&in_state(Status::Paused)),
            ["resume", "reset", "stop"]
        );
        assert_eq!(
            possible(&in_state(Status::IoError)),
            ["shutdown", "reboot", "suspend", "resume", "reset", "stop"]
        );
        assert_eq!(possible(&in_state(Status::Unknown)).len(), 7);
    }

    #[test]
    fn templates_locks_and_containers_have_limits_of_their_own() {
        let template = Guest {
            template: true,
            ..guest()
        };
        assert!(possible(&template).is_empty());
        let locked = Guest {
            lock: Some("backup".into()),
            ..guest()
        };
        assert!(possible(&locked).is_empty());
        let suspended = Guest {
            lock: Some("suspended".into()),
            status: Status::Stopped,
            ..guest()
        };
        assert_eq!(possible(&suspended), ["start", "resume"]);
        let container = Guest {
            kind: GuestKind::Lxc,
            ..guest()
        };
        assert_eq!(possible(&container), ["shutdown", "reboot", "stop"]);
    }

    #[test]
    fn a_time_limit_is_sent_only_where_it_means_something() {
        let mut request = PowerRequest::new(guest().to_ref(), PowerAction::Shutdown);
        request.timeout_seconds = Some(180);
        let call = request.check(Some(&guest())).unwrap().calls().remove(0);
        assert_eq!(
            call.to_string(),
            "POST /nodes/pve1/qemu/104/status/shutdown  timeout=180"
        );
        request.timeout_seconds = Some(0);
        assert!(request.check(Some(&guest())).is_err());
        request.action = PowerAction::Stop;
        request.timeout_seconds = Some(5);
        assert!(request.check(Some(&guest())).is_err());
    }

    #[test]
    fn a_stop_overrules_a_shutdown_except_under_high_availability() {
        let mut request = PowerRequest::new(guest().to_ref(), PowerAction::Stop);
        request.overrule_shutdown = true;
        let calls = request.check(Some(&guest())).unwrap().calls();
        assert_eq!(calls[0].parameters, [("overrule-shutdown", "1".to_owned())]);
        let managed = Guest {
            ha_state: Some("started".into()),
            ..guest()
        };
        let calls = request.check(Some(&managed)).unwrap().calls();
        assert_eq!(calls[0].parameters, []);
    }
}
