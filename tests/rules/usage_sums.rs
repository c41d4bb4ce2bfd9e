//! Disks by owner, what a project used, and where that leads.

use std::time::Duration;

use chrono_tz::Tz;
use pretty_assertions::assert_eq;
use proxdeck::domain::guest::{Figures, Guest};
use proxdeck::domain::history::Span;
use proxdeck::domain::project::{Budget, Membership, Project, Quota, Resource, Window};
use proxdeck::domain::quota::{Amount, Certainty, ResourceUsage, Tier, assess};
use proxdeck::domain::usage::{
    Account, Member, Origin, Period, ProjectUse, StorageContents, StorageUse, Unread,
    project_ahead, project_use, storage_use,
};
use proxdeck::domain::volume::{Volume, VolumeContent};
use rstest::rstest;

use super::worlds::{Server, at, busy_row, guest, hours, vmid};

const GB: u64 = 1_000_000_000;

fn volume(owner: u64, gigabytes: u64) -> Volume {
    Volume {
        id: format!("a:vm-{owner}-disk-0"),
        owner: Some(vmid(owner)),
        content: Some(VolumeContent::from_word("images")),
        format: None,
        size: Some(gigabytes * GB),
        used: None,
        parent: None,
    }
}

fn listed(
    storage: &str,
    node: Option<&str>,
    volumes: Result<Vec<Volume>, Unread>,
) -> StorageContents {
    StorageContents {
        storage: storage.parse().unwrap(),
        node: node.map(|node| node.parse().unwrap()),
        volumes: volumes.map(Into::into),
    }
}

fn boot_disk() -> Amount {
    Amount::new(15.0, Certainty::AtLeast)
}

fn disks(contents: &[StorageContents], owner: u64) -> String {
    storage_use(contents)
        .of(vmid(owner), boot_disk())
        .to_string()
}

#[test]
fn pitfall_18_every_disk_of_an_owner_counts_and_nothing_else() {
    let of_kind = |word, gigabytes| Volume {
        content: Some(VolumeContent::from_word(word)),
        ..volume(104, gigabytes)
    };
    let contents = [
        listed(
            "local",
            Some("pve1"),
            Ok(vec![
                volume(104, 20),
                // An unused disk and kept RAM are images like any other.
                volume(104, 8),
                volume(104, 4),
                of_kind("backup", 100),
                of_kind("iso", 2),
                of_kind("vztmpl", 1),
            ]),
        ),
        // Local storages of two nodes share a name and nothing else.
        listed(
            "local",
            Some("pve2"),
            Ok(vec![of_kind("rootdir", 3), volume(105, 7)]),
        ),
    ];
    assert_eq!(disks(&contents, 104), "35");
    assert_eq!(disks(&contents, 105), "7");
    assert_eq!(disks(&contents, 106), "0");
}

#[test]
fn pitfall_18_a_shared_storage_counts_once_whichever_node_could_list_it() {
    let shared = |volumes| listed("ceph", None, volumes);
    let contents = [
        shared(Err(Unread)),
        shared(Ok(vec![volume(104, 20)])),
        shared(Ok(vec![volume(104, 20)])),
    ];
    assert_eq!(disks(&contents, 104), "20");
}

#[test]
fn pitfall_18_what_was_not_read_makes_a_lower_bound_and_nothing_read_leaves_the_boot_disk() {
    let read = listed("a", Some("pve1"), Ok(vec![volume(104, 20), volume(105, 1)]));
    let unread = listed("b", Some("pve1"), Err(Unread));
    let contents = [read.clone(), unread.clone()];
    assert_eq!(disks(&contents, 104), "≥20");
    assert_eq!(disks(&contents, 105), "≥15", "the boot disk alone is more");
    assert_eq!(disks(&[unread], 104), "≥15");
    assert_eq!(disks(&[], 104), "≥15");
    let sizeless = Volume {
        size: None,
        ..volume(104, 0)
    };
    let contents = [read, listed("b", None, Ok(vec![sizeless]))];
    assert_eq!(disks(&contents, 104), "≥20");
    assert_eq!(disks(&contents, 105), "1");
}

#[test]
fn sizes_beyond_all_disks_stay_finite() {
    let huge = Volume {
        size: Some(u64::MAX),
        ..volume(104, 0)
    };
    let sums = storage_use(&[listed("a", None, Ok(vec![huge; 1_000]))]);
    assert!(sums.of(vmid(104), boot_disk()).value().unwrap() > 1.8e13);
}

fn period() -> Period {
    Period::of(Window::Month, at("2026-11-11T00:00:00Z"), Tz::UTC)
}

fn busy(number: u64) -> Account {
    let series = Server::Nine.frame(Span::Month, period().until, |_| busy_row());
    Account::of_history(&guest(number), &Origin::default(), &[&series], &period())
}

fn sizes(numbers: &[u64]) -> StorageUse {
    let volumes = numbers.iter().map(|number| volume(*number, 10)).collect();
    storage_use(&[listed("a", None, Ok(volumes))])
}

fn told(sum: &ProjectUse) -> [String; 4] {
    Resource::ALL.map(|resource| sum.used.amount(resource).to_string())
}

