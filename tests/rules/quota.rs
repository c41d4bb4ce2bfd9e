//! What a project uses, how sure that is, and its tier.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::project::{Budget, Membership, Project, Quota, Resource};
use proxdeck::domain::quota::{
    Amount, Certainty, ResourceUsage, Tier, since_boot, usage, used_since_boot, worst_tier,
};
use rstest::rstest;

use super::worlds::{guest, hours};

const GB: u64 = 1_000_000_000;

/// Half of four cores and 2 GB for ten hours, 4 GB over the network, 20 GB of disk.
fn busy(number: u64) -> Guest {
    Guest {
        figures: Figures {
            cpu: Some(0.5),
            max_cpu: Some(4.0),
            memory: Some(2 * GB),
            max_memory: Some(4 * GB),
            max_disk: Some(20 * GB),
            net_in: Some(3 * GB),
            net_out: Some(GB),
            uptime: Some(hours(10)),
            ..Figures::default()
        },
        ..guest(number)
    }
}

fn with(number: u64, change: impl FnOnce(&mut Guest)) -> Guest {
    let mut guest = busy(number);
    change(&mut guest);
    guest
}

fn stopped(number: u64) -> Guest {
    with(number, |guest| {
        guest.status = Status::Stopped;
        guest.figures = Figures {
            max_disk: Some(20 * GB),
            uptime: Some(Duration::ZERO),
            cpu: Some(0.0),
            ..Figures::default()
        };
    })
}

/// CPU, memory, storage and network as they are written.
fn told(guests: &[Guest]) -> [String; 4] {
    let used = used_since_boot(guests);
    Resource::ALL.map(|resource| used.amount(resource).to_string())
}

#[test]
fn since_boot_a_guest_counts_share_times_cores_times_hours() {
    assert_eq!(told(&[busy(104)]), ["~20", "~20", "≥20", "~4"]);
    let one = since_boot(&busy(104));
    assert_eq!(one.cpu_hours.value(), Some(20.0));
    assert_eq!(one.cpu_hours.certainty(), Certainty::Estimated);
}

#[test]
fn the_guests_of_a_project_are_added() {
    assert_eq!(
        told(&[busy(104), busy(105), stopped(106)]),
        ["~40", "~40", "≥60", "~8"]
    );
}

#[test]
fn a_guest_that_is_listed_twice_counts_once() {
    assert_eq!(told(&[busy(104), busy(104)]), ["~20", "~20", "≥20", "~4"]);
}

#[test]
fn a_template_counts_for_storage_alone() {
    let template = with(100, |guest| guest.template = true);
    assert_eq!(told(&[template]), ["~0", "~0", "≥20", "~0"]);
}

#[test]
fn a_stopped_guest_has_used_nothing_since_boot_that_is_known() {
    assert_eq!(told(&[stopped(104)]), ["~0", "~0", "≥20", "~0"]);
}

#[test]
fn without_guests_only_the_absence_of_disks_is_sure() {
    assert_eq!(told(&[]), ["~0", "~0", "0", "~0"]);
}

#[test]
fn a_missing_figure_makes_the_sum_a_lower_bound() {
    let silent = with(105, |guest| {
        guest.status = Status::Unknown;
        guest.figures = Figures::default();
    });
    assert_eq!(told(&[busy(104), silent]), ["≥20", "≥20", "≥20", "≥4"]);
}

#[test]
fn pitfall_17_nothing_known_is_unknown_and_not_zero() {
    let silent = with(105, |guest| {
        guest.status = Status::Unknown;
        guest.figures = Figures::default();
    });
    let unknown = ["unknown"; 4].map(str::to_owned);
    assert_eq!(told(std::slice::from_ref(&silent)), unknown);
    assert_eq!(
        told(&[silent, stopped(106)]),
        ["unknown", "unknown", "≥20", "unknown"]
    );
}

#[test]
fn a_silent_node_s_last_figures_are_a_lower_bound() {
    let aged = with(104, |guest| guest.status = Status::Unknown);
    assert_eq!(told(&[aged]), ["≥20", "≥20", "≥20", "≥4"]);
}

#[test]
fn one_known_direction_of_the_network_is_a_lower_bound() {
    let half = with(104, |guest| guest.figures.net_out = None);
    assert_eq!(told(&[half])[3], "≥3");
}

#[test]
fn a_process_that_just_started_has_used_nothing_whatever_is_missing() {
    let fresh = with(104, |guest| {
        guest.figures.uptime = Some(Duration::ZERO);
        guest.figures.cpu = None;
    });
    assert_eq!(told(&[fresh])[0], "~0");
}

#[test]
fn a_paused_guest_goes_on_counting() {
    let paused = with(104, |guest| guest.status = Status::Paused);
    assert_eq!(told(&[paused])[1], "~20");
}

