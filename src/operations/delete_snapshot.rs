//! Deletes a snapshot and makes sure that it is gone.

use super::errand::{Errand, carry_out};
use super::lookup::still_meant;
use super::{Context, unverified};
use crate::domain::bracket::is_still_of;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::operation::{DeleteSnapshot, Outcome, Product, Report};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::task::Upid;
use crate::proxmox::{Client, Error};

/// Deletes a snapshot: looks whether it is still the one that was meant, asks, follows, and looks again.
pub(super) async fn delete(context: Context<'_>, operation: &DeleteSnapshot) -> Report {
    let (guest, snapshot) = (operation.guest(), operation.snapshot());
    let step = format!("asking for the deletion of {}", snapshot.name);
    context.reporter.step(step).await;
    let deletion = Deletion { guest, snapshot };
    carry_out(context, &deletion, &[]).await.report
}

/// Makes sure that guest and snapshot are those that were meant, wherever the guest is now.
pub(super) async fn both_still_meant(
    client: &Client,
    guest: &GuestRef,
    snapshot: &Snapshot,
) -> Result<(), Error> {
    still_meant(client, guest).await?;
    let list = client.guests().snapshots(guest).await?;
    match changed(&list, snapshot) {
        Some(reason) => Err(Error::unsent(FailureKind::Conflict, reason)),
        None => Ok(()),
    }
}

/// Says how a snapshot differs from what it was, if it is not the one that was meant any more.
pub(super) fn changed(list: &SnapshotList, meant: &Snapshot) -> Option<String> {
    let name = &meant.name;
    match list.find(name.raw()) {
        None => Some(format!("{name} is gone")),
        Some(found) if found.taken != meant.taken => {
            Some(format!("{name} has another date now: it was made anew"))
        }
        Some(found) if !is_still_of(meant.description.raw(), found.description.raw()) => Some(
            format!("{name} no longer belongs to the bracket that was meant"),
        ),
        Some(found) => found
            .unfinished
            .as_ref()
            .map(|state| format!("{name} is unfinished ({state})")),
    }
}

/// The deletion of one snapshot, alone or as a part of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deletion<'a> {
    pub(super) guest: &'a GuestRef,
    pub(super) snapshot: &'a Snapshot,
}

impl Errand for Deletion<'_> {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        match self.guest.kind {
            GuestKind::Qemu => &["qmdelsnapshot"],
            GuestKind::Lxc => &["vzdelsnapshot"],
        }
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        both_still_meant(client, guest, self.snapshot).await
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        let name = self.snapshot.name.raw();
        client.guests().delete_snapshot(guest, name).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        let list = client.guests().snapshots(guest).await?;
        Ok(changed(&list, self.snapshot).is_none())
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context
            .reporter
            .step("making sure that it left the guest's list")
            .await;
        let outcome = match context.client.guests().snapshots(guest).await {
            Err(error) => unverified(error),
            Ok(list) => match list.find(self.snapshot.name.raw()) {
                // One of the same name that was made meanwhile is not the one that was deleted.
                Some(found) if found.taken == self.snapshot.taken => {
                    let text = format!(
                        "the task ended well, but {} is still in the guest's list",
                        self.snapshot.name
                    );
                    Outcome::Failed(Box::new(Failure::new(FailureKind::TaskFailed, text)))
                }
                Some(_) | None => outcome,
            },
        };
        (outcome, None)
    }
}
