//! Limits by example: who breaks which, and how it is told.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::limits::{
    Bound, Bounds, Limits, Measure, Override, Percent, Runtime, Severity, ViolationKind, violations,
};
use rstest::rstest;

use super::worlds::{guest, hours, tagged};

pub(crate) fn percent(value: f64) -> Bound<Percent> {
    Bound::AtMost(Percent::new(value).unwrap())
}

fn runtime(hours: f64) -> Bound<Runtime> {
    Bound::AtMost(Runtime::from_hours(hours).unwrap())
}

/// 90 % of the cores, 90 % of the memory, 24 hours, for 30 seconds.
pub(crate) fn usual() -> Limits {
    Limits {
        general: Bounds {
            cpu: percent(90.0),
            memory: percent(90.0),
            runtime: runtime(24.0),
        },
        sustain: Duration::from_secs(30),
        overrides: Vec::new(),
    }
}

fn using(figures: Figures) -> Guest {
    Guest {
        figures,
        ..guest(104)
    }
}

fn cpu(share: f64) -> Figures {
    Figures {
        cpu: Some(share),
        ..Figures::default()
    }
}

fn memory(used: u64, most: u64, host: Option<u64>) -> Figures {
    Figures {
        memory: Some(used),
        max_memory: Some(most),
        host_memory: host,
        ..Figures::default()
    }
}

fn uptime(seconds: u64) -> Figures {
    Figures {
        uptime: Some(Duration::from_secs(seconds)),
        ..Figures::default()
    }
}

fn told(guest: &Guest, limits: &Limits) -> Vec<String> {
    violations(guest, limits)
        .iter()
        .map(|each| format!("{each} {}", each.severity.as_str()))
        .collect()
}

#[rstest]
#[case::cpu_above_its_limit(cpu(0.97), &["CPU 97 % > 90 % critical"])]
#[case::cpu_at_its_limit(cpu(0.90), &[])]
#[case::cpu_a_hair_above_its_limit_is_told_with_the_hair(cpu(0.904), &["CPU 90.4 % > 90.0 % critical"])]
#[case::cpu_a_finer_hair_above_is_told_with_two_digits(cpu(0.9002), &["CPU 90.02 % > 90.00 % critical"])]
#[case::pitfall_16_cpu_above_all_cores(cpu(1.7), &["CPU 170 % > 90 % critical"])]
#[case::pitfall_15_cpu_of_zero_after_the_start(cpu(0.0), &[])]
#[case::cpu_that_is_no_number(cpu(f64::NAN), &[])]
#[case::cpu_without_end(cpu(f64::INFINITY), &[])]
#[case::cpu_below_zero(cpu(-3.0), &[])]
#[case::memory_above_its_limit(memory(91, 100, None), &["memory 91 % > 90 % critical"])]
#[case::memory_at_its_limit(memory(90, 100, None), &[])]
#[case::memory_of_unknown_size(memory(91, 0, None), &[])]
#[case::pitfall_16_memory_above_its_size(memory(130, 100, None), &["memory 130 % > 90 % critical"])]
#[case::memory_as_the_host_sees_it(memory(130, 100, Some(130)), &["memory ~130 % > 90 % warning"])]
#[case::memory_as_the_guest_reports_it(memory(95, 100, Some(120)), &["memory 95 % > 90 % critical"])]
#[case::memory_beyond_all_measure(memory(u64::MAX, 1, None), &["memory 1844674407370955161600 % > 90 % critical"])]
#[case::runtime_above_its_limit(uptime(26 * 3600 + 5), &["runtime 26 h > 24 h warning"])]
#[case::runtime_at_its_limit(uptime(24 * 3600), &[])]
#[case::runtime_minutes_above_is_told_with_minutes(uptime(24 * 3600 + 600), &["runtime 24 h 10 m > 24 h 0 m warning"])]
#[case::runtime_a_second_above_is_told_with_seconds(uptime(24 * 3600 + 1), &["runtime 24 h 0 m 1 s > 24 h 0 m 0 s warning"])]
#[case::runtime_beyond_all_measure(uptime(u64::MAX), &["runtime 5124095576030431 h > 24 h warning"])]
#[case::nothing_is_known(Figures::default(), &[])]
fn one_guest(#[case] figures: Figures, #[case] expected: &[&str]) {
    assert_eq!(told(&using(figures), &usual()), expected);
}

#[test]
fn several_violations_come_in_a_fixed_order() {
    let figures = Figures {
        cpu: Some(0.95),
        uptime: Some(hours(30)),
        ..memory(99, 100, None)
    };
    let kinds: Vec<ViolationKind> = violations(&using(figures), &usual())
        .iter()
        .map(|each| each.kind)
        .collect();
    assert_eq!(kinds, ViolationKind::ALL);
}

