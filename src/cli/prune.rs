//! `proxdeck prune`: the retention plan; it is printed, and executed only with `--yes`.

use std::collections::HashMap;
use std::path::PathBuf;

use chrono::TimeDelta;

use super::carried::{Carried, Ended};
use super::change::{self, Change};
use super::complaint::Refusal;
use super::connect::Session;
use super::document::calendar;
use super::inventory::Reading;
use super::output::Output;
use super::plan_file::{self, Outdated};
use super::setup::Setup;
use super::snapshot::read::{self, Silent, Unread};
use super::table::{Side, Table};
use super::target::{self, Target};
use super::{Exit, interruptible};
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::operation::{Fate, Part};
use crate::domain::request::PruneRequest;
use crate::domain::retention::{
    self, GuestNow, GuestSnapshots, PlanDocument, PlanFile, RetentionPlan,
};
use crate::domain::selection::Selection;
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Moment;
use crate::runtime::Ending;
use crate::ui::format;

/// With clocks further apart ages mean nothing (SPEC §5.5).
const MAX_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Show which snapshots of the managed guests the retention would delete, and why each other stays
///
/// The plan has every snapshot of every managed guest exactly once. Nothing is deleted without
/// --yes; before each deletion the guest is looked at again, and what has changed is skipped.
///
/// With --plan exactly the deletions of a file are made: one that the dashboard exported (`p`, then
/// `e`) or that --json printed. If a guest or snapshot of the file is not as it was, or the rules
/// would keep what it deletes, every difference is told and nothing is deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Managed guests, as 104 or 104=agent-build-4; without any, all of them
    #[arg(value_name = "VMID")]
    targets: Vec<Target>,

    /// Apply the plan in this file instead of making one
    #[arg(long, value_name = "FILE", conflicts_with = "targets")]
    plan: Option<PathBuf>,

    /// Delete what the plan says
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Prune {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        // A file that is no plan is refused before any server is asked; one that never ends, as a
        // pipe that nobody writes to, can still be interrupted.
        let file = self.plan.as_deref().map(plan_file::read).transpose()?;
        let mut ending = Ending::listen()?;
        let making = self.make(file.as_ref(), setup, output);
        let planned = match interruptible(&mut ending, making).await? {
            Ok(planned) => planned,
            Err(outdated) => {
                outdated.tell(self.json, output);
                return Ok(Exit::Refused);
            }
        };
        let executes = self.yes && planned.plan.summary().delete > 0;
        if !self.json {
            planned.tell(output);
            if !executes {
                output.note("this is the plan alone; nothing was deleted");
            }
        }
        let carried = if executes {
            Some(planned.execute(setup, output, &mut ending).await?)
        } else {
            None
        };
        let parts = carried.as_ref().map(parts).unwrap_or_default();
        if self.json {
            planned.print(&parts, output);
        } else {
            for part in &parts {
                tell_part(part, output);
            }
        }
        match carried {
            None => Ok(Exit::Done),
            Some(carried) => {
                if !self.json {
                    // Of a plan that was executed the parts say how; only its failure is left.
                    carried.tell_failures(output);
                }
                Ok(carried.exit())
            }
        }
    }

    /// Makes the plan, or checks the one in the file against what is there now.
    async fn make(
        &self,
        file: Option<&PlanFile>,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<Result<Planned, Outdated>> {
        if self.yes {
            setup.require_writable()?;
        }
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
        if let Some(file) = file {
            plan_file::require_cluster(file, &session.cluster)?;
        }
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
        let guests = match file {
            None => self.managed(&reading.guests, setup)?,
            Some(file) => named(file, &reading.guests),
        };
        let silent = if self.targets.is_empty() && file.is_none() {
            Silent::Skipped
        } else {
            Silent::Asked
        };
        let lists = read::lists(&session.client, &guests, silent, setup, output).await;
        let now = reading.time + skew;
        let plan = match file {
            None => {
                let judged: Vec<GuestSnapshots<'_>> = lists
                    .read
                    .iter()
                    .map(|(guest, list)| GuestSnapshots { guest, list })
                    .collect();
                retention::plan(&judged, &setup.rules.retention, now)
            }
            Some(file) => {
                let found = as_they_are(&guests, &lists, selection);
                match file.apply(&found, &setup.rules.retention, now) {
                    Ok(plan) => plan,
                    Err(differences) => return Ok(Err(Outdated::new(file, differences, &guests))),
                }
            }
        };
        Ok(Ok(Planned {
            guests: lists.read.len(),
            unnamed: file.map_or(0, |file| file.unnamed(&plan)),
            plan,
            unread: lists.unread,
            session,
            reading,
            skew,
        }))
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

/// Finds the guests of a file; those that are gone are named by the comparison.
fn named<'a>(file: &PlanFile, guests: &'a [Guest]) -> Vec<&'a Guest> {
    let numbers = file.guests();
    let found = guests.iter().filter(|guest| numbers.contains(&guest.vmid));
    found.collect()
}

