//! A fleet of any size, as a server tells it and as the dashboard knows it.
//!
//! Benches and the tests that count take it from here, so that both are about the same clusters.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use proxdeck::app::keymap::Keymap;
use proxdeck::app::networks::GuestNetwork;
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State, Ticket};
use proxdeck::domain::firewall::{ClusterFirewall, GuestFirewall};
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::history::Series;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::{Inventory, Link, LinkState, Resources};
use proxdeck::domain::limits::{Bound, Bounds, Limits, Percent, Runtime};
use proxdeck::domain::network::{self, Current, NetworkProfile, Resolved};
use proxdeck::domain::permission::Permissions;
use proxdeck::domain::project::{Budget, Membership, Project, Projects, Quota};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::domain::usage::{Account, Origin};
use proxdeck::domain::volume::{Volume, VolumeContent};
use proxdeck::proxmox::ResourceRows;

const NODES: usize = 50;
const GIB: u64 = 1 << 30;
const ROLES: [&str; 6] = ["build", "crawl", "tests", "docs", "review", "deploy"];
const POOLS: [&str; 4] = ["alpha", "beta", "gamma", "hub"];
const PROFILES: [&str; 3] = ["api_access", "management_access", "wider"];

/// Numbers that look thrown and are always the same (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Writes the answer to `/cluster/resources`; figures differ from `second` to second.
pub(crate) fn body(guests: usize, second: u64) -> String {
    let mut dice = Dice(7);
    let mut body = String::from("{\"data\":[");
    for index in 0..guests {
        guest(&mut body, index, second, &mut dice);
    }
    for node in 1..=NODES {
        let _ = write!(
            body,
            r#"{{"id":"node/pve{node}","type":"node","node":"pve{node}","status":"online","level":"","cpu":0.{:02},"maxcpu":64,"mem":{},"maxmem":{},"disk":{},"maxdisk":{},"uptime":{},"cgroup-mode":2}},"#,
            dice.roll(100),
            dice.roll(512) * GIB,
            512 * GIB,
            20 * GIB,
            94 * GIB,
            7_776_000 + second,
        );
        for (storage, shared) in [("local-lvm", 0), ("vmstore", 1)] {
            let _ = write!(
                body,
                r#"{{"id":"storage/pve{node}/{storage}","type":"storage","storage":"{storage}","node":"pve{node}","status":"available","shared":{shared},"plugintype":"dir","content":"images,rootdir","disk":{},"maxdisk":{}}},"#,
                30_000 * GIB,
                100_000 * GIB,
            );
        }
    }
    body.pop();
    body.push_str("]}");
    body
}

fn guest(body: &mut String, index: usize, second: u64, dice: &mut Dice) {
    let vmid = 100 + index;
    let role = ROLES[dice.roll(6) as usize];
    let node = 1 + dice.roll(NODES as u64);
    let kind = if dice.roll(5) == 0 { "lxc" } else { "qemu" };
    let pool = POOLS[dice.roll(4) as usize];
    let (cores, memory) = (1 + dice.roll(8), (1 + dice.roll(31)) * GIB);
    let uptime = dice.roll(2_592_000) + second;
    let moved = dice.roll(1 << 40) + second * 40_000;
    // A few are busy all the time, as many in a large fleet as in a small one.
    let load = if index < 8 {
        97
    } else {
        (dice.roll(80) + second) % 90
    };
    let used = memory / 100 * ((dice.roll(80) + second) % 90);
    let _ = write!(
        body,
        r#"{{"id":"{kind}/{vmid}","type":"{kind}","vmid":{vmid},"node":"pve{node}","name":"agent-{role}-{vmid}","template":0,"tags":"autovibe;{role}","pool":"{pool}","maxcpu":{cores},"maxmem":{memory},"maxdisk":{},"#,
        34_359_738_368_u64,
    );
    if dice.roll(4) == 0 {
        body.push_str(
            r#""status":"stopped","cpu":0,"mem":0,"memhost":0,"disk":0,"netin":0,"netout":0,"diskread":0,"diskwrite":0,"uptime":0},"#,
        );
    } else {
        let _ = write!(
            body,
            r#""status":"running","cpu":0.{load:02}4285714285714,"mem":{used},"memhost":{},"disk":0,"netin":{moved},"netout":{moved},"diskread":{moved},"diskwrite":{moved},"uptime":{uptime}}},"#,
            used + GIB,
        );
    }
}

