//! Plans as files: what is read back is what was written, and no file deletes what the rules keep.

use chrono::{DateTime, TimeDelta, Utc};
use pretty_assertions::assert_eq;
use proptest::prelude::*;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::Guest;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::retention::{
    GuestNow, GuestSnapshots, NotAPlan, PlanDocument, PlanFile, Policy, Reason, RetentionPlan,
    Verdict, plan,
};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;
use serde_json::{Value, json};

use super::retention_properties::{a_list, a_policy, sound_list};
use super::worlds::{DAY, aged, child, described, guest, list_on, now};

/// Some guests with their snapshots.
type World = Vec<(Guest, SnapshotList)>;

fn plan_at(world: &World, policy: &Policy, time: DateTime<Utc>) -> RetentionPlan {
    let refs: Vec<_> = world.iter().map(|(guest, _)| guest.to_ref()).collect();
    let given: Vec<GuestSnapshots<'_>> = refs
        .iter()
        .zip(world)
        .map(|(guest, (_, list))| GuestSnapshots { guest, list })
        .collect();
    plan(&given, policy, time)
}

fn exported(plan: &RetentionPlan, world: &World) -> String {
    let document = PlanDocument::new("lab", now(), plan, world.len(), []);
    document.to_json().unwrap()
}

/// Applies a file to guests that are all managed and could be read.
fn applied(
    file: &PlanFile,
    world: &World,
    policy: &Policy,
    time: DateTime<Utc>,
) -> Result<RetentionPlan, Vec<String>> {
    let guests: Vec<GuestNow<'_>> = world
        .iter()
        .map(|(guest, list)| GuestNow {
            guest,
            managed: true,
            list: Ok(list),
        })
        .collect();
    file.apply(&guests, policy, time)
        .map_err(|differences| differences.iter().map(ToString::to_string).collect())
}

fn doomed(plan: &RetentionPlan) -> Vec<(Vmid, Text)> {
    let deletions = plan.deletions();
    let rows = deletions.iter().flat_map(|each| &each.rows);
    rows.map(|row| (row.guest().vmid, row.name().clone()))
        .collect()
}

/// Takes some of what would go out of a plan.
fn edit(plan: &mut RetentionPlan, picks: &[bool]) {
    for ((vmid, name), keep) in doomed(plan).into_iter().zip(picks) {
        if *keep {
            plan.keep(vmid, &name).unwrap();
        }
    }
}

fn a_world(list: impl Strategy<Value = SnapshotList>) -> impl Strategy<Value = World> {
    let named = (list, proptest::option::of(".{0,12}"));
    proptest::collection::vec(named, 0..4).prop_map(|guests| {
        let numbered = (104..).zip(guests);
        numbered
            .map(|(number, (list, name))| {
                let guest = Guest {
                    name: name.map(Text::new),
                    ..guest(number)
                };
                (guest, list)
            })
            .collect()
    })
}

/// A guest of which `old` and `older` go, and one snapshot of every kind that stays.
fn small_world() -> World {
    let mut list = list_on(
        "base",
        [
            aged("older", 40 * DAY),
            child("old", "older", 30 * DAY),
            child("base", "old", 20 * DAY),
            aged("keep-me", 19 * DAY),
            described("marked", 18 * DAY, "#keep it"),
            aged("br-night", 17 * DAY),
            aged("m-monthly", 16 * DAY),
            aged("new", DAY),
        ],
    );
    list.snapshots.push(Snapshot {
        unfinished: Some("delete".into()),
        ..aged("half", 15 * DAY)
    });
    vec![(guest(104), list)]
}

fn small_file() -> PlanFile {
    let world = small_world();
    let plan = plan_at(&world, &Policy::default(), now());
    PlanFile::parse(exported(&plan, &world).as_bytes()).unwrap()
}

/// What is different when the small world was changed since its plan was written.
fn differences(change: impl FnOnce(&mut World)) -> Vec<String> {
    let mut world = small_world();
    change(&mut world);
    applied(&small_file(), &world, &Policy::default(), now()).unwrap_err()
}

