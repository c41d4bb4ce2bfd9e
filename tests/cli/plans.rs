//! `prune --plan`: a plan applied as it is, one that was edited, one that no longer fits, and forgeries.

use std::path::PathBuf;

use proxdeck::simulator::Scenario;
use serde_json::{Value, json};

use crate::world::{World, stable};

const RULES: &str = "[selection]\nall = true\n";

/// Starts a world in which guests 101 and 102 each have snapshots that are 40, 30, 20 and 0 days old.
fn old_world() -> World {
    let mut scenario = Scenario::small();
    let web = scenario.guests.iter().find(|guest| guest.vmid == 101);
    let mut sample = web.unwrap().snapshots[0].clone();
    sample.description = String::new();
    for guest in &mut scenario.guests {
        if ![101, 102].contains(&guest.vmid) {
            continue;
        }
        guest.snapshots.clear();
        for (name, age) in [("aa", "40d"), ("bb", "30d"), ("cc", "20d"), ("zz", "1h")] {
            let mut snapshot = sample.clone();
            name.clone_into(&mut snapshot.name);
            snapshot.age = toml::Value::from(age).try_into().unwrap();
            guest.snapshots.push(snapshot);
        }
        guest.parent = Some("zz".into());
    }
    let world = World::with(scenario, Vec::new());
    world.home.write_config(&world.config(RULES));
    world
}

impl World {
    /// Prints the plan and keeps it as a file.
    fn plan(&self) -> (Value, PathBuf) {
        let ran = self.run(&["prune", "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let document = ran.json();
        let file = self.write_plan(&document);
        (document, file)
    }

    fn write_plan(&self, document: &Value) -> PathBuf {
        self.write_text(&document.to_string())
    }

    fn write_text(&self, text: &str) -> PathBuf {
        let file = self.home.folder.path().join("plan.json");
        std::fs::write(&file, text).unwrap();
        file
    }

    fn deletions(&self) -> Vec<String> {
        let writes = self.writes().into_iter();
        writes.filter(|write| write.starts_with("DELETE")).collect()
    }
}

fn row<'a>(document: &'a mut Value, vmid: u32, snapshot: &str) -> &'a mut Value {
    let rows = document["rows"].as_array_mut().unwrap().iter_mut();
    let mut found = rows.filter(|row| row["vmid"] == vmid && row["snapshot"] == snapshot);
    found.next().unwrap()
}

#[test]
fn a_printed_plan_is_applied_exactly_and_only_with_yes() {
    let world = old_world();
    let (document, file) = world.plan();
    let file = file.to_str().unwrap();
    assert_eq!(document["summary"]["delete"], 6, "{document}");
    let looked = world.run(&["prune", "--plan", file]);
    assert_eq!(looked.code, 0, "{}", looked.stderr);
    assert!(looked.stdout.contains("delete 6 of 8"), "{}", looked.stdout);
    assert!(looked.stderr.contains("nothing was deleted"));
    let read_only = world.run(&["prune", "--plan", file, "--read-only"]);
    assert_eq!(read_only.code, 0, "{}", read_only.stderr);
    assert!(world.deletions().is_empty());
    let applied = world.run(&["prune", "--plan", file, "--yes", "--json"]);
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    let rows = applied.json();
    let done = rows["rows"].as_array().unwrap().iter();
    assert_eq!(done.filter(|row| row["outcome"] == "done").count(), 6);
    assert_eq!(world.deletions().len(), 6);
    let log = world.home.folder.path().join("state/proxdeck/audit.jsonl");
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("\"delete-snapshot\"").count(), 6, "{log}");
    let again = world.run(&["prune", "--plan", file, "--yes"]);
    assert_eq!(again.code, 2, "a plan is applied once: {}", again.stderr);
    assert!(
        again.stderr.contains("101 web-1: aa is gone"),
        "{}",
        again.stderr
    );
    assert_eq!(world.deletions().len(), 6);
}

#[test]
fn what_was_taken_out_of_the_file_stays_and_reads_so() {
    let world = old_world();
    let (mut document, _) = world.plan();
    let kept = row(&mut document, 101, "bb");
    kept["verdict"] = json!("keep");
    kept["reason"] = json!("kept by you");
    kept["note_of_somebody"] = json!([1, 2]);
    let rows = document["rows"].as_array_mut().unwrap();
    rows.retain(|row| row["vmid"] == 101);
    let file = world.write_plan(&document);
    let ran = world.run(&["prune", "--plan", file.to_str().unwrap(), "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("kept by you"), "{}", ran.stdout);
    assert_eq!(
        world.deletions(),
        [
            "DELETE /nodes/pve1/qemu/101/snapshot/aa",
            "DELETE /nodes/pve1/qemu/101/snapshot/cc"
        ]
    );
}

#[test]
fn whatever_changed_since_is_told_and_nothing_at_all_is_deleted() {
    let world = old_world();
    let (_, file) = world.plan();
    world.simulator.edit(|edited| {
        edited.describe_snapshot(101, "aa", "wait #keep").unwrap();
        edited.set_option(101, "parent", Some("cc")).unwrap();
        edited
            .set_snapshot_time(101, "bb", Some(1_700_000_000))
            .unwrap();
        edited.lock_guest(102, Some("backup")).unwrap();
    });
    let file = file.to_str().unwrap();
    let told = world.run(&["prune", "--plan", file, "--yes", "--json"]);
    assert_eq!(told.code, 2, "{}", told.stderr);
    let changes: Vec<String> = told.json()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["vmid"], row["snapshot"], row["change"]))
        .collect();
    assert_eq!(
        changes,
        [
            "101 \"aa\" \"mark\"",
            "101 \"bb\" \"time\"",
            "101 \"cc\" \"kept-by-rule\"",
            "102 null \"locked\""
        ],
        "{}",
        told.stdout
    );
    let looked = world.run(&["prune", "--plan", file]);
    assert_eq!((looked.code, looked.stdout.as_str()), (2, ""));
    assert!(
        looked
            .stderr
            .contains("101 web-1: aa is marked `#keep` now"),
        "{}",
        looked.stderr
    );
    assert!(
        looked
            .stderr
            .contains("102 db-1: the guest is locked (backup)")
    );
    assert!(world.deletions().is_empty());
}

