//! `proxdeck snapshot delete` and `keep`: what happens to one snapshot that exists.

use super::read::{self, Silent};
use crate::cli::carried::verb;
use crate::cli::change::{self, Change};
use crate::cli::connect::Session;
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::target::Target;
use crate::cli::{Exit, confirm, interruptible};
use crate::domain::guest::Guest;
use crate::domain::operation::Operation;
use crate::domain::request::{DeleteSnapshotRequest, KeepMarkRequest, Objection};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::text::clean;
use crate::runtime::Ending;

/// Delete a snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  proxdeck snapshot delete 104=agent-build-4 try-buildkit --yes")]
pub(in crate::cli) struct Delete {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    target: Target,

    /// The snapshot
    #[arg(value_name = "NAME")]
    name: String,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Mark a snapshot so that retention keeps it
#[derive(Debug, clap::Args)]
#[command(after_help = "The mark is #keep in the description, so that every operator sees it.")]
pub(in crate::cli) struct Keep {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    target: Target,

    /// The snapshot
    #[arg(value_name = "NAME")]
    name: String,

    /// Take the mark off
    #[arg(long)]
    off: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// What all these commands share.
struct Wish<'a> {
    target: &'a Target,
    name: &'a str,
    /// The word under which the result stands.
    operation: &'static str,
    schema: &'static str,
    json: bool,
    /// `None` where nothing has to be confirmed.
    yes: Option<bool>,
}

impl Delete {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let wish = Wish {
            target: &self.target,
            name: &self.name,
            operation: "delete-snapshot",
            schema: "proxdeck.snapshot.delete/1",
            json: self.json,
            yes: Some(self.yes),
        };
        let check = |guest: &Guest, snapshot: &Snapshot, list: &SnapshotList| {
            let request = DeleteSnapshotRequest {
                guest: guest.to_ref(),
                snapshot: snapshot.clone(),
            };
            request.check(Some(guest), Some(list))
        };
        wish.fulfil(setup, output, check).await
    }
}

impl Keep {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let wish = Wish {
            target: &self.target,
            name: &self.name,
            operation: "keep",
            schema: "proxdeck.snapshot.keep/1",
            json: self.json,
            yes: None,
        };
        let check = |guest: &Guest, snapshot: &Snapshot, list: &SnapshotList| {
            let request = KeepMarkRequest {
                guest: guest.to_ref(),
                snapshot: snapshot.clone(),
                keep: !self.off,
            };
            request.check(Some(guest), Some(list), &setup.rules.retention)
        };
        wish.fulfil(setup, output, check).await
    }
}

impl Wish<'_> {
    async fn fulfil(
        &self,
        setup: &Setup,
        output: &Output,
        check: impl Fn(&Guest, &Snapshot, &SnapshotList) -> Result<Operation, Vec<Objection>>,
    ) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, output, check);
        let (session, reading, change) = interruptible(&mut ending, prepare).await?;
        if let Some(yes) = self.yes {
            let verb = verb(self.operation);
            let question = format!("{verb} {} of {}", change.subject, change.guest);
            let word = change.guest.vmid.to_string();
            confirm::require(yes, &question, &word, output, &mut ending).await?;
        }
        let changes = vec![change];
        let ending = &mut ending;
        let carried =
            change::carry_out(&session, setup, output, ending, self.operation, changes).await;
        let schema = self.json.then_some(self.schema);
        carried.print(schema, &session.cluster, reading.time, output);
        Ok(carried.exit())
    }

    async fn prepare(
        &self,
        setup: &Setup,
        output: &Output,
        check: impl Fn(&Guest, &Snapshot, &SnapshotList) -> Result<Operation, Vec<Objection>>,
    ) -> anyhow::Result<(Session, Reading, Change)> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guest = self.target.find(&reading.guests)?;
        change::require_answering(&[guest])?;
        let permissions = session.client.access().permissions().await?;
        let lists = read::lists(&session.client, &[guest], Silent::Asked, setup, output).await;
        if let Some(unread) = lists.unread.into_iter().next() {
            return Err(unread.into_complaint().into());
        }
        let found = lists.read.first().and_then(|(_, list)| {
            let snapshot = list.find(self.name)?;
            Some((list, snapshot))
        });
        let Some((list, snapshot)) = found else {
            return Err(read::unknown(guest, self.name).into());
        };
        let operation = check(guest, snapshot, list).map_err(|objections| {
            change::refused(&change::objected(&guest.to_ref(), &objections))
        })?;
        let (client, subject) = (&session.client, clean(self.name));
        let whom = guest.to_ref();
        let change = Change::permitted(client, whom, subject, operation, permissions).await?;
        Ok((session, reading, change))
    }
}