fn snapshot<'a>(world: &'a mut World, name: &str) -> &'a mut Snapshot {
    let snapshots = &mut world[0].1.snapshots;
    let found = snapshots.iter_mut().find(|each| each.name.raw() == name);
    found.unwrap()
}

#[test]
fn what_is_unchanged_is_applied_as_it_was_written() {
    let world = small_world();
    let file = small_file();
    let plan = applied(&file, &world, &Policy::default(), now()).unwrap();
    let names: Vec<String> = doomed(&plan)
        .iter()
        .map(|each| each.1.to_string())
        .collect();
    assert_eq!(names, ["older", "old"]);
    assert_eq!(
        plan,
        plan_at(&world, &Policy::default(), now()),
        "the same as a plan made now"
    );
    assert_eq!((file.cluster().raw(), file.time()), ("lab", now()));
    assert_eq!(file.unnamed(&plan), 0);
}

#[test]
fn every_change_of_a_snapshot_is_told_in_its_row() {
    let gone = differences(|world| world[0].1.snapshots.retain(|each| each.name.raw() != "new"));
    assert_eq!(gone, ["104 agent-104: new is gone"]);
    let anew = differences(|world| {
        snapshot(world, "old").taken = Some(now() - TimeDelta::days(29));
    });
    assert_eq!(
        anew,
        ["104 agent-104: old was taken 2026-10-25 13:02:00Z, and in the plan 2026-10-24 13:02:00Z"]
    );
    let marked = differences(|world| snapshot(world, "old").description = "wait #keep".into());
    assert_eq!(marked, ["104 agent-104: old is marked `#keep` now"]);
    let unmarked = differences(|world| snapshot(world, "marked").description = Text::default());
    assert_eq!(
        unmarked,
        ["104 agent-104: marked is no longer marked `#keep`"]
    );
    let unfinished = differences(|world| {
        snapshot(world, "old").unfinished = Some("delete".into());
    });
    assert_eq!(
        unfinished,
        ["104 agent-104: old is unfinished (delete) now"]
    );
    let finished = differences(|world| snapshot(world, "half").unfinished = None);
    assert_eq!(finished, ["104 agent-104: half is no longer unfinished"]);
    let base = differences(|world| world[0].1.current_parent = Some("old".into()));
    assert_eq!(
        base,
        ["104 agent-104: old is kept by the rules: base of the present"]
    );
}

#[test]
fn every_change_of_a_guest_is_told_once_and_not_for_each_of_its_rows() {
    let change = |change: fn(&mut Guest)| differences(|world| change(&mut world[0].0));
    assert_eq!(
        change(|guest| guest.name = Some("other".into())),
        ["104 agent-104: the guest is called other now"]
    );
    assert_eq!(
        change(|guest| guest.name = None),
        ["104 agent-104: the guest has no known name now"]
    );
    assert_eq!(
        change(|guest| guest.kind = GuestKind::Lxc),
        ["104 agent-104: the guest is of the kind lxc now"]
    );
    assert_eq!(
        change(|guest| guest.template = true),
        ["104 agent-104: the guest is a template now"]
    );
    assert_eq!(
        change(|guest| guest.lock = Some("backup".into())),
        ["104 agent-104: the guest is locked (backup)"]
    );
    assert_eq!(
        differences(Vec::clear),
        ["104 agent-104: the guest is gone"]
    );
    let world = small_world();
    let failure = Failure::new(FailureKind::NodeUnreachable, "pve1");
    let mut now_is = GuestNow {
        guest: &world[0].0,
        managed: true,
        list: Err(&failure),
    };
    let told = |now_is| {
        let result = small_file().apply(&[now_is], &Policy::default(), now());
        result.unwrap_err()[0].to_string()
    };
    assert_eq!(
        told(now_is),
        "104 agent-104: the guest could not be read: the node does not answer: pve1"
    );
    now_is.managed = false;
    assert_eq!(
        told(now_is),
        "104 agent-104: the guest is not managed: [selection] does not pick it"
    );
}

