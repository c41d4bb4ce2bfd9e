//! What holds of sums over history whatever the history is.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::rates::Rates;
use proxdeck::domain::usage::{Integral, Measured, integrate};

/// A full hour.
const T: i64 = 1_795_449_600;

fn moment(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(T + seconds, 0).unwrap()
}

fn measured(integral: &Integral) -> [Measured; 3] {
    [
        integral.cpu_hours,
        integral.memory_gb_hours,
        integral.network_gb,
    ]
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

fn figure() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (0.0..4.0_f64).prop_map(Some),
        2 => Just(None),
        1 => any::<f64>().prop_map(Some),
    ]
}

fn averages() -> impl Strategy<Value = Averages> {
    (figure(), figure(), figure(), figure(), figure()).prop_map(
        |(cpu, max_cpu, memory, net_in, net_out)| Averages {
            cpu,
            max_cpu,
            memory: memory.map(|share| share * 1e9),
            rates: Rates {
                net_in: net_in.map(|rate| rate * 1e6),
                net_out,
                ..Rates::default()
            },
            ..Averages::default()
        },
    )
}

fn series() -> impl Strategy<Value = Series> {
    let span = proptest::sample::select(vec![
        Span::Hour,
        Span::Day,
        Span::Week,
        Span::Month,
        Span::Year,
    ]);
    let rows = proptest::collection::vec((0..200_000_i64, averages()), 0..40);
    (span, rows).prop_map(|(span, rows)| {
        let rows = rows.into_iter().map(|(time, row)| (T + time, row));
        Series::new(span, rows.collect())
    })
}

fn several() -> impl Strategy<Value = Vec<Series>> {
    proptest::collection::vec(series(), 0..5)
}

proptest! {
    #[test]
    fn the_use_of_a_period_is_the_sum_of_its_parts(
        series in several(),
        mut cuts in proptest::collection::vec(-1_000..210_000_i64, 2..8),
    ) {
        let series: Vec<&Series> = series.iter().collect();
        cuts.sort_unstable();
        let whole = integrate(&series, moment(cuts[0]), moment(cuts[cuts.len() - 1]));
        let parts: Vec<Integral> = cuts
            .windows(2)
            .map(|pair| integrate(&series, moment(pair[0]), moment(pair[1])))
            .collect();
        for (index, all) in measured(&whole).into_iter().enumerate() {
            let value: f64 = parts.iter().map(|part| measured(part)[index].value).sum();
            let covered: Duration = parts.iter().map(|part| measured(part)[index].covered).sum();
            prop_assert!(near(all.value, value), "{} {}", all.value, value);
            prop_assert_eq!(all.covered, covered);
        }
        let known_since = parts.iter().find_map(|part| part.known_since);
        prop_assert_eq!(whole.known_since, known_since);
    }

    #[test]
    fn nothing_is_negative_or_endless_and_no_more_is_covered_than_there_is(
        series in several(),
        from in -1_000..210_000_i64,
        length in -10_000..210_000_i64,
    ) {
        let series: Vec<&Series> = series.iter().collect();
        let integral = integrate(&series, moment(from), moment(from + length));
        for figure in measured(&integral) {
            prop_assert!(figure.value.is_finite() && figure.value >= 0.0);
            prop_assert!(figure.covered <= integral.span);
        }
    }

    #[test]
    fn the_order_of_the_series_is_irrelevant(
        (series, shuffled) in several().prop_flat_map(|series| {
            (Just(series.clone()), Just(series).prop_shuffle())
        }),
    ) {
        let of = |series: &[Series]| {
            let series: Vec<&Series> = series.iter().collect();
            integrate(&series, moment(0), moment(200_000))
        };
        prop_assert_eq!(of(&series), of(&shuffled));
    }

    #[test]
    fn finer_rows_with_the_same_averages_change_nothing(
        rows in proptest::collection::vec((0.0..2.0_f64, 0.0..1.0_f64), 1..40),
        from in 0..70_000_i64,
    ) {
        // Each row of half an hour as 30 rows whose first half lies above and second half below.
        let whole = |cpu: f64| Averages { cpu: Some(cpu), max_cpu: Some(2.0), ..Averages::default() };
        let mut coarse = Vec::new();
        let mut fine = Vec::new();
        for (index, (cpu, tilt)) in (0_i64..).zip(&rows) {
            coarse.push((T + (index + 1) * 1_800, whole(*cpu)));
            for minute in 1..=30 {
                let share = if minute <= 15 { 1.0 + tilt } else { 1.0 - tilt };
                fine.push((T + index * 1_800 + minute * 60, whole(cpu * share)));
            }
        }
        let until = i64::try_from(rows.len()).unwrap() * 1_800;
        let coarse = Series::new(Span::Day, coarse);
        let fine = Series::new(Span::Hour, fine);
        let of = |series: &[&Series], from: i64| {
            integrate(series, moment(from), moment(until)).cpu_hours.value
        };
        // From row to row nothing changes; within one row by no more than the row holds.
        prop_assert!(near(of(&[&coarse], 0), of(&[&coarse, &fine], 0)));
        let from = from.min(until);
        let most = rows.iter().map(|(cpu, _)| cpu * 2.0).fold(0.0, f64::max);
        let difference = of(&[&coarse], from) - of(&[&coarse, &fine], from);
        prop_assert!(difference.abs() <= most * 0.5 + 1e-9, "{difference}");
    }

    #[test]
    fn more_history_never_covers_less(series in several(), more in series()) {
        let mut all: Vec<&Series> = series.iter().collect();
        let before = integrate(&all, moment(0), moment(200_000));
        all.push(&more);
        let after = integrate(&all, moment(0), moment(200_000));
        for (before, after) in measured(&before).into_iter().zip(measured(&after)) {
            prop_assert!(after.covered >= before.covered);
        }
    }

    #[test]
    fn a_shift_in_time_changes_nothing(series in series(), shift in 0..10_000_i64) {
        let rows = series
            .samples()
            .iter()
            .map(|sample| (sample.until.timestamp() + shift, sample.averages))
            .collect();
        let shifted = Series::new(Span::Month, rows);
        let rows = series
            .samples()
            .iter()
            .map(|sample| (sample.until.timestamp(), sample.averages))
            .collect();
        let plain = Series::new(Span::Month, rows);
        let delta = TimeDelta::seconds(shift);
        let one = integrate(&[&plain], moment(0), moment(150_000));
        let other = integrate(&[&shifted], moment(0) + delta, moment(150_000) + delta);
        prop_assert_eq!(measured(&one), measured(&other));
    }
}
