//! `proxdeck snapshot`: list and take snapshots.

mod create;
mod list;
mod read;
mod row;

use clap::Subcommand;

use super::output::Output;
use super::setup::Setup;
use super::{Exit, interruptible};

/// List or take snapshots
#[derive(Debug, clap::Args)]
pub(super) struct Snapshot {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    List(list::List),
    Create(create::Create),
}

impl Snapshot {
    /// Tells whether the result is wanted as a JSON document.
    pub(super) fn json(&self) -> bool {
        match &self.task {
            Task::List(list) => list.json,
            Task::Create(create) => create.json,
        }
    }

    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        match &self.task {
            Task::List(list) => interruptible(list.run(setup, output)).await,
            Task::Create(create) => create.run(setup, output).await,
        }
    }
}
