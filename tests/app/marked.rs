//! What keys do to several marked guests at once.

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, Form};
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::inventory::{Inventory, Resources, Storage};
use proxdeck::domain::operation::Operation;
use proxdeck::domain::selection::Selection;

use crate::world::{Desk, guest};

/// Three guests that run, of which one is a container, one that is locked, and one that is stopped.
fn several() -> Vec<Guest> {
    let mut container = guest(101, "two");
    container.kind = GuestKind::Lxc;
    let mut locked = guest(103, "four");
    locked.lock = Some("backup".into());
    let mut stopped = guest(104, "five");
    stopped.status = Status::Stopped;
    let mut guests = vec![guest(100, "one"), container, guest(102, "three")];
    guests.extend([locked, stopped]);
    guests
}

fn form(desk: &Desk) -> &Form {
    match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form,
        other => panic!("{other:?}"),
    }
}

fn preview(desk: &Desk) -> Vec<String> {
    let lines = form(desk).preview.iter();
    lines
        .map(|line| format!("{}|{}", line.label, line.text))
        .collect()
}

fn operation(effects: &[Effect]) -> &Operation {
    let found = effects.iter().find_map(|effect| match effect {
        Effect::Run(_, operation) => Some(operation),
        _ => None,
    });
    found.expect("an operation is run")
}

#[test]
fn a_snapshot_of_the_marked_leaves_out_who_cannot_and_says_so() {
    let mut desk = Desk::with(several());
    desk.press("* s");
    assert_eq!(form(&desk).title, "Snapshot of 5 marked guests");
    assert_eq!(
        preview(&desk),
        [
            "guests|100 one, 101 two, 102 three, 104 five",
            "left out|103 four: locked (backup)"
        ]
    );
    let effects = desk.press("Enter");
    let operation = operation(&effects);
    assert_eq!(operation.calls().len(), 4);
    let Operation::Batch(batch) = operation else {
        panic!("{operation:?}")
    };
    assert_eq!(batch.skipped()[0].guest.to_string(), "103 four");
}

/// Makes a storage of 100 GiB that holds so much already.
fn with_storage(desk: &mut Desk, used_gibibytes: u64) {
    let mut inventory = Inventory::clone(&desk.state.inventory);
    let mut resources = Resources::clone(inventory.resources.value().unwrap());
    resources.storages = vec![Storage {
        name: "fast".parse().unwrap(),
        node: "pve1".parse().unwrap(),
        shared: false,
        plugin: Some("lvmthin".into()),
        content: Some("images".into()),
        available: true,
        used: Some(used_gibibytes << 30),
        size: Some(100 << 30),
    }];
    let now = desk.now.moment;
    inventory.resources.record(now, Ok(resources.into()));
    desk.happen(Event::Inventory(inventory.into()));
}

/// Marks the two machines that run, opens the form, switches memory on, and answers for their disks.
fn with_memory(used_gibibytes: u64) -> Desk {
    let mut guests = several();
    for guest in &mut guests {
        guest.figures.max_memory = Some(4 << 30);
    }
    let mut desk = Desk::with(guests);
    with_storage(&mut desk, used_gibibytes);
    desk.press("* s Tab Tab Tab");
    let effects = desk.press("Space");
    assert!(!form(&desk).is_ready(), "nobody knows yet where it goes");
    answer_configs(&mut desk, effects);
    desk
}

/// Answers all questions for configurations, and those that follow; returns how many came at once.
fn answer_configs(desk: &mut Desk, effects: Vec<Effect>) -> Vec<usize> {
    let mut at_once = Vec::new();
    let mut open = config_questions(effects);
    while !open.is_empty() {
        at_once.push(open.len());
        for ticket in std::mem::take(&mut open) {
            let disk = ("scsi0".to_owned(), "fast:vm-1-disk-0,size=8G".into());
            let config = Box::new(GuestConfig::new([disk], None));
            let effects = desk.happen(Event::Fetched(ticket, Ok(Answer::Config(config))));
            open.extend(config_questions(effects));
        }
    }
    at_once
}

fn config_questions(effects: Vec<Effect>) -> Vec<Ticket> {
    let questions = effects.into_iter();
    questions
        .filter_map(|effect| match effect {
            Effect::Fetch(ticket, Query::Config(_)) => Some(ticket),
            _ => None,
        })
        .collect()
}

#[test]
fn of_many_marked_guests_only_a_few_are_asked_for_at_once() {
    let guests = (100..111).map(|number| guest(number, "one of many"));
    let mut desk = Desk::with(guests.collect());
    desk.press("* s Tab Tab Tab");
    let effects = desk.press("Space");
    assert_eq!(answer_configs(&mut desk, effects), [4, 4, 3]);
    assert!(form(&desk).is_ready(), "{:?}", form(&desk).checked);
}

#[test]
fn memory_is_saved_of_those_that_have_any_and_only_where_room_is_left() {
    // Two machines of 4 GiB need 2 × (8 + 0.5) GiB.
    let desk = with_memory(70);
    assert!(form(&desk).is_ready(), "{:?}", form(&desk).checked);
    let without: Vec<String> = preview(&desk)
        .into_iter()
        .skip_while(|line| !line.starts_with("no RAM|"))
        .collect();
    assert_eq!(
        without,
        [
            "no RAM|101 two: a container has no RAM to save",
            "|104 five: only a running guest has RAM to save; this one is stopped"
        ]
    );
    let desk = with_memory(80);
    let objections = form(&desk).checked.as_ref().unwrap_err();
    assert!(
        objections[0].reason.contains("less than 5 % free"),
        "{objections:?}"
    );
}

#[test]
fn what_interrupts_several_wants_their_count_typed() {
    let mut desk = Desk::with(several());
    desk.press("* P");
    desk.press("j Enter");
    assert_eq!(form(&desk).title, "Shut down 5 marked guests");
    let told = preview(&desk);
    assert_eq!(told[1], "guests|100 one, 101 two, 102 three");
    assert!(told[2].starts_with("left out|103 four"), "{told:?}");
    assert!(!desk.press("Enter").iter().any(is_run));
    assert!(!desk.press("y Enter").iter().any(is_run));
    let effects = desk.press("Backspace 3 Enter");
    assert_eq!(operation(&effects).calls().len(), 3);
}

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::Run(..))
}

#[test]
fn starting_several_asks_and_leaves_them_by_default() {
    let mut desk = Desk::with(several());
    desk.press("* P g Enter");
    assert_eq!(form(&desk).title, "Start 5 marked guests");
    assert!(!desk.press("Enter").iter().any(is_run));
    assert!(desk.state.dialogs.is_empty());
    desk.press("P g Enter");
    let effects = desk.press("Right Enter");
    let Operation::Batch(batch) = operation(&effects) else {
        panic!("{effects:?}")
    };
    assert_eq!((batch.len(), batch.skipped().len()), (1, 4));
}

#[test]
fn a_plan_with_marks_is_about_the_marked_only() {
    let mut desk = Desk::new(false);
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    desk.inventory(several());
    desk.press("Space Space p");
    let Some(Dialog::Prune(plan)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    assert_eq!(plan.progress().1, 2);
}
