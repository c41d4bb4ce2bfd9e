//! What every guest did in the last minutes, point by point, as the cluster exports it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::id::{GuestKind, Vmid};

/// The server keeps half an hour in steps of ten seconds; twice that is more than any honest answer.
const MOST_POINTS: usize = 360;

/// What one guest did at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricPoint {
    /// When its node looked, by the node's clock.
    pub at: DateTime<Utc>,
    /// The fraction of all its processors in use, which can exceed 1; absent while it does not run.
    pub cpu: Option<f64>,
    /// How many processors it has; fractional for containers.
    pub max_cpu: Option<f64>,
    /// Memory in use in bytes; absent while it does not run.
    pub memory: Option<u64>,
    /// Memory that it may use, in bytes.
    pub max_memory: Option<u64>,
    /// For how long it runs; zero while it does not.
    pub uptime: Option<Duration>,
}

impl MetricPoint {
    /// Makes a point at which nothing is known yet.
    pub fn at(at: DateTime<Utc>) -> Self {
        Self {
            at,
            cpu: None,
            max_cpu: None,
            memory: None,
            max_memory: None,
            uptime: None,
        }
    }
}

/// The points of every guest, each guest's in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestMetrics {
    guests: BTreeMap<(GuestKind, Vmid), Vec<MetricPoint>>,
}

impl GuestMetrics {
    /// Collects points in any order; of a guest with too many the newest are kept.
    pub fn new(points: impl IntoIterator<Item = (GuestKind, Vmid, MetricPoint)>) -> Self {
        let mut guests: BTreeMap<_, Vec<MetricPoint>> = BTreeMap::new();
        for (kind, vmid, point) in points {
            guests.entry((kind, vmid)).or_default().push(point);
        }
        for points in guests.values_mut() {
            points.sort_by_key(|point| point.at);
            points.drain(..points.len().saturating_sub(MOST_POINTS));
        }
        Self { guests }
    }

    /// Returns a guest's points, oldest first; none of a guest that was not exported.
    pub fn of(&self, kind: GuestKind, vmid: Vmid) -> &[MetricPoint] {
        self.guests.get(&(kind, vmid)).map_or(&[], Vec::as_slice)
    }

    /// Walks through the guests and their points, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (GuestKind, Vmid, &[MetricPoint])> {
        self.guests
            .iter()
            .map(|((kind, vmid), points)| (*kind, *vmid, points.as_slice()))
    }

    /// Returns when the newest point of any guest was taken, by its node's clock.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        let last = self.guests.values().filter_map(|points| points.last());
        last.map(|point| point.at).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(seconds: i64) -> MetricPoint {
        MetricPoint::at(DateTime::from_timestamp(seconds, 0).unwrap())
    }

    #[test]
    fn points_come_in_the_order_of_time_and_the_oldest_go_first() {
        let vmid = Vmid::new(101).unwrap();
        let sent = (0..1000).rev().map(|at| (GuestKind::Qemu, vmid, point(at)));
        let metrics = GuestMetrics::new(sent);
        let kept = metrics.of(GuestKind::Qemu, vmid);
        assert_eq!(kept.len(), MOST_POINTS);
        assert!(kept.is_sorted_by_key(|point| point.at));
        assert_eq!(metrics.newest(), Some(point(999).at));
        assert!(metrics.of(GuestKind::Lxc, vmid).is_empty());
    }
}
