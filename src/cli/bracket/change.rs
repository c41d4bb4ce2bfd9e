//! `proxdeck bracket drop`, and what every change of a bracket has in common.

use serde::Serialize;

use super::view::View;
use crate::cli::carried::{ChangeRow, Ended, Summary};
use crate::cli::change::{self, Change};
use crate::cli::complaint::Refusal;
use crate::cli::document::Document;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::{Exit, confirm, interruptible};
use crate::domain::operation::{Operation, Skipped};
use crate::domain::request::{DropBracketRequest, Objection};
use crate::runtime::Ending;

/// Delete the snapshots of a bracket
#[derive(Debug, clap::Args)]
pub(super) struct Drop {
    /// The bracket; where several have the name, as NAME@NONCE
    #[arg(value_name = "NAME")]
    name: String,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

impl Drop {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        setup.require_writable()?;
        let mut ending = Ending::listen()?;
        let view = interruptible(&mut ending, View::take(setup, output)).await?;
        let bracket = view.find(&self.name)?;
        let request = DropBracketRequest {
            bracket: bracket.clone(),
        };
        let operation = checked(request.check(&view))?;
        let permitted = require_privileges(&operation, &view);
        interruptible(&mut ending, permitted).await?;
        for vmid in &bracket.unread {
            output.note(format_args!(
                "{vmid} belongs to it and could not be read; it stays as it is"
            ));
        }
        tell_skipped(&operation, output);
        let guests = names(&operation);
        let question = format!(
            "drop bracket {}, {} snapshots, of {}",
            bracket.full_name(),
            guests.len(),
            guests.join(", ")
        );
        let word = guests.len().to_string();
        confirm::require(self.yes, &question, &word, output, &mut ending).await?;
        let work = Work {
            view: &view,
            operation,
            word: "delete-snapshot",
            json: self.json,
        };
        Ok(work.carry_out(setup, output, &mut ending).await)
    }
}

/// A checked and confirmed change of a bracket.
pub(super) struct Work<'a> {
    pub(super) view: &'a View,
    pub(super) operation: Operation,
    /// What is done to each guest, as the operations name themselves.
    pub(super) word: &'static str,
    pub(super) json: bool,
}

#[derive(Debug, Serialize)]
struct BracketSummary {
    bracket: Option<String>,
    nonce: Option<String>,
    #[serde(flatten)]
    counts: Summary,
    /// What a person should know, as how to go on after a partial failure.
    notes: Vec<String>,
}

impl Work<'_> {
    /// Carries it out, tells it guest by guest, and returns how it ended.
    pub(super) async fn carry_out(
        self,
        setup: &Setup,
        output: &Output,
        ending: &mut Ending,
    ) -> Exit {
        let deed = if let Operation::Batch(batch) = &self.operation {
            batch.bracket().cloned()
        } else {
            None
        };
        let snapshot = deed.as_ref().map(|deed| deed.name.snapshot().to_string());
        let changes: Vec<Change> = Change::of(self.operation)
            .into_iter()
            .map(|change| Change {
                subject: snapshot.clone().unwrap_or_default(),
                ..change
            })
            .collect();
        let session = &self.view.session;
        let mut carried =
            change::carry_out(session, setup, output, ending, self.word, changes).await;
        let notes = carried.spread();
        if self.json {
            let rows: Vec<ChangeRow> = carried.ended.iter().map(Ended::row).collect();
            let summary = BracketSummary {
                bracket: deed.as_ref().map(|deed| deed.name.to_string()),
                nonce: deed.as_ref().map(|deed| deed.nonce.to_string()),
                counts: carried.summary(),
                notes,
            };
            output.document(&Document::new(
                "proxdeck.bracket/1",
                &session.cluster,
                self.view.reading.time,
                &rows,
                summary,
            ));
        } else {
            carried.tell(output);
            for note in notes {
                output.note(note);
            }
        }
        carried.exit()
    }
}

/// Refuses with every objection.
pub(super) fn checked(checked: Result<Operation, Vec<Objection>>) -> anyhow::Result<Operation> {
    checked.map_err(|objections| {
        let reasons: Vec<String> = objections.iter().map(ToString::to_string).collect();
        change::refused(&reasons).into()
    })
}

/// Refuses before any write when the account lacks a privilege for any of the guests.
pub(super) async fn require_privileges(operation: &Operation, view: &View) -> anyhow::Result<()> {
    let client = &view.session.client;
    let permissions = client.access().permissions().await?;
    let single = |operation: &Operation| Change::of(operation.clone());
    let changes: Result<Vec<Change>, Refusal> = if let Operation::Batch(batch) = operation {
        batch.operations().map(single).collect()
    } else {
        single(operation).map(|change| vec![change])
    };
    let changes = changes?;
    Ok(change::require_privileges(client, &changes, permissions).await?)
}

/// Says on stderr who is left out, before anything is asked.
pub(super) fn tell_skipped(operation: &Operation, output: &Output) {
    if let Operation::Batch(batch) = operation {
        for Skipped { guest, reason } in batch.skipped() {
            output.note(format_args!("{guest} is left out: {reason}"));
        }
    }
}

/// Names the guests that take part.
pub(super) fn names(operation: &Operation) -> Vec<String> {
    operation.guests().iter().map(ToString::to_string).collect()
}
