//! The form that makes guests from templates, and the catalogue below the key 7.

use std::sync::Arc;

use pretty_assertions::assert_eq;
use proxdeck::app::action::Change;
use proxdeck::app::availability::{Availability, availability};
use proxdeck::app::catalogue::{Reality, reality};
use proxdeck::app::dialogs::{Choice, Dialog, Form, Input, Switch};
use proxdeck::app::state::{Pane, Rules};
use proxdeck::app::{Action, Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::inventory::{Inventory, Node, NodeState, Resources, Storage};
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::operation::Call;
use proxdeck::domain::permission::Permissions;
use proxdeck::domain::project::{Membership, Project, Projects, Quota};
use proxdeck::domain::request::Field;
use proxdeck::domain::selection::Selection;
use proxdeck::domain::template::Template;
use proxdeck::domain::text::Text;
use proxdeck::domain::units::Size;

use crate::world::{Desk, guest, runs, vmid};

fn entry(name: &str, number: u64, network: Option<&str>) -> Template {
    Template {
        name: name.into(),
        vmid: vmid(number),
        cores: Some(2),
        memory: Some(Size::from_bytes(4 << 30)),
        disk: Some(Size::from_bytes(20 << 30)),
        network: network.map(str::to_owned),
        software: vec!["Ubuntu".into()],
    }
}

fn rules() -> Rules {
    let mut hub = entry("hub", 101, None);
    hub.cores = None;
    hub.memory = None;
    hub.disk = Some(Size::from_bytes(50 << 30));
    let pool = |pool: &str| Membership::Pool(pool.parse().unwrap());
    let mut alpha = Project::new("alpha", pool("alpha-pool")).unwrap();
    alpha.budget.cpu_hours = Quota::at_most(400.0).unwrap();
    alpha.budget.storage_gb = Quota::at_most(100.0).unwrap();
    Rules {
        templates: vec![
            entry("claude", 100, Some("api")),
            hub,
            entry("lost", 102, None),
        ],
        profiles: vec![NetworkProfile {
            name: "api".into(),
            bridge: "vmbr1".parse().unwrap(),
            firewall: true,
            allow: Vec::new(),
            block: Vec::new(),
            allow_in: None,
            dns: None,
        }],
        projects: Projects::new(vec![alpha]).unwrap(),
        selection: Selection::new(false, &["autovibe".into()], &[], &[]).unwrap(),
        ..Rules::default()
    }
}

fn template(number: u64, name: &str) -> Guest {
    Guest {
        template: true,
        status: Status::Stopped,
        ..guest(number, name)
    }
}

fn config(disk: &str) -> GuestConfig {
    let options = [("scsi0", disk), ("tags", "template"), ("protection", "1")];
    let options = options.map(|(key, value)| (key.to_owned(), Text::from(value)));
    GuestConfig::new(options, None)
}

fn storage(name: &str, plugin: &str, shared: bool) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: "pve1".parse().unwrap(),
        shared,
        plugin: Some(plugin.into()),
        content: Some("images".into()),
        available: true,
        used: Some(0),
        size: Some(1 << 40),
    }
}

fn node(name: &str, state: NodeState) -> Node {
    Node {
        name: name.parse().unwrap(),
        state,
        cpu: None,
        max_cpu: Some(16.0),
        memory: None,
        max_memory: Some(1 << 36),
        disk: None,
        max_disk: None,
        uptime: None,
    }
}

/// A desk with rules that has read a cluster with two templates.
fn desk() -> Desk {
    let mut desk = Desk::new(false);
    desk.state.setting.rules = rules();
    see(
        &mut desk,
        vec![template(100, "tpl-claude"), template(101, "tpl-hub")],
    );
    desk
}

/// Shows the desk a cluster with these guests.
fn see(desk: &mut Desk, guests: Vec<Guest>) {
    let previous = desk.state.inventory.resources.value().cloned();
    let resources = Resources {
        guests: Resources::dated(guests, previous.as_deref(), desk.now.moment),
        nodes: vec![
            node("pve1", NodeState::Online),
            node("pve2", NodeState::Offline),
        ],
        storages: vec![
            storage("nfs", "nfs", true),
            storage("thick", "lvm", false),
            storage("thin", "lvmthin", false),
        ],
        rejected: 0,
    };
    let mut inventory = Inventory::clone(&desk.state.inventory);
    inventory
        .resources
        .record(desk.now.moment, Ok(Arc::new(resources)));
    desk.happen(Event::Inventory(Arc::new(inventory)));
}

fn form(desk: &Desk) -> &Form {
    match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form,
        other => panic!("{other:?}"),
    }
}

