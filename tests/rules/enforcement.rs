//! What is done about projects over their budgets: tiers, throttles, shutdowns, and who is spared.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::enforcement::{
    Action, CriticalTags, EnforcementPlan, EnforcementRules, Member, ProjectCase, Sighting,
    may_act_alone, next_sighting, plan,
};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Resources, Storage};
use proxdeck::domain::operation::Operation;
use proxdeck::domain::project::{Membership, Project, Quota, Resource, Window};
use proxdeck::domain::quota::{Amount, Certainty, Use};
use proxdeck::domain::request::EnforceRequest;
use proxdeck::domain::text::Text;
use proxdeck::domain::throttle::{Found, MarkedTier, Marker, find};
use proxdeck::domain::usage::{Coverage, Period, ProjectStanding, ProjectUse};

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

pub(crate) fn project(name: &str) -> Project {
    let mut project = Project::new(name, Membership::Pool(name.parse().unwrap())).unwrap();
    project.window = Window::Days7;
    project.notify = vec!["team".to_owned()];
    project
}

pub(crate) fn guest(vmid: u64) -> Guest {
    Guest {
        vmid: Vmid::new(vmid).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(Text::new(format!("g{vmid}"))),
        status: Status::Running,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: None,
        ha_state: None,
        figures: Figures {
            uptime: Some(Duration::from_hours(5)),
            max_memory: Some(1 << 30),
            ..Figures::default()
        },
    }
}

fn tagged(vmid: u64, tags: &[&str]) -> Guest {
    Guest {
        tags: tags.iter().map(|tag| Text::from(*tag)).collect(),
        ..guest(vmid)
    }
}

pub(crate) fn cpu(hours: f64, certainty: Certainty) -> Use {
    let exact = Amount::new(0.0, Certainty::Exact);
    Use {
        cpu_hours: Amount::new(hours, certainty),
        memory_gb_hours: exact,
        storage_gb: exact,
        network_gb: exact,
    }
}

pub(crate) fn standing(project: &Project, used: Use) -> ProjectStanding {
    let used = ProjectUse {
        used,
        coverage: Coverage::default(),
    };
    let period = Period::of(project.window, now(), Tz::UTC);
    ProjectStanding::of(project, &used, period, 3)
}

pub(crate) fn marker(tier: MarkedTier, hours_ago: i64) -> Found {
    let since = now() - TimeDelta::hours(hours_ago);
    Found::One(Marker::new(since, [Resource::CpuHours], tier).unwrap())
}

/// Writes a plan as lines: steps, guests left alone, notes.
fn lines(plan: &EnforcementPlan) -> Vec<String> {
    let mut lines = Vec::new();
    for project in plan.projects() {
        let name = project.project().name();
        for step in project.steps() {
            let what = match &step.action {
                Action::Shutdown(shutdown) => format!("shutdown {}", shutdown.guest.vmid),
                Action::Throttle(marker) => format!("throttle {}", marker.tier().tier()),
                Action::Notify(channels) => format!("notify {}", channels.join("+")),
                Action::Warn | Action::Unthrottle => step.action.as_str().to_owned(),
            };
            lines.push(format!("{name} {what}: {}", step.reason));
        }
        for left in project.left_alone() {
            lines.push(format!("{name} leaves {}: {}", left.guest.vmid, left.why));
        }
        for note in project.notes() {
            lines.push(format!("{name} notes: {note}"));
        }
    }
    lines
}

/// Plans one project of 100 core-hours.
fn plan_of(used: Use, throttle: Found, guests: &[Guest], rules: &EnforcementRules) -> Vec<String> {
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, used);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(throttle),
        members: guests.iter().map(|it| Member::new(it, true)).collect(),
    };
    lines(&plan(&[case], rules, None, now()))
}

