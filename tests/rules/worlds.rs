//! Small worlds for the rules: guests and snapshots with only what a test cares about.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proxdeck::domain::guest::{Figures, Guest, GuestRef, Status};
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::rates::Rates;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;

/// The seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;
/// The seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// 2026-11-23 13:02 UTC, the present of every test.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_438_920, 0).unwrap()
}

pub(crate) fn vmid(number: u64) -> Vmid {
    Vmid::new(number).unwrap()
}

pub(crate) fn guest_ref(number: u64) -> GuestRef {
    guest(number).to_ref()
}

/// A running virtual machine of which nothing but its name is known.
pub(crate) fn guest(number: u64) -> Guest {
    Guest {
        vmid: vmid(number),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(Text::new(format!("agent-{number}"))),
        status: Status::Running,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: None,
        ha_state: None,
        figures: Figures::default(),
    }
}

/// A guest in a pool.
pub(crate) fn pooled(number: u64, pool: &str) -> Guest {
    Guest {
        pool: Some(pool.parse().unwrap()),
        ..guest(number)
    }
}

/// A guest with tags.
pub(crate) fn tagged(number: u64, tags: &[&str]) -> Guest {
    Guest {
        tags: tags.iter().map(|&tag| Text::from(tag)).collect(),
        ..guest(number)
    }
}

pub(crate) fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

/// A snapshot that was taken so many seconds ago.
pub(crate) fn aged(name: &str, seconds: i64) -> Snapshot {
    Snapshot {
        name: name.into(),
        taken: Some(now() - TimeDelta::seconds(seconds)),
        parent: None,
        description: Text::default(),
        has_ram: false,
        unfinished: None,
    }
}

/// A snapshot that was taken so many seconds ago, as a child of another.
pub(crate) fn child(name: &str, parent: &str, seconds: i64) -> Snapshot {
    Snapshot {
        parent: Some(parent.into()),
        ..aged(name, seconds)
    }
}

/// A snapshot that was taken so many seconds ago, with a description.
pub(crate) fn described(name: &str, seconds: i64, description: &str) -> Snapshot {
    Snapshot {
        description: description.into(),
        ..aged(name, seconds)
    }
}

/// A list of snapshots below a present that descends from nothing.
pub(crate) fn list(snapshots: impl Into<Vec<Snapshot>>) -> SnapshotList {
    SnapshotList {
        snapshots: snapshots.into(),
        ..SnapshotList::default()
    }
}

/// A list of snapshots below a present that descends from one of them.
pub(crate) fn list_on(base: &str, snapshots: impl Into<Vec<Snapshot>>) -> SnapshotList {
    SnapshotList {
        current_parent: Some(base.into()),
        ..list(snapshots)
    }
}

/// A moment as a person writes it.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// How a server keeps history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// Up to version 8: 70 rows of every step.
    Eight,
    /// From version 9 on.
    Nine,
}

impl Server {
    /// Answers with a frame of rows that end with their times (API.md §4).
    pub(crate) fn frame(
        self,
        span: Span,
        now: DateTime<Utc>,
        row: impl Fn(DateTime<Utc>) -> Averages,
    ) -> Series {
        let (step, count) = match (self, span) {
            (Self::Eight, Span::Hour) => (60, 70),
            (Self::Eight, Span::Day) => (1_800, 70),
            (Self::Eight, Span::Week) => (3 * HOUR, 70),
            (Self::Eight, Span::Month) => (12 * HOUR, 70),
            (Self::Eight, Span::Year) => (7 * DAY, 70),
            (Self::Nine, Span::Hour) => (60, 60),
            (Self::Nine, Span::Day) => (60, 1_440),
            (Self::Nine, Span::Week) => (1_800, 336),
            (Self::Nine, Span::Month) => (1_800, 1_440),
            (Self::Nine, Span::Year) => (6 * HOUR, 1_440),
        };
        let last = now.timestamp() / step * step;
        let rows = (0..count).map(|back| last - back * step).map(|time| {
            let averages = row(DateTime::from_timestamp(time, 0).unwrap());
            (time, averages)
        });
        Series::new(span, rows.collect())
    }
}

/// A row of a guest that keeps two of its four cores busy, uses 2 GB, receives 1 MB/s and sends half.
pub(crate) fn busy_row() -> Averages {
    Averages {
        cpu: Some(0.5),
        max_cpu: Some(4.0),
        memory: Some(2e9),
        max_memory: Some(4e9),
        rates: Rates {
            net_in: Some(1e6),
            net_out: Some(5e5),
            ..Rates::default()
        },
        ..Averages::default()
    }
}

/// A row of a guest that did not run: its sizes are known, and nothing else.
pub(crate) fn idle_row() -> Averages {
    Averages {
        max_cpu: Some(4.0),
        max_memory: Some(4e9),
        ..Averages::default()
    }
}
