//! `proxdeck snapshot list`: the snapshots of some guests, or of all.

use serde::Serialize;

use super::read;
use super::row::Row;
use crate::cli::Exit;
use crate::cli::complaint::Complaint;
use crate::cli::connect::Session;
use crate::cli::document::{Document, calendar};
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::setup::Setup;
use crate::cli::table::{Side, Table};
use crate::cli::target::{self, Target};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::snapshot::SnapshotList;

/// List the snapshots of some guests, or of all
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// The guests, as 104 or 104=agent-build-4; without any, all
    #[arg(value_name = "VMID")]
    targets: Vec<Target>,

    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Serialize)]
struct Summary {
    guests: usize,
    snapshots: usize,
    /// The guests whose list could not be read; their snapshots are missing above.
    unread: Vec<Unread>,
}

#[derive(Debug, Serialize)]
struct Unread {
    vmid: u32,
    name: Option<String>,
    node: String,
    error: Complaint,
}

impl List {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let all = self.targets.is_empty();
        let wanted: Vec<&Guest> = if all {
            let guests = reading.guests.iter();
            guests.filter(|guest| !guest.template).collect()
        } else {
            target::find_all(&self.targets, &reading.guests)?
        };
        // Asking a silent node costs half a minute each; whoever names the guest wants to try.
        let is_silent = |guest: &&Guest| all && guest.status == Status::Unknown;
        let (silent, asked): (Vec<&Guest>, Vec<&Guest>) = wanted.into_iter().partition(is_silent);
        let progress = Progress::of_readings(
            output,
            &setup.environment,
            "reading the snapshots",
            asked.len(),
        );
        let answers = read::lists(&session.client, &asked, &progress).await;
        progress.finish();
        let mut unread: Vec<(GuestRef, Complaint)> = silent
            .into_iter()
            .map(|guest| {
                let text = format!("{} does not answer", guest.node);
                let failure = Failure::new(FailureKind::NodeUnreachable, text);
                (guest.to_ref(), Complaint::of_failure(&failure))
            })
            .collect();
        let mut lists: Vec<(GuestRef, SnapshotList)> = Vec::new();
        for (guest, answer) in answers {
            match answer {
                Ok(mut list) => {
                    list.snapshots
                        .sort_by(|a, b| (a.taken, &a.name).cmp(&(b.taken, &b.name)));
                    lists.push((guest.to_ref(), list));
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    unread.push((guest.to_ref(), Complaint::of_failure(&failure)));
                }
            }
        }
        unread.sort_by_key(|(guest, _)| guest.vmid);
        let exit = if unread.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        };
        if self.json {
            let rows: Vec<Row> = lists
                .iter()
                .flat_map(|(guest, list)| {
                    let snapshots = list.snapshots.iter();
                    snapshots.map(|snapshot| Row::of_snapshot(guest, snapshot))
                })
                .collect();
            let summary = Summary {
                guests: lists.len(),
                snapshots: rows.len(),
                unread: unread.into_iter().map(Unread::new).collect(),
            };
            output.document(&Document::new(
                "proxdeck.snapshot.list/1",
                &session.cluster,
                reading.time,
                &rows,
                summary,
            ));
            return Ok(exit);
        }
        if lists.iter().any(|(_, list)| !list.snapshots.is_empty()) {
            output.line(table(&lists));
        } else if unread.is_empty() {
            output.note("there are no snapshots");
        }
        for (guest, complaint) in &unread {
            output.note(format_args!(
                "proxdeck: the snapshots of {guest} could not be read: {}",
                complaint.message()
            ));
        }
        Ok(exit)
    }
}

impl Unread {
    fn new((guest, error): (GuestRef, Complaint)) -> Self {
        Self {
            vmid: guest.vmid.get(),
            name: guest.name.map(|name| name.raw().to_owned()),
            node: guest.node.to_string(),
            error,
        }
    }
}

fn table(lists: &[(GuestRef, SnapshotList)]) -> Table<7> {
    let mut table = Table::new([
        ("VMID", Side::Right),
        ("NAME", Side::Left),
        ("SNAPSHOT", Side::Left),
        ("TIME", Side::Left),
        ("RAM", Side::Left),
        ("PARENT", Side::Left),
        ("DESCRIPTION", Side::Left),
    ]);
    for (guest, list) in lists {
        for snapshot in &list.snapshots {
            let name = guest.name.as_ref().map(ToString::to_string);
            let parent = snapshot.parent.as_ref().map(ToString::to_string);
            let unfinished = snapshot.unfinished.as_ref();
            let remark = unfinished.map(|state| format!("unfinished ({state}) "));
            table.push([
                guest.vmid.to_string(),
                name.unwrap_or_else(|| "?".to_owned()),
                snapshot.name.to_string(),
                snapshot
                    .taken
                    .map_or_else(|| "unknown".to_owned(), calendar),
                if snapshot.has_ram { "yes" } else { "-" }.to_owned(),
                parent.unwrap_or_else(|| "-".to_owned()),
                remark.unwrap_or_default() + &snapshot.description.first_line(),
            ]);
        }
    }
    table
}
