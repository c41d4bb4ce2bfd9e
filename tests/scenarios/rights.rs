//! What the account may not do is said before it is tried, and learned from a refusal.

use super::creating;
use super::harness::{Account, Deck, Wish};

/// The words of a dim key, as `doctor` has them too.
const SNAPSHOT: &str = "needs VM.Snapshot on /vms/101";
const BRIDGE: &str = "needs SDN.Use on /sdn/zones/localnetwork/vmbr1";

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_token_s_keys_are_dim_with_the_words_of_the_doctor() {
    let deck = Deck::start(Wish {
        account: Account::Limited,
        ..creating::wish()
    })
    .await;
    deck.see("web-1").await;
    deck.press("/ w e b - 1 <Enter>");
    // In the footer, once the privileges are read.
    deck.see(&format!("s: {SNAPSHOT}")).await;
    deck.press("s");
    deck.see(&format!("snapshot: {SNAPSHOT}")).await;
    deck.press("<Esc> n");
    deck.see(BRIDGE).await;
    deck.press("<Esc> : s n a p s h o t");
    deck.see(&format!("not now: {SNAPSHOT}")).await;
    deck.press("<Esc> ?");
    deck.see("(needs VM.Snapshot").await;
    deck.press("<Esc>");
    let simulator = deck.quit().await;
    let entries = simulator.journal().entries();
    assert!(entries.iter().all(|entry| entry.method == "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_meanwhile_is_missed_once() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("/ w e b - 1 <Enter>");
    deck.see("s snapshot").await;
    let change = |world: &mut proxdeck::simulator::World| {
        world.drop_privilege("Administrator", "VM.Snapshot");
    };
    deck.press("s");
    deck.see("take it").await;
    deck.simulator().edit(change);
    deck.press("<Enter>");
    deck.see("not allowed").await;
    deck.press("<Esc>");
    deck.see(SNAPSHOT).await;
    deck.press("s");
    deck.see(&format!("snapshot: {SNAPSHOT}")).await;
    let simulator = deck.quit().await;
    let entries = simulator.journal().entries();
    let writes = entries.iter().filter(|entry| entry.method != "GET");
    assert_eq!(writes.count(), 1, "what was refused is not tried again");
}
