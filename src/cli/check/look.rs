//! One look at the whole cluster, a few questions at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::cli::budgets::Budgets;
use crate::cli::connect::Session;
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::snapshot::read::{Silent, lists};
use crate::cli::unread::Unread;
use crate::domain::admission::made_since;
use crate::domain::alert::{AlertBook, FailingChannel, Situation, ThrottledProject};
use crate::domain::bracket::{Bracket, find_all};
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, Status};
use crate::domain::history::Span;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::inventory::{Inventory, Link, LinkState, NodeState};
use crate::domain::limits::{LimitTracker, StandingViolation, violations};
use crate::domain::network::{Current, Reality};
use crate::domain::node::served;
use crate::domain::request::refuses_profile;
use crate::domain::task::Task;
use crate::domain::throttle::find;
use crate::domain::time::{Moment, Now};
use crate::domain::token::TokenExpiry;
use crate::operations::network::{self, read_cluster};
use crate::proxmox::{Client, Error};
use crate::runtime::Clock;

/// So many questions are asked at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// What one look shows.
pub(super) struct Look {
    /// The server's calendar.
    pub(super) server: DateTime<Utc>,
    pub(super) unread: Vec<Unread>,
    moment: Moment,
    inventory: Inventory,
    violations: BTreeMap<Vmid, Vec<StandingViolation>>,
    budgets: Budgets,
    failed_tasks: BTreeMap<NodeName, Vec<Task>>,
    brackets: Vec<Bracket>,
    certificates: BTreeMap<NodeName, DateTime<Utc>>,
    token_ends: Option<DateTime<Utc>>,
    throttles: Vec<ThrottledProject>,
    failing: Vec<FailingChannel>,
    fences: BTreeMap<Vmid, Reality>,
}

impl Look {
    /// Reads everything that alerts are found from.
    pub(super) async fn take(
        session: &Session,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let client = &session.client;
        let clock = Clock::start();
        // Without it there is nothing to check.
        let reading = Reading::take(session).await?;
        let server = reading.server_time(client);
        let moment = clock.moment();
        let mut look = Self {
            server,
            unread: Vec::new(),
            moment,
            inventory: Inventory::default(),
            violations: BTreeMap::new(),
            budgets: Budgets::read(session, setup, &reading, output).await,
            failed_tasks: BTreeMap::new(),
            brackets: Vec::new(),
            certificates: BTreeMap::new(),
            token_ends: None,
            throttles: Vec::new(),
            fences: BTreeMap::new(),
            failing: setup
                .channel_memory(&session.cluster)
                .map(|memory| memory.read())
                .unwrap_or_default(),
        };
        let unread = look.budgets.unread().iter();
        let unread: Vec<Unread> = unread
            .map(|(what, failure)| Unread::new(what.as_str(), failure))
            .collect();
        look.unread.extend(unread);
        let resources = Arc::new(reading.resources());
        look.inventory.resources.record(moment, Ok(resources));
        look.read_cluster(client).await;
        look.read_throttles(client, setup, &reading.guests).await;
        look.read_nodes(client, &reading).await;
        look.read_violations(client, setup, &reading.guests).await;
        look.read_brackets(client, setup, &reading.guests, output)
            .await;
        look.read_fences(client, setup, &reading.guests).await;
        Ok(look)
    }

    /// Notes a failure, and returns the value where there is none.
    fn noted<T>(&mut self, what: impl Display, result: Result<T, Error>) -> Option<T> {
        result
            .map_err(|error| {
                let failure = Failure::from(error);
                self.unread.push(Unread::new(what.to_string(), &failure));
            })
            .ok()
    }

    async fn read_cluster(&mut self, client: &Client) {
        let cluster = client.cluster();
        let (tasks, status) = tokio::join!(cluster.tasks(), cluster.status());
        if let Some(tasks) = self.noted("the list of tasks", tasks) {
            self.inventory.tasks.record(self.moment, Ok(tasks));
        }
        if let Some(status) = self.noted("the quorum", status) {
            self.inventory.cluster.record(self.moment, Ok(status));
        }
        let token = client.access().token_expiry().await;
        if let Some(Some(TokenExpiry::At(end))) = self.noted("the end of the API token", token) {
            self.token_ends = Some(end);
        }
    }

    /// Reads the pools' comments, if any project has a budget.
    async fn read_throttles(&mut self, client: &Client, setup: &Setup, guests: &[Guest]) {
        let projects = &setup.rules.projects;
        if projects.iter().next().is_none() {
            return;
        }
        let Some(pools) = self.noted("the pools", client.pools().list().await) else {
            return;
        };
        for (project, members) in projects.divide(guests) {
            let pool = project.marker_pool();
            let Some(known) = pools.iter().find(|known| known.name == *pool) else {
                continue;
            };
            let found = find(known.comment.as_ref().map_or("", |comment| comment.raw()));
            let origins = &self.budgets.readings().origins;
            let born = members.into_iter().map(|guest| {
                // What was made from here was made with the throttle overridden.
                let origin = origins.get(&guest.vmid).filter(|origin| !origin.ours);
                (guest.to_ref(), origin.and_then(|origin| origin.birth))
            });
            let made_since = found.marker().map(|marker| made_since(marker, born));
            self.throttles.push(ThrottledProject {
                project: project.name().to_owned(),
                pool: pool.clone(),
                made_since: made_since.unwrap_or_default(),
                found,
            });
        }
    }