#[test]
fn a_lock_matters_only_where_something_goes_and_a_move_to_another_node_never() {
    let mut world = small_world();
    let mut plan = plan_at(&world, &Policy::default(), now());
    edit(&mut plan, &[true, true]);
    let file = PlanFile::parse(exported(&plan, &world).as_bytes()).unwrap();
    world[0].0.lock = Some("backup".into());
    world[0].0.node = "pve2".parse().unwrap();
    let plan = applied(&file, &world, &Policy::default(), now()).unwrap();
    assert_eq!(doomed(&plan), []);
}

#[test]
fn snapshots_that_came_since_stay_and_are_counted() {
    let mut world = small_world();
    let list = &mut world[0].1;
    list.snapshots.push(child("tonight", "base", 3600));
    list.current_parent = Some("tonight".into());
    let file = small_file();
    let plan = applied(&file, &world, &Policy::default(), now()).unwrap();
    assert_eq!(doomed(&plan).len(), 2);
    assert_eq!(file.unnamed(&plan), 1);
}

#[test]
fn a_laxer_policy_refuses_the_deletion_and_a_stricter_one_adds_none() {
    let policy = |days| Policy::new(days, 30, 365, 1, vec!["keep".into()]).unwrap();
    let file = small_file();
    let told = applied(&file, &small_world(), &policy(35), now()).unwrap_err();
    assert_eq!(
        told,
        ["104 agent-104: old is kept by the rules: daily, 5 d left"]
    );
    let strict = Policy::new(0, 0, 0, 1, vec!["keep".into()]).unwrap();
    let plan = applied(&file, &small_world(), &strict, now()).unwrap();
    assert_eq!(doomed(&plan).len(), 2);
    let row = |name: &str| {
        let rows = plan.rows();
        rows.iter().find(|row| row.name().raw() == name).unwrap()
    };
    assert_eq!(row("m-monthly").reason(), &Reason::KeptByYou);
}

#[test]
fn a_file_that_was_forged_to_delete_what_the_rules_keep_is_refused_row_by_row() {
    let world = small_world();
    let plan = plan_at(&world, &Policy::default(), now());
    let mut document: Value = serde_json::from_str(&exported(&plan, &world)).unwrap();
    for row in document["rows"].as_array_mut().unwrap() {
        row["verdict"] = json!("delete");
        row["reason"] = json!("daily, limit 7 d");
    }
    let file = PlanFile::parse(document.to_string().as_bytes()).unwrap();
    let told = applied(&file, &world, &Policy::default(), now()).unwrap_err();
    assert_eq!(
        told,
        [
            "104 agent-104: base is kept by the rules: base of the present",
            "104 agent-104: keep-me is kept by the rules: marked `keep`",
            "104 agent-104: marked is kept by the rules: marked `#keep`",
            "104 agent-104: br-night is kept by the rules: bracket until dropped",
            "104 agent-104: m-monthly is kept by the rules: monthly, 349 d left",
            "104 agent-104: half is kept by the rules: unclear: unfinished (delete)",
            "104 agent-104: new is kept by the rules: newest",
        ]
    );
}