fn actions(hours: f64, quota: Option<f64>) -> Vec<&'static str> {
    let mut project = project("alpha");
    project.budget.cpu_hours = quota.map_or(Quota::Unlimited, |it| Quota::at_most(it).unwrap());
    let standing = standing(&project, cpu(hours, Certainty::Exact));
    let running = guest(101);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(Found::None),
        members: vec![Member::new(&running, true)],
    };
    let plan = plan(&[case], &EnforcementRules::default(), None, now());
    plan.steps().map(|(_, step)| step.action.as_str()).collect()
}

#[test]
fn the_severity_decides_what_is_done() {
    let throttle: &[&str] = &["throttle", "notify"];
    let emergency: &[&str] = &["throttle", "shutdown", "notify"];
    for (hours, quota, wanted) in [
        (99.0, Some(100.0), &[][..]),
        (100.0, Some(100.0), &[]),
        (100.5, Some(100.0), &["warn"]),
        (109.99, Some(100.0), &["warn"]),
        (110.0, Some(100.0), throttle),
        (149.99, Some(100.0), throttle),
        (150.0, Some(100.0), emergency),
        (1e9, Some(100.0), emergency),
        (0.0, Some(0.0), &[]),
        (0.1, Some(0.0), throttle),
        (1e9, Some(0.0), throttle),
        (1e9, None, &[]),
    ] {
        assert_eq!(actions(hours, quota), wanted, "{hours} of {quota:?}");
    }
}

#[test]
fn an_emergency_is_marked_then_guests_go_down_then_everybody_is_told() {
    let told = plan_of(
        cpu(160.0, Certainty::Estimated),
        Found::None,
        &[guest(101)],
        &EnforcementRules::default(),
    );
    assert_eq!(
        told,
        [
            "alpha throttle emergency: cpu_hours ~160 of 100 core-hours (+60 %)",
            "alpha shutdown 101: cpu_hours unknown; snapshot with RAM first",
            "alpha notify administrators+team: emergency; was ok",
        ]
    );
}

#[test]
fn what_the_throttle_holds_already_is_not_done_again() {
    let rules = EnforcementRules::default();
    let steps = |hours, found| plan_of(cpu(hours, Certainty::Exact), found, &[], &rules);
    let nothing: [&str; 0] = [];
    assert_eq!(steps(120.0, marker(MarkedTier::Throttle, 1)), nothing);
    assert_eq!(steps(160.0, marker(MarkedTier::Emergency, 1)), nothing);
    assert_eq!(
        steps(160.0, marker(MarkedTier::Throttle, 1)),
        [
            "alpha throttle emergency: cpu_hours 160 of 100 core-hours (+60 %); was throttle",
            "alpha notify administrators+team: emergency; was throttle",
        ]
    );
    assert_eq!(
        steps(120.0, marker(MarkedTier::Emergency, 1)),
        [
            "alpha throttle throttle: cpu_hours 120 of 100 core-hours (+20 %); was emergency",
            "alpha notify team: throttle; was emergency",
        ]
    );
    assert_eq!(
        steps(99.0, marker(MarkedTier::Emergency, 1)),
        [
            "alpha unthrottle: back under the quota: cpu_hours 99 of 100 core-hours",
            "alpha notify team: ok; was emergency",
        ]
    );
}

#[test]
fn a_use_that_is_still_over_the_quota_lifts_no_throttle() {
    let rules = EnforcementRules::default();
    let steps = |found| plan_of(cpu(105.0, Certainty::Exact), found, &[], &rules);
    assert_eq!(
        steps(marker(MarkedTier::Throttle, 1)),
        [
            "alpha warn: cpu_hours 105 of 100 core-hours (+5 %)",
            "alpha notes: still over its quota: the throttle stays",
        ]
    );
    assert_eq!(
        steps(marker(MarkedTier::Emergency, 1))[1..3],
        [
            "alpha throttle throttle: cpu_hours 105 of 100 core-hours (+5 %); was emergency",
            "alpha notify team: throttle; was emergency",
        ]
    );
}