/// Puts guests and what was read of them side by side.
fn as_they_are<'a>(
    guests: &[&'a Guest],
    lists: &'a read::Lists,
    selection: &Selection,
) -> Vec<GuestNow<'a>> {
    let read: HashMap<Vmid, &SnapshotList> = lists
        .read
        .iter()
        .map(|(guest, list)| (guest.vmid, list))
        .collect();
    let unread: HashMap<Vmid, &Failure> = lists
        .unread
        .iter()
        .map(|each| (each.guest.vmid, &each.failure))
        .collect();
    let found = guests.iter().filter_map(|&guest| {
        let list = match read.get(&guest.vmid) {
            Some(list) => Ok(*list),
            None => Err(*unread.get(&guest.vmid)?),
        };
        let managed = selection.manages(guest);
        Some(GuestNow {
            guest,
            managed,
            list,
        })
    });
    found.collect()
}

/// A plan, and what it was made from.
struct Planned {
    session: Session,
    reading: Reading,
    skew: TimeDelta,
    plan: RetentionPlan,
    guests: usize,
    unread: Vec<Unread>,
    /// How many snapshots the file of the plan does not name.
    unnamed: usize,
}

impl Planned {
    /// Prints the plan for people.
    fn tell(&self, output: &Output) {
        if !self.plan.rows().is_empty() {
            output.line(table(&self.plan));
        }
        output.line(self.plan.summary());
        for each in &self.unread {
            each.tell(output);
        }
        match self.unnamed {
            0 => {}
            1 => output.note("1 snapshot is not in the file of the plan, and stays"),
            many => output.note(format_args!(
                "{many} snapshots are not in the file of the plan, and stay"
            )),
        }
    }

    /// Prints the plan as a document, with what came of each deletion.
    fn print(&self, parts: &[Part], output: &Output) {
        let unread = self.unread.iter().map(|each| (&each.guest, &each.failure));
        let document = PlanDocument::new(
            &self.session.cluster,
            self.reading.time,
            &self.plan,
            self.guests,
            unread,
        );
        output.document(&document.with_parts(parts));
    }

    /// Checks the plan against the guests and carries it out.
    async fn execute(
        &self,
        setup: &Setup,
        output: &Output,
        ending: &mut Ending,
    ) -> anyhow::Result<Carried> {
        let permissions = self.session.client.access().permissions().await?;
        let resources = Resources {
            guests: Resources::dated(self.reading.guests.clone(), None, Moment::default()),
            ..Resources::default()
        };
        let request = PruneRequest {
            plan: self.plan.clone(),
        };
        let operation = request
            .check(Some(&resources), Some(self.skew))
            .map_err(|objections| {
                let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
                change::refused(&reasons)
            })?;
        let change = Change::of(operation)?;
        let changes = std::slice::from_ref(&change);
        change::require_privileges(&self.session.client, changes, permissions).await?;
        let changes = vec![change];
        Ok(change::carry_out(&self.session, setup, output, ending, "prune", changes).await)
    }
}

fn parts(carried: &Carried) -> Vec<Part> {
    carried
        .ended
        .iter()
        .filter_map(Ended::report)
        .flat_map(|report| report.parts.clone())
        .collect()
}

/// Says how one deletion ended: what is gone on stdout, what is not on stderr.
fn tell_part(part: &Part, output: &Output) {
    let Part { guest, subject, .. } = part;
    match &part.fate {
        Fate::Ended(outcome) if outcome.is_success() => {
            output.line(format_args!("{guest}: {subject} deleted"));
        }
        Fate::Ended(outcome) => {
            let failure = outcome.failure().map(ToString::to_string);
            output.note(format_args!(
                "proxdeck: {guest}: deletion of {subject} {}: {}",
                outcome.as_str(),
                failure.unwrap_or_default()
            ));
        }
        Fate::Skipped(reason) | Fate::NotTried(reason) => {
            output.note(format_args!(
                "proxdeck: {guest}: {subject} {}: {reason}",
                part.fate.as_str()
            ));
        }
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
