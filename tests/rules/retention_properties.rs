//! Retention by property: what no set of snapshots, however odd, may ever bring about.

use std::collections::HashSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::retention::{
    GuestSnapshots, Policy, Reason, RetentionPlan, Row, Verdict, judge, plan,
};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;

use super::worlds::{DAY, guest_ref, now};

/// Names from a small set, so that doubles, loops and missing parents occur.
fn a_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-h]",
        3 => "[a-h]-(weekly|monthly)",
        1 => "[a-h]_keep",
        1 => "br-[a-h]",
    ]
}

pub(crate) fn a_snapshot() -> impl Strategy<Value = Snapshot> {
    (
        a_name(),
        proptest::option::weighted(0.95, -2 * DAY..500 * DAY),
        proptest::option::weighted(0.3, a_name()),
        prop_oneof![8 => Just(""), 1 => Just("#keep"), 1 => Just("not #kept")],
        proptest::option::weighted(0.05, Just("delete")),
    )
        .prop_map(|(name, age, parent, description, unfinished)| Snapshot {
            name: Text::new(name),
            taken: age.map(|age| now() - TimeDelta::seconds(age)),
            parent: parent.map(Text::new),
            description: description.into(),
            has_ram: false,
            unfinished: unfinished.map(Text::from),
        })
}

/// A list as anybody's server might send it.
pub(crate) fn any_list() -> impl Strategy<Value = SnapshotList> {
    (
        proptest::collection::vec(a_snapshot(), 0..12),
        proptest::option::weighted(0.5, a_name()),
    )
        .prop_map(|(snapshots, base)| SnapshotList {
            snapshots,
            current_parent: base.map(Text::new),
            digest: None,
        })
}

/// A list as a sound server sends it: unique names, and parents that are older than their children.
pub(crate) fn sound_list() -> impl Strategy<Value = SnapshotList> {
    let rows = proptest::collection::vec(
        (a_name(), 0..500 * DAY, any::<prop::sample::Index>()),
        0..14,
    );
    (rows, any::<prop::sample::Index>()).prop_map(|(mut rows, base)| {
        rows.sort_by_key(|(_, age, _)| -*age);
        let mut snapshots: Vec<Snapshot> = Vec::new();
        for (number, (name, age, parent)) in rows.into_iter().enumerate() {
            snapshots.push(Snapshot {
                // The number goes first, so that the last word still tells the class.
                name: Text::new(match name.strip_prefix("br-") {
                    Some(rest) => format!("br-n{number}-{rest}"),
                    None => format!("n{number}-{name}"),
                }),
                taken: Some(now() - TimeDelta::seconds(age)),
                parent: (!snapshots.is_empty())
                    .then(|| snapshots[parent.index(snapshots.len())].name.clone()),
                description: Text::default(),
                has_ram: false,
                unfinished: None,
            });
        }
        let current_parent =
            (!snapshots.is_empty()).then(|| snapshots[base.index(snapshots.len())].name.clone());
        SnapshotList {
            snapshots,
            current_parent,
            digest: None,
        }
    })
}

pub(crate) fn a_list() -> impl Strategy<Value = SnapshotList> {
    prop_oneof![any_list(), sound_list()]
}

pub(crate) fn a_policy() -> impl Strategy<Value = Policy> {
    (0..15_u32, 0..60_u32, 0..400_u32, 0..4_usize).prop_map(|(daily, weekly, monthly, last)| {
        let marks = vec!["keep".to_owned()];
        Policy::new(daily, weekly, monthly, last, marks).unwrap()
    })
}

pub(crate) fn plan_for(guests: &[(GuestRef, SnapshotList)], policy: &Policy) -> RetentionPlan {
    let given: Vec<GuestSnapshots<'_>> = guests
        .iter()
        .map(|(guest, list)| GuestSnapshots { guest, list })
        .collect();
    plan(&given, policy, now())
}