#[test]
fn a_throttle_that_cannot_be_read_binds_and_is_mended_or_lifted() {
    let rules = EnforcementRules::default();
    let odd = || find("[proxdeck throttled by Eve]");
    let over = plan_of(cpu(120.0, Certainty::Exact), odd(), &[], &rules);
    assert!(over[0].starts_with("alpha throttle throttle: "), "{over:?}");
    assert!(over[1].contains("cannot be read"), "{over:?}");
    assert_eq!(over.len(), 2, "nothing new is told: {over:?}");
    let under = plan_of(cpu(1.0, Certainty::Exact), odd(), &[], &rules);
    assert!(under[0].starts_with("alpha unthrottle: "), "{under:?}");
    assert_eq!(under[1], "alpha notify team: ok; was throttle");
}

#[test]
fn a_lower_bound_under_the_quota_lifts_for_whoever_approves_and_says_so() {
    let rules = EnforcementRules::default();
    let found = marker(MarkedTier::Throttle, 1);
    assert_eq!(
        plan_of(cpu(50.0, Certainty::AtLeast), found, &[], &rules),
        [
            "alpha unthrottle: back under the quota: cpu_hours ≥50 of 100 core-hours",
            "alpha notify team: ok; was throttle",
        ]
    );
}

#[test]
fn what_is_not_known_leads_to_no_step_and_is_said() {
    let rules = EnforcementRules::default();
    let found = marker(MarkedTier::Throttle, 1);
    assert_eq!(
        plan_of(Use::UNKNOWN, found, &[guest(101)], &rules),
        ["alpha notes: no step: nothing is known of the use of cpu_hours"]
    );
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, cpu(500.0, Certainty::Exact));
    let running = guest(101);
    let mut case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Err("forbidden".to_owned()),
        members: vec![Member::new(&running, true)],
    };
    assert_eq!(
        lines(&plan(&[case.clone()], &rules, None, now())),
        [
            "alpha notes: no step: the comment of pool alpha, which holds the throttle, cannot be read: forbidden"
        ]
    );
    case.standing = Err("nobody knows when its month begins".to_owned());
    assert_eq!(
        lines(&plan(&[case], &rules, None, now())),
        ["alpha notes: no step: nobody knows when its month begins"]
    );
}

#[test]
fn the_least_critical_go_first_and_among_equals_the_heaviest_user() {
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, cpu(160.0, Certainty::Exact));
    let guests = [
        tagged(101, &["priority-high"]),
        tagged(102, &["Priority-LOW"]),
        tagged(103, &[]),
        tagged(104, &[]),
        tagged(105, &["priority-low"]),
        tagged(106, &["priority-low", "priority-high"]),
        tagged(107, &[]),
        tagged(108, &[]),
    ];
    let used = [90.0, 1.0, 5.0, 7.0, 3.0, 99.0, 5.0];
    let members: Vec<Member<'_>> = guests
        .iter()
        .enumerate()
        .map(|(index, guest)| Member {
            used: used
                .get(index)
                .map(|hours| cpu(*hours, Certainty::Estimated)),
            ..Member::new(guest, true)
        })
        .collect();
    let rules = EnforcementRules {
        max_shutdowns: 100,
        ..EnforcementRules::default()
    };
    let order = |members: Vec<Member<'_>>| -> Vec<u32> {
        let case = ProjectCase {
            project: &project,
            standing: Ok(&standing),
            throttle: Ok(Found::None),
            members,
        };
        let plan = plan(&[case], &rules, None, now());
        plan.shutdowns().map(|it| it.guest.vmid.get()).collect()
    };
    let wanted = [105, 102, 104, 103, 107, 108, 106, 101];
    assert_eq!(order(members.clone()), wanted);
    assert_eq!(order(members.into_iter().rev().collect()), wanted);
}

