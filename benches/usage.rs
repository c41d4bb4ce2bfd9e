//! What guests have used.

use chrono::TimeDelta;
use divan::Bencher;
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::rates::Rates;
use proxdeck::domain::usage::integrate;

use crate::fleet::wall;

/// Adds up the month of a thousand guests, from a history of half hours and one of minutes.
#[divan::bench]
fn integral_of_1_000_guests(bencher: Bencher<'_, '_>) {
    let histories: Vec<(Series, Series)> = (0..20)
        .map(|guest| {
            (
                series(Span::Month, 1_800, 1_440, guest),
                series(Span::Day, 60, 1_440, guest),
            )
        })
        .collect();
    let from = wall() - TimeDelta::days(30);
    bencher.bench_local(|| -> f64 {
        let guests = histories.iter().cycle().take(1_000);
        let integrals = guests.map(|(month, day)| integrate(&[month, day], from, wall()));
        integrals.map(|integral| integral.cpu_hours.value).sum()
    });
}

fn series(span: Span, step: i64, rows: i64, guest: i64) -> Series {
    let end = wall().timestamp();
    let rows = (0..rows).map(|row| {
        let wave = ((row + guest) % 97) as f64;
        let averages = Averages {
            cpu: Some(wave / 100.0),
            max_cpu: Some(4.0),
            memory: Some(wave * 1e8),
            max_memory: Some(1.6e10),
            host_memory: Some(1.2e10),
            rates: Rates {
                net_in: Some(wave * 1e3),
                net_out: Some(wave * 1e3),
                disk_read: Some(wave * 1e3),
                disk_write: Some(wave * 1e3),
            },
        };
        (end - row * step, averages)
    });
    Series::new(span, rows.collect())
}
