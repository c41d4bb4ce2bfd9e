//! The forms that make guests, when the project that they join is throttled.

use std::sync::Arc;
use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, Form, Input, Weight};
use proxdeck::app::state::Rules;
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::inventory::{Inventory, Node, NodeState, Resources};
use proxdeck::domain::operation::Operation;
use proxdeck::domain::project::{Membership, Project, Projects};
use proxdeck::domain::request::Field;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::template::Template;
use proxdeck::domain::text::Text;

use crate::world::{Desk, guest, runs, vmid};

const REASON: &str =
    "alpha is throttled since 2026-11-27 08:10Z: cpu_hours over its quota (tier throttle)";

fn throttle() -> Text {
    let marker = "[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours tier=throttle]";
    Text::from(marker)
}

/// A desk with a template and a guest of alpha, and with two projects, of pools of their names.
fn desk() -> Desk {
    let project = |name: &str| {
        let pool = Membership::Pool(name.parse().unwrap());
        Project::new(name, pool).unwrap()
    };
    let mut desk = Desk::new(false);
    desk.state.setting.rules = Rules {
        templates: vec![Template {
            name: "base".into(),
            vmid: vmid(100),
            cores: None,
            memory: None,
            disk: None,
            network: None,
            software: Vec::new(),
        }],
        projects: Projects::new(vec![project("alpha"), project("beta")]).unwrap(),
        ..Rules::default()
    };
    let guests = vec![
        Guest {
            template: true,
            status: Status::Stopped,
            ..guest(100, "tpl")
        },
        Guest {
            pool: Some("alpha".parse().unwrap()),
            ..guest(101, "one")
        },
    ];
    let node = Node {
        name: "pve1".parse().unwrap(),
        state: NodeState::Online,
        cpu: None,
        max_cpu: None,
        memory: None,
        max_memory: None,
        disk: None,
        max_disk: None,
        uptime: None,
    };
    let resources = Resources {
        guests: Resources::dated(guests, None, desk.now.moment),
        nodes: vec![node],
        ..Resources::default()
    };
    let mut inventory = Inventory::clone(&desk.state.inventory);
    let moment = desk.now.moment;
    inventory.resources.record(moment, Ok(Arc::new(resources)));
    desk.happen(Event::Inventory(Arc::new(inventory)));
    desk
}

fn form(desk: &Desk) -> &Form {
    match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form,
        other => panic!("{other:?}"),
    }
}

/// Answers what was asked of guests, and returns the pools that were asked for.
fn answer(desk: &mut Desk, effects: &[Effect]) -> Vec<(Ticket, String)> {
    let mut pools = Vec::new();
    for effect in effects {
        let Effect::Fetch(ticket, query) = effect else {
            continue;
        };
        let answer = match query {
            Query::Config(_) | Query::FrozenConfig(..) => Answer::Config(Box::default()),
            Query::CanCopy(..) => Answer::CanCopy(true),
            Query::PoolComment(pool) => {
                pools.push((*ticket, pool.to_string()));
                continue;
            }
            _ => continue,
        };
        desk.happen(Event::Fetched(*ticket, Ok(answer)));
    }
    pools
}

fn comment(desk: &mut Desk, pools: &[(Ticket, String)], comment: &Result<Option<Text>, Failure>) {
    for (ticket, _) in pools {
        let answer = comment.clone().map(Answer::PoolComment);
        desk.happen(Event::Fetched(*ticket, answer));
    }
}

/// Moves to a field with Tab.
fn go_to(desk: &mut Desk, field: Field) {
    for _ in 0..form(desk).items.len() {
        if form(desk).items[form(desk).focus].field == field {
            return;
        }
        desk.press("Tab");
    }
    panic!("no field {field:?}");
}

/// Opens the form that creates, chooses alpha and answers all but its comment.
fn creating_in_alpha(desk: &mut Desk) -> Vec<(Ticket, String)> {
    let effects = desk.press("n");
    assert_eq!(answer(desk, &effects), [], "no project is no question");
    go_to(desk, Field::Pool);
    let effects = desk.press("Right");
    answer(desk, &effects)
}

/// Opens the form that clones the guest of alpha and answers all but the comment.
fn cloning_in_alpha(desk: &mut Desk) -> Vec<(Ticket, String)> {
    desk.press("j");
    let effects = desk.press("c");
    answer(desk, &effects)
}

/// Opens the form that branches a new guest off a snapshot of the guest of alpha.
fn branching_in_alpha(desk: &mut Desk) -> Vec<(Ticket, String)> {
    desk.press("j");
    let list = SnapshotList {
        snapshots: vec![Snapshot {
            name: "s1".into(),
            taken: None,
            parent: None,
            description: Text::default(),
            has_ram: false,
            unfinished: None,
        }],
        current_parent: Some("s1".into()),
        digest: None,
    };
    let effects = desk.wait(Duration::from_secs(1));
    desk.answer_snapshots(&effects, &list);
    desk.press("Tab Tab k R");
    go_to(desk, Field::Mode);
    let effects = desk.press("Right");
    answer(desk, &effects)
}

/// Opens a form and returns the pools that it asks for.
type Opening = fn(&mut Desk) -> Vec<(Ticket, String)>;

