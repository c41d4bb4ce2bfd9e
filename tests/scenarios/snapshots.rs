//! Taking snapshots with keys alone.

use super::harness::{Deck, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_with_memory_is_taken_followed_and_found_in_the_tree() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j");
    deck.see("Snapshots of 101 web-1").await;
    deck.press("s");
    deck.see("Snapshot of 101 web-1 on pve1").await;
    deck.press("<Ctrl-u> before-merge <Tab> <Tab> try <Tab> <Space> <Ctrl-x>");
    deck.see("POST /nodes/pve1/qemu/101/snapshot").await;
    let from = deck.simulator().journal().len();
    deck.press("<Enter>");
    deck.see("snapshot 101 web-1 done: before-merge").await;
    let screen = deck
        .until("the row of the tree", |screen| {
            screen.contains("○ before-merge")
        })
        .await;
    assert!(
        screen.contains("try"),
        "its description is shown:\n{screen}"
    );

    let view = deck.simulator().world().guest(101).unwrap();
    let taken = view
        .snapshots
        .iter()
        .find(|snapshot| snapshot.name == "before-merge")
        .unwrap();
    assert!(taken.vmstate);
    let writes: Vec<_> = deck
        .simulator()
        .journal()
        .entries()
        .into_iter()
        .skip(from)
        .filter(|entry| entry.method != "GET")
        .collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(writes[0].path, "/nodes/pve1/qemu/101/snapshot");
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_server_would_refuse_is_refused_as_it_is_typed() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j s");
    deck.see("Snapshot of 101 web-1").await;
    deck.press("<Ctrl-u> 1x");
    deck.see("a name begins with a letter").await;
    deck.press("<Enter>");
    deck.press("<Ctrl-u> s1");
    deck.see("s1 exists already").await;
    deck.press("<Enter> <Esc>");
    deck.see_no("Snapshot of 101 web-1 on").await;
    let simulator = deck.quit().await;
    assert!(
        simulator
            .journal()
            .entries()
            .iter()
            .all(|entry| entry.method == "GET"),
        "nothing was sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_says_so_and_sends_nothing() {
    let deck = Deck::start(Wish {
        read_only: true,
        ..Wish::default()
    })
    .await;
    deck.see("READ-ONLY").await;
    deck.see("web-1").await;
    deck.press("j s");
    deck.see("snapshot: read-only").await;
    let simulator = deck.quit().await;
    assert!(
        simulator
            .journal()
            .entries()
            .iter()
            .all(|entry| entry.method == "GET")
    );
}
