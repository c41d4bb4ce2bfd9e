//! What one guest used within a period, reckoned by hand.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::project::{Resource, Window};
use proxdeck::domain::quota::since_boot;
use proxdeck::domain::text::Text;
use proxdeck::domain::usage::{Account, Integral, Origin, Period, integrate};
use rstest::rstest;

use super::worlds::{Server, at, busy_row, guest, hours, idle_row};

fn month(now: DateTime<Utc>, zone: Tz) -> Period {
    Period::of(Window::Month, now, zone)
}

/// Processor, memory and network as they are written.
fn told(account: &Account) -> [String; 3] {
    [
        Resource::CpuHours,
        Resource::MemoryGbHours,
        Resource::NetworkGb,
    ]
    .map(|resource| account.used.amount(resource).to_string())
}

fn account(history: &[&Series], period: &Period) -> Account {
    Account::of_history(&guest(104), &Origin::default(), history, period)
}

/// Core-hours that are covered for so many hours.
fn cpu(integral: &Integral) -> (f64, f64) {
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    (
        rounded(integral.cpu_hours.value),
        rounded(integral.cpu_hours.covered.as_secs_f64() / 3600.0),
    )
}

#[test]
fn ten_days_of_history_are_two_cores_two_gb_and_the_rates_times_the_time() {
    let now = at("2026-11-11T00:00:00Z");
    let series = Server::Nine.frame(Span::Month, now, |_| busy_row());
    let account = account(&[&series], &month(now, Tz::UTC));
    // 240 hours; 1.5 MB/s for 864,000 seconds.
    assert_eq!(told(&account), ["480", "480", "1296"]);
    assert_eq!(account.from, at("2026-11-01T00:00:00Z"));
}

#[rstest]
// From 23:00Z on February 28th: 28 days and 11 hours, one of which the clocks skipped.
#[case::clocks_forward("2026-03-29T10:00:00Z", 683.0)]
// From 22:00Z on September 30th: 24 days and 13 hours, one of which came twice.
#[case::clocks_back("2026-10-25T11:00:00Z", 589.0)]
#[case::the_first("2026-10-31T23:30:00Z", 0.5)]
#[case::the_last_hour_of_the_month_before("2026-11-30T22:30:00Z", 719.5)]
fn pitfall_19_hours_are_counted_as_they_passed_in_the_time_zone_of_the_quotas(
    #[case] now: &str,
    #[case] elapsed: f64,
) {
    let now = at(now);
    let period = month(now, Tz::Europe__Berlin);
    let nine = Server::Nine.frame(Span::Month, now, |_| busy_row());
    let integral = integrate(&[&nine], period.from, period.until);
    assert_eq!(cpu(&integral), (2.0 * elapsed, elapsed));

    let [coarse, fine] =
        [Span::Month, Span::Day].map(|span| Server::Eight.frame(span, now, |_| busy_row()));
    let integral = integrate(&[&coarse, &fine], period.from, period.until);
    assert_eq!(cpu(&integral), (2.0 * elapsed, elapsed));
}

#[test]
fn pitfall_19_the_thirty_first_day_comes_from_the_year() {
    let now = at("2026-10-31T12:00:00Z");
    let month_frame = Server::Nine.frame(Span::Month, now, |_| busy_row());
    let year = Server::Nine.frame(Span::Year, now, |_| Averages {
        cpu: Some(0.25),
        ..busy_row()
    });
    let period = month(now, Tz::UTC);
    let integral = integrate(&[&month_frame], period.from, period.until);
    assert_eq!(cpu(&integral), (1440.0, 720.0));
    // 720 hours of the finer frame, and half a day of the year's one core.
    let integral = integrate(&[&month_frame, &year], period.from, period.until);
    assert_eq!(cpu(&integral), (1452.0, 732.0));
}

#[test]
fn pitfall_19_the_finest_row_that_knows_something_counts() {
    let now = at("2026-11-11T12:00:00Z");
    let coarse = Server::Eight.frame(Span::Week, now, |_| busy_row());
    let last_hours = at("2026-11-11T06:00:00Z");
    let fine = Server::Eight.frame(Span::Day, now, |time| {
        if time > last_hours {
            Averages {
                cpu: Some(1.0),
                ..busy_row()
            }
        } else {
            Averages::default()
        }
    });
    // Six hours of two cores from the coarse rows, six of four from the fine ones.
    let from = at("2026-11-11T00:00:00Z");
    assert_eq!(cpu(&integrate(&[&coarse, &fine], from, now)), (36.0, 12.0));
}

#[test]
fn pitfall_19_mixed_steps_in_one_answer_each_count_for_their_time() {
    let from = at("2026-11-11T00:00:00Z");
    let rows = [3_600, 5_400, 5_460, 5_520]
        .map(|seconds| (from.timestamp() + seconds, busy_row()))
        .to_vec();
    let series = Series::new(Span::Week, rows);
    let integral = integrate(&[&series], from, from + TimeDelta::hours(2));
    // The first row is as long as the second; nothing is known after 92 minutes.
    assert_eq!(integral.cpu_hours.covered, Duration::from_secs(62 * 60));
    assert!((integral.cpu_hours.value - 2.0 * 62.0 / 60.0).abs() < 1e-9);
}

