//! A cluster with something of everything, and a desk that answers what the dashboard asks of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{
    ClusterStatus, Inventory, Link, LinkState, Node, NodeState, Resources, Storage,
};
use proxdeck::domain::limits::{Bound, Bounds, Limits, Percent, Runtime};
use proxdeck::domain::project::{Budget, Membership, Project, Projects, Quota};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::task::{LogLine, Task, TaskState};
use proxdeck::domain::template::Template;
use proxdeck::domain::text::Text;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::domain::usage::Accounting;

use crate::paper::{draw, theme};

const GIB: u64 = 1 << 30;
const GB: u64 = 1_000_000_000;

/// The dashboard before a cluster, and the clock.
pub(crate) struct Scene {
    pub(crate) state: State,
    pub(crate) now: Now,
    pub(crate) guests: Vec<Guest>,
    /// The effects of the last event, and of the answers that it got.
    pub(crate) effects: Vec<Effect>,
    /// The questions that were never answered.
    pub(crate) asked: Vec<Effect>,
}

pub(crate) fn guest(number: u64, name: &str, node: &str, pool: &str) -> Guest {
    Guest {
        vmid: Vmid::new(number).unwrap(),
        kind: GuestKind::Qemu,
        node: node.parse().unwrap(),
        name: Some(name.into()),
        status: Status::Running,
        template: false,
        lock: None,
        tags: vec!["autovibe".into()],
        pool: Some(pool.parse().unwrap()),
        ha_state: None,
        figures: Figures {
            cpu: Some(0.25),
            max_cpu: Some(2.0),
            memory: Some(2 * GIB),
            max_memory: Some(4 * GIB),
            host_memory: Some(4 * GIB),
            max_disk: Some(20 * GB),
            net_in: Some(GB),
            net_out: Some(GB),
            uptime: Some(Duration::from_secs(3 * 3600)),
            ..Figures::default()
        },
    }
}

fn idle(mut guest: Guest, status: Status) -> Guest {
    guest.status = status;
    guest.figures.uptime = None;
    guest.figures.cpu = Some(0.0);
    guest
}

/// A guest of a node that does not answer.
fn unseen(number: u64) -> Guest {
    Guest {
        name: None,
        status: Status::Unknown,
        figures: Figures::default(),
        ..guest(number, "", "pve4", "gamma")
    }
}

/// Guests in every state.
pub(crate) fn guests() -> Vec<Guest> {
    let mut template = idle(
        guest(100, "tpl-claude-code", "pve1", "none"),
        Status::Stopped,
    );
    template.template = true;
    let mut busy = guest(104, "agent-build-4", "pve2", "alpha");
    busy.figures.cpu = Some(0.965);
    busy.figures.memory = Some(3 * GIB + GIB / 4);
    busy.figures.uptime = Some(Duration::from_secs(26 * 3600));
    let mut locked = guest(112, "agent-tests-6", "pve3", "alpha");
    locked.lock = Some("snapshot-delete".into());
    let mut container = guest(115, "agent-lint-1", "pve1", "beta");
    container.kind = GuestKind::Lxc;
    container.figures.host_memory = container.figures.memory;
    container.figures.disk = Some(3 * GIB);
    let mut estimated = guest(122, "agent-parse-1", "pve3", "beta");
    estimated.figures.memory = Some(2 * GIB + GIB / 4);
    estimated.figures.host_memory = estimated.figures.memory;
    let mut mirror = guest(124, "agent-mirror-1", "pve3", "gamma");
    mirror.figures.net_in = Some(700 * GB);
    mirror.figures.uptime = Some(Duration::from_secs(30 * 3600));
    let mut hub = guest(131, "hub-main", "pve1", "hub");
    hub.figures.cpu = Some(0.4);
    hub.figures.uptime = Some(Duration::from_secs(42 * 86_400));
    hub.tags = vec!["critical".into()];
    vec![
        template,
        busy,
        idle(
            guest(106, "agent-build-5", "pve2", "alpha"),
            Status::Stopped,
        ),
        guest(111, "agent-tests-5", "pve3", "alpha").with(Status::Paused),
        locked,
        container,
        estimated,
        mirror,
        unseen(127),
        unseen(128),
        hub,
        guest(132, "näme-日本語-\u{1b}[31m…", "pve1", "beta"),
        guest(133, "agent-disk-1", "pve1", "beta").with(Status::IoError),
        guest(134, "agent-new-1", "pve2", "beta").with(Status::Other("postmigrate".into())),
    ]
}

trait With {
    fn with(self, status: Status) -> Self;
}

impl With for Guest {
    fn with(mut self, status: Status) -> Self {
        self.status = status;
        self
    }
}

