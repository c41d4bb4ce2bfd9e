//! Where new guests may lie: storages and nodes that can take them, and those that cannot.

use pretty_assertions::assert_eq;
use proxdeck::domain::operation::CopyKind;
use proxdeck::domain::request::Field;

use super::creation_world::{World, allowed, refused};

#[test]
fn storages_that_cannot_take_the_disks_are_refused() {
    refused(&[
        (
            |world| world.request.storage = Some("isos".parse().unwrap()),
            Field::Storage,
            "storage isos takes no disk images",
        ),
        (
            |world| world.request.storage = Some("gone".parse().unwrap()),
            Field::Storage,
            "storage gone does not answer",
        ),
        (
            |world| world.request.storage = Some("nope".parse().unwrap()),
            Field::Storage,
            "node pve1 has no storage nope",
        ),
        (
            |world| {
                world.request.storage = Some("nfs".parse().unwrap());
                world.request.disk = "51GiB".into();
            },
            Field::Storage,
            "storage nfs has 50.0 GiB free, the disks may need 51.0 GiB",
        ),
        (
            |world| {
                world.request.storage = Some("nfs".parse().unwrap());
                world.request.count = "3".into();
            },
            Field::Storage,
            "storage nfs has 50.0 GiB free, the disks may need 60.0 GiB",
        ),
        // Whole copies lie where the template's disks do, unless another place is chosen.
        (
            |world| {
                world.request.kind = Some(CopyKind::Full);
                world.request.disk = "51GiB".into();
            },
            Field::Storage,
            "storage thin has 50.0 GiB free, the disks may need 51.0 GiB",
        ),
    ]);
    allowed(&[
        |world| {
            world.request.storage = Some("nfs".parse().unwrap());
            world.request.disk = "50GiB".into();
        },
        // A linked copy needs no more than what is written to it.
        |world| world.request.disk = "51GiB".into(),
    ]);
}

#[test]
fn space_is_reckoned_for_each_storage_by_the_disks_on_it() {
    let two = |world: &mut World| {
        world.request.kind = Some(CopyKind::Full);
        world.request.disk = String::new();
        world.set("scsi0", "thin:base-100-disk-0,size=40G");
        world.set("scsi1", "thick:vm-100-disk-1,size=40G");
    };
    allowed(&[two]);
    let both = World::changed(|world| {
        two(world);
        world.request.storage = Some("nfs".parse().unwrap());
    });
    let reason = "storage nfs has 50.0 GiB free, the disks may need 80.0 GiB";
    assert_eq!(both.check(), Err(vec![(Field::Storage, reason.to_owned())]));
}

#[test]
fn nodes_that_do_not_answer_or_do_not_see_the_disks_are_refused() {
    refused(&[
        (
            |world| world.request.target = Some("pve3".parse().unwrap()),
            Field::Node,
            "node pve3 is offline",
        ),
        (
            |world| world.request.target = Some("pve4".parse().unwrap()),
            Field::Node,
            "node pve4 does not answer",
        ),
        (
            |world| world.request.target = Some("pve9".parse().unwrap()),
            Field::Node,
            "there is no node pve9",
        ),
        (
            |world| world.request.target = Some("pve2".parse().unwrap()),
            Field::Node,
            "storage thin is not shared; a copy on another node needs shared disks",
        ),
        // The template's own node has to answer too.
        (
            |world| world.source.as_mut().unwrap().node = "pve3".parse().unwrap(),
            Field::Template,
            "100 agent-100 cannot be copied: node pve3 is offline",
        ),
        (
            |world| world.source.as_mut().unwrap().node = "pve4".parse().unwrap(),
            Field::Template,
            "100 agent-100 cannot be copied: node pve4 does not answer",
        ),
    ]);
    allowed(&[
        |world| {
            world.set("scsi0", "nfs:100/base-100-disk-0.qcow2,size=8G");
            world.request.target = Some("pve2".parse().unwrap());
        },
        |world| world.request.target = Some("pve1".parse().unwrap()),
        |world| world.resources = None,
    ]);
}
