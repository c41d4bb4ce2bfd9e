//! New guests in a throttled project, where nobody can be asked: refused by every command.

use proxdeck::simulator::{FaultKind, FaultRule};

use crate::world::World;

pub(crate) const THROTTLE: &str =
    "by ops\n[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
const RULES: &str = "[selection]\ntags = [\"autovibe\"]\n[quota]\naccounting = \"since-boot\"\n\
    [projects.alpha]\npool = \"lab\"\n[templates.plain]\nvmid = 100\n";

/// Every way to make a guest in the project, and one to make it in none.
pub(crate) const WAYS: [(&[&str], &[&str]); 4] = [
    (
        &["create", "plain", "--name", "new", "--project", "alpha"],
        &["create", "plain", "--name", "new"],
    ),
    (
        &[
            "create",
            "plain",
            "--name",
            "new",
            "--count",
            "2",
            "--project",
            "alpha",
        ],
        &["create", "plain", "--name", "new", "--count", "2"],
    ),
    (
        &["clone", "102", "--name", "new"],
        &["clone", "102", "--name", "new", "--project", "none"],
    ),
    (
        &[
            "restore",
            "101",
            "s1",
            "--as-new",
            "--name",
            "new",
            "--project",
            "alpha",
        ],
        &[
            "restore",
            "101",
            "s1",
            "--as-new",
            "--name",
            "new",
            "--project",
            "none",
        ],
    ),
];

/// The small world with a project whose pool has this comment.
pub(crate) fn world(comment: &str) -> World {
    let world = World::small();
    world
        .simulator
        .edit(|world| world.set_pool_comment("lab", Some(comment)).unwrap());
    world.home.write_config(&world.config(RULES));
    world
}

/// What the comment is, how reading it goes wrong, and what is said.
fn cases() -> [(&'static str, Option<FaultKind>, &'static str); 3] {
    [
        (
            THROTTLE,
            None,
            "alpha is throttled since 2026-11-27 08:10Z: cpu_hours over its quota (tier throttle)",
        ),
        (
            "[proxdeck throttled whenever]",
            None,
            "alpha counts as throttled: the throttle cannot be read: \"[proxdeck throttled whenever]\"",
        ),
        (
            "",
            Some(FaultKind::Forbidden(
                "/pool/lab".into(),
                "Pool.Audit".into(),
            )),
            "whether alpha is throttled is unknown: the comment of pool lab could not be read: not allowed",
        ),
    ]
}

#[test]
fn without_a_terminal_a_throttled_project_refuses_every_new_guest_before_any_write() {
    for (comment, fault, reason) in cases() {
        let world = world(comment);
        if let Some(fault) = fault {
            let rule = FaultRule::new(fault).path("/pools").times(99);
            world.simulator.faults().add(rule);
        }
        for (joining, _) in WAYS {
            let ran = world.run(joining);
            assert_eq!(ran.code, 2, "{joining:?}: {}{}", ran.stdout, ran.stderr);
            assert!(ran.stderr.contains(reason), "{joining:?}: {}", ran.stderr);
            let ran = world.run(&[joining, &["--json"]].concat());
            assert_eq!(ran.code, 2, "{joining:?}: {}{}", ran.stdout, ran.stderr);
            let error = &ran.json()["error"];
            assert_eq!(error["kind"], "Throttled");
            assert!(error["message"].as_str().unwrap().starts_with(reason));
            let advice = error["advice"].as_str().unwrap();
            assert!(advice.contains("at a terminal"), "{advice}");
            assert!(advice.contains("nothing was changed"), "{advice}");
        }
        assert_eq!(world.writes(), [] as [&str; 0]);
    }
}

#[test]
fn outside_of_the_throttled_project_guests_are_made_as_ever() {
    let world = world(THROTTLE);
    for (_, elsewhere) in WAYS {
        let ran = world.run(elsewhere);
        assert_eq!(ran.code, 0, "{elsewhere:?}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_project_that_is_not_throttled_takes_new_guests() {
    let world = world("the lab of [proxdeck throttled ] fame");
    for (joining, _) in WAYS {
        let ran = world.run(joining);
        assert_eq!(ran.code, 0, "{joining:?}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stderr.contains("throttle"), "{}", ran.stderr);
    }
}

#[test]
fn what_is_refused_anyway_is_refused_for_its_own_reason() {
    let world = world(THROTTLE);
    let wrong = ["clone", "102", "--name", "not_a_name"];
    let ran = world.run(&[&wrong[..], &["--json"]].concat());
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.json()["error"]["kind"], "Refused");
}
