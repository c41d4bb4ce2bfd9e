//! Dialogs keep their target and refuse when the world has changed behind them.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::operation::{Outcome, Report, Update};
use proxdeck::domain::permission::Permissions;

use crate::world::{Desk, guest, runs, vmid};

/// Returns the job that a script of keys started.
fn job(effects: &[Effect]) -> proxdeck::app::jobs::JobId {
    let job = effects.iter().find_map(|effect| match effect {
        Effect::Run(job, _) => Some(*job),
        _ => None,
    });
    job.expect("a job was started")
}

#[test]
fn the_target_of_a_dialog_is_the_guest_it_was_opened_for_wherever_the_cursor_goes() {
    let mut desk = Desk::with(vec![guest(100, "first"), guest(101, "second")]);
    desk.press("j s");
    // Another guest sorts in before it while the dialog is open.
    desk.inventory(vec![
        guest(99_999, "last"),
        guest(101, "second"),
        guest(100, "first"),
    ]);
    let effects = desk.press("Enter");
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(operation.guest().unwrap().vmid, vmid(101));
}

#[test]
fn a_number_that_now_names_another_guest_is_refused() {
    let mut desk = Desk::with(vec![guest(100, "old")]);
    desk.press("s");
    desk.inventory(vec![guest(100, "new")]);
    assert_eq!(runs(&desk.press("Enter")), 0);
    assert_eq!(desk.state.dialogs.len(), 1, "the dialog stays and says why");
    desk.inventory(Vec::new());
    assert_eq!(runs(&desk.press("Enter")), 0);
}

#[test]
fn the_power_menu_acts_on_the_guest_it_shows_and_on_no_other() {
    // The guest goes, and the cursor moves on to its neighbour while the menu is open.
    for keys in ["Enter", "j Enter"] {
        let mut desk = Desk::with(vec![guest(100, "first"), guest(101, "second")]);
        desk.press("P");
        desk.inventory(vec![guest(101, "second")]);
        assert_eq!(runs(&desk.press(keys)), 0, "{keys}");
        assert!(desk.state.dialogs.is_empty(), "{keys}: no question either");
        assert!(desk.toast().ends_with("guest 100 is gone"), "{keys}");
    }
    let mut desk = Desk::with(vec![guest(100, "old")]);
    desk.press("P");
    desk.inventory(vec![guest(100, "new")]);
    assert_eq!(runs(&desk.press("Enter")), 0);
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(
        desk.toast(),
        "shutdown: qemu 100 old is now qemu 100 new",
        "what changed is said"
    );
}

#[test]
fn what_the_power_menu_starts_is_the_guest_it_shows() {
    let stopped = |number, name: &str| Guest {
        status: Status::Stopped,
        ..guest(number, name)
    };
    let mut desk = Desk::with(vec![stopped(101, "first"), stopped(102, "second")]);
    desk.press("j P");
    // Rows come and go, and a guest may move to another node: it is the same one.
    let mut moved = stopped(102, "second");
    moved.node = "pve2".parse().unwrap();
    desk.inventory(vec![stopped(100, "earlier"), moved]);
    let effects = desk.press("Enter");
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(operation.guest().unwrap().vmid, vmid(102));
    assert_eq!(operation.guest().unwrap().node.as_str(), "pve2");
}

#[test]
fn keys_reach_only_the_top_dialog() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    desk.press("?");
    assert!(desk.press("s").is_empty());
    assert_eq!(desk.state.dialogs.len(), 1);
    desk.press("Esc");
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn without_the_privilege_the_key_says_which_one_and_where() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let asked = desk.effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    });
    let seen = [("/vms".to_owned(), "VM.Audit".to_owned(), true)];
    let permissions = Permissions::new(seen);
    desk.happen(Event::Fetched(
        asked.unwrap(),
        Ok(Answer::Permissions(permissions)),
    ));
    desk.press("s");
    assert!(desk.state.dialogs.is_empty());
    assert_eq!(desk.toast(), "snapshot: needs VM.Snapshot on /vms/100");
    desk.wait(Duration::from_secs(60));
    assert_eq!(desk.toast(), "", "the answer to a key passes by itself");
}

#[test]
fn one_guest_is_changed_by_one_job_at_a_time() {
    let mut desk = Desk::with(vec![guest(100, "one"), guest(101, "two")]);
    let started = desk.press("s Enter");
    assert_eq!(runs(&started), 1);
    desk.press("s");
    assert_eq!(desk.toast(), "snapshot: busy: snapshot 100 one");
    assert_eq!(runs(&desk.press("j s Enter")), 1, "another guest is free");
}

#[test]
fn a_failure_stays_until_it_is_read_or_dismissed_and_enter_shows_it_whole() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let job = job(&desk.press("s Enter"));
    let failure = Failure::new(FailureKind::SnapshotFailed, "no space left");
    let failure = failure.with_detail("TASK ERROR: no space left");
    let report = Box::new(Report::new(Outcome::Failed(Box::new(failure))));
    desk.happen(Event::Job(job, Update::Ended(report)));
    desk.wait(Duration::from_secs(3600));
    assert_eq!(
        desk.toast(),
        "snapshot 100 one: the snapshot failed: no space left"
    );
    desk.press("Enter");
    assert_eq!(desk.state.dialogs.len(), 1);
    desk.press("Esc");
    assert_eq!(desk.toast(), "", "what was read is gone");
}

#[test]
fn leaving_with_work_in_hand_asks_and_stays_by_default() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    assert!(desk.press("q").contains(&Effect::Leave));
    let mut desk = Desk::with(vec![guest(100, "one")]);
    desk.press("s Enter");
    assert!(
        !desk.press("q Enter").contains(&Effect::Leave),
        "the first choice is to stay"
    );
    assert!(desk.state.dialogs.is_empty());
    assert!(desk.press("q G Enter").contains(&Effect::Leave));
}

#[test]
fn finishing_the_step_asks_each_job_for_no_further_one_and_leaves_at_its_end() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let job = job(&desk.press("s Enter"));
    let effects = desk.press("q j j Enter");
    assert_eq!(effects, [Effect::Stop(job)]);
    let report = Box::new(Report::new(Outcome::Stopped));
    let effects = desk.happen(Event::Job(job, Update::Ended(report)));
    assert!(effects.contains(&Effect::Leave));
}

#[test]
fn a_signal_ends_the_program_without_asking() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    desk.press("s Enter");
    assert!(desk.happen(Event::Leave).contains(&Effect::Leave));
    assert!(
        !desk.happen(Event::Leave).contains(&Effect::Leave),
        "once is enough"
    );
}

#[test]
fn a_pasted_name_cannot_smuggle_line_breaks_or_control_characters() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    desk.press("s Tab Tab");
    desk.happen(Event::Paste("two\nlines\x1b[31m".into()));
    let effects = desk.press("Enter");
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    let call = operation.calls().remove(0);
    assert!(
        call.to_string().contains("description=two lines[31m"),
        "{call}"
    );
}
