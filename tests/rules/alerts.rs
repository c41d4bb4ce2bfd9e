//! What raises an alert, how it stands, and how it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::alert::{
    AlertBook, AlertKey, FailingChannel, Memory, Situation, ThrottledProject,
};
use proxdeck::domain::bracket::{Bracket, find_all};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::id::{NodeName, Vmid};
use proxdeck::domain::inventory::{
    ClusterStatus, Inventory, Link, LinkState, Node, NodeState, Resources, Storage,
};
use proxdeck::domain::limits::{LimitTracker, StandingViolation};
use proxdeck::domain::network::{Fence, Reality, Warning};
use proxdeck::domain::project::{Quota, Resource, Window};
use proxdeck::domain::quota::{Amount, Certainty, ResourceUsage};
use proxdeck::domain::task::Task;
use proxdeck::domain::throttle::find;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::domain::usage::{Coverage, Period, ProjectStanding, Projection};

use super::limits::usual;
use super::worlds::{DAY, HOUR, described, guest, guest_ref, list, now};

/// A cluster that is looked at again and again; each field is what the next look shows.
struct Desk {
    book: AlertBook,
    second: u64,
    guests: Vec<Guest>,
    nodes: Vec<Node>,
    storages: Vec<Storage>,
    tasks: Vec<Task>,
    quorate: Option<bool>,
    link: LinkState,
    projects: Vec<ProjectStanding>,
    failed: BTreeMap<NodeName, Vec<Task>>,
    brackets: Vec<Bracket>,
    certificates: BTreeMap<NodeName, DateTime<Utc>>,
    token_ends: Option<DateTime<Utc>>,
    channels: Vec<FailingChannel>,
    throttles: Vec<ThrottledProject>,
    fences: BTreeMap<Vmid, Reality>,
    tracker: LimitTracker,
    read: bool,
}

impl Desk {
    fn new() -> Self {
        Self {
            book: AlertBook::default(),
            second: 1_000,
            guests: vec![guest(104)],
            nodes: vec![
                node("pve1", NodeState::Online),
                node("pve2", NodeState::Online),
            ],
            storages: Vec::new(),
            tasks: Vec::new(),
            quorate: Some(true),
            link: LinkState::Up,
            projects: Vec::new(),
            failed: BTreeMap::new(),
            brackets: Vec::new(),
            certificates: BTreeMap::new(),
            token_ends: None,
            channels: Vec::new(),
            throttles: Vec::new(),
            fences: BTreeMap::new(),
            tracker: LimitTracker::default(),
            read: true,
        }
    }

    fn moment(&self) -> Moment {
        Moment::after_start(Duration::from_secs(self.second))
    }

    fn wall(&self) -> DateTime<Utc> {
        now() + TimeDelta::seconds(self.second.cast_signed() - 1_000)
    }

    /// Looks after so many seconds; tells whether the bell rings.
    fn look(&mut self, later: u64) -> bool {
        self.second += later;
        let moment = self.moment();
        let mut inventory = Inventory::default();
        if self.read {
            let resources = Resources {
                guests: Resources::dated(self.guests.clone(), None, moment),
                nodes: self.nodes.clone(),
                storages: self.storages.clone(),
                rejected: 0,
            };
            inventory.resources.record(moment, Ok(Arc::new(resources)));
        }
        inventory.tasks.record(moment, Ok(self.tasks.clone()));
        let cluster = ClusterStatus {
            quorate: self.quorate,
            ..ClusterStatus::default()
        };
        inventory.cluster.record(moment, Ok(cluster));
        let link = Link {
            state: self.link.clone(),
            ..Link::default()
        };
        let limits = usual();
        let violations: BTreeMap<_, Vec<StandingViolation>> = self
            .guests
            .iter()
            .map(|guest| {
                let standing = self
                    .tracker
                    .observe(guest, Some(&guest.figures), &limits, moment);
                (guest.vmid, standing)
            })
            .collect();
        let wall = self.wall();
        self.book.look(&Situation {
            now: Now { moment, wall },
            inventory: &inventory,
            link: &link,
            violations: &violations,
            projects: &self.projects,
            failed_tasks: &self.failed,
            brackets: &self.brackets,
            certificates: &self.certificates,
            token_ends: self.token_ends,
            throttles: &self.throttles,
            fences: &self.fences,
            failing_channels: &self.channels,
        })
    }

