//! The retention plan with keys alone: looked at, edited, exported, executed.

use proxdeck::app::state::Rules;
use proxdeck::domain::retention::PlanFile;
use proxdeck::domain::selection::Selection;
use proxdeck::simulator::Scenario;
use tempfile::TempDir;

use super::harness::{Deck, Wish};

/// Makes a world in which web-1 and db-1 have snapshots that are 40, 30 and 0 days old.
fn old_world() -> Scenario {
    let mut scenario = Scenario::small();
    let web = scenario.guests.iter().find(|guest| guest.vmid == 101);
    let sample = web.unwrap().snapshots[0].clone();
    for guest in &mut scenario.guests {
        if ![101, 102].contains(&guest.vmid) {
            continue;
        }
        guest.snapshots.clear();
        for (name, age) in [("older", "40d"), ("old", "30d"), ("new", "1h")] {
            let mut snapshot = sample.clone();
            name.clone_into(&mut snapshot.name);
            snapshot.age = toml::Value::from(age).try_into().unwrap();
            guest.snapshots.push(snapshot);
        }
        guest.parent = Some("new".into());
    }
    scenario
}

fn wish(folder: &TempDir) -> Wish {
    Wish {
        scenario: old_world(),
        rules: Rules {
            selection: Selection::new(true, &[], &[], &[]).unwrap(),
            ..Rules::default()
        },
        exports: folder.path().to_owned(),
        ..Wish::default()
    }
}

fn deletions(deck: &Deck) -> Vec<String> {
    let entries = deck.simulator().journal().entries();
    let written = entries.iter().filter(|entry| entry.method != "GET");
    written
        .map(|entry| format!("{} {}", entry.method, entry.path))
        .collect()
}

/// Returns the one file of a folder, read as a plan.
fn exported(folder: &TempDir) -> PlanFile {
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let content = std::fs::read(files[0].as_ref().unwrap().path()).unwrap();
    PlanFile::parse(&content).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_opened_edited_exported_and_executed() {
    let folder = TempDir::new().unwrap();
    let deck = Deck::start(wish(&folder)).await;
    deck.see("web-1").await;
    deck.press("p");
    let screen = deck.see("type 4 to delete 4").await;
    assert!(screen.contains("delete 4 of "), "{screen}");
    assert!(screen.contains("▌101 web-1"), "{screen}");
    deck.press("<Space>");
    deck.see("type 3 to delete 3").await;
    deck.see("kept by you").await;
    deck.press("e");
    deck.see("exported: proxdeck-prune-lab-").await;
    let file = exported(&folder);
    let meant: Vec<String> = file
        .deletions()
        .map(|(vmid, name)| format!("{vmid} {name}"))
        .collect();
    assert_eq!(meant, ["101 old", "102 older", "102 old"]);
    assert!(deletions(&deck).is_empty(), "an export changes nothing");
    deck.press("<Enter>");
    deck.press("3 <Enter>");
    deck.see("prune 3 snapshots done").await;
    let mut sent = deletions(&deck);
    sent.sort();
    assert_eq!(
        sent,
        [
            "DELETE /nodes/pve1/qemu/101/snapshot/old",
            "DELETE /nodes/pve1/qemu/102/snapshot/old",
            "DELETE /nodes/pve1/qemu/102/snapshot/older",
        ]
    );
    let simulator = deck.quit().await;
    let left = simulator.world().guest(101).unwrap().snapshots;
    assert_eq!(left.len(), 2, "what was taken out is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_told_above_the_plan() {
    let folder = TempDir::new().unwrap();
    let deck = Deck::start(Wish {
        read_only: true,
        exports: folder.path().join("nowhere"),
        ..wish(&folder)
    })
    .await;
    deck.see("web-1").await;
    deck.press("p");
    deck.see("read-only: nothing is deleted").await;
    deck.press("e");
    deck.see("the plan was not exported").await;
    deck.see("start proxdeck in a folder").await;
    deck.press("<Esc>");
    deck.see_no("the plan was not exported").await;
    deck.see("Prune plan (read-only)").await;
    deck.press("<Esc>");
    deck.see_no("Prune plan").await;
    assert!(deletions(&deck).is_empty());
    deck.quit().await;
}