fn nodes() -> Vec<Node> {
    let node = |name: &str, state| Node {
        name: name.parse().unwrap(),
        state,
        cpu: Some(0.17),
        max_cpu: Some(16.0),
        memory: Some(40 * GIB),
        max_memory: Some(128 * GIB),
        disk: Some(20 * GIB),
        max_disk: Some(94 * GIB),
        uptime: Some(Duration::from_secs(42 * 86_400)),
    };
    vec![
        node("pve1", NodeState::Online),
        node("pve2", NodeState::Online),
        Node {
            cpu: None,
            ..node("pve3", NodeState::Online)
        },
        node("pve4", NodeState::Unknown),
    ]
}

fn storages() -> Vec<Storage> {
    let storage = |name: &str, node: &str, available| Storage {
        name: name.parse().unwrap(),
        node: node.parse().unwrap(),
        shared: name == "vmstore",
        plugin: Some("dir".into()),
        content: Some("images,rootdir".into()),
        available,
        used: Some(30 * GIB),
        size: Some(94 * GIB),
    };
    vec![
        storage("local", "pve1", true),
        storage("local", "pve4", false),
        storage("vmstore", "pve1", true),
    ]
}

fn tasks() -> Vec<Task> {
    let states = [
        TaskState::Running,
        TaskState::Ok,
        TaskState::Warnings(2),
        TaskState::Interrupted("received interrupt".into()),
        TaskState::Failed("no space left – näher".into()),
        TaskState::Unexpected,
    ];
    let started = wall().timestamp() - 600;
    let tasks = states.into_iter().enumerate().map(|(number, state)| Task {
        upid: format!("UPID:pve2:0000{number:04X}:00000001:{started:08X}:qmsnapshot:104:ops@pve:")
            .parse()
            .unwrap(),
        ended: (!state.is_running()).then(wall),
        state,
    });
    tasks.collect()
}

fn wall() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_795_449_600, 0).unwrap()
}

/// The names of the snapshots of every guest, the oldest first.
pub(crate) const SNAPSHOTS: [&str; 3] = ["av-20261101-0300-weekly", "try-buildkit", "keep-before"];

fn snapshots(names: &[&str]) -> SnapshotList {
    let mut parent = None;
    let mut age = 40 * 86_400;
    let mut snapshots = Vec::new();
    for name in names {
        snapshots.push(Snapshot {
            name: (*name).into(),
            taken: Some(wall() - chrono::TimeDelta::seconds(age)),
            parent: parent.replace(Text::from(*name)),
            description: "vor dem Umbau – größer #keep".into(),
            has_ram: *name == "keep-before",
            unfinished: None,
        });
        age /= 10;
    }
    SnapshotList {
        current_parent: parent,
        snapshots,
        digest: None,
    }
}

fn config() -> GuestConfig {
    let options = [
        ("scsi0", "vmstore:104/vm-104-disk-0.qcow2,size=20G"),
        ("net0", "virtio=AA:BB:CC:DD:EE:FF,bridge=vmbr0,firewall=1"),
        ("memory", "4096"),
    ];
    GuestConfig::new(
        options.map(|(key, value)| (key.to_owned(), Text::from(value))),
        None,
    )
}

fn rules() -> Rules {
    let quota = |amount: f64| Quota::at_most(amount).unwrap();
    let project = |name: &str, budget: Budget| {
        let membership = Membership::Pool(name.parse().unwrap());
        let mut project = Project::new(name, membership).unwrap();
        project.budget = budget;
        project
    };
    let projects = vec![
        project(
            "alpha",
            Budget {
                cpu_hours: quota(400.0),
                memory_gb_hours: quota(20_000.0),
                storage_gb: quota(800.0),
                network_gb: quota(2_000.0),
            },
        ),
        project(
            "gamma",
            Budget {
                storage_gb: quota(400.0),
                network_gb: quota(200.0),
                ..Budget::default()
            },
        ),
        project(
            "hub",
            Budget {
                cpu_hours: quota(600.0),
                ..Budget::default()
            },
        ),
    ];
    let percent = Bound::AtMost(Percent::new(90.0).unwrap());
    Rules {
        selection: Selection::new(false, &["autovibe".to_owned()], &[], &[]).unwrap(),
        limits: Limits {
            general: Bounds {
                cpu: percent,
                memory: percent,
                runtime: Bound::AtMost(Runtime::from_hours(24.0).unwrap()),
            },
            ..Limits::default()
        },
        projects: Projects::new(projects).unwrap(),
        templates: vec![Template {
            name: "claude-code".to_owned(),
            vmid: Vmid::new(100).unwrap(),
            cores: Some(2),
            memory: None,
            disk: None,
            network: None,
            software: vec!["Docker".to_owned()],
        }],
        accounting: Accounting::SinceBoot,
        ..Rules::default()
    }
}

impl Scene {
    /// Looks at the cluster for a second.
    pub(crate) fn new() -> Self {
        Self::of(guests(), |_| {})
    }

