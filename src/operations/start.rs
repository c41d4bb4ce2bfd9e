//! Starts a guest as the last step of another change.

use super::errand::Errand;
use super::{Context, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{GuestRef, Status};
use crate::domain::id::GuestKind;
use crate::domain::operation::{Outcome, Product};
use crate::domain::task::Upid;
use crate::proxmox::{Client, Error};

/// The start of a guest.
pub(super) struct Start<'a> {
    pub(super) guest: &'a GuestRef,
}

impl Errand for Start<'_> {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        match self.guest.kind {
            GuestKind::Qemu => &["qmstart", "hastart"],
            GuestKind::Lxc => &["vzstart", "hastart"],
        }
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        client.guests().start_up(guest).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        Ok(client.guests().state(guest).await?.status == Status::Stopped)
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        match context.client.guests().state(guest).await {
            Ok(state) if state.status == Status::Running => (outcome, None),
            Ok(state) => {
                let text = format!("the task ended well, but the guest is {}", state.status);
                let failure = Failure::new(FailureKind::TaskFailed, text);
                (Outcome::Failed(Box::new(failure)), None)
            }
            Err(error) => (unverified(error), None),
        }
    }
}
