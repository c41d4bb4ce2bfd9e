//! What becomes of a wish for new guests that passed its checks: the calls, the privileges, the marks.

use std::collections::BTreeSet;

use chrono::DateTime;
use pretty_assertions::assert_eq;
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::network::{Foreseen, NetworkProfile, Resolved};
use proxdeck::domain::operation::{Call, CopyKind, Operation};
use proxdeck::domain::request::Field;

use super::creation_world::{World, config, refused, template};

#[test]
fn pitfall_23_a_copy_is_linked_where_that_can_be_and_storage_goes_with_full_copies_only() {
    let full = |world: &World| {
        let parameters = world.calls().remove(0).parameters;
        let value = |key| {
            let found = parameters.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| value.clone())
        };
        (value("full").unwrap(), value("storage"), value("format"))
    };
    let linked = World::new();
    assert_eq!(full(&linked), ("0".into(), None, None));
    let stored = World::changed(|world| world.request.storage = Some("nfs".parse().unwrap()));
    assert_eq!(full(&stored), ("1".into(), Some("nfs".into()), None));
    let thick = World::changed(|world| world.set("scsi0", "thick:vm-100-disk-0,size=8G"));
    assert_eq!(full(&thick), ("1".into(), None, None));
    let whole = World::changed(|world| world.request.kind = Some(CopyKind::Full));
    assert_eq!(full(&whole), ("1".into(), None, None));
    refused(&[
        (
            |world| {
                world.request.kind = Some(CopyKind::Linked);
                world.set("scsi0", "thick:vm-100-disk-0,size=8G");
            },
            Field::Copy,
            "storage thick (lvm) cannot link a copy to a template; make a full one",
        ),
        (
            |world| {
                world.request.kind = Some(CopyKind::Linked);
                world.request.storage = Some("nfs".parse().unwrap());
            },
            Field::Storage,
            "a linked copy shares its original's storage",
        ),
    ]);
}

#[test]
fn the_calls_are_those_of_the_wish_in_their_order() {
    let world = World::changed(|world| {
        world.request.pool = Some("lab".parse().unwrap());
        world.set("description", "Ubuntu");
        world.set("tags", "template");
        world.set("protection", "1");
    });
    let calls: Vec<String> = world.calls().iter().map(Call::to_string).collect();
    assert_eq!(
        calls,
        [
            "POST /nodes/pve1/qemu/100/clone  newid=(the next free id)  name=agent-9  full=0  \
             description=Ubuntu\\nproxdeck: created 2026-11-23T09:00:45Z 0000000000000007  pool=lab",
            "PUT /nodes/pve1/qemu/(the new guest)/config  cores=2  memory=4096  tags=autovibe  delete=protection",
            "PUT /nodes/pve1/qemu/(the new guest)/resize  disk=scsi0  size=20480M",
            "POST /nodes/pve1/qemu/(the new guest)/status/start",
        ]
    );
}

#[test]
fn what_the_template_has_already_is_not_announced() {
    let world = World::changed(|world| {
        world.request.cores = "1".into();
        world.request.memory = "2GiB".into();
        world.request.disk = "8GiB".into();
        world.request.start = false;
        world.set("tags", "autovibe");
    });
    assert_eq!(world.calls().len(), 1);
}

fn fenced() -> World {
    World::changed(|world| {
        world.set("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0,queues=4");
        world.request.disk = String::new();
        world.request.profile = Some(profile().card());
    })
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

#[test]
fn a_network_profile_moves_the_card_and_comes_before_the_start() {
    let calls: Vec<String> = fenced().calls()[1..].iter().map(Call::to_string).collect();
    assert_eq!(
        calls,
        [
            "PUT /nodes/pve1/qemu/(the new guest)/config  cores=2  memory=4096  tags=autovibe  \
             net0=virtio=(its own),bridge=vmbr1,queues=4,firewall=1",
            "POST /nodes/pve1/qemu/(the new guest)/status/start",
        ],
        "what the template's rules are is not known"
    );
}

#[test]
fn a_foreseen_fence_is_announced_between_the_configuration_and_the_start() {
    let mut world = fenced();
    let card = "virtio=BC:24:11:00:00:01,bridge=vmbr1,queues=4,firewall=1";
    let resolved = Resolved::new(DateTime::from_timestamp(1_795_424_445, 0).unwrap());
    let foreseen = Foreseen::of(
        &template().to_ref(),
        &profile(),
        &resolved,
        &config(&[("net0", card)]),
        &GuestFirewall::default(),
    );
    let steps = foreseen.plan().unwrap().steps().len();
    assert_eq!(
        foreseen.told().unwrap(),
        format!("api before the start: {steps} calls, as the rules are now")
    );
    world.fence = Some(foreseen);
    let calls: Vec<String> = world.calls()[2..].iter().map(Call::to_string).collect();
    let (last, fence) = calls.split_last().unwrap();
    assert_eq!(fence.len(), steps);
    assert!(last.ends_with("/status/start"), "{last}");
    let of_firewall = "/nodes/pve1/qemu/(the new guest)/firewall/";
    for call in fence {
        assert!(call.contains(of_firewall), "{call}");
    }
    assert!(
        fence.last().unwrap().contains("policy_out=DROP"),
        "the card is as wanted already: {fence:?}"
    );
}

#[test]
fn the_privileges_are_those_of_what_will_be_changed() {
    let needs = |world: &World| -> Vec<String> {
        let needs = world.check().unwrap().needs();
        needs.iter().map(ToString::to_string).collect()
    };
    let bare = World::changed(|world| {
        world.request.cores = String::new();
        world.request.memory = String::new();
        world.request.disk = String::new();
        world.request.tag = None;
        world.request.start = false;
    });
    let least = [
        "needs VM.Clone on /vms/100",
        "needs VM.Allocate on /vms",
        "needs Datastore.AllocateSpace on /storage/thin",
    ];
    assert_eq!(needs(&bare), least);
    // What is taken out is written too.
    for key in ["protection", "onboot", "tags"] {
        let mut world = World::changed(|world| world.set(key, "1"));
        world.request = bare.request.clone();
        assert!(
            needs(&world).contains(&"needs VM.Config.Options on /vms".to_owned()),
            "{key}: {:?}",
            needs(&world)
        );
    }
    let all = needs(&World::new());
    for privilege in [
        "VM.Config.CPU",
        "VM.Config.Memory",
        "VM.Config.Disk",
        "VM.Config.Options",
        "VM.PowerMgmt",
    ] {
        let need = format!("needs {privilege} on /vms");
        assert!(all.contains(&need), "{need} of {all:?}");
    }
}

#[test]
fn several_guests_are_numbered_and_each_has_a_mark_of_its_own() {
    let world = World::changed(|world| world.request.count = "3".into());
    let Ok(Operation::Batch(batch)) = world.check() else {
        panic!("{:?}", world.check())
    };
    let made: Vec<(String, String)> = batch
        .operations()
        .map(|operation| {
            let Operation::CreateGuest(create) = operation else {
                panic!("{operation:?}");
            };
            (create.name().to_string(), create.stamp().nonce().to_owned())
        })
        .collect();
    let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["agent-9-1", "agent-9-2", "agent-9-3"]);
    let nonces: BTreeSet<&String> = made.iter().map(|(_, nonce)| nonce).collect();
    assert_eq!(nonces.len(), 3);
}
