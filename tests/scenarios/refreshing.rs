//! What watching costs, and how losing the server looks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proxdeck::app::reading_queue::MOST_A_MINUTE;
use proxdeck::simulator::{Journal, Scenario};

use super::harness::{DEADLINE, Deck, Wish};

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

/// Tells whether a request reads a guest's list of snapshots.
fn is_list(path: &str) -> bool {
    path.ends_with("/snapshot")
}

/// Counts the requests of a steady while, by path, and tells how long it was.
async fn steady(guests: usize) -> (BTreeMap<String, usize>, Duration) {
    let begun = Instant::now();
    let scenario = Scenario::generated(3, guests, 7);
    let deck = Deck::start(Wish {
        scenario,
        ..Wish::default()
    })
    .await;
    deck.until("the guests", |screen| {
        screen.contains(&format!(" {guests} · id"))
    })
    .await;
    let journal = deck.simulator().journal();
    until(journal, "the first readings", |journal| {
        journal.entries().iter().any(|entry| is_list(&entry.path))
    })
    .await;
    let from = readings(journal);
    until(journal, "ten more readings", |journal| {
        readings(journal) >= from + 10
    })
    .await;
    let mut counted = BTreeMap::new();
    for entry in journal.entries() {
        *counted.entry(entry.path).or_insert(0) += 1;
    }
    deck.quit().await;
    (counted, begun.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_asks_the_same_questions_for_ten_guests_and_for_a_thousand() {
    let few = steady(10).await;
    let many = steady(1000).await;
    assert_eq!(kinds(few), kinds(many));
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

/// Names the kinds of questions that watching asks, with the guest's own numbers left out.
///
/// Lists of snapshots are left out: the background reads them, and they have a budget of their own.
fn kinds((counted, took): (BTreeMap<String, usize>, Duration)) -> BTreeSet<String> {
    // The resource list is asked for at every beat, everything else every 5 s at most; a busy
    // machine takes longer for as many beats.
    let most = usize::try_from(took.as_secs() / 5 + 2).unwrap();
    let watching = counted.into_iter().filter(|(path, _)| !is_list(path));
    watching
        .map(|(path, times)| {
            let guest = path.starts_with("/nodes/");
            let kind = if guest {
                format!(
                    "/nodes/N/K/ID/{}",
                    path.rsplit('/').next().unwrap_or_default()
                )
            } else {
                path
            };
            assert!(
                kind == "/cluster/resources" || times <= most,
                "{kind} was asked {times} times in {took:?}"
            );
            kind
        })
        .collect()
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
