//! What watching costs, and how losing the server looks.

use std::collections::BTreeMap;
use std::time::Duration;

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

/// Counts the requests of a steady while, by path, without those for the selected guest.
async fn steady(guests: usize) -> BTreeMap<String, usize> {
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
        journal
            .entries()
            .iter()
            .any(|entry| entry.path.ends_with("/snapshot"))
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
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_asks_the_same_questions_for_ten_guests_and_for_a_thousand() {
    let few: Vec<String> = kinds(steady(10).await);
    let many: Vec<String> = kinds(steady(1000).await);
    assert_eq!(few, many);
}

/// Names the kinds of questions that were asked, with the guest's own numbers left out.
fn kinds(counted: BTreeMap<String, usize>) -> Vec<String> {
    let mut kinds: Vec<String> = counted
        .into_iter()
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
            // Everything but the resource list is asked more rarely than every beat.
            assert!(
                kind == "/cluster/resources" || times <= 3,
                "{kind} was asked {times} times"
            );
            kind
        })
        .collect();
    kinds.dedup();
    kinds
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