#[test]
fn what_is_no_plan_is_named() {
    let whole = exported(
        &plan_at(&small_world(), &Policy::default(), now()),
        &small_world(),
    );
    let parse = |text: &str| match PlanFile::parse(text.as_bytes()) {
        Ok(_) => "a plan".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(parse(&whole), "a plan");
    assert_eq!(parse(""), "it is empty");
    assert_eq!(parse(" \n\t"), "it is empty");
    let cut = parse(&whole[..whole.len() / 2]);
    assert!(cut.starts_with("it ends in the middle (line "), "{cut}");
    assert!(parse("hello").starts_with("it cannot be understood: expected value"));
    assert!(parse("[]").starts_with("it cannot be understood: "));
    assert!(parse("{}").starts_with("it does not say that it is a plan"));
    assert_eq!(
        parse(r#"{"error": {"kind": "Config"}}"#),
        "it tells of an error and holds no plan"
    );
    let schema = |schema: &str| parse(&whole.replace("proxdeck.prune/1", schema));
    assert_eq!(
        schema("proxdeck.list/1"),
        "it is a proxdeck.list/1 document, not proxdeck.prune/1"
    );
    assert_eq!(
        schema("proxdeck.prune/2"),
        "it is a proxdeck.prune/2 document; this proxdeck reads proxdeck.prune/1 alone"
    );
    assert!(!schema("\\u001b[2Jx").contains('\u{1b}'));
}

/// A change of a document's rows.
type Edit = fn(&mut Vec<Value>);

#[test]
fn a_row_that_makes_no_sense_is_named_by_its_number() {
    let edited = |edit: Edit| {
        let world = small_world();
        let plan = plan_at(&world, &Policy::default(), now());
        let mut document: Value = serde_json::from_str(&exported(&plan, &world)).unwrap();
        edit(document["rows"].as_array_mut().unwrap());
        match PlanFile::parse(document.to_string().as_bytes()) {
            Ok(_) => "a plan".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let cases: [(Edit, &str); 10] = [
        (
            |rows| rows[1]["verdict"] = json!("DELETE"),
            "row 2 makes no sense: the verdict \"DELETE\" is neither keep nor delete",
        ),
        (
            |rows| rows[2]["kind"] = json!("vm"),
            "row 3 makes no sense: the kind \"vm\" is neither qemu nor lxc",
        ),
        (
            |rows| rows[0]["vmid"] = json!(99),
            "row 1 makes no sense: 99 is no guest's number",
        ),
        (
            |rows| rows[0]["vmid"] = json!(u64::MAX),
            "row 1 makes no sense: 18446744073709551615 is no guest's number",
        ),
        (
            |rows| rows[0]["snapshot"] = json!(""),
            "row 1 makes no sense: its snapshot has no name",
        ),
        (
            |rows| rows[0]["time"] = Value::Null,
            "row 1 makes no sense: a snapshot without a time is never deleted",
        ),
        (
            |rows| rows[0]["time"] = json!("yesterday"),
            "row 1 makes no sense: the time \"yesterday\" is no date",
        ),
        (
            |rows| rows[1]["name"] = json!("other"),
            "row 2 makes no sense: a row before it calls guest 104 otherwise",
        ),
        (
            |rows| {
                let row = rows[0].clone();
                rows.push(row);
            },
            "row 10 makes no sense: older of 104 stands there twice",
        ),
        (
            |rows| rows[0] = json!(7),
            "it cannot be understood: invalid type: integer `7`, expected a row of a plan at line 1 column ",
        ),
    ];
    for (edit, sentence) in cases {
        let told = edited(edit);
        assert!(told.starts_with(sentence), "{told}");
    }
}

#[test]
fn dates_of_clocks_gone_mad_are_read_back_as_they_were_written() {
    for seconds in [
        0,
        -1,
        1,
        253_402_300_800,
        8_210_266_876_799,
        -8_334_601_228_800,
    ] {
        let mut world = small_world();
        snapshot(&mut world, "new").taken = DateTime::from_timestamp(seconds, 0);
        let plan = plan_at(&world, &Policy::default(), now());
        let file = PlanFile::parse(exported(&plan, &world).as_bytes()).unwrap();
        let again = applied(&file, &world, &Policy::default(), now());
        assert_eq!(again.unwrap(), plan, "{seconds}");
    }
}

/// One careless or malicious edit of a document.
fn an_edit() -> impl Strategy<Value = (prop::sample::Index, prop::sample::Index, u8)> {
    (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..12_u8,
    )
}

fn forge(
    rows: &mut Vec<Value>,
    (one, other, kind): (prop::sample::Index, prop::sample::Index, u8),
) {
    if rows.is_empty() {
        return;
    }
    let (one, other) = (one.index(rows.len()), other.index(rows.len()));
    match kind {
        0..4 => rows[one]["verdict"] = json!("delete"),
        4 => rows[one]["verdict"] = json!("keep"),
        5 => rows[one]["mark"] = Value::Null,
        6 => rows[one]["unfinished"] = Value::Null,
        7 => rows[one]["time"] = rows[other]["time"].clone(),
        8 => rows[one]["snapshot"] = rows[other]["snapshot"].clone(),
        9 => rows[one]["vmid"] = rows[other]["vmid"].clone(),
        10 => {
            let row = rows[one].clone();
            rows.push(row);
        }
        _ => {
            rows.remove(one);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn export_and_read_back_gives_the_same_deletions(
        world in a_world(a_list()), policy in a_policy(),
        picks in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let mut plan = plan_at(&world, &policy, now());
        edit(&mut plan, &picks);
        let file = PlanFile::parse(exported(&plan, &world).as_bytes()).unwrap();
        let meant: Vec<(Vmid, Text)> = file.deletions().map(|(vmid, name)| (vmid, name.clone())).collect();
        prop_assert_eq!(&meant, &doomed(&plan));
        let again = applied(&file, &world, &policy, now());
        prop_assert_eq!(again, Ok(plan));
    }

    #[test]
    fn neither_time_nor_a_new_snapshot_changes_what_a_plan_deletes(
        world in a_world(sound_list()), policy in a_policy(), hours in 0..2000_i64,
        picks in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let mut plan = plan_at(&world, &policy, now());
        edit(&mut plan, &picks);
        let file = PlanFile::parse(exported(&plan, &world).as_bytes()).unwrap();
        let later = now() + TimeDelta::hours(hours);
        let mut world = world;
        for (_, list) in &mut world {
            let parent = list.current_parent.replace("since".into());
            list.snapshots.push(Snapshot { parent, taken: Some(later), ..aged("since", 0) });
        }
        let applied = applied(&file, &world, &policy, later);
        prop_assert_eq!(applied.as_ref().map(doomed), Ok(doomed(&plan)));
    }

    #[test]
    fn no_edit_of_a_file_deletes_what_the_rules_keep(
        world in a_world(a_list()), policy in a_policy(),
        edits in proptest::collection::vec(an_edit(), 1..12),
    ) {
        let plan = plan_at(&world, &policy, now());
        let mut document: Value = serde_json::from_str(&exported(&plan, &world)).unwrap();
        for edit in edits {
            forge(document["rows"].as_array_mut().unwrap(), edit);
        }
        let Ok(file) = PlanFile::parse(document.to_string().as_bytes()) else {
            return Ok(());
        };
        let rules = doomed(&plan);
        match applied(&file, &world, &policy, now()) {
            Err(differences) => prop_assert!(!differences.is_empty()),
            Ok(applied) => {
                let meant: Vec<(Vmid, Text)> = file.deletions().map(|(vmid, name)| (vmid, name.clone())).collect();
                for each in doomed(&applied) {
                    prop_assert!(rules.contains(&each) && meant.contains(&each));
                }
                prop_assert_eq!(doomed(&applied).len(), meant.len(), "exactly that plan");
                for row in applied.rows().iter().filter(|row| row.verdict() == Verdict::Delete) {
                    let is_expired = matches!(row.reason(), Reason::Expired { .. });
                    prop_assert!(is_expired);
                }
            }
        }
    }

    #[test]
    fn whatever_is_in_a_file_the_answer_is_a_plan_or_a_clean_sentence(
        noise in proptest::collection::vec(any::<u8>(), 0..400),
        cut in any::<prop::sample::Index>(),
        swaps in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let world = small_world();
        let whole = exported(&plan_at(&world, &Policy::default(), now()), &world);
        let mut damaged = whole.clone().into_bytes();
        for (at, byte) in swaps {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        let half = &whole.as_bytes()[..cut.index(whole.len() - 1)];
        for content in [noise.as_slice(), &damaged, half] {
            if let Err(error) = PlanFile::parse(content) {
                let sentence = error.to_string();
                prop_assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
                let is_half = content.len() == half.len() && content == half;
                prop_assert!(!is_half || matches!(error, NotAPlan::Empty | NotAPlan::CutOff(_)));
            }
        }
    }
}
