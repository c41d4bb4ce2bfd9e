//! What guests used that are gone, and since when that is known.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::history::{Series, Span};
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::project::Window;
use proxdeck::domain::quota::Certainty;
use proxdeck::domain::usage::{Account, GoneGuest, Identity, Ledger, Living, Origin, Period};

use super::worlds::{Server, at, busy_row, guest, guest_ref, vmid};

fn origin(uuid: &str, birth: Option<&str>) -> Origin {
    Origin {
        uuid: Some(uuid.to_owned()),
        birth: birth.map(at),
        ours: false,
    }
}

fn month(now: &str) -> Period {
    Period::of(Window::Month, at(now), Tz::UTC)
}

fn history(now: DateTime<Utc>) -> Series {
    Server::Nine.frame(Span::Month, now, |_| busy_row())
}

/// Two busy cores since the beginning of the period, or since the birth.
fn account(number: u64, origin: &Origin, period: &Period) -> Account {
    let series = history(period.until);
    Account::of_history(&guest(number), origin, &[&series], period)
}

fn recorded(accounts: &[Account]) -> Ledger {
    let mut ledger = Ledger::default();
    for account in accounts {
        ledger.record(account.until, "lab", [account], 0);
    }
    ledger
}

/// The numbers of the guests that are gone, and their core-hours.
fn told(gone: &[GoneGuest]) -> Vec<(u32, String)> {
    gone.iter()
        .map(|guest| (guest.identity.vmid.get(), guest.used.cpu_hours.to_string()))
        .collect()
}

#[test]
fn a_guest_that_was_destroyed_counts_until_the_month_ends() {
    let destroyed = account(104, &origin("a", None), &month("2026-11-11T00:00:00Z"));
    let ledger = recorded(&[destroyed]);
    let gone = ledger.gone("lab", &month("2026-11-20T00:00:00Z"), &[]);
    assert_eq!(told(&gone), [(104, "480".to_owned())]);
    assert_eq!(gone[0].used.network_gb.to_string(), "1296");
    assert_eq!(gone[0].used.storage_gb.value(), None);
    assert_eq!(gone[0].seen, at("2026-11-11T00:00:00Z"));
    assert!(
        ledger
            .gone("lab", &month("2026-12-01T00:30:00Z"), &[])
            .is_empty()
    );
    assert!(
        ledger
            .gone("other", &month("2026-11-20T00:00:00Z"), &[])
            .is_empty()
    );
}

#[test]
fn a_guest_that_is_there_is_not_gone_whatever_its_node_or_project() {
    let period = month("2026-11-11T00:00:00Z");
    let account = account(104, &origin("a", None), &period);
    let ledger = recorded(std::slice::from_ref(&account));
    assert!(
        ledger
            .gone("lab", &period, &[Living::of(&account)])
            .is_empty()
    );
    // Neither is one whose number is there while nobody knows whose it is now.
    let unread = Living {
        identity: std::borrow::Cow::Owned(Identity {
            vmid: vmid(104),
            kind: GuestKind::Qemu,
            name: None,
            uuid: None,
        }),
        counted_from: None,
    };
    assert!(ledger.gone("lab", &period, &[unread]).is_empty());
}

#[test]
fn a_number_that_another_guest_took_over_makes_the_former_one_gone() {
    let former = account(104, &origin("a", None), &month("2026-11-06T00:00:00Z"));
    let period = month("2026-11-11T00:00:00Z");
    let successor = account(104, &origin("b", Some("2026-11-07T00:00:00Z")), &period);
    let mut ledger = recorded(&[former, successor.clone()]);
    let gone = ledger.gone("lab", &period, &[Living::of(&successor)]);
    assert_eq!(told(&gone), [(104, "240".to_owned())]);
    // Once it is gone too, both count: 5 days and 4 days of two cores.
    ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
    assert_eq!(
        told(&ledger.gone("lab", &period, &[])),
        [(104, "192".to_owned()), (104, "240".to_owned())]
    );
}

#[test]
fn what_a_living_guest_inherited_with_its_number_is_not_counted_twice() {
    let named = |name: &str, period: &Period| {
        let container = proxdeck::domain::guest::Guest {
            kind: GuestKind::Lxc,
            name: Some(name.into()),
            ..guest(104)
        };
        let series = history(period.until);
        Account::of_history(&container, &Origin::default(), &[&series], period)
    };
    let former = named("before", &month("2026-11-06T00:00:00Z"));
    let period = month("2026-11-11T00:00:00Z");
    // The history of the number reaches back to the first of the month.
    let renamed = named("after", &period);
    let ledger = recorded(&[former, renamed.clone()]);
    assert!(
        ledger
            .gone("lab", &period, &[Living::of(&renamed)])
            .is_empty()
    );
    assert_eq!(
        told(&ledger.gone("lab", &period, &[])),
        [(104, "480".to_owned())]
    );
}

#[test]
fn in_a_sliding_window_the_use_of_a_gone_guest_fades() {
    let now = at("2026-11-08T00:00:00Z");
    let week = |now| Period::of(Window::Days7, now, Tz::UTC);
    let ledger = recorded(&[account(104, &origin("a", None), &week(now))]);
    let after = |days| told(&ledger.gone("lab", &week(now + TimeDelta::days(days)), &[]));
    assert_eq!(after(0), [(104, "336".to_owned())]);
    assert_eq!(after(1), [(104, "~288".to_owned())]);
    assert_eq!(after(6), [(104, "~48".to_owned())]);
    assert_eq!(after(7), []);
}