#[test]
fn a_violation_carries_value_and_limit() {
    let all = violations(&using(cpu(0.97)), &usual());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].kind.as_str(), "CpuExceeded");
    assert_eq!(all[0].value, Measure::Share(0.97));
    assert_eq!(all[0].limit, Measure::Share(0.9));
    assert_eq!(all[0].severity, Severity::Critical);
    assert!(!all[0].estimated);
}

#[test]
fn a_container_s_memory_is_exact_whoever_looks() {
    let guest = Guest {
        kind: GuestKind::Lxc,
        ..using(memory(95, 100, Some(95)))
    };
    assert_eq!(told(&guest, &usual()), ["memory 95 % > 90 % critical"]);
}

#[rstest]
#[case::running(Status::Running, true)]
#[case::paused(Status::Paused, true)]
#[case::io_error(Status::IoError, true)]
#[case::a_state_of_tomorrow(Status::Other("postmigrate".into()), true)]
#[case::stopped(Status::Stopped, false)]
#[case::suspended_to_disk(Status::Suspended, false)]
#[case::pitfall_17_unknown(Status::Unknown, false)]
fn only_a_guest_with_a_process_breaks_limits(#[case] status: Status, #[case] expected: bool) {
    let guest = Guest {
        status,
        ..using(cpu(1.0))
    };
    assert_eq!(!violations(&guest, &usual()).is_empty(), expected);
}

#[test]
fn a_template_breaks_no_limits() {
    let guest = Guest {
        template: true,
        ..using(cpu(1.0))
    };
    assert_eq!(violations(&guest, &usual()), []);
}

#[test]
fn without_limits_nothing_is_a_violation() {
    let figures = Figures {
        uptime: Some(hours(9_999)),
        ..cpu(9.0)
    };
    assert_eq!(violations(&using(figures), &Limits::default()), []);
}

#[test]
fn an_override_changes_only_what_it_names_and_the_last_one_wins() {
    let limits = Limits {
        overrides: vec![
            Override {
                pattern: "tag:service".parse().unwrap(),
                cpu: Some(percent(50.0)),
                memory: None,
                runtime: Some(Bound::Unlimited),
                sustain: None,
            },
            Override {
                pattern: "tag:other".parse().unwrap(),
                cpu: Some(percent(1.0)),
                memory: Some(percent(1.0)),
                runtime: None,
                sustain: None,
            },
            Override {
                pattern: "name:agent-*".parse().unwrap(),
                cpu: Some(percent(60.0)),
                memory: None,
                runtime: None,
                sustain: None,
            },
        ],
        ..usual()
    };
    let bounds = limits.bounds_of(&tagged(104, &["service"]));
    assert_eq!(
        bounds,
        Bounds {
            cpu: percent(60.0),
            memory: percent(90.0),
            runtime: Bound::Unlimited
        }
    );
    let nameless = Guest {
        name: None,
        ..tagged(105, &[])
    };
    assert_eq!(limits.bounds_of(&nameless), usual().general);
}

#[test]
fn a_limit_that_says_nothing_is_refused() {
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Percent::new(bad).is_err(), "{bad}");
        assert!(Runtime::from_hours(bad).is_err(), "{bad}");
    }
    assert!(Runtime::from_hours(1e300).is_err());
    assert_eq!(
        Percent::new(0.0).unwrap_err().to_string(),
        "0 is no limit in percent: a number above 0 or \"unlimited\" is expected"
    );
    let half = Runtime::from_hours(0.5).unwrap();
    assert_eq!(half.duration(), Duration::from_mins(30));
}

#[test]
fn a_whole_percentage_is_a_limit_that_its_own_value_does_not_break() {
    for whole in 1..=100_u32 {
        let limits = Limits {
            general: Bounds {
                cpu: percent(f64::from(whole)),
                memory: percent(f64::from(whole)),
                ..Bounds::default()
            },
            ..Limits::default()
        };
        let figures = Figures {
            cpu: Some(f64::from(whole) / 100.0),
            ..memory(u64::from(whole) * 7, 700, None)
        };
        assert_eq!(violations(&using(figures), &limits), [], "{whole}");
    }
}

proptest! {
    #[test]
    fn no_figures_make_the_rule_panic(cpu: f64, used: u64, most: u64, host: u64, seconds: u64) {
        let figures = Figures {
            cpu: Some(cpu),
            ..Figures { uptime: Some(Duration::from_secs(seconds)), ..memory(used, most, Some(host)) }
        };
        for violation in violations(&using(figures), &usual()) {
            prop_assert!(violation.value > violation.limit);
            prop_assert!(!violation.to_string().is_empty());
        }
    }
}
