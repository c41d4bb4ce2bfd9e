//! From what was read to how every project stands, and which lists must be read for it.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::history::Span;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::inventory::{Node, NodeState, Storage};
use proxdeck::domain::permission::Permissions;
use proxdeck::domain::project::{Budget, Membership, Project, Projects, Quota, Resource};
use proxdeck::domain::usage::{
    Account, ContentList, Ledger, Origin, Period, UsageReadings, Zone, content_lists, hidden_owners,
};
use rstest::rstest;

use super::worlds::{Server, at, busy_row, guest, pooled, vmid};

const NOW: &str = "2026-11-11T00:00:00Z";

fn project(name: &str, budget: Budget) -> Project {
    let pool = Membership::Pool(name.parse().unwrap());
    let mut project = Project::new(name, pool).unwrap();
    project.budget = budget;
    project
}

fn hours(bound: f64) -> Budget {
    Budget {
        cpu_hours: Quota::at_most(bound).unwrap(),
        ..Budget::default()
    }
}

/// Two projects, of which the second bounds disks alone.
fn projects() -> Projects {
    let disks = Budget {
        storage_gb: Quota::at_most(100.0).unwrap(),
        ..Budget::default()
    };
    Projects::new(vec![
        project("lab", hours(1_000.0)),
        project("disks", disks),
    ])
    .unwrap()
}

/// Two busy cores since the first of the month.
fn busy(guest: &Guest) -> Account {
    let period = Period::of(proxdeck::domain::project::Window::Month, at(NOW), Tz::UTC);
    let series = Server::Nine.frame(Span::Month, at(NOW), |_| busy_row());
    Account::of_history(guest, &Origin::default(), &[&series], &period)
}

fn read(guests: &[Guest]) -> UsageReadings {
    UsageReadings {
        accounts: guests
            .iter()
            .map(|each| (each.vmid, busy(each).into()))
            .collect(),
        ..UsageReadings::default()
    }
}

/// The core-hours of the first project, and how many of its guests are missing.
fn lab(readings: &UsageReadings, guests: &[Guest]) -> (String, usize) {
    let standings = readings.standings(
        &projects(),
        &guests.iter().collect::<Vec<_>>(),
        at(NOW),
        Zone::Unknown,
    );
    let (usage, _) = standings[0].resource(Resource::CpuHours).unwrap();
    (usage.used.to_string(), standings[0].unread)
}

/// Notes in a ledger what was read.
fn record(readings: &UsageReadings, ledger: &mut Ledger, guests: &[Guest]) {
    for entry in readings.entries(&projects(), guests, |_| true) {
        entry.record(ledger, at(NOW));
    }
}

#[test]
fn a_project_counts_its_own_guests_and_those_that_are_gone() {
    let guests = [pooled(104, "lab"), pooled(105, "lab"), pooled(106, "disks")];
    let mut readings = read(&guests[..2]);
    assert_eq!(lab(&readings, &guests), ("≥960".to_owned(), 0));
    let mut ledger = Ledger::default();
    record(&readings, &mut ledger, &guests);
    readings.ledger = ledger.into();
    assert_eq!(lab(&readings, &guests), ("≥960".to_owned(), 0));
    // Once the second is gone, its use stays.
    readings.accounts.remove(&vmid(105));
    let left = [guests[0].clone(), guests[2].clone()];
    assert_eq!(lab(&readings, &left), ("≥960".to_owned(), 0));
}

#[test]
fn a_number_that_went_to_another_project_s_guest_does_not_hide_who_had_it() {
    let guests = [pooled(104, "lab"), pooled(105, "lab")];
    let mut readings = read(&guests);
    let mut ledger = Ledger::default();
    record(&readings, &mut ledger, &guests);
    readings.ledger = ledger.into();
    readings.accounts.remove(&vmid(105));
    let elsewhere = |name: &str| {
        let other = Guest {
            name: Some(name.into()),
            ..pooled(105, "disks")
        };
        lab(&readings, &[guests[0].clone(), other]).0
    };
    assert_eq!(elsewhere("new-one"), "≥960");
    let same = guests[1].name.clone().unwrap();
    assert_eq!(elsewhere(same.raw()), "≥480", "it went over with its use");
}

#[test]
fn a_guest_that_was_not_read_is_missing_and_nobody_vouches_for_its_project() {
    let guests = [pooled(104, "lab"), pooled(105, "lab"), pooled(106, "disks")];
    let readings = read(&guests[..1]);
    assert_eq!(lab(&readings, &guests), ("≥480".to_owned(), 1));
    let kept = |readings: &UsageReadings| {
        let mut ledger = Ledger::default();
        record(readings, &mut ledger, &guests);
        let written = serde_json::to_value(&ledger).unwrap();
        let names = written["kept"].as_object().unwrap().keys();
        let names: Vec<String> = names.cloned().collect();
        (names, written["guests"].as_array().unwrap().len())
    };
    assert_eq!(kept(&readings), (vec![], 1));
    assert_eq!(kept(&read(&guests[..2])), (vec!["lab".to_owned()], 2));
    // Of a project that bounds no more than disks no history is wanted.
    let standings = readings.standings(
        &projects(),
        &guests.iter().collect::<Vec<_>>(),
        at(NOW),
        Zone::Unknown,
    );
    assert_eq!((standings[1].guests, standings[1].unread), (1, 0));
}

