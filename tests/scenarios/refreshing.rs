//! What watching costs, and how losing the server looks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proxdeck::app::reading_queue::MOST_A_MINUTE;
use proxdeck::simulator::{Journal, Scenario};

use super::harness::{DEADLINE, Deck, Wish};

/// So many readings are a while in which everything that is asked regularly comes.
const READINGS: usize = 6;

/// Waits until the journal fulfils a condition.
async fn until(journal: &Journal, what: &str, holds: impl Fn(&Journal) -> bool) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while !holds(journal) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

fn readings(journal: &Journal) -> usize {
    journal
        .entries()
        .iter()
        .filter(|entry| entry.path == "/cluster/resources")
        .count()
}

/// What somebody who only looks asks for; numbers of nodes and guests are left out.
const NAMED: [&str; 11] = [
    "/access/permissions",
    "/access/users",
    "/cluster/resources",
    "/cluster/status",
    "/cluster/tasks",
    "/nodes/N/K/ID/rrddata",
    "/nodes/N/K/ID/snapshot",
    "/nodes/N/K/ID/status/current",
    "/nodes/N/certificates/info",
    "/nodes/N/tasks",
    // Which privileges there are depends on the release.
    "/version",
];

/// Names the kind of a question, and the guest that it is about.
fn kind_of(path: &str) -> (String, Option<&str>) {
    match path.splitn(6, '/').collect::<Vec<_>>()[..] {
        ["", "nodes", _, _, vmid, rest] => (format!("/nodes/N/K/ID/{rest}"), Some(vmid)),
        ["", "nodes", _, what] => (format!("/nodes/N/{what}"), None),
        ["", "nodes", _, what, more] => (format!("/nodes/N/{what}/{more}"), None),
        _ => (path.to_owned(), None),
    }
}

fn kinds(journal: &Journal) -> Vec<String> {
    let mut kinds: Vec<String> = journal
        .entries()
        .iter()
        .map(|entry| kind_of(&entry.path).0)
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Tells whether a request reads a guest's list of snapshots.
fn is_list(path: &str) -> bool {
    path.ends_with("/snapshot")
}

/// Counts the requests of a steady while, by path, and tells how long it was.
async fn steady(guests: usize) -> (BTreeMap<String, usize>, Duration) {
    let begun = Instant::now();
    let deck = Deck::start(Wish {
        scenario: Scenario::generated(3, guests, 7),
        ..Wish::default()
    })
    .await;
    let journal = deck.simulator().journal();
    until(journal, "the first lists", |journal| {
        journal.entries().iter().any(|entry| is_list(&entry.path))
    })
    .await;
    let from = readings(journal);
    until(journal, "more readings", |journal| {
        readings(journal) >= from + READINGS
    })
    .await;
    let mut counted = BTreeMap::new();
    for entry in journal.entries() {
        *counted.entry(entry.path).or_insert(0) += 1;
    }
    deck.quit().await;
    (counted, begun.elapsed())
}

/// Watches a cluster of a certain size until it is steady, and some readings longer.
async fn watch(guests: usize) {
    let deck = Deck::start(Wish {
        scenario: Scenario::generated(3, guests, 7),
        ..Wish::default()
    })
    .await;
    deck.until("the guests", |screen| {
        screen.contains(&format!(" {guests} · id"))
    })
    .await;
    let journal = deck.simulator().journal();
    until(journal, "everything that is named", |journal| {
        NAMED
            .iter()
            .all(|name| kinds(journal).contains(&(*name).to_owned()))
    })
    .await;
    let from = readings(journal);
    until(journal, "more readings", |journal| {
        readings(journal) >= from + READINGS
    })
    .await;
    assert_eq!(kinds(journal), NAMED, "{guests} guests");
    // What is read close up concerns the guest under the cursor, however many there are.
    let mut close_up: Vec<String> = journal
        .entries()
        .iter()
        .filter(|entry| !entry.path.ends_with("/snapshot"))
        .filter_map(|entry| kind_of(&entry.path).1.map(str::to_owned))
        .collect();
    close_up.sort();
    close_up.dedup();
    assert_eq!(close_up.len(), 1, "{guests} guests: {close_up:?}");
    // Each reading is taken in: what the server says anew is on the screen without a key.
    let vmid = close_up[0].parse().unwrap();
    deck.simulator().edit(|world| {
        world.set_option(vmid, "name", Some("renamed")).unwrap();
    });
    deck.see("renamed").await;
    deck.quit().await;
}

/// How often each question is asked is a rule of values, tested where it is made (`cadence`).
#[tokio::test(flavor = "multi_thread")]
async fn watching_asks_the_same_questions_for_ten_guests_and_for_a_thousand() {
    tokio::join!(watch(10), watch(1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_snapshots_are_read_in_the_background_within_their_own_budget() {
    let (counted, took) = steady(1000).await;
    let lists: Vec<usize> = counted
        .into_iter()
        .filter(|(path, _)| is_list(path))
        .map(|(_, times)| times)
        .collect();
    let minutes = usize::try_from(took.as_secs() / 60 + 1).unwrap();
    // The guest under the cursor is read besides, once a minute.
    let most = MOST_A_MINUTE * minutes + minutes;
    assert!(
        (5..=most).contains(&lists.len()),
        "{} lists in {took:?}",
        lists.len()
    );
    let again = lists.iter().filter(|times| **times > 1).count();
    assert!(again <= 1, "{again} guests were read twice within the hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_is_said_and_one_that_returns_is_noticed() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    let fault = "refused=1".parse().unwrap();
    let fault = deck.simulator().faults().add(fault);
    let screen = deck.see("LINK DOWN").await;
    assert!(screen.contains("web-1"), "what is known stays:\n{screen}");
    deck.see("next try in").await;
    deck.simulator().faults().remove(fault);
    deck.press("r");
    deck.see_no("LINK DOWN").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_and_started_again_is_watched_on_by_itself() {
    let mut deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    let address = deck.stop_server().await;
    let screen = deck.see("LINK DOWN").await;
    assert!(
        screen.contains("web-1") && screen.contains("old"),
        "{screen}"
    );
    assert!(screen.contains("cannot reach the server"), "{screen}");
    deck.start_server(Scenario::small(), address).await;
    let screen = deck.see_no("LINK DOWN").await;
    assert!(screen.contains("web-1"), "{screen}");
    deck.quit().await;
}
