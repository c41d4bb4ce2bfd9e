//! `proxdeck restore`: return a guest to one of its snapshots, in place.
//!
//! What would be lost is told before anything is asked or done.

use chrono::{DateTime, Utc};

use super::change::{self, Change, Step};
use super::complaint::Refusal;
use super::connect::Session;
use super::document::Document;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::snapshot::read::{self, Silent};
use super::target::Target;
use super::{Exit, confirm, interruptible};
use crate::domain::request::{Afterwards, Losses, RollBackContext, RollBackRequest};
use crate::domain::snapshot::SnapshotName;
use crate::domain::text::clean;
use crate::runtime::Ending;
use crate::ui::format;

/// Return a guest to one of its snapshots; what came after is lost
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    proxdeck restore 104=agent-build-4 keep-before-upgrade --safety --yes")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, which names both of each pair"
)]
pub(super) struct Restore {
    /// The guest, as 104; with --yes as 104=agent-build-4
    #[arg(value_name = "VMID[=NAME]")]
    target: Target,

    /// The snapshot
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,

    /// Start it afterwards; without either flag a guest that runs is started again
    #[arg(long, conflicts_with = "no_start")]
    start: bool,

    /// Leave it stopped afterwards; one with RAM in the snapshot resumes all the same
    #[arg(long)]
    no_start: bool,

    /// Take a snapshot of the present first, without RAM
    #[arg(long, conflicts_with = "no_safety")]
    safety: bool,

    /// Take none; that is the default
    #[arg(long)]
    no_safety: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A checked roll-back, and what it costs.
struct Prepared {
    session: Session,
    time: DateTime<Utc>,
    change: Change,
    losses: Losses,
}

impl Restore {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        if self.yes && !self.target.is_named() {
            return Err(Refusal::new(
                "Usage",
                "with --yes the guest's name has to be written behind its number",
                "write VMID=NAME; a guest without a name is VMID=",
            )
            .into());
        }
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, output);
        let Prepared {
            session,
            time,
            change,
            losses,
        } = interruptible(&mut ending, prepare).await?;
        for line in told(&losses) {
            output.note(format_args!("{}: {line}", change.guest));
        }
        let question = format!("roll back {} to {}", change.guest, change.subject);
        let word = match &change.guest.name {
            Some(name) if !name.is_blank() && name.raw() == name.to_string() => name.to_string(),
            // A nameless or untypable guest is confirmed by its number.
            _ => change.guest.vmid.to_string(),
        };
        confirm::require(self.yes, &question, &word, output, &mut ending).await?;
        let changes = vec![change];
        let carried =
            change::carry_out(&session, setup, output, &mut ending, "rollback", changes).await;
        if self.json {
            let rows: Vec<_> = carried.ended.iter().map(change::Ended::row).collect();
            output.document(&Document::new(
                "proxdeck.restore/1",
                &session.cluster,
                time,
                &rows,
                carried.summary(),
            ));
        } else {
            carried.tell(output);
        }
        Ok(carried.exit())
    }

    async fn prepare(&self, setup: &Setup, output: &Output) -> anyhow::Result<Prepared> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guest = self.target.find(&reading.guests)?;
        change::require_answering(&[guest])?;
        let client = &session.client;
        let permissions = client.access().permissions().await?;
        let lists = read::lists(client, &[guest], Silent::Asked, setup, output).await;
        if let Some(unread) = lists.unread.into_iter().next() {
            return Err(unread.into_complaint().into());
        }
        let found = lists.read.first().and_then(|(_, list)| {
            let snapshot = list.find(&self.snapshot)?;
            Some((list, snapshot))
        });
        let Some((list, snapshot)) = found else {
            return Err(read::unknown(guest, &self.snapshot).into());
        };
        let whom = guest.to_ref();
        let present = client.guests().config(&whom).await?;
        let frozen = client
            .guests()
            .snapshot_config(&whom, &self.snapshot)
            .await?;
        let request = RollBackRequest {
            guest: whom.clone(),
            snapshot: snapshot.clone(),
            start: self.start || (guest.is_running() && !self.no_start),
            safety: self
                .safety
                .then(|| SnapshotName::suggest(reading.time, "", list)),
        };
        let context = RollBackContext {
            guest: Some(guest),
            snapshots: Some(list),
            present: Some(&present),
            frozen: Some(&frozen),
            storages: &reading.storages,
        };
        let operation = request
            .check(&context)
            .map_err(|objections| change::refused(&change::objected(&whom, &objections)))?;
        let now = client.server_time().unwrap_or(reading.time);
        let losses = request.losses(&context, now);
        let change = Change {
            guest: whom,
            subject: clean(&self.snapshot),
            step: Step::Do(Box::new(operation)),
        };
        change::require_privileges(std::slice::from_ref(&change), &permissions)?;
        let time = reading.time;
        Ok(Prepared {
            session,
            time,
            change,
            losses,
        })
    }
}

/// Says what a roll-back costs, a line each.
fn told(losses: &Losses) -> Vec<String> {
    let mut lines = vec![match losses.time {
        Some(time) => format!("what happened in the last {} is lost", format::span(time)),
        None => {
            "everything since the snapshot is lost, and nobody knows how long that is".to_owned()
        }
    }];
    if !losses.branches.is_empty() {
        let names: Vec<String> = losses.branches.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "these snapshots stay, on a side branch: {}",
            names.join(", ")
        ));
    }
    if losses.hard_stop {
        lines.push("it is stopped at once, without a shutdown".to_owned());
    }
    lines.push(
        match losses.afterwards {
            Afterwards::Resumes => "it resumes where the snapshot's memory was saved",
            Afterwards::Starts => "it is started afterwards",
            Afterwards::MayBeStarted => "it stays stopped, unless the cluster's HA starts it",
            Afterwards::StaysOff => "it stays stopped",
        }
        .to_owned(),
    );
    for change in losses.changes.iter().flatten() {
        let value = |text: &Option<crate::domain::text::Text>| {
            text.as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        lines.push(format!(
            "{} goes from {} back to {}",
            clean(&change.key),
            value(&change.now),
            value(&change.then)
        ));
    }
    let set_aside = losses.set_aside.iter().flatten().count();
    if set_aside > 0 {
        lines.push(format!(
            "{set_aside} disks added since are set aside as unused"
        ));
    }
    lines
}