    /// Lists the alerts as a pager would.
    fn standing(&self) -> Vec<String> {
        let standing = self.book.standing();
        let lines = standing.iter().map(|each| {
            format!(
                "{} {} {}{}",
                each.alert.severity.as_str(),
                each.alert.kind.as_str(),
                each.alert,
                if each.acknowledgement.is_some() {
                    " (ack)"
                } else {
                    ""
                }
            )
        });
        lines.collect()
    }

    fn key(&self) -> AlertKey {
        self.book.standing()[0].key.clone()
    }

    fn acknowledge(&mut self) {
        let (key, at) = (self.key(), self.wall());
        assert!(self.book.acknowledge(&key, "ops", "ticket 4711", at));
    }

    /// Ends this run; the next one has what was written down.
    fn restart(&mut self) {
        let at = self.wall();
        let mut memory = Memory::new();
        if let Some(changes) = self.book.changes(at) {
            changes.write_into(&mut memory, at);
        }
        self.book = AlertBook::with_memory(memory);
    }
}

const NONE: [&str; 0] = [];

fn node(name: &str, state: NodeState) -> Node {
    Node {
        name: name.parse().unwrap(),
        state,
        cpu: None,
        max_cpu: None,
        memory: None,
        max_memory: None,
        disk: None,
        max_disk: None,
        uptime: None,
    }
}

fn storage(name: &str, node: &str, percent: u64) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: node.parse().unwrap(),
        shared: false,
        plugin: None,
        content: None,
        available: true,
        used: Some(percent),
        size: Some(100),
    }
}

/// A guest whose processor is as busy as this.
fn busy(number: u64, cpu: f64) -> Guest {
    Guest {
        figures: Figures {
            cpu: Some(cpu),
            ..Figures::default()
        },
        ..guest(number)
    }
}

/// A task that began so many seconds before [`now`], as the server names it.
fn task(kind: &str, id: &str, ago: i64, exit: Option<&str>) -> Task {
    let started = now().timestamp() - ago;
    Task {
        upid: format!(
            "UPID:pve1:00000001:{:08X}:{started:08X}:{kind}:{id}:ops@pve:",
            ago.unsigned_abs()
        )
        .parse()
        .unwrap(),
        ended: exit.map(|_| now() - TimeDelta::seconds(ago - 1)),
        state: match exit {
            Some(exit) => proxdeck::domain::task::TaskState::from_exit(exit),
            None => proxdeck::domain::task::TaskState::Running,
        },
    }
}

fn project(resource: Resource, used: f64, quota: f64, projected: Option<f64>) -> ProjectStanding {
    let amount = |value| Amount::new(value, Certainty::Exact);
    let quota = Quota::at_most(quota).unwrap();
    let usage = ResourceUsage::new(resource, amount(used), quota);
    let ahead = amount(projected.unwrap_or(used));
    ProjectStanding {
        project: "alpha".into(),
        window: Window::Month,
        period: Period::of(Window::Month, now(), Tz::UTC),
        usage: vec![usage],
        ahead: vec![Projection {
            used: ahead,
            tier: ResourceUsage::new(resource, ahead, quota).tier,
            full_in: None,
        }],
        coverage: Coverage::default(),
        guests: 1,
        unread: 0,
    }
}

#[test]
fn a_quiet_cluster_has_no_alerts() {
    let mut desk = Desk::new();
    assert!(!desk.look(0));
    assert_eq!(desk.standing(), NONE);
}

