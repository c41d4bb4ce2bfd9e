//! What is refused of a wish for new guests before anything is asked of the server.

use pretty_assertions::assert_eq;
use proxdeck::domain::id::GuestKind;
use proxdeck::domain::request::Field;

use super::creation_world::{World, allowed, refused};

#[test]
fn what_is_no_template_makes_no_guests() {
    refused(&[
        (
            |world| world.source = None,
            Field::Template,
            "there is no guest 100, which [templates.agent] names",
        ),
        (
            |world| world.source.as_mut().unwrap().template = false,
            Field::Template,
            "100 agent-100 is no template",
        ),
        (
            |world| world.source.as_mut().unwrap().lock = Some("backup".into()),
            Field::Template,
            "100 agent-100 is locked (backup)",
        ),
        (
            |world| world.source.as_mut().unwrap().name = Some("other".into()),
            Field::Template,
            "template 100 agent-100 is now qemu 100 other",
        ),
        (
            |world| {
                world.source.as_mut().unwrap().kind = GuestKind::Lxc;
                world.request.source = Some(world.source.as_ref().unwrap().to_ref());
            },
            Field::Template,
            "100 agent-100 is a container; templates here are virtual machines",
        ),
    ]);
}

#[test]
fn a_template_that_moved_or_was_not_seen_before_is_still_the_same() {
    allowed(&[
        |world| world.source.as_mut().unwrap().node = "pve2".parse().unwrap(),
        |world| world.request.source = None,
    ]);
}

#[test]
fn names_are_dns_labels_with_their_number() {
    refused(&[
        (
            |world| world.request.name = String::new(),
            Field::Name,
            "a guest needs a name",
        ),
        (
            |world| world.request.name = "agent_9".into(),
            Field::Name,
            "'_' is not allowed in a guest's name: letters, digits, `-` and `.` are",
        ),
        (
            |world| world.request.count = "0".into(),
            Field::Count,
            "how many is a number from 1 to 50",
        ),
        (
            |world| world.request.count = "51".into(),
            Field::Count,
            "how many is a number from 1 to 50",
        ),
        (
            |world| world.request.count = "two".into(),
            Field::Count,
            "how many is a number from 1 to 50",
        ),
    ]);
    let longest = World::changed(|world| world.request.name = "a".repeat(63));
    assert!(longest.check().is_ok());
    // The number makes the name too long.
    let numbered = World::changed(|world| {
        world.request.name = "a".repeat(62);
        world.request.count = "2".into();
    });
    let objections = numbered.check().unwrap_err();
    assert_eq!(objections[0].0, Field::Name, "{objections:?}");
}

#[test]
fn cores_and_memory_are_what_the_node_can_give() {
    refused(&[
        (
            |world| world.request.cores = "0".into(),
            Field::Cores,
            "\"0\" is no number of cores",
        ),
        (
            |world| world.request.cores = "many".into(),
            Field::Cores,
            "\"many\" is no number of cores",
        ),
        (
            |world| world.request.cores = "9".into(),
            Field::Cores,
            "node pve1 has 8 cores",
        ),
        (
            |world| world.request.memory = "8MiB".into(),
            Field::Memory,
            "a guest has at least 16MiB of memory",
        ),
        (
            |world| world.request.memory = "33GiB".into(),
            Field::Memory,
            "node pve1 has 32768MiB of memory",
        ),
        (
            |world| world.request.memory = "4GB".into(),
            Field::Memory,
            "\"4GB\" is no whole number of MiB",
        ),
        (
            |world| world.request.memory = "4096".into(),
            Field::Memory,
            "\"4096\" has no unit; write one, as 4GiB",
        ),
        (
            |world| world.request.memory = "4G".into(),
            Field::Memory,
            "\"G\" in \"4G\" could mean GB (powers of 1000) or GiB (powers of 1024); write one of them",
        ),
    ]);
    allowed(&[
        |world| world.request.cores = " 8 ".into(),
        |world| world.request.cores = String::new(),
        |world| world.request.memory = "32GiB".into(),
        |world| world.request.memory = "16MiB".into(),
        |world| world.request.memory = String::new(),
        // What a node has is not known everywhere.
        |world| {
            world.request.cores = "999".into();
            world.request.memory = "1TiB".into();
            world.resources.as_mut().unwrap().nodes[0].max_cpu = None;
            world.resources.as_mut().unwrap().nodes[0].max_memory = None;
        },
    ]);
}

#[test]
fn the_node_that_was_chosen_is_the_one_whose_figures_count() {
    let smaller = |world: &mut World| {
        world.set("scsi0", "nfs:100/base-100-disk-0.qcow2,size=8G");
        world.request.target = Some("pve2".parse().unwrap());
        world.resources.as_mut().unwrap().nodes[1].max_cpu = Some(1.0);
    };
    let world = World::changed(smaller);
    let expected = (Field::Cores, "node pve2 has 1 cores".to_owned());
    assert_eq!(world.check(), Err(vec![expected]));
}

#[test]
fn a_disk_never_shrinks() {
    refused(&[
        (
            |world| world.request.disk = "7GiB".into(),
            Field::Disk,
            "a disk never shrinks; the template's has 8GiB",
        ),
        (
            |world| world.request.disk = "big".into(),
            Field::Disk,
            "\"big\" is no size: it begins with a number, like 4GiB, 500MB or plain bytes",
        ),
        (
            |world| world.request.disk = "20GB".into(),
            Field::Disk,
            "\"20GB\" is no whole number of MiB",
        ),
        (
            |world| world.set("scsi0", "none,media=cdrom"),
            Field::Disk,
            "the template has no disk to start from, which could grow",
        ),
    ]);
    allowed(&[
        |world| world.request.disk = "8GiB".into(),
        |world| world.request.disk = String::new(),
        // How large the template's is, is not known.
        |world| {
            world.request.disk = "1GiB".into();
            world.set("scsi0", "thin:base-100-disk-0");
        },
        |world| {
            world.request.disk = "1GiB".into();
            world.options = None;
        },
        |world| {
            world.request.disk = String::new();
            world.set("scsi0", "none,media=cdrom");
        },
    ]);
}

#[test]
fn a_description_that_has_no_room_for_the_mark_is_refused() {
    let long = World::changed(|world| world.set("description", &"x".repeat(8192)));
    let objections = long.check().unwrap_err();
    assert_eq!(objections.len(), 1, "{objections:?}");
    assert_eq!(objections[0].0, Field::Description);
}

#[test]
fn all_objections_come_at_once() {
    let world = World::changed(|world| {
        world.request.name = "a_b".into();
        world.request.cores = "x".into();
        world.request.memory = "1MiB".into();
        world.request.disk = "1GiB".into();
        world.request.target = Some("pve3".parse().unwrap());
        world.request.storage = Some("isos".parse().unwrap());
    });
    let fields: Vec<Field> = world
        .check()
        .unwrap_err()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    let expected = [
        Field::Name,
        Field::Cores,
        Field::Memory,
        Field::Disk,
        Field::Node,
        Field::Storage,
    ];
    assert_eq!(fields, expected);
}
