//! The background refresh: a few cluster-wide readings, each on its own beat.
//!
//! Steady state is `/cluster/resources` every interval, `/cluster/tasks` and `/cluster/status`
//! more rarely, whatever the number of guests. Each reading is in flight at most once, and a
//! slow or failing one holds up no other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::cadence;
use super::clock::Clock;
use crate::domain::failure::Failure;
use crate::domain::inventory::{ClusterStatus, Inventory, Link, LinkState, Resources, Source};
use crate::domain::task::Task;
use crate::domain::time::Moment;
use crate::proxmox::{Client, Error, ResourceRows};

/// `/cluster/tasks` is read at most this often.
const TASKS_INTERVAL: Duration = Duration::from_secs(10);
/// `/cluster/status` is read at most this often.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);

/// What the refresh knows; the newest wins.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) inventory: Arc<Inventory>,
    pub(super) link: Link,
}

/// Starts over at once when notified.
pub(super) type Nudge = Arc<Notify>;

enum Reading {
    Resources(Result<ResourceRows, Error>),
    Tasks(Result<Vec<Task>, Error>),
    Status(Result<ClusterStatus, Error>),
}

/// When a reading is due, and how it fared.
struct Beat {
    interval: Duration,
    due: Moment,
    begun: Moment,
    flying: bool,
    failures: u32,
}

impl Beat {
    fn new(interval: Duration, now: Moment) -> Self {
        Self {
            interval,
            due: now,
            begun: now,
            flying: false,
            failures: 0,
        }
    }

    fn is_due(&self, now: Moment) -> bool {
        !self.flying && now >= self.due
    }

    fn take_off(&mut self, now: Moment) {
        self.flying = true;
        self.begun = now;
    }

    fn land(&mut self, now: Moment, failed: bool) {
        self.flying = false;
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        self.due = now.later(cadence::pause(
            self.interval,
            now.since(self.begun),
            self.failures,
        ));
    }
}

/// Reads until cancelled and publishes what it knows.
pub(super) async fn run(
    client: Client,
    clock: Clock,
    interval: Duration,
    known: watch::Sender<Known>,
    nudge: Nudge,
    cancelled: CancellationToken,
) {
    let mut refresh = Refresh::new(client, clock, interval);
    let mut flying: FuturesUnordered<BoxFuture<'static, Reading>> = FuturesUnordered::new();
    loop {
        refresh.take_off(&mut flying);
        let pause = refresh.until_next();
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = nudge.notified() => refresh.hurry(),
            () = tokio::time::sleep(pause) => {}
            Some(reading) = flying.next() => {
                refresh.land(reading);
                known.send_replace(refresh.known());
            }
        }
    }
}

struct Refresh {
    client: Client,
    clock: Clock,
    resources: Beat,
    tasks: Beat,
    status: Beat,
    inventory: Inventory,
    link: LinkState,
    last_contact: Moment,
}

impl Refresh {
    fn new(client: Client, clock: Clock, interval: Duration) -> Self {
        let now = clock.moment();
        Self {
            client,
            clock,
            resources: Beat::new(interval, now),
            tasks: Beat::new(interval.max(TASKS_INTERVAL), now),
            status: Beat::new(interval.max(STATUS_INTERVAL), now),
            inventory: Inventory::default(),
            link: LinkState::Connecting,
            last_contact: now,
        }
    }

    fn take_off(&mut self, flying: &mut FuturesUnordered<BoxFuture<'static, Reading>>) {
        let now = self.clock.moment();
        if self.resources.is_due(now) {
            self.resources.take_off(now);
            let client = self.client.clone();
            flying.push(Box::pin(async move {
                Reading::Resources(client.cluster().resources().await)
            }));
        }
        // While the link is down only one question is asked; the others would fail alike.
        if matches!(self.link, LinkState::Down { .. }) {
            return;
        }
        if self.tasks.is_due(now) {
            self.tasks.take_off(now);
            let client = self.client.clone();
            flying.push(Box::pin(async move {
                Reading::Tasks(client.cluster().tasks().await)
            }));
        }
        if self.status.is_due(now) {
            self.status.take_off(now);
            let client = self.client.clone();
            flying.push(Box::pin(async move {
                Reading::Status(client.cluster().status().await)
            }));
        }
    }

    fn until_next(&self) -> Duration {
        let now = self.clock.moment();
        let beats = [&self.resources, &self.tasks, &self.status];
        let is_down = matches!(self.link, LinkState::Down { .. });
        let waiting = beats
            .iter()
            .take(if is_down { 1 } else { 3 })
            .filter(|beat| !beat.flying);
        waiting
            .map(|beat| beat.due.since(now))
            .min()
            .unwrap_or(Duration::from_secs(3600))
    }

    fn hurry(&mut self) {
        let now = self.clock.moment();
        for beat in [&mut self.resources, &mut self.tasks, &mut self.status] {
            beat.due = now;
        }
    }

    fn land(&mut self, reading: Reading) {
        let now = self.clock.moment();
        match reading {
            Reading::Resources(result) => {
                self.resources.land(now, result.is_err());
                self.judge_link(now, result.as_ref().err());
                let previous = self.inventory.resources.value().cloned();
                let result = result.map(|rows| {
                    let guests = Resources::dated(rows.guests, previous.as_deref(), now);
                    Arc::new(Resources {
                        guests,
                        nodes: rows.nodes,
                        storages: rows.storages,
                        rejected: rows.rejected,
                    })
                });
                self.inventory
                    .resources
                    .record(now, result.map_err(Failure::from));
            }
            Reading::Tasks(result) => {
                record(&mut self.tasks, &mut self.inventory.tasks, now, result);
            }
            Reading::Status(result) => {
                record(&mut self.status, &mut self.inventory.cluster, now, result);
            }
        }
    }

    fn judge_link(&mut self, now: Moment, error: Option<&Error>) {
        self.link = match error {
            None => {
                self.last_contact = now;
                LinkState::Up
            }
            Some(error) => LinkState::Down {
                failure: Box::new(Failure::from(error.clone())),
                since: self.last_contact,
                retry: self.resources.due,
            },
        };
    }

    fn known(&self) -> Known {
        let cost = self.client.cost();
        let link = Link {
            state: self.link.clone(),
            requests_per_minute: cost.requests_per_minute,
            latency_p95: cost.latency_p95,
            clock_skew: cost.clock_skew,
        };
        Known {
            inventory: Arc::new(self.inventory.clone()),
            link,
        }
    }
}

fn record<T>(beat: &mut Beat, source: &mut Source<T>, now: Moment, result: Result<T, Error>) {
    beat.land(now, result.is_err());
    source.record(now, result.map_err(Failure::from));
}
