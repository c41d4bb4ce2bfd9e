//! Brackets by table and by property: what is found in lists of snapshots, however odd.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proxdeck::domain::bracket::{
    Bracket, BracketLine, BracketName, Completeness, find_all, is_still_of, strangers,
};
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};

use super::worlds::{guest_ref, now};

type World = Vec<(GuestRef, Option<SnapshotList>)>;

fn snapshot(name: &str, description: &str, hours: i64) -> Snapshot {
    Snapshot {
        name: name.into(),
        taken: Some(now() - TimeDelta::hours(hours)),
        parent: None,
        description: description.into(),
        has_ram: false,
        unfinished: None,
    }
}

fn list(snapshots: Vec<Snapshot>) -> SnapshotList {
    SnapshotList {
        snapshots,
        ..SnapshotList::default()
    }
}

fn found(world: &World) -> Vec<Bracket> {
    let guests = world.iter();
    find_all(guests.map(|(guest, list)| (guest.clone(), list.as_ref())))
}

fn numbers(vmids: impl IntoIterator<Item = Vmid>) -> Vec<u32> {
    vmids.into_iter().map(Vmid::get).collect()
}

#[test]
fn a_bracket_says_who_has_it_who_lacks_it_and_of_whom_nobody_knows() {
    let line = "before the upgrade\nproxdeck: bracket aaaa 101,102,103,104";
    let world = vec![
        (guest_ref(101), Some(list(vec![snapshot("br-x", line, 2)]))),
        (guest_ref(102), Some(list(vec![snapshot("other", line, 2)]))),
        (guest_ref(103), None),
        (
            guest_ref(105),
            Some(list(vec![snapshot("br-x", "by hand", 1)])),
        ),
    ];
    let [bracket] = &found(&world)[..] else {
        panic!("one bracket: {:?}", found(&world))
    };
    assert_eq!(bracket.full_name(), "x@aaaa");
    assert_eq!(bracket.taken(), Some(now() - TimeDelta::hours(2)));
    assert_eq!(
        numbers(bracket.members.iter().map(|it| it.guest.vmid)),
        [101]
    );
    assert_eq!(
        numbers(bracket.missing.clone()),
        [102, 104],
        "104 is no guest any more"
    );
    assert_eq!(numbers(bracket.unread.clone()), [103]);
    assert_eq!(bracket.completeness(), Completeness::Incomplete);
    assert_eq!(numbers(bracket.vmids()), [101, 102, 103, 104]);
    let name = BracketName::of_typed("x").unwrap();
    let guests = world.iter();
    let foreign = strangers(
        &name,
        guests.map(|(guest, list)| (guest.clone(), list.as_ref())),
    );
    assert_eq!(numbers(foreign.into_iter().map(|it| it.vmid)), [105]);
}

#[test]
fn without_a_list_of_guests_a_bracket_is_what_is_there() {
    let line = "proxdeck: bracket 7f3a91c2";
    let mut world: World = [108, 110]
        .map(|vmid| {
            (
                guest_ref(vmid),
                Some(list(vec![snapshot("br-release-7", line, 9)])),
            )
        })
        .into();
    assert_eq!(found(&world)[0].completeness(), Completeness::Whole);
    assert!(found(&world)[0].is_called("release-7"));
    assert!(found(&world)[0].is_called("br-release-7"));
    assert!(found(&world)[0].is_called("release-7@7f3a91c2"));
    assert!(!found(&world)[0].is_called("release-7@7f3a91c3"));
    assert!(!found(&world)[0].is_called("release"));
    if let Some(list) = &mut world[0].1 {
        list.snapshots[0].unfinished = Some("delete".into());
    }
    assert_eq!(found(&world)[0].completeness(), Completeness::Incomplete);
}

#[test]
fn a_line_that_names_other_guests_only_was_copied_from_somewhere() {
    let world = vec![(
        guest_ref(101),
        Some(list(vec![snapshot(
            "br-x",
            "proxdeck: bracket aaaa 102,103",
            1,
        )])),
    )];
    assert_eq!(found(&world), []);
}

#[test]
fn the_newest_comes_first() {
    let world = vec![(
        guest_ref(101),
        Some(list(vec![
            snapshot("br-old", "proxdeck: bracket aaaa 101", 9),
            snapshot("br-new", "proxdeck: bracket aaaa 101", 1),
            snapshot("br-mid", "proxdeck: bracket bbbb 101", 5),
        ])),
    )];
    let names: Vec<String> = found(&world).iter().map(Bracket::full_name).collect();
    assert_eq!(names, ["new@aaaa", "mid@bbbb", "old@aaaa"]);
}