#[test]
fn the_members_of_a_project_are_added_each_once() {
    let (one, other) = (busy(104), busy(105));
    let late = guest(104);
    let members = [
        Member::Unread(&late),
        Member::Read(&one),
        Member::Read(&other),
        Member::Read(&one),
    ];
    let sum = project_use(&members, &sizes(&[104, 105, 106]), &[], true);
    assert_eq!(told(&sum), ["960", "960", "20", "2592"]);
    assert_eq!(sum.coverage.least(), Some(1.0));

    let mut project = Project::new("lab", Membership::Pool("lab".parse().unwrap())).unwrap();
    project.budget = Budget {
        cpu_hours: Quota::at_most(800.0).unwrap(),
        ..Budget::default()
    };
    assert_eq!(assess(&project, &sum.used)[0].tier, Tier::Throttle);
}

#[test]
fn a_member_that_was_not_read_makes_a_lower_bound_and_its_disks_still_count() {
    let unread = Guest {
        figures: Figures {
            max_disk: Some(20 * GB),
            ..Figures::default()
        },
        ..guest(105)
    };
    let one = busy(104);
    let members = [Member::Read(&one), Member::Unread(&unread)];
    let sum = project_use(&members, &sizes(&[104, 105]), &[], true);
    assert_eq!(told(&sum), ["≥480", "≥480", "20", "≥1296"]);
    let sum = project_use(&members[1..], &storage_use(&[]), &[], true);
    assert_eq!(told(&sum), ["unknown", "unknown", "≥20", "unknown"]);
    assert_eq!(sum.coverage.least(), None);
}

#[test]
fn without_a_ledger_all_but_the_disks_are_lower_bounds() {
    let one = busy(104);
    let sum = project_use(&[Member::Read(&one)], &sizes(&[104]), &[], false);
    assert_eq!(told(&sum), ["≥480", "≥480", "10", "≥1296"]);
    let nobody = project_use(&[], &sizes(&[]), &[], true);
    assert_eq!(told(&nobody), ["0"; 4].map(str::to_owned));
}

#[test]
fn coverage_is_the_share_of_all_members_time() {
    let whole = busy(104);
    let series = Server::Nine.frame(Span::Month, period().until, |time| {
        if time > at("2026-11-06T00:00:00Z") {
            busy_row()
        } else {
            proxdeck::domain::history::Averages::default()
        }
    });
    let half = Account::of_history(&guest(105), &Origin::default(), &[&series], &period());
    let members = [Member::Read(&whole), Member::Read(&half)];
    let sum = project_use(&members, &sizes(&[]), &[], true);
    assert_eq!(sum.coverage.cpu_hours, Some(0.75));
    assert_eq!(told(&sum)[0], "~720");
}

fn ahead(
    resource: Resource,
    used: Amount,
    quota: f64,
    window: Window,
) -> (String, Tier, Option<Duration>) {
    let usage = ResourceUsage::new(resource, used, Quota::at_most(quota).unwrap());
    let period = Period::of(window, period().until, Tz::UTC);
    let ahead = project_ahead(&usage, window, &period);
    (ahead.used.to_string(), ahead.tier, ahead.full_in)
}

#[test]
fn a_month_is_stretched_to_its_end() {
    let exact = |value| Amount::new(value, Certainty::Exact);
    let cpu = |used, quota| ahead(Resource::CpuHours, used, quota, Window::Month);
    // A third of November has passed: at 10 a day, 300 are reached in 20 days, 150 in 5.
    assert_eq!(cpu(exact(100.0), 400.0), ("~300".into(), Tier::Ok, None));
    assert_eq!(
        cpu(exact(100.0), 150.0),
        ("~300".into(), Tier::Emergency, Some(hours(5 * 24)))
    );
    assert_eq!(
        cpu(exact(100.0), 290.0),
        ("~300".into(), Tier::Warn, Some(hours(19 * 24)))
    );
    // What is full already is not going to be.
    assert_eq!(cpu(exact(100.0), 100.0).2, None);
    assert_eq!(cpu(exact(100.0), 50.0).2, None);
    assert_eq!(cpu(exact(0.0), 0.0), ("~0".into(), Tier::Ok, None));
    assert_eq!(
        cpu(Amount::UNKNOWN, 5.0),
        ("unknown".into(), Tier::Unknown, None)
    );
    let bound = Amount::new(100.0, Certainty::AtLeast);
    assert_eq!(cpu(bound, 400.0).0, "≥300");
}

#[rstest]
#[case::sliding(Resource::CpuHours, Window::Days30)]
#[case::disks(Resource::StorageGb, Window::Month)]
fn what_does_not_flow_stays_as_it_is(#[case] resource: Resource, #[case] window: Window) {
    let used = Amount::new(100.0, Certainty::Exact);
    assert_eq!(
        ahead(resource, used, 150.0, window),
        ("100".into(), Tier::Ok, None)
    );
}

#[test]
fn a_month_that_has_just_begun_shows_no_end() {
    let used = Amount::new(0.0, Certainty::Exact);
    let usage = ResourceUsage::new(Resource::CpuHours, used, Quota::at_most(5.0).unwrap());
    let first = Period::of(Window::Month, at("2026-11-01T00:00:00Z"), Tz::UTC);
    let ahead = project_ahead(&usage, Window::Month, &first);
    assert_eq!((ahead.used, ahead.full_in), (Amount::UNKNOWN, None));
}