#[test]
fn a_limit_that_is_broken_for_long_enough_is_an_alert_that_begins_when_it_was_broken() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.guests = vec![busy(104, 0.97)];
    assert!(!desk.look(5), "it has not lasted");
    assert!(desk.look(30));
    assert_eq!(
        desk.standing(),
        ["critical CpuExceeded 104 agent-104 CPU 97 % > 90 %"]
    );
    let since = desk.book.standing()[0].since;
    assert_eq!(desk.wall() - since, TimeDelta::seconds(30));
    assert!(!desk.look(5), "it rings once");
}

#[test]
fn what_was_there_before_anybody_looked_rings_no_bell_and_may_be_older() {
    let mut desk = Desk::new();
    desk.nodes[1].state = NodeState::Offline;
    assert!(!desk.look(0));
    assert_eq!(
        desk.standing(),
        ["critical NodeOffline node pve2 does not answer"]
    );
    assert!(desk.book.standing()[0].perhaps_earlier);
}

#[test]
fn a_node_s_alert_stands_for_those_of_its_guests_and_storages() {
    let mut desk = Desk::new();
    desk.look(0);
    let mut far = guest(105);
    far.node = "pve2".parse().unwrap();
    far.status = Status::IoError;
    desk.guests.push(far);
    desk.storages = vec![storage("local", "pve2", 99), storage("local", "pve1", 90)];
    desk.look(5);
    assert_eq!(desk.standing().len(), 3);
    desk.nodes[1].state = NodeState::Offline;
    desk.guests[1].status = Status::Unknown;
    assert!(desk.look(5));
    desk.look(300);
    assert_eq!(
        desk.standing(),
        [
            "critical NodeOffline node pve2 does not answer: 1 guest shown as last seen",
            "warning StorageFull storage local on pve1 90 % full",
        ]
    );
    // They are no news when the node is back.
    desk.nodes[1].state = NodeState::Online;
    desk.guests[1].status = Status::IoError;
    assert!(!desk.look(5));
    desk.look(61);
    assert_eq!(desk.book.counts().critical, 2);
}

#[test]
fn every_source_has_its_severity() {
    let mut desk = Desk::new();
    desk.look(0);
    let mut failed = guest(105);
    failed.status = Status::InternalError;
    let mut paused = guest(106);
    paused.status = Status::Paused;
    let mut locked = guest(107);
    locked.lock = Some("snapshot".into());
    desk.guests.extend([failed, paused, locked]);
    desk.storages = vec![
        storage("a", "pve1", 95),
        storage("b", "pve1", 85),
        storage("c", "pve1", 84),
    ];
    desk.quorate = Some(false);
    desk.projects = vec![project(Resource::CpuHours, 612.0, 400.0, None)];
    desk.failed = BTreeMap::from([(
        "pve1".parse().unwrap(),
        vec![task("qmstart", "121", HOUR, Some("no space left"))],
    )]);
    let old = described("br-old", 8 * DAY, "proxdeck: bracket 7f3a91c2");
    desk.brackets = find_all([(guest_ref(104), Some(&list([old])))]);
    let ends = now() + TimeDelta::days(9);
    desk.certificates = BTreeMap::from([("pve1".parse().unwrap(), ends)]);
    desk.token_ends = Some(now() - TimeDelta::days(1));
    desk.channels = vec![FailingChannel {
        name: "ops".into(),
        reason: "status 500".into(),
        since: now(),
    }];
    desk.look(5);
    desk.look(20 * 60);
    assert_eq!(
        desk.standing(),
        [
            "critical GuestFailed 105 agent-105 stands still: QEMU failed (internal-error)",
            "critical QuorumLost cluster has no quorum: nothing can be changed",
            "critical QuotaExceeded alpha cpu_hours 153 % of its quota used: emergency",
            "critical StorageFull storage a on pve1 95 % full",
            "warning GuestLocked 107 agent-107 is locked (snapshot) without a task",
            "warning GuestPaused 106 agent-106 is paused, and no task says who paused it",
            "warning StorageFull storage b on pve1 85 % full",
            "warning NotificationFails notify ops the last message did not get through: status 500",
            "warning TaskFailed 121 failed qmstart: no space left",
            "warning BracketOld bracket old@7f3a91c2 of 1 guest is 8 days old, and no retention deletes it",
            "warning CertificateExpires node pve1 its certificate ends in 8 days, on 2026-12-02",
            "warning TokenExpires API token it ended on 2026-11-22",
        ]
    );
}

