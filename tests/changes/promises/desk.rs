//! A dashboard whose time is a value: an hour of it passes in moments.
//!
//! The true state asks and the true client answers. The server's calendar goes along, so that it counts the same hour.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Effect, Event, Query, State};
use proxdeck::domain::failure::Failure;
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::history::Span;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::{Inventory, Link, LinkState, Resources};
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::project::{Membership, Project, Projects, Quota, Window};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::operations::Resolver;
use proxdeck::proxmox::{Client, Error};
use proxdeck::runtime;
use proxdeck::simulator::{Options, Scenario, Simulator};
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::Fault;
use crate::stage::client_of;

/// The guest under the cursor, and one that is not.
pub(super) const CLOSE_UP: u64 = 101;
pub(super) const BESIDE: u64 = 102;

/// A dashboard without a loop: whoever holds it says what time it is.
pub(super) struct Desk {
    pub(super) simulator: Simulator,
    pub(super) client: Client,
    resolver: Resolver,
    pub(super) state: State,
    pub(super) now: Now,
    /// How often in a row the inventory could not be read.
    pub(super) down: usize,
    /// What was asked about guests, when, and whether it was answered.
    pub(super) asked: Vec<(Moment, u64, What, bool)>,
}

/// What is asked about a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Status,
    History,
    Snapshots,
    Use,
    Fence,
}

impl What {
    pub(super) const CLOSE_UP: [Self; 3] = [Self::Status, Self::History, Self::Snapshots];
    pub(super) const BACKGROUND: [Self; 3] = [Self::Snapshots, Self::Use, Self::Fence];

    fn of(query: &Query) -> Option<(Self, u64)> {
        let about = |guest: &GuestRef| u64::from(guest.vmid.get());
        if let Query::Status(guest) = query {
            Some((Self::Status, about(guest)))
        } else if let Query::History(guest, _) = query {
            Some((Self::History, about(guest)))
        } else if let Query::Snapshots(guest) = query {
            Some((Self::Snapshots, about(guest)))
        } else if let Query::Account(guest, ..) = query {
            Some((Self::Use, guest.vmid.get().into()))
        } else if let Query::Network(guest) = query {
            Some((Self::Fence, about(guest)))
        } else {
            None
        }
    }
}

/// The small world, in which the guests looked at are on a node that can go away.
pub(super) fn world() -> Scenario {
    let mut scenario = Scenario::small();
    let mut second = scenario.nodes[0].clone();
    second.name = "pve2".into();
    scenario.nodes.push(second);
    for guest in &mut scenario.guests {
        if [CLOSE_UP, BESIDE].contains(&guest.vmid.into()) {
            guest.node = "pve2".into();
        }
    }
    scenario
}

/// Rules under which snapshots, use and fences of every guest are read.
fn rules() -> Rules {
    let mut lab = Project::new("lab", Membership::Pool("lab".parse().unwrap())).unwrap();
    lab.window = Window::Hours24;
    lab.budget.cpu_hours = Quota::at_most(1000.0).unwrap();
    let profile = NetworkProfile {
        name: "closed".into(),
        bridge: "vmbr0".parse().unwrap(),
        firewall: true,
        allow: Vec::new(),
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: None,
    };
    Rules {
        selection: Selection::new(true, &[], &[], &[]).unwrap(),
        projects: Projects::new(vec![lab]).unwrap(),
        profiles: vec![profile],
        ..Rules::default()
    }
}

pub(super) fn vmid(number: u64) -> Vmid {
    Vmid::new(number).unwrap()
}

