//! Retention by example: what stays, what goes, and what is said about it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use pretty_assertions::assert_eq;
use proxdeck::domain::retention::{
    Class, GuestSnapshots, Mark, NotEditable, Policy, Reason, RetentionPlan, Verdict, plan,
};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;
use rstest::rstest;

use super::worlds::{DAY, HOUR, aged, child, described, guest_ref, list, list_on, now, vmid};

fn policy(keep_last: usize) -> Policy {
    let marks = vec!["keep".to_owned(), "important".to_owned()];
    Policy::new(7, 30, 365, keep_last, marks).unwrap()
}

fn plan_of(list: &SnapshotList, policy: &Policy) -> RetentionPlan {
    let guest = guest_ref(104);
    plan(
        &[GuestSnapshots {
            guest: &guest,
            list,
        }],
        policy,
        now(),
    )
}

/// The rows as lines, oldest first.
fn told(list: &SnapshotList, policy: &Policy) -> Vec<String> {
    plan_of(list, policy)
        .rows()
        .iter()
        .map(|row| format!("{}: {}", row.name(), row.reason()))
        .collect()
}

/// What is said of a snapshot that no count of newest ones protects.
fn reason(snapshot: Snapshot) -> String {
    let list = list([snapshot]);
    let plan = plan_of(&list, &policy(0));
    plan.rows()[0].reason().to_string()
}

