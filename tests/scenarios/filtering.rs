//! Finding guests with keys alone.

use super::harness::{Deck, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn the_table_follows_the_filter_and_escape_shows_all_again() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("/ db");
    let screen = deck
        .until("one match", |screen| screen.contains("1 match"))
        .await;
    assert!(
        screen.contains("db-1") && !screen.contains("prod-1"),
        "{screen}"
    );
    deck.press("<Enter>");
    deck.see("/db").await;
    deck.press("<Esc>");
    deck.see("prod-1").await;
    deck.press("/ nothing-is-called-so");
    deck.see("None of").await;
    deck.press("<Esc>");
    deck.see("prod-1").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_counted_named_and_cleared() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j <Space> <Space>");
    deck.see("2 marked: 101 102").await;
    deck.press("/ web");
    deck.see("2 marked (1 not shown)").await;
    deck.press("<Esc> <Esc>");
    deck.see_no("marked").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_marked_through_one_filter_after_another() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("/ web <Enter>");
    deck.see("/web").await;
    deck.press("<Space>");
    deck.see("Esc shows all").await;
    deck.press("<Esc>");
    deck.see("prod-1").await;
    deck.see("1 marked").await;
    deck.press("/ db <Enter>");
    deck.see("/db").await;
    deck.press("<Space>");
    deck.see("2 marked (1 not shown)").await;
    deck.press("<Esc>");
    deck.see("Esc clears").await;
    deck.see("2 marked").await;
    deck.press("<Esc>");
    deck.see_no("marked").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_palette_finds_actions_by_their_words() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press(": storages <Enter>");
    deck.see("Storages").await;
    deck.press("1");
    deck.see("Guests").await;
    deck.quit().await;
}