#[test]
fn the_heaviest_guest_is_the_one_of_which_most_is_known() {
    let guests = [pooled(104, "lab"), pooled(105, "lab"), pooled(106, "lab")];
    let mut readings = read(&guests[..2]);
    let most = readings.accounts.get_mut(&vmid(105)).unwrap();
    std::sync::Arc::make_mut(most).used.cpu_hours =
        proxdeck::domain::quota::Amount::new(481.0, proxdeck::domain::quota::Certainty::AtLeast);
    let members: Vec<&Guest> = guests.iter().collect();
    let heaviest = |resource| {
        let found = readings.heaviest(&members, resource);
        found.map(|(guest, amount)| (guest.vmid.get(), amount.to_string()))
    };
    assert_eq!(heaviest(Resource::CpuHours), Some((105, "≥481".to_owned())));
    assert_eq!(
        heaviest(Resource::MemoryGbHours).unwrap().0,
        104,
        "of equals the first"
    );
    assert_eq!(readings.heaviest(&members[2..], Resource::CpuHours), None);
}

#[test]
fn an_unknown_zone_counts_by_utc_and_says_that_it_is_unknown() {
    let tokyo = Tz::Asia__Tokyo;
    for zone in [Zone::Configured(tokyo), Zone::OfCluster(tokyo)] {
        assert_eq!((zone.known(), zone.calendar()), (Some(tokyo), tokyo));
    }
    assert_eq!(
        (Zone::Unknown.known(), Zone::Unknown.calendar()),
        (None, Tz::UTC)
    );
}

fn node(name: &str, state: NodeState) -> Node {
    Node {
        name: name.parse().unwrap(),
        state,
        cpu: None,
        max_cpu: None,
        memory: None,
        max_memory: None,
        disk: None,
        max_disk: None,
        uptime: None,
    }
}

fn storage(name: &str, node: &str, shared: bool, content: Option<&str>) -> Storage {
    Storage {
        name: name.parse().unwrap(),
        node: node.parse().unwrap(),
        shared,
        plugin: None,
        content: content.map(Into::into),
        available: false,
        used: None,
        size: None,
    }
}

#[test]
fn pitfall_18_a_shared_storage_is_listed_once_and_a_local_one_for_every_node() {
    let nodes = [
        node("pve1", NodeState::Offline),
        node("pve2", NodeState::Online),
        node("pve3", NodeState::Unknown),
    ];
    let storages = [
        storage("ceph", "pve1", true, Some("images")),
        storage("isos", "pve2", false, Some("iso,backup,vztmpl")),
        storage("local", "pve1", false, Some("backup, rootdir")),
        storage("local", "pve2", false, None),
        storage("local", "pve3", false, Some("images,rootdir")),
        Storage {
            available: true,
            ..storage("seen", "pve3", false, Some("images"))
        },
    ];
    let lists = content_lists(&storages, &nodes);
    let told: Vec<String> = lists
        .iter()
        .map(|list| {
            let name = |node: &Option<_>| node.as_ref().map_or("-".to_owned(), ToString::to_string);
            format!(
                "{} {} {}",
                list.storage,
                name(&list.node),
                name(&list.through)
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "ceph - pve2",
            "local pve1 -",
            "local pve2 pve2",
            "local pve3 -",
            "seen pve3 pve3",
        ]
    );
}

#[rstest]
#[case::administrator(&[("/", "Datastore.Allocate"), ("/", "Datastore.Audit")], &[])]
#[case::user_of_one(
    &[("/storage", "Datastore.Audit"), ("/vms/104", "VM.Config.Disk")],
    &[105],
)]
#[case::user_of_all(&[("/", "Datastore.Audit"), ("/vms", "VM.Config.Disk")], &[])]
#[case::allocates_space(
    &[("/storage", "Datastore.AllocateSpace"), ("/vms", "VM.Config.Disk")],
    &[104, 105],
)]
#[case::one_storage_alone(
    &[("/storage/a", "Datastore.Allocate"), ("/vms", "VM.Config.Disk")],
    &[104, 105],
)]
fn disks_that_a_list_may_hide_are_known(
    #[case] granted: &[(&str, &str)],
    #[case] expected: &[u32],
) {
    let entries = granted
        .iter()
        .map(|(path, privilege)| ((*path).to_owned(), (*privilege).to_owned(), true));
    let lists = [ContentList {
        storage: "a".parse().unwrap(),
        node: None,
        through: None,
    }];
    let owners = [guest(104).vmid, guest(105).vmid];
    let hidden: BTreeSet<Vmid> = hidden_owners(&lists, owners, &Permissions::new(entries));
    let hidden: Vec<u32> = hidden.into_iter().map(Vmid::get).collect();
    assert_eq!(hidden, expected);
}
