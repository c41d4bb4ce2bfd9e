//! The audit log: one line of JSON per change, appended and never rewritten.
//!
//! A line says who did what to which guest, under which task, and how it ended (SPEC §8). Secrets
//! cannot get in: a line is made of an operation's announced calls, which carry none.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::Reporter;
use crate::domain::guest::GuestRef;
use crate::domain::id::PoolName;
use crate::domain::json::to_careful_line;
use crate::domain::operation::{Call, Fate, Operation, Part, Product, Report};
use crate::domain::task::Upid;
use crate::proxmox::Client;

/// Whether changes may be made, and where they are written down.
#[derive(Debug, Clone)]
pub enum WriteAccess {
    /// Nothing is changed; every operation is refused.
    ReadOnly,
    /// Changes are made, each written to this log before and after.
    Logged(AuditLog),
    /// Changes are made and nowhere noted: for worlds that end with the process.
    Unlogged,
}

/// A file to which every change is appended.
///
/// Cloning shares the file; lines of several processes do not mix, as each is one write at the end.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
    cluster: String,
    file: Arc<Mutex<Appended>>,
}

/// A file that only grows.
#[derive(Debug)]
struct Appended {
    file: File,
    /// Whether it ends in the middle of a line, as after a disk that was full.
    is_torn: bool,
}

impl Appended {
    /// Appends a line; after a torn one it begins anew, so that no more is lost than what had no room.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let text = if self.is_torn {
            [b"\n", line].concat()
        } else {
            line.to_vec()
        };
        let mut left = &text[..];
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    left = &left[written..];
                    self.is_torn = !left.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Tells whether a file ends in the middle of a line.
fn is_torn(file: &File) -> bool {
    let mut last = [b'\n'];
    let mut file = file;
    // What cannot be read, such as a device, has no lines to be torn.
    let read = file
        .seek(SeekFrom::End(-1))
        .and_then(|_| file.read_exact(&mut last));
    read.is_ok() && last != [b'\n']
}

impl AuditLog {
    /// Opens the log, or makes it, readable by its owner only.
    ///
    /// `cluster` is the name under which its lines speak of the cluster.
    pub fn open(path: impl Into<PathBuf>, cluster: impl Into<String>) -> io::Result<Self> {
        let path = path.into();
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&path)?;
        let is_torn = is_torn(&file);
        Ok(Self {
            path,
            cluster: cluster.into(),
            file: Arc::new(Mutex::new(Appended { file, is_torn })),
        })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&self, line: &impl Serialize) -> io::Result<()> {
        let text = to_careful_line(line)?;
        // Held while writing only: a line is short, and the disk is the caller's own.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.append(text.as_bytes())
    }
}

/// One line of the log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: Option<String>,
    cluster: &'a str,
    account: &'a str,
    action: &'a str,
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<LoggedCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a str>,
    upid: Option<&'a str>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<Target>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Target {
    vmid: u32,
    name: Option<String>,
    node: String,
}

impl Target {
    fn of(guest: &GuestRef) -> Self {
        Self {
            vmid: guest.vmid.get(),
            // As shown, so that a name cannot smuggle escape sequences into a log that is read in a terminal.
            name: guest.name.as_ref().map(ToString::to_string),
            node: guest.node.to_string(),
        }
    }
}

#[derive(Debug, Serialize)]
struct LoggedCall {
    method: &'static str,
    path: String,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    parameters: serde_json::Map<String, serde_json::Value>,
}

impl LoggedCall {
    fn of(call: Call) -> Self {
        let parameters = call.parameters.into_iter();
        Self {
            method: call.method,
            path: call.path,
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        }
    }
}

/// Writes the lines of one operation, and remembers the first that could not be written.
#[derive(Debug)]
pub(super) struct Auditor<'a> {
    log: Option<&'a AuditLog>,
    account: &'a str,
    failure: OnceLock<String>,
}

impl<'a> Auditor<'a> {
    pub(super) fn new(log: Option<&'a AuditLog>, account: &'a str) -> Self {
        Self {
            log,
            account,
            failure: OnceLock::new(),
        }
    }

    /// Notes that an operation begins; a process that dies in the middle leaves this line alone.
    pub(super) fn begins(&self, operation: &Operation, time: Option<DateTime<Utc>>) {
        let calls = operation.calls();
        self.write(|cluster| Line {
            calls: calls.into_iter().map(LoggedCall::of).collect(),
            ..self.line(cluster, time, operation, "started")
        });
    }