#[test]
fn whoever_is_spared_is_named_with_the_reason() {
    let guests = [
        Guest {
            template: true,
            ..guest(101)
        },
        Guest {
            status: Status::Stopped,
            ..guest(102)
        },
        Guest {
            status: Status::Paused,
            ..guest(103)
        },
        Guest {
            status: Status::Unknown,
            ..guest(104)
        },
        tagged(105, &["web", "Critical"]),
        Guest {
            lock: Some("backup".into()),
            ..guest(106)
        },
        Guest {
            ha_state: Some("request_stop".into()),
            ..guest(107)
        },
        guest(108),
        guest(109),
    ];
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, cpu(160.0, Certainty::Exact));
    let members = guests.iter().map(|it| Member {
        managed: it.vmid.get() != 108,
        task: (it.vmid.get() == 109).then_some("vzdump"),
        ..Member::new(it, true)
    });
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(marker(MarkedTier::Emergency, 1)),
        members: members.collect(),
    };
    assert_eq!(
        lines(&plan(&[case], &EnforcementRules::default(), None, now())),
        [
            "alpha leaves 101: a template",
            "alpha leaves 102: not running but stopped",
            "alpha leaves 103: not running but paused",
            "alpha leaves 104: its node does not answer",
            "alpha leaves 105: critical (tag Critical)",
            "alpha leaves 106: locked (backup)",
            "alpha leaves 107: its shutdown is requested already",
            "alpha leaves 108: not managed",
            "alpha leaves 109: a task of it is running (vzdump)",
        ]
    );
}

#[test]
fn a_guest_that_a_person_restarted_after_the_emergency_is_listed_and_left_alone() {
    let with_uptime = |vmid, minutes: Option<u64>| {
        let mut guest = guest(vmid);
        guest.figures.uptime = minutes.map(Duration::from_mins);
        guest
    };
    let guests = [
        with_uptime(101, Some(59)),
        with_uptime(102, Some(61)),
        with_uptime(103, None),
    ];
    let steps = |found| {
        let rules = EnforcementRules::default();
        plan_of(cpu(160.0, Certainty::Exact), found, &guests, &rules)
    };
    assert_eq!(
        steps(marker(MarkedTier::Emergency, 1)),
        [
            "alpha shutdown 102: cpu_hours unknown; snapshot with RAM first",
            "alpha leaves 101: restarted at 2026-11-27T11:01:00Z, after the emergency was marked",
            "alpha leaves 103: whether it was restarted after the emergency was marked is not known",
        ]
    );
    let fresh = steps(marker(MarkedTier::Throttle, 1));
    let downs = fresh.iter().filter(|line| line.contains("shutdown"));
    assert_eq!(downs.count(), 3, "a new emergency is about all: {fresh:?}");
}

#[test]
fn a_plan_shuts_down_no_more_than_the_limit_over_all_projects() {
    let projects = [project("alpha"), project("beta")].map(|mut project| {
        project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
        project
    });
    let standings = projects
        .each_ref()
        .map(|project| standing(project, cpu(160.0, Certainty::Exact)));
    let guests = [guest(101), guest(102), guest(103), guest(104)];
    let cases: Vec<ProjectCase<'_>> = projects
        .iter()
        .zip(&standings)
        .enumerate()
        .map(|(index, (project, standing))| ProjectCase {
            project,
            standing: Ok(standing),
            throttle: Ok(marker(MarkedTier::Emergency, 1)),
            members: guests[index * 2..index * 2 + 2]
                .iter()
                .map(|it| Member::new(it, true))
                .collect(),
        })
        .collect();
    let rules = EnforcementRules {
        max_shutdowns: 3,
        ..EnforcementRules::default()
    };
    let plan = plan(&cases, &rules, None, now());
    let down: Vec<u32> = plan.shutdowns().map(|it| it.guest.vmid.get()).collect();
    assert_eq!(down, [101, 102, 103]);
    assert_eq!(
        lines(&plan)[3],
        "beta leaves 104: beyond the 3 shutdowns of one run"
    );
}

