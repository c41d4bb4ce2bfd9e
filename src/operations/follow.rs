//! Follows a task from its name to its end.

use std::time::Duration;

use super::Reporter;
use crate::domain::failure::FailureKind;
use crate::domain::progress::{self, LineProgress};
use crate::domain::task::{LogLine, TaskState, Upid};
use crate::domain::text::Text;
use crate::proxmox::{Client, Error};

/// The first pause between two looks; it grows by half each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// After so long without any contact a task's end is unknown (SPEC §5.12).
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);
/// How many of the log's last lines are kept for a report.
const TAIL: usize = 8;

/// How a followed task ended, as far as anybody knows.
#[derive(Debug)]
pub(super) struct Followed {
    /// Its end.
    pub(super) end: End,
    /// The last lines of its log.
    pub(super) tail: Vec<Text>,
}

/// The end of a task, or of our knowledge about it.
#[derive(Debug)]
pub(super) enum End {
    /// The server says how it ended.
    Known(TaskState),
    /// Contact was lost for too long, or the server no longer knows the task.
    Lost(Error),
}

/// Watches a task until it ends, reporting what its log tells.
pub(super) async fn follow(client: &Client, upid: &Upid, reporter: &Reporter) -> Followed {
    let mut log = LogReader::default();
    let mut pause = SHORTEST_PAUSE;
    loop {
        let look = tokio::time::timeout(GIVE_UP_AFTER, look(client, upid, &mut log)).await;
        let state = match look {
            Ok(Ok(state)) => state,
            Ok(Err(error)) => return log.finish(End::Lost(error)),
            Err(_) => return log.finish(End::Lost(lost_contact())),
        };
        if let Some(line) = log.tail.last() {
            reporter.progress(log.fraction, line.clone());
        }
        if !state.is_running() {
            return log.finish(End::Known(state));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// Looks at a task until an answer comes; only errors that will not pass by themselves are returned.
async fn look(client: &Client, upid: &Upid, log: &mut LogReader) -> Result<TaskState, Error> {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let state = match client.tasks().state(upid).await {
            // The log is read after the state, so that the log of an ended task is whole.
            Ok(state) => log.read_on(client, upid).await.map(|()| state),
            Err(error) => Err(error),
        };
        match state {
            Err(error) if passes(error.kind()) => tokio::time::sleep(pause).await,
            state => return state,
        }
        pause = (pause * 2).min(LONGEST_PAUSE * 5);
    }
}

/// Tells whether waiting may help; a refused login has its own, longer pauses inside the client.
fn passes(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Unreachable
            | FailureKind::Interrupted
            | FailureKind::NodeUnreachable
            | FailureKind::Malformed
            | FailureKind::AuthenticationFailed
            | FailureKind::Server
    )
}

fn lost_contact() -> Error {
    Error::unsent(
        FailureKind::Interrupted,
        "no contact for 10 minutes; the task may still run",
    )
}

/// Reads a log page by page and remembers its end.
#[derive(Default)]
struct LogReader {
    read: u64,
    tail: Vec<Text>,
    fraction: Option<f64>,
}

impl LogReader {
    async fn read_on(&mut self, client: &Client, upid: &Upid) -> Result<(), Error> {
        // A log grows faster than it is read only by intent; the rest comes with the next look.
        for _ in 0..20 {
            let lines = client.tasks().log(upid, self.read).await?;
            if !self.take(lines) {
                break;
            }
        }
        Ok(())
    }

    /// Takes lines in; returns whether there may be more.
    fn take(&mut self, lines: Vec<LogLine>) -> bool {
        let before = self.read;
        for line in lines {
            if line.number <= before || line.text.raw() == "no content" {
                continue;
            }
            self.read = self.read.max(line.number);
            match progress::read_line(line.text.raw()) {
                Some(LineProgress::Fraction(fraction)) => self.fraction = Some(fraction),
                Some(LineProgress::DriveBegins(_)) => self.fraction = None,
                Some(LineProgress::Written(_)) | None => {}
            }
            if self.tail.len() == TAIL {
                self.tail.remove(0);
            }
            self.tail.push(line.text);
        }
        self.read > before
    }

    fn finish(self, end: End) -> Followed {
        Followed {
            end,
            tail: self.tail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64, text: &str) -> LogLine {
        LogLine {
            number,
            text: text.into(),
        }
    }

    #[test]
    fn an_empty_log_is_not_a_line_and_lines_are_not_read_twice() {
        let mut log = LogReader::default();
        assert!(!log.take(vec![line(1, "no content")]));
        assert!(log.take(vec![line(1, "first"), line(2, "second")]));
        assert!(!log.take(vec![line(1, "first"), line(2, "second")]));
        assert!(log.take(vec![line(2, "second"), line(3, "third")]));
        assert_eq!(log.tail, ["first".into(), "second".into(), "third".into()]);
    }

    #[test]
    fn pitfall_25_a_new_drive_starts_at_nothing() {
        let mut log = LogReader::default();
        log.take(vec![line(1, "transferred 1 GiB of 1 GiB (100.00%)")]);
        assert_eq!(log.fraction, Some(1.0));
        log.take(vec![line(
            2,
            "create full clone of drive scsi1 (vmstore:101/x)",
        )]);
        assert_eq!(log.fraction, None);
    }

    #[test]
    fn only_the_end_of_a_long_log_is_kept() {
        let mut log = LogReader::default();
        log.take(
            (1..=1000)
                .map(|number| line(number, &format!("line {number}")))
                .collect(),
        );
        assert_eq!(log.tail.len(), TAIL);
        assert_eq!(log.tail.last(), Some(&"line 1000".into()));
    }
}