#[test]
fn while_the_server_does_not_answer_nothing_else_begins_or_ends() {
    let mut desk = Desk::new();
    desk.nodes[1].state = NodeState::Offline;
    desk.look(0);
    let failure = Failure::new(FailureKind::Unreachable, "connection refused");
    desk.link = LinkState::Down {
        failure: Box::new(failure),
        since: desk.moment(),
        retry: desk.moment(),
    };
    desk.nodes[1].state = NodeState::Online;
    assert!(desk.look(40));
    desk.look(4_000);
    assert_eq!(desk.standing().len(), 2, "{:?}", desk.standing());
    assert!(
        desk.standing()
            .iter()
            .any(|line| line.starts_with("critical LinkDown cluster"))
    );
    desk.link = LinkState::Up;
    desk.look(5);
    desk.look(61);
    assert_eq!(desk.standing(), NONE);
}

#[test]
fn what_a_backup_or_a_migration_explains_is_not_raised() {
    for (lock, work) in [
        (Some("backup"), None),
        (Some("migrate"), None),
        (None, Some("qmigrate")),
    ] {
        let mut desk = Desk::new();
        desk.look(0);
        let mut guest = busy(104, 0.99);
        guest.figures.uptime = Some(Duration::from_hours(26));
        guest.lock = lock.map(Into::into);
        desk.guests = vec![guest];
        desk.tasks = work
            .map(|kind| task(kind, "104", 60, None))
            .into_iter()
            .collect();
        desk.look(5);
        desk.look(60);
        assert_eq!(
            desk.standing(),
            ["warning RuntimeExceeded 104 agent-104 runtime 26 h > 24 h"],
            "{lock:?} {work:?}: how long it runs is no matter of load"
        );
    }
}

#[test]
fn a_guest_that_a_person_paused_is_no_alert_and_one_that_paused_by_itself_is() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.guests[0].status = Status::Paused;
    desk.tasks = vec![task("qmpause", "104", 30, Some("OK"))];
    desk.look(5);
    desk.look(120);
    assert_eq!(desk.standing(), NONE);
    // It was resumed since, so that this pause is another.
    desk.tasks
        .insert(0, task("qmresume", "104", -100, Some("OK")));
    desk.look(5);
    assert_eq!(
        desk.standing(),
        NONE,
        "what a task has just let go of may still be told as paused"
    );
    assert!(desk.look(60));
    assert_eq!(desk.standing().len(), 1);
}

#[test]
fn a_lock_is_stuck_after_a_quarter_of_an_hour_without_a_task() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.guests[0].lock = Some("snapshot-delete".into());
    desk.look(5);
    desk.look(14 * 60);
    assert_eq!(desk.standing(), NONE);
    desk.tasks = vec![task("qmdelsnapshot", "104", 60, None)];
    desk.look(600);
    assert_eq!(desk.standing(), NONE, "a task is at work");
    desk.tasks.clear();
    desk.look(5);
    assert!(desk.look(15 * 60));
    assert_eq!(desk.standing().len(), 1);
}

#[test]
fn a_lock_is_as_old_as_the_end_of_the_task_that_left_it() {
    let mut desk = Desk::new();
    desk.guests[0].lock = Some("snapshot-delete".into());
    desk.tasks = vec![task(
        "qmdelsnapshot",
        "104",
        2_400,
        Some("received interrupt"),
    )];
    desk.look(0);
    assert_eq!(
        desk.standing(),
        ["warning GuestLocked 104 agent-104 is locked (snapshot-delete) without a task"]
    );
    // A guest that is suspended to disk is locked for as long as it likes.
    desk.guests[0].lock = Some("suspended".into());
    desk.look(5);
    desk.look(4_000);
    assert_eq!(desk.standing(), NONE);
}

