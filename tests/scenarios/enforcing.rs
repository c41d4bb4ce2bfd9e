//! Enforcement with keys alone: the plan is shown, confirmed by its count, and carried out once.

use proxdeck::app::state::Rules;
use proxdeck::domain::enforcement::EnforcementRules;
use proxdeck::domain::project::{Membership, Project, Projects, Quota, Window};
use proxdeck::domain::selection::Selection;
use proxdeck::simulator::Scenario;

use super::harness::{Deck, Wish};

/// The project of the pool `lab`, which may use next to nothing.
fn rules() -> Rules {
    let mut lab = Project::new("lab", Membership::Pool("lab".parse().unwrap())).unwrap();
    lab.window = Window::Days7;
    lab.budget.cpu_hours = Quota::at_most(0.5).unwrap();
    Rules {
        selection: Selection::new(true, &[], &[], &[]).unwrap(),
        projects: Projects::new(vec![lab]).unwrap(),
        enforcement: EnforcementRules {
            snapshot_first: false,
            ..EnforcementRules::default()
        },
        ..Rules::default()
    }
}

fn wish(read_only: bool) -> Wish {
    Wish {
        scenario: Scenario::small(),
        rules: rules(),
        read_only,
        ..Wish::default()
    }
}

fn comment(deck: &Deck) -> String {
    let world = deck.simulator().world();
    world.pool_comment("lab").unwrap_or_default()
}

fn writes(deck: &Deck) -> usize {
    let entries = deck.simulator().journal().entries();
    entries.iter().filter(|entry| entry.method != "GET").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_carried_out_when_its_count_is_typed_and_then_names_no_step() {
    let deck = Deck::start(wish(false)).await;
    deck.see("101 web-1").await;
    deck.press("4");
    deck.see("4 guests read").await;
    deck.press("E");
    let screen = deck.see("to carry out").await;
    assert!(screen.contains("web-1"), "{screen}");
    let count = screen
        .split_once("type ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .unwrap()
        .to_owned();
    // Nothing happens before the count is there.
    deck.press("<Enter> 9 <Enter> <Backspace>");
    assert_eq!(writes(&deck), 0);
    deck.press(&format!("{count} <Enter>"));
    deck.see_no("Enforcement plan").await;
    deck.until("the end of it", |screen| {
        screen.contains("enforce") && screen.contains("done")
    })
    .await;
    let marker = comment(&deck);
    assert!(
        marker.starts_with("lab machines\n[proxdeck throttled "),
        "{marker}"
    );
    assert!(marker.contains("cpu_hours tier=emergency]"), "{marker}");
    let before = writes(&deck);
    deck.press("4");
    deck.see("throttled").await;
    deck.simulator().broadcast();
    deck.press("r E");
    deck.see("There is nothing to do.").await;
    assert_eq!(writes(&deck), before);
    deck.press("<Esc>");
    deck.see_no("Enforcement plan").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_change_nothing_sees_the_plan_and_its_calls() {
    let deck = Deck::start(wish(true)).await;
    deck.see("101 web-1").await;
    deck.press("4");
    deck.see("4 guests read").await;
    deck.press("E");
    deck.see("read-only: nothing can be carried out").await;
    deck.press("x");
    deck.see("PUT /pools").await;
    deck.press("3 <Enter>");
    deck.press("<Esc>");
    deck.see_no("Enforcement plan").await;
    assert_eq!(writes(&deck), 0);
    deck.quit().await;
}
