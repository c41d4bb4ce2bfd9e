//! Lets a disk grow; a disk never shrinks.

use super::errand::{Errand, carry_out};
use super::{Context, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::GuestRef;
use crate::domain::operation::{Outcome, Product, Report};
use crate::domain::task::Upid;
use crate::domain::units::Size;
use crate::proxmox::{Client, Error};

/// Lets a guest's boot disk grow to a size; one that is as large already is left alone.
pub(super) async fn grow(context: Context<'_>, guest: &GuestRef, size: Size) -> Report {
    let config = match context.client.guests().config(guest).await {
        Ok(config) => config,
        Err(error) => return Report::new(Outcome::Failed(Box::new(error.into()))),
    };
    let Some(drive) = config.boot_drive() else {
        let text = format!("{guest} has no disk to start from");
        let failure = Failure::new(FailureKind::Refused, text);
        return Report::new(Outcome::Failed(Box::new(failure)));
    };
    if drive.size.is_some_and(|now| now >= size.bytes()) {
        return Report::new(Outcome::Done);
    }
    let step = format!("growing {} of {guest} to {size}", drive.key);
    context.reporter.step(step).await;
    let errand = Growth {
        guest,
        drive: &drive.key,
        size,
    };
    let mut report = carry_out(context, &errand, &[]).await.report;
    // PVE 7 grows a disk without a task, and the size speaks for itself in any case.
    if matches!(report.outcome, Outcome::Unknown(_))
        && let Ok(false) = errand.is_untouched(context.client, guest).await
    {
        report.outcome = Outcome::Done;
    }
    report
}

/// The growth of a disk.
struct Growth<'a> {
    guest: &'a GuestRef,
    drive: &'a str,
    size: Size,
}

impl Errand for Growth<'_> {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        &["resize"]
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        client.guests().resize(guest, self.drive, self.size).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        let config = client.guests().config(guest).await?;
        let drives = config.drives();
        let now = drives.iter().find(|drive| drive.key == self.drive);
        let size = now.and_then(|drive| drive.size);
        Ok(size.is_none_or(|size| size < self.size.bytes()))
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        match self.is_untouched(context.client, guest).await {
            Ok(false) => (outcome, None),
            Ok(true) => {
                let text = format!(
                    "the task ended well, but {} is not {} large",
                    self.drive, self.size
                );
                let failure = Failure::new(FailureKind::TaskFailed, text);
                (Outcome::Failed(Box::new(failure)), None)
            }
            Err(error) => (unverified(error), None),
        }
    }
}