#[rstest]
#[case::no_number(Some(f64::NAN), Some(4.0))]
#[case::without_end(Some(f64::INFINITY), Some(4.0))]
#[case::below_zero(Some(-0.5), Some(4.0))]
#[case::absent(None, Some(4.0))]
#[case::no_cores(Some(0.5), Some(0.0))]
#[case::cores_below_zero(Some(0.5), Some(-4.0))]
#[case::cores_that_are_no_number(Some(0.5), Some(f64::NAN))]
#[case::cores_unknown(Some(0.5), None)]
#[case::beyond_all_measure(Some(f64::MAX), Some(f64::MAX))]
fn a_cpu_figure_that_makes_no_sense_is_unknown(
    #[case] cpu: Option<f64>,
    #[case] cores: Option<f64>,
) {
    let odd = with(104, |guest| {
        guest.figures.cpu = cpu;
        guest.figures.max_cpu = cores;
    });
    assert_eq!(told(std::slice::from_ref(&odd))[0], "unknown");
    assert_eq!(told(&[odd, busy(105)])[0], "≥20");
}

#[test]
fn counters_at_their_end_are_added_without_overflow() {
    let huge = with(104, |guest| {
        guest.figures.net_in = Some(u64::MAX);
        guest.figures.net_out = Some(u64::MAX);
    });
    let used = used_since_boot([&huge]);
    assert!(used.network_gb.value().unwrap() > 3.6e10);
}

#[test]
fn a_lower_bound_of_zero_says_nothing() {
    assert_eq!(Amount::new(0.0, Certainty::AtLeast), Amount::UNKNOWN);
    assert_eq!(Amount::UNKNOWN.value(), None);
    for odd in [f64::NAN, f64::INFINITY, -1.0] {
        assert_eq!(Amount::new(odd, Certainty::Exact), Amount::UNKNOWN);
    }
}

fn exact(value: f64) -> Amount {
    Amount::new(value, Certainty::Exact)
}

#[rstest]
#[case::nothing_used(0.0, 400.0, Tier::Ok)]
#[case::just_the_quota(400.0, 400.0, Tier::Ok)]
#[case::a_little_over(400.1, 400.0, Tier::Warn)]
#[case::just_under_ten_percent_over(439.9, 400.0, Tier::Warn)]
#[case::ten_percent_over(440.0, 400.0, Tier::Throttle)]
#[case::ten_percent_over_in_odd_numbers(0.44, 0.4, Tier::Throttle)]
#[case::ten_percent_over_in_other_odd_numbers(7.7, 7.0, Tier::Throttle)]
#[case::half_over_in_odd_numbers(1.65, 1.1, Tier::Emergency)]
#[case::just_under_half_over(599.9, 400.0, Tier::Throttle)]
#[case::half_over(600.0, 400.0, Tier::Emergency)]
#[case::far_over(1e300, 1.0, Tier::Emergency)]
#[case::something_of_a_quota_of_zero(0.001, 0.0, Tier::Throttle)]
#[case::very_much_of_a_quota_of_zero_is_no_emergency(1e12, 0.0, Tier::Throttle)]
#[case::nothing_of_a_quota_of_zero(0.0, 0.0, Tier::Ok)]
#[case::something_of_the_smallest_quota(1.0, f64::MIN_POSITIVE, Tier::Emergency)]
fn one_tier(#[case] used: f64, #[case] quota: f64, #[case] expected: Tier) {
    let quota = Quota::at_most(quota).unwrap();
    let usage = ResourceUsage::new(Resource::CpuHours, exact(used), quota);
    assert_eq!(usage.tier, expected);
}

#[test]
fn a_usage_tells_share_and_excess() {
    let quota = Quota::at_most(200.0).unwrap();
    let over = ResourceUsage::new(Resource::NetworkGb, exact(331.0), quota);
    assert_eq!(over.fraction, Some(1.655));
    assert_eq!(over.excess, Some(0.655));
    let under = ResourceUsage::new(Resource::NetworkGb, exact(50.0), quota);
    assert_eq!((under.fraction, under.excess), (Some(0.25), None));
}

#[test]
fn without_a_quota_or_a_figure_there_is_no_share() {
    let unlimited = ResourceUsage::new(Resource::CpuHours, exact(5.0), Quota::Unlimited);
    assert_eq!(unlimited.tier, Tier::Unlimited);
    assert_eq!((unlimited.fraction, unlimited.excess), (None, None));
    let nothing = Quota::at_most(0.0).unwrap();
    let none = ResourceUsage::new(Resource::CpuHours, exact(5.0), nothing);
    assert_eq!((none.fraction, none.excess), (None, None));
    for quota in [nothing, Quota::at_most(9.0).unwrap()] {
        let unknown = ResourceUsage::new(Resource::CpuHours, Amount::UNKNOWN, quota);
        assert_eq!(unknown.tier, Tier::Unknown);
        assert_eq!((unknown.fraction, unknown.excess), (None, None));
    }
}

