//! Reading the log of a task to its end, however long it is.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, LogView};
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::Update;
use proxdeck::domain::task::{LogLine, TaskState, Upid};

use crate::world::{Desk, guest};

/// The server hands out so many lines at once.
const PAGE: u64 = 500;

/// Opens the log of a guest's own task with the key for it; returns the first question.
fn opened() -> (Desk, Vec<Effect>) {
    let mut desk = Desk::with(vec![guest(101, "web-1")]);
    let effects = desk.press("s Enter");
    let Some(Effect::Run(job, _)) = effects.first() else {
        panic!("{effects:?}")
    };
    let upid: Upid = "UPID:pve1:00003AED:00044374:6B046100:qmsnapshot:101:ops@pve:"
        .parse()
        .unwrap();
    desk.happen(Event::Job(*job, Update::Accepted(upid)));
    let effects = desk.press("l");
    (desk, effects)
}

/// Returns after how many lines the log was asked for.
fn asked(effects: &[Effect]) -> Vec<(Ticket, u64)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, Query::TaskLog(_, read)) => Some((*ticket, *read)),
        _ => None,
    });
    asked.collect()
}

/// Answers as a server whose log has `length` lines by now.
fn answer(
    desk: &mut Desk,
    (ticket, read): (Ticket, u64),
    state: TaskState,
    length: u64,
) -> Vec<Effect> {
    let lines = (read + 1..=length.min(read + PAGE)).map(|number| LogLine {
        number,
        text: format!("line {number}").into(),
    });
    let answer = Answer::TaskLog(state, lines.collect());
    desk.happen(Event::Fetched(ticket, Ok(answer)))
}

fn log(desk: &Desk) -> &LogView {
    match desk.state.dialogs.last() {
        Some(Dialog::Log(log)) => log,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_log_of_an_ended_task_is_read_page_by_page_until_nothing_new_comes() {
    let (mut desk, mut effects) = opened();
    let mut pages = Vec::new();
    while let Some(question) = asked(&effects).pop() {
        pages.push(question.1);
        effects = answer(&mut desk, question, TaskState::Ok, 1234);
        assert!(pages.len() < 10, "it ends");
    }
    assert_eq!(pages, [0, 500, 1000, 1234], "the last page was empty");
    assert!(log(&desk).is_whole());
    assert_eq!(log(&desk).lines.len(), 1234);
    assert_eq!(log(&desk).lines[1233].to_string(), "line 1234");
    let later = desk.wait(Duration::from_hours(1));
    assert_eq!(asked(&later), [], "what is whole is not asked for again");
}

#[test]
fn what_a_running_task_has_written_already_is_caught_up_with_at_once() {
    let (mut desk, effects) = opened();
    let effects = answer(&mut desk, asked(&effects)[0], TaskState::Running, 700);
    let effects = answer(&mut desk, asked(&effects)[0], TaskState::Running, 700);
    assert_eq!(asked(&effects), [], "there is time for what comes next");
    assert!(!log(&desk).is_whole());
    assert_eq!(asked(&desk.wait(Duration::from_secs(1)))[0].1, 700);
}

#[test]
fn a_page_that_could_not_be_read_is_asked_for_again() {
    let (mut desk, effects) = opened();
    let effects = answer(&mut desk, asked(&effects)[0], TaskState::Ok, 600);
    let failure = Failure::new(FailureKind::Interrupted, "timeout");
    let (ticket, _) = asked(&effects)[0];
    assert_eq!(
        asked(&desk.happen(Event::Fetched(ticket, Err(failure)))),
        []
    );
    assert!(
        !log(&desk).is_whole(),
        "an ended task alone makes no whole log"
    );
    assert_eq!(asked(&desk.wait(Duration::from_secs(5)))[0].1, 500);
}

#[test]
fn of_a_log_without_measure_the_last_lines_are_kept_and_the_rest_is_counted() {
    let (mut desk, mut effects) = opened();
    while let Some(question) = asked(&effects).pop() {
        effects = answer(&mut desk, question, TaskState::Ok, 100_700);
    }
    let log = log(&desk);
    assert_eq!(log.lines.len(), 100_000);
    assert_eq!(log.left_out, 700);
    assert_eq!(log.lines[0].to_string(), "line 701");
}
