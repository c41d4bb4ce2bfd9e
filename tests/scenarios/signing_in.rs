//! Signing in with keys alone: password, second factor, and again when the session has ended.

use proxdeck::simulator::Scenario;

use super::harness::{Deck, Wish};

fn logins(deck: &Deck) -> usize {
    let entries = deck.simulator().journal().entries();
    let logins = entries
        .iter()
        .filter(|entry| entry.path == "/access/ticket");
    logins.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_09_password_and_code_open_the_dashboard_and_an_ended_session_asks_for_a_code_again()
 {
    let mut scenario = Scenario::small();
    scenario.second_factor.recovery_keys = 2;
    // The server lets whoever it refuses wait; nobody has to here.
    scenario.speed = 1000.0;
    let deck = Deck::start(Wish {
        scenario,
        signs_in: true,
        ..Wish::default()
    })
    .await;
    let accounts = deck.simulator().accounts().clone();
    deck.see("password ").await;
    assert_eq!(logins(&deck), 0, "nothing is tried before it is typed");
    deck.press("wrong <Enter>");
    deck.see("the server refused the login").await;
    deck.press(&accounts.second_factor_password);
    deck.press("<Enter>");
    deck.see("code of the authenticator").await;
    let code = |deck: &Deck| {
        let now = deck.simulator().clock().seconds();
        accounts.second_factor_code(now)
    };
    deck.press("000000 <Enter>");
    deck.see("the server refused the login").await;
    deck.press(&code(&deck));
    deck.press("<Enter>");
    deck.see("101 web-1").await;
    deck.see("signed in as oncall@pve").await;
    let before = logins(&deck);

    // The machine slept: the ticket has ended, the password is known, a second factor is wanted.
    deck.simulator()
        .clock()
        .set_offset(chrono::Duration::hours(5));
    deck.see("recovery key").await;
    assert_eq!(
        logins(&deck),
        before + 1,
        "asked for once, not again and again"
    );
    deck.press("<Down>");
    deck.press(&accounts.recovery_keys[1]);
    deck.press("<Enter>");
    deck.see_no("recovery key").await;
    deck.see("101 web-1").await;
    deck.see_no("SIGNED OUT").await;
    deck.quit().await;
}
