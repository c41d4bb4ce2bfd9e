//! The stuck-lock doctor on the screen: what a guest's lock means, and what frees it.

use std::time::Duration;

use super::Reply;
use crate::app::action::Action;
use crate::app::effect::Ticket;
use crate::app::remote::Remote;
use crate::domain::alert::{LockAdvice, explain_lock, is_worker_of};
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::permission::Permissions;
use crate::domain::task::Task;
use crate::domain::time::Moment;

/// The tasks are looked at again so often, because one may begin at any time.
const LIVE: Duration = Duration::from_secs(5);

/// What is known about one guest's lock.
#[derive(Debug, Clone, PartialEq)]
pub struct LockDialog {
    /// The guest.
    pub guest: GuestRef,
    /// The tasks that run on it.
    pub running: Remote<Vec<Task>>,
    /// What is to be said; absent when the lock is gone.
    pub advice: Option<LockAdvice>,
}

impl LockDialog {
    pub(in crate::app) fn new(guest: GuestRef) -> Self {
        Self {
            guest,
            running: Remote::default(),
            advice: None,
        }
    }

    /// Tells whether the tasks are to be asked for.
    pub(in crate::app) fn is_due(&self, now: Moment) -> bool {
        self.running.is_due(now, LIVE)
    }

    pub(in crate::app) fn ask(&mut self, ticket: Ticket) {
        self.running.ask(ticket);
    }

    pub(in crate::app) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<Vec<Task>, Failure>,
    ) {
        self.running.settle(ticket, now, result);
    }

    /// Judges the lock by what is known now.
    pub(in crate::app) fn check<'a>(
        &mut self,
        guest: Option<&Guest>,
        ended: impl IntoIterator<Item = &'a Task>,
        permissions: Option<&Permissions>,
    ) {
        let lock = guest.and_then(|guest| guest.lock.as_ref());
        self.advice = lock.map(|lock| {
            let last = ended
                .into_iter()
                .filter(|task| {
                    task.ended.is_some()
                        && task.upid.vmid() == Some(self.guest.vmid)
                        && is_worker_of(lock.raw(), task.upid.kind())
                })
                .max_by_key(|task| task.ended);
            // What failed to be read now is not known now, whatever was read before.
            let running = match self.running.failure() {
                Some(_) => None,
                None => self.running.value().map(Vec::as_slice),
            };
            let lock = lock.to_string();
            explain_lock(&self.guest, &lock, running, last, permissions)
        });
    }

    pub(super) fn act(&self, action: Action) -> Reply {
        if action == Action::Quit {
            return Reply::Close;
        }
        let command = self.advice.as_ref().and_then(|each| each.command.as_ref());
        match (action, command) {
            (Action::Copy, Some(command)) => Reply::Copy(command.clone()),
            _ => Reply::Stay,
        }
    }
}
