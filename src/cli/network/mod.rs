//! `proxdeck network`: what a network profile changes about guests, applying it, and what would pass.

mod apply;
mod look;
mod plan;
mod test;

use clap::Subcommand;

use super::output::Output;
use super::setup::Setup;
use super::target::Target;
use super::{Exit, interruptible};
use crate::runtime::Ending;

use apply::Apply;
use test::Test;

/// Fence guests in with the network profiles of the config
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck network plan 104 api_access               what would change, call by call\n  \
    proxdeck network apply 104 api_access --trial 60   put back after 60 s unless kept\n  \
    proxdeck network apply 104 105 api_access --yes\n  \
    proxdeck network apply 118 api_access --put-back   undo what a trial left behind\n  \
    proxdeck network test 104 api.github.com:443       would it pass, and by which rule")]
pub(super) struct Network {
    #[command(subcommand)]
    command: NetworkCommand,
}

#[derive(Debug, Subcommand)]
enum NetworkCommand {
    /// Show what a profile would change about guests; nothing is written
    Plan(Plan),
    /// Apply a profile to guests, for good or on trial
    Apply(Apply),
    /// Tell whether a connection of a guest would pass its firewall, and what decides it
    Test(Test),
}

/// The guests and the profile, as every form names them.
#[derive(Debug, clap::Args)]
struct Wanted {
    /// The guests, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID", required = true)]
    targets: Vec<Target>,

    /// The profile, by its name in the config
    #[arg(value_name = "PROFILE", required = true)]
    profile: String,
}

#[derive(Debug, clap::Args)]
struct Plan {
    #[command(flatten)]
    wanted: Wanted,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Network {
    /// Tells whether the result is wanted as a JSON document.
    pub(super) fn json(&self) -> bool {
        match &self.command {
            NetworkCommand::Plan(plan) => plan.json,
            NetworkCommand::Apply(apply) => apply.json,
            NetworkCommand::Test(test) => test.json,
        }
    }

    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        match &self.command {
            NetworkCommand::Plan(plan) => plan.run(setup, output).await,
            NetworkCommand::Apply(apply) => apply.run(setup, output).await,
            NetworkCommand::Test(test) => test.run(setup, output).await,
        }
    }
}

impl Plan {
    async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let profile = look::profile_of(&self.wanted.profile, setup)?;
        let mut ending = Ending::listen()?;
        let looking = look::Look::take(&self.wanted.targets, setup, output);
        let look = interruptible(&mut ending, looking).await?;
        let resolving = look.resolve(profile);
        let resolved = interruptible(&mut ending, async { Ok(resolving.await) }).await?;
        let plans = look.plans(profile, &resolved);
        if self.json {
            plan::print(&plans, &look, output);
        } else {
            plan::tell(&plans, &look, output);
        }
        Ok(Exit::Done)
    }
}