#[test]
fn five_equal_failures_are_one_alert_and_consoles_and_stopped_tasks_none() {
    let mut desk = Desk::new();
    desk.look(0);
    let failed = |count: i64| {
        let mut tasks: Vec<Task> = (0..count)
            .map(|index| task("vzdump", "", HOUR + index, Some("job errors")))
            .collect();
        tasks.push(task("vncproxy", "104", 30, Some("connection timed out")));
        tasks.push(task("qmclone", "100", 30, Some("received interrupt")));
        tasks.push(task("qmstart", "104", 3 * DAY, Some("long ago")));
        BTreeMap::from([("pve1".parse().unwrap(), tasks)])
    };
    desk.failed = failed(4);
    desk.look(5);
    assert_eq!(desk.standing().len(), 4);
    desk.failed = failed(5);
    desk.look(5);
    desk.look(61);
    assert_eq!(
        desk.standing(),
        ["warning TaskFailed 5 tasks failed vzdump: job errors"]
    );
}

#[test]
fn a_storage_that_wavers_about_its_threshold_is_one_alert() {
    let mut desk = Desk::new();
    desk.look(0);
    let rings: Vec<bool> = [84, 85, 84, 83, 85, 84]
        .into_iter()
        .map(|percent| {
            desk.storages = vec![storage("a", "pve1", percent)];
            desk.look(90)
        })
        .collect();
    assert_eq!(rings, [false, true, false, false, false, false]);
    assert_eq!(desk.standing().len(), 1);
    desk.storages = vec![storage("a", "pve1", 82)];
    desk.look(90);
    assert_eq!(desk.standing(), NONE);
}

#[test]
fn what_comes_and_goes_within_a_minute_is_one_alert_and_rings_once() {
    let mut desk = Desk::new();
    desk.look(0);
    let mut rings = 0;
    for round in 0..20 {
        desk.nodes[1].state = if round % 2 == 0 {
            NodeState::Offline
        } else {
            NodeState::Online
        };
        rings += u32::from(desk.look(20));
        assert_eq!(desk.standing().len(), 1, "round {round}");
    }
    assert_eq!(rings, 1);
}

#[test]
fn what_gets_worse_is_news_and_no_longer_in_hand() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.projects = vec![project(Resource::CpuHours, 410.0, 400.0, None)];
    assert!(desk.look(5));
    assert_eq!(
        desk.standing(),
        ["warning QuotaExceeded alpha cpu_hours 102 % of its quota used: warning"]
    );
    desk.acknowledge();
    assert!(!desk.look(5));
    desk.projects = vec![project(Resource::CpuHours, 450.0, 400.0, None)];
    assert!(desk.look(5), "throttled now");
    assert_eq!(
        desk.standing(),
        ["warning QuotaExceeded alpha cpu_hours 112 % of its quota used: throttle"]
    );
}

#[test]
fn a_budget_that_will_not_last_is_a_warning_until_it_is_spent() {
    let mut desk = Desk::new();
    desk.projects = vec![project(Resource::CpuHours, 368.0, 400.0, Some(488.0))];
    desk.look(0);
    assert_eq!(
        desk.standing(),
        [
            "warning QuotaProjected alpha cpu_hours 122 % of its quota at the end of the window, \
             if it goes on like this"
        ]
    );
    desk.projects = vec![project(Resource::CpuHours, 401.0, 400.0, Some(488.0))];
    desk.look(5);
    desk.look(61);
    assert_eq!(
        desk.standing(),
        ["warning QuotaExceeded alpha cpu_hours 100 % of its quota used: warning"]
    );
}

