//! `C` says how a console is reached, and asks nobody for it.

use super::harness::{Deck, Wish};

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_console_is_shown_and_copied() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("/ w e b - 1 <Enter>");
    deck.see("1 of ").await;
    deck.press("C");
    let screen = deck.see("Console of 101 web-1").await;
    let address = deck.simulator().address().to_string();
    assert!(
        screen.contains(&format!("https://{address}/?console=kvm")),
        "{screen}"
    );
    deck.press("j y");
    deck.see("copied ssh -t root@127.0.0.1 qm terminal 101")
        .await;
    deck.press("<Esc>");
    deck.see_no("Console of").await;
    deck.quit().await;
}
