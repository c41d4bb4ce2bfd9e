//! `proxdeck snapshot`: list, take, delete and keep snapshots.

mod alter;
mod create;
mod list;
pub(super) mod read;
mod row;

use clap::Subcommand;

use super::output::Output;
use super::setup::Setup;
use super::{Exit, interruptible};
use crate::runtime::Ending;

/// List, take, delete or keep snapshots
#[derive(Debug, clap::Args)]
pub(super) struct Snapshot {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    List(list::List),
    Create(create::Create),
    Delete(alter::Delete),
    Keep(alter::Keep),
}

impl Snapshot {
    /// Tells whether the result is wanted as a JSON document.
    pub(super) fn json(&self) -> bool {
        match &self.task {
            Task::List(list) => list.json,
            Task::Create(create) => create.json,
            Task::Delete(delete) => delete.json,
            Task::Keep(keep) => keep.json,
        }
    }

    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        match &self.task {
            Task::List(list) => {
                interruptible(&mut Ending::listen()?, list.run(setup, output)).await
            }
            Task::Create(create) => create.run(setup, output).await,
            Task::Delete(delete) => delete.run(setup, output).await,
            Task::Keep(keep) => keep.run(setup, output).await,
        }
    }
}
