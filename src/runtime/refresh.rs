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

use super::cadence::{Beats, Question};
use super::clock::Clock;
use super::panics::caught_as;
use crate::domain::failure::Failure;
use crate::domain::inventory::{ClusterStatus, Inventory, Link, LinkState, Resources};
use crate::domain::task::Task;
use crate::domain::time::Moment;
use crate::proxmox::{Client, Error, ResourceRows};

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

/// Reads until cancelled and publishes what it knows.
pub(super) async fn run(
    client: Client,
    clock: Clock,
    interval: Duration,
    known: watch::Sender<Known>,
    nudge: Nudge,
    cancelled: CancellationToken,
) {
    let mut refresh = Refresh::new(client, interval, clock.moment());
    let mut flying: FuturesUnordered<BoxFuture<'static, Reading>> = FuturesUnordered::new();
    loop {
        refresh.take_off(&mut flying, clock.moment());
        let pause = refresh.beats.until_next(clock.moment(), refresh.is_down());
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = nudge.notified() => refresh.beats.hurry(clock.moment()),
            () = tokio::time::sleep(pause) => {}
            Some(reading) = flying.next() => {
                refresh.land(reading, clock.moment());
                known.send_replace(refresh.known());
            }
        }
    }
}

/// Reads something; what breaks in the reading is its failure, and the others go on.
async fn whole<T>(reading: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    caught_as(reading, |failure| {
        Error::unsent(failure.kind, failure.message)
    })
    .await
}

struct Refresh {
    client: Client,
    beats: Beats,
    inventory: Inventory,
    link: LinkState,
    last_contact: Moment,
}

impl Refresh {
    fn new(client: Client, interval: Duration, now: Moment) -> Self {
        Self {
            client,
            beats: Beats::new(interval, now),
            inventory: Inventory::default(),
            link: LinkState::Connecting,
            last_contact: now,
        }
    }

    fn is_down(&self) -> bool {
        matches!(self.link, LinkState::Down { .. })
    }

    fn take_off(
        &mut self,
        flying: &mut FuturesUnordered<BoxFuture<'static, Reading>>,
        now: Moment,
    ) {
        for question in self.beats.take_off(now, self.is_down()) {
            let client = self.client.clone();
            flying.push(Box::pin(async move {
                let cluster = client.cluster();
                match question {
                    Question::Resources => Reading::Resources(whole(cluster.resources()).await),
                    Question::Tasks => Reading::Tasks(whole(cluster.tasks()).await),
                    Question::Status => Reading::Status(whole(cluster.status()).await),
                }
            }));
        }
    }

    fn land(&mut self, reading: Reading, now: Moment) {
        match reading {
            Reading::Resources(result) => {
                self.beats.land(Question::Resources, now, result.is_err());
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
                self.beats.land(Question::Tasks, now, result.is_err());
                let result = result.map_err(Failure::from);
                self.inventory.tasks.record(now, result);
            }
            Reading::Status(result) => {
                self.beats.land(Question::Status, now, result.is_err());
                let result = result.map_err(Failure::from);
                self.inventory.cluster.record(now, result);
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
                retry: self.beats.next_resources(),
            },
        };
    }

    fn known(&self) -> Known {
        let cost = self.client.cost();
        let link = Link {
            state: self.link.clone(),
            strangers: self
                .client
                .strangers()
                .into_iter()
                .map(|stranger| stranger.endpoint)
                .collect(),
            elsewhere: (self.client.is_elsewhere()).then(|| self.client.endpoint().to_owned()),
            wanted: self.client.wanted(),
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

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::guest::{Figures, Guest, Status};
    use crate::domain::id::{GuestKind, Vmid};
    use crate::domain::inventory::SeenGuest;
    use crate::proxmox::{Connection, Credentials, Trust};

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    /// Makes a client that is never used.
    fn client() -> Client {
        let pin = ["AB"; 32].join(":");
        Client::new(Connection {
            endpoints: vec!["https://127.0.0.1:1".into()],
            trust: Trust::Pins(vec![pin.parse().unwrap()]),
            credentials: Credentials::Token {
                id: "hub@pve!deck".into(),
                secret: String::from("secret").into(),
            },
        })
        .unwrap()
    }

    /// Makes the answer of a server whose last sample was taken at this uptime of the guest.
    fn sampled(uptime: u64) -> Reading {
        let guest = Guest {
            vmid: Vmid::new(104).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: Some("agent-4".into()),
            status: Status::Running,
            template: false,
            lock: None,
            tags: Vec::new(),
            pool: None,
            ha_state: None,
            figures: Figures {
                uptime: Some(Duration::from_secs(uptime)),
                ..Figures::default()
            },
        };
        Reading::Resources(Ok(ResourceRows {
            guests: vec![guest],
            nodes: Vec::new(),
            storages: Vec::new(),
            rejected: 0,
        }))
    }

    #[test]
    fn the_fetch_date_advances_with_each_answer_and_the_figures_whenever_the_server_s_do() {
        let mut refresh = Refresh::new(client(), Duration::from_secs(5), at(0));
        // Nodes broadcast every 10 s, so that every second answer brings nothing new.
        let answers = [(1, 100), (6, 100), (11, 110), (16, 110), (21, 120)];
        let mut figures_from = Vec::new();
        for (second, uptime) in answers {
            refresh.land(sampled(uptime), at(second));
            let inventory = refresh.known().inventory;
            let answer = inventory.resources.answer.as_ref().unwrap();
            assert_eq!(answer.read, at(second));
            let SeenGuest { guest, seen, .. } = &answer.value.guests[0];
            assert_eq!(guest.figures.uptime, Some(Duration::from_secs(uptime)));
            figures_from.push(*seen);
        }
        assert_eq!(figures_from, [at(1), at(1), at(11), at(11), at(21)]);
    }

    #[test]
    fn a_failed_answer_keeps_the_last_one_with_its_own_date() {
        let mut refresh = Refresh::new(client(), Duration::from_secs(5), at(0));
        refresh.land(sampled(100), at(1));
        let error = Error::unsent(crate::domain::failure::FailureKind::Unreachable, "gone");
        refresh.land(Reading::Resources(Err(error)), at(6));
        let inventory = refresh.known().inventory;
        assert_eq!(inventory.resources.answer.as_ref().unwrap().read, at(1));
        assert_eq!(inventory.resources.failure.as_ref().unwrap().read, at(6));
        assert!(refresh.is_down());
    }
}