/// Reads a fleet as the refresh does.
pub(crate) fn rows(guests: usize, second: u64) -> ResourceRows {
    ResourceRows::read(body(guests, second).as_bytes()).unwrap()
}

/// Who watches a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watcher {
    /// Somebody who may change everything.
    Operator,
    /// Somebody who may look, by a right on each guest alone.
    Auditor,
}

impl Watcher {
    fn permissions(self, guests: usize) -> Permissions {
        let operator = [
            "VM.Audit",
            "VM.Snapshot",
            "VM.PowerMgmt",
            "VM.Clone",
            "VM.Allocate",
        ];
        let rights = match self {
            Self::Operator => &operator[..],
            Self::Auditor => &operator[..1],
        };
        let paths = std::iter::once("/vms".to_owned())
            .chain((100..100 + guests).map(|vmid| format!("/vms/{vmid}")));
        Permissions::new(paths.flat_map(|path| {
            let entry = move |right: &&str| (path.clone(), (*right).to_owned(), true);
            rights.iter().map(entry)
        }))
    }
}

/// A dashboard that watches a fleet.
pub(crate) struct Desk {
    pub(crate) state: State,
    pub(crate) now: Now,
    pub(crate) guests: usize,
    /// What was asked, since somebody took it.
    pub(crate) asked: Vec<(Ticket, Query)>,
    /// How many fences were read.
    pub(crate) fences: usize,
}

impl Desk {
    /// Looks at a fleet for some seconds, as somebody who may change everything.
    pub(crate) fn new(guests: usize) -> Self {
        Self::of(Watcher::Operator, guests)
    }

    /// Looks at a fleet for some seconds.
    pub(crate) fn of(watcher: Watcher, guests: usize) -> Self {
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1_000)),
            wall: wall(),
        };
        let setting = Setting {
            seed: 7,
            cluster: "lab".into(),
            endpoint: "https://pve1.lab:8006".into(),
            account: "hub@pve!deck".into(),
            read_only: false,
            demo: false,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: rules(),
        };
        let mut desk = Self {
            state: State::new(setting, now),
            now,
            guests,
            asked: Vec::new(),
            fences: 0,
        };
        let link = Link {
            state: LinkState::Up,
            requests_per_minute: 33,
            latency_p95: Some(Duration::from_millis(80)),
            ..Link::default()
        };
        desk.happen(Event::Link(link));
        for second in [0, 10, 20, 30, 40] {
            let event = desk.reading(second);
            desk.happen(event);
            desk.wait(Duration::from_secs(10));
        }
        let is_asked =
            |(ticket, query): &(Ticket, Query)| (*query == Query::Permissions).then_some(*ticket);
        let ticket = desk.asked.iter().find_map(is_asked).unwrap();
        let answer = Answer::Permissions(watcher.permissions(guests));
        desk.happen(Event::Fetched(ticket, Ok(answer)));
        desk
    }

    /// Makes the event of a refresh.
    pub(crate) fn reading(&self, second: u64) -> Event {
        let at = self.now.moment;
        let rows = rows(self.guests, second);
        let mut inventory = Inventory::clone(&self.state.inventory);
        let previous = inventory.resources.value().cloned();
        let resources = Resources {
            guests: Resources::dated(rows.guests, previous.as_deref(), at),
            nodes: rows.nodes,
            storages: rows.storages,
            rejected: rows.rejected,
        };
        inventory.resources.record(at, Ok(Arc::new(resources)));
        inventory.tasks.record(at, Ok(Vec::new()));
        Event::Inventory(Arc::new(inventory))
    }

    pub(crate) fn happen(&mut self, event: Event) {
        let effects = self.state.update(event, self.now).into_iter();
        self.asked.extend(effects.filter_map(|effect| match effect {
            Effect::Fetch(ticket, query) => Some((ticket, query)),
            _ => None,
        }));
    }

    pub(crate) fn press(&mut self, key: &str) {
        self.happen(Event::Key(key.parse().unwrap()));
    }

    /// Answers whatever is asked in the background, a second at a time, until enough is read.
    pub(crate) fn read_until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        for _ in 0..10_000 {
            for (ticket, query) in std::mem::take(&mut self.asked) {
                if let Some(answer) = self.answer(query) {
                    self.happen(Event::Fetched(ticket, Ok(answer)));
                }
            }
            if is_enough(self) {
                return;
            }
            self.wait(Duration::from_secs(1));
        }
        panic!("not enough was asked for");
    }

    fn answer(&mut self, query: Query) -> Option<Answer> {
        Some(match query {
            Query::Network(guest) => {
                self.fences += 1;
                Answer::Network(Box::new(network(&guest, self.fences)))
            }
            Query::Datacenter => Answer::Datacenter(Box::default()),
            Query::Snapshots(_) => Answer::Snapshots(SnapshotList::default()),
            Query::Account(guest, _, period) => {
                let account = Account::since_boot(&guest, &Origin::default(), &period);
                Answer::Account(Box::new((account, Some(Origin::default()))))
            }
            Query::Contents(..) => Answer::Contents(self.volumes()),
            Query::FailedTasks(..) => Answer::Tasks(Vec::new()),
            Query::Certificate(_) => Answer::Ends(None),
            Query::History(..) => Answer::History(Series::default()),
            _ => return None,
        })
    }

    /// Two disks for every tenth guest: what one of several storages holds.
    fn volumes(&self) -> Vec<Volume> {
        let owners = (100..100 + self.guests as u64).step_by(10);
        let disks = owners.flat_map(|owner| {
            [0, 1].map(|disk| Volume {
                id: format!("vmstore:{owner}/vm-{owner}-disk-{disk}.qcow2"),
                owner: Vmid::new(owner),
                content: Some(VolumeContent::Image),
                format: Some("qcow2".into()),
                size: Some(20 * GIB),
                used: Some(7 * GIB),
                parent: None,
            })
        });
        disks.collect()
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        self.now.moment = self.now.moment.later(time);
        self.now.wall += TimeDelta::from_std(time).unwrap();
        self.happen(Event::Tick);
    }
}