#[test]
fn pitfall_19_network_rates_are_rates_and_rows_are_cut_at_the_edges() {
    let now = at("2026-11-11T12:00:00Z");
    let series = Server::Eight.frame(Span::Month, now, |_| busy_row());
    // Half an hour out of a row of twelve hours: 1.5 MB/s for 1800 seconds.
    let from = at("2026-11-11T03:00:00Z");
    let integral = integrate(&[&series], from, from + TimeDelta::minutes(30));
    assert!((integral.network_gb.value - 2.7).abs() < 1e-9);
    assert_eq!(integral.network_gb.covered, integral.span);
}

#[test]
fn pitfall_19_keys_that_are_missing_singly_cost_only_their_own_coverage() {
    let now = at("2026-11-11T00:00:00Z");
    let period = Period::of(Window::Hours24, now, Tz::UTC);
    let half = at("2026-11-10T12:00:00Z");
    let series = Server::Nine.frame(Span::Day, now, |time| {
        let mut row = busy_row();
        if time <= half {
            row.rates.net_in = None;
        }
        row
    });
    let account = account(&[&series], &period);
    assert_eq!(told(&account), ["48", "48", "~64.8"]);
    let integral = account.integral.unwrap();
    assert_eq!(integral.network_gb.covered, hours(12));
    assert_eq!(integral.memory_gb_hours.covered, hours(24));
}

#[rstest]
#[case::at_95_percent(72, "45.6")]
#[case::below_95_percent(73, "~45.6")]
#[case::at_94_9_percent(74, "~45.5")]
fn pitfall_19_below_95_percent_of_the_time_a_sum_is_an_estimate(
    #[case] missing_minutes: i64,
    #[case] expected: &str,
) {
    let now = at("2026-11-11T00:00:00Z");
    let period = Period::of(Window::Hours24, now, Tz::UTC);
    let known_since = period.from + TimeDelta::minutes(missing_minutes);
    let series = Server::Nine.frame(Span::Day, now, |time| {
        if time > known_since {
            busy_row()
        } else {
            Averages::default()
        }
    });
    assert_eq!(told(&account(&[&series], &period))[0], expected);
}

#[test]
fn pitfall_19_a_guest_that_was_not_running_is_known_to_have_used_nothing() {
    let now = at("2026-11-11T00:00:00Z");
    let series = Server::Nine.frame(Span::Month, now, |_| idle_row());
    assert_eq!(
        told(&account(&[&series], &month(now, Tz::UTC))),
        ["0", "0", "0"]
    );
}

#[test]
fn pitfall_16_a_share_above_one_counts_in_full_and_so_does_memory_beyond_the_most() {
    let now = at("2026-11-11T00:00:00Z");
    let period = Period::of(Window::Hours24, now, Tz::UTC);
    let series = Server::Nine.frame(Span::Day, now, |_| Averages {
        cpu: Some(1.5),
        max_cpu: Some(1.0),
        memory: Some(3e9),
        max_memory: Some(2e9),
        ..busy_row()
    });
    assert_eq!(
        told(&account(&[&series], &period))[..2],
        ["36".to_owned(), "72".to_owned()]
    );
}

#[test]
fn figures_that_no_machine_has_are_gaps() {
    let now = at("2026-11-11T00:00:00Z");
    let from = at("2026-11-10T00:00:00Z");
    for broken in [-1.0, f64::NAN, f64::INFINITY, 1e300, 1_000.0] {
        let series = Server::Nine.frame(Span::Day, now, |_| Averages {
            cpu: Some(broken),
            ..busy_row()
        });
        let integral = integrate(&[&series], from, now);
        assert_eq!(cpu(&integral), (0.0, 0.0), "{broken}");
        assert_eq!(integral.memory_gb_hours.covered, hours(24));
    }
}

#[test]
fn pitfall_15_a_share_without_cores_is_no_figure_and_zero_is_one() {
    let now = at("2026-11-11T00:00:00Z");
    let from = at("2026-11-10T00:00:00Z");
    let with = |cpu, max_cpu| {
        let series = Server::Nine.frame(Span::Day, now, |_| Averages {
            cpu,
            max_cpu,
            ..busy_row()
        });
        integrate(&[&series], from, now).cpu_hours.covered
    };
    assert_eq!(with(Some(0.5), None), Duration::ZERO);
    assert_eq!(with(None, Some(4.0)), Duration::ZERO);
    assert_eq!(with(Some(0.0), Some(4.0)), hours(24));
}

