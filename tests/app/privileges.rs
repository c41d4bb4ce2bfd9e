//! What the account may not do is said before it is tried, and looked at again after a refusal.

use std::time::Duration;

use chrono::DateTime;
use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::Dialog;
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Fate, Outcome, Part, Report, Update};
use proxdeck::domain::permission::Permissions;
use proxdeck::domain::request::Objection;
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};

use crate::world::{Desk, guest, runs, snapshot_questions};

fn list() -> SnapshotList {
    let snapshot = |name: &str, hour: i64| Snapshot {
        name: name.into(),
        taken: DateTime::from_timestamp(1_700_000_000 + hour * 3600, 0),
        parent: None,
        description: "".into(),
        has_ram: false,
        unfinished: None,
    };
    SnapshotList {
        snapshots: vec![snapshot("old", 1), snapshot("new", 2)],
        current_parent: Some("new".into()),
        digest: None,
    }
}

fn asked(effects: &[Effect]) -> Option<Ticket> {
    effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    })
}

/// Makes a desk that knows these guests, and of each of them these privileges.
fn with(guests: &[u64], privileges: &[(u64, &str)]) -> Desk {
    let mut desk = Desk::new(false);
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    let guests = guests.iter().map(|number| guest(*number, "one")).collect();
    let effects = desk.inventory(guests);
    let entries = privileges
        .iter()
        .map(|(number, privilege)| (format!("/vms/{number}"), (*privilege).to_owned(), true));
    answer(&mut desk, &effects, Permissions::new(entries));
    desk
}

fn answer(desk: &mut Desk, effects: &[Effect], permissions: Permissions) {
    let ticket = asked(effects).expect("the privileges are asked for");
    let answer = Answer::Permissions(permissions);
    desk.happen(Event::Fetched(ticket, Ok(answer)));
}

fn objections(desk: &Desk) -> Vec<String> {
    let checked = match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form.checked,
        Some(Dialog::Prune(plan)) => &plan.checked,
        other => panic!("{other:?}"),
    };
    let objections: &[Objection] = checked.as_ref().err().map_or(&[], Vec::as_slice);
    objections.iter().map(ToString::to_string).collect()
}

/// Asked about single paths, and nothing else.
fn asked_at(effects: &[Effect]) -> Vec<(String, Ticket)> {
    let paths = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, Query::PermissionsAt(path)) => Some((path.clone(), *ticket)),
        _ => None,
    });
    paths.collect()
}

fn refused(words: &str) -> Box<Report> {
    let failure = Failure::new(FailureKind::Forbidden, words);
    Box::new(Report::new(Outcome::Failed(Box::new(failure))))
}

/// Starts a snapshot of the guest under the cursor, which the server refuses with these words.
fn refuse_snapshot(desk: &mut Desk, words: &str) -> Vec<Effect> {
    let effects = desk.press("s Enter");
    let Some(Effect::Run(job, _)) = effects.first() else {
        panic!("{effects:?}")
    };
    desk.happen(Event::Job(*job, Update::Ended(refused(words))))
}

fn forbidden() -> Failure {
    Failure::new(FailureKind::Forbidden, "Permission check failed")
}

#[test]
fn a_roll_back_without_the_privilege_for_its_extras_wants_them_switched_off() {
    let mut desk = with(&[100], &[(100, "VM.Snapshot.Rollback")]);
    let effects = desk.wait(Duration::from_secs(1));
    desk.answer_snapshots(&effects, &list());
    let effects = desk.press("Tab Tab k R");
    for effect in effects {
        if let Effect::Fetch(ticket, Query::Config(_) | Query::FrozenConfig(..)) = effect {
            let answer = Answer::Config(Box::default());
            desk.happen(Event::Fetched(ticket, Ok(answer)));
        }
    }
    assert_eq!(runs(&desk.press("o n e Enter")), 0);
    assert_eq!(
        objections(&desk),
        [
            "needs VM.PowerMgmt on /vms/100",
            "needs VM.Snapshot on /vms/100"
        ]
    );
    assert_eq!(runs(&desk.press("Tab Space Tab Space Enter")), 1);
}

