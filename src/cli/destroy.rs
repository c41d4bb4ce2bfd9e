//! `proxdeck destroy`: remove a guest for good.
//!
//! What goes with it is told before anything is asked or done; it is meant by number and name.

use chrono::{DateTime, Utc};

use super::change::{self, Change};
use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::snapshot::read::{self, Silent};
use super::target::Target;
use super::{Exit, confirm, interruptible};
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::request::{DestroyContext, DestroyLosses, DestroyRequest, linked_clones};
use crate::proxmox::Client;
use crate::runtime::Ending;
use crate::ui::format;

/// Destroy a guest with its disks and snapshots, for good
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Its backups stay. A guest that runs, is locked or protected is refused.\n\n\
    Examples:\n  \
    proxdeck destroy 106=agent-build-5\n  \
    proxdeck destroy 106=agent-build-5 --purge --yes"
)]
pub(super) struct Destroy {
    /// The guest, as 104=agent-build-4; one without a name as 104=
    #[arg(value_name = "VMID=NAME")]
    target: Target,

    /// Take it out of backup jobs, replication and high availability too
    #[arg(long)]
    purge: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A checked destruction, and what goes with it.
struct Prepared {
    session: Session,
    time: DateTime<Utc>,
    change: Change,
    losses: DestroyLosses,
}

impl Destroy {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        if self.yes {
            self.target.require_name()?;
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
        let question = format!("destroy {} for good", change.guest);
        let word = word(&change.guest);
        confirm::require(self.yes, &question, &word, output, &mut ending).await?;
        let (ending, changes) = (&mut ending, vec![change]);
        let carried = change::carry_out(&session, setup, output, ending, "destroy", changes).await;
        let schema = self.json.then_some("proxdeck.destroy/1");
        carried.print(schema, &session.cluster, time, output);
        Ok(carried.exit())
    }

    /// Finds the guest, reads what goes with it, and checks everything; nothing is changed yet.
    async fn prepare(&self, setup: &Setup, output: &Output) -> anyhow::Result<Prepared> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let found = self.target.find(&reading.guests)?;
        change::require_answering(&[found])?;
        let client = &session.client;
        let permissions = client.access().permissions().await?;
        let whom = found.to_ref();
        // The list may be 10 s late; a script that has just stopped the guest shall not wait.
        let state = client.guests().state(&whom).await?;
        let guest = Guest {
            name: state.name,
            status: state.status,
            lock: state.lock,
            ..found.clone()
        };
        let config = client.guests().config(&whom).await?;
        let mut lists = read::lists(client, &[found], Silent::Asked, setup, output).await;
        if let Some(unread) = lists.unread.pop() {
            return Err(unread.into_complaint().into());
        }
        let linked = linked(client, &guest, &config).await;
        let request = DestroyRequest {
            guest: whom.clone(),
            purge: self.purge,
            stamp: None,
        };
        let context = DestroyContext {
            guest: Some(&guest),
            config: Some(&config),
            snapshots: lists.read.first().map(|(_, list)| list),
            linked: &linked,
        };
        let operation = request
            .check(&context)
            .map_err(|objections| change::refused(&change::objected(&whom, &objections)))?;
        let losses = request.losses(&context, &setup.rules.retention);
        let subject = String::new();
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

/// Finds the guests that stand on a template's disks, as far as its storages show them.
///
/// What cannot be read is left to the server, which refuses in any case.
async fn linked(client: &Client, guest: &Guest, config: &GuestConfig) -> Vec<Vmid> {
    if !guest.template {
        return Vec::new();
    }
    let mut volumes = Vec::new();
    for storage in config.storages() {
        let held = client.storage().contents(&guest.node, &storage).await;
        volumes.extend(held.unwrap_or_default());
    }
    let ids = volumes.iter().map(|volume| volume.id.as_str());
    linked_clones(guest.vmid, ids).into_iter().collect()
}

/// Returns what has to be typed: number and name, as the command line takes them.
fn word(guest: &GuestRef) -> String {
    let name = guest.name.as_ref().filter(|_| !guest.is_nameless());
    let name = name.map(ToString::to_string);
    let word = format!("{}={}", guest.vmid, name.unwrap_or_default());
    // What surrounds the typed text is cut off.
    word.trim_end().to_owned()
}

/// Says what goes with the guest, a line each.
fn told(losses: &DestroyLosses) -> Vec<String> {
    let mut lines = Vec::new();
    for drive in losses.drives.iter().flatten() {
        let size = drive
            .size
            .map_or_else(|| "of unknown size".to_owned(), format::size);
        lines.push(format!(
            "disk {} is destroyed: {size}, {}",
            drive.key, drive.volume
        ));
    }
    for volume in &losses.unused {
        lines.push(format!("the unused volume {volume} is destroyed"));
    }
    match (losses.snapshots, losses.kept) {
        (Some(0) | None, _) => {}
        (Some(1), 0) => lines.push("its snapshot goes too".to_owned()),
        (Some(1), _) => {
            lines.push("its snapshot, which is marked as to be kept, goes too".to_owned());
        }
        (Some(count), 0) => lines.push(format!("all {count} snapshots go too")),
        (Some(count), kept) => lines.push(format!(
            "all {count} snapshots go too; marked as to be kept: {kept}"
        )),
    }
    let mut also = "its firewall rules and the rights on it".to_owned();
    if let Some(pool) = &losses.pool {
        also = format!("its place in pool {pool}, {also}");
    }
    lines.push(format!("{also} go too"));
    if losses.template {
        lines.push("it is a template: nothing is made from it any more".to_owned());
    }
    lines.push("its backups stay".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::GuestKind;

    #[test]
    fn number_and_name_are_typed_together_and_a_nameless_guest_ends_with_the_sign() {
        let guest = |name: Option<&str>| GuestRef {
            vmid: Vmid::new(104).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: name.map(Into::into),
        };
        assert_eq!(word(&guest(Some("agent-build-4"))), "104=agent-build-4");
        assert_eq!(word(&guest(Some("VM 104"))), "104=");
        assert_eq!(word(&guest(None)), "104=");
    }
}