    /// Notes how an operation ended.
    pub(super) fn ended(
        &self,
        operation: &Operation,
        report: &Report,
        time: Option<DateTime<Utc>>,
    ) {
        let made = match &report.product {
            Some(Product::Guest(guest)) => Some(Target::of(guest)),
            Some(
                Product::Snapshot(_)
                | Product::Power(_)
                | Product::RolledBack(_)
                | Product::Enforced(_)
                | Product::Trial(_),
            )
            | None => None,
        };
        let trial = report.trial().map(ToString::to_string);
        let notes = report.notes.iter().chain(&trial);
        self.write(|cluster| Line {
            upid: report.upid.as_ref().map(Upid::as_str),
            error: report.outcome.failure().map(ToString::to_string),
            made,
            notes: notes.map(String::as_str).collect(),
            ..self.line(cluster, time, operation, report.outcome.as_str())
        });
    }

    /// Notes what came of one part of an operation.
    pub(super) fn part(&self, action: &str, part: &Part, time: Option<DateTime<Utc>>) {
        let subject = part.subject.to_string();
        self.write(|cluster| Line {
            time: stamp(time),
            cluster,
            account: self.account,
            action,
            targets: vec![Target::of(&part.guest)],
            calls: Vec::new(),
            subject: Some(&subject),
            overridden: None,
            upid: part.upid.as_ref().map(Upid::as_str),
            outcome: part.fate.as_str(),
            error: reason_of(&part.fate),
            made: None,
            notes: Vec::new(),
        });
    }

    /// Notes what came of a change of a pool's comment.
    pub(super) fn pool(
        &self,
        action: &str,
        pool: &PoolName,
        fate: &Fate,
        time: Option<DateTime<Utc>>,
    ) {
        self.write(|cluster| Line {
            time: stamp(time),
            cluster,
            account: self.account,
            action,
            targets: Vec::new(),
            calls: Vec::new(),
            subject: Some(pool.as_str()),
            overridden: None,
            upid: None,
            outcome: fate.as_str(),
            error: reason_of(fate),
            made: None,
            notes: Vec::new(),
        });
    }

    /// Notes that an operation is no longer watched, and the tasks that go on at the server.
    fn left(&self, operation: &Operation, tasks: &[Upid], time: Option<DateTime<Utc>>) {
        if tasks.is_empty() {
            self.write(|cluster| self.line(cluster, time, operation, "left"));
        }
        for upid in tasks {
            let guests = operation.guests().into_iter();
            let concerned = guests.filter(|guest| upid.vmid() == Some(guest.vmid));
            self.write(|cluster| Line {
                targets: concerned.map(Target::of).collect(),
                upid: Some(upid.as_str()),
                ..self.line(cluster, time, operation, "left")
            });
        }
    }

    /// Returns why the log is incomplete, if it is.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    fn line<'b>(
        &'b self,
        cluster: &'b str,
        time: Option<DateTime<Utc>>,
        operation: &'b Operation,
        outcome: &'b str,
    ) -> Line<'b> {
        Line {
            time: stamp(time),
            cluster,
            account: self.account,
            action: operation.kind(),
            targets: operation.guests().into_iter().map(Target::of).collect(),
            calls: Vec::new(),
            subject: None,
            overridden: operation.overridden_throttle(),
            upid: None,
            outcome,
            error: None,
            made: None,
            notes: Vec::new(),
        }
    }

    fn write<'b>(&'b self, line: impl FnOnce(&'b str) -> Line<'b>) {
        let Some(log) = self.log else { return };
        if let Err(error) = log.append(&line(&log.cluster)) {
            let text = format!(
                "the audit log {} could not be written: {error}",
                log.path.display()
            );
            // The first failure explains those that follow.
            let _ = self.failure.set(text);
        }
    }
}

/// Writes down what is left at work when an operation is dropped before its end.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    auditor: &'a Auditor<'a>,
    operation: &'a Operation,
    client: &'a Client,
    reporter: &'a Reporter,
    goes_on: bool,
}

impl<'a> Watch<'a> {
    pub(super) fn new(
        auditor: &'a Auditor<'a>,
        operation: &'a Operation,
        client: &'a Client,
        reporter: &'a Reporter,
    ) -> Self {
        Self {
            auditor,
            operation,
            client,
            reporter,
            goes_on: true,
        }
    }

    /// Ends the watch together with the operation; nothing is left.
    pub(super) fn end(mut self) {
        self.goes_on = false;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if self.goes_on {
            let tasks = self.reporter.at_work();
            let time = self.client.server_time();
            self.auditor.left(self.operation, &tasks, time);
        }
    }
}

fn stamp(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// Says why a part did not end well, if so.
fn reason_of(fate: &Fate) -> Option<String> {
    match fate {
        Fate::Ended(outcome) => outcome.failure().map(ToString::to_string),
        Fate::Skipped(reason) | Fate::NotTried(reason) => Some(reason.clone()),
    }
}
