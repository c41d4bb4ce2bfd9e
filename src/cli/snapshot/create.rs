//! `proxdeck snapshot create`: take snapshots of guests, one after another.
//!
//! Everything that can be checked is checked for all guests before the first is touched.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Serialize;

use super::read::{self, Silent};
use super::row::Row;
use crate::app::dialogs::SnapshotClass;
use crate::cli::carried::{EndRow, Ended};
use crate::cli::change::{self, Change, Step};
use crate::cli::complaint::Refusal;
use crate::cli::connect::Session;
use crate::cli::document::Document;
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::target::{self, Target};
use crate::cli::{Exit, interruptible};
use crate::domain::guest::Guest;
use crate::domain::operation::Product;
use crate::domain::request::{Field, Objection, SnapshotRequest};
use crate::domain::snapshot::{SnapshotList, SnapshotName};
use crate::runtime::Ending;

/// Take a snapshot of one guest, or of several one after another
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck snapshot create 104 --ram\n  \
    proxdeck snapshot create 104=agent-build-4 --class weekly\n  \
    proxdeck snapshot create 104 105 --name before-upgrade --description 'node 20 to 22'")]
pub(in crate::cli) struct Create {
    /// The guests, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID", required = true)]
    targets: Vec<Target>,

    /// The snapshot's name, instead of one with date and time
    #[arg(long, value_name = "NAME", conflicts_with = "class")]
    name: Option<String>,

    /// For how long it is meant to be kept; retention reads that from the name
    #[arg(long, value_enum, default_value_t = Class::Daily)]
    class: Class,

    /// What it is good for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,

    /// Save the memory too; only a running virtual machine has any
    #[arg(long)]
    ram: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Class {
    Daily,
    Weekly,
    Monthly,
    Keep,
}

impl From<Class> for SnapshotClass {
    fn from(class: Class) -> Self {
        match class {
            Class::Daily => Self::Daily,
            Class::Weekly => Self::Weekly,
            Class::Monthly => Self::Monthly,
            Class::Keep => Self::Keep,
        }
    }
}

#[derive(Debug, Serialize)]
struct CreatedRow {
    #[serde(flatten)]
    snapshot: Row,
    #[serde(flatten)]
    end: EndRow,
}

impl Create {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        if let Some(name) = &self.name {
            name.parse::<SnapshotName>().map_err(|error| {
                let advice = "choose another --name, or leave it out for one with date and time";
                Refusal::new("Usage", format!("--name: {error}"), advice)
            })?;
        }
        let mut ending = Ending::listen()?;
        let prepare = self.prepare(setup, output);
        let (session, time, changes) = interruptible(&mut ending, prepare).await?;
        let ending = &mut ending;
        let carried = change::carry_out(&session, setup, output, ending, "snapshot", changes).await;
        if self.json {
            let rows: Vec<CreatedRow> = carried.ended.iter().map(row).collect();
            output.document(&Document::new(
                "proxdeck.snapshot.create/1",
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

    /// Finds the guests, reads what is needed, and checks everything; nothing is changed yet.
    async fn prepare(
        &self,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<(Session, DateTime<Utc>, Vec<Change>)> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guests = target::find_all(&self.targets, &reading.guests)?;
        change::require_answering(&guests)?;
        let permissions = session.client.access().permissions().await?;
        let lists = read::lists(&session.client, &guests, Silent::Asked, setup, output).await;
        if let Some(first) = lists.unread.into_iter().next() {
            return Err(first.into_complaint().into());
        }
        let mut changes = Vec::new();
        let mut refused = Vec::new();
        for (guest, (_, list)) in guests.into_iter().zip(lists.read) {
            let name = self.name_for(reading.time, &list);
            match self.step(guest, &name, &list) {
                Ok(step) => changes.push(Change {
                    guest: guest.to_ref(),
                    subject: name,
                    step,
                }),
                Err(objections) => refused.extend(change::objected(&guest.to_ref(), &objections)),
            }
        }
        change::require_privileges(&session.client, &changes, permissions).await?;
        let skipped: Vec<String> = changes
            .iter()
            .filter_map(|change| match &change.step {
                Step::Skip(reason) => Some(format!("{}: {reason}", change.guest)),
                Step::Do(_) => None,
            })
            .collect();
        if refused.is_empty() && skipped.len() == changes.len() {
            refused = skipped;
        }
        if refused.is_empty() {
            Ok((session, reading.time, changes))
        } else {
            Err(change::refused(&refused).into())
        }
    }

    fn name_for(&self, now: DateTime<Utc>, list: &SnapshotList) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => SnapshotClass::from(self.class).suggest(now, list),
        }
    }

    /// Checks the wish for one guest; among several one without memory to save is left out.
    fn step(&self, guest: &Guest, name: &str, list: &SnapshotList) -> Result<Step, Vec<Objection>> {
        let request = SnapshotRequest {
            guest: guest.to_ref(),
            name: name.to_owned(),
            description: self.description.clone(),
            ram: self.ram,
        };
        match request.check(Some(guest), Some(list)) {
            Ok(operation) => Ok(Step::Do(Box::new(operation))),
            Err(objections) => match objections.as_slice() {
                [only] if only.field == Field::Ram && self.targets.len() > 1 => {
                    Ok(Step::Skip(only.to_string()))
                }
                _ => Err(objections),
            },
        }
    }
}

/// Describes the snapshot, as far as it is known, and how its taking ended.
fn row(ended: &Ended) -> CreatedRow {
    let product = ended.report().and_then(|report| report.product.as_ref());
    let snapshot = match product {
        Some(Product::Snapshot(facts)) => Row::of_facts(&ended.guest, facts),
        _ => Row::of_name(&ended.guest, ended.subject()),
    };
    CreatedRow {
        snapshot,
        end: ended.end_row(),
    }
}
