//! The background index: whose snapshots are read, when, and what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, PruneDialog};
use proxdeck::app::reading_queue::{AT_ONCE, MOST_A_MINUTE, READ_AGAIN};
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::inventory::{Inventory, Link, LinkState};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::task::{Task, TaskState};

use crate::world::{Desk, guest, vmid};

const SECOND: Duration = Duration::from_secs(1);

/// Returns the questions for lists among effects, with the numbers of their guests.
pub(crate) fn asked(effects: &[Effect]) -> Vec<(Ticket, u32)> {
    let questions = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Snapshots(guest)) => Some((*ticket, guest.vmid.get())),
        _ => None,
    });
    questions.collect()
}

fn numbers(effects: &[Effect]) -> Vec<u32> {
    asked(effects)
        .into_iter()
        .map(|(_, number)| number)
        .collect()
}

/// A list of snapshots, each a name and its age in days.
pub(crate) fn list(desk: &Desk, snapshots: &[(&str, i64)]) -> SnapshotList {
    let mut parent = None;
    let snapshots = snapshots.iter().map(|(name, days)| Snapshot {
        name: (*name).into(),
        taken: Some(desk.now.wall - TimeDelta::days(*days)),
        parent: parent.replace((*name).into()),
        description: "".into(),
        has_ram: false,
        unfinished: None,
    });
    let snapshots: Vec<Snapshot> = snapshots.collect();
    SnapshotList {
        current_parent: snapshots.last().map(|last| last.name.clone()),
        snapshots,
        digest: None,
    }
}

/// Answers questions, and those that the answers bring about, until nothing is asked any more.
pub(crate) fn answer_all(
    desk: &mut Desk,
    effects: &[Effect],
    answer: impl Fn(u32) -> Result<SnapshotList, Failure>,
) -> Vec<u32> {
    let mut waiting = asked(effects);
    let mut answered = Vec::new();
    while let Some((ticket, number)) = waiting.pop() {
        answered.push(number);
        let result = answer(number).map(Answer::Snapshots);
        waiting.extend(asked(&desk.happen(Event::Fetched(ticket, result))));
    }
    answered
}

fn forbidden(_: u32) -> Result<SnapshotList, Failure> {
    let message = "Permission check failed (/vms/100, VM.Audit)";
    Err(Failure::new(FailureKind::Forbidden, message))
}

#[expect(clippy::unnecessary_wraps, reason = "an answer may be a failure")]
fn empty(_: u32) -> Result<SnapshotList, Failure> {
    Ok(SnapshotList::default())
}

fn guests(count: u64) -> Vec<Guest> {
    (100..100 + count)
        .map(|number| guest(number, &format!("guest-{number}")))
        .collect()
}

fn down(desk: &Desk) -> Link {
    Link {
        state: LinkState::Down {
            failure: Box::new(Failure::new(FailureKind::Unreachable, "")),
            since: desk.now.moment,
            retry: desk.now.moment,
        },
        ..Link::default()
    }
}

fn read(desk: &Desk, number: u64) -> bool {
    let list = desk.state.snapshots.of(vmid(number));
    list.is_some_and(|list| list.value().is_some())
}

#[test]
fn all_lists_are_read_a_few_at_once_after_the_first_screen() {
    let mut desk = Desk::with(guests(20));
    assert_eq!(
        numbers(&desk.wait(SECOND)),
        [100],
        "the guest under the cursor comes at once, the others later"
    );
    let effects = desk.wait(SECOND);
    assert_eq!(
        numbers(&effects).len(),
        AT_ONCE - 2,
        "one is awaited, and one place is left free"
    );
    assert_eq!(numbers(&desk.wait(SECOND)), [0_u32; 0], "nothing landed");
    let questions = desk.effects.clone();
    let mut answered = answer_all(&mut desk, &questions, empty);
    answered.sort_unstable();
    assert_eq!(answered, (100..120).collect::<Vec<u32>>(), "each once");
    assert_eq!(numbers(&desk.wait(30 * SECOND)), [0_u32; 0]);
    let effects = desk.wait(READ_AGAIN);
    assert!(!numbers(&effects).is_empty(), "and again after an hour");
}

#[test]
fn the_guest_under_the_cursor_never_waits_for_the_background() {
    let mut desk = Desk::with(guests(20));
    desk.wait(2 * SECOND);
    desk.wait(SECOND);
    assert_eq!(desk.state.snapshots.lists().flying(), AT_ONCE - 1);
    desk.press("G");
    assert_eq!(numbers(&desk.wait(SECOND)), [119]);
    desk.press("k");
    assert_eq!(
        numbers(&desk.wait(SECOND)),
        [118],
        "not even while others before it are not answered"
    );
}

