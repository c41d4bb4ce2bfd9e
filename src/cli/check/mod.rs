//! `proxdeck check`: limits, budgets and alerts once, for monitoring.
//!
//! The exit code is the monitoring's own: 2 critical, 1 warning, 3 something could not be read,
//! 0 well. What somebody has acknowledged still counts: the code says how the cluster stands, not
//! who knows.

mod look;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use serde::Serialize;

use self::look::Look;
use super::Exit;
use super::complaint::Complaint;
use super::connect::Session;
use super::document::{Document, rfc3339};
use super::output::Output;
use super::setup::Setup;
use super::table::{Side, Table};
use super::unread::Unread;
use crate::config::alert_memory::AlertMemory;
use crate::domain::alert::{AlertBook, Standing, Stands, lasting};
use crate::domain::limits::Severity;
use crate::domain::text::Text;
use crate::ui::format;

/// Check limits, budgets and alerts once, for monitoring
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes of this command: 2 critical, 1 warning, 3 something could not \
    be read, 0 well; the first that applies. Acknowledged alerts count.\n\n\
    The first line is for a pager. What the account may not see is named on stderr and does not \
    count."
)]
pub(super) struct Check {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// An alert as `proxdeck.check/1` shows it; `null` is unknown or does not apply.
#[derive(Debug, Serialize)]
struct Row<'a> {
    kind: &'static str,
    severity: &'static str,
    subject: String,
    /// What is the matter, without the subject.
    text: &'a str,
    /// A fraction, seconds or a count, in the unit of `limit`.
    value: Option<f64>,
    limit: Option<f64>,
    /// Since when, at the latest; unknown where this run is the first that saw it.
    since: Option<String>,
    acknowledged: bool,
    vmid: Option<u32>,
    name: Option<&'a str>,
    node: Option<&'a str>,
}

/// How the cluster stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl Status {
    fn of(book: &AlertBook, unread: &[Unread]) -> Self {
        match book.standing().iter().map(|each| each.alert.severity).max() {
            Some(Severity::Critical) => Self::Critical,
            Some(Severity::Warning) => Self::Warning,
            None if unread.iter().any(Unread::counts) => Self::Unknown,
            None => Self::Ok,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    const fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Done,
            Self::Warning => Exit::Failed,
            Self::Critical => Exit::Refused,
            Self::Unknown => Exit::Unreachable,
        }
    }
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    status: Status,
    critical: usize,
    warning: usize,
    acknowledged: usize,
    /// The line for a pager.
    line: &'a str,
    /// What could not be read, or may not be seen, and why.
    unread: &'a [Unread],
}

impl Check {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let look = Look::take(&session, setup, output).await?;
        let memory = setup.alert_memory(&session.cluster);
        let known = memory.as_ref().map(AlertMemory::read);
        let mut book = AlertBook::with_memory(known.unwrap_or_default());
        look.show(&mut book);
        // The next run knows since when, and a dashboard on this machine too.
        if let (Some(memory), Some(changes)) = (&memory, book.changes(look.server))
            && let Err(error) = memory.write(&changes, look.server)
        {
            output.note(format_args!(
                "proxdeck: note: alerts are not remembered: {error}"
            ));
        }
        let status = Status::of(&book, &look.unread);
        let line = pager_line(status, &session.cluster, &book, &look.unread);
        let standing = book.standing();
        if self.json {
            let rows: Vec<Row<'_>> = standing.iter().map(row).collect();
            let count = |severity| {
                let alike = standing
                    .iter()
                    .filter(|each| each.alert.severity == severity);
                alike.count()
            };
            let summary = Summary {
                status,
                critical: count(Severity::Critical),
                warning: count(Severity::Warning),
                acknowledged: book.counts().acknowledged,
                line: &line,
                unread: &look.unread,
            };
            output.document(&Document::new(
                "proxdeck.check/1",
                &session.cluster,
                look.server,
                &rows,
                summary,
            ));
        } else {
            output.line(&line);
            if !standing.is_empty() {
                output.line(table(&standing, look.server));
            }
            for unread in &look.unread {
                unread.tell(output);
            }
        }
        Ok(status.exit())
    }
}

/// Tells a monitoring system that nothing could be checked: a line on stdout, and its code.
pub(super) fn unknown(complaint: &Complaint, exit: Exit, json: bool, output: &Output) -> Exit {
    if exit == Exit::Interrupted {
        return exit;
    }
    if !json {
        output.line(format_args!(
            "proxdeck {}: {}",
            Status::Unknown.word(),
            complaint.message()
        ));
    }
    Status::Unknown.exit()
}

/// Makes the line that a pager shows: how it stands, and what presses most.
fn pager_line(status: Status, cluster: &str, book: &AlertBook, unread: &[Unread]) -> String {
    let standing = book.standing();
    let count = |severity| {
        let alike = standing.iter();
        alike.filter(|each| each.alert.severity == severity).count()
    };
    let mut line = format!(
        "proxdeck {} {cluster}: {} critical, {} warning",
        status.word(),
        count(Severity::Critical),
        count(Severity::Warning)
    );
    // What nobody has in hand comes first, and most pressing.
    if let Some(first) = standing.first() {
        let _ = write!(line, "; {}", first.alert);
    } else if let Some(first) = unread.iter().find(|each| each.counts()) {
        let _ = write!(line, "; {} could not be read", first.what);
    }
    line
}

fn row<'a>(each: &Standing<'a>) -> Row<'a> {
    let alert = each.alert;
    let guest = alert.subject.guest();
    Row {
        kind: alert.kind.as_str(),
        severity: alert.severity.as_str(),
        subject: alert.subject.to_string(),
        text: &alert.text,
        value: alert.value,
        limit: alert.limit,
        since: is_dated(each).then(|| rfc3339(each.since)),
        acknowledged: each.acknowledgement.is_some(),
        vmid: guest.map(|guest| guest.vmid.get()),
        name: guest.and_then(|guest| guest.name.as_ref()).map(Text::raw),
        node: guest.map(|guest| guest.node.as_str()),
    }
}

/// Tells whether anything but this very look says since when it is so.
fn is_dated(each: &Standing<'_>) -> bool {
    each.alert.since.is_some() || !each.perhaps_earlier
}

fn table(standing: &[Standing<'_>], now: DateTime<Utc>) -> Table<4> {
    let mut table = Table::new([
        ("SEVERITY", Side::Left),
        ("SINCE", Side::Right),
        ("WHAT", Side::Left),
        ("WHY", Side::Left),
    ]);
    for each in standing {
        let span = format::span(lasting(each.since, now));
        let since = match (is_dated(each), each.perhaps_earlier) {
            (false, _) => "?".to_owned(),
            (true, true) => format!("≥{span}"),
            (true, false) => span,
        };
        let mut why = each.alert.text.clone();
        if each.stands != Stands::Raised {
            why.push_str(" (as last seen)");
        }
        if let Some(word) = each.acknowledgement {
            let _ = write!(why, " (in hand of {})", word.by);
        }
        table.push([
            each.alert.severity.as_str().to_owned(),
            since,
            each.alert.subject.to_string(),
            why,
        ]);
    }
    table
}
