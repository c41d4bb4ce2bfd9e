//! What retention deletes.

use chrono::TimeDelta;
use divan::Bencher;
use proxdeck::domain::guest::{Guest, GuestRef};
use proxdeck::domain::retention::{GuestSnapshots, Policy, judge, plan};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;

use crate::fleet::{self, wall};

const GUESTS: usize = 10_000;
const EACH: i64 = 10;

/// Plans over a hundred thousand snapshots.
#[divan::bench]
fn plan_of_100_000(bencher: Bencher<'_, '_>) {
    let (guests, list, policy) = fleet();
    let lists: Vec<GuestSnapshots<'_>> = guests
        .iter()
        .map(|guest| GuestSnapshots { guest, list: &list })
        .collect();
    bencher.bench_local(|| plan(&lists, &policy, wall()).rows().len());
}

/// Judges them without a plan, as the view of all snapshots does.
#[divan::bench]
fn verdicts_of_100_000(bencher: Bencher<'_, '_>) {
    let (guests, list, policy) = fleet();
    bencher.bench_local(|| -> usize {
        let lists = guests.iter().map(|_| judge(&list, &policy, wall()).len());
        lists.sum()
    });
}

fn fleet() -> (Vec<GuestRef>, SnapshotList, Policy) {
    let guests = fleet::rows(GUESTS, 0).guests;
    let guests = guests.iter().map(Guest::to_ref).collect();
    (guests, list(), Policy::default())
}

fn list() -> SnapshotList {
    let mut parent: Option<Text> = None;
    let snapshots = (0..EACH).map(|number| {
        let class = ["", "-weekly", "-monthly"][usize::try_from(number % 3).unwrap()];
        let name = Text::new(format!("av-2026{number:04}-0300{class}"));
        Snapshot {
            parent: parent.replace(name.clone()),
            name,
            taken: Some(wall() - TimeDelta::days(4 * (EACH - number))),
            description: "before the change".into(),
            has_ram: number % 4 == 0,
            unfinished: None,
        }
    });
    let snapshots = snapshots.collect();
    SnapshotList {
        snapshots,
        current_parent: parent,
        digest: None,
    }
}
