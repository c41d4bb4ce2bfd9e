//! Days of watching a cluster in which guests come and go: what is gone leaves nothing in memory.
//!
//! The clock is an argument, so that days pass in seconds; bytes that stay allocated are counted.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use proxdeck::app::{Answer, Effect, Event, Query, Spent};
use proxdeck::domain::alert::Memory;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::history::Series;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::{Inventory, NodeState, Resources};
use proxdeck::domain::operation::{Outcome, Report, Update};
use proxdeck::domain::project::{Projects, Window};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::task::{Task, TaskState};
use proxdeck::domain::usage::{Account, Origin};

use crate::fleet::{Desk, rows};

const GUESTS: usize = 40;
/// So many of them, the last ones, are replaced by new guests every hour.
const CHURNING: usize = 12;
const STEP: Duration = Duration::from_secs(360);
const TICKS: u32 = 12;
/// A day of 28 hours, so that each ends where another did: the seven views take turns by the hour.
const STEPS_A_DAY: u64 = 28 * STEPS_A_GENERATION;
const STEPS_A_GENERATION: u64 = 10;
/// The server lists so many tasks.
const TASKS: u64 = 25;
/// Until then memory is filled whose bound is a day.
const WARM: u64 = 2;
const DAYS: u64 = 4;
/// So much may differ between days that are alike: rooms of lists that are kept for later.
const SLACK: i64 = 32 << 10;

/// A dashboard, the files beside it, and the server's answers.
struct Days {
    desk: Desk,
    memory: Memory,
    step: u64,
    jobs: u64,
    /// How many questions of each kind were answered.
    asked: BTreeMap<String, u64>,
}

impl Days {
    fn new() -> Self {
        let mut desk = Desk::new(GUESTS);
        let rules = &mut desk.state.setting.rules;
        // What projects have used is kept as long as their window; a day passes sooner than a month.
        let daily = rules.projects.iter().cloned().map(|mut project| {
            project.window = Window::Hours24;
            project
        });
        rules.projects = Projects::new(daily.collect()).unwrap();
        let waiting = std::mem::take(&mut desk.asked);
        let mut days = Self {
            desk,
            memory: Memory::default(),
            step: 0,
            jobs: 0,
            asked: BTreeMap::new(),
        };
        // Whoever waits for answers asks nothing more in the background.
        for (ticket, query) in waiting {
            let answer = days.answer(query);
            days.happen(Event::Fetched(ticket, answer));
        }
        days
    }