fn text(desk: &Desk, field: Field) -> String {
    match form(desk).input(field) {
        Some(Input::Text(text)) => text.value().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn choice(desk: &Desk, field: Field) -> &Choice {
    match form(desk).input(field) {
        Some(Input::Choice(choice)) => choice,
        other => panic!("{other:?}"),
    }
}

fn chosen(desk: &Desk, field: Field) -> &str {
    let choice = choice(desk, field);
    &choice.options[choice.chosen]
}

fn start(desk: &Desk) -> &Switch {
    match form(desk).input(Field::Start) {
        Some(Input::Switch(switch)) => switch,
        other => panic!("{other:?}"),
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

fn asked_configs(effects: &[Effect]) -> Vec<(Ticket, u32)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Config(guest)) => Some((*ticket, guest.vmid.get())),
        _ => None,
    });
    asked.collect()
}

fn answer(desk: &mut Desk, effects: &[Effect], disk: &str) {
    for (ticket, _) in asked_configs(effects) {
        let answer = Answer::Config(Box::new(config(disk)));
        desk.happen(Event::Fetched(ticket, Ok(answer)));
    }
}

/// A desk with the form open and the first template's configuration read.
fn opened() -> Desk {
    let mut desk = desk();
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thin:base-100-disk-0,size=20G");
    desk
}

#[test]
fn the_form_is_filled_with_what_the_catalogue_says() {
    let mut desk = desk();
    let effects = desk.press("n");
    let asked: Vec<u32> = asked_configs(&effects)
        .into_iter()
        .map(|(_, vmid)| vmid)
        .collect();
    assert_eq!(asked, [100], "only the chosen template is asked for, once");
    assert_eq!(chosen(&desk, Field::Template), "claude");
    assert_eq!(text(&desk, Field::Name), "claude-1");
    assert_eq!(text(&desk, Field::Count), "1");
    assert_eq!(text(&desk, Field::Cores), "2");
    assert_eq!(text(&desk, Field::Memory), "4GiB");
    assert_eq!(text(&desk, Field::Disk), "20GiB");
    assert_eq!(chosen(&desk, Field::Network), "api");
    assert_eq!(choice(&desk, Field::Pool).options, ["none", "alpha"]);
    assert_eq!(form(&desk).items[form(&desk).focus].field, Field::Name);
}

#[test]
fn the_calls_of_the_fence_are_shown_once_the_template_s_rules_are_read() {
    let mut desk = desk();
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thin:base-100-disk-0,size=20G");
    let fence = |desk: &Desk| {
        let lines = form(desk).preview.iter();
        let mut lines = lines.filter(|line| line.label == "fence");
        lines
            .next()
            .map(|line| line.text.clone())
            .unwrap_or_default()
    };
    assert_eq!(fence(&desk), "reading what fences it in…");
    let calls = |desk: &Desk| form(desk).checked.as_ref().unwrap().calls();
    let of_firewall = |call: &&Call| call.path.contains("(the new guest)/firewall/");
    assert_eq!(calls(&desk).iter().filter(of_firewall).count(), 0);
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Network(guest)) if guest.vmid == vmid(100) => Some(*ticket),
        _ => None,
    });
    let network = (config("thin:base-100-disk-0"), GuestFirewall::default());
    let network = Answer::Network(Box::new(network));
    desk.happen(Event::Fetched(asked.unwrap(), Ok(network)));
    let told = fence(&desk);
    assert!(told.starts_with("api before the start: "), "{told}");
    let calls = calls(&desk);
    assert!(calls.iter().filter(of_firewall).count() >= 2, "{calls:?}");
    assert!(calls.last().unwrap().path.ends_with("/status/start"));
    // Without a profile nothing of it is said.
    go_to(&mut desk, Field::Network);
    desk.press("Left");
    assert_eq!(fence(&desk), "");
}

#[test]
fn rules_that_cannot_be_read_are_in_nobody_s_way_and_it_is_said() {
    let mut desk = desk();
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thin:base-100-disk-0,size=20G");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Network(_)) => Some(*ticket),
        _ => None,
    });
    let failure = Failure::new(FailureKind::Interrupted, "timeout");
    desk.happen(Event::Fetched(asked.unwrap(), Err(failure)));
    let said = form(&desk).preview.iter().any(|line| {
        line.label == "fence" && line.text.ends_with("it is planned again before the start")
    });
    assert!(said, "{:?}", form(&desk).preview);
    assert_eq!(runs(&desk.press("Enter")), 1);
}

