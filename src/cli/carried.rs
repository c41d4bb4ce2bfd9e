//! What became of changes, told for people or programs.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Exit;
use super::complaint::Complaint;
use super::document::Document;
use super::output::Output;
use crate::domain::guest::GuestRef;
use crate::domain::operation::{Fate, HalfMade, Outcome, Product, Report, TrialFacts};
use crate::domain::task::Upid;

/// What happened to one guest.
pub(super) struct Ended {
    /// The guest.
    pub(super) guest: GuestRef,
    pub(super) subject: String,
    pub(super) operation: &'static str,
    pub(super) end: End,
}

/// How a change ended.
pub(super) enum End {
    /// It was carried out, and this came of it.
    Reported(Box<Report>),
    /// It was not begun, for this reason.
    Skipped(String),
    /// Nobody watched any more; these tasks go on.
    Left(Vec<Upid>),
}

/// What happened to all guests.
pub(super) struct Carried {
    /// Each guest, in the order of the changes.
    pub(super) ended: Vec<Ended>,
    /// Whether a person asked for the end before it came.
    pub(super) interrupted: bool,
}

/// How many changes ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Summary {
    done: usize,
    failed: usize,
    skipped: usize,
    unknown: usize,
}

/// The change of a guest as the documents show it.
#[derive(Debug, Serialize)]
pub(super) struct ChangeRow {
    vmid: u32,
    name: Option<String>,
    node: String,
    #[serde(flatten)]
    end: EndRow,
}

/// How a change ended, as the documents show it.
#[derive(Debug, Serialize)]
pub(super) struct EndRow {
    operation: &'static str,
    outcome: &'static str,
    upid: Option<String>,
    new_vmid: Option<u32>,
    error: Option<Complaint>,
    /// How a trial ended: `kept`, `put-back`, `not-begun` or `ended-elsewhere`.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<&'static str>,
    /// What a person should know, though nothing went wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl Carried {
    /// Takes the parts of a batch for changes of their own; returns what else was to be said.
    ///
    /// What is said of a part's guest, or of one that it made, goes with that part.
    pub(super) fn spread(&mut self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut ended = Vec::new();
        for each in self.ended.drain(..) {
            let report = match each.end {
                End::Reported(report) if !report.parts.is_empty() => report,
                end @ (End::Reported(_) | End::Skipped(_) | End::Left(_)) => {
                    ended.push(Ended { end, ..each });
                    continue;
                }
            };
            notes.extend(report.notes);
            for part in report.parts {
                let made = part.made.as_ref().map(ToString::to_string);
                let is_about = |note: &mut String| {
                    let made = made.as_ref();
                    made.is_some_and(|made| note.contains(made.as_str()))
                };
                let mut own: Vec<String> = notes.extract_if(.., is_about).collect();
                let head = format!("{}: ", part.guest);
                let of_guest = notes.extract_if(.., |note| note.starts_with(&head));
                own.extend(of_guest.map(|note| note[head.len()..].to_owned()));
                let trial = part.trial.map(Product::Trial);
                let product = part.made.map(Product::Guest).or(trial);
                // The operation's own word is said anyway; what follows tells one part from another.
                let subject = part.subject.to_string();
                let verb = format!("{} ", each.operation);
                ended.push(Ended {
                    guest: part.guest,
                    subject: match each.subject.as_str() {
                        "" => subject.strip_prefix(&verb).unwrap_or_default().to_owned(),
                        common => common.to_owned(),
                    },
                    operation: each.operation,
                    end: match part.fate {
                        Fate::Skipped(reason) | Fate::NotTried(reason) => End::Skipped(reason),
                        Fate::Ended(outcome) => End::Reported(Box::new(Report {
                            notes: own,
                            ..Report::new(outcome)
                                .with_upid(part.upid)
                                .with_product(product)
                        })),
                    },
                });
            }
        }
        self.ended = ended;
        notes
    }

    /// Returns the guests that were made and are not what was wanted.
    pub(super) fn half_made(&self) -> Vec<HalfMade> {
        let reports = self.ended.iter().filter_map(Ended::report);
        reports
            .flat_map(|report| report.half_made.clone())
            .collect()
    }

    /// Returns how many changes ended how.
    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for each in &self.ended {
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

    /// Tells whether all of them were done.
    pub(super) fn is_done(&self) -> bool {
        self.summary().done == self.ended.len()
    }

    /// Returns the exit code: what was asked for and not done is a failure.
    pub(super) fn exit(&self) -> Exit {
        let done = self.summary().done;
        if self.interrupted {
            Exit::Interrupted
        } else if done == self.ended.len() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }

    /// Says for people only what went wrong with a whole change.
    pub(super) fn tell_failures(&self, output: &Output) {
        for each in &self.ended {
            if let Some(complaint) = each.complaint() {
                output.note(format_args!(
                    "proxdeck: {}: {}",
                    verb(each.operation),
                    complaint.message()
                ));
                for upid in each.upids() {
                    output.note(format_args!("  {upid}"));
                }
            }
            for note in each.report().iter().flat_map(|report| &report.notes) {
                output.note(note);
            }
        }
        self.tell_interruption(output);
    }

    /// Prints how each change ended: with a schema as one document for programs, else for people.
    pub(super) fn print(
        &self,
        schema: Option<&'static str>,
        cluster: &str,
        time: DateTime<Utc>,
        output: &Output,
    ) {
        let Some(schema) = schema else {
            return self.tell(output);
        };
        let rows: Vec<_> = self.ended.iter().map(Ended::row).collect();
        let summary = self.summary();
        output.document(&Document::new(schema, cluster, time, &rows, summary));
    }

    /// Says for people how each change ended.
    pub(super) fn tell(&self, output: &Output) {
        for each in &self.ended {
            each.tell(output);
        }
        self.tell_interruption(output);
    }

    fn tell_interruption(&self, output: &Output) {
        let is_left = |each: &Ended| matches!(each.end, End::Left(_));
        if self.ended.iter().any(is_left) {
            output.note("proxdeck: interrupted; what the server had begun goes on there");
        } else if self.interrupted {
            output.note("proxdeck: interrupted; nothing else was begun");
        }
    }
}

impl Ended {
    /// Returns the report, if the change came to one.
    pub(super) fn report(&self) -> Option<&Report> {
        match &self.end {
            End::Reported(report) => Some(report),
            End::Skipped(_) | End::Left(_) => None,
        }
    }

