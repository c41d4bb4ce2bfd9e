//! What holds of enforcement plans whatever projects and guests are like.

use std::time::Duration;

use proptest::prelude::*;
use proxdeck::domain::enforcement::{
    Action, EnforcementPlan, EnforcementRules, Member, ProjectCase, plan,
};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::project::{Project, Quota};
use proxdeck::domain::quota::{Certainty, Tier};
use proxdeck::domain::text::Text;
use proxdeck::domain::throttle::{Found, MarkedTier, find, lift, set};
use proxdeck::domain::usage::ProjectStanding;

use crate::enforcement::{cpu, guest, marker, now, project, standing};

/// A guest, whether it is managed, whether a task works on it, and what it used.
type Inmate = (Guest, bool, bool, Option<f64>);

/// A project as a model: its use, its comment, its guests.
#[derive(Debug, Clone)]
struct Model {
    project: Project,
    standing: ProjectStanding,
    comment: String,
    guests: Vec<Inmate>,
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        6 => Just(Status::Running),
        1 => Just(Status::Stopped),
        1 => Just(Status::Paused),
        1 => Just(Status::Unknown),
    ]
}

fn inmate() -> impl Strategy<Value = Inmate> {
    let tags = prop::sample::subsequence(
        vec!["critical", "priority-low", "priority-high", "web"],
        0..=2,
    );
    let lock = prop::option::weighted(0.2, Just("backup"));
    let uptime = prop::option::weighted(0.9, 0_u64..10_000);
    (
        (100_u64..120, status(), tags, lock, uptime),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        prop::option::of(0.0..100.0_f64),
    )
        .prop_map(
            |((vmid, status, tags, lock, uptime), managed, busy, used)| {
                let mut made = Guest {
                    status,
                    tags: tags.into_iter().map(Text::from).collect(),
                    lock: lock.map(Text::from),
                    ..guest(vmid)
                };
                made.figures.uptime = uptime.map(Duration::from_secs);
                (made, managed, busy, used)
            },
        )
}

fn comment() -> impl Strategy<Value = String> {
    let marked = |tier| set("ours", marker(tier, 1).marker().unwrap());
    prop_oneof![
        Just("ours".to_owned()),
        Just(marked(MarkedTier::Throttle)),
        Just(marked(MarkedTier::Emergency)),
        Just("[proxdeck throttled".to_owned()),
    ]
}

fn model() -> impl Strategy<Value = Vec<Model>> {
    let one = (
        prop_oneof![Just(None), Just(Some(0.0)), Just(Some(100.0))],
        0.0..300.0_f64,
        prop_oneof![
            Just(Certainty::Exact),
            Just(Certainty::Estimated),
            Just(Certainty::AtLeast)
        ],
        comment(),
        prop::collection::vec(inmate(), 0..8),
    );
    prop::collection::vec(one, 1..4).prop_map(|models| {
        models
            .into_iter()
            .enumerate()
            .map(|(index, (quota, hours, certainty, comment, guests))| {
                let mut project = project(&format!("p{index}"));
                project.budget.cpu_hours =
                    quota.map_or(Quota::Unlimited, |it| Quota::at_most(it).unwrap());
                let standing = standing(&project, cpu(hours, certainty));
                Model {
                    project,
                    standing,
                    comment,
                    guests,
                }
            })
            .collect()
    })
}

fn plan_of(models: &[Model], most: usize) -> EnforcementPlan {
    let cases: Vec<ProjectCase<'_>> = models
        .iter()
        .map(|model| ProjectCase {
            project: &model.project,
            standing: Ok(&model.standing),
            throttle: Ok(find(&model.comment)),
            members: model
                .guests
                .iter()
                .map(|(guest, managed, busy, used)| Member {
                    used: used.map(|hours| cpu(hours, Certainty::Exact)),
                    task: busy.then_some("vzdump"),
                    ..Member::new(guest, *managed)
                })
                .collect(),
        })
        .collect();
    let rules = EnforcementRules {
        max_shutdowns: most,
        ..EnforcementRules::default()
    };
    plan(&cases, &rules, None, now())
}

/// Does to the model what the plan says.
fn execute(plan: &EnforcementPlan, models: &mut [Model]) {
    for (project, model) in plan.projects().iter().zip(models) {
        for step in project.steps() {
            match &step.action {
                Action::Throttle(marker) => model.comment = set(&model.comment, marker),
                Action::Unthrottle => model.comment = lift(&model.comment),
                Action::Shutdown(shutdown) => {
                    for (guest, ..) in &mut model.guests {
                        if guest.vmid == shutdown.guest.vmid {
                            guest.status = Status::Stopped;
                        }
                    }
                }
                Action::Warn | Action::Notify(_) => {}
            }
        }
    }
}

proptest! {
    #[test]
    fn nobody_critical_unmanaged_or_busy_is_ever_named(models in model(), most in 0_usize..30) {
        let plan = plan_of(&models, most);
        prop_assert!(plan.shutdowns().count() <= most);
        for shutdown in plan.shutdowns() {
            let mut all = models.iter().flat_map(|model| &model.guests);
            let fits = all.any(|(guest, managed, busy, _)| {
                guest.vmid == shutdown.guest.vmid
                    && guest.is_running()
                    && *managed
                    && !*busy
                    && guest.lock.is_none()
                    && !guest.template
                    && !guest.tags.iter().any(|tag| tag.raw() == "critical")
            });
            prop_assert!(fits, "{shutdown:?}");
        }
    }

    #[test]
    fn only_an_emergency_shuts_down(models in model()) {
        for project in plan_of(&models, 30).projects() {
            let shuts = project.steps().iter().any(|step| matches!(step.action, Action::Shutdown(_)));
            prop_assert!(!shuts || project.tier() == Some(Tier::Emergency));
        }
    }

    #[test]
    fn after_a_complete_execution_no_step_is_named(models in model()) {
        let mut models = models;
        execute(&plan_of(&models, 100), &mut models);
        let again = plan_of(&models, 100);
        prop_assert!(again.is_empty(), "{again:?}");
    }

    #[test]
    fn run_after_run_within_the_limit_comes_to_an_end(models in model()) {
        let mut models = models;
        for _ in 0..30 {
            execute(&plan_of(&models, 1), &mut models);
        }
        prop_assert!(plan_of(&models, 1).is_empty());
    }

    #[test]
    fn the_order_in_which_guests_are_listed_changes_nothing(models in model()) {
        let mut models = models;
        for model in &mut models {
            model.guests.sort_by_key(|(guest, ..)| guest.vmid);
            model.guests.dedup_by_key(|(guest, ..)| guest.vmid);
        }
        let mut turned = models.clone();
        for model in &mut turned {
            model.guests.reverse();
        }
        prop_assert_eq!(plan_of(&models, 3), plan_of(&turned, 3));
    }

    #[test]
    fn a_throttle_holds_as_long_as_the_use_is_over(models in model()) {
        for (project, model) in plan_of(&models, 3).projects().iter().zip(&models) {
            let lifts = project.steps().iter().any(|step| step.action == Action::Unthrottle);
            let is_within = matches!(model.standing.tier(), Tier::Ok | Tier::Unlimited);
            prop_assert!(!lifts || (is_within && find(&model.comment) != Found::None));
        }
    }
}
