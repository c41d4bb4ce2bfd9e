//! Three guests bracketed, changed, rolled back together and dropped, with keys alone.

use proxdeck::simulator::{RunState, Simulator};

use super::harness::{Deck, Wish};

const GUESTS: [u32; 3] = [101, 102, 103];

fn memory(simulator: &Simulator, vmid: u32) -> Option<String> {
    let view = simulator.world().guest(vmid).unwrap();
    view.config.get("memory").cloned()
}

fn has_it(simulator: &Simulator, vmid: u32) -> bool {
    let view = simulator.world().guest(vmid).unwrap();
    view.snapshots.iter().any(|each| each.name == "br-three")
}

/// Returns how many writes of a kind were sent.
fn sent(simulator: &Simulator, method: &str, end: &str) -> usize {
    let entries = simulator.journal().entries();
    let alike = entries
        .iter()
        .filter(|entry| entry.method == method && entry.path.ends_with(end));
    alike.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_guests_are_bracketed_changed_rolled_back_together_and_dropped() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j <Space> <Space> <Space>");
    let screen = deck.see("3 marked: 101 102 103").await;
    assert!(screen.contains("· b bracket"), "{screen}");
    deck.press("b");
    deck.see("Bracket of 3 marked guests").await;
    deck.press("<Ctrl-u> three");
    deck.see("br-three of each").await;
    deck.until("that the name is free", |screen| {
        screen.contains("Enter take it")
    })
    .await;
    deck.press("<Ctrl-x>");
    deck.see("snapname=br-three").await;
    deck.press("<Enter>");
    deck.see("bracket three of 3 guests done").await;
    let before: Vec<_> = GUESTS.map(|vmid| memory(deck.simulator(), vmid)).into();
    for vmid in GUESTS {
        assert!(has_it(deck.simulator(), vmid), "{vmid}");
        deck.simulator().edit(|world| {
            world.set_option(vmid, "memory", Some("777")).unwrap();
        });
    }

    // The message goes first, then the marks.
    deck.press("<Esc> <Esc>");
    deck.see_no("3 marked").await;
    deck.press("b");
    deck.see("3: 101 102 103").await;
    deck.press("<Enter>");
    deck.see("Roll back to bracket three@").await;
    deck.see("101 web-1: 1 option goes back").await;
    deck.press("<Enter> y <Enter>");
    assert_eq!(sent(deck.simulator(), "POST", "/rollback"), 0);
    deck.press("<Backspace> three");
    // Enter does nothing before every guest is compared.
    deck.see_no("(not yet)").await;
    deck.press("<Enter>");
    deck.see("roll back 3 guests to bracket three done").await;
    assert_eq!(sent(deck.simulator(), "POST", "/rollback"), 3);
    let after: Vec<_> = GUESTS.map(|vmid| memory(deck.simulator(), vmid)).into();
    assert_eq!(after, before);
    let status = |vmid| deck.simulator().world().guest(vmid).unwrap().status;
    assert_eq!(status(101), RunState::Running, "it ran, so it runs again");
    assert_eq!(status(102), RunState::Stopped);

    deck.press("<Esc> b");
    deck.see("3: 101 102 103").await;
    deck.press("d");
    deck.see("Drop bracket three@").await;
    deck.until("the count", |screen| screen.contains("type 3"))
        .await;
    deck.press("<Enter>");
    assert_eq!(sent(deck.simulator(), "DELETE", "/snapshot/br-three"), 0);
    deck.press("3");
    deck.see_no("(not yet)").await;
    deck.press("<Enter>");
    deck.see("drop bracket three of 3 guests done").await;
    let simulator = deck.quit().await;
    assert_eq!(sent(&simulator, "DELETE", "/snapshot/br-three"), 3);
    for vmid in GUESTS {
        assert!(!has_it(&simulator, vmid), "{vmid}");
    }
}