    async fn read_nodes(&mut self, client: &Client, reading: &Reading) {
        let since = self.server - TimeDelta::days(1);
        // A silent node has an alert of its own, and would be waited for.
        let online = reading
            .nodes
            .iter()
            .filter(|node| node.state == NodeState::Online)
            .map(|node| node.name.clone());
        let answers: Vec<_> = stream::iter(online)
            .map(|node| async move {
                let tasks = client.tasks().failed_since(&node, since).await;
                let certificates = client.nodes().certificates(&node).await;
                (node, tasks, certificates)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (node, tasks, certificates) in answers {
            if let Some(tasks) = self.noted(format_args!("the failed tasks of {node}"), tasks) {
                self.failed_tasks.insert(node.clone(), tasks);
            }
            let what = format!("the certificate of {node}");
            let certificates = self.noted(what, certificates).unwrap_or_default();
            if let Some(end) = served(&certificates).and_then(|shown| shown.not_after) {
                self.certificates.insert(node, end);
            }
        }
    }

    /// Replays the last hour of the managed guests that are above a limit now.
    async fn read_violations(&mut self, client: &Client, setup: &Setup, guests: &[Guest]) {
        let (rules, server, moment) = (&setup.rules, self.server, self.moment);
        let limits = &rules.limits;
        let over: Vec<&Guest> = guests
            .iter()
            .filter(|guest| guest.status != Status::Unknown && rules.selection.manages(guest))
            .filter(|guest| !violations(guest, limits).is_empty())
            .collect();
        let histories: Vec<_> = stream::iter(over)
            .map(|guest| async move {
                let history = client.guests().history(&guest.to_ref(), Span::Hour).await;
                (guest, history)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut tracker = LimitTracker::default();
        for (guest, history) in histories {
            let what = format!("the last hour of {}", guest.to_ref());
            if let Some(history) = self.noted(what, history) {
                tracker.replay_history(guest, &history, server, limits, moment);
            }
            let standing = tracker.observe(guest, Some(&guest.figures), limits, moment);
            if !standing.is_empty() {
                self.violations.insert(guest.vmid, standing);
            }
        }
    }

    async fn read_brackets(
        &mut self,
        client: &Client,
        setup: &Setup,
        guests: &[Guest],
        output: &Output,
    ) {
        let asked: Vec<&Guest> = guests
            .iter()
            .filter(|guest| !guest.template && guest.status != Status::Unknown)
            .collect();
        let lists = lists(client, &asked, Silent::Skipped, setup, output).await;
        for unread in &lists.unread {
            let what = format!("the snapshots of {}", unread.guest());
            self.unread.push(Unread::new(what, &unread.failure));
        }
        let found = lists
            .read
            .iter()
            .map(|(guest, list)| (guest.clone(), Some(list)));
        self.brackets = find_all(found);
    }

    /// Reads the fences of managed guests, if the config has any.
    async fn read_fences(&mut self, client: &Client, setup: &Setup, guests: &[Guest]) {
        let rules = &setup.rules;
        if rules.profiles.is_empty() {
            return;
        }
        let Some(cluster) = self.noted("the datacenter's firewall", read_cluster(client).await)
        else {
            return;
        };
        let looked_after = guests.iter().filter(|guest| {
            guest.status != Status::Unknown
                && !guest.template
                && refuses_profile(guest).is_none()
                && rules.selection.manages(guest)
        });
        let answers: Vec<_> = stream::iter(looked_after.map(Guest::to_ref))
            .map(|guest| async move {
                let network = network::read(client, &guest).await;
                (guest, network)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (guest, network) in answers {
            let what = format!("the firewall of {guest}");
            if let Some((config, firewall)) = self.noted(what, network) {
                let current = Current {
                    config: Ok(config),
                    firewall: Ok(firewall),
                    cluster: cluster.clone(),
                };
                let reality = Reality::of(&guest, &rules.profiles, &current);
                self.fences.insert(guest.vmid, reality);
            }
        }
    }

    /// Puts the look into a book of alerts.
    pub(super) fn show(&self, book: &mut AlertBook) {
        let link = Link {
            state: LinkState::Up,
            ..Link::default()
        };
        book.look(&Situation {
            now: Now {
                moment: self.moment,
                wall: self.server,
            },
            inventory: &self.inventory,
            link: &link,
            violations: &self.violations,
            projects: self.budgets.projects(),
            failed_tasks: &self.failed_tasks,
            brackets: &self.brackets,
            certificates: &self.certificates,
            token_ends: self.token_ends,
            throttles: &self.throttles,
            fences: &self.fences,
            failing_channels: &self.failing,
        });
    }
}
