//! `proxdeck snapshot create`: take snapshots of guests, one after another.
//!
//! Everything that can be checked is checked for all guests before the first is touched.

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use serde::Serialize;

use super::read;
use super::row::Row;
use crate::app::dialogs::SnapshotClass;
use crate::cli::complaint::{Complaint, Refusal};
use crate::cli::connect::Session;
use crate::cli::document::{Document, calendar};
use crate::cli::execute::{Watched, execute};
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::setup::Setup;
use crate::cli::target::{self, Target};
use crate::cli::{Exit, interruptible};
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::operation::{Operation, Outcome, Product, Report};
use crate::domain::permission::{Need, Permissions};
use crate::domain::request::{Field, Objection, SnapshotRequest};
use crate::domain::snapshot::{SnapshotList, SnapshotName};
use crate::domain::task::Upid;
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

/// What is to happen to one guest.
enum Step {
    /// It gets its snapshot.
    Take(Box<Operation>),
    /// It gets none, for this reason.
    Skip(String),
}

/// What happened to one guest.
struct Ended {
    guest: GuestRef,
    snapshot: String,
    end: End,
}

enum End {
    Reported(Report),
    Skipped(String),
    /// Nobody watched any more.
    Left(Option<Upid>),
}

#[derive(Debug, Serialize)]
struct CreatedRow {
    #[serde(flatten)]
    snapshot: Row,
    operation: &'static str,
    outcome: &'static str,
    upid: Option<String>,
    error: Option<Complaint>,
}

#[derive(Debug, Serialize)]
struct Summary {
    done: usize,
    failed: usize,
    skipped: usize,
    unknown: usize,
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
        let (session, time, steps) = interruptible(self.prepare(setup, output)).await?;
        let mut ending = Ending::listen()?;
        let mut ended = Vec::new();
        let mut left = false;
        for (guest, snapshot, step) in steps {
            let end = match step {
                Step::Skip(reason) => End::Skipped(reason),
                Step::Take(_) if left => End::Skipped("not begun".to_owned()),
                Step::Take(operation) => {
                    let label = guest.to_string();
                    let mut progress = Progress::of_work(output, &setup.environment, label);
                    let watched =
                        execute(&session.client, &operation, &mut progress, &mut ending).await;
                    progress.finish();
                    match watched {
                        Watched::Ended(report) => End::Reported(report),
                        Watched::Left(upid) => {
                            left = true;
                            End::Left(upid)
                        }
                    }
                }
            };
            let each = Ended {
                guest,
                snapshot,
                end,
            };
            if !self.json {
                each.tell(output);
            }
            ended.push(each);
        }
        let summary = Summary::of(&ended);
        let exit = match &summary {
            _ if left => Exit::Interrupted,
            Summary {
                failed: 0,
                skipped: 0,
                unknown: 0,
                ..
            } => Exit::Done,
            Summary { .. } => Exit::Failed,
        };
        if self.json {
            let rows: Vec<CreatedRow> = ended.iter().map(Ended::row).collect();
            output.document(&Document::new(
                "proxdeck.snapshot.create/1",
                &session.cluster,
                time,
                &rows,
                summary,
            ));
        } else if left {
            output.note("proxdeck: interrupted; what the server had begun goes on there");
        }
        Ok(exit)
    }

    /// Finds the guests, reads what is needed, and checks everything; nothing is changed yet.
    async fn prepare(
        &self,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<(Session, DateTime<Utc>, Vec<(GuestRef, String, Step)>)> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guests = target::find_all(&self.targets, &reading.guests)?;
        for guest in &guests {
            if guest.status == Status::Unknown {
                return Err(Refusal::new(
                    "NodeUnreachable",
                    format!("{} of guest {} does not answer", guest.node, guest.to_ref()),
                    "check the node and its network; nothing was changed",
                )
                .into());
            }
        }
        let permissions = session.client.access().permissions().await?;
        require_privilege(&guests, &permissions)?;
        let label = "reading the snapshots";
        let progress = Progress::of_readings(output, &setup.environment, label, guests.len());
        let lists = read::lists(&session.client, &guests, &progress).await;
        progress.finish();
        let mut steps = Vec::new();
        let mut refused = Vec::new();
        for (guest, list) in lists {
            let list = list?;
            let name = self.name_for(reading.time, &list);
            match self.step(guest, &name, &list) {
                Ok(step) => steps.push((guest.to_ref(), name, step)),
                Err(objections) => refused.extend(
                    objections
                        .iter()
                        .map(|objection| format!("{}: {objection}", guest.to_ref())),
                ),
            }
        }
        let all_skipped = steps
            .iter()
            .all(|(_, _, step)| matches!(step, Step::Skip(_)));
        if refused.is_empty() && all_skipped {
            refused.extend(steps.iter().filter_map(|(guest, _, step)| match step {
                Step::Skip(reason) => Some(format!("{guest}: {reason}")),
                Step::Take(_) => None,
            }));
        }
        if refused.is_empty() {
            Ok((session, reading.time, steps))
        } else {
            Err(Refusal::new("Refused", refused.join("\n"), "nothing was changed").into())
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
            Ok(operation) => Ok(Step::Take(Box::new(operation))),
            Err(objections) => match objections.as_slice() {
                [only] if only.field == Field::Ram && self.targets.len() > 1 => {
                    Ok(Step::Skip(only.to_string()))
                }
                _ => Err(objections),
            },
        }
    }
}