#[test]
fn a_guest_that_lived_for_hours_may_have_lived_an_hour_longer() {
    let short = |birth: &str| {
        let origin = origin("a", Some(birth));
        let ledger = recorded(&[account(104, &origin, &month("2026-11-11T00:00:00Z"))]);
        let gone = ledger.gone("lab", &month("2026-11-20T00:00:00Z"), &[]);
        gone[0].used.cpu_hours.certainty()
    };
    assert_eq!(short("2026-11-10T12:00:00Z"), Certainty::Estimated);
    assert_eq!(short("2026-11-10T04:00:00Z"), Certainty::Exact);
}

#[test]
fn an_unknown_account_does_not_replace_a_known_one() {
    let known = account(104, &origin("a", None), &month("2026-11-11T00:00:00Z"));
    let silent = proxdeck::domain::guest::Guest {
        name: None,
        status: proxdeck::domain::guest::Status::Unknown,
        ..guest(104)
    };
    let period = month("2026-11-11T01:00:00Z");
    let unknown = Account::of_history(&silent, &Origin::default(), &[], &period);
    let ledger = recorded(&[known, unknown]);
    let gone = ledger.gone("lab", &period, &[]);
    assert_eq!(told(&gone), [(104, "480".to_owned())]);
    assert_eq!(gone[0].identity.uuid.as_deref(), Some("a"));
    assert_eq!(gone[0].identity.name, guest_ref(104).name);
}

#[test]
fn a_period_is_covered_while_records_are_at_most_an_hour_apart() {
    let mut ledger = Ledger::default();
    let day = |now| Period::of(Window::Hours24, now, Tz::UTC);
    let begun = at("2026-11-10T00:00:00Z");
    for hour in 0..=24 {
        ledger.record(begun + TimeDelta::hours(hour), "lab", [], 0);
    }
    let end = begun + TimeDelta::hours(24);
    assert!(ledger.covers("lab", &day(end)));
    assert!(ledger.covers("lab", &day(end + TimeDelta::hours(1))));
    assert!(!ledger.covers("lab", &day(end + TimeDelta::seconds(3_601))));
    assert!(!ledger.covers("lab", &day(end - TimeDelta::seconds(1))));

    let later = end + TimeDelta::seconds(3_601);
    ledger.record(later, "lab", [], 0);
    assert!(
        !ledger.covers("lab", &day(later)),
        "a guest may have come and gone"
    );
    let written = serde_json::to_value(&ledger).unwrap();
    assert_eq!(written["kept"]["lab"].as_array().unwrap().len(), 2);
}

#[test]
fn a_project_is_vouched_for_by_itself_and_only_while_none_of_its_guests_is_missing() {
    let mut ledger = Ledger::default();
    let day = |now| Period::of(Window::Hours24, now, Tz::UTC);
    let begun = at("2026-11-10T00:00:00Z");
    for hour in 0..=24 {
        let now = begun + TimeDelta::hours(hour);
        ledger.record(now, "whole", [], 0);
        ledger.record(now, "part", [], usize::from(hour == 12));
    }
    let end = day(begun + TimeDelta::hours(24));
    assert!(ledger.covers("whole", &end));
    assert!(!ledger.covers("part", &end), "two hours in between");
    assert!(!ledger.covers("new", &end), "nobody looked at it");
}

#[test]
fn what_no_window_reaches_is_forgotten_and_so_is_the_future_of_a_wrong_clock() {
    let mut ledger = recorded(&[account(
        104,
        &origin("a", None),
        &month("2026-11-11T00:00:00Z"),
    )]);
    ledger.record(at("2027-11-11T00:00:00Z"), "lab", [], 0);
    ledger.record(at("2026-11-20T00:00:00Z"), "lab", [], 0);
    let written = serde_json::to_value(&ledger).unwrap();
    assert_eq!(written["guests"].as_array().unwrap().len(), 0);
    let now = at("2026-11-20T00:00:00Z").timestamp();
    assert_eq!(written["kept"], serde_json::json!({ "lab": [[now, now]] }));
}

#[test]
fn a_ledger_of_nonsense_is_read_as_what_makes_sense_of_it() {
    let text = r#"{"version":1,"kept":{"lab":[[5,1],[1,5],[9223372036854775807,9223372036854775807]]},"guests":[
        {"vmid":104,"kind":"qemu","project":"lab","from":1793491200,"until":1793577600,"cpu_hours":[-4,"="],"network_gb":[2,"~"]},
        {"vmid":7,"kind":"qemu","project":"lab","from":0,"until":1},
        {"vmid":105,"kind":"pod","project":"lab","from":0,"until":1},
        {"vmid":106,"kind":"lxc","project":"lab","from":9,"until":1}]}"#;
    let ledger: Ledger = serde_json::from_str(text).unwrap();
    let gone = ledger.gone("lab", &month("2026-11-20T00:00:00Z"), &[]);
    assert_eq!(told(&gone), [(104, "unknown".to_owned())]);
    assert_eq!(gone[0].used.network_gb.to_string(), "~2");
    let other: Ledger = serde_json::from_str(r#"{"version":2,"kept":{"lab":[[1,2]]}}"#).unwrap();
    assert_eq!(other, Ledger::default());
}

#[test]
fn ten_thousand_guests_are_a_few_megabytes() {
    let period = month("2026-11-11T00:00:00Z");
    let one = account(
        104,
        &origin("71552a31-7226-4ef3-ac61-a125228590a4", None),
        &period,
    );
    let accounts: Vec<Account> = (100..10_100)
        .map(|number| Account {
            identity: Identity {
                vmid: vmid(number),
                ..one.identity.clone()
            },
            ..one.clone()
        })
        .collect();
    let mut ledger = Ledger::default();
    ledger.record(period.until, "lab", &accounts, 0);
    let text = serde_json::to_string(&ledger).unwrap();
    assert!(text.len() < 4_000_000, "{}", text.len());
    assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
}
