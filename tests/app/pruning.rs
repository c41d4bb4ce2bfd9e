//! The prune plan under the keys: its cursor, its edits, its execution, and the file it becomes.

use chrono::TimeDelta;
use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, PruneDialog};
use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::retention::PlanFile;
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;

use crate::world::{Desk, guest, runs, snapshot_questions, start, vmid};

/// Two snapshots that go, and one that stays.
fn list() -> SnapshotList {
    let snapshot = |name: &str, days| Snapshot {
        name: name.into(),
        taken: Some(start().wall - TimeDelta::days(days)),
        parent: None,
        description: Text::default(),
        has_ram: false,
        unfinished: None,
    };
    SnapshotList {
        snapshots: vec![
            snapshot("kept-monthly", 60),
            snapshot("older", 40),
            snapshot("old", 30),
            snapshot("new", 0),
        ],
        ..SnapshotList::default()
    }
}

/// A desk that manages every guest, with the plan's questions asked.
fn opened(read_only: bool) -> (Desk, Vec<Effect>) {
    let mut desk = Desk::new(read_only);
    desk.state.setting.cluster = "lab/../x".into();
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    desk.inventory(vec![
        guest(100, "one"),
        guest(101, "two"),
        guest(102, "three"),
    ]);
    let asked = desk.press("p");
    (desk, asked)
}

/// A desk with the plan made.
fn planned(read_only: bool) -> Desk {
    let (mut desk, asked) = opened(read_only);
    assert_eq!(snapshot_questions(&asked).len(), 3);
    desk.answer_snapshots(&asked, &list());
    desk
}

fn plan(desk: &Desk) -> &PruneDialog {
    match desk.state.dialogs.last() {
        Some(Dialog::Prune(plan)) => plan,
        other => panic!("{other:?}"),
    }
}

/// Returns guest and snapshot under the cursor.
fn cursor(desk: &Desk) -> String {
    let plan = plan(desk);
    let row = &plan.rows()[plan.row];
    format!("{} {}", row.guest().vmid, row.name())
}

fn export(effects: &[Effect]) -> (String, PlanFile) {
    let found = effects.iter().find_map(|effect| match effect {
        Effect::Export { name, text } => Some((name, text)),
        _ => None,
    });
    let (name, text) = found.expect("a file is asked for");
    (name.clone(), PlanFile::parse(text.as_bytes()).unwrap())
}

#[test]
fn the_cursor_begins_at_what_would_go_and_tab_leads_from_guest_to_guest() {
    let mut desk = planned(false);
    assert_eq!(cursor(&desk), "100 older");
    assert_eq!(plan(&desk).guest_rows(), 0..4);
    let mut walk = |key: &str| {
        desk.press(key);
        cursor(&desk)
    };
    assert_eq!(walk("Tab"), "101 kept-monthly");
    assert_eq!(walk("j j"), "101 old");
    assert_eq!(walk("Shift-Tab"), "101 kept-monthly");
    assert_eq!(walk("Shift-Tab"), "100 kept-monthly");
    assert_eq!(walk("Shift-Tab"), "100 kept-monthly");
    assert_eq!(walk("G"), "102 new");
    assert_eq!(walk("Tab"), "102 kept-monthly", "the last guest stays");
    assert_eq!(walk("k"), "101 new", "rows go on over the ends of guests");
    assert_eq!(plan(&desk).guest_rows(), 4..8);
}

#[test]
fn an_empty_plan_takes_every_key() {
    let (mut desk, asked) = opened(false);
    desk.answer_snapshots(&asked, &SnapshotList::default());
    assert_eq!(plan(&desk).guest_rows(), 0..0);
    let effects = desk.press("j k g G Tab Shift-Tab Space x 0 Enter");
    assert_eq!(runs(&effects), 0);
    let (_, file) = export(&desk.press("e"));
    assert_eq!(file.deletions().count(), 0);
}

#[test]
fn what_was_taken_out_reads_kept_by_you_and_the_count_must_be_typed_anew() {
    let mut desk = planned(false);
    desk.press("6 Space");
    let kept = plan(&desk);
    assert_eq!(kept.rows()[kept.row].reason().to_string(), "kept by you");
    assert_eq!((kept.count(), kept.typed.value()), (5, ""));
    assert_eq!(runs(&desk.press("6 Enter")), 0);
    assert_eq!(runs(&desk.press("Backspace 5 Enter")), 1);
    let mut desk = planned(false);
    desk.press("g Space");
    assert_eq!(desk.toast(), "kept-monthly is kept: monthly, 305 d left");
    assert_eq!(
        plan(&desk).count(),
        6,
        "what the rules keep is never put in"
    );
}

#[test]
fn the_exported_plan_is_the_edited_one_under_a_name_without_tricks() {
    let mut desk = planned(false);
    desk.press("Space Tab");
    let (name, file) = export(&desk.press("e"));
    assert_eq!(name, "proxdeck-prune-lab_.._x-20261123-090045.json");
    assert_eq!(file.cluster().raw(), "lab/../x");
    let deletions: Vec<String> = file
        .deletions()
        .map(|(vmid, snapshot)| format!("{vmid} {snapshot}"))
        .collect();
    assert_eq!(
        deletions,
        ["100 old", "101 older", "101 old", "102 older", "102 old"]
    );
    assert_eq!(
        file.guests().into_iter().collect::<Vec<_>>(),
        [vmid(100), vmid(101), vmid(102)]
    );
}

#[test]
fn nothing_is_exported_before_the_plan_is_made() {
    let (mut desk, _) = opened(false);
    let effects = desk.press("e");
    assert!(
        !effects
            .iter()
            .any(|each| matches!(each, Effect::Export { .. }))
    );
    assert_eq!(desk.toast(), "the plan is not made yet");
}

#[test]
fn read_only_may_look_and_export_and_executes_nothing() {
    let mut desk = planned(true);
    assert_eq!(export(&desk.press("e")).1.deletions().count(), 6);
    assert_eq!(runs(&desk.press("6 Enter")), 0);
    desk.press("Esc s");
    assert_eq!(desk.toast(), "snapshot: read-only");
}

#[test]
fn where_the_file_is_is_told_and_why_there_is_none_is_read_above_the_plan() {
    let mut desk = planned(false);
    let written = ("plan.json".to_owned(), "/home/ops\u{1b}[2J".to_owned());
    desk.happen(Event::Exported(Ok(written)));
    assert_eq!(desk.toast(), "exported: plan.json in /home/ops␛[2J");
    let failure = || {
        Failure::new(
            FailureKind::FileNotWritten,
            "read-only file system, in /mnt",
        )
    };
    desk.press("6");
    desk.happen(Event::Exported(Err(failure())));
    assert!(matches!(
        desk.state.dialogs.last(),
        Some(Dialog::Failure(_))
    ));
    assert_eq!(
        runs(&desk.press("Enter")),
        0,
        "the typed count does not meet the Enter that was meant for the message"
    );
    desk.press("Esc");
    assert_eq!(plan(&desk).typed.value(), "6", "the plan is as it was");
    desk.press("Esc");
    desk.happen(Event::Exported(Err(failure())));
    assert_eq!(
        desk.toast(),
        "the plan was not exported: the file could not be written: read-only file system, in /mnt"
    );
}

#[test]
fn the_keys_of_the_plan_are_shown_above_it() {
    let mut desk = planned(false);
    desk.press("?");
    assert!(matches!(desk.state.dialogs.last(), Some(Dialog::Help(_))));
    desk.press("Esc");
    assert_eq!(cursor(&desk), "100 older");
}