    /// Looks at these guests, with a setting of one's own.
    pub(crate) fn of(guests: Vec<Guest>, change: impl FnOnce(&mut Setting)) -> Self {
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1000)),
            wall: wall(),
        };
        let mut setting = Setting {
            seed: 7,
            cluster: "lab".into(),
            endpoint: "https://pve1.lab:8006".into(),
            account: "hub@pve!deck".into(),
            read_only: false,
            demo: true,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::new(&[("destroy".to_owned(), vec!["F8".to_owned()])]).unwrap(),
            rules: rules(),
        };
        change(&mut setting);
        let mut scene = Self {
            state: State::new(setting, now),
            now,
            guests,
            effects: Vec::new(),
            asked: Vec::new(),
        };
        scene.link(LinkState::Up);
        scene.read();
        scene.pass(1);
        scene
    }

    pub(crate) fn link(&mut self, state: LinkState) {
        let link = Link {
            state,
            requests_per_minute: 9,
            latency_p95: Some(Duration::from_millis(80)),
            ..Link::default()
        };
        self.happen(Event::Link(link));
    }

    /// Lets the server be out of reach.
    pub(crate) fn lose_the_link(&mut self) {
        let failure = Failure::new(
            FailureKind::Unreachable,
            "Connection refused (os error 111)",
        );
        self.link(LinkState::Down {
            failure: Box::new(failure),
            since: self.now.moment,
            retry: self.now.moment.later(Duration::from_secs(3600)),
        });
    }

    /// Reads the cluster anew.
    pub(crate) fn read(&mut self) {
        let at = self.now.moment;
        let previous = self.state.inventory.resources.value().cloned();
        let mut inventory = Inventory::clone(&self.state.inventory);
        let resources = Resources {
            guests: Resources::dated(self.guests.clone(), previous.as_deref(), at),
            nodes: nodes(),
            storages: storages(),
            rejected: 0,
        };
        inventory.resources.record(at, Ok(Arc::new(resources)));
        inventory.tasks.record(at, Ok(tasks()));
        let status = ClusterStatus {
            name: Some("lab".into()),
            quorate: Some(true),
            nodes: Vec::new(),
        };
        inventory.cluster.record(at, Ok(status));
        self.happen(Event::Inventory(Arc::new(inventory)));
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.now.moment = self.now.moment.later(Duration::from_secs(seconds));
        self.now.wall += chrono::TimeDelta::seconds(i64::try_from(seconds).unwrap());
        self.happen(Event::Tick);
    }

    pub(crate) fn happen(&mut self, event: Event) {
        self.effects = self.state.update(event, self.now);
        let mut effects = self.effects.clone();
        // An answer may lead to another question.
        while let Some(effect) = effects.pop() {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let Some(answer) = answer(&query) else {
                self.asked.push(Effect::Fetch(ticket, query));
                continue;
            };
            let answered = Event::Fetched(ticket, Ok(answer));
            let more = self.state.update(answered, self.now);
            self.effects.extend(more.clone());
            effects.extend(more);
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.happen(Event::Key(key.parse::<Combo>().unwrap()));
        }
    }

    pub(crate) fn types(&mut self, text: &str) {
        for letter in text.chars() {
            self.happen(Event::Key(Combo::char(letter)));
        }
    }

    /// Puts the cursor on a guest.
    pub(crate) fn select(&mut self, number: u64) {
        self.press("1 g");
        let rows = self.state.guests.rows();
        let steps = rows
            .iter()
            .position(|vmid| u64::from(vmid.get()) == number)
            .unwrap();
        for _ in 0..steps {
            self.press("j");
        }
        self.pass(1);
    }

    /// Returns the lines of a frame.
    pub(crate) fn lines(&self, size: (u16, u16)) -> Vec<String> {
        self.lines_with(size, true)
    }

    pub(crate) fn lines_with(&self, (columns, rows): (u16, u16), unicode: bool) -> Vec<String> {
        let buffer = draw(&self.state, &theme(unicode), (columns, rows));
        let line = |y| (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
        (0..rows).map(line).collect()
    }

    /// Returns the first line that holds a text.
    pub(crate) fn line(&self, size: (u16, u16), text: &str) -> String {
        let lines = self.lines(size);
        let found = lines.iter().find(|line| line.contains(text));
        found
            .unwrap_or_else(|| panic!("no {text:?} in\n{}", lines.join("\n")))
            .clone()
    }
}

fn answer(query: &Query) -> Option<Answer> {
    Some(match query {
        Query::Snapshots(_) => Answer::Snapshots(snapshots(&SNAPSHOTS)),
        Query::Config(_) | Query::FrozenConfig(..) => Answer::Config(Box::new(config())),
        Query::CanCopy(..) => Answer::CanCopy(true),
        Query::TaskLog(..) => {
            let line = LogLine {
                number: 1,
                text: "TASK ERROR: größer – no space".into(),
            };
            Answer::TaskLog(TaskState::Failed("no space".into()), vec![line])
        }
        _ => return None,
    })
}
