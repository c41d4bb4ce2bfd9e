//! The log of one task, read on while it runs and until it is whole.

use std::time::Duration;

use super::Reply;
use crate::app::action::{Action, Motion};
use crate::app::effect::Ticket;
use crate::domain::failure::Failure;
use crate::domain::task::{LogLine, TaskState, Upid};
use crate::domain::text::Text;
use crate::domain::time::Moment;

/// A running task's log is read again after so long.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// After a failure it is tried again after so long.
const TRY_AGAIN: Duration = Duration::from_secs(5);
/// So many of the last lines are kept; a log is as long as its task likes.
const MOST_LINES: usize = 100_000;
/// The server hands out so many lines at once; behind a full page there may be more.
const FULL_PAGE: usize = 500;

/// How a task stands and the next lines of its log, or why they could not be read.
pub(in crate::app) type LogPart = Result<(TaskState, Vec<LogLine>), Failure>;

/// The log of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct LogView {
    /// The task.
    pub upid: Upid,
    /// Its lines so far.
    pub lines: Vec<Text>,
    /// How many of its first lines are no longer kept.
    pub left_out: usize,
    /// How it stands, once known.
    pub state: Option<TaskState>,
    /// Why it could not be read.
    pub failure: Option<Failure>,
    /// How many lines lie below the shown part; 0 follows the end.
    pub back: usize,
    read: u64,
    /// How many new lines the last page brought; absent before the first one.
    brought: Option<usize>,
    pending: Option<Ticket>,
    asked: Option<Moment>,
}

impl LogView {
    pub(in crate::app) fn new(upid: Upid) -> Self {
        Self {
            upid,
            lines: Vec::new(),
            left_out: 0,
            state: None,
            failure: None,
            back: 0,
            read: 0,
            brought: None,
            pending: None,
            asked: None,
        }
    }

    /// Tells whether every line is read: the task has ended, and a look since brought nothing new.
    pub fn is_whole(&self) -> bool {
        self.has_ended() && self.brought == Some(0)
    }

    fn has_ended(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.is_running())
    }

    /// Returns how many lines were read, when more may be there and it is time to look.
    pub(in crate::app) fn due(&self, now: Moment) -> Option<u64> {
        if self.is_whole() || self.pending.is_some() {
            return None;
        }
        let pause = if self.failure.is_some() {
            TRY_AGAIN
        } else if self.has_ended() || self.brought.is_some_and(|lines| lines >= FULL_PAGE) {
            Duration::ZERO
        } else {
            READ_AGAIN
        };
        self.asked
            .is_none_or(|asked| now.since(asked) >= pause)
            .then_some(self.read)
    }

    pub(in crate::app) fn ask(&mut self, ticket: Ticket, now: Moment) {
        self.pending = Some(ticket);
        self.asked = Some(now);
    }

    pub(in crate::app) fn settle(&mut self, ticket: Ticket, result: LogPart) {
        if self.pending != Some(ticket) {
            return;
        }
        self.pending = None;
        match result {
            Err(failure) => self.failure = Some(failure),
            Ok((state, lines)) => {
                self.failure = None;
                let before = self.lines.len();
                for line in lines {
                    if line.number > self.read && line.text.raw() != "no content" {
                        self.read = line.number;
                        self.lines.push(line.text);
                    }
                }
                let brought = self.lines.len() - before;
                self.brought = Some(brought);
                // Whoever has scrolled up keeps the same lines before the eyes.
                if self.back > 0 {
                    self.back += brought;
                }
                let surplus = self.lines.len().saturating_sub(MOST_LINES);
                self.lines.drain(..surplus);
                self.left_out += surplus;
                self.state = Some(state);
            }
        }
    }

    pub(super) fn act(&mut self, action: Action, page: usize) -> Reply {
        if action == Action::Move(Motion::Top) {
            self.back = self.lines.len();
        } else if let Action::Move(motion) = action {
            let rows = motion.rows(page).saturating_neg();
            self.back = self.back.saturating_add_signed(rows).min(self.lines.len());
        } else if action == Action::Copy {
            let lines: Vec<String> = self.lines.iter().map(ToString::to_string).collect();
            return Reply::Copy(lines.join("\n"));
        } else if action == Action::Quit {
            return Reply::Close;
        }
        Reply::Stay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    fn line(number: u64) -> LogLine {
        LogLine {
            number,
            text: format!("line {number}").into(),
        }
    }

    fn view() -> LogView {
        LogView::new(
            "UPID:pve1:00003AED:00044374:6B046100:qmsnapshot:101:ops@pve:"
                .parse()
                .unwrap(),
        )
    }

    #[test]
    fn a_running_log_is_read_on_every_second_until_the_task_ends() {
        let mut view = view();
        assert_eq!(view.due(at(0)), Some(0));
        view.ask(Ticket(1), at(0));
        assert_eq!(view.due(at(9)), None, "one question at a time");
        view.settle(Ticket(1), Ok((TaskState::Running, vec![line(1), line(2)])));
        assert_eq!(view.due(at(0)), None);
        assert_eq!(view.due(at(1)), Some(2));
        view.ask(Ticket(2), at(1));
        view.settle(Ticket(2), Ok((TaskState::Ok, vec![line(2), line(3)])));
        assert_eq!(view.lines.len(), 3);
        assert_eq!(view.due(at(1)), Some(3), "whether that was all is asked");
        view.ask(Ticket(3), at(1));
        view.settle(Ticket(3), Ok((TaskState::Ok, vec![line(3)])));
        assert_eq!(view.due(at(99)), None);
    }

    #[test]
    fn whoever_scrolled_up_keeps_the_same_lines() {
        let mut view = view();
        view.ask(Ticket(1), at(0));
        view.settle(
            Ticket(1),
            Ok((TaskState::Running, (1..=10).map(line).collect())),
        );
        view.act(Action::Move(Motion::Up), 5);
        assert_eq!(view.back, 1);
        view.ask(Ticket(2), at(1));
        view.settle(
            Ticket(2),
            Ok((TaskState::Running, (11..=14).map(line).collect())),
        );
        assert_eq!(view.back, 5);
        view.act(Action::Move(Motion::Bottom), 5);
        assert_eq!(view.back, 0);
    }
}