#[test]
fn the_document_of_what_changed() {
    let world = old_world();
    let (_, file) = world.plan();
    world.simulator.edit(|edited| {
        edited.remove_snapshot(101, "cc").unwrap();
        edited.remove_guest(102).unwrap();
    });
    let ran = world.run(&["prune", "--plan", file.to_str().unwrap(), "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    ran.json();
    stable(&ran.stdout, |text| {
        insta::assert_snapshot!("prune_outdated", text);
    });
}

#[test]
fn a_forged_file_deletes_nothing_that_the_rules_keep() {
    let world = old_world();
    let (mut document, _) = world.plan();
    let newest = row(&mut document, 101, "zz");
    newest["verdict"] = json!("delete");
    newest["reason"] = json!("daily, limit 7 d");
    newest["age_seconds"] = json!(99_999_999);
    let file = world.write_plan(&document);
    let ran = world.run(&["prune", "--plan", file.to_str().unwrap(), "--yes"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr
            .contains("101 web-1: zz is kept by the rules: newest"),
        "{}",
        ran.stderr
    );
    assert!(
        world.deletions().is_empty(),
        "not even what the rules would delete"
    );
}

#[test]
fn what_is_no_plan_or_not_for_this_cluster_is_refused_before_anything_is_asked() {
    let world = old_world();
    let (document, file) = world.plan();
    let path = file.to_str().unwrap().to_owned();
    let whole = document.to_string();
    world.simulator.journal().clear();
    for (text, kind, sentence) in [
        (
            &whole[..whole.len() / 2],
            "InvalidPlan",
            "it ends in the middle",
        ),
        ("", "InvalidPlan", "it is empty"),
        ("\u{1b}[2J", "InvalidPlan", "it cannot be understood"),
        (
            &whole.replace("prune/1", "prune/7"),
            "InvalidPlan",
            "it is a proxdeck.prune/7 document",
        ),
        (
            &whole.replace("prune/1", "list/1"),
            "InvalidPlan",
            "it is a proxdeck.list/1 document",
        ),
        (
            &whole.replace("\"lab\"", "\"prod\""),
            "OtherCluster",
            "the plan is for the cluster prod, and this one is lab",
        ),
    ] {
        world.write_text(text);
        let ran = world.run(&["prune", "--plan", &path, "--yes", "--json"]);
        assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
        let error = &ran.json()["error"];
        assert_eq!(error["kind"], kind, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(sentence), "{message}");
        assert!(!message.contains('\u{1b}'));
    }
    let missing = world.run(&["prune", "--plan", "/nowhere/plan.json"]);
    assert_eq!(missing.code, 2);
    assert!(
        missing
            .stderr
            .contains("the plan /nowhere/plan.json cannot be used: No such file"),
        "{}",
        missing.stderr
    );
    let folder = world.run(&["prune", "--plan", "/"]);
    assert_eq!(folder.code, 2, "{}", folder.stderr);
    let both = world.run(&["prune", "101", "--plan", &path]);
    assert_eq!(both.code, 2);
    assert!(
        both.stderr.contains("cannot be used with"),
        "{}",
        both.stderr
    );
    world.write_text(&whole);
    let read_only = world.run(&["prune", "--plan", &path, "--yes", "--read-only"]);
    assert_eq!(read_only.code, 2, "{}", read_only.stderr);
    assert_eq!(
        world.simulator.journal().entries().len(),
        0,
        "nobody was asked"
    );
}

#[test]
fn a_guest_that_is_not_managed_is_not_touched_whatever_the_file_says() {
    let world = old_world();
    let (_, file) = world.plan();
    world
        .home
        .write_config(&world.config("[selection]\nvmids = [102]\n"));
    let ran = world.run(&["prune", "--plan", file.to_str().unwrap(), "--yes"]);
    assert_eq!(ran.code, 2, "{}", ran.stdout);
    assert!(
        ran.stderr.contains("101 web-1: the guest is not managed"),
        "{}",
        ran.stderr
    );
    assert!(world.deletions().is_empty());
}