#[test]
fn an_acknowledged_alert_sinks_until_it_ends_or_eight_hours_have_passed() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.nodes[1].state = NodeState::Offline;
    desk.storages = vec![storage("a", "pve1", 90)];
    desk.look(5);
    desk.acknowledge();
    assert_eq!(
        desk.standing(),
        [
            "warning StorageFull storage a on pve1 90 % full",
            "critical NodeOffline node pve2 does not answer (ack)",
        ]
    );
    let counts = desk.book.counts();
    assert_eq!(
        (counts.critical, counts.warning, counts.acknowledged),
        (0, 1, 1)
    );
    desk.look(8 * 3_600 - 10);
    assert_eq!(desk.book.counts().acknowledged, 1);
    assert!(!desk.look(20), "it is no news that it still stands");
    assert_eq!(desk.book.counts().acknowledged, 0);
    assert_eq!(desk.book.counts().critical, 1);
}

#[test]
fn an_acknowledgement_survives_a_restart_and_ends_with_its_alert() {
    let mut desk = Desk::new();
    desk.look(0);
    desk.nodes[1].state = NodeState::Offline;
    desk.look(5);
    desk.acknowledge();
    let since = desk.book.standing()[0].since;
    desk.restart();
    desk.look(3_600);
    let standing = desk.book.standing();
    let word = standing[0].acknowledgement.unwrap();
    assert_eq!(
        (word.by.as_str(), word.note.as_str()),
        ("ops", "ticket 4711")
    );
    assert_eq!(standing[0].since, since, "it is as old as it was");
    assert!(!standing[0].perhaps_earlier);
    desk.nodes[1].state = NodeState::Online;
    desk.look(5);
    desk.look(61);
    desk.restart();
    desk.nodes[1].state = NodeState::Offline;
    desk.look(5);
    assert_eq!(desk.book.counts().acknowledged, 0, "another outage");
}

#[test]
fn two_programs_on_one_machine_keep_each_other_s_acknowledgements() {
    let mut file = Memory::new();
    let at = now();
    let (mut first, mut second) = (Desk::new(), Desk::new());
    for desk in [&mut first, &mut second] {
        desk.nodes[1].state = NodeState::Offline;
        desk.look(0);
    }
    first.acknowledge();
    first.book.changes(at).unwrap().write_into(&mut file, at);
    second.book.changes(at).unwrap().write_into(&mut file, at);
    second.book.learn(file.clone());
    assert_eq!(second.book.counts().acknowledged, 1);
    let key = second.key();
    assert!(second.book.put_back(&key, at));
    second.book.changes(at).unwrap().write_into(&mut file, at);
    assert!(file.values().all(|known| known.acknowledgement.is_none()));
}

#[test]
fn what_one_program_takes_back_is_not_brought_back_by_another_that_still_knows_it() {
    let mut file = Memory::new();
    let (mut first, mut second) = (Desk::new(), Desk::new());
    for desk in [&mut first, &mut second] {
        desk.nodes[1].state = NodeState::Offline;
        desk.look(0);
    }
    let at = now();
    first.acknowledge();
    first.book.changes(at).unwrap().write_into(&mut file, at);
    second.book.changes(at).unwrap().write_into(&mut file, at);
    second.book.learn(file.clone());
    let key = second.key();
    assert!(second.book.put_back(&key, at));
    second.book.changes(at).unwrap().write_into(&mut file, at);
    // The first writes down that the alert still stands, and what it knows of it.
    first.look(3601);
    let later = at + TimeDelta::seconds(3601);
    first
        .book
        .changes(later)
        .unwrap()
        .write_into(&mut file, later);
    assert_eq!(file[&key].acknowledgement, None);
    first.book.learn(file.clone());
    assert_eq!(first.book.counts().acknowledged, 0);
    // A new word counts again, for everybody.
    first.acknowledge();
    first
        .book
        .changes(later)
        .unwrap()
        .write_into(&mut file, later);
    second.book.learn(file.clone());
    assert_eq!(second.book.counts().acknowledged, 1);
}

#[test]
fn before_anything_is_read_nothing_is_said() {
    let mut desk = Desk::new();
    desk.read = false;
    desk.quorate = None;
    desk.look(0);
    assert_eq!(desk.standing(), NONE);
    // The first real look is still the first.
    desk.read = true;
    desk.nodes[1].state = NodeState::Offline;
    assert!(!desk.look(5));
}