/// Refuses before any write when the account lacks the privilege on one of the guests.
fn require_privilege(guests: &[&Guest], permissions: &Permissions) -> Result<(), Refusal> {
    let missing: Vec<String> = guests
        .iter()
        .map(|guest| (guest, Need::on_guest("VM.Snapshot", guest.vmid)))
        .filter(|(_, need)| !need.is_met(permissions))
        .map(|(guest, need)| format!("{}: {need}", guest.to_ref()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let advice = "ask an administrator for the privilege; nothing was changed";
    Err(Refusal::new("Forbidden", missing.join("\n"), advice))
}

impl Summary {
    fn of(ended: &[Ended]) -> Self {
        let mut summary = Self {
            done: 0,
            failed: 0,
            skipped: 0,
            unknown: 0,
        };
        for each in ended {
            let count = match &each.end {
                End::Skipped(_) => &mut summary.skipped,
                End::Left(_) => &mut summary.unknown,
                End::Reported(report) => match report.outcome {
                    Outcome::Done | Outcome::Warnings(_) => &mut summary.done,
                    Outcome::Failed(_) | Outcome::Stopped => &mut summary.failed,
                    Outcome::Unknown(_) => &mut summary.unknown,
                },
            };
            *count += 1;
        }
        summary
    }
}

impl Ended {
    /// Returns what went wrong, if anything did.
    fn complaint(&self) -> Option<Complaint> {
        match &self.end {
            End::Skipped(reason) => Some(Complaint::new(Exit::Refused, "Skipped", reason, "")),
            End::Left(upid) => {
                let message = match upid {
                    Some(_) => "interrupted; the task goes on at the server",
                    None => "interrupted before the server answered; it may have been begun",
                };
                let advice = "look whether the snapshot is there: proxdeck snapshot list";
                Some(Complaint::new(
                    Exit::Interrupted,
                    "Cancelled",
                    message,
                    advice,
                ))
            }
            End::Reported(report) => match &report.outcome {
                Outcome::Failed(failure) | Outcome::Unknown(failure) => {
                    Some(Complaint::of_failure(failure))
                }
                Outcome::Done | Outcome::Warnings(_) | Outcome::Stopped => None,
            },
        }
    }

    fn outcome(&self) -> &'static str {
        match &self.end {
            End::Skipped(_) => "skipped",
            End::Left(_) => "unknown",
            End::Reported(report) => report.outcome.as_str(),
        }
    }

    fn upid(&self) -> Option<&Upid> {
        match &self.end {
            End::Skipped(_) => None,
            End::Left(upid) => upid.as_ref(),
            End::Reported(report) => report.upid.as_ref(),
        }
    }

    fn row(&self) -> CreatedRow {
        let product = match &self.end {
            End::Reported(report) => report.product.as_ref(),
            End::Skipped(_) | End::Left(_) => None,
        };
        let snapshot = match product {
            Some(Product::Snapshot(facts)) => Row::of_facts(&self.guest, facts),
            Some(Product::Guest(_) | Product::Power(_) | Product::RolledBack(_)) | None => {
                Row::of_name(&self.guest, &self.snapshot)
            }
        };
        CreatedRow {
            snapshot,
            operation: "snapshot",
            outcome: self.outcome(),
            upid: self.upid().map(ToString::to_string),
            error: self.complaint(),
        }
    }

    /// Says for people how it ended: what exists on stdout, what went wrong on stderr.
    fn tell(&self, output: &Output) {
        let Self {
            guest, snapshot, ..
        } = self;
        if let End::Reported(Report {
            outcome: outcome @ (Outcome::Done | Outcome::Warnings(_)),
            product,
            ..
        }) = &self.end
        {
            let warnings = match outcome {
                Outcome::Warnings(count) => format!(", with {count} warnings"),
                Outcome::Done | Outcome::Failed(_) | Outcome::Stopped | Outcome::Unknown(_) => {
                    String::new()
                }
            };
            let facts = match product {
                Some(Product::Snapshot(facts)) => {
                    let taken = facts.taken.map(calendar);
                    let ram = if facts.has_ram { ", with RAM" } else { "" };
                    format!(" taken {}{ram}", taken.unwrap_or_default())
                }
                Some(Product::Guest(_) | Product::Power(_) | Product::RolledBack(_)) | None => {
                    String::new()
                }
            };
            output.line(format_args!(
                "{guest}: snapshot {snapshot}{facts}{warnings}"
            ));
            return;
        }
        let complaint = self.complaint();
        let reason = complaint.as_ref().map_or("", Complaint::message);
        output.note(format_args!(
            "proxdeck: {guest}: snapshot {snapshot} {}: {reason}",
            self.outcome()
        ));
        if let Some(upid) = self.upid() {
            output.note(format_args!("  {upid}"));
        }
        for line in complaint.iter().flat_map(Complaint::remarks) {
            output.note(format_args!("  {line}"));
        }
    }
}
