//! `proxdeck power`: start and stop guests.

use clap::ValueEnum;

use super::change::{self, Change, Step};
use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::target::{self, Target};
use super::{Exit, confirm, interruptible};
use crate::domain::operation::PowerAction;
use crate::domain::request::PowerRequest;
use crate::runtime::Ending;

/// Start or stop guests, one after another
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck power start 106\n  \
    proxdeck power shutdown 104=agent-build-4 105 --yes")]
pub(super) struct Power {
    /// What to do
    #[arg(value_enum)]
    action: Action,

    /// The guests, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID", required = true)]
    targets: Vec<Target>,

    /// Do not ask before what interrupts a guest
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    Start,
    Shutdown,
    Stop,
    Reboot,
    Reset,
    Resume,
}

impl From<Action> for PowerAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Start => Self::Start,
            Action::Shutdown => Self::Shutdown,
            Action::Stop => Self::Stop,
            Action::Reboot => Self::Reboot,
            Action::Reset => Self::Reset,
            Action::Resume => Self::Resume,
        }
    }
}

impl Power {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let action = PowerAction::from(self.action);
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, action);
        let (session, reading, changes) = interruptible(&mut ending, prepare).await?;
        if action.interrupts() {
            let names: Vec<String> = changes
                .iter()
                .map(|change| change.guest.to_string())
                .collect();
            let (question, word) = match names.as_slice() {
                [only] => (
                    format!("{action} {only}"),
                    changes[0].guest.vmid.to_string(),
                ),
                several => (
                    format!("{action} {} guests: {}", several.len(), several.join(", ")),
                    several.len().to_string(),
                ),
            };
            confirm::require(self.yes, &question, &word, output, &mut ending).await?;
        }
        let carried = change::carry_out(
            &session,
            setup,
            output,
            &mut ending,
            action.as_str(),
            changes,
        )
        .await;
        let schema = self.json.then_some("proxdeck.power/1");
        carried.print(schema, &session.cluster, reading.time, output);
        Ok(carried.exit())
    }

    async fn prepare(
        &self,
        setup: &Setup,
        action: PowerAction,
    ) -> anyhow::Result<(Session, Reading, Vec<Change>)> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guests = target::find_all(&self.targets, &reading.guests)?;
        change::require_answering(&guests)?;
        let permissions = session.client.access().permissions().await?;
        let mut changes = Vec::new();
        let mut refused = Vec::new();
        for guest in guests {
            match PowerRequest::new(guest.to_ref(), action).check(Some(guest)) {
                Ok(operation) => changes.push(Change {
                    guest: guest.to_ref(),
                    subject: String::new(),
                    step: Step::Do(Box::new(operation)),
                }),
                Err(objections) => refused.extend(change::objected(&guest.to_ref(), &objections)),
            }
        }
        change::require_privileges(&session.client, &changes, permissions).await?;
        if !refused.is_empty() {
            return Err(change::refused(&refused).into());
        }
        Ok((session, reading, changes))
    }
}
