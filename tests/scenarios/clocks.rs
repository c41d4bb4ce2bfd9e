//! A server whose clock is hours off: what it dates is as old as it says, and what is dated for it is dated by it.

use chrono::DateTime;
use proxdeck::simulator::{FaultKind, FaultRule};

use super::harness::{Deck, Wish};

/// Takes a snapshot and a copy at a server whose clock is so many seconds ahead.
async fn watch(skew: i64) {
    let deck = Deck::start(Wish {
        faults: vec![FaultRule::new(FaultKind::ClockSkew(skew))],
        ..Wish::default()
    })
    .await;
    deck.see("web-1").await;
    deck.press("j");
    deck.see("Snapshots of 101 web-1").await;
    deck.press("s");
    deck.see("Snapshot of 101 web-1 on pve1").await;
    deck.press("<Ctrl-u> fresh <Enter>");
    deck.see("snapshot 101 web-1 done: fresh").await;
    let row = |screen: &str, word: &str| {
        let mut rows = screen.lines().filter(|line| line.contains(word));
        rows.any(|row| row.contains("just now"))
    };
    deck.until("the age of the snapshot", |screen| row(screen, "○ fresh"))
        .await;
    deck.press("5");
    deck.until("the age of the task", |screen| row(screen, "qmsnapshot"))
        .await;
    deck.press("1 j c");
    deck.see("Clone 102 db-1 on pve1").await;
    deck.press("<Ctrl-u> db-2");
    deck.see("Enter make it").await;
    deck.press("<Enter>");
    deck.see("clone 102 db-1 as db-2 done").await;
    let simulator = deck.quit().await;
    let guests = simulator.world().guests();
    let copy = guests.iter().find(|guest| guest.name == "db-2").unwrap();
    let (_, stamp) = copy.config["description"]
        .split_once("proxdeck: created ")
        .unwrap();
    let made = DateTime::parse_from_rfc3339(stamp.split_whitespace().next().unwrap()).unwrap();
    let off = (simulator.clock().seconds() - made.timestamp()).abs();
    assert!(off < 600, "made {off} s from now by the server's clock");
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_and_marks_are_those_of_a_server_that_is_hours_ahead_or_behind() {
    tokio::join!(watch(5 * 3600), watch(-5 * 3600));
}