#[test]
fn the_project_under_the_cursor_is_the_one_that_new_guests_join() {
    let mut desk = desk();
    desk.press("4 n");
    assert_eq!(chosen(&desk, Field::Pool), "alpha");
    desk.press("Esc 1 n");
    assert_eq!(chosen(&desk, Field::Pool), "none");
}

#[test]
fn a_name_that_somebody_has_is_not_suggested() {
    let mut desk = desk();
    see(
        &mut desk,
        vec![
            template(100, "tpl-claude"),
            guest(200, "claude-1"),
            guest(201, "claude-3"),
        ],
    );
    desk.press("n");
    assert_eq!(text(&desk, Field::Name), "claude-2");
}

#[test]
fn another_template_fills_the_fields_anew_and_is_asked_for_its_configuration() {
    let mut desk = opened();
    go_to(&mut desk, Field::Cores);
    desk.press("Backspace 8");
    go_to(&mut desk, Field::Template);
    let effects = desk.press("Right");
    let asked: Vec<u32> = asked_configs(&effects)
        .into_iter()
        .map(|(_, vmid)| vmid)
        .collect();
    assert_eq!(asked, [101]);
    assert_eq!(chosen(&desk, Field::Template), "hub");
    assert_eq!(text(&desk, Field::Name), "hub-1");
    assert_eq!(text(&desk, Field::Cores), "", "the template's own");
    assert_eq!(text(&desk, Field::Memory), "");
    assert_eq!(text(&desk, Field::Disk), "50GiB");
    assert_eq!(chosen(&desk, Field::Network), "none");
    answer(
        &mut desk,
        &effects,
        "nfs:101/base-101-disk-0.qcow2,size=60G",
    );
    assert!(
        form(&desk).objection(Field::Disk).is_some(),
        "60 GiB never shrink to 50"
    );
    let effects = desk.press("Left");
    assert_eq!(asked_configs(&effects), [], "what was read is kept");
    assert_eq!(text(&desk, Field::Cores), "2");
}

#[test]
fn a_configuration_that_cannot_be_read_is_said_and_asked_for_once() {
    let mut desk = desk();
    let effects = desk.press("n");
    let (ticket, _) = asked_configs(&effects)[0];
    let failure = Failure::new(FailureKind::Forbidden, "Permission check failed");
    let effects = desk.happen(Event::Fetched(ticket, Err(failure)));
    assert_eq!(asked_configs(&effects), []);
    let along: Vec<&str> = form(&desk)
        .preview
        .iter()
        .filter(|line| line.label == "along")
        .map(|line| line.text.as_str())
        .collect();
    assert!(
        along[0].contains("is unknown") && along[0].contains("Permission check"),
        "{along:?}"
    );
    assert!(form(&desk).is_ready(), "the server has the last word");
}

#[test]
fn pitfall_22_what_comes_along_and_what_does_not_is_said_beforehand() {
    let mut desk = desk();
    let mut tagged = template(100, "tpl-claude");
    tagged.tags = vec!["template".into()];
    see(&mut desk, vec![tagged]);
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thin:base-100-disk-0,size=20G");
    let preview = &form(&desk).preview;
    let says = |label: &str| {
        let line = preview.iter().find(|line| line.label == label);
        line.map(|line| line.text.clone()).unwrap_or_default()
    };
    assert_eq!(says("from"), "a linked copy of 100 tpl-claude on pve1");
    assert_eq!(says("holds"), "Ubuntu");
    assert_eq!(
        says("along"),
        "its firewall rules; the tag becomes autovibe"
    );
    assert_eq!(says("not along"), "tag template, protection");
}

#[test]
fn pitfall_23_what_cannot_be_is_dim_and_says_why() {
    let mut desk = opened();
    let refusal = |desk: &Desk, field, option: &str| {
        let choice = choice(desk, field);
        let index = choice.options.iter().position(|it| it == option).unwrap();
        choice.refusal(index).map(str::to_owned)
    };
    assert_eq!(
        refusal(&desk, Field::Template, "lost").as_deref(),
        Some("there is no guest 102")
    );
    assert_eq!(refusal(&desk, Field::Template, "hub"), None);
    assert_eq!(
        refusal(&desk, Field::Node, "pve2").as_deref(),
        Some("node pve2 is offline")
    );
    assert_eq!(
        refusal(&desk, Field::Storage, "nfs").as_deref(),
        Some("a linked copy shares its original's storage")
    );
    go_to(&mut desk, Field::Copy);
    desk.press("Right");
    assert_eq!(chosen(&desk, Field::Copy), "full");
    assert_eq!(refusal(&desk, Field::Storage, "nfs"), None);
    assert!(form(&desk).is_ready());
}

