//! Alerts and projects as state: what is asked, in which order, and what keys do about it.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::Dialog;
use proxdeck::app::state::{Pane, Rules};
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::alert::AlertKind;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::pool::Pool;
use proxdeck::domain::project::{Membership, Project, Projects, Quota, Window};
use proxdeck::domain::quota::{Amount, Certainty, Use};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::usage::{Account, Origin};

use super::world::{Desk, guest, vmid};

const SECOND: Duration = Duration::from_secs(1);

fn pooled(number: u64) -> Guest {
    Guest {
        pool: Some("alpha".parse().unwrap()),
        ..guest(number, &format!("agent-{number}"))
    }
}

/// A desk whose guests belong to a project that may use 10 core-hours a week.
fn desk(guests: Vec<Guest>) -> Desk {
    let mut desk = Desk::new(false);
    let mut alpha = Project::new("alpha", Membership::Pool("alpha".parse().unwrap())).unwrap();
    alpha.window = Window::Days7;
    alpha.budget.cpu_hours = Quota::at_most(10.0).unwrap();
    desk.state.setting.rules = Rules {
        projects: Projects::new(vec![alpha]).unwrap(),
        ..Rules::default()
    };
    desk.inventory(guests);
    desk
}

/// Answers every question about snapshots and accounts; each guest has used 8 core-hours.
fn answer(desk: &mut Desk, effects: &[Effect]) -> (usize, usize) {
    let (mut lists, mut accounts) = (0, 0);
    let mut waiting = effects.to_vec();
    while let Some(effect) = waiting.pop() {
        let Effect::Fetch(ticket, query) = effect else {
            continue;
        };
        let answer = match query {
            Query::Snapshots(_) => {
                lists += 1;
                Answer::Snapshots(SnapshotList::default())
            }
            Query::Account(guest, _, period) => {
                accounts += 1;
                let mut account = Account::since_boot(&guest, &Origin::default(), &period);
                account.used = Use {
                    cpu_hours: Amount::new(8.0, Certainty::Exact),
                    ..account.used
                };
                Answer::Account(Box::new((account, Some(Origin::default()))))
            }
            _ => continue,
        };
        waiting.extend(desk.happen(Event::Fetched(ticket, Ok(answer))));
    }
    (lists, accounts)
}

fn kinds(desk: &Desk) -> Vec<AlertKind> {
    let book = desk.state.alerts.book();
    book.standing().iter().map(|each| each.alert.kind).collect()
}

#[test]
fn a_budget_is_judged_when_every_guest_of_it_is_read_and_not_before() {
    let guests: Vec<Guest> = (100..103).map(pooled).collect();
    let mut desk = desk(guests.clone());
    assert_eq!(desk.state.usage.standings()[0].unread, 3);
    let effects = desk.wait(3 * SECOND);
    answer(&mut desk, &effects);
    desk.inventory(guests.clone());
    if desk.state.usage.standings()[0].unread > 0 {
        assert_eq!(kinds(&desk), []);
    }
    for _ in 0..20 {
        let effects = desk.wait(SECOND);
        answer(&mut desk, &effects);
    }
    desk.inventory(guests);
    assert_eq!(desk.state.usage.standings()[0].unread, 0);
    assert_eq!(kinds(&desk), [AlertKind::QuotaExceeded]);
}

#[test]
fn snapshot_lists_and_accounts_take_turns_in_one_budget() {
    let mut desk = desk((100..1_100).map(pooled).collect());
    let (mut lists, mut accounts) = (0, 0);
    for _ in 0..180 {
        let effects = desk.wait(SECOND);
        let (more_lists, more_accounts) = answer(&mut desk, &effects);
        lists += more_lists;
        accounts += more_accounts;
    }
    assert!(
        lists > 30 && accounts > 30,
        "{lists} lists, {accounts} accounts"
    );
    // An account is three questions for the most part.
    assert!(
        lists + 3 * accounts <= 4 * 60,
        "{lists} lists, {accounts} accounts"
    );
}

#[test]
fn an_open_enforcement_plan_reads_what_it_needs_without_waiting_for_the_minute() {
    let mut desk = desk((100..160).map(pooled).collect());
    desk.state.setting.rules.selection = Selection::new(true, &[], &[], &[]).unwrap();
    let effects = desk.press("E");
    let pools = effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Pools) => Some(*ticket),
        _ => None,
    });
    let pools = pools.or_else(|| {
        desk.effects.iter().rev().find_map(|effect| match effect {
            Effect::Fetch(ticket, Query::Pools) => Some(*ticket),
            _ => None,
        })
    });
    let pool = Pool {
        name: "alpha".parse().unwrap(),
        comment: None,
    };
    let mut waiting = effects;
    waiting.extend(desk.happen(Event::Fetched(
        pools.unwrap(),
        Ok(Answer::Pools(vec![pool])),
    )));
    // No time passes at all.
    let (_, accounts) = answer(&mut desk, &waiting);
    assert_eq!(accounts, 60);
    // The projects are summed up with each refresh and not with each answer.
    desk.inventory((100..160).map(pooled).collect());
    let Some(Dialog::Enforce(plan)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs);
    };
    assert_eq!(plan.progress, (60, 60));
}