#[test]
fn a_plan_says_which_guest_it_may_not_touch() {
    let mut desk = with(&[100, 101], &[(100, "VM.Snapshot"), (101, "VM.Audit")]);
    let effects = desk.press("p");
    assert_eq!(snapshot_questions(&effects).len(), 2);
    desk.answer_snapshots(&effects, &list());
    assert_eq!(runs(&desk.press("2 Enter")), 0);
    assert_eq!(objections(&desk), ["needs VM.Snapshot on /vms/101"]);
    assert_eq!(runs(&desk.press("j j Space 1 Enter")), 1, "without it");
}

#[test]
fn after_a_refused_change_the_privileges_are_read_again() {
    let own = Report::new(Outcome::Failed(Box::new(forbidden())));
    let mut of_a_part = Report::new(Outcome::Failed(Box::new(Failure::new(
        FailureKind::TaskFailed,
        "not every snapshot could be deleted",
    ))));
    of_a_part.parts.push(Part {
        guest: guest(100, "one").to_ref(),
        subject: "old".into(),
        fate: Fate::Ended(Outcome::Failed(Box::new(forbidden()))),
        upid: None,
        made: None,
        trial: None,
    });
    for report in [own, of_a_part] {
        let mut desk = with(&[100], &[(100, "VM.Snapshot")]);
        let effects = desk.press("s Enter");
        let Some(Effect::Run(job, _)) = effects.first() else {
            panic!("{effects:?}")
        };
        let effects = desk.happen(Event::Job(*job, Update::Ended(Box::new(report))));
        answer(&mut desk, &effects, Permissions::default());
        desk.press("Esc s");
        assert_eq!(desk.toast(), "snapshot: needs VM.Snapshot on /vms/100");
    }
}

#[test]
fn after_a_refused_question_the_privileges_are_read_again_but_not_each_time() {
    let mut desk = with(&[100], &[(100, "VM.Audit")]);
    let mut readings = 0;
    for second in 0..120 {
        let effects = desk.wait(Duration::from_secs(1));
        for ticket in snapshot_questions(&effects) {
            let effects = desk.happen(Event::Fetched(ticket, Err(forbidden())));
            if asked(&effects).is_some() {
                readings += 1;
                answer(&mut desk, &effects, Permissions::default());
                assert!(second >= 60, "they were just read");
            }
        }
    }
    assert_eq!(
        readings, 1,
        "whoever is refused for long is not asked about all the time"
    );
}

#[test]
fn privileges_that_are_refused_themselves_are_not_asked_for_in_circles() {
    let mut desk = Desk::new(false);
    let effects = desk.inventory(vec![guest(100, "one")]);
    let ticket = asked(&effects).unwrap();
    let effects = desk.happen(Event::Fetched(ticket, Err(forbidden())));
    assert_eq!(asked(&effects), None);
    assert_eq!(asked(&desk.wait(Duration::from_secs(9))), None);
    assert!(asked(&desk.wait(Duration::from_secs(1))).is_some());
}

#[test]
fn what_the_server_refused_is_dim_until_it_has_said_more_about_the_path() {
    let words = "Permission check failed (/vms/100, VM.Snapshot)";
    let dim = "snapshot: needs VM.Snapshot on /vms/100";
    let granted = [("/vms/100".to_owned(), "VM.Snapshot".to_owned(), true)];
    let mut desk = with(&[100], &[(100, "VM.Snapshot")]);
    let effects = refuse_snapshot(&mut desk, words);
    answer(&mut desk, &effects, Permissions::new(granted.clone()));
    desk.press("Esc s");
    assert_eq!(desk.toast(), dim, "the list may lag behind");
    let paths = asked_at(&effects);
    assert_eq!(paths[0].0, "/vms/100");
    let settled = |desk: &mut Desk, permissions: Permissions| {
        let answer = Answer::Permissions(permissions);
        desk.happen(Event::Fetched(paths[0].1, Ok(answer)));
    };
    settled(&mut desk, Permissions::default());
    desk.press("Esc s");
    assert_eq!(desk.toast(), dim);
    // Had the path been granted after all, the key would be free again.
    let mut desk = with(&[100], &[(100, "VM.Snapshot")]);
    let effects = refuse_snapshot(&mut desk, words);
    answer(&mut desk, &effects, Permissions::new(granted.clone()));
    settled(&mut desk, Permissions::new(granted));
    desk.press("Esc s");
    assert_eq!(desk.state.dialogs.len(), 1);
}