    /// Returns what it is about within the guest.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// Describes the guest and how its change ended.
    pub(super) fn row(&self) -> ChangeRow {
        ChangeRow {
            vmid: self.guest.vmid.get(),
            name: self.guest.name.as_ref().map(|name| name.raw().to_owned()),
            node: self.guest.node.to_string(),
            end: self.end_row(),
        }
    }

    /// Describes how the change ended.
    pub(super) fn end_row(&self) -> EndRow {
        let product = self.report().and_then(|report| report.product.as_ref());
        let trial = self.report().and_then(Report::trial);
        EndRow {
            operation: self.operation,
            outcome: self.outcome(),
            upid: self.upids().first().map(ToString::to_string),
            new_vmid: match product {
                Some(Product::Guest(guest)) => Some(guest.vmid.get()),
                _ => None,
            },
            error: self.complaint(),
            trial: trial.map(TrialFacts::as_str),
            notes: trial
                .map(ToString::to_string)
                .into_iter()
                .chain(self.report().iter().flat_map(|report| report.notes.clone()))
                .collect(),
        }
    }

    fn complaint(&self) -> Option<Complaint> {
        match &self.end {
            End::Skipped(reason) => Some(Complaint::new(Exit::Refused, "Skipped", reason, "")),
            End::Left(tasks) => {
                let message = if tasks.is_empty() {
                    "interrupted before the server answered; it may have been begun"
                } else {
                    "interrupted; the task goes on at the server"
                };
                let advice = "look at the guest before trying again";
                let exit = Exit::Interrupted;
                Some(Complaint::new(exit, "Cancelled", message, advice))
            }
            End::Reported(report) => report.outcome.failure().map(Complaint::of_failure),
        }
    }

    fn outcome(&self) -> &'static str {
        match &self.end {
            End::Skipped(_) => "skipped",
            End::Left(_) => "unknown",
            End::Reported(report) => report.outcome.as_str(),
        }
    }

    /// Returns the task that was the change, or all those that go on.
    fn upids(&self) -> &[Upid] {
        match &self.end {
            End::Skipped(_) => &[],
            End::Left(tasks) => tasks,
            End::Reported(report) => report.upid.as_slice(),
        }
    }

    /// Says for people how it ended: what was done on stdout, what went wrong on stderr.
    fn tell(&self, output: &Output) {
        let guest = &self.guest;
        let verb = verb(self.operation);
        let what = match self.subject.as_str() {
            "" => verb.to_owned(),
            subject => format!("{verb} {subject}"),
        };
        if let Some(report) = self.report()
            && report.outcome.is_success()
        {
            let warnings = match report.outcome {
                Outcome::Warnings(count) => format!(", with {count} warnings"),
                Outcome::Done | Outcome::Failed(_) | Outcome::Stopped | Outcome::Unknown(_) => {
                    String::new()
                }
            };
            let facts = report.product.as_ref().map(facts);
            let facts = facts.unwrap_or_else(|| " done".to_owned());
            output.line(format_args!("{guest}: {what}{facts}{warnings}"));
        } else {
            let complaint = self.complaint();
            let reason = complaint.as_ref().map_or("", Complaint::message);
            let outcome = self.outcome();
            output.note(format_args!(
                "proxdeck: {guest}: {what} {outcome}: {reason}"
            ));
            for upid in self.upids() {
                output.note(format_args!("  {upid}"));
            }
            if let Some(Product::Guest(made)) =
                self.report().and_then(|report| report.product.as_ref())
            {
                output.note(format_args!("  {made} exists now"));
            }
            for line in complaint.iter().flat_map(Complaint::remarks) {
                output.note(format_args!("  {line}"));
            }
        }
        for note in self.report().iter().flat_map(|report| &report.notes) {
            output.note(format_args!("{guest}: {note}"));
        }
    }
}

/// Returns the words for an operation, which documents know by one word.
pub(super) fn verb(operation: &'static str) -> &'static str {
    match operation {
        "delete-snapshot" => "delete snapshot",
        "rollback" => "roll back",
        "network" => "network profile",
        word => word,
    }
}

/// Says what exists now that did not before.
fn facts(product: &Product) -> String {
    match product {
        Product::Snapshot(facts) => {
            let taken = facts.taken.map(super::document::calendar);
            let ram = if facts.has_ram { ", with RAM" } else { "" };
            format!(" taken {}{ram}", taken.unwrap_or_default())
        }
        Product::Guest(guest) => format!(", new guest {guest}"),
        Product::Power(facts) if facts.requested => ", requested of the cluster's HA".to_owned(),
        Product::Power(facts) => format!(", now {}", facts.status),
        Product::RolledBack(_) | Product::Enforced(_) => " done".to_owned(),
        Product::Trial(facts) => format!(" tried and {facts}"),
    }
}
