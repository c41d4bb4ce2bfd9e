//! `proxdeck prune`: the retention plan; this build prints it and deletes nothing.

use chrono::TimeDelta;
use serde::Serialize;

use super::Exit;
use super::complaint::Refusal;
use super::connect::Session;
use super::document::{Document, calendar, rfc3339};
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::snapshot::read::{self, Silent, Unread};
use super::table::{Side, Table};
use super::target::{self, Target};
use crate::domain::guest::Guest;
use crate::domain::retention::{self, GuestSnapshots, RetentionPlan};
use crate::ui::format;

/// With clocks further apart ages mean nothing (SPEC §5.5).
const MAX_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Show which snapshots of the managed guests the retention would delete, and why each other stays
///
/// The plan has every snapshot of every managed guest exactly once. Nothing is deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Managed guests, as 104 or 104=agent-build-4; without any, all of them
    #[arg(value_name = "VMID")]
    targets: Vec<Target>,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A snapshot as `proxdeck.prune/1` judges it; `null` is unknown.
#[derive(Debug, Serialize)]
struct Row<'a> {
    vmid: u32,
    name: Option<&'a str>,
    node: &'a str,
    snapshot: &'a str,
    time: Option<String>,
    class: &'static str,
    verdict: &'static str,
    reason: String,
    age_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Summary {
    policy: String,
    guests: usize,
    keep: usize,
    delete: usize,
    /// The guests whose snapshots could not be read; nothing is planned for them.
    unread: Vec<Unread>,
}

impl Prune {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let selection = &setup.rules.selection;
        if !selection.is_configured() {
            return Err(Refusal::new(
                "NoSelection",
                "the config selects no guests, and retention looks at managed ones alone",
                "write [selection] with tags = [\"…\"], pools or vmids into the config",
            )
            .into());
        }
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let skew = session.client.cost().clock_skew.unwrap_or_default();
        if skew.abs() > MAX_SKEW {
            return Err(Refusal::new(
                "ClockSkew",
                format!(
                    "the server's clock and this one are {} s apart, so that ages cannot be trusted",
                    skew.num_seconds().abs()
                ),
                "set the clocks",
            )
            .into());
        }
        let guests = self.managed(&reading.guests, setup)?;
        let silent = if self.targets.is_empty() {
            Silent::Skipped
        } else {
            Silent::Asked
        };
        let lists = read::lists(&session.client, &guests, silent, setup, output).await;
        let judged: Vec<GuestSnapshots<'_>> = lists
            .read
            .iter()
            .map(|(guest, list)| GuestSnapshots { guest, list })
            .collect();
        let policy = &setup.rules.retention;
        let plan = retention::plan(&judged, policy, reading.time + skew);
        if self.json {
            let found = plan.summary();
            let rows: Vec<Row<'_>> = plan.rows().iter().map(row).collect();
            let summary = Summary {
                policy: policy.to_string(),
                guests: judged.len(),
                keep: found.keep(),
                delete: found.delete,
                unread: lists.unread,
            };
            output.document(&Document::new(
                "proxdeck.prune/1",
                &session.cluster,
                reading.time,
                &rows,
                summary,
            ));
            return Ok(Exit::Done);
        }
        if !plan.rows().is_empty() {
            output.line(table(&plan));
        }
        output.line(plan.summary());
        for each in &lists.unread {
            each.tell(output);
        }
        output.note("this is the plan alone; nothing was deleted");
        Ok(Exit::Done)
    }

    /// Finds the guests of the plan: the managed ones, or those named, which must be managed.
    fn managed<'a>(&self, guests: &'a [Guest], setup: &Setup) -> Result<Vec<&'a Guest>, Refusal> {
        let selection = &setup.rules.selection;
        if self.targets.is_empty() {
            let ours = guests
                .iter()
                .filter(|guest| selection.manages(guest) && !guest.template);
            return Ok(ours.collect());
        }
        let named = target::find_all(&self.targets, guests)?;
        match named.iter().find(|guest| !selection.manages(guest)) {
            None => Ok(named),
            Some(stranger) => Err(Refusal::new(
                "NotManaged",
                format!("guest {} is not managed", stranger.to_ref()),
                "retention looks only at guests that [selection] in the config picks",
            )),
        }
    }
}

fn row(row: &retention::Row) -> Row<'_> {
    let guest = row.guest();
    Row {
        vmid: guest.vmid.get(),
        name: guest.name.as_ref().map(crate::domain::text::Text::raw),
        node: guest.node.as_str(),
        snapshot: row.name().raw(),
        time: row.taken().map(rfc3339),
        class: row.class().as_str(),
        verdict: row.verdict().as_str(),
        reason: row.reason().to_string(),
        age_seconds: row.age().map(|age| age.as_secs()),
    }
}

fn table(plan: &RetentionPlan) -> Table<8> {
    let mut table = Table::new([
        ("VMID", Side::Right),
        ("NAME", Side::Left),
        ("SNAPSHOT", Side::Left),
        ("TIME", Side::Left),
        ("AGE", Side::Right),
        ("CLASS", Side::Left),
        ("VERDICT", Side::Left),
        ("REASON", Side::Left),
    ]);
    for row in plan.rows() {
        let guest = row.guest();
        let name = guest.name.as_ref().map(ToString::to_string);
        table.push([
            guest.vmid.to_string(),
            name.unwrap_or_else(|| "?".to_owned()),
            row.name().to_string(),
            row.taken().map_or_else(|| "unknown".to_owned(), calendar),
            row.age().map_or_else(|| "?".to_owned(), format::span),
            row.class().to_string(),
            row.verdict().as_str().to_owned(),
            row.reason().to_string(),
        ]);
    }
    table
}