/// Carries a plan out as Proxmox does: children of what goes are handed to its parent.
fn carry_out(plan: &RetentionPlan, guests: &mut [(GuestRef, SnapshotList)]) {
    for deletions in plan.deletions() {
        for row in deletions.rows {
            for (_, list) in guests
                .iter_mut()
                .filter(|(guest, _)| guest == deletions.guest)
            {
                let gone = list.find(row.name().raw()).unwrap().clone();
                list.snapshots.retain(|each| each.name != gone.name);
                for each in &mut list.snapshots {
                    if each.parent.as_ref() == Some(&gone.name) {
                        each.parent.clone_from(&gone.parent);
                    }
                }
                assert_ne!(list.current_parent.as_ref(), Some(&gone.name));
            }
        }
    }
}

/// The clear snapshots of a list, judged naively by what must hold for each alone.
fn dates_of_clear(plan: &RetentionPlan, guest: &GuestRef) -> Vec<i64> {
    let mut dates: Vec<i64> = plan
        .rows()
        .iter()
        .filter(|row| row.guest() == guest && !matches!(row.reason(), Reason::Unclear(_)))
        .map(|row| row.taken().unwrap().timestamp())
        .collect();
    dates.sort_unstable_by(|a, b| b.cmp(a));
    dates
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_snapshot_has_exactly_one_row(list in a_list(), policy in a_policy()) {
        let plan = plan_for(&[(guest_ref(104), list.clone())], &policy);
        let mut given: Vec<&Text> = list.snapshots.iter().map(|each| &each.name).collect();
        let mut told: Vec<&Text> = plan.rows().iter().map(Row::name).collect();
        given.sort();
        told.sort();
        prop_assert_eq!(given, told);
        let summary = plan.summary();
        prop_assert_eq!(summary.kept.values().sum::<usize>(), summary.keep());
    }

    #[test]
    fn a_list_judged_alone_gets_the_reasons_of_the_plan(list in a_list(), policy in a_policy()) {
        let reasons = judge(&list, &policy, now());
        prop_assert_eq!(reasons.len(), list.snapshots.len());
        let plan = plan_for(&[(guest_ref(104), list.clone())], &policy);
        let mut rows: Vec<_> = plan.rows().iter().collect();
        for (snapshot, reason) in list.snapshots.iter().zip(&reasons) {
            let found = rows
                .iter()
                .position(|row| row.snapshot() == snapshot && row.reason() == reason);
            prop_assert!(found.is_some(), "{snapshot:?} {reason:?}");
            rows.swap_remove(found.unwrap());
        }
    }

    #[test]
    fn nothing_that_is_protected_is_ever_deleted(list in a_list(), policy in a_policy()) {
        let guest = guest_ref(104);
        let plan = plan_for(&[(guest.clone(), list.clone())], &policy);
        let newest = dates_of_clear(&plan, &guest);
        for row in plan.rows().iter().filter(|row| row.verdict() == Verdict::Delete) {
            let name = row.name().raw();
            let taken = row.taken().unwrap();
            prop_assert!(!name.contains("keep"));
            prop_assert!(!row.snapshot().description.raw().contains("#keep"));
            prop_assert!(!name.starts_with("br-"));
            prop_assert_eq!(&row.snapshot().unfinished, &None);
            prop_assert!(taken <= now());
            prop_assert_ne!(list.current_parent.as_ref(), Some(row.name()));
            if let Some(base) = &list.current_parent {
                prop_assert!(list.find(base.raw()).is_some());
            }
            let named_so = list.snapshots.iter().filter(|each| each.name.raw() == name).count();
            prop_assert_eq!(named_so, 1);
            for other in &list.snapshots {
                if other.parent.as_ref() == Some(row.name()) && other.taken.is_some_and(|at| at.timestamp() > 0) {
                    prop_assert!(other.taken.unwrap() >= taken);
                }
            }
            let younger = newest.iter().filter(|&&date| date > taken.timestamp()).count();
            prop_assert!(younger >= policy.keep_last());
            let age = u64::try_from((now() - taken).num_seconds()).unwrap();
            prop_assert!(age > u64::from(policy.days(row.class())) * 86_400);
        }
    }

    #[test]
    fn planning_again_after_carrying_out_deletes_nothing(
        lists in proptest::collection::vec(a_list(), 1..4),
        policy in a_policy(),
    ) {
        let mut guests: Vec<(GuestRef, SnapshotList)> =
            (104_u64..).map(guest_ref).zip(lists).collect();
        let first = plan_for(&guests, &policy);
        carry_out(&first, &mut guests);
        let second = plan_for(&guests, &policy);
        prop_assert_eq!(second.summary().delete, 0);
        prop_assert_eq!(second.rows().len(), first.summary().keep());
    }

    #[test]
    fn a_deletion_that_was_skipped_changes_no_other_verdict(
        list in a_list(), policy in a_policy(), skipped: prop::sample::Index,
    ) {
        let mut guests = [(guest_ref(104), list)];
        let mut first = plan_for(&guests, &policy);
        let doomed: Vec<Text> = first.deletions().iter()
            .flat_map(|each| each.rows.iter().map(|row| row.name().clone())).collect();
        prop_assume!(!doomed.is_empty());
        let kept = &doomed[skipped.index(doomed.len())];
        first.keep(guests[0].0.vmid, kept).unwrap();
        carry_out(&first, &mut guests);
        let second = plan_for(&guests, &policy);
        let left: Vec<&Text> = second.rows().iter()
            .filter(|row| row.verdict() == Verdict::Delete).map(Row::name).collect();
        prop_assert_eq!(left, [kept]);
    }

    #[test]
    fn the_order_of_guests_and_snapshots_does_not_matter(
        lists in proptest::collection::vec(a_list(), 1..4),
        policy in a_policy(),
        seed: u64,
    ) {
        let guests: Vec<(GuestRef, SnapshotList)> =
            (104_u64..).map(guest_ref).zip(lists).collect();
        let mut shuffled = guests.clone();
        let turn = usize::try_from(seed % 7).unwrap();
        let length = shuffled.len();
        shuffled.rotate_left(turn % length);
        for (_, list) in &mut shuffled {
            let length = list.snapshots.len().max(1);
            list.snapshots.rotate_left(turn % length);
            if seed % 2 == 0 {
                list.snapshots.reverse();
            }
        }
        prop_assert_eq!(plan_for(&guests, &policy), plan_for(&shuffled, &policy));
    }

    #[test]
    fn a_stricter_policy_deletes_whatever_a_laxer_one_does(
        list in a_list(), days in 0..100_u32, more in 0..100_u32,
    ) {
        let guests = [(guest_ref(104), list)];
        let policy = |days| Policy::new(days, days, days, 1, Vec::new()).unwrap();
        let names = |policy: &Policy| -> HashSet<Text> {
            plan_for(&guests, policy).deletions().iter()
                .flat_map(|each| each.rows.iter().map(|row| row.name().clone())).collect()
        };
        prop_assert!(names(&policy(days + more)).is_subset(&names(&policy(days))));
    }

    #[test]
    fn no_edit_deletes_what_the_rules_keep(
        list in a_list(), policy in a_policy(),
        edits in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        prop_assume!(!list.snapshots.is_empty());
        let guests = [(guest_ref(104), list)];
        let before = plan_for(&guests, &policy);
        let mut edited = before.clone();
        for edit in edits {
            let name = before.rows()[edit.index(before.rows().len())].name();
            let _ = edited.toggle(guests[0].0.vmid, name);
        }
        for (old, new) in before.rows().iter().zip(edited.rows()) {
            prop_assert!(old.verdict() == Verdict::Delete || new.verdict() == Verdict::Keep);
        }
    }
}