#[test]
fn an_account_is_forgotten_with_its_guest_and_when_the_number_is_another_s() {
    let mut desk = desk(vec![pooled(100), pooled(101)]);
    for _ in 0..10 {
        let effects = desk.wait(SECOND);
        answer(&mut desk, &effects);
    }
    assert!(desk.state.usage.account(vmid(100)).is_some());
    let stranger = Guest {
        name: Some("another".into()),
        ..pooled(100)
    };
    desk.inventory(vec![stranger]);
    assert!(desk.state.usage.account(vmid(100)).is_none());
    assert!(desk.state.usage.account(vmid(101)).is_none());
}

/// A desk on which 101 has paused by itself and 100 is fine, in the view of alerts.
fn troubled() -> Desk {
    let mut desk = Desk::with(vec![guest(100, "fine"), guest(101, "paused")]);
    let mut paused = guest(101, "paused");
    paused.status = Status::Paused;
    desk.wait(SECOND);
    let effects = desk.inventory(vec![guest(100, "fine"), paused]);
    assert!(effects.contains(&Effect::Ring), "{effects:?}");
    desk.press("2");
    desk
}

#[test]
fn the_bell_rings_only_where_it_is_wanted() {
    let mut desk = Desk::with(vec![guest(101, "paused")]);
    desk.state.setting.bell = false;
    let mut paused = guest(101, "paused");
    paused.status = Status::Paused;
    let effects = desk.inventory(vec![paused]);
    assert!(!effects.contains(&Effect::Ring), "{effects:?}");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Title(title) if title == "(1) proxdeck lab"))
    );
}

#[test]
fn keys_act_on_the_alert_s_guest_and_on_no_mark() {
    let mut desk = troubled();
    desk.press("1 g Space 2 P");
    let Some(Dialog::Power(menu)) = desk.state.dialogs.last() else {
        panic!("{:?}", desk.state.dialogs);
    };
    assert_eq!(menu.only().unwrap().vmid, vmid(101));
}

#[test]
fn enter_leads_to_the_guest_though_a_filter_hides_it() {
    let mut desk = troubled();
    desk.press("1 /");
    for letter in ["f", "i", "n", "e"] {
        desk.press(letter);
    }
    desk.press("Enter 2 Enter");
    assert_eq!(desk.state.focus, Pane::Guests);
    assert_eq!(desk.state.guests.cursor(), Some(vmid(101)));
}

#[test]
fn an_acknowledgement_is_written_down_and_a_second_key_takes_it_back() {
    let mut desk = troubled();
    desk.press("a");
    assert!(matches!(
        desk.state.dialogs.last(),
        Some(Dialog::Acknowledge(_))
    ));
    let effects = desk.press("x Enter");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Remember(..)))
    );
    let book = desk.state.alerts.book();
    assert_eq!(book.counts().acknowledged, 1);
    assert_eq!(book.standing()[0].acknowledgement.unwrap().note, "x");
    let effects = desk.press("a");
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Remember(..)))
    );
    assert_eq!(desk.state.alerts.book().counts().acknowledged, 0);
    desk.press("a Esc");
    assert_eq!(desk.state.alerts.book().counts().acknowledged, 0);
}

#[test]
fn an_acknowledged_alert_sinks_and_the_cursor_goes_on_with_the_next() {
    let mut desk = Desk::with(vec![guest(100, "one"), guest(101, "two")]);
    let paused = |number, name| {
        let mut guest = guest(number, name);
        guest.status = Status::Paused;
        guest
    };
    desk.inventory(vec![paused(100, "one"), paused(101, "two")]);
    desk.press("2 g");
    let first = desk.state.selected_alert().unwrap();
    desk.press("a Enter");
    let next = desk.state.selected_alert().unwrap();
    assert_ne!(next.subject, first.subject);
    let book = desk.state.alerts.book();
    assert_eq!(book.standing()[1].alert.subject, first.subject);
    assert_eq!(desk.state.alerts.cursor_row(), Some(0), "where it was");
}

#[test]
fn the_token_s_end_is_asked_once_and_a_password_has_none() {
    let token = |effects: &[Effect]| {
        let asked = effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Fetch(_, Query::TokenEnd)));
        asked.count()
    };
    let mut desk = Desk::new(false);
    desk.inventory(vec![guest(100, "fine")]);
    desk.wait(SECOND);
    desk.wait(SECOND);
    assert_eq!(token(&desk.effects), 1);
    let mut desk = Desk::new(false);
    desk.state.setting.account = "hub@pve".into();
    desk.inventory(vec![guest(100, "fine")]);
    desk.wait(3 * SECOND);
    assert_eq!(token(&desk.effects), 0);
}
