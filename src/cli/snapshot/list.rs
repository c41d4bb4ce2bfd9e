//! `proxdeck snapshot list`: the snapshots of some guests, or of all.

use serde::Serialize;

use super::read::{self, Lists, Silent, Unread};
use super::row::Row;
use crate::cli::Exit;
use crate::cli::connect::Session;
use crate::cli::document::{Document, calendar};
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::table::{Side, Table};
use crate::cli::target::{self, Target};
use crate::domain::guest::{Guest, GuestRef};
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
        let silent = if all { Silent::Skipped } else { Silent::Asked };
        let Lists {
            read: mut lists,
            unread,
        } = read::lists(&session.client, &wanted, silent, setup, output).await;
        for (_, list) in &mut lists {
            list.snapshots
                .sort_by(|a, b| (a.taken, &a.name).cmp(&(b.taken, &b.name)));
        }
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
                unread,
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
        for each in &unread {
            each.tell(output);
        }
        Ok(exit)
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
