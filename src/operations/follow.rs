//! Follows a task from its name to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Context;
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

/// How a task is to be followed.
#[derive(Debug, Clone, Default)]
pub(super) struct Following {
    /// The share of the work that each drive is; they add up to 1 (PITFALLS 25).
    pub(super) shares: BTreeMap<String, f64>,
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
///
/// It is never asked to stop: whoever wants no further step wants this one finished.
pub(super) async fn follow(context: Context<'_>, upid: &Upid, how: Following) -> Followed {
    let followed = watch(context, upid, how).await;
    if matches!(followed.end, End::Known(_)) {
        context.reporter.settled(upid);
    }
    followed
}

async fn watch(context: Context<'_>, upid: &Upid, how: Following) -> Followed {
    let Context {
        client, reporter, ..
    } = context;
    let mut log = LogReader::new(how.shares);
    let mut pause = SHORTEST_PAUSE;
    loop {
        let look = tokio::time::timeout(GIVE_UP_AFTER, look(client, upid, &mut log)).await;
        let end = match look {
            Ok(Ok(state)) => End::Known(state),
            Ok(Err(error)) => End::Lost(error),
            Err(_) => End::Lost(lost_contact()),
        };
        if let Some(line) = log.tail.last() {
            reporter.progress(log.fraction, line.clone());
        }
        if !matches!(&end, End::Known(state) if state.is_running()) {
            return Followed {
                end,
                tail: log.tail,
            };
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
            Ok(state) => match log.read_on(client, upid).await {
                Err(error) if passes(error.kind()) => Err(error),
                // How the task stands is known even where nobody may read its log.
                Ok(()) | Err(_) => Ok(state),
            },
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
            | FailureKind::SessionExpired
            // A person may be signing in at this moment.
            | FailureKind::PasswordNeeded
            | FailureKind::SecondFactorRequired
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
    shares: BTreeMap<String, f64>,
    /// What the drives before the present one amount to.
    done: f64,
    drive: Option<String>,
}

impl LogReader {
    fn new(shares: BTreeMap<String, f64>) -> Self {
        Self {
            shares,
            ..Self::default()
        }
    }

    /// Takes in what a line tells; of drives whose size is known the figures become one.
    fn advance(&mut self, progress: LineProgress) {
        match progress {
            LineProgress::Fraction(fraction) => {
                let share = self.drive.as_ref().and_then(|drive| self.shares.get(drive));
                self.fraction = Some(match share {
                    Some(share) => (self.done + share * fraction).min(1.0),
                    None => fraction,
                });
            }
            LineProgress::DriveBegins(drive) => {
                let before = self.drive.replace(drive);
                if self.shares.is_empty() {
                    self.fraction = None;
                } else {
                    self.done += before
                        .and_then(|before| self.shares.get(&before))
                        .unwrap_or(&0.0);
                    self.fraction = Some(self.done.min(1.0));
                }
            }
            LineProgress::Written(_) => {}
        }
    }

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
            if let Some(progress) = progress::read_line(line.text.raw()) {
                self.advance(progress);
            }
            if self.tail.len() == TAIL {
                self.tail.remove(0);
            }
            self.tail.push(line.text);
        }
        self.read > before
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
    fn pitfall_25_drives_of_known_size_add_up_to_one_figure() {
        let shares = [("scsi0".to_owned(), 0.75), ("scsi1".to_owned(), 0.25)];
        let mut log = LogReader::new(shares.into());
        let mut at = |number, text: &str| {
            log.take(vec![line(number, text)]);
            log.fraction
        };
        let begins = at(1, "create full clone of drive scsi0 (vmstore:101/x)");
        assert_eq!(begins, Some(0.0));
        let half = at(2, "transferred 3 GiB of 6 GiB (50.00%)");
        assert_eq!(half, Some(0.375));
        let second = at(3, "create full clone of drive scsi1 (vmstore:101/y)");
        assert_eq!(second, Some(0.75));
        let end = at(4, "transferred 2 GiB of 2 GiB (100.00%)");
        assert_eq!(end, Some(1.0));
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