#[test]
fn a_snapshot_stays_in_its_bracket_whatever_else_is_written_beside() {
    let line = "proxdeck: bracket aaaa 101";
    assert!(is_still_of(line, &format!("{line}\n#keep")));
    assert!(is_still_of("no bracket", "anything"));
    assert!(!is_still_of(line, "proxdeck: bracket bbbb 101"));
    assert!(!is_still_of(line, ""));
    assert!(!is_still_of(
        line,
        &format!("{line}\nproxdeck: bracket bbbb")
    ));
}

fn a_description() -> impl Strategy<Value = String> {
    let line = (prop_oneof![Just("aaaa"), Just("bbbb"), Just("a")], {
        proptest::collection::vec(98_u32..106, 0..4)
    })
        .prop_map(|(nonce, vmids)| {
            let vmids: Vec<String> = vmids.iter().map(ToString::to_string).collect();
            format!("proxdeck: bracket {nonce} {}", vmids.join(","))
        });
    prop_oneof![
        6 => line.clone(),
        1 => (line.clone(), line.clone()).prop_map(|(one, other)| format!("{one}\n{other}")),
        1 => line.prop_map(|line| format!("said: {line}")),
        1 => Just(String::new()),
        1 => "(?s)(proxdeck: bracket )?.{0,30}",
    ]
}

fn a_world() -> impl Strategy<Value = World> {
    let name = prop_oneof![3 => Just("br-a"), 3 => Just("br-b"), 1 => Just("BR-a"), 1 => Just("br-"), 1 => Just("a")];
    let snapshots = proptest::collection::vec((name, a_description(), 0..9_i64), 0..5);
    let list = proptest::option::weighted(0.9, snapshots);
    proptest::collection::btree_map(100_u64..105, list, 0..5).prop_map(|guests| {
        let guests = guests.into_iter().map(|(vmid, snapshots)| {
            let snapshots = snapshots.map(|snapshots| {
                let snapshots = snapshots.into_iter();
                let snapshots =
                    snapshots.map(|(name, description, hours)| snapshot(name, &description, hours));
                SnapshotList {
                    snapshots: snapshots.collect(),
                    ..SnapshotList::default()
                }
            });
            (guest_ref(vmid), snapshots)
        });
        guests.collect()
    })
}

proptest! {
    #[test]
    fn two_operators_brackets_never_mix(world in a_world()) {
        let brackets = found(&world);
        let mut seen = BTreeSet::new();
        for bracket in &brackets {
            prop_assert!(seen.insert((bracket.name.clone(), bracket.nonce.clone())), "one of each");
            prop_assert!(!bracket.members.is_empty());
            for member in &bracket.members {
                let line = BracketLine::find(member.snapshot.description.raw());
                let line = line.expect("a member carries a line");
                prop_assert_eq!(line.nonce(), &bracket.nonce);
                prop_assert_eq!(member.snapshot.name.raw(), bracket.name.snapshot().as_str());
                let vmid = member.guest.vmid;
                prop_assert!(line.vmids().next().is_none() || line.vmids().any(|it| it == vmid));
                prop_assert!(!bracket.missing.contains(&vmid) && !bracket.unread.contains(&vmid));
            }
        }
    }

    #[test]
    fn every_snapshot_of_the_name_is_in_one_bracket_or_a_stranger_s(world in a_world()) {
        let brackets = found(&world);
        for (guest, list) in &world {
            for each in list.iter().flat_map(|list| &list.snapshots) {
                let Some(name) = BracketName::of_snapshot(each.name.raw()) else { continue };
                let of = brackets.iter().filter(|bracket| {
                    bracket.name == name && bracket.member(guest.vmid).is_some_and(|it| it.snapshot == *each)
                });
                let guests = world.iter().map(|(guest, list)| (guest.clone(), list.as_ref()));
                let is_strange = strangers(&name, guests).contains(guest);
                match of.count() {
                    0 => prop_assert!(is_strange),
                    1 => prop_assert!(!is_strange || list.iter().flat_map(|it| &it.snapshots).filter(|it| it.name == each.name).count() > 1),
                    several => prop_assert!(false, "in {several} brackets"),
                }
            }
        }
    }

    #[test]
    fn the_order_of_guests_and_snapshots_is_irrelevant(world in a_world()) {
        let mut turned: World = world.clone();
        turned.reverse();
        for list in turned.iter_mut().filter_map(|(_, list)| list.as_mut()) {
            list.snapshots.reverse();
        }
        prop_assert_eq!(found(&turned), found(&world));
    }
}
