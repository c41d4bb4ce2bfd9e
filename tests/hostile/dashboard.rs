//! The dashboard in front of a hostile server: whatever it says, every frame is clean, keys work, and it recovers.

use proxdeck::simulator::{FaultKind, FaultRule, Scenario};
use unicode_width::UnicodeWidthStr as _;

use crate::entries::shown;
use crate::harness::{Deck, Wish};
use crate::{seed, tell};

/// Views, panes, dialogs and logs, each opened while the server lies.
const SCRIPT: &str = "1 j j <Enter> <Tab> l <Esc> ] ] [ [ s <Esc> R <Esc> c <Esc> P <Esc> N <Esc> d <Esc> K <Esc> b <Esc> \
     <Esc> 2 j <Enter> <Esc> a <Esc> 3 j o O p <Esc> 4 j E <Esc> 5 j l <Esc> <Esc> 6 j <Tab> j 7 j n <Esc> C <Esc> ? <Esc> \
     : <Esc> / web <Esc> r y z z <Esc> <Esc> <Esc>";

/// So many keys are pressed from one hostile answer to the next.
const KEYS_A_LIE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_clean_and_the_dashboard_recovers() {
    let mut frames = 0;
    let mut lies = 0;
    for seed in (0..3).map(|run| seed() + run) {
        let deck = Deck::start(Wish {
            scenario: Scenario {
                seed,
                ..Scenario::small()
            },
            interval: std::time::Duration::from_millis(100),
            ..Wish::default()
        })
        .await;
        deck.see("web-1").await;
        let rule = FaultRule::new(FaultKind::Hostile).rate(0.4);
        let fault = deck.simulator().faults().add(rule);
        let keys: Vec<&str> = SCRIPT.split_whitespace().collect();
        for keys in keys.chunks(KEYS_A_LIE) {
            let before = deck.simulator().faults().strikes(fault);
            deck.press(&keys.join(" "));
            let seen = std::cell::Cell::new(0);
            deck.until("the server's next lie", |screen| {
                seen.set(seen.get() + 1);
                clean_frame(screen);
                deck.simulator().faults().strikes(fault) > before
            })
            .await;
            shown(&deck.told().title);
            frames += seen.get();
        }
        lies += deck.simulator().faults().remove(fault);
        deck.press("<Esc> <Esc> <Esc> 1 g");
        deck.see("web-1").await;
        deck.quit().await;
    }
    tell(format_args!(
        "{lies} hostile answers behind {frames} frames"
    ));
}

/// Asserts that a frame holds nothing that would move a cursor, turn the direction of a line or shift its end.
fn clean_frame(screen: &str) {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    if let Some(found) = screen.chars().find(bad) {
        panic!("{found:?} in\n{screen:?}");
    }
    // Each line stands between quotes; behind them the backend tells what a wide character covers.
    for line in screen.lines() {
        let line = line
            .split("\" Hidden by multi-width")
            .next()
            .unwrap_or(line);
        let line = line.trim_start_matches('"').trim_end_matches('"');
        assert_eq!(line.width(), 120, "{line:?}");
    }
}