impl Desk {
    pub(super) async fn before(fault: &Fault) -> Self {
        let simulator = Simulator::start(Options::new(world())).await.unwrap();
        let client = client_of(&simulator, fault.tuning());
        #[expect(
            clippy::disallowed_methods,
            reason = "the server's calendar is the machine's"
        )]
        let wall = Utc::now();
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1000)),
            wall,
        };
        let setting = Setting {
            cluster: "lab".into(),
            endpoint: simulator.url(),
            account: client.account().to_owned(),
            read_only: true,
            demo: false,
            bell: false,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: rules(),
            seed: 7,
        };
        Self {
            resolver: Resolver::table(simulator.hosts()),
            state: State::new(setting, now),
            simulator,
            client,
            now,
            down: 0,
            asked: Vec::new(),
        }
    }

    /// Lets time go by, reads the inventory, and answers whatever is asked then.
    pub(super) async fn step(&mut self, pause: Duration) {
        self.now.moment = self.now.moment.later(pause);
        let passed = TimeDelta::from_std(pause).unwrap();
        self.now.wall += passed;
        let clock = self.simulator.clock();
        clock.set_offset(clock.offset() + passed);
        self.simulator.broadcast();
        let rows = self.client.cluster().resources().await;
        self.down = if rows.is_ok() { 0 } else { self.down + 1 };
        let link = self.link(rows.as_ref().err());
        let _ = self.state.update(Event::Link(link), self.now);
        let mut inventory = Inventory::clone(&self.state.inventory);
        let previous = inventory.resources.value().cloned();
        let rows = rows.map(|rows| {
            Arc::new(Resources {
                guests: Resources::dated(rows.guests, previous.as_deref(), self.now.moment),
                nodes: rows.nodes,
                storages: rows.storages,
                rejected: rows.rejected,
            })
        });
        inventory
            .resources
            .record(self.now.moment, rows.map_err(Failure::from));
        self.happen(Event::Inventory(Arc::new(inventory))).await;
        self.happen(Event::Tick).await;
    }

    fn link(&self, error: Option<&Error>) -> Link {
        let skew = self.client.cost().clock_skew;
        let state = match error {
            None => LinkState::Up,
            Some(error) => LinkState::Down {
                failure: Box::new(Failure::from(error.clone())),
                since: self.now.moment,
                retry: self.now.moment,
            },
        };
        Link {
            state,
            // The calendar was moved for both.
            clock_skew: skew.map(|skew| skew - self.simulator.clock().offset()),
            ..Link::default()
        }
    }

    async fn happen(&mut self, event: Event) {
        let mut effects = self.state.update(event, self.now);
        while !effects.is_empty() {
            let asked = effects.into_iter().filter_map(|effect| {
                if let Effect::Fetch(ticket, query) = effect {
                    Some((ticket, query))
                } else {
                    None
                }
            });
            let answers = join_all(asked.map(async |(ticket, query)| {
                let what = What::of(&query);
                let answer = runtime::answer(&self.client, &self.resolver, query).await;
                (ticket, what, answer)
            }))
            .await;
            effects = Vec::new();
            for (ticket, what, (spent, result)) in answers {
                if let Some((what, about)) = what {
                    let now = self.now.moment;
                    self.asked.push((now, about, what, result.is_ok()));
                }
                effects.extend(self.state.update(Event::Spent(ticket, spent), self.now));
                effects.extend(self.state.update(Event::Fetched(ticket, result), self.now));
            }
        }
    }

    pub(super) async fn press(&mut self, key: &str) {
        self.happen(Event::Key(key.parse::<Combo>().unwrap())).await;
    }

    /// Lets so much time pass that use, lists and fences are due again within minutes, and all are due soon together.
    pub(super) async fn let_pass_nearly_an_hour(&mut self, begun: Moment) {
        // Use is read again after half an hour.
        for seconds in [1830, 3500] {
            let until = begun.later(Duration::from_secs(seconds));
            for steps in (1..=3).rev() {
                let left = until.since(self.now.moment);
                self.step(left / steps).await;
            }
        }
    }

    /// Steps until something is true, for at most so many steps.
    pub(super) async fn until(
        &mut self,
        case: &str,
        step: Duration,
        most: usize,
        mut is_true: impl FnMut(&Self) -> bool,
    ) {
        for _ in 0..most {
            if is_true(self) {
                return;
            }
            self.step(step).await;
        }
        let reached = is_true(self);
        assert!(
            reached,
            "{case}: never came; {:?}\n{}",
            self.asked,
            self.screen()
        );
    }

    /// Tells whether all of this was answered since then, or all of it was not.
    pub(super) fn all(&self, about: u64, wanted: &[What], since: Moment, well: bool) -> bool {
        wanted.iter().all(|what| {
            let mut asked = self.asked.iter();
            asked.any(|each| each.0 > since && (each.1, each.2, each.3) == (about, *what, well))
        })
    }

    /// Returns what is wrong: with the link, or with the last reading of this.
    pub(super) fn failure(&self, about: u64, what: What) -> Option<&Failure> {
        if let LinkState::Down { failure, .. } = &self.state.link.state {
            return Some(failure);
        }
        let seen = self.state.inventory.resources.value()?.guest(vmid(about))?;
        let watched = self.state.detail.of(&seen.guest);
        match what {
            What::Status => watched?.status().failure(),
            What::History => watched?.history(Span::default())?.failure(),
            What::Snapshots => self.state.snapshots.of(vmid(about))?.failure(),
            What::Use | What::Fence => None,
        }
    }

    /// Returns what is known of a guest, with its date where it has one of its own.
    pub(super) fn known(&self, about: u64, what: What) -> Option<String> {
        let number = vmid(about);
        let seen = self.state.inventory.resources.value()?.guest(number)?;
        let watched = self.state.detail.of(&seen.guest);
        match what {
            What::Status => Some(format!("{:?}", watched?.status().answer()?)),
            What::History => Some(format!(
                "{:?}",
                watched?.history(Span::default())?.answer()?
            )),
            What::Snapshots => Some(format!("{:?}", self.state.snapshots.of(number)?.answer()?)),
            What::Use => Some(format!("{:?}", self.state.usage.account(number)?)),
            What::Fence => Some(format!("{:?}", self.state.networks.of(number)?)),
        }
    }

    pub(super) fn screen(&self) -> String {
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).unwrap();
        let theme = Theme::load("dark", ColorDepth::True, true).unwrap();
        let mut viewport = Viewport::default();
        let draw = |frame: &mut ratatui::Frame<'_>| {
            ui::draw(frame, &self.state, &theme, &mut viewport);
        };
        terminal.draw(draw).unwrap();
        terminal.backend().to_string()
    }
}
