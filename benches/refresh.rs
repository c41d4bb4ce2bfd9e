//! From what was read to what is known, and what keys cost in a large fleet.

use divan::Bencher;
use proxdeck::app::filter::Filter;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::inventory::Resources;

use crate::fleet::{self, Desk};

const FLEETS: [usize; 3] = [100, 1_000, 10_000];

/// Dates what was read and finds what stood still.
#[divan::bench(args = FLEETS)]
fn dating(bencher: Bencher<'_, '_>, guests: usize) {
    let desk = Desk::new(guests);
    let before = desk.state.inventory.resources.value().unwrap();
    let fresh = fleet::rows(guests, 50).guests;
    bencher
        .with_inputs(|| fresh.clone())
        .bench_local_values(|fresh| Resources::dated(fresh, Some(before), desk.now.moment));
}

/// Takes a new inventory in: rows, limits, budgets, alerts.
#[divan::bench(args = FLEETS)]
fn inventory_to_state(bencher: Bencher<'_, '_>, guests: usize) {
    let mut desk = Desk::new(guests);
    let readings = [desk.reading(50), desk.reading(60)];
    let mut turn = readings.iter().cycle();
    bencher.bench_local(|| desk.happen(turn.next().unwrap().clone()));
}

/// Takes it in when everything that the background reads is known: use, disks, snapshots, fences.
#[divan::bench(args = [1_000])]
fn inventory_to_state_all_read(bencher: Bencher<'_, '_>, guests: usize) {
    let mut desk = Desk::new(guests);
    desk.read_until(|desk| desk.fences >= guests / 2);
    let readings = [desk.reading(50), desk.reading(60)];
    let mut turn = readings.iter().cycle();
    bencher.bench_local(|| desk.happen(turn.next().unwrap().clone()));
}

/// Moves the cursor when all of it is known.
#[divan::bench(args = [1_000])]
fn key_all_read(bencher: Bencher<'_, '_>, guests: usize) {
    let mut desk = Desk::new(guests);
    desk.read_until(|desk| desk.fences >= guests / 2);
    bencher.bench_local(|| desk.press("j"));
}

/// Moves the cursor.
#[divan::bench(args = FLEETS)]
fn key(bencher: Bencher<'_, '_>, guests: usize) {
    let mut desk = Desk::new(guests);
    bencher.bench_local(|| desk.press("j"));
}

/// Sorts by the next column.
#[divan::bench(args = FLEETS)]
fn sort(bencher: Bencher<'_, '_>, guests: usize) {
    let mut desk = Desk::new(guests);
    bencher.bench_local(|| desk.press("o"));
}

/// Looks for letters in all names.
#[divan::bench(args = FLEETS)]
fn fuzzy_filter(bencher: Bencher<'_, '_>, guests: usize) {
    let desk = Desk::new(guests);
    let resources = desk.state.inventory.resources.value().unwrap();
    let filter = Filter::parse("agbld 7");
    bencher.bench_local(|| {
        let mut guests: Vec<&Guest> = resources.guests.iter().map(|seen| &seen.guest).collect();
        filter.retain(&mut guests, |_| None);
        guests.len()
    });
}