    /// Tells what happened, and answers what is asked until nothing more is.
    fn happen(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.desk.state.update(event, self.desk.now) {
                events.extend(self.perform(effect));
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Vec<Event> {
        let event = match effect {
            Effect::Fetch(ticket, query) => {
                let kind = format!("{query:?}");
                let kind = kind.split(['(', ' ']).next().unwrap_or_default();
                *self.asked.entry(kind.to_owned()).or_default() += 1;
                let spent = Spent {
                    requests: 1,
                    ..Spent::default()
                };
                let answer = Event::Fetched(ticket, self.answer(query));
                return vec![Event::Spent(ticket, spent), answer];
            }
            Effect::Run(job, _) => {
                self.jobs += 1;
                let outcome = if self.jobs.is_multiple_of(2) {
                    Outcome::Done
                } else {
                    let words = "VM is locked (backup)";
                    Outcome::Failed(Box::new(Failure::new(FailureKind::Locked, words)))
                };
                Event::Job(job, Update::Ended(Box::new(Report::new(outcome))))
            }
            Effect::Remember(changes, server) => {
                changes.write_into(&mut self.memory, server);
                Event::Remembered(self.memory.clone())
            }
            // What guests that are gone have used is kept for a month, and of so many guests at most; that
            // grows as it should, and would hide what grows beside it.
            Effect::RecordUsage(..) => Event::Ledger(Box::default()),
            _ => return Vec::new(),
        };
        vec![event]
    }

    fn answer(&self, query: Query) -> Result<Answer, Failure> {
        Ok(match query {
            Query::Snapshots(_) => Answer::Snapshots(self.snapshots()),
            Query::Status(_) => Answer::Status(Box::default()),
            Query::History(..) => Answer::History(Series::default()),
            Query::Config(_) => Answer::Config(Box::new(GuestConfig::new(Vec::new(), None))),
            Query::Account(guest, _, period) => {
                let account = Account::since_boot(&guest, &Origin::default(), &period);
                Answer::Account(Box::new((account, Some(Origin::default()))))
            }
            Query::Contents(..) => Answer::Contents(Vec::new()),
            Query::Zone(_) => Answer::Zone(None),
            Query::Pools => Answer::Pools(Vec::new()),
            Query::FailedTasks(..) => {
                let failed = self.tasks().into_iter();
                Answer::Tasks(failed.filter(|task| task.state != TaskState::Ok).collect())
            }
            Query::Certificate(_) | Query::TokenEnd => Answer::Ends(None),
            Query::Network(_) => {
                let config = GuestConfig::new(Vec::new(), None);
                Answer::Network(Box::new((config, GuestFirewall::default())))
            }
            Query::Datacenter => Answer::Datacenter(Box::default()),
            _ => return Err(Failure::new(FailureKind::Forbidden, "no")),
        })
    }

    /// A few snapshots, none of which stays for long.
    fn snapshots(&self) -> SnapshotList {
        let newest = self.step / 60;
        let snapshots = (newest..newest + 4).map(|number| Snapshot {
            name: format!("av-{number:08}").into(),
            taken: Some(self.desk.now.wall - TimeDelta::hours(5)),
            parent: None,
            description: format!("before step {number:08}").into(),
            has_ram: false,
            unfinished: None,
        });
        SnapshotList {
            snapshots: snapshots.collect(),
            ..SnapshotList::default()
        }
    }

    /// The last tasks; there is a new one with every step, on guests that come and go.
    fn tasks(&self) -> Vec<Task> {
        let newest = self.step + 1000;
        let tasks = (newest - TASKS..newest).rev().map(|number| {
            let age = i64::try_from((newest - number) * STEP.as_secs()).unwrap();
            let started = self.desk.now.wall.timestamp() - age;
            let vmid = 100 + number % 200;
            Task {
                upid: format!(
                    "UPID:pve1:{number:08X}:00000001:{started:08X}:qmsnapshot:{vmid}:ops@pve:"
                )
                .parse()
                .unwrap(),
                ended: Some(self.desk.now.wall - TimeDelta::seconds(age - 1)),
                state: if number % 5 == 0 {
                    TaskState::Failed("no space left on device".into())
                } else {
                    TaskState::Ok
                },
            }
        });
        tasks.collect()
    }

    fn reading(&self) -> Event {
        let (at, step) = (self.desk.now.moment, self.step);
        let mut read = rows(GUESTS, step * STEP.as_secs() % 1_000_000);
        // Every hour twelve guests are destroyed and twelve others made.
        let generation = step / STEPS_A_GENERATION;
        for (index, guest) in read.guests.iter_mut().enumerate() {
            if index >= GUESTS - CHURNING {
                let number = 1000 + (generation * CHURNING as u64) % 900_000 + index as u64;
                guest.vmid = Vmid::new(number).unwrap();
                guest.name = Some(format!("agent-{number}").into());
            }
            // Others move from node to node, and are busy at times.
            if (step / 30 + index as u64).is_multiple_of(7) {
                guest.node = "pve2".parse().unwrap();
                guest.figures.cpu = Some(0.99);
            }
            if (step / 10 + index as u64).is_multiple_of(11) {
                guest.lock = Some("snapshot".into());
            }
        }
        for (index, node) in read.nodes.iter_mut().enumerate() {
            if (step / 20 + index as u64).is_multiple_of(97) {
                node.state = NodeState::Offline;
            }
        }
        let mut inventory = Inventory::clone(&self.desk.state.inventory);
        let previous = inventory.resources.value().cloned();
        let resources = Resources {
            guests: Resources::dated(read.guests, previous.as_deref(), at),
            nodes: read.nodes,
            storages: read.storages,
            rejected: read.rejected,
        };
        inventory.resources.record(at, Ok(Arc::new(resources)));
        inventory.tasks.record(at, Ok(self.tasks()));
        Event::Inventory(Arc::new(inventory))
    }

    /// Lets a day pass, with somebody at the keys now and then.
    fn day(&mut self) {
        for _ in 0..STEPS_A_DAY {
            self.step += 1;
            let reading = self.reading();
            self.happen(reading);
            // What is read guest by guest has a budget for each minute.
            for _ in 0..TICKS {
                self.desk.now.moment = self.desk.now.moment.later(STEP / TICKS);
                self.desk.now.wall += TimeDelta::from_std(STEP / TICKS).unwrap();
                self.happen(Event::Tick);
            }
            // Each view is looked at for an hour, and asks for what it shows.
            let view = 1 + self.step / STEPS_A_GENERATION % 7;
            if self.step.is_multiple_of(10) {
                for key in [
                    "1", "j", "Space", "Esc", "s", "Enter", "Esc", "Esc", "2", "a", "Enter",
                ] {
                    self.press(key);
                }
                self.press(&view.to_string());
                self.press("j");
            }
        }
    }

    fn press(&mut self, key: &str) {
        self.happen(Event::Key(key.parse().unwrap()));
    }
}

#[test]
fn days_of_guests_that_come_and_go_leave_nothing_in_memory() {
    let mut days = Days::new();
    let mut grown = Vec::new();
    for _ in 0..DAYS {
        let cost = allocation_counter::measure(|| days.day());
        grown.push(cost.bytes_current);
    }
    let after: i64 = grown[usize::try_from(WARM).unwrap()..].iter().sum();
    let told = format!(
        "{DAYS} days of 28 hours, {} guests, {} answers, {} jobs: {} bytes stay of the first day, {after} of the last {}\n",
        GUESTS as u64 + DAYS * STEPS_A_DAY / STEPS_A_GENERATION * CHURNING as u64,
        days.asked.values().sum::<u64>(),
        days.jobs,
        grown[0],
        DAYS - WARM,
    );
    std::io::stderr().write_all(told.as_bytes()).unwrap();
    for kind in [
        "Account",
        "Config",
        "Contents",
        "History",
        "Network",
        "Snapshots",
    ] {
        assert!(days.asked.contains_key(kind), "{kind}: {:?}", days.asked);
    }
    assert!(
        days.jobs > 50,
        "the days would be worth nothing if nothing happened"
    );
    assert!(
        after < SLACK,
        "{after} bytes in {} days: {grown:?}",
        DAYS - WARM
    );
}
