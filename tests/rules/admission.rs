//! Whether a project takes new guests, and what remains of it when somebody overrides its throttle.

use chrono::{DateTime, Utc};
use pretty_assertions::assert_eq;
use proxdeck::domain::admission::{JoinedProject, Throttle, made_since};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::operation::{Operation, Stamp};
use proxdeck::domain::project::{Membership, Project, Projects, Resource};
use proxdeck::domain::request::{CloneContext, CloneRequest, Field, PoolChoice};
use proxdeck::domain::text::Text;
use proxdeck::domain::throttle::{MarkedTier, Marker};

use super::creation_world::{World, request, stamp, template};
use super::worlds::guest;

const ONE: &str = "the lab\n[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
const TWO: &str =
    "[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours,network_gb tier=emergency]\nby ops";

fn alpha() -> Project {
    Project::new("alpha", Membership::Pool("alpha-pool".parse().unwrap())).unwrap()
}

fn joined(throttle: Throttle) -> JoinedProject {
    JoinedProject::new(&alpha(), throttle)
}

fn said(comment: &str) -> JoinedProject {
    joined(Throttle::of(Ok(Some(&Text::from(comment)))))
}

fn forbidden() -> JoinedProject {
    let failure = Failure::new(FailureKind::Forbidden, "Permission check failed");
    joined(Throttle::of(Err(failure)))
}

/// What is known of the throttle, and why no guest comes in.
fn closed() -> Vec<(JoinedProject, &'static str)> {
    vec![
        (
            said(ONE),
            "alpha is throttled since 2026-11-27 08:10Z: cpu_hours over its quota (tier throttle)",
        ),
        (
            said(TWO),
            "alpha is throttled since 2026-11-27 08:10Z: cpu_hours, network_gb over their quotas (tier emergency)",
        ),
        (
            said("[proxdeck throttled yesterday]"),
            "alpha counts as throttled: the throttle cannot be read: \"[proxdeck throttled yesterday]\"",
        ),
        (
            forbidden(),
            "whether alpha is throttled is unknown: the comment of pool alpha-pool could not be read: \
             not allowed: Permission check failed",
        ),
    ]
}

fn in_project(project: &JoinedProject, overrides: bool) -> World {
    World::changed(|world| {
        world.project = Some(project.clone());
        world.request.overrides_throttle = overrides;
    })
}

#[test]
fn a_throttled_project_refuses_new_guests_and_says_why() {
    for (project, reason) in closed() {
        let refused = in_project(&project, false).check();
        assert_eq!(refused, Err(vec![(Field::Throttle, reason.to_owned())]));
    }
}

#[test]
fn whoever_overrides_a_throttle_gets_the_guest_and_it_stays_known() {
    for (project, reason) in closed() {
        let mut world = in_project(&project, true);
        let single = world.check().unwrap();
        assert_eq!(single.overridden_throttle(), Some(reason));
        assert_eq!(
            single.title(),
            "create agent-9 from agent (throttle overridden)"
        );
        world.request.count = "3".into();
        let several = world.check().unwrap();
        assert_eq!(several.overridden_throttle(), Some(reason));
        let Operation::Batch(batch) = &several else {
            panic!("{several:?}")
        };
        for each in batch.operations() {
            assert_eq!(each.overridden_throttle(), Some(reason));
        }
    }
}

#[test]
fn a_free_project_and_none_at_all_take_guests_and_nothing_is_overridden() {
    let prose = "see [proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
    let free = [said(""), said(prose), joined(Throttle::of(Ok(None)))];
    for overrides in [false, true] {
        for project in &free {
            let operation = in_project(project, overrides).check().unwrap();
            assert_eq!(operation.overridden_throttle(), None);
            assert_eq!(operation.title(), "create agent-9 from agent");
        }
        let alone = World::changed(|world| world.request.overrides_throttle = overrides);
        assert_eq!(alone.check().unwrap().overridden_throttle(), None);
    }
}

#[test]
fn what_nobody_has_read_yet_cannot_be_overridden() {
    let reason = "whether alpha is throttled is not read yet".to_owned();
    for overrides in [false, true] {
        let refused = in_project(&joined(Throttle::Unread), overrides).check();
        assert_eq!(refused, Err(vec![(Field::Throttle, reason.clone())]));
    }
}

