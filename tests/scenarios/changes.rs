//! Changes with keys alone: the writes in the journal are those that the form announced.

use proxdeck::simulator::{Entry, RunState, Simulator};

use super::harness::{Deck, Wish};

/// Returns the writes so far, as `METHOD path`.
fn writes(simulator: &Simulator) -> Vec<String> {
    let entries = simulator.journal().entries();
    let written = entries.iter().filter(|entry| entry.method != "GET");
    written
        .map(|Entry { method, path, .. }| format!("{method} {path}"))
        .collect()
}

/// Opens web-1's snapshots, with the cursor on one of them; the tree is s1, s2ram, the present.
async fn at_snapshot(keys: &str) -> Deck {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j");
    // Both in one frame: the tree of the first row ends at "you are here" as well.
    deck.until("the snapshots of web-1", |screen| {
        screen.contains("Snapshots of 101 web-1") && screen.contains("s2ram")
    })
    .await;
    deck.press("<Tab> <Tab>");
    deck.press(keys);
    deck
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_back_wants_the_name_and_takes_a_safety_snapshot_first() {
    let deck = at_snapshot("g R").await;
    let screen = deck.see("Roll back 101 web-1 on pve1").await;
    assert!(
        screen.contains("loses") && screen.contains("stopped hard"),
        "{screen}"
    );
    deck.see_no("comparing").await;
    deck.press("<Enter>");
    deck.press("web-2 <Enter>");
    deck.see("this is not it").await;
    assert!(writes(deck.simulator()).is_empty());
    deck.press("<Backspace> 1 <Enter>");
    deck.see("roll back 101 web-1 to s1 done").await;
    let simulator = deck.quit().await;
    let mut written = writes(&simulator);
    // The server's own start may run into the clean-up of the return, and is then asked for again.
    written.retain(|call| call != "POST /nodes/pve1/qemu/101/status/start");
    assert_eq!(
        written,
        [
            "POST /nodes/pve1/qemu/101/snapshot",
            "POST /nodes/pve1/qemu/101/snapshot/s1/rollback"
        ]
    );
    let status = simulator.world().guest(101).unwrap().status;
    assert_eq!(status, RunState::Running, "it ran, so it runs again");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_keeps_by_default_and_deletes_when_that_is_chosen() {
    let deck = at_snapshot("g j d").await;
    deck.see("Delete a snapshot of 101 web-1").await;
    deck.press("<Enter>");
    deck.see_no("Delete a snapshot of").await;
    assert!(
        writes(deck.simulator()).is_empty(),
        "a bare Enter deletes nothing"
    );
    deck.press("d y");
    deck.see("Delete a snapshot of").await;
    assert!(writes(deck.simulator()).is_empty(), "nor does y");
    deck.press("<Right> <Enter>");
    deck.see("delete s2ram of 101 web-1 done").await;
    deck.see_no("○ s2ram").await;
    let simulator = deck.quit().await;
    assert_eq!(
        writes(&simulator),
        ["DELETE /nodes/pve1/qemu/101/snapshot/s2ram"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keep_mark_is_set_and_taken_off_again() {
    let deck = at_snapshot("g K").await;
    deck.see("keep s1 of 101 web-1 done").await;
    deck.until("the mark in the tree", |screen| screen.contains("#keep"))
        .await;
    deck.press("K");
    deck.see("unmark s1 of 101 web-1 done").await;
    deck.until("the tree without it", |screen| !screen.contains("#keep"))
        .await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn power_offers_what_is_possible_and_says_why_the_rest_is_not() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j P");
    let screen = deck.see("Power of 101 web-1").await;
    assert!(
        screen.contains("running already"),
        "start is dim with its reason:\n{screen}"
    );
    deck.press("G k <Enter>");
    deck.see("Stop 101 web-1 on pve1").await;
    deck.press("<Enter>");
    assert!(
        writes(deck.simulator()).is_empty(),
        "stopping wants the name"
    );
    deck.press("web-1 <Enter>");
    deck.see("stop 101 web-1 done: stopped").await;
    let simulator = deck.quit().await;
    assert_eq!(
        writes(&simulator),
        ["POST /nodes/pve1/qemu/101/status/stop"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_joins_the_pool_of_its_source_and_carries_its_mark() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("web-1").await;
    deck.press("j j c");
    deck.see("Clone 102 db-1 on pve1").await;
    deck.press("<Ctrl-u> a_b");
    deck.until("an objection to the name", |screen| {
        screen.contains("(not yet)")
    })
    .await;
    // What comes along is read first; until then Enter does nothing.
    deck.see("its firewall rules").await;
    deck.press("<Ctrl-u> db-2");
    deck.see("Enter make it").await;
    deck.press("<Enter>");
    deck.see("clone 102 db-1 as db-2 done").await;
    let simulator = deck.quit().await;
    let copy = simulator
        .world()
        .guests()
        .into_iter()
        .find(|guest| guest.name == "db-2")
        .unwrap();
    let pool = simulator.world().pool_members("lab");
    assert!(pool.contains(&copy.vmid), "{pool:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn destroying_wants_the_number_and_the_name_and_ends_without_the_guest() {
    let deck = Deck::start(Wish::default()).await;
    deck.see("db-1").await;
    deck.press("j j P");
    deck.see("Power of 102 db-1").await;
    deck.press("G <Enter>");
    deck.see("scsi0 · 4.0 GiB").await;
    deck.press("<Enter> y <Enter> <Ctrl-u> 102 <Enter>");
    deck.see("5 more").await;
    assert!(writes(deck.simulator()).is_empty());
    deck.press("=db-1 <Tab> <Space> x");
    deck.see("DELETE /nodes/pve1/qemu/102  purge=1").await;
    deck.press("<Enter>");
    deck.see("destroy 102 db-1 done").await;
    // The note names it still; the table does not.
    deck.until("the table without it", |screen| {
        screen.matches("db-1").count() < 2
    })
    .await;
    let simulator = deck.quit().await;
    assert_eq!(writes(&simulator), ["DELETE /nodes/pve1/qemu/102"]);
    assert!(simulator.world().guest(102).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_branched_off_as_a_new_guest_and_the_old_one_stays_as_it_is() {
    let deck = at_snapshot("g R").await;
    deck.see("Roll back 101 web-1 on pve1").await;
    // The choice between both ways is the last field, one up from the first.
    deck.press("<Up> <Right>");
    deck.see("Restore s1 of 101 web-1 as a new guest").await;
    deck.see("its firewall rules").await;
    deck.see("Enter make it").await;
    deck.press("<Enter>");
    deck.see("clone 101 web-1 as web-1-copy done").await;
    let simulator = deck.quit().await;
    let written = writes(&simulator);
    assert_eq!(written, ["POST /nodes/pve1/qemu/101/clone"]);
    let guests = simulator.world().guests();
    let copy = guests.iter().find(|guest| guest.name == "web-1-copy");
    let copy = copy.expect("the new guest is there");
    assert!(copy.config["description"].contains("proxdeck: created"));
    let pool = simulator.world().pool_members("lab");
    assert!(pool.contains(&copy.vmid), "it joins its source's pool");
    let status = simulator.world().guest(101).unwrap().status;
    assert_eq!(status, RunState::Running, "the old one goes on");
}
