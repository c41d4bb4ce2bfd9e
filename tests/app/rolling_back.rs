//! What the form that goes back to a snapshot asks for, waits for and says.

use std::time::Duration;

use chrono::DateTime;
use pretty_assertions::assert_eq;
use proxdeck::app::dialogs::{Dialog, Form, Weight};
use proxdeck::app::state::Rules;
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::{ClusterFirewall, GuestFirewall};
use proxdeck::domain::guest::Guest;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::inventory::Storage;
use proxdeck::domain::network::{self, Current, NetworkProfile, Resolved};
use proxdeck::domain::operation::Operation;
use proxdeck::domain::request::Field;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};

use crate::world::{Desk, guest, runs, start};

fn storage(name: &str, plugin: &str) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: "pve1".parse().unwrap(),
        shared: false,
        plugin: Some(plugin.into()),
        content: Some("images".into()),
        available: true,
        used: None,
        size: None,
    }
}

/// Makes `old` ← `new` ← present.
fn list() -> SnapshotList {
    let snapshot = |name: &str, parent: Option<&str>, hour: i64| Snapshot {
        name: name.into(),
        taken: DateTime::from_timestamp(hour * 3600, 0),
        parent: parent.map(Into::into),
        description: "".into(),
        has_ram: false,
        unfinished: None,
    };
    SnapshotList {
        snapshots: vec![snapshot("old", None, 1), snapshot("new", Some("old"), 2)],
        current_parent: Some("new".into()),
        digest: None,
    }
}

fn config(options: &[(&str, &str)]) -> GuestConfig {
    let options = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()));
    GuestConfig::new(options, None)
}

/// What was asked of the two configurations: the present's, then the snapshot's.
struct Asked {
    present: Ticket,
    frozen: Ticket,
}

/// Opens the form for a snapshot of guest 100 with the keys for it.
fn opened(plugin: &str, snapshot: &str) -> (Desk, Asked) {
    let one = guest(100, "one");
    let (desk, asked, _) = opened_at(Desk::new(false), one, &list(), plugin, snapshot);
    (desk, asked)
}

fn opened_at(
    mut desk: Desk,
    guest: Guest,
    list: &SnapshotList,
    plugin: &str,
    snapshot: &str,
) -> (Desk, Asked, Vec<Effect>) {
    desk.inventory_with(vec![guest], vec![storage("tank", plugin)]);
    let effects = desk.wait(Duration::from_secs(1));
    desk.answer_snapshots(&effects, list);
    let up = if snapshot == "new" { "k" } else { "k k" };
    desk.press(&format!("Tab Tab {up}"));
    let effects = desk.press("R");
    let mut asked = (None, None);
    for effect in &effects {
        match effect {
            Effect::Fetch(ticket, Query::Config(_)) => asked.0 = Some(*ticket),
            Effect::Fetch(ticket, Query::FrozenConfig(_, name)) => {
                assert_eq!(name.raw(), snapshot);
                asked.1 = Some(*ticket);
            }
            _ => {}
        }
    }
    let (present, frozen) = (asked.0.unwrap(), asked.1.unwrap());
    (desk, Asked { present, frozen }, effects)
}

fn form(desk: &Desk) -> &Form {
    match desk.state.dialogs.last() {
        Some(Dialog::Form(dialog)) => &dialog.form,
        other => panic!("{other:?}"),
    }
}

fn objections(desk: &Desk) -> Vec<String> {
    match &form(desk).checked {
        Ok(_) => Vec::new(),
        Err(objections) => objections.iter().map(ToString::to_string).collect(),
    }
}

fn told(desk: &Desk, weight: Weight) -> Vec<String> {
    let lines = form(desk).preview.iter();
    lines
        .filter(|line| line.weight == weight)
        .map(|line| line.text.clone())
        .collect()
}

fn answer(desk: &mut Desk, ticket: Ticket, config: GuestConfig) {
    let answer = Answer::Config(Box::new(config));
    desk.happen(Event::Fetched(ticket, Ok(answer)));
}

fn fail(desk: &mut Desk, ticket: Ticket) {
    let failure = Failure::new(FailureKind::Interrupted, "timeout");
    desk.happen(Event::Fetched(ticket, Err(failure)));
}

fn disk() -> GuestConfig {
    config(&[("scsi0", "tank:vm-100-disk-0,size=8G")])
}

#[test]
fn nothing_can_be_confirmed_before_both_configurations_are_compared() {
    let (mut desk, asked) = opened("dir", "old");
    assert_eq!(runs(&desk.press("o n e Enter")), 0, "at once");
    assert_eq!(objections(&desk), ["still comparing the configurations"]);
    answer(&mut desk, asked.frozen, disk());
    assert_eq!(runs(&desk.press("Enter")), 0, "with one of them");
    assert_eq!(objections(&desk), ["still comparing the configurations"]);
    answer(&mut desk, asked.present, disk());
    assert_eq!(objections(&desk), [] as [&str; 0]);
    assert_eq!(runs(&desk.press("Enter")), 1);
}