#[test]
fn a_minute_costs_sixty_lists_at_most_whatever_the_number_of_guests() {
    let mut desk = Desk::with(guests(10_000));
    let mut total = 0;
    for minute in 0..4 {
        let mut this_minute = 0;
        for _ in 0..60 {
            let effects = desk.wait(SECOND);
            this_minute += answer_all(&mut desk, &effects, empty).len();
        }
        assert!(this_minute <= MOST_A_MINUTE, "{this_minute} in {minute}");
        total += this_minute;
    }
    assert!(total > 3 * MOST_A_MINUTE, "{total} in four minutes");
}

#[test]
fn templates_and_guests_of_silent_nodes_are_not_asked_about() {
    let mut all = guests(4);
    all[1].template = true;
    all[2].status = Status::Unknown;
    let mut desk = Desk::with(all);
    let effects = desk.wait(2 * SECOND);
    let mut answered = answer_all(&mut desk, &effects, empty);
    let effects = desk.wait(SECOND);
    answered.extend(answer_all(&mut desk, &effects, empty));
    assert_eq!(BTreeSet::from_iter(answered), BTreeSet::from([100, 103]));
}

#[test]
fn while_the_link_is_down_or_the_program_is_left_nothing_is_asked() {
    let mut desk = Desk::with(guests(1));
    let effects = desk.wait(SECOND);
    answer_all(&mut desk, &effects, empty);
    desk.inventory(guests(9));
    let link = down(&desk);
    desk.happen(Event::Link(link));
    assert_eq!(numbers(&desk.wait(10 * SECOND)), [0_u32; 0]);
    desk.happen(Event::Link(Link::default()));
    let effects = desk.happen(Event::Tick);
    assert_eq!(numbers(&effects).len(), AT_ONCE - 1);
    desk.press("q");
    assert_eq!(answer_all(&mut desk, &effects, empty).len(), AT_ONCE - 1);
    assert_eq!(numbers(&desk.wait(10 * SECOND)), [0_u32; 0]);
}

#[test]
fn a_guest_whose_snapshot_task_was_seen_is_read_again() {
    let mut desk = Desk::with(guests(5));
    let effects = desk.wait(3 * SECOND);
    answer_all(&mut desk, &effects, empty);
    let effects = desk.wait(SECOND);
    answer_all(&mut desk, &effects, empty);
    assert!(read(&desk, 103));
    let task = |kind: &str, number: u64| {
        let upid = format!("UPID:pve1:000036F6:0003AF31:6B045F84:{kind}:{number}:ops@pve:");
        Task {
            upid: upid.parse().unwrap(),
            ended: Some(desk.now.wall),
            state: TaskState::Ok,
        }
    };
    let tasks = vec![
        task("qmdelsnapshot", 103),
        task("qmrestore", 104),
        task("qmstart", 102),
    ];
    let mut inventory = Inventory::clone(&desk.state.inventory);
    inventory.tasks.record(desk.now.moment, Ok(tasks));
    let inventory = std::sync::Arc::new(inventory);
    let effects = desk.happen(Event::Inventory(std::sync::Arc::clone(&inventory)));
    let mut answered = answer_all(&mut desk, &effects, empty);
    answered.sort_unstable();
    assert_eq!(answered, [103, 104]);
    let effects = desk.happen(Event::Inventory(inventory));
    assert_eq!(numbers(&effects), [0_u32; 0], "each task counts once");
}

#[test]
fn what_the_account_may_not_read_is_asked_for_once_an_hour() {
    let mut desk = Desk::with(guests(3));
    let mut times: BTreeMap<u32, usize> = BTreeMap::new();
    for _ in 0..1800 {
        let effects = desk.wait(2 * SECOND);
        for number in answer_all(&mut desk, &effects, forbidden) {
            *times.entry(number).or_default() += 1;
        }
    }
    assert!(times[&100] <= 61, "the guest on show once a minute");
    assert_eq!((times[&101], times[&102]), (1, 1));
}

#[test]
fn a_list_that_failed_is_tried_again_later_each_time() {
    let mut desk = Desk::with(guests(2));
    let mut moments = Vec::new();
    let broken = |_| Err(Failure::new(FailureKind::NodeUnreachable, "no route"));
    for second in 1..=1000_u64 {
        let effects = desk.wait(SECOND);
        if answer_all(&mut desk, &effects, broken).contains(&101) {
            moments.push(second);
        }
    }
    let pauses: Vec<u64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [30, 60, 120, 240, 480]);
}

