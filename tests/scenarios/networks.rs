//! A guest is fenced in with keys alone: on trial, put back, for good, and never twice.

use proxdeck::app::state::Rules;
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::selection::Selection;
use proxdeck::simulator::{Scenario, Simulator};

use super::harness::{Deck, Wish};

fn wish() -> Wish {
    let profile = NetworkProfile {
        name: "api_access".into(),
        bridge: "vmbr0".parse().unwrap(),
        firewall: true,
        allow: vec!["api.github.com:443".parse().unwrap()],
        block: vec!["0.0.0.0/0".parse().unwrap()],
        allow_in: None,
        dns: None,
    };
    let mut scenario = Scenario::small();
    let address = "140.82.121.6".parse().unwrap();
    scenario
        .hosts
        .insert("api.github.com".into(), vec![address]);
    Wish {
        scenario,
        rules: Rules {
            selection: Selection::new(true, &[], &[], &[]).unwrap(),
            profiles: vec![profile],
            ..Rules::default()
        },
        ..Wish::default()
    }
}

fn drops(simulator: &Simulator) -> bool {
    let firewall = simulator.world().firewall(101);
    firewall.options.get("policy_out").map(String::as_str) == Some("DROP")
}

/// Begins a trial of a minute and waits until it stands.
async fn tried() -> Deck {
    let deck = Deck::start(wish()).await;
    deck.see("101 web-1").await;
    deck.press("g j N");
    deck.see("policy_out").await;
    deck.press("<Tab> <Right> <Tab> <Tab> <Right> <Enter>");
    deck.see("put back in").await;
    assert!(drops(deck.simulator()));
    deck
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_is_tried_put_back_and_fenced_in_for_good_once() {
    let deck = tried().await;
    deck.press("N");
    deck.see("Trial of api_access").await;
    deck.see("way back").await;
    deck.press("<Right> <Tab> <Tab> <Right> <Enter>");
    let screen = deck.see("put back as asked").await;
    assert!(!screen.contains("✗"), "it is no failure: {screen}");
    assert!(!drops(deck.simulator()));

    deck.press("<Esc> <Esc> N");
    deck.see("policy_out").await;
    deck.press("<Tab> <Tab> 1.1.1.1:80");
    let screen = deck.see("then").await;
    assert!(screen.contains("firewall is switched off"), "{screen}");
    deck.press("<Tab> <Right> <Enter>");
    deck.see("api_access to 101 web-1 done").await;
    assert!(drops(deck.simulator()));

    deck.press("<Esc> N");
    deck.see("there is nothing to do").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_during_a_trial_puts_it_back() {
    let deck = tried().await;
    deck.press("q");
    deck.see("with work in hand").await;
    // The last row leaves at once.
    deck.press("G <Enter>");
    let simulator = deck.ended().await;
    let firewall = simulator.world().firewall(101);
    assert!(firewall.rules.is_empty() && firewall.sets.is_empty());
    assert!(!drops(&simulator));
}

/// A mistake of ours must not leave a guest behind a fence that was only tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_break_during_a_trial_puts_it_back_before_the_program_ends() {
    let deck = tried().await;
    let simulator = deck.break_drawing().await;
    let firewall = simulator.world().firewall(101);
    assert!(firewall.rules.is_empty() && firewall.sets.is_empty());
    assert!(!drops(&simulator));
}