#[test]
fn a_throttle_set_meanwhile_binds_unless_one_was_overridden() {
    let throttled = || said(ONE).throttle;
    let admission = said("").admit(false).unwrap();
    assert_eq!(admission.refusal(said("").throttle), None);
    let now = admission.refusal(throttled()).unwrap();
    assert!(now.starts_with("alpha is throttled since"), "{now}");
    let unread = admission.refusal(forbidden().throttle).unwrap();
    assert!(unread.starts_with("whether alpha is throttled"), "{unread}");
    let overridden = said(TWO).admit(true).unwrap();
    assert_eq!(overridden.refusal(throttled()), None);
}

fn projects() -> Projects {
    let webs = Membership::Match {
        pattern: "name:web-*".parse().unwrap(),
        marker_pool: "webs-pool".parse().unwrap(),
    };
    Projects::new(vec![alpha(), Project::new("webs", webs).unwrap()]).unwrap()
}

#[test]
fn new_guests_count_for_the_project_of_their_pool_or_their_names() {
    let projects = projects();
    let joins = |name: &str, count: &str, pool: Option<&str>| {
        let mut request = request();
        request.name = name.into();
        request.count = count.into();
        request.pool = pool.map(|pool| pool.parse().unwrap());
        let project = request.joins(&template(), &projects)?;
        Some(project.marker_pool().to_string())
    };
    for (name, count, pool, expected) in [
        ("agent", "1", None, None),
        ("agent", "1", Some("other"), None),
        ("agent", "1", Some("alpha-pool"), Some("alpha-pool")),
        ("web", "1", None, None),
        ("web", "2", None, Some("webs-pool")),
        ("web", "no number", None, None),
        ("web-1", "1", None, Some("webs-pool")),
        ("web-1", "1", Some("alpha-pool"), Some("alpha-pool")),
    ] {
        let found = joins(name, count, pool);
        assert_eq!(found.as_deref(), expected, "{name} {count} {pool:?}");
    }
}

#[test]
fn a_copy_counts_for_its_source_s_project_unless_it_goes_elsewhere() {
    let mut source = guest(104);
    source.pool = Some("alpha-pool".parse().unwrap());
    let mut request = CloneRequest {
        source: source.to_ref(),
        snapshot: None,
        kind: proxdeck::domain::operation::CopyKind::Full,
        name: "copy".into(),
        vmid: String::new(),
        pool: PoolChoice::OfSource,
        target: None,
        storage: None,
        description: String::new(),
        start: false,
        overrides_throttle: false,
    };
    let projects = projects();
    let project = said(ONE);
    let stamp: Stamp = stamp();
    let context = CloneContext {
        source: Some(&source),
        project: Some(&project),
        ..CloneContext::default()
    };
    let joins = |request: &CloneRequest| request.joins(&source, &projects).map(Project::name);
    assert_eq!(joins(&request), Some("alpha"));
    let objections = request.check(&context, &stamp).unwrap_err();
    assert_eq!(objections[0].field, Field::Throttle);
    request.overrides_throttle = true;
    let operation = request.check(&context, &stamp).unwrap();
    assert!(operation.overridden_throttle().is_some());
    assert!(operation.title().ends_with("as copy (throttle overridden)"));
    request.pool = PoolChoice::None;
    assert_eq!(joins(&request), None);
    request.name = "web-9".into();
    assert_eq!(joins(&request), Some("webs"));
}

#[test]
fn members_born_under_the_throttle_are_found_and_unknown_births_are_not_guessed() {
    let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
    let since = at("2026-11-27T08:10:31Z").unwrap();
    let marker = Marker::new(since, [Resource::CpuHours], MarkedTier::Throttle).unwrap();
    let members = [
        (101, at("2026-11-27T08:10:30Z")),
        (102, at("2026-11-27T08:10:31Z")),
        (103, at("2026-11-27T08:10:32Z")),
        (104, None),
        (105, at("2026-12-01T00:00:00Z")),
    ];
    assert_eq!(made_since(&marker, members), [103, 105]);
}