#[test]
fn a_lower_bound_is_judged_by_what_is_known_and_keeps_its_sign() {
    let quota = Quota::at_most(100.0).unwrap();
    let at_least = |value| Amount::new(value, Certainty::AtLeast);
    let under = ResourceUsage::new(Resource::StorageGb, at_least(90.0), quota);
    assert_eq!(
        (under.tier, under.used.to_string().as_str()),
        (Tier::Ok, "≥90")
    );
    let over = ResourceUsage::new(Resource::StorageGb, at_least(150.0), quota);
    assert_eq!(over.tier, Tier::Emergency);
}

fn alpha(budget: Budget) -> Project {
    let membership = Membership::Pool("alpha".parse().unwrap());
    let mut project = Project::new("alpha", membership).unwrap();
    project.budget = budget;
    project
}

#[test]
fn a_project_s_usage_has_a_row_per_resource_and_the_worst_is_its_tier() {
    let project = alpha(Budget {
        cpu_hours: Quota::at_most(30.0).unwrap(),
        memory_gb_hours: Quota::at_most(19.0).unwrap(),
        storage_gb: Quota::Unlimited,
        network_gb: Quota::at_most(2.0).unwrap(),
    });
    let rows = usage(&project, &[busy(104)]);
    let tiers: Vec<(&str, Tier)> = rows
        .iter()
        .map(|row| (row.resource.as_str(), row.tier))
        .collect();
    assert_eq!(
        tiers,
        [
            ("cpu_hours", Tier::Ok),
            ("memory_gb_hours", Tier::Warn),
            ("storage_gb", Tier::Unlimited),
            ("network_gb", Tier::Emergency),
        ]
    );
    assert_eq!(worst_tier(&rows), Tier::Emergency);
    assert_eq!(worst_tier(&rows[..1]), Tier::Ok);
    assert_eq!(worst_tier(&[]), Tier::Unlimited);
}

#[test]
fn the_unknown_is_worse_than_what_is_well_and_better_than_what_is_over() {
    assert!(Tier::Unlimited < Tier::Ok && Tier::Ok < Tier::Unknown);
    assert!(Tier::Unknown < Tier::Warn && Tier::Warn < Tier::Throttle);
    assert!(Tier::Throttle < Tier::Emergency);
}

#[test]
fn a_project_without_a_budget_is_unlimited_whatever_it_uses() {
    let rows = usage(&alpha(Budget::default()), &[busy(104)]);
    assert_eq!(worst_tier(&rows), Tier::Unlimited);
}

fn any_guest() -> impl Strategy<Value = Guest> {
    (
        100_u64..110,
        any::<[Option<f64>; 2]>(),
        any::<[Option<u64>; 5]>(),
        0..4_usize,
        any::<bool>(),
    )
        .prop_map(|(number, floats, counts, status, template)| Guest {
            status: [
                Status::Running,
                Status::Stopped,
                Status::Unknown,
                Status::Paused,
            ][status]
                .clone(),
            template,
            figures: Figures {
                cpu: floats[0],
                max_cpu: floats[1],
                memory: counts[0],
                max_disk: counts[1],
                net_in: counts[2],
                net_out: counts[3],
                uptime: counts[4].map(Duration::from_secs),
                ..Figures::default()
            },
            ..guest(number)
        })
}

proptest! {
    #[test]
    fn no_figures_make_a_value_that_is_no_amount(
        guests in proptest::collection::vec(any_guest(), 0..8), bound in 0.0..1e9,
    ) {
        let quota = Quota::at_most(bound).unwrap();
        let project = alpha(Budget { cpu_hours: quota, memory_gb_hours: quota, storage_gb: quota, network_gb: quota });
        for row in usage(&project, &guests) {
            if let Some(value) = row.used.value() {
                prop_assert!(value.is_finite() && value >= 0.0);
                prop_assert!(row.used.certainty() != Certainty::AtLeast || value > 0.0);
            } else {
                prop_assert_eq!(row.tier, Tier::Unknown);
            }
            prop_assert_eq!(row.excess.is_some_and(|excess| excess > 0.0), row.excess.is_some());
        }
    }

    #[test]
    fn more_use_never_lowers_the_tier(used in 0.0..1e6, more in 0.0..1e6, bound in 0.0..1e5) {
        let quota = Quota::at_most(bound).unwrap();
        let tier = |value| ResourceUsage::new(Resource::CpuHours, exact(value), quota).tier;
        prop_assert!(tier(used) <= tier(used + more));
    }

    #[test]
    fn an_unknown_guest_never_makes_a_sum_smaller_or_surer(
        guests in proptest::collection::vec(any_guest(), 0..6),
    ) {
        let with_silent: Vec<Guest> = guests.iter().cloned()
            .chain([with(999, |guest| { guest.status = Status::Unknown; guest.figures = Figures::default(); })])
            .collect();
        let (before, after) = (used_since_boot(&guests), used_since_boot(&with_silent));
        for resource in Resource::ALL {
            let (before, after) = (before.amount(resource), after.amount(resource));
            prop_assert!(after.certainty() >= Certainty::AtLeast);
            if let Some(value) = after.value() {
                prop_assert_eq!(Some(value), before.value());
            }
        }
    }
}