pub(crate) fn wall() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_449_600, 0).unwrap()
}

/// A fence with names and addresses.
fn profile(name: &str) -> NetworkProfile {
    NetworkProfile {
        name: name.to_owned(),
        bridge: "vmbr1".parse().unwrap(),
        firewall: true,
        allow: vec![
            "api.github.com:443".parse().unwrap(),
            "10.0.0.0/8".parse().unwrap(),
        ],
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: None,
    }
}

/// What stands between a guest and the network: by turns what its profile says, what differs, and nothing.
fn network(guest: &GuestRef, turn: usize) -> GuestNetwork {
    let card = "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1";
    let config = GuestConfig::new([("net0".to_owned(), card.into())], None);
    let mut firewall = GuestFirewall::default();
    if !turn.is_multiple_of(3) {
        let profile = profile("api_access");
        let address = "140.82.121.6".parse().unwrap();
        let resolved = Resolved::new(wall()).with("api.github.com", Ok(vec![address]));
        let current = Current {
            config: Ok(config.clone()),
            firewall: Ok(firewall.clone()),
            cluster: ClusterFirewall::default(),
        };
        let plan = network::plan(guest, &profile, &resolved, &current);
        for step in plan.steps() {
            step.action.apply_to(&mut firewall);
        }
    }
    if turn % 3 == 1 {
        firewall.rules.list.pop();
    }
    (config, firewall)
}

/// Every guest is managed, limited, in a project with a budget, and to have a fence.
fn rules() -> Rules {
    let project = |name: &&str| {
        let membership = Membership::Pool(name.parse().unwrap());
        let mut project = Project::new(name, membership).unwrap();
        project.budget = Budget {
            cpu_hours: Quota::at_most(4_000.0).unwrap(),
            memory_gb_hours: Quota::at_most(200_000.0).unwrap(),
            storage_gb: Quota::at_most(80_000.0).unwrap(),
            network_gb: Quota::at_most(2_000.0).unwrap(),
        };
        project
    };
    let percent = Bound::AtMost(Percent::new(90.0).unwrap());
    Rules {
        selection: Selection::new(false, &["autovibe".to_owned()], &[], &[]).unwrap(),
        limits: Limits {
            general: Bounds {
                cpu: percent,
                memory: percent,
                runtime: Bound::AtMost(Runtime::from_hours(600.0).unwrap()),
            },
            ..Limits::default()
        },
        projects: Projects::new(POOLS.iter().map(project).collect()).unwrap(),
        profiles: PROFILES.map(profile).into(),
        ..Rules::default()
    }
}
