//! A whole dashboard that signs in and watches while something goes wrong, seen as its user sees it.

use std::time::Duration;

use proxdeck::simulator::{FaultId, FaultKind, FaultRule};

use super::desk::world;
use super::writing::cut_connections;
use super::{Fault, Place, Promise, promise};
use crate::harness::{Account, Deck, Wish};

/// How the trouble shows where nothing of the cluster can be read.
const DOWN: &str = "LINK DOWN";

/// Asserts that nothing was sent but questions and logins, and says how many logins there were.
fn logins(deck: &Deck, case: &str) -> usize {
    let mut entries = deck.simulator().journal().entries();
    entries.retain(|entry| entry.method != "GET");
    let others = entries.iter().find(|entry| entry.path != "/access/ticket");
    assert!(others.is_none(), "{case}: {others:?}");
    entries.len()
}

/// Waits until the fault has struck so often, where it strikes by requests.
async fn until_struck(deck: &Deck, fault: FaultId, times: u64) {
    deck.until("the fault to strike", |_| {
        deck.simulator().faults().strikes(fault) >= times
    })
    .await;
}

fn rename(deck: &Deck, name: &str) {
    deck.simulator()
        .edit(|world| world.set_option(101, "name", Some(name)).unwrap());
}

/// Signs in with a password while a fault strikes every login.
pub(super) async fn login(fault: Fault) {
    let fault = &fault;
    let case = format!("login, {}", fault.name);
    let rule = FaultRule::new(fault.kind.clone()).path("/access/ticket");
    let deck = Deck::start(Wish {
        scenario: world(),
        account: Account::Password,
        tuning: fault.tuning(),
        faults: vec![rule],
        ..Wish::default()
    })
    .await;
    match promise(fault, Place::Login) {
        Promise::Unseen => {
            let screen = deck.see("101 web-1").await;
            assert!(!screen.contains(DOWN), "{case}:\n{screen}");
        }
        Promise::Named => {
            let cause = fault.cause().headline();
            let screen = deck
                .until(cause, |screen| {
                    screen.contains(DOWN) && screen.contains(cause)
                })
                .await;
            assert!(!screen.contains("web-1"), "{case}:\n{screen}");
            if fault.kind == FaultKind::CertificateSwapped {
                let journal = deck.simulator().journal();
                assert!(journal.is_empty(), "{case}: nothing is sent to a stranger");
            }
        }
        Promise::Asked => {
            deck.see(fault.cause().headline()).await;
            deck.see("password").await;
            assert_eq!(logins(&deck, &case), 1, "{case}: it hammers");
        }
        Promise::Clean => deck.until("a frame", |_| true).await.clear(),
        other @ (Promise::Dated
        | Promise::Down
        | Promise::Aged
        | Promise::Told
        | Promise::Nothing(_)) => panic!("{case}: nothing here holds {other:?}"),
    }
    deck.simulator().faults().clear();
    let screen = deck.see("101 web-1").await;
    deck.see_no(DOWN).await;
    assert!(!screen.contains("Sign in"), "{case}:\n{screen}");
    logins(&deck, &case);
    deck.quit().await;
}

/// Watches the inventory while a fault strikes everything that is asked about the cluster.
pub(super) async fn refresh(fault: Fault) {
    let fault = &fault;
    let case = format!("refresh, {}", fault.name);
    // Pauses grow with the interval; those after a refused login are long of themselves.
    let interval = if fault.kind == FaultKind::Unauthorized {
        Duration::from_millis(100)
    } else {
        Wish::default().interval
    };
    let deck = Deck::start(Wish {
        scenario: world(),
        interval,
        tuning: fault.tuning(),
        ..Wish::default()
    })
    .await;
    deck.see("101 web-1").await;
    let rule = FaultRule::new(fault.kind.clone()).path("/cluster/");
    let id = deck.simulator().faults().add(rule);
    if fault.kind == FaultKind::CertificateSwapped {
        cut_connections(deck.simulator(), 8);
    }
    rename(&deck, "during");
    match promise(fault, Place::Refresh) {
        Promise::Unseen => {
            let screen = deck.see("101 during").await;
            assert!(!screen.contains(DOWN), "{case}:\n{screen}");
        }
        Promise::Dated => {
            let cause = fault.cause().headline();
            let screen = deck
                .until(cause, |screen| {
                    screen.contains(DOWN) && screen.contains(cause) && screen.contains("next try")
                })
                .await;
            let is_old = screen.contains("101 web-1") || screen.contains("101 during");
            assert!(is_old && screen.contains(" old"), "{case}:\n{screen}");
        }
        Promise::Aged => {
            deck.press("2");
            deck.see("does not answer").await;
            deck.press("1");
            // What its node said last stays.
            let screen = deck.see("101 ").await;
            assert!(screen.contains("prod-1"), "{case}:\n{screen}");
            assert!(!screen.contains(DOWN), "{case}:\n{screen}");
        }
        Promise::Told => {
            deck.see("101 during").await;
            deck.press("2 r");
            let screen = deck.see("has no quorum").await;
            assert!(!screen.contains(DOWN), "{case}:\n{screen}");
            deck.press("1");
        }
        Promise::Clean => until_struck(&deck, id, 6).await,
        other @ (Promise::Down | Promise::Named | Promise::Asked | Promise::Nothing(_)) => {
            panic!("{case}: nothing here holds {other:?}")
        }
    }
    deck.simulator().faults().clear();
    rename(&deck, "after");
    deck.see("101 after").await;
    deck.see_no(DOWN).await;
    assert_eq!(logins(&deck, &case), 0, "{case}");
    deck.quit().await;
}
