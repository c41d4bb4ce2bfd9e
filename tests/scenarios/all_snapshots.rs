//! The snapshots of all guests with keys alone: found, followed to their guest, marked and deleted.

use super::harness::{Deck, Wish};

/// The numbers of the guests whose lists were asked for, in order and as often as it was.
fn lists_read(deck: &Deck) -> Vec<String> {
    let entries = deck.simulator().journal().entries();
    let paths = entries.into_iter().map(|entry| entry.path);
    paths.filter(|path| path.ends_with("/snapshot")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_snapshot_is_listed_and_enter_leads_to_its_guest() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("3");
    deck.see("Snapshots of all guests").await;
    let screen = deck
        .until("all lists", |screen| {
            screen.contains("guests read, oldest reading") && !screen.contains("waiting")
        })
        .await;
    for snapshot in ["s1", "s2ram"] {
        assert!(screen.contains(snapshot), "{screen}");
    }
    assert!(screen.contains("not managed"), "{screen}");
    let mut read = lists_read(&deck);
    let all = read.len();
    read.sort();
    read.dedup();
    assert_eq!(read.len(), all, "each list was read once: {read:?}");
    deck.press("/ s2ram <Enter>");
    deck.see("1 of").await;
    deck.press("<Enter>");
    let screen = deck.see("Snapshots of 101 web-1").await;
    let row = screen.lines().find(|line| line.contains("○ s2ram"));
    assert!(row.is_some_and(|row| row.contains('▌')), "{screen}");
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_marked_and_deleted_where_all_are_shown() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("3 / s2ram <Enter>");
    deck.see("1 of").await;
    deck.press("K");
    deck.see("keep s2ram of 101 web-1 done").await;
    deck.see("#keep").await;
    deck.press("d");
    deck.see("Delete a snapshot of 101 web-1").await;
    deck.press("<Right> <Enter>");
    deck.see("delete s2ram of 101 web-1 done").await;
    deck.see("matches /s2ram").await;
    // The messages go first, then the filter.
    deck.press("<Esc> <Esc> <Esc>");
    deck.see_no("matches /s2ram").await;
    let simulator = deck.quit().await;
    let writes: Vec<String> = simulator
        .journal()
        .entries()
        .into_iter()
        .filter(|entry| entry.method != "GET")
        .map(|entry| format!("{} {}", entry.method, entry.path))
        .collect();
    assert_eq!(
        writes,
        [
            "PUT /nodes/pve1/qemu/101/snapshot/s2ram/config",
            "DELETE /nodes/pve1/qemu/101/snapshot/s2ram"
        ]
    );
}
