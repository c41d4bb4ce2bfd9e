//! `proxdeck prune`: the retention plan; it is printed, and executed only with `--yes`.

use chrono::TimeDelta;
use serde::Serialize;

use super::change::{self, Carried, Change, Ended, Step};
use super::complaint::Refusal;
use super::connect::Session;
use super::document::{Document, calendar, rfc3339};
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::snapshot::read::{self, Silent, Unread};
use super::table::{Side, Table};
use super::target::{self, Target};
use super::{Exit, interruptible};
use crate::domain::guest::Guest;
use crate::domain::inventory::Resources;
use crate::domain::operation::{Fate, Part};
use crate::domain::request::PruneRequest;
use crate::domain::retention::{self, GuestSnapshots, RetentionPlan};
use crate::domain::time::Moment;
use crate::runtime::Ending;
use crate::ui::format;

/// With clocks further apart ages mean nothing (SPEC §5.5).
const MAX_SKEW: TimeDelta = TimeDelta::minutes(5);

/// Show which snapshots of the managed guests the retention would delete, and why each other stays
///
/// The plan has every snapshot of every managed guest exactly once. Nothing is deleted without
/// --yes; before each deletion the guest is looked at again, and what has changed is skipped.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Managed guests, as 104 or 104=agent-build-4; without any, all of them
    #[arg(value_name = "VMID")]
    targets: Vec<Target>,

    /// Delete what the plan says
    #[arg(long)]
    yes: bool,

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
    /// What came of its deletion; absent where none was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upid: Option<String>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    policy: String,
    guests: usize,
    keep: usize,
    delete: usize,
    /// The guests whose snapshots could not be read; nothing is planned for them.
    unread: &'a [Unread],
}

impl Prune {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let mut ending = Ending::listen()?;
        let planned = interruptible(&mut ending, self.plan(setup, output)).await?;
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

    async fn plan(&self, setup: &Setup, output: &Output) -> anyhow::Result<Planned> {
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
        Ok(Planned {
            guests: judged.len(),
            plan,
            unread: lists.unread,
            session,
            reading,
            skew,
        })
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

/// A plan, and what it was made from.
struct Planned {
    session: Session,
    reading: Reading,
    skew: TimeDelta,
    plan: RetentionPlan,
    guests: usize,
    unread: Vec<Unread>,
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
    }

    /// Prints the plan as a document, with what came of each deletion.
    fn print(&self, parts: &[Part], output: &Output) {
        let found = self.plan.summary();
        let rows: Vec<Row<'_>> = self
            .plan
            .rows()
            .iter()
            .map(|each| row(each, parts))
            .collect();
        let summary = Summary {
            policy: self.plan.policy().to_string(),
            guests: self.guests,
            keep: found.keep(),
            delete: found.delete,
            unread: &self.unread,
        };
        output.document(&Document::new(
            "proxdeck.prune/1",
            &self.session.cluster,
            self.reading.time,
            &rows,
            summary,
        ));
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
        let change = Change {
            guest: operation.guest().clone(),
            subject: String::new(),
            step: Step::Do(Box::new(operation)),
        };
        change::require_privileges(std::slice::from_ref(&change), &permissions)?;
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

fn row<'a>(row: &'a retention::Row, parts: &[Part]) -> Row<'a> {
    let guest = row.guest();
    let part = parts
        .iter()
        .find(|part| part.guest.vmid == guest.vmid && part.subject == *row.name());
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
        outcome: part.map(|part| part.fate.as_str()),
        upid: part
            .and_then(|part| part.upid.as_ref())
            .map(ToString::to_string),
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
