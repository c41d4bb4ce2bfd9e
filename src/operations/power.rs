//! Changes a guest's power and makes sure of its state.

use std::time::Duration;

use super::errand::{Errand, carry_out};
use super::lookup::still_meant;
use super::{Context, unverified};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{GuestRef, LiveState, Status};
use crate::domain::operation::{Outcome, Power, PowerAction, PowerFacts, Product, Report};
use crate::domain::task::Upid;
use crate::proxmox::{Client, Error};

/// How often a guest is looked at until high availability has done what it was asked.
const LOOKS: u32 = 20;
/// The pause between two looks; its manager acts every 10 s.
const PAUSE: Duration = Duration::from_secs(3);

/// Changes a guest's power: asks, follows the task, and reads what the guest does now.
pub(super) async fn change(context: Context<'_>, operation: &Power) -> Report {
    let step = format!("asking for a {}", operation.action());
    context.reporter.step(step).await;
    let mut report = carry_out(context, operation, &[]).await.report;
    if operation.action() == PowerAction::Shutdown
        && let Outcome::Failed(failure) = &mut report.outcome
        && failure.message.raw().contains("got timeout")
        && failure.kind == FailureKind::TaskFailed
    {
        "the guest did not shut down in time and still runs; wait longer, or stop it"
            .clone_into(&mut failure.advice);
    }
    report
}

impl Errand for Power {
    const FAILURE: FailureKind = FailureKind::TaskFailed;

    fn guest(&self) -> &GuestRef {
        self.guest()
    }

    fn task_kinds(&self) -> &'static [&'static str] {
        self.task_kinds()
    }

    async fn look_again(&self, client: &Client, guest: &GuestRef) -> Result<(), Error> {
        still_meant(client, guest).await.map(|_| ())
    }

    async fn send(&self, client: &Client, guest: &GuestRef) -> Result<Upid, Error> {
        client.guests().power(self, guest).await
    }

    async fn is_untouched(&self, client: &Client, guest: &GuestRef) -> Result<bool, Error> {
        let state = client.guests().state(guest).await?;
        // A reset or reboot leaves no trace that tells it from none, and is therefore not repeated.
        let leaves_a_trace = !matches!(self.action(), PowerAction::Reset | PowerAction::Reboot);
        Ok(leaves_a_trace && !reached(self.action(), &state.status))
    }

    async fn verify(
        &self,
        context: Context<'_>,
        guest: &GuestRef,
        outcome: Outcome,
    ) -> (Outcome, Option<Product>) {
        context.reporter.step("reading what the guest does").await;
        let state = match settled(context, self, guest).await {
            Ok(state) => state,
            Err(error) => return (unverified(error), None),
        };
        let is_reached = reached(self.action(), &state.status);
        let facts = PowerFacts {
            requested: !is_reached && state.ha_managed,
            status: state.status,
        };
        if is_reached || facts.requested {
            return (outcome, Some(Product::Power(facts)));
        }
        let text = format!("the task ended well, but the guest is {}", facts.status);
        let failure = Failure::new(FailureKind::TaskFailed, text);
        (
            Outcome::Failed(Box::new(failure)),
            Some(Product::Power(facts)),
        )
    }

    fn proves_itself(&self) -> bool {
        !matches!(self.action(), PowerAction::Reset | PowerAction::Reboot)
    }
}

/// Reads the guest's state, again and again while high availability may still be at work.
async fn settled(
    context: Context<'_>,
    operation: &Power,
    guest: &GuestRef,
) -> Result<LiveState, Error> {
    let mut looks = 1;
    loop {
        let state = context.client.guests().state(guest).await?;
        let waits = state.ha_managed && !reached(operation.action(), &state.status);
        if !waits || looks == LOOKS {
            return Ok(state);
        }
        if looks == 1 {
            let step = "requested; waiting for high availability to do it";
            context.reporter.step(step).await;
        }
        looks += 1;
        if context.reporter.pause(PAUSE).await {
            return Ok(state);
        }
    }
}

/// Tells whether a state is what an action aims at.
fn reached(action: PowerAction, status: &Status) -> bool {
    match action {
        PowerAction::Start | PowerAction::Reboot | PowerAction::Resume => {
            *status == Status::Running
        }
        PowerAction::Shutdown | PowerAction::Stop => {
            matches!(status, Status::Stopped | Status::Suspended)
        }
        PowerAction::Suspend => matches!(status, Status::Paused | Status::Suspended),
        // A paused guest stays paused through a reset (recording 933).
        PowerAction::Reset => !matches!(status, Status::Stopped),
    }
}