#[test]
fn a_reused_number_counts_from_the_line_that_says_when_the_guest_was_made() {
    let now = at("2026-11-11T00:00:00Z");
    let series = Server::Nine.frame(Span::Month, now, |_| busy_row());
    let config = config(&[
        (
            "description",
            "web\nproxdeck: created 2026-11-06T00:00:00Z 0000000000000abc",
        ),
        ("meta", "creation-qemu=10.0.2,ctime=1700000000"),
    ]);
    let origin = Origin::of(&config);
    let account = Account::of_history(&guest(104), &origin, &[&series], &month(now, Tz::UTC));
    assert_eq!(account.from, at("2026-11-06T00:00:00Z"));
    assert_eq!(told(&account)[0], "240");
}

fn config(options: &[(&str, &str)]) -> GuestConfig {
    let options = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Text::from(*value)));
    GuestConfig::new(options, None)
}

#[test]
fn a_configuration_tells_uuid_and_birth_and_nonsense_tells_nothing() {
    // Recording 136.
    let recorded = Origin::of(&config(&[
        ("smbios1", "uuid=71552A31-7226-4ef3-ac61-a125228590a4"),
        ("meta", "creation-qemu=10.0.2,ctime=1795448590"),
    ]));
    assert_eq!(
        recorded.uuid.as_deref(),
        Some("71552a31-7226-4ef3-ac61-a125228590a4")
    );
    assert_eq!(recorded.birth.unwrap().timestamp(), 1_795_448_590);
    let long = format!("uuid={}", "a".repeat(65));
    for (smbios, meta) in [
        ("", ""),
        ("uuid=", "ctime=soon"),
        (long.as_str(), "ctime=-5"),
        ("serial=7", "ctime=0"),
        ("uuid", "ctime=99999999999999999999"),
    ] {
        let origin = Origin::of(&config(&[("smbios1", smbios), ("meta", meta)]));
        assert_eq!(origin, Origin::default(), "{smbios} {meta}");
    }
}

#[test]
fn a_young_guest_is_judged_by_its_own_time_and_one_of_unknown_age_by_the_period_s() {
    let now = at("2026-11-11T00:00:00Z");
    let birth = at("2026-11-10T00:00:00Z");
    let series = Server::Nine.frame(Span::Month, now, |time| {
        if time > birth {
            busy_row()
        } else {
            Averages::default()
        }
    });
    let period = month(now, Tz::UTC);
    let known = Origin {
        birth: Some(birth),
        ..Origin::default()
    };
    let young = Account::of_history(&guest(104), &known, &[&series], &period);
    assert_eq!(told(&young)[0], "48");
    assert_eq!(told(&account(&[&series], &period))[0], "~48");
}

fn started(uptime: Duration) -> Guest {
    Guest {
        figures: Figures {
            cpu: Some(0.5),
            max_cpu: Some(4.0),
            memory: Some(2_000_000_000),
            net_in: Some(3_000_000_000),
            net_out: Some(1_000_000_000),
            max_disk: Some(20_000_000_000),
            uptime: Some(uptime),
            ..Figures::default()
        },
        ..guest(104)
    }
}

#[test]
fn what_no_history_knows_is_reckoned_since_boot() {
    let now = at("2026-11-11T00:00:00Z");
    let period = month(now, Tz::UTC);
    let running = started(hours(10));
    let gaps = Server::Nine.frame(Span::Month, now, |_| Averages::default());
    let account = Account::of_history(&running, &Origin::default(), &[&gaps], &period);
    assert_eq!(told(&account), ["~20", "~20", "~4"]);
    let without = Account::of_history(&running, &Origin::default(), &[], &period);
    assert_eq!(without.used, since_boot(&running));
    let boot = Account::since_boot(&running, &Origin::default(), &period);
    assert_eq!((boot.used, boot.integral), (since_boot(&running), None));

    let silent = Guest {
        status: Status::Unknown,
        ..guest(104)
    };
    let unknown = Account::of_history(&silent, &Origin::default(), &[&gaps], &period);
    assert_eq!(told(&unknown), ["unknown"; 3].map(str::to_owned));
}

#[test]
fn a_guest_made_a_moment_ago_is_next_to_nothing_and_not_unknown() {
    let now = at("2026-11-11T00:00:00Z");
    let period = month(now, Tz::UTC);
    // The list shows a fresh guest without any figure for seconds.
    let fresh = Guest {
        status: Status::Unknown,
        ..guest(104)
    };
    let born = |seconds| Origin {
        birth: Some(now - TimeDelta::seconds(seconds)),
        ..Origin::default()
    };
    let told_of = |seconds| told(&Account::of_history(&fresh, &born(seconds), &[], &period));
    assert_eq!(told_of(45), ["~0"; 3].map(str::to_owned));
    assert_eq!(told_of(600), ["unknown"; 3].map(str::to_owned));
    // A clock that runs ahead of ours makes a birth in the future.
    assert_eq!(told_of(-30), ["0"; 3].map(str::to_owned));
}