#[rstest]
// Ages and limits.
#[case::a_daily_one_within_its_week_stays(aged("av-1", 5 * DAY), "daily, 2 d left")]
#[case::a_daily_one_of_exactly_seven_days_stays(aged("av-1", 7 * DAY), "daily, 0 h left")]
#[case::a_daily_one_a_second_older_goes(aged("av-1", 7 * DAY + 1), "daily, limit 7 d")]
#[case::on_its_last_day_the_hours_are_told(aged("av-1", 6 * DAY + 19 * HOUR), "daily, 5 h left")]
#[case::one_day_left_is_told_in_hours(aged("av-1", 6 * DAY), "daily, 24 h left")]
#[case::a_begun_day_counts_as_a_day_left(aged("av-1", 5 * DAY + 1), "daily, 2 d left")]
#[case::a_snapshot_of_this_very_second_has_its_whole_time(aged("av-1", 0), "daily, 7 d left")]
#[case::a_weekly_one_outlives_the_daily_limit(aged("av-1-weekly", 6 * DAY + 10 * HOUR), "weekly, 24 d left")]
#[case::a_weekly_one_of_exactly_thirty_days_stays(aged("av-1-weekly", 30 * DAY), "weekly, 0 h left")]
#[case::a_weekly_one_a_second_older_goes(aged("av-1-weekly", 30 * DAY + 1), "weekly, limit 30 d")]
#[case::a_monthly_one_outlives_the_weekly_limit(aged("av-1-monthly", 22 * DAY + 10 * HOUR), "monthly, 343 d left")]
#[case::a_monthly_one_of_exactly_a_year_stays(aged("av-1-monthly", 365 * DAY), "monthly, 0 h left")]
#[case::a_monthly_one_a_second_older_goes(aged("av-1-monthly", 365 * DAY + 1), "monthly, limit 365 d")]
// The class is the whole last word behind a hyphen.
#[case::a_word_that_merely_ends_in_weekly_is_daily(aged("biweekly", 8 * DAY), "daily, limit 7 d")]
#[case::a_last_word_that_merely_ends_in_monthly_is_daily(aged("av-bimonthly", 8 * DAY), "daily, limit 7 d")]
#[case::a_class_word_in_the_middle_is_daily(aged("av-monthly-2", 8 * DAY), "daily, limit 7 d")]
#[case::a_class_word_behind_an_underscore_is_daily(aged("av_monthly", 8 * DAY), "daily, limit 7 d")]
#[case::a_bare_class_word_is_daily(aged("monthly", 8 * DAY), "daily, limit 7 d")]
#[case::a_class_in_capitals_is_one_too(aged("av-1-Weekly", 8 * DAY), "weekly, 22 d left")]
// Marks in the name.
#[case::a_mark_as_a_word_of_the_name_keeps(aged("keep-before-upgrade", 999 * DAY), "marked `keep`")]
#[case::a_mark_between_underscores_keeps(aged("before_important_change", 999 * DAY), "marked `important`")]
#[case::a_mark_at_the_end_of_the_name_keeps(aged("v2-keep", 999 * DAY), "marked `keep`")]
#[case::a_mark_in_capitals_keeps(aged("KEEP-me", 999 * DAY), "marked `keep`")]
#[case::a_mark_inside_a_longer_word_does_not_keep(aged("housekeeping", 999 * DAY), "daily, limit 7 d")]
#[case::a_word_that_begins_like_a_mark_does_not_keep(aged("keeper-1", 999 * DAY), "daily, limit 7 d")]
#[case::unimportant_is_not_important(aged("unimportant-1", 999 * DAY), "daily, limit 7 d")]
// Marks in the description.
#[case::a_hash_mark_in_the_description_keeps(described("av-1", 999 * DAY, "#keep before docker 27"), "marked `#keep`")]
#[case::a_hash_mark_in_a_later_line_keeps(described("av-1", 999 * DAY, "one\ntwo (#important)\n"), "marked `#important`")]
#[case::a_hash_mark_in_capitals_keeps(described("av-1", 999 * DAY, "#Keep"), "marked `#keep`")]
#[case::a_longer_word_behind_the_hash_does_not_keep(described("av-1", 999 * DAY, "#keepsake"), "daily, limit 7 d")]
#[case::a_mark_without_its_hash_does_not_keep(described("av-1", 999 * DAY, "do not keep"), "daily, limit 7 d")]
#[case::a_hash_apart_from_its_word_does_not_keep(described("av-1", 999 * DAY, "# keep"), "daily, limit 7 d")]
#[case::what_looks_like_a_mark_on_screen_is_one(described("av-1", 999 * DAY, "#ke\u{200b}ep"), "marked `#keep`")]
// Brackets.
#[case::a_bracket_stays_until_dropped(aged("br-release", 999 * DAY), "bracket until dropped")]
#[case::a_bracket_in_capitals_stays_too(aged("BR-release", 999 * DAY), "bracket until dropped")]
#[case::a_name_that_merely_begins_with_br_is_no_bracket(aged("breakfast", 999 * DAY), "daily, limit 7 d")]
#[case::a_name_of_one_letter_beside_wide_ones_is_no_bracket(aged("bé-x", 999 * DAY), "daily, limit 7 d")]
#[case::a_marked_bracket_is_told_as_marked(aged("br-keep", 999 * DAY), "marked `keep`")]
// What cannot be judged.
#[case::one_without_a_date_is_unclear(Snapshot { taken: None, ..aged("av-1", 0) }, "unclear: no date")]
#[case::one_dated_zero_is_unclear(Snapshot { taken: DateTime::from_timestamp(0, 0), ..aged("av-1", 0) }, "unclear: no date")]
#[case::one_a_second_ahead_is_unclear(aged("av-1", -1), "unclear: date in the future")]
#[case::one_at_the_end_of_time_is_unclear(Snapshot { taken: Some(DateTime::<chrono::Utc>::MAX_UTC), ..aged("av-1", 0) }, "unclear: date in the future")]
#[case::one_at_the_beginning_of_time_is_unclear(Snapshot { taken: Some(DateTime::<chrono::Utc>::MIN_UTC), ..aged("av-1", 0) }, "unclear: date before Proxmox VE existed")]
#[case::one_from_an_unset_clock_is_unclear(Snapshot { taken: DateTime::from_timestamp(3_600, 0), ..aged("av-1", 0) }, "unclear: date before Proxmox VE existed")]
#[case::one_in_the_making_is_unclear(Snapshot { unfinished: Some("prepare".into()), ..aged("av-1", 999 * DAY) }, "unclear: unfinished (prepare)")]
#[case::one_left_half_deleted_is_unclear(Snapshot { unfinished: Some("delete".into()), ..aged("av-1", 999 * DAY) }, "unclear: unfinished (delete)")]
#[case::an_unfinished_one_is_unclear_even_when_marked(Snapshot { unfinished: Some("delete".into()), ..aged("keep-1", 1) }, "unclear: unfinished (delete)")]
#[case::its_own_parent_is_a_loop(child("av-1", "av-1", 999 * DAY), "unclear: its parents form a loop")]
#[case::a_parent_that_is_not_there_is_a_contradiction(child("av-1", "gone", 999 * DAY), "unclear: its parent gone is missing")]
fn one_snapshot_alone(#[case] snapshot: Snapshot, #[case] expected: &str) {
    assert_eq!(reason(snapshot), expected);
}

