//! `proxdeck bracket`: the same-named snapshot over several guests, taken, listed, restored, dropped.

mod change;
mod create;
mod list;
mod restore;
mod view;

use clap::Subcommand;

use super::output::Output;
use super::setup::Setup;
use super::{Exit, interruptible};
use crate::runtime::Ending;

/// Take the same snapshot of several guests, and later roll all back or drop all
///
/// A bracket NAME is a snapshot br-NAME of each guest. Their descriptions carry a nonce, so that
/// two brackets of one name never mix; NAME@NONCE means one of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck bracket create before-upgrade 104 109 110 --ram\n  \
    proxdeck bracket list\n  \
    proxdeck bracket restore release-7\n  \
    proxdeck bracket restore release-7@7f3a91c2 110 --yes\n  \
    proxdeck bracket drop release-7\n\n\
    After a partial failure the same create takes what is missing, and the same drop deletes what is \
    left; a restore says how to roll back those alone that did not go back.")]
pub(super) struct Bracket {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Create(create::Create),
    List(list::List),
    Restore(restore::Restore),
    Drop(change::Drop),
}

impl Bracket {
    /// Tells whether the result is wanted as a JSON document.
    pub(super) fn json(&self) -> bool {
        match &self.task {
            Task::Create(create) => create.json,
            Task::List(list) => list.json,
            Task::Restore(restore) => restore.json,
            Task::Drop(drop) => drop.json,
        }
    }

    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        match &self.task {
            Task::List(list) => {
                interruptible(&mut Ending::listen()?, list.run(setup, output)).await
            }
            Task::Create(create) => create.run(setup, output).await,
            Task::Restore(restore) => restore.run(setup, output).await,
            Task::Drop(drop) => drop.run(setup, output).await,
        }
    }
}