#[test]
fn pitfall_28_an_older_snapshot_on_zfs_is_refused_however_fast_the_name_is_typed() {
    let (mut desk, asked) = opened("zfspool", "old");
    assert_eq!(runs(&desk.press("o n e Enter")), 0);
    answer(&mut desk, asked.present, disk());
    answer(&mut desk, asked.frozen, disk());
    assert_eq!(runs(&desk.press("Enter")), 0);
    let reason = "storage tank (zfspool) goes back only to the newest snapshot; in the way: new";
    assert_eq!(objections(&desk), [reason]);
}

#[test]
fn what_could_not_be_read_is_said_and_a_safety_snapshot_stays_the_default() {
    let (mut desk, asked) = opened("zfspool", "old");
    fail(&mut desk, asked.present);
    assert_eq!(objections(&desk), ["still comparing the configurations"]);
    fail(&mut desk, asked.frozen);
    let warnings = told(&desk, Weight::Warning).join("\n");
    for text in [
        "how it changes could not be checked",
        "whether its storage goes back to any but the newest snapshot could not be checked",
    ] {
        assert!(warnings.contains(text), "{text}: {warnings}");
    }
    let effects = desk.press("o n e Enter");
    let Some(Effect::Run(_, Operation::RollBack(operation))) = effects.first() else {
        panic!("{effects:?}")
    };
    assert!(
        operation.safety().is_some(),
        "refused by the storage, nothing is lost; without it, the present would be"
    );
}

#[test]
fn with_the_snapshot_s_own_configuration_alone_its_storages_are_known() {
    let (mut desk, asked) = opened("zfspool", "new");
    fail(&mut desk, asked.present);
    answer(&mut desk, asked.frozen, disk());
    let warnings = told(&desk, Weight::Warning).join("\n");
    assert!(warnings.contains("how it changes could not be checked"));
    assert!(!warnings.contains("storage"), "{warnings}");
    let effects = desk.press("o n e Enter");
    let Some(Effect::Run(_, Operation::RollBack(operation))) = effects.first() else {
        panic!("{effects:?}")
    };
    assert!(operation.safety().is_none(), "it would stand in the way");
}

#[test]
fn what_makes_the_guest_less_safe_is_told_in_red_however_much_else_changes() {
    let (mut desk, asked) = opened("dir", "old");
    let now = [
        ("agent", "1"),
        ("balloon", "0"),
        ("boot", "order=scsi0"),
        ("cores", "4"),
        ("cpu", "host"),
        ("memory", "4096"),
        ("net0", "virtio=AA,bridge=vmbr1,firewall=1"),
        ("onboot", "1"),
        ("protection", "1"),
        ("tags", "critical;web"),
    ];
    answer(&mut desk, asked.present, config(&now));
    let then = [
        ("cores", "2"),
        ("net0", "virtio=AA,bridge=vmbr0"),
        ("tags", "web"),
    ];
    answer(&mut desk, asked.frozen, config(&then));
    let losses = told(&desk, Weight::Loss);
    for text in [
        "net0 goes without firewall=1: the guest is not fenced",
        "the tag critical goes: enforcement may shut the guest down",
    ] {
        assert!(losses.iter().any(|line| line == text), "{text}: {losses:?}");
    }
    assert_eq!(
        told(&desk, Weight::Warning),
        [
            "net0 moves from bridge vmbr1 to vmbr0",
            "net0: virtio=AA,bridge=vmbr1,firewall=1 → virtio=AA,bridge=vmbr0",
            "tags: critical;web → web",
            "memory: 4096 → not set",
            "cores: 4 → 2",
            "protection: 1 → not set",
            "and 5 more options",
        ]
    );
}

fn profile() -> NetworkProfile {
    NetworkProfile {
        name: "api".into(),
        bridge: "vmbr1".parse().unwrap(),
        firewall: true,
        allow: vec!["10.0.0.0/8".parse().unwrap()],
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: None,
    }
}

const FENCED: &str = "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1";

/// Opens the form where profiles are known, of a guest that is fenced in, and answers everything.
fn opened_fenced(has_ram: bool, then: &str, firewall: GuestFirewall) -> Desk {
    opened_fenced_as(guest(100, "one"), has_ram, then, firewall)
}

