//! `proxdeck restore`: return a guest to one of its snapshots, in place or as a new guest.
//!
//! What would be lost is told before anything is asked or done.

use chrono::{DateTime, Utc};

use super::change::{self, Change, Step};
use super::clone::Wanted;
use super::connect::Session;
use super::foresee;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::snapshot::read::{self, Silent};
use super::target::Target;
use super::{Exit, confirm, interruptible};
use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::operation::CopyKind;
use crate::domain::request::{Afterwards, Losses, RollBackContext, RollBackRequest};
use crate::domain::snapshot::SnapshotName;
use crate::domain::text::clean;
use crate::runtime::Ending;
use crate::ui::format;

/// Return a guest to one of its snapshots, whereby what came after is lost; or branch a new guest off
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck restore 104=agent-build-4 keep-before-upgrade --safety --yes\n  \
    proxdeck restore 104 keep-before-upgrade --as-new --name agent-try --start")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, which names both of each pair"
)]
pub(super) struct Restore {
    /// The guest, as 104; with --yes as 104=agent-build-4
    #[arg(value_name = "VMID[=NAME]")]
    guest: Target,

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

    /// Let it run without its fence for a moment, where the snapshot's RAM resumes before that is up again
    #[arg(long)]
    unfenced: bool,

    /// Make a new guest from the snapshot; this one stays as it is
    #[arg(long, conflicts_with_all = ["safety", "no_safety", "no_start", "yes", "unfenced"])]
    as_new: bool,

    /// The new guest's number, instead of the next free one
    #[arg(long, value_name = "VMID", requires = "as_new")]
    vmid: Option<Vmid>,

    /// The new guest's name, instead of this one's with -copy behind it
    #[arg(long, value_name = "NAME", requires = "as_new")]
    name: Option<String>,

    /// The node for the new guest, instead of this one's; another one needs shared disks
    #[arg(long, value_name = "NODE", requires = "as_new")]
    target: Option<NodeName>,

    /// The storage for all disks of the new guest, instead of where this one's are
    #[arg(long, value_name = "STORAGE", requires = "as_new")]
    storage: Option<StorageName>,

    /// The project whose pool the new guest joins, by name or uuid, instead of this one's; none: no pool
    #[arg(long, value_name = "PROJECT|none", requires = "as_new")]
    project: Option<String>,

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
        if self.as_new {
            return self.branch().run(setup, output).await;
        }
        setup.require_writable()?;
        if self.yes {
            self.guest.require_name()?;
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
        if let Step::Do(operation) = &change.step {
            confirm::require_unfenced(self.unfenced, operation, output, &mut ending).await?;
        }
        let changes = vec![change];
        let carried =
            change::carry_out(&session, setup, output, &mut ending, "rollback", changes).await;
        let schema = self.json.then_some("proxdeck.restore/1");
        carried.print(schema, &session.cluster, time, output);
        Ok(carried.exit())
    }

    /// Describes the new guest that is wanted instead.
    fn branch(&self) -> Wanted<'_> {
        Wanted {
            command: "restore",
            schema: "proxdeck.restore/1",
            source: &self.guest,
            snapshot: Some(&self.snapshot),
            kind: CopyKind::Full,
            vmid: self.vmid,
            name: self.name.as_deref(),
            target: self.target.as_ref(),
            storage: self.storage.as_ref(),
            project: self.project.as_deref(),
            start: self.start,
            json: self.json,
        }
    }

    async fn prepare(&self, setup: &Setup, output: &Output) -> anyhow::Result<Prepared> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guest = self.guest.find(&reading.guests)?;
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
            // Whoever may be asked is asked, once all else is checked.
            unfenced: true,
        };
        let fence = foresee::of_own(&session, &whom, &frozen).await;
        let context = RollBackContext {
            guest: Some(guest),
            snapshots: Some(list),
            present: Some(&present),
            frozen: Some(&frozen),
            comparing: false,
            storages: &reading.storages,
            critical_tags: Some(&setup.rules.enforcement.critical),
            fence: Some(&fence),
        };
        let operation = request
            .check(&context)
            .map_err(|objections| change::refused(&change::objected(&whom, &objections)))?;
        let now = client.server_time().unwrap_or(reading.time);
        let losses = request.losses(&context, now);
        let subject = clean(&self.snapshot);
        let change = Change::permitted(client, whom, subject, operation, permissions).await?;
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
    lines.extend(losses.dangers.iter().map(ToString::to_string));
    lines.extend(losses.fence.iter().map(ToString::to_string));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::request::{ConfigChange, Danger};

    #[test]
    fn what_makes_the_guest_less_safe_is_told_before_what_merely_changes() {
        let losses = Losses {
            time: None,
            branches: Vec::new(),
            hard_stop: false,
            afterwards: Afterwards::StaysOff,
            dangers: vec![Danger::Unfenced {
                card: "net0".into(),
            }],
            changes: Some(vec![ConfigChange {
                key: "memory".into(),
                now: Some("4096".into()),
                then: Some("2048".into()),
            }]),
            set_aside: None,
            fence: None,
        };
        let lines = told(&losses);
        assert_eq!(
            lines[lines.len() - 2..],
            [
                "net0 goes without firewall=1: the guest is not fenced",
                "memory goes from 4096 back to 2048",
            ]
        );
    }
}
