//! Takes a snapshot and makes sure that it is there.

use super::errand::{Errand, Errands, carry_out};
use super::lookup::still_meant;
use super::{Context, unverified};
use crate::domain::bracket::is_still_of;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::operation::{Outcome, Product, SizeEstimate, SnapshotFacts, TakeSnapshot};
use crate::domain::snapshot::Snapshot;
use crate::domain::task::Upid;
use crate::proxmox::endpoints::SnapshotSpec;
use crate::proxmox::{Client, Error};

/// Takes a snapshot: asks, follows the task, and looks for the snapshot in the guest's list.
///
/// A task that ends well without the snapshot is `SnapshotMissing`; one that fails is
/// `SnapshotFailed`, with the last lines of its log (SPEC §5.4).
pub(super) async fn take(context: Context<'_>, operation: &TakeSnapshot) -> Errands {
    let step = format!("asking for snapshot {}", operation.name());
    context.reporter.step(step).await;
    carry_out(context, operation, &[]).await
}

impl Errand for TakeSnapshot {
    const FAILURE: FailureKind = FailureKind::SnapshotFailed;

    fn guest(&self) -> &GuestRef {
        self.guest()
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        match self.guest().kind {
            GuestKind::Qemu => &["qmsnapshot"],
            GuestKind::Lxc => &["vzsnapshot"],
        }
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        still_meant(client, guest).await.map(|_| ())
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        let spec = SnapshotSpec {
            name: self.name(),
            description: self.description(),
            ram: self.with_ram(),
        };
        client.guests().snapshot(guest, spec).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        let list = client.guests().snapshots(guest).await?;
        Ok(list.find(self.name().as_str()).is_none())
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context
            .reporter
            .step("looking for it in the guest's list")
            .await;
        let list = match context.client.guests().snapshots(guest).await {
            Ok(list) => list,
            Err(error) => return (unverified(error), None),
        };
        match list.find(self.name().as_str()) {
            Some(found) if !is_still_of(self.description(), found.description.raw()) => {
                let text = format!("somebody else's {} was there before", self.name());
                let failure = Failure::new(FailureKind::SnapshotMissing, text);
                (Outcome::Failed(Box::new(failure)), None)
            }
            Some(found) if found.unfinished.is_none() => {
                let size = estimate(context.client, guest, found).await;
                (outcome, Some(Product::Snapshot(facts(found, size))))
            }
            Some(_) | None => {
                let text = format!(
                    "the task ended well, but {} is not in the guest's list",
                    self.name()
                );
                let failure = Failure::new(FailureKind::SnapshotMissing, text);
                (Outcome::Failed(Box::new(failure)), None)
            }
        }
    }
}

fn facts(snapshot: &Snapshot, size: SizeEstimate) -> SnapshotFacts {
    SnapshotFacts {
        name: snapshot.name.clone(),
        taken: snapshot.taken,
        parent: snapshot.parent.clone(),
        has_ram: snapshot.has_ram,
        description: snapshot.description.clone(),
        size,
    }
}

/// Estimates a snapshot's size from what may be read: its memory's volume, else its disks' sizes.
async fn estimate(client: &Client, guest: &GuestRef, snapshot: &Snapshot) -> SizeEstimate {
    let name = snapshot.name.raw();
    let Ok(config) = client.guests().snapshot_config(guest, name).await else {
        return SizeEstimate::Unknown;
    };
    // The frozen configuration names the volume that holds the memory: `vmstore:101/vm-101-state-NAME.raw`.
    let volume = config.get("vmstate").map(|volume| volume.raw().to_owned());
    if let Some(volume) = volume
        && let Some((storage, _)) = volume.split_once(':')
        && let Ok(storage) = storage.parse()
        && let Ok(images) = client
            .storage()
            .images(&guest.node, &storage, guest.vmid)
            .await
        && let Some(found) = images.iter().find(|image| image.id == volume)
        && let Some(size) = found.used.filter(|used| *used > 0).or(found.size)
    {
        return SizeEstimate::Ram(size);
    }
    config
        .disk_size()
        .map_or(SizeEstimate::Unknown, SizeEstimate::AtMost)
}
