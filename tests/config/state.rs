//! The small state beside the config survives damage, other versions and other proxdecks.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::config::state_file::StateFile;
use proxdeck::config::usage_ledger::UsageLedger;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::project::Window;
use proxdeck::domain::quota::{Amount, Certainty, Use};
use proxdeck::domain::usage::{Account, Identity, Period};

use super::Home;

fn file(home: &Home) -> StateFile {
    StateFile::new(home.paths().state_folder().join("state.json"))
}

#[test]
fn what_was_written_is_found_again() {
    let home = Home::empty();
    assert!(file(&home).read::<Vec<u32>>().is_empty());
    let changed = file(&home)
        .update(|numbers: &mut Vec<u32>| numbers.push(7))
        .unwrap();
    assert_eq!(changed, [7]);
    assert_eq!(file(&home).read::<Vec<u32>>(), changed);
}

#[test]
fn a_damaged_file_is_put_aside_and_not_lost() {
    let home = Home::empty();
    home.paths().create_state_folder().unwrap();
    std::fs::write(file(&home).path(), "[7, ").unwrap();
    assert!(file(&home).read::<Vec<u32>>().is_empty());
    file(&home)
        .update(|numbers: &mut Vec<u32>| numbers.push(8))
        .unwrap();
    let aside = home.path("state/state.json.damaged");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "[7, ");
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let home = Home::empty();
    let (writers, rounds) = (8, 20);
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                for _ in 0..rounds {
                    file(&home).update(|count: &mut u32| *count += 1).unwrap();
                }
            });
        }
    });
    assert_eq!(file(&home).read::<u32>(), writers * rounds);
}

#[cfg(unix)]
#[test]
fn state_is_private_and_nothing_half_written_stays_behind() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::empty();
    file(&home).update(|count: &mut u32| *count = 1).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file(&home).path()), 0o600);
    assert_eq!(mode(home.paths().state_folder()), 0o700);
    let mut names: Vec<_> = std::fs::read_dir(home.paths().state_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.lock"]);
}

fn now() -> DateTime<Utc> {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

fn day(until: DateTime<Utc>) -> Period {
    Period::of(Window::Hours24, until, Tz::UTC)
}

/// A guest that was there all day and used one core.
fn account(number: u64, name: &str) -> Account {
    let period = day(now());
    Account {
        identity: Identity {
            vmid: Vmid::new(number).unwrap(),
            kind: GuestKind::Qemu,
            name: Some(name.into()),
            uuid: Some(format!("71552a31-7226-4ef3-ac61-{number:012}")),
        },
        from: period.from,
        until: period.until,
        used: Use {
            cpu_hours: Amount::new(24.0, Certainty::Exact),
            ..Use::UNKNOWN
        },
        integral: None,
    }
}

fn ledger(home: &Home, cluster: &str) -> UsageLedger {
    UsageLedger::new(home.paths().usage_ledger(), cluster)
}

#[test]
fn two_proxdecks_lose_none_of_each_other_s_guests_and_clusters_are_apart() {
    let home = Home::empty();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let home = &home;
            scope.spawn(move || {
                for number in 0..5 {
                    let account = account(100 + writer * 5 + number, "a");
                    ledger(home, "lab")
                        .update(|ledger| ledger.record(now(), "alpha", [&account], 0))
                        .unwrap();
                }
            });
        }
    });
    let hour_later = day(now() + TimeDelta::hours(1));
    let known = ledger(&home, "lab").read();
    assert_eq!(known.gone("alpha", &hour_later, &[]).len(), 20);
    let other = ledger(&home, "other").read();
    assert!(other.gone("alpha", &hour_later, &[]).is_empty());
}

#[test]
fn a_damaged_ledger_is_put_aside_and_begun_anew() {
    let home = Home::empty();
    home.paths().create_state_folder().unwrap();
    std::fs::write(home.paths().usage_ledger(), "{\"lab\": {\"ver").unwrap();
    let account = account(104, "a");
    let begun = ledger(&home, "lab")
        .update(|ledger| ledger.record(now(), "alpha", [&account], 0))
        .unwrap();
    assert_eq!(begun.gone("alpha", &day(now()), &[]).len(), 1);
    assert_eq!(ledger(&home, "lab").read(), begun);
    let aside = home.path("state/usage.json.damaged");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"lab\": {\"ver");
}

#[test]
fn the_largest_ledger_fits_into_its_file_twice() {
    let home = Home::empty();
    let accounts: Vec<Account> = (100..20_100)
        .map(|number| account(number, &"n".repeat(128)))
        .collect();
    for cluster in ["lab", "other"] {
        ledger(&home, cluster)
            .update(|ledger| ledger.record(now(), "alpha", &accounts, 0))
            .unwrap();
    }
    let known = ledger(&home, "lab").read();
    assert_eq!(known.gone("alpha", &day(now()), &[]).len(), 20_000);
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let home = Home::empty();
    file(&home)
        .update(|text: &mut String| text.push('a'))
        .unwrap();
    let grown = file(&home).update(|text: &mut String| *text = "a".repeat(65 << 20));
    assert_eq!(grown.unwrap_err().kind(), std::io::ErrorKind::FileTooLarge);
    assert_eq!(file(&home).read::<String>(), "a");
}