fn storage(name: &str, size: u64, used: u64) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: "pve1".parse().unwrap(),
        shared: true,
        available: true,
        plugin: None,
        content: None,
        size: Some(size << 30),
        used: Some(used << 30),
    }
}

#[test]
fn the_snapshot_before_a_shutdown_is_left_out_where_it_would_do_harm() {
    let config = GuestConfig::new(
        [(
            "scsi0".to_owned(),
            Text::from("vmstore:vm-1-disk-0,size=8G"),
        )],
        None,
    );
    let snapshots = |free: u64, change: fn(&mut Member<'_>), guests: &[Guest], wish: bool| {
        let mut project = project("alpha");
        project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
        let standing = standing(&project, cpu(160.0, Certainty::Exact));
        let resources = Resources {
            storages: vec![storage("vmstore", 100, 100 - free)],
            ..Resources::default()
        };
        let members = guests.iter().map(|it| {
            let mut member = Member {
                config: Some(&config),
                ..Member::new(it, true)
            };
            change(&mut member);
            member
        });
        let case = ProjectCase {
            project: &project,
            standing: Ok(&standing),
            throttle: Ok(Found::None),
            members: members.collect(),
        };
        let rules = EnforcementRules {
            snapshot_first: wish,
            ..EnforcementRules::default()
        };
        let plan = plan(&[case], &rules, Some(&resources), now());
        let texts = plan.shutdowns().map(|it| it.snapshot.to_string());
        texts.collect::<Vec<String>>()
    };
    let one = [guest(101)];
    let container = [Guest {
        kind: GuestKind::Lxc,
        ..guest(150)
    }];
    assert_eq!(
        snapshots(50, |_| {}, &one, true),
        ["snapshot with RAM first"]
    );
    assert_eq!(snapshots(50, |_| {}, &container, true), ["snapshot first"]);
    assert_eq!(
        snapshots(50, |_| {}, &one, false),
        ["no snapshot: the config wants none"]
    );
    // Each needs 2.5 GiB, and 5 stay free: there is room for one.
    assert_eq!(
        snapshots(9, |_| {}, &[guest(101), guest(102)], true),
        [
            "snapshot with RAM first",
            "no snapshot: the RAM would need 5.0 GiB on storage vmstore, which would keep less than 5 % free"
        ]
    );
    assert_eq!(
        snapshots(4, |_| {}, &container, true),
        ["no snapshot: storage vmstore has less than 5 % free"]
    );
    let raw = |member: &mut Member<'_>| {
        member.refuses_snapshots = Some("its disks cannot be snapshotted".to_owned());
    };
    assert_eq!(
        snapshots(50, raw, &one, true),
        ["no snapshot: its disks cannot be snapshotted"]
    );
}

#[test]
fn an_emergency_of_storage_is_not_made_worse_by_snapshots() {
    let mut project = project("alpha");
    project.budget.storage_gb = Quota::at_most(10.0).unwrap();
    let used = Use {
        storage_gb: Amount::new(20.0, Certainty::Exact),
        ..cpu(0.0, Certainty::Exact)
    };
    let standing = standing(&project, used);
    let running = guest(101);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(Found::None),
        members: vec![Member::new(&running, true)],
    };
    let plan = plan(&[case], &EnforcementRules::default(), None, now());
    let shutdown = plan.shutdowns().next().unwrap();
    assert_eq!(
        shutdown.snapshot.to_string(),
        "no snapshot: it would add to storage_gb"
    );
}

#[test]
fn a_project_without_a_list_says_that_nobody_is_told() {
    let mut project = project("alpha");
    project.notify.clear();
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, cpu(120.0, Certainty::Exact));
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(Found::None),
        members: Vec::new(),
    };
    let plan = plan(&[case], &EnforcementRules::default(), None, now());
    assert_eq!(
        lines(&plan)[1],
        "alpha notes: nobody is told: the project has no notify list"
    );
}