#[test]
fn guests_that_are_gone_leave_the_store_and_so_do_those_whose_number_was_taken() {
    let mut desk = Desk::with(guests(4));
    let effects = desk.wait(3 * SECOND);
    answer_all(&mut desk, &effects, empty);
    let effects = desk.wait(SECOND);
    answer_all(&mut desk, &effects, empty);
    assert!((100..104).all(|number| read(&desk, number)));
    let mut later = guests(3);
    later[1].name = Some("another".into());
    later[2].name = None;
    later[2].status = Status::Unknown;
    desk.inventory(later);
    assert!(read(&desk, 100));
    assert!(!read(&desk, 101), "another guest has another list");
    assert!(read(&desk, 102), "a silent node's guest keeps its list");
    assert!(desk.state.snapshots.of(vmid(103)).is_none());
}

#[test]
fn a_late_answer_about_a_guest_that_is_gone_is_dropped_and_its_place_is_free_again() {
    let mut desk = Desk::with(guests(1));
    let effects = desk.wait(SECOND);
    desk.inventory(Vec::new());
    assert_eq!(desk.state.snapshots.lists().flying(), 1);
    answer_all(&mut desk, &effects, empty);
    assert_eq!(desk.state.snapshots.lists().flying(), 0);
    assert!(desk.state.snapshots.of(vmid(100)).is_none());
}

fn plan(desk: &Desk) -> &PruneDialog {
    match desk.state.dialogs.last() {
        Some(Dialog::Prune(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

fn managing(count: u64) -> Desk {
    let mut desk = Desk::new(false);
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    desk.inventory(guests(count));
    desk
}

#[test]
fn the_plan_opens_at_once_when_everything_was_read_lately() {
    let mut desk = managing(6);
    let old = list(&desk, &[("old", 20), ("new", 1)]);
    let effects = desk.wait(3 * SECOND);
    answer_all(&mut desk, &effects, |_| Ok(old.clone()));
    let effects = desk.wait(SECOND);
    answer_all(&mut desk, &effects, |_| Ok(old.clone()));
    let effects = desk.press("p");
    assert_eq!(numbers(&effects), [0_u32; 0]);
    assert_eq!(plan(&desk).count(), 6);
    // Ten minutes later the same key reads again.
    desk.press("Esc");
    let mut effects = desk.wait(600 * SECOND);
    effects.extend(desk.press("p"));
    assert!(plan(&desk).plan.is_none());
    answer_all(&mut desk, &effects, |_| Ok(old.clone()));
    assert_eq!(plan(&desk).count(), 6);
}

#[test]
fn the_plan_reads_what_is_missing_before_the_background_does_and_nothing_twice() {
    let mut desk = managing(200);
    let effects = desk.wait(2 * SECOND);
    let flying = asked(&effects);
    assert_eq!(flying.len(), AT_ONCE - 1);
    let effects = desk.press("p");
    assert_eq!(numbers(&effects).len(), 1, "four at once, all in all");
    let questions = desk.effects.clone();
    let mut answered = answer_all(&mut desk, &questions, |number| match number {
        150 => forbidden(150),
        _ => Ok(SnapshotList::default()),
    });
    answered.sort_unstable();
    assert_eq!(
        answered,
        (100..300).collect::<Vec<u32>>(),
        "all of them, without the minute's limit, each once"
    );
    let unread: Vec<u32> = plan(&desk)
        .unread()
        .map(|(guest, _)| guest.vmid.get())
        .collect();
    assert_eq!(unread, [150], "and what is missing is said");
    assert!(plan(&desk).plan.is_some());
    desk.press("Esc");
    assert_eq!(numbers(&desk.wait(59 * SECOND)).len(), 0, "that counted");
}

#[test]
fn a_plan_does_not_wait_for_a_guest_that_is_gone() {
    let mut desk = managing(2);
    let effects = desk.press("p");
    desk.inventory(guests(1));
    answer_all(&mut desk, &effects, empty);
    let missing: Vec<String> = plan(&desk)
        .unread()
        .map(|(guest, failure)| format!("{guest}: {failure}"))
        .collect();
    assert_eq!(missing, ["101 guest-101: the guest is not there"]);
    assert!(plan(&desk).plan.is_some());
}