#[test]
fn pitfall_11_what_the_list_leaves_open_is_asked_about_by_its_path() {
    let mut desk = Desk::new(false);
    let effects = desk.inventory(vec![guest(100, "one")]);
    let rights = [
        ("VM.Clone", "/vms"),
        ("VM.Allocate", "/vms"),
        ("VM.PowerMgmt", "/vms"),
    ];
    let rights = rights.map(|(privilege, path)| (path.to_owned(), privilege.to_owned(), true));
    answer(&mut desk, &effects, Permissions::new(rights));
    for effect in desk.press("c") {
        if let Effect::Fetch(ticket, Query::Config(_)) = effect {
            let answer = Answer::Config(Box::default());
            desk.happen(Event::Fetched(ticket, Ok(answer)));
        }
    }
    desk.press("Tab 3 0 0");
    let paths = asked_at(&desk.effects);
    let open: Vec<&str> = paths.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(open, ["/vms/300"], "the guest that is seen is no question");
    let none = Answer::Permissions(Permissions::default());
    desk.happen(Event::Fetched(paths[0].1, Ok(none)));
    assert!(
        objections(&desk).contains(&"needs VM.Allocate on /vms/300".to_owned()),
        "{:?}",
        objections(&desk)
    );
}

#[test]
fn of_the_marked_those_that_may_not_be_touched_are_left_out() {
    let mut desk = with(
        &[100, 101, 102],
        &[(100, "VM.Snapshot"), (102, "VM.Snapshot")],
    );
    desk.press("* s");
    let Some(Dialog::Form(dialog)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs)
    };
    let lines = dialog.form.preview.iter();
    let lines: Vec<String> = lines
        .map(|line| format!("{}|{}", line.label, line.text))
        .collect();
    assert_eq!(
        lines,
        [
            "guests|100 one, 102 one",
            "left out|101 one: needs VM.Snapshot on /vms/101"
        ]
    );
    let mut desk = with(&[100, 101], &[]);
    for (keys, word) in [("* s", "snapshot"), ("b", "bracket")] {
        desk.press(keys);
        assert!(desk.state.dialogs.is_empty());
        let dim = format!("{word}: needs VM.Snapshot on /vms/100, and alike for 1 more");
        assert_eq!(desk.toast(), dim);
    }
}

#[test]
fn a_plan_of_which_nothing_may_be_done_is_not_opened() {
    let mut desk = with(&[100, 101], &[(100, "VM.Audit")]);
    desk.press("p");
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(
        desk.toast(),
        "prune: needs VM.Snapshot on /vms/100, and alike for 1 more"
    );
    desk.state.setting.read_only = true;
    desk.press("p");
    assert_eq!(desk.state.dialogs.len(), 1, "looking needs no privilege");
}

#[test]
fn the_log_of_somebody_else_s_task_needs_a_right_on_its_node() {
    let mut desk = with(&[100], &[(100, "VM.Snapshot")]);
    let task = |user: &str| {
        let upid = format!("UPID:pve1:00001234:00ABCDEF:6B046060:qmsnapshot:100:{user}:");
        proxdeck::domain::task::Task {
            upid: upid.parse().unwrap(),
            ended: None,
            state: proxdeck::domain::task::TaskState::Running,
        }
    };
    let show = |desk: &mut Desk, user: &str| {
        let mut inventory = proxdeck::domain::inventory::Inventory::clone(&desk.state.inventory);
        inventory
            .tasks
            .record(desk.now.moment, Ok(vec![task(user)]));
        desk.happen(Event::Inventory(std::sync::Arc::new(inventory)));
        desk.press("5 l");
        let shown = (desk.state.dialogs.len(), desk.toast());
        desk.press("Esc");
        shown
    };
    let dim = (0, "log: needs Sys.Audit on /nodes/pve1".to_owned());
    let shown = (1, String::new());
    assert_eq!(show(&mut desk, "other@pve"), dim);
    assert_eq!(show(&mut desk, "hub@pve"), dim, "a token is not its user");
    assert_eq!(show(&mut desk, "hub@pve!deck"), shown);
    desk.state.setting.account = "hub@pve".into();
    assert_eq!(show(&mut desk, "hub@pve!deck"), shown);
}