/// Makes a plan in which guest 101 goes down.
fn emergency() -> EnforcementPlan {
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, cpu(160.0, Certainty::Exact));
    let running = guest(101);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(Found::None),
        members: vec![Member::new(&running, true)],
    };
    plan(&[case], &EnforcementRules::default(), None, now())
}

fn request(plan: EnforcementPlan) -> EnforceRequest {
    EnforceRequest {
        plan,
        cluster: "lab".to_owned(),
        shutdown_timeout_seconds: 180,
    }
}

#[test]
fn the_operation_announces_what_it_sends_and_needs() {
    let resources = Resources {
        guests: Resources::dated(
            vec![guest(101)],
            None,
            proxdeck::domain::time::Moment::default(),
        ),
        ..Resources::default()
    };
    let operation = request(emergency()).check(Some(&resources), None).unwrap();
    let calls: Vec<String> = operation.calls().iter().map(ToString::to_string).collect();
    assert_eq!(
        calls,
        [
            "PUT /pools  poolid=alpha  comment=… [proxdeck throttled 2026-11-27T12:00:00Z cpu_hours tier=emergency]",
            "POST /nodes/pve1/qemu/101/snapshot  snapname=av-20261127-1200  description=before enforcement shut the guest down  vmstate=1",
            "POST /nodes/pve1/qemu/101/status/shutdown  timeout=180",
        ]
    );
    let needs: Vec<String> = operation.needs().iter().map(ToString::to_string).collect();
    assert_eq!(
        needs,
        [
            "needs Pool.Allocate on /pool/alpha",
            "needs VM.Snapshot on /vms/101",
            "needs VM.PowerMgmt on /vms/101",
        ]
    );
    assert_eq!(operation.title(), "enforce 3 steps");
    assert!(matches!(operation, Operation::Enforce(_)));
}

#[test]
fn a_plan_by_a_wrong_clock_or_about_a_guest_that_changed_is_refused() {
    let mut other = guest(101);
    other.name = Some("other".into());
    let resources = |guest| Resources {
        guests: Resources::dated(vec![guest], None, proxdeck::domain::time::Moment::default()),
        ..Resources::default()
    };
    let request = request(emergency());
    let skew = |seconds| Some(TimeDelta::seconds(seconds));
    assert!(
        request
            .check(Some(&resources(guest(101))), skew(300))
            .is_ok()
    );
    assert!(
        request
            .check(Some(&resources(guest(101))), skew(301))
            .is_err()
    );
    assert!(request.check(Some(&resources(other)), None).is_err());
    assert!(request.check(None, None).is_err());
}

#[test]
fn a_plan_without_a_step_is_no_operation() {
    let none = plan(&[], &EnforcementRules::default(), None, now());
    let objections = request(none).check(None, None).unwrap_err();
    assert_eq!(objections[0].reason, "the plan has no step");
}

/// Judges a project of 100 core-hours at `now`, having been seen as `earlier`.
fn alone(
    used: Use,
    earlier: Option<&Sighting>,
    acts: bool,
    at: DateTime<Utc>,
) -> Result<(), String> {
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    let standing = standing(&project, used);
    let case = ProjectCase {
        project: &project,
        standing: Ok(&standing),
        throttle: Ok(Found::None),
        members: Vec::new(),
    };
    let plan = plan(&[case], &EnforcementRules::default(), None, at);
    may_act_alone(&plan.projects()[0], &standing, earlier, acts, at)
}

fn seen(used: Use, earlier: Option<&Sighting>, at: DateTime<Utc>) -> Option<Sighting> {
    let mut project = project("alpha");
    project.budget.cpu_hours = Quota::at_most(100.0).unwrap();
    next_sighting(earlier, &standing(&project, used), at)
}