fn opened_fenced_as(guest: Guest, has_ram: bool, then: &str, firewall: GuestFirewall) -> Desk {
    let mut desk = Desk::new(false);
    desk.state.setting.rules = Rules {
        profiles: vec![profile()],
        ..Rules::default()
    };
    let mut list = list();
    for snapshot in &mut list.snapshots {
        snapshot.has_ram = has_ram;
    }
    let (mut desk, asked, effects) = opened_at(desk, guest, &list, "dir", "old");
    answer(&mut desk, asked.present, config(&[("net0", FENCED)]));
    answer(&mut desk, asked.frozen, config(&[("net0", then)]));
    let reads_rules = |effect: &&Effect| matches!(effect, Effect::Fetch(_, Query::Network(_)));
    let mut asking = effects.iter().filter(reads_rules);
    let Some(Effect::Fetch(ticket, _)) = asking.next() else {
        panic!("{effects:?}")
    };
    let network = (config(&[("net0", FENCED)]), firewall);
    let network = Answer::Network(Box::new(network));
    assert!(
        objections(&desk).contains(&"still comparing the configurations".to_owned()),
        "nobody knows yet what fences it in: {:?}",
        objections(&desk)
    );
    desk.happen(Event::Fetched(*ticket, Ok(network)));
    desk
}

/// The firewall of a guest as the profile leaves it.
fn walls() -> GuestFirewall {
    let current = Current {
        config: Ok(config(&[("net0", FENCED)])),
        firewall: Ok(GuestFirewall::default()),
        cluster: ClusterFirewall::default(),
    };
    let resolved = Resolved::new(start().wall);
    let guest = guest(100, "one").to_ref();
    let plan = network::plan(&guest, &profile(), &resolved, &current);
    plan.after(&current).firewall.unwrap()
}

fn run_of(effects: &[Effect]) -> Vec<String> {
    let runs = effects.iter().find_map(|effect| match effect {
        Effect::Run(_, operation) => Some(operation.calls()),
        _ => None,
    });
    let calls = runs.unwrap_or_default();
    calls.iter().map(ToString::to_string).collect()
}

#[test]
fn a_return_to_before_the_fence_says_that_the_profile_comes_before_the_start() {
    let open = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    let mut desk = opened_fenced(false, open, walls());
    let warnings = told(&desk, Weight::Warning);
    let line =
        "network profile api is applied again before its start (1 call); that moves net0 to vmbr1";
    assert!(warnings.iter().any(|it| it == line), "{warnings:?}");
    assert!(form(&desk).input(Field::Unfenced).is_none());
    let calls = run_of(&desk.press("o n e Enter"));
    let ends: Vec<&str> = calls[1..]
        .iter()
        .map(|call| call.split("/100/").nth(1).unwrap())
        .collect();
    assert_eq!(
        ends,
        [
            "snapshot/old/rollback",
            "config  net0=virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1",
            "status/start"
        ]
    );
}

#[test]
fn a_card_that_comes_back_in_another_network_than_the_profile_s_is_fenced_in_again_too() {
    let elsewhere = "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1";
    let desk = opened_fenced(false, elsewhere, walls());
    let warnings = told(&desk, Weight::Warning).join("\n");
    assert!(warnings.contains("api is applied again"), "{warnings}");
    let desk = opened_fenced(false, FENCED, walls());
    let warnings = told(&desk, Weight::Warning).join("\n");
    assert!(!warnings.contains("applied again"), "{warnings}");
}

#[test]
fn memory_that_resumes_before_the_fence_is_up_wants_a_consent_of_its_own() {
    let open = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    let mut desk = opened_fenced(true, open, walls());
    let losses = told(&desk, Weight::Loss);
    let line = "it resumes at once and runs without its fence until network profile api is applied again \
                (1 call); that moves net0 to vmbr1";
    assert!(losses.iter().any(|it| it == line), "{losses:?}");
    assert_eq!(run_of(&desk.press("o n e Enter")), [] as [&str; 0]);
    let reason = "its memory resumes at once, without a fence; switch on that it may";
    assert_eq!(objections(&desk), [reason]);
    // The consent stands right below the name, and Enter alone does not give it.
    let calls = run_of(&desk.press("Tab Right Enter"));
    assert_eq!(calls.len(), 3, "{calls:?}");
    assert!(calls[2].contains("net0="), "{calls:?}");
}

#[test]
fn high_availability_that_may_start_it_before_its_fence_is_up_is_told_in_red() {
    let open = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    let managed = Guest {
        ha_state: Some("started".into()),
        ..guest(100, "one")
    };
    let desk = opened_fenced_as(managed, false, open, walls());
    let losses = told(&desk, Weight::Loss);
    let line = "network profile api is applied again before its start (1 call); that moves net0 to vmbr1; \
                high availability may start it before that";
    assert!(losses.iter().any(|it| it == line), "{losses:?}");
}

#[test]
fn a_guest_whose_rules_name_no_profile_comes_back_open_and_it_is_said() {
    let open = "virtio=BC:24:11:00:00:01,bridge=vmbr0";
    let desk = opened_fenced(false, open, GuestFirewall::default());
    let losses = told(&desk, Weight::Loss).join("\n");
    assert!(
        losses.contains("its rules name no network profile: it comes back without a fence"),
        "{losses}"
    );
}