#[test]
fn on_storages_without_linked_copies_the_whole_one_is_chosen_at_once() {
    let mut desk = desk();
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thick:vm-100-disk-0,size=20G");
    assert_eq!(choice(&desk, Field::Copy).refusal(0).is_some(), true);
    assert_eq!(chosen(&desk, Field::Copy), "full");
    assert!(form(&desk).is_ready(), "{:?}", form(&desk).checked);
}

#[test]
fn a_guest_with_a_network_profile_is_started_behind_its_fence() {
    let desk = opened();
    assert_eq!(chosen(&desk, Field::Network), "api");
    assert_eq!(
        (start(&desk).on, start(&desk).refusal.clone()),
        (true, None)
    );
}

#[test]
fn enter_runs_exactly_what_was_checked() {
    let mut desk = opened();
    go_to(&mut desk, Field::Network);
    desk.press("Right");
    go_to(&mut desk, Field::Pool);
    for effect in desk.press("Right") {
        if let Effect::Fetch(ticket, Query::PoolComment(_)) = effect {
            desk.happen(Event::Fetched(ticket, Ok(Answer::PoolComment(None))));
        }
    }
    let checked = form(&desk).checked.clone().unwrap();
    let effects = desk.press("Enter");
    assert_eq!(runs(&effects), 1);
    let Some(Effect::Run(_, operation)) = effects.first() else {
        panic!("{effects:?}")
    };
    assert_eq!(*operation, checked);
    let calls: Vec<String> = operation.calls().iter().map(Call::to_string).collect();
    assert!(calls[0].contains("name=claude-1  full=0") && calls[0].ends_with("pool=alpha-pool"));
    assert!(
        calls[1].ends_with("cores=2  memory=4096  tags=autovibe  delete=protection"),
        "{calls:?}"
    );
    assert!(
        calls[2].ends_with("/status/start"),
        "20 GiB it has already: {calls:?}"
    );
    assert!(desk.state.dialogs.is_empty());
}

#[test]
fn with_something_wrong_enter_makes_nothing() {
    let mut desk = opened();
    desk.press("Ctrl-u a _ b");
    assert_eq!(runs(&desk.press("Enter")), 0);
    assert_eq!(desk.state.dialogs.len(), 1);
    // A template that vanished behind the form.
    let mut desk = opened();
    see(&mut desk, vec![template(101, "tpl-hub")]);
    assert_eq!(runs(&desk.press("Enter")), 0);
    assert!(form(&desk).objection(Field::Template).is_some());
}

#[test]
fn what_the_account_may_not_do_is_said_before_anything_is_made() {
    let mut desk = desk();
    let asked = desk.effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    });
    let grants = |privileges: &[&str]| {
        let rows = privileges.iter();
        let rows = rows.map(|privilege| ("/".to_owned(), (*privilege).to_owned(), true));
        Permissions::new(rows)
    };
    let some = grants(&[
        "VM.Audit",
        "VM.Clone",
        "VM.Allocate",
        "Datastore.AllocateSpace",
    ]);
    desk.happen(Event::Fetched(
        asked.unwrap(),
        Ok(Answer::Permissions(some)),
    ));
    let effects = desk.press("n");
    answer(&mut desk, &effects, "thin:base-100-disk-0,size=20G");
    let reasons: Vec<String> = form(&desk)
        .other_objections()
        .map(|objection| objection.reason.clone())
        .collect();
    let reasons = reasons.join("; ");
    for kind in ["CPU", "Memory", "Network", "Options"] {
        let privilege = format!("VM.Config.{kind} on /vms");
        assert!(reasons.contains(&privilege), "{privilege}: {reasons}");
    }
    let start = "VM.PowerMgmt on /vms";
    assert!(reasons.contains(start), "{reasons}");
    assert_eq!(runs(&desk.press("Enter")), 0);
    go_to(&mut desk, Field::Start);
    desk.press("Space");
    let mut reasons = form(&desk).other_objections();
    let wants_start = reasons.any(|objection| objection.reason.contains(start));
    assert!(!wants_start, "it is not started");
}