#[test]
fn alone_it_acts_on_what_two_runs_ten_minutes_apart_saw_in_complete_figures() {
    let over = || cpu(120.0, Certainty::Exact);
    let later = |minutes| now() + TimeDelta::minutes(minutes);
    let reason = |result: Result<(), String>| result.unwrap_err();
    assert_eq!(
        reason(alone(over(), None, true, now())),
        "seen at throttle for the first time"
    );
    let first = seen(over(), None, now());
    assert_eq!(
        reason(alone(over(), first.as_ref(), true, later(9))),
        "seen at throttle less than 10 minutes ago for the first time"
    );
    let again = seen(over(), first.as_ref(), later(9));
    assert_eq!(alone(over(), again.as_ref(), true, later(10)), Ok(()));
    assert_eq!(alone(over(), first.as_ref(), true, later(10)), Ok(()));
    assert_eq!(
        reason(alone(over(), first.as_ref(), false, later(10))),
        "[enforcement] mode is not \"auto\""
    );
    for certainty in [Certainty::Estimated, Certainty::AtLeast] {
        assert_eq!(
            reason(alone(
                cpu(120.0, certainty),
                first.as_ref(),
                true,
                later(10)
            )),
            "its figures are not complete"
        );
    }
}

#[test]
fn another_tier_a_break_and_a_day_are_another_matter() {
    let over = || cpu(120.0, Certainty::Exact);
    let worse = || cpu(160.0, Certainty::Exact);
    let later = |minutes| now() + TimeDelta::minutes(minutes);
    let first = seen(over(), None, now());
    assert!(alone(worse(), first.as_ref(), true, later(20)).is_err());
    let risen = seen(worse(), first.as_ref(), later(20));
    assert!(alone(worse(), risen.as_ref(), true, later(29)).is_err());
    assert!(alone(worse(), risen.as_ref(), true, later(30)).is_ok());
    assert_eq!(
        seen(cpu(99.0, Certainty::Exact), first.as_ref(), later(5)),
        None
    );
    assert_eq!(
        seen(cpu(99.0, Certainty::AtLeast), first.as_ref(), later(5)),
        first,
        "what is not complete neither confirms nor denies"
    );
    assert!(alone(over(), first.as_ref(), true, later(24 * 60 + 1)).is_err());
    assert!(
        alone(over(), first.as_ref(), true, later(-5)).is_err(),
        "a clock that was set back"
    );
}

#[test]
fn a_second_look_that_hears_an_earlier_second_does_not_forget_the_first() {
    let over = || cpu(120.0, Certainty::Exact);
    let first = seen(over(), None, now());
    let again = seen(over(), first.as_ref(), now() - TimeDelta::seconds(1));
    assert_eq!(again, first);
    let later = now() + TimeDelta::minutes(10);
    assert_eq!(alone(over(), again.as_ref(), true, later), Ok(()));
}

#[test]
fn a_throttle_is_lifted_alone_on_complete_figures_at_once() {
    assert_eq!(alone(cpu(1.0, Certainty::Exact), None, true, now()), Ok(()));
    assert!(alone(cpu(1.0, Certainty::Estimated), None, true, now()).is_err());
}

#[test]
fn what_was_seen_is_remembered_as_json() {
    let sighting = seen(cpu(120.0, Certainty::Exact), None, now()).unwrap();
    let json = serde_json::to_string(&sighting).unwrap();
    assert_eq!(
        json,
        r#"{"tier":"throttle","first":"2026-11-27T12:00:00Z","last":"2026-11-27T12:00:00Z"}"#
    );
    assert_eq!(serde_json::from_str::<Sighting>(&json).unwrap(), sighting);
}

#[test]
fn without_critical_tags_nobody_is_critical() {
    let rules = EnforcementRules {
        critical: CriticalTags::new(Vec::new()),
        ..EnforcementRules::default()
    };
    let guests = [tagged(101, &["critical"])];
    let steps = plan_of(cpu(160.0, Certainty::Exact), Found::None, &guests, &rules);
    assert!(steps[1].starts_with("alpha shutdown 101"), "{steps:?}");
}