#[test]
fn a_throttle_that_cannot_be_read_and_guests_made_past_one_are_alerts() {
    let mut desk = Desk::new();
    let throttled = |comment: &str, made_since| ThrottledProject {
        project: "alpha".into(),
        pool: "alpha".parse().unwrap(),
        found: find(comment),
        made_since,
    };
    desk.throttles = vec![throttled("[proxdeck throttled by Eve]", Vec::new())];
    desk.look(0);
    let lines = desk.standing();
    assert!(
        lines[0].starts_with("warning ThrottleUnreadable pool alpha the throttle cannot be read"),
        "{lines:?}"
    );
    let marker = "[proxdeck throttled 2026-11-23T08:10:00Z cpu_hours tier=throttle]";
    desk.throttles = vec![throttled(marker, vec![guest_ref(104)])];
    desk.look(5);
    desk.look(61);
    assert_eq!(
        desk.standing(),
        [
            "warning ThrottleBypassed 104 agent-104 was made elsewhere although alpha has been \
             throttled since 2026-11-23 08:10Z"
        ]
    );
}

fn fenced(fence: Fence) -> Reality {
    Reality {
        fence,
        open_cards: Vec::new(),
        warnings: Vec::new(),
        way_back: None,
    }
}

#[test]
fn a_fence_that_differs_or_leaks_is_an_alert_and_one_that_holds_is_none() {
    let mut watch = Desk::new();
    watch.guests = vec![guest(105), guest(106), guest(107)];
    let vmid = |number| Vmid::new(number).unwrap();
    let drifted = Fence::Drifted {
        profile: "api_access".into(),
        differences: ["policy_out", "net0", "rule 3", "rule 4"]
            .map(Into::into)
            .into(),
    };
    let mut open = fenced(Fence::Kept("api_access".into()));
    open.open_cards = vec!["net1".into()];
    open.warnings = vec![Warning::OpenCard("net1".into())];
    watch.fences = BTreeMap::from([
        (vmid(105), fenced(drifted)),
        (vmid(106), open),
        (vmid(107), fenced(Fence::Kept("api_access".into()))),
    ]);
    watch.look(10);
    let standing = watch.standing().join("\n");
    assert!(
        standing.contains(
            "differs from its network profile api_access: policy_out, net0, rule 3 and 1 more"
        ),
        "{standing}"
    );
    assert!(
        standing.contains("is not fenced: net1 without firewall=1"),
        "{standing}"
    );
    assert_eq!(watch.standing().len(), 2, "{standing}");

    // One that cannot be read just now neither ends the alert nor raises one.
    watch
        .fences
        .insert(vmid(105), fenced(Fence::Unknown("timeout".into())));
    watch.look(10);
    assert_eq!(watch.standing().len(), 2);
    watch
        .fences
        .insert(vmid(105), fenced(Fence::Kept("api_access".into())));
    watch.fences.insert(vmid(106), fenced(Fence::None));
    watch.look(10);
    watch.look(600);
    assert_eq!(watch.standing(), NONE);
}

#[test]
fn a_datacenter_without_firewall_is_one_alert_for_all_fences() {
    let mut watch = Desk::new();
    watch.guests = vec![guest(105), guest(106), guest(107)];
    let off = |fence| Reality {
        warnings: vec![Warning::ClusterSwitchOff],
        ..fenced(fence)
    };
    let vmid = |number| Vmid::new(number).unwrap();
    watch.fences = BTreeMap::from([
        (vmid(105), off(Fence::Kept("api_access".into()))),
        (vmid(106), off(Fence::Kept("api_access".into()))),
        (vmid(107), off(Fence::None)),
    ]);
    watch.look(10);
    let standing = watch.standing();
    assert_eq!(standing.len(), 1, "{standing:?}");
    assert!(
        standing[0].contains("the fences of 2 guests are open"),
        "{standing:?}"
    );
}