#[test]
fn the_newest_stays_whatever_its_age() {
    let list = list([aged("old", 900 * DAY), aged("older", 901 * DAY)]);
    assert_eq!(
        told(&list, &policy(1)),
        ["older: daily, limit 7 d", "old: newest"]
    );
}

#[test]
fn as_many_of_the_newest_stay_as_the_policy_says() {
    let list = list([
        aged("a", 10 * DAY),
        aged("b", 20 * DAY),
        aged("c", 30 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy(2)),
        ["c: daily, limit 7 d", "b: newest", "a: newest"]
    );
    assert_eq!(
        told(&list, &policy(usize::MAX)),
        ["c: newest", "b: newest", "a: newest"]
    );
}

#[test]
fn with_none_of_the_newest_to_keep_even_the_last_one_may_go() {
    let list = list([aged("a", 10 * DAY)]);
    assert_eq!(told(&list, &policy(0)), ["a: daily, limit 7 d"]);
}

#[test]
fn snapshots_of_the_same_second_are_newest_together() {
    let list = list([
        aged("a", 10 * DAY),
        aged("b", 10 * DAY),
        aged("c", 11 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy(1)),
        ["c: daily, limit 7 d", "a: newest", "b: newest"]
    );
}

#[test]
fn a_marked_one_counts_among_the_newest() {
    let list = list([aged("keep-1", 10 * DAY), aged("b", 20 * DAY)]);
    assert_eq!(
        told(&list, &policy(1)),
        ["b: daily, limit 7 d", "keep-1: marked `keep`"]
    );
}

#[test]
fn an_unclear_one_never_takes_the_place_of_the_newest() {
    let list = list([aged("ahead", -DAY), aged("b", 20 * DAY)]);
    assert_eq!(
        told(&list, &policy(1)),
        ["b: newest", "ahead: unclear: date in the future"]
    );
}

#[test]
fn the_newest_is_told_as_such_even_within_its_limit() {
    let list = list([aged("a", HOUR), aged("b", DAY)]);
    assert_eq!(told(&list, &policy(1)), ["b: daily, 6 d left", "a: newest"]);
}

#[test]
fn pitfall_28_the_base_of_the_present_stays() {
    let list = list_on(
        "base",
        [
            aged("base", 90 * DAY),
            child("later", "base", 80 * DAY),
            child("last", "later", 70 * DAY),
        ],
    );
    assert_eq!(
        told(&list, &policy(1)),
        [
            "base: base of the present",
            "later: daily, limit 7 d",
            "last: newest"
        ]
    );
}

#[test]
fn a_parent_of_others_goes_when_it_is_too_old_because_its_children_are_handed_on() {
    let list = list_on(
        "b",
        [
            aged("a", 90 * DAY),
            child("b", "a", DAY),
            child("c", "a", HOUR),
        ],
    );
    assert_eq!(
        told(&list, &policy(1)),
        ["a: daily, limit 7 d", "b: base of the present", "c: newest"]
    );
}

#[test]
fn pitfall_28_when_the_base_is_not_there_nothing_of_the_guest_goes() {
    let list = list_on("gone", [aged("a", 90 * DAY), aged("keep-1", DAY)]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "a: unclear: the present's parent gone is missing",
            "keep-1: unclear: the present's parent gone is missing"
        ]
    );
}

#[test]
fn two_of_one_name_are_both_unclear_and_so_are_their_children() {
    let list = list([
        aged("twin", 90 * DAY),
        aged("twin", 80 * DAY),
        child("c", "twin", 70 * DAY),
        aged("other", 60 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "twin: unclear: two snapshots have this name",
            "twin: unclear: two snapshots have this name",
            "c: unclear: its parent twin exists twice",
            "other: daily, limit 7 d",
        ]
    );
}

#[test]
fn names_that_differ_only_in_capitals_are_two_names() {
    let list = list([aged("Twin", 90 * DAY), aged("twin", 80 * DAY)]);
    assert_eq!(
        told(&list, &policy(0)),
        ["Twin: daily, limit 7 d", "twin: daily, limit 7 d"]
    );
}

#[test]
fn a_loop_and_what_hangs_from_it_is_unclear_and_the_rest_is_not() {
    let list = list([
        child("a", "b", 90 * DAY),
        child("b", "a", 80 * DAY),
        child("c", "b", 70 * DAY),
        aged("d", 60 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "a: unclear: its parents form a loop",
            "b: unclear: its parents form a loop",
            "c: unclear: its parents form a loop",
            "d: daily, limit 7 d",
        ]
    );
}

#[test]
fn a_parent_younger_than_its_child_makes_both_unclear() {
    let list = list([aged("parent", 80 * DAY), child("child", "parent", 90 * DAY)]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "child: unclear: dates of parents and children disagree",
            "parent: unclear: dates of parents and children disagree"
        ]
    );
}

#[test]
fn dates_that_disagree_across_an_undated_one_in_between_are_noticed() {
    let undated = Snapshot {
        taken: None,
        ..child("middle", "top", 0)
    };
    let list = list([
        aged("root", 99 * DAY),
        child("top", "root", 80 * DAY),
        undated,
        child("leaf", "middle", 90 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "middle: unclear: no date",
            "root: daily, limit 7 d",
            "leaf: unclear: dates of parents and children disagree",
            "top: unclear: dates of parents and children disagree",
        ]
    );
}

#[test]
fn a_parent_and_its_child_of_the_same_second_agree() {
    let list = list([aged("a", 80 * DAY), child("b", "a", 80 * DAY)]);
    assert_eq!(
        told(&list, &policy(0)),
        ["a: daily, limit 7 d", "b: daily, limit 7 d"]
    );
}

#[test]
fn a_date_that_is_wrong_by_itself_accuses_no_other() {
    let list = list([
        aged("a", 80 * DAY),
        child("ahead", "a", -DAY),
        child("c", "ahead", 70 * DAY),
        Snapshot {
            taken: DateTime::from_timestamp(5, 0),
            ..child("unset", "c", 0)
        },
    ]);
    assert_eq!(
        told(&list, &policy(0)),
        [
            "unset: unclear: date before Proxmox VE existed",
            "a: daily, limit 7 d",
            "c: daily, limit 7 d",
            "ahead: unclear: date in the future",
        ]
    );
}

#[test]
fn a_guest_that_is_listed_twice_loses_nothing() {
    let guest = guest_ref(104);
    let (first, second) = (list([aged("a", 90 * DAY)]), list([aged("b", 90 * DAY)]));
    let given = [
        GuestSnapshots {
            guest: &guest,
            list: &first,
        },
        GuestSnapshots {
            guest: &guest,
            list: &second,
        },
    ];
    let plan = plan(&given, &policy(0), now());
    assert_eq!(plan.rows().len(), 2);
    assert_eq!(plan.summary().delete, 0);
    assert_eq!(
        plan.rows()[0].reason().to_string(),
        "unclear: its guest is listed twice"
    );
}

#[test]
fn the_own_mark_protects_even_when_the_config_lists_others() {
    let policy = Policy::new(7, 30, 365, 0, vec!["pin".to_owned()]).unwrap();
    let list = list([
        described("a", 99 * DAY, "#keep"),
        described("b", 98 * DAY, "#pin"),
        aged("pin-c", 97 * DAY),
        aged("keep-d", 96 * DAY),
    ]);
    assert_eq!(
        told(&list, &policy),
        [
            "a: marked `#keep`",
            "b: marked `#pin`",
            "pin-c: marked `pin`",
            "keep-d: daily, limit 7 d"
        ]
    );
}

#[test]
fn a_mark_tells_whether_it_can_be_taken_off() {
    let policy = policy(0);
    assert_eq!(
        policy.mark_of(&described("keep-1", 0, "#important")),
        Some(Mark::Name("keep".to_owned()))
    );
    assert_eq!(
        policy.mark_of(&described("av-1", 0, "#important")),
        Some(Mark::Description("important".to_owned()))
    );
    assert_eq!(policy.mark_of(&aged("av-1", 0)), None);
}

#[test]
fn a_mark_that_could_protect_nothing_is_refused() {
    for bad in ["", "#keep", "do-not", "two words", "a_b"] {
        let refused = Policy::new(7, 30, 365, 1, vec![bad.to_owned()]);
        assert!(refused.is_err(), "{bad:?}");
    }
    assert!(Policy::new(7, 30, 365, 1, vec!["behalten".to_owned()]).is_ok());
}

#[test]
fn a_fraction_of_a_second_beyond_the_limit_is_beyond_it() {
    let guest = guest_ref(104);
    let list = list([aged("a", 7 * DAY)]);
    let given = [GuestSnapshots {
        guest: &guest,
        list: &list,
    }];
    let later = now() + TimeDelta::milliseconds(1);
    assert_eq!(plan(&given, &policy(0), later).summary().delete, 1);
    assert_eq!(plan(&given, &policy(0), now()).summary().delete, 0);
}

#[test]
fn limits_of_any_length_are_reckoned_without_overflow() {
    let forever = Policy::new(u32::MAX, u32::MAX, u32::MAX, 0, Vec::new()).unwrap();
    let never = Policy::new(0, 0, 0, 0, Vec::new()).unwrap();
    let list = list([aged("a", 6_000 * DAY), aged("b", 0)]);
    assert_eq!(plan_of(&list, &forever).summary().delete, 0);
    assert_eq!(
        told(&list, &never),
        ["a: daily, limit 0 d", "b: daily, 0 h left"]
    );
}

#[test]
fn each_guest_is_judged_alone() {
    let (first, second) = (guest_ref(104), guest_ref(105));
    let (old, older) = (list([aged("a", 90 * DAY)]), list([aged("b", 99 * DAY)]));
    let given = [
        GuestSnapshots {
            guest: &second,
            list: &older,
        },
        GuestSnapshots {
            guest: &first,
            list: &old,
        },
    ];
    let plan = plan(&given, &policy(1), now());
    let told: Vec<String> = plan
        .rows()
        .iter()
        .map(|row| format!("{} {}", row.guest().vmid, row.reason()))
        .collect();
    assert_eq!(told, ["104 newest", "105 newest"]);
}

#[test]
fn deletions_come_guest_by_guest_and_oldest_first() {
    let guests = [guest_ref(117), guest_ref(104), guest_ref(131)];
    let lists = [
        list([
            aged("a", 10 * DAY),
            aged("b", 30 * DAY),
            aged("c", 20 * DAY),
        ]),
        list([aged("z", 40 * DAY), aged("y", 40 * DAY), aged("x", DAY)]),
        list([aged("n", DAY)]),
    ];
    let given: Vec<GuestSnapshots<'_>> = guests
        .iter()
        .zip(&lists)
        .map(|(guest, list)| GuestSnapshots { guest, list })
        .collect();
    let plan = plan(&given, &policy(1), now());
    let told: Vec<String> = plan
        .deletions()
        .iter()
        .map(|each| {
            let names: Vec<String> = each.rows.iter().map(|row| row.name().to_string()).collect();
            format!("{}: {}", each.guest.vmid, names.join(" "))
        })
        .collect();
    assert_eq!(told, ["104: y z", "117: b c"]);
    assert_eq!(
        plan.summary().to_string(),
        "delete 4 of 7 in 2 guests · keep 3: 3 newest"
    );
}

#[test]
fn an_empty_plan_says_so() {
    assert_eq!(
        plan(&[], &policy(1), now()).summary().to_string(),
        "delete 0 of 0 · keep 0"
    );
    assert_eq!(plan_of(&list([]), &policy(1)).rows(), []);
}

#[test]
fn a_summary_counts_by_reason() {
    let list = list_on(
        "base",
        [
            aged("base", 90 * DAY),
            aged("m-monthly", 60 * DAY),
            aged("w-weekly", 20 * DAY),
            aged("d1", 2 * DAY),
            aged("d2", 3 * DAY),
            aged("keep", 99 * DAY),
            aged("br-x", 99 * DAY),
            aged("ahead", -9),
            aged("gone1", 8 * DAY),
            aged("gone2", 9 * DAY),
            aged("new", 1),
        ],
    );
    let mut plan = plan_of(&list, &policy(1));
    plan.keep(vmid(104), &"gone2".into()).unwrap();
    assert_eq!(
        plan.summary().to_string(),
        "delete 1 of 11 in 1 guest · keep 10: 2 daily, 1 weekly, 1 monthly, 1 newest, 1 base, \
         1 marked, 1 bracket, 1 unclear, 1 kept by you"
    );
    assert_eq!(
        plan.policy().to_string(),
        "daily 7 d · weekly 30 d · monthly 365 d · newest 1 · marks keep, important"
    );
}

#[test]
fn a_person_takes_a_row_out_and_puts_it_back() {
    let list = list([aged("a", 90 * DAY), aged("b", DAY)]);
    let mut plan = plan_of(&list, &policy(1));
    let name = Text::from("a");
    assert_eq!(plan.toggle(vmid(104), &name), Ok(Verdict::Keep));
    assert_eq!(*plan.rows()[0].reason(), Reason::KeptByYou);
    assert_eq!(plan.rows()[0].reason().to_string(), "kept by you");
    assert_eq!(plan.keep(vmid(104), &name), Ok(()));
    assert!(plan.deletions().is_empty());
    assert_eq!(plan.toggle(vmid(104), &name), Ok(Verdict::Delete));
    assert_eq!(plan.summary().delete, 1);
}

#[test]
fn a_person_cannot_put_in_what_a_rule_keeps() {
    let list = list([aged("a", 90 * DAY), aged("b", DAY)]);
    let mut plan = plan_of(&list, &policy(1));
    let before = plan.clone();
    let refused = plan.toggle(vmid(104), &"b".into()).unwrap_err();
    assert_eq!(refused.to_string(), "b is kept: newest");
    let unknown = plan.toggle(vmid(105), &"a".into()).unwrap_err();
    assert!(matches!(unknown, NotEditable::NoSuchRow { .. }));
    assert_eq!(
        unknown.to_string(),
        "the plan has no snapshot a of guest 105"
    );
    assert!(plan.keep(vmid(104), &"none".into()).is_err());
    assert_eq!(plan, before);
}

#[test]
fn a_row_tells_all_that_is_reported_of_it() {
    let list = list([aged("av-1-weekly", 40 * DAY)]);
    let plan = plan_of(&list, &policy(0));
    let row = &plan.rows()[0];
    assert_eq!(row.guest(), &guest_ref(104));
    assert_eq!(row.class(), Class::Weekly);
    assert_eq!(row.age(), Some(Duration::from_hours(40 * 24)));
    assert_eq!(row.taken(), Some(now() - TimeDelta::days(40)));
    assert_eq!(row.verdict().as_str(), "delete");
    assert_eq!(
        *row.reason(),
        Reason::Expired {
            class: Class::Weekly,
            limit_days: 30
        }
    );
}

#[test]
fn the_age_of_a_snapshot_from_the_future_is_unknown() {
    let list = list([aged("ahead", -5)]);
    assert_eq!(plan_of(&list, &policy(0)).rows()[0].age(), None);
}

#[test]
fn a_hostile_name_is_clean_in_every_sentence() {
    let list = list([child("a\x1b[31m", "b\u{202e}", 90 * DAY)]);
    assert_eq!(
        told(&list, &policy(0)),
        ["a␛[31m: unclear: its parent b\u{fffd} is missing"]
    );
}

#[test]
fn a_long_chain_is_judged_in_linear_time_and_without_recursion() {
    let names: Vec<String> = (0..50_000).map(|number| format!("s{number}")).collect();
    let snapshots: Vec<Snapshot> = (0..50_000_usize)
        .zip(0_i64..)
        .map(|(number, second)| {
            let seconds = 100 * DAY - second;
            match number.checked_sub(1) {
                Some(parent) => child(&names[number], &names[parent], seconds),
                None => aged(&names[number], seconds),
            }
        })
        .collect();
    let list = list_on("s49999", snapshots);
    assert_eq!(plan_of(&list, &policy(1)).summary().delete, 49_999);
}
