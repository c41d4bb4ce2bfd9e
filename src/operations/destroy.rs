//! Destroys a guest and makes sure that it is gone.

use std::time::Duration;

use super::errand::{Errand, carry_out};
use super::lookup::{Whereabouts, whereabouts};
use super::{Context, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::operation::{DestroyGuest, Outcome, Product, Report};
use crate::domain::request::refuses_destruction_in;
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::proxmox::{Client, Error};

/// The lock on what is left of a guest whose disks are gone (API.md §6).
const DESTROYED: &str = "destroyed";
/// How often the cluster's list is read until the guest has left it.
const LOOKS: u32 = 4;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Destroys a guest: looks at it once more, asks, follows the task, and looks whether it is gone.
pub(super) async fn destroy(context: Context<'_>, operation: &DestroyGuest) -> Report {
    let step = format!("looking at {} once more", operation.guest());
    context.reporter.step(step).await;
    let errands = carry_out(context, operation, &[]).await;
    let mut report = errands.report;
    match &mut report.outcome {
        Outcome::Done | Outcome::Warnings(_) => return report,
        Outcome::Failed(failure) | Outcome::Unknown(failure) => explain(failure),
        Outcome::Stopped => {}
    }
    // Without a task a refusal came before any work, but an unknown end may be any.
    let may_be_gone = report.upid.is_some() || matches!(report.outcome, Outcome::Unknown(_));
    if may_be_gone && let Ok(Presence::Gone) = presence(context, &errands.guest).await {
        let note = format!("{} is gone, whoever removed it", errands.guest);
        report.notes.push(note);
    }
    report
}

/// Says in better words what the server gave as its reason.
fn explain(failure: &mut Failure) {
    let text = failure.message.raw();
    if text.contains("still in use by linked clone") {
        failure.message = Text::new(format!("linked clones stand on its disks: {text}"));
        "destroy the linked clones first, or make whole copies of them; nothing was removed"
            .clone_into(&mut failure.advice);
    } else if text.contains("purge parameter not set") || text.contains("replication job") {
        "high availability or replication still knows it; destroy it with purge, which takes it out of there"
            .clone_into(&mut failure.advice);
    } else if text.contains("protection mode enabled") {
        "take the protection out of its options first; nothing was removed"
            .clone_into(&mut failure.advice);
    }
}

impl Errand for DestroyGuest {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest()
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        self.task_kinds()
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        let state = client.guests().state(guest).await?;
        let refuse = |kind, reason: String| Err(Error::unsent(kind, format!("{guest}: {reason}")));
        // A guest that was made seconds ago has no name in the list yet; its mark must do.
        let is_known = state.name == guest.name || (guest.name.is_none() && self.stamp().is_some());
        if !is_known {
            let name = state
                .name
                .map_or_else(|| "nameless".into(), |it| it.to_string());
            return refuse(FailureKind::Conflict, format!("its name is {name} now"));
        }
        if let Some(reason) = refuses_destruction_in(&state.status, state.lock.as_ref()) {
            let kind = match &state.lock {
                Some(_) => FailureKind::Locked,
                None => FailureKind::Refused,
            };
            return refuse(kind, reason);
        }
        if state.ha_managed && !self.purges() {
            let reason = "high availability manages it; it goes only with purge";
            return refuse(FailureKind::Refused, reason.to_owned());
        }
        let config = client.guests().config(guest).await?;
        if config.is_protected() {
            let reason = "it is protected; take the protection out of its options first";
            return refuse(FailureKind::Refused, reason.to_owned());
        }
        if let Some(lock) = config.lock() {
            return refuse(FailureKind::Locked, format!("locked ({lock})"));
        }
        if let Some(stamp) = self.stamp()
            && !stamp.is_on(config.description())
        {
            let reason = format!("it does not carry our mark {}", stamp.nonce());
            return refuse(FailureKind::Conflict, reason);
        }
        Ok(())
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        client.guests().destroy(guest, self.purges()).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        // What has begun to go has lost its name and holds a lock.
        Ok(client.guests().state(guest).await?.name == guest.name)
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context.reporter.step("making sure that it is gone").await;
        let outcome = match presence(context, guest).await {
            Ok(Presence::Gone) => outcome,
            Ok(Presence::There(what)) => {
                let text = format!("the task ended well, but {what}");
                Outcome::Failed(Box::new(Failure::new(FailureKind::TaskFailed, text)))
            }
            Ok(Presence::Contradictory(what)) => {
                let text = format!("the task ended well, but {what}");
                Outcome::Unknown(Box::new(Failure::new(FailureKind::Conflict, text)))
            }
            Err(error) => unverified(error),
        };
        (outcome, None)
    }
}

/// Whether a guest is there, as far as the server tells.
enum Presence {
    /// It is nowhere, or its number belongs to another guest.
    Gone,
    /// It, or something of it, is still there.
    There(String),
    /// Two answers of the server do not go together.
    Contradictory(String),
}

/// Looks for a guest on its node and in the cluster's list.
async fn presence(context: Context<'_>, guest: &GuestRef) -> Result<Presence, Error> {
    let client = context.client;
    let is_hidden = match client.guests().state(guest).await {
        Ok(state)
            if state
                .lock
                .as_ref()
                .is_some_and(|lock| lock.raw() == DESTROYED) =>
        {
            let what = format!("what is left of {guest} holds the lock `{DESTROYED}`");
            return Ok(Presence::There(what));
        }
        Ok(state) if state.name == guest.name => {
            return Ok(Presence::There(format!("{guest} is still there")));
        }
        // Somebody else has the number.
        Ok(_) => return Ok(Presence::Gone),
        Err(error) if error.kind() == FailureKind::NoSuchGuest => false,
        // Rights that came with the guest or with its pool went with it (recording 382).
        Err(error) if error.kind() == FailureKind::Forbidden => true,
        Err(error) => return Err(error),
    };
    for look in 1.. {
        let what = match whereabouts(client, guest).await? {
            Whereabouts::Gone => break,
            Whereabouts::Here => format!("the cluster still lists {guest}"),
            Whereabouts::Elsewhere(found) => {
                format!("the cluster lists {guest} on node {}", found.node)
            }
        };
        if look == LOOKS || context.reporter.pause(PAUSE).await {
            return Ok(Presence::Contradictory(what));
        }
    }
    // Of what may not be seen the list says nothing; whether the number is free, everybody may ask.
    if !is_hidden {
        return Ok(Presence::Gone);
    }
    if client.cluster().is_free(guest.vmid).await? {
        return Ok(Presence::Gone);
    }
    let what = format!("{guest} may not be seen any more, and its number is not free");
    Ok(Presence::Contradictory(what))
}