const FORMS: [Opening; 3] = [creating_in_alpha, cloning_in_alpha, branching_in_alpha];

fn has_override(desk: &Desk) -> bool {
    form(desk).input(Field::Throttle).is_some()
}

fn submitted(desk: &mut Desk) -> Option<Operation> {
    let effects = desk.press("Enter");
    effects.into_iter().find_map(|effect| match effect {
        Effect::Run(_, operation) => Some(operation),
        _ => None,
    })
}

#[test]
fn every_form_that_makes_guests_asks_for_the_comment_of_the_project_s_pool_and_waits_for_it() {
    for open in FORMS {
        let mut desk = desk();
        let pools = open(&mut desk);
        let asked: Vec<&str> = pools.iter().map(|(_, pool)| pool.as_str()).collect();
        assert_eq!(asked, ["alpha"], "{}", form(&desk).title);
        assert!(!form(&desk).is_ready());
        assert!(
            !has_override(&desk),
            "nobody overrides what nobody has read"
        );
        assert_eq!(
            form(&desk).objection(Field::Throttle).unwrap().reason,
            "whether alpha is throttled is not read yet"
        );
        comment(&mut desk, &pools, &Ok(None));
        assert!(form(&desk).is_ready());
        assert!(!has_override(&desk));
        let operation = submitted(&mut desk).unwrap();
        assert_eq!(operation.overridden_throttle(), None);
    }
}

#[test]
fn a_throttled_project_takes_a_guest_only_when_that_is_overridden() {
    for open in FORMS {
        let mut desk = desk();
        let pools = open(&mut desk);
        comment(&mut desk, &pools, &Ok(Some(throttle())));
        let preview = form(&desk).preview.iter();
        let told = preview
            .clone()
            .find(|line| line.label == "throttle")
            .unwrap();
        assert_eq!((told.text.as_str(), told.weight), (REASON, Weight::Warning));
        assert_eq!(runs(&desk.press("Enter")), 0);
        assert_eq!(desk.state.dialogs.len(), 1, "the form stays");
        let objection = form(&desk).objection(Field::Throttle).unwrap();
        assert_eq!(objection.reason, "no new guests unless this is switched on");
        go_to(&mut desk, Field::Throttle);
        assert_eq!(runs(&desk.press("Enter")), 0, "being there is no consent");
        desk.press("Space");
        let operation = submitted(&mut desk).unwrap();
        assert_eq!(operation.overridden_throttle(), Some(REASON));
        let title = &desk.state.jobs.running().next().unwrap().title;
        assert!(title.ends_with("(throttle overridden)"), "{title}");
    }
}

#[test]
fn what_cannot_be_read_asks_too_and_is_not_read_again() {
    for open in FORMS {
        let mut desk = desk();
        let pools = open(&mut desk);
        let failure = Failure::new(FailureKind::Forbidden, "Permission check failed");
        comment(&mut desk, &pools, &Err(failure));
        let preview = form(&desk).preview.iter();
        let told = preview.last().unwrap();
        let reason = "not allowed: Permission check failed";
        assert!(told.text.ends_with(reason), "{told:?}");
        let effects = desk.press("Tab");
        assert_eq!(answer(&mut desk, &effects), []);
        go_to(&mut desk, Field::Throttle);
        desk.press("Space");
        assert!(submitted(&mut desk).is_some());
    }
}

#[test]
fn another_project_is_asked_for_once_and_consent_for_one_is_none_for_another() {
    let mut desk = desk();
    let pools = creating_in_alpha(&mut desk);
    comment(&mut desk, &pools, &Ok(Some(throttle())));
    go_to(&mut desk, Field::Throttle);
    desk.press("Space");
    assert!(form(&desk).is_ready());
    go_to(&mut desk, Field::Pool);
    let effects = desk.press("Right");
    assert!(!form(&desk).is_ready());
    let pools = answer(&mut desk, &effects);
    assert_eq!(pools[0].1, "beta");
    comment(&mut desk, &pools, &Ok(Some(throttle())));
    let offered = form(&desk).input(Field::Throttle);
    assert!(matches!(offered, Some(Input::Switch(switch)) if !switch.on));
    assert!(!form(&desk).is_ready());
    let effects = desk.press("Left");
    assert_eq!(answer(&mut desk, &effects), [], "what was read is kept");
    assert!(!form(&desk).is_ready());
    desk.press("Left");
    assert!(!has_override(&desk));
    assert!(form(&desk).is_ready(), "no project is free");
    assert_eq!(form(&desk).items[form(&desk).focus].field, Field::Pool);
}

#[test]
fn the_field_with_the_keys_keeps_them_when_the_override_comes_and_goes() {
    let mut desk = desk();
    let pools = creating_in_alpha(&mut desk);
    go_to(&mut desk, Field::Count);
    comment(&mut desk, &pools, &Ok(Some(throttle())));
    assert_eq!(form(&desk).items[form(&desk).focus].field, Field::Count);
    desk.press("Backspace 3");
    go_to(&mut desk, Field::Throttle);
    desk.press("Space");
    let Some(operation @ Operation::Batch(_)) = submitted(&mut desk) else {
        panic!("three guests are one batch")
    };
    assert_eq!(operation.overridden_throttle(), Some(REASON));
}