#[test]
fn a_chosen_project_shows_its_bars_as_they_will_be() {
    let mut desk = opened();
    assert_eq!(form(&desk).budget, None, "no project, no bars");
    go_to(&mut desk, Field::Pool);
    desk.press("Right");
    let budget = form(&desk).budget.clone().unwrap();
    assert_eq!(budget.project, "alpha");
    let storage = budget.rows.last().unwrap();
    let grown = |desk: &Desk| {
        let rows = &form(desk).budget.as_ref().unwrap().rows;
        rows.last().unwrap().then.used.value().unwrap_or_default()
    };
    assert!(storage.now.used.value().unwrap_or_default() < 1.0);
    let one = grown(&desk);
    assert!((21.0..22.0).contains(&one), "20 GiB are 21.5 GB: {one}");
    go_to(&mut desk, Field::Count);
    desk.press("Backspace 3");
    let three = grown(&desk);
    assert!((64.0..65.0).contains(&three), "{three}");
    go_to(&mut desk, Field::Disk);
    desk.press("Ctrl-u 4 0 G i B");
    assert!(
        form(&desk)
            .budget
            .as_ref()
            .unwrap()
            .rows
            .last()
            .unwrap()
            .worsens()
    );
}

#[test]
fn the_key_says_why_nothing_can_be_made() {
    let reason = |desk: &Desk| availability(&desk.state, Action::Change(Change::Create));
    let no = |text: &str| Availability::No(text.to_owned());
    let mut desk = Desk::new(false);
    assert_eq!(
        reason(&desk),
        no("no [templates] in the config say what guests are made from")
    );
    desk.press("n");
    assert!(desk.state.dialogs.is_empty());
    assert!(
        desk.toast().contains("no [templates] in the config"),
        "{}",
        desk.toast()
    );
    desk.state.setting.rules = rules();
    assert_eq!(reason(&desk), no("the cluster is not read yet"));
    see(&mut desk, vec![guest(300, "other")]);
    assert_eq!(
        reason(&desk),
        no("no guest of this cluster has the number of a [templates] entry")
    );
    see(&mut desk, vec![template(101, "tpl-hub")]);
    assert_eq!(reason(&desk), Availability::Yes);
    let mut desk = Desk::new(true);
    desk.state.setting.rules = rules();
    assert_eq!(reason(&desk), no("read-only"));
}

#[test]
fn without_the_right_to_copy_any_template_the_key_names_it() {
    let mut desk = desk();
    let asked = desk.effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Permissions) => Some(*ticket),
        _ => None,
    });
    let seen = [("/vms".to_owned(), "VM.Audit".to_owned(), true)];
    let answer = Answer::Permissions(Permissions::new(seen));
    desk.happen(Event::Fetched(asked.unwrap(), Ok(answer)));
    assert_eq!(
        availability(&desk.state, Action::Change(Change::Create)),
        Availability::No("needs VM.Clone on /vms/100".to_owned())
    );
}

#[test]
fn the_catalogue_s_cursor_is_a_name_and_enter_makes_a_guest_from_it() {
    let mut desk = desk();
    desk.press("7");
    assert_eq!(desk.state.focus, Pane::Templates);
    let row = |desk: &Desk| {
        desk.state
            .catalogue
            .row(&desk.state.setting.rules.templates)
    };
    assert_eq!(row(&desk), 0);
    desk.press("j");
    assert_eq!(row(&desk), 1);
    // The entries change places; the cursor stays with its name.
    desk.state.setting.rules.templates.swap(0, 1);
    assert_eq!(row(&desk), 0);
    desk.press("G");
    assert_eq!(row(&desk), 2);
    desk.press("j");
    assert_eq!(row(&desk), 2);
    desk.press("g");
    assert_eq!(row(&desk), 0);
    desk.press("Enter");
    assert_eq!(chosen(&desk, Field::Template), "hub");
}

#[test]
fn the_catalogue_tells_what_the_cluster_has_under_a_number() {
    let mut desk = Desk::new(false);
    desk.state.setting.rules = rules();
    let of = |desk: &Desk, index: usize| {
        let template = desk.state.setting.rules.templates[index].clone();
        let resources = desk.state.inventory.resources.value().cloned();
        match reality(&template, resources.as_deref()) {
            Reality::Unread => "unread".to_owned(),
            Reality::Missing => "missing".to_owned(),
            Reality::Unfit(guest, reason) => format!("unfit {} {reason}", guest.vmid),
            Reality::Fit(guest) => format!("fit {}", guest.vmid),
        }
    };
    assert_eq!(of(&desk, 0), "unread");
    let mut locked = template(101, "tpl-hub");
    locked.lock = Some("backup".into());
    see(&mut desk, vec![guest(100, "web"), locked]);
    assert_eq!(of(&desk, 0), "unfit 100 100 web is no template");
    assert_eq!(of(&desk, 1), "unfit 101 101 tpl-hub is locked (backup)");
    assert_eq!(of(&desk, 2), "missing");
}
