//! Signing in with keys alone: password, second factor, and again when the session has ended.

use proxdeck::simulator::Scenario;

use super::harness::{Account, Deck, Wish};

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
        account: Account::SecondFactor,
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

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_ends_while_a_snapshot_is_taken_is_renewed_and_nothing_else_is_seen_of_it() {
    let mut scenario = Scenario::small();
    // So slow that the ticket ends while the task runs.
    scenario.speed = 10.0;
    let deck = Deck::start(Wish {
        scenario,
        account: Account::Password,
        ..Wish::default()
    })
    .await;
    deck.see("101 web-1").await;
    deck.press("g j");
    deck.see("Snapshots of 101 web-1").await;
    deck.press("s");
    deck.see("Snapshot of 101 web-1 on pve1").await;
    deck.press("<Ctrl-u> before-merge <Enter>");
    let is_asked = |_: &str| {
        let entries = deck.simulator().journal().entries();
        let mut entries = entries.iter();
        entries.any(|entry| entry.method == "POST" && entry.path.ends_with("/snapshot"))
    };
    deck.until("the request", is_asked).await;
    let clock = deck.simulator().clock();
    clock.set_offset(chrono::Duration::hours(3));
    let screen = deck.see("snapshot 101 web-1 done: before-merge").await;
    assert!(!screen.contains("LINK DOWN"), "{screen}");
    deck.until("a second login", |_| logins(&deck) == 2).await;
    assert!(!deck.screen().contains("Sign in"), "{}", deck.screen());
    let entries = deck.simulator().journal().entries();
    let writes = entries.iter().filter(|entry| entry.method != "GET");
    assert_eq!(writes.count(), 3, "two logins and one snapshot");
    deck.quit().await;
}
