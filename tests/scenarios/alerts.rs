//! Alerts with keys alone: seen, followed to their cause, taken in hand, and remembered.

use proxdeck::app::state::Rules;
use proxdeck::config::alert_memory::AlertMemory;
use proxdeck::domain::limits::{Bound, Bounds, Limits, Percent};
use proxdeck::domain::project::{Membership, Project, Projects, Quota, Window};
use proxdeck::domain::selection::Selection;
use proxdeck::simulator::Scenario;
use tempfile::TempDir;

use super::harness::{Deck, Wish};

/// A world in which web-1 is busy, db-1 is locked since long ago, and prod-1 has paused by itself.
fn world() -> Scenario {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        if guest.vmid == 102 {
            guest.lock = Some("snapshot-delete".into());
        }
    }
    let task = "[[tasks]]\nnode = \"pve1\"\nkind = \"qmdelsnapshot\"\nid = \"102\"\n\
        user = \"hub@pve!deck\"\nage = \"40m\"\ntook = \"95s\"\nstatus = \"received interrupt\"\n\
        [[tasks]]\nnode = \"pve1\"\nkind = \"qmstart\"\nid = \"104\"\nuser = \"root@pam\"\n\
        age = \"50m\"\nstatus = \"start failed: no space left\"\nlog = [\"no space left\"]\n";
    let tasks = Scenario::from_toml(&format!(
        "{}\n{task}",
        include_str!("../../assets/scenarios/small.toml")
    ));
    scenario.tasks = tasks.unwrap().tasks;
    scenario
}

/// Everything is managed, and a processor may do next to nothing.
fn rules() -> Rules {
    let mut lab = Project::new("lab", Membership::Pool("lab".parse().unwrap())).unwrap();
    lab.window = Window::Days7;
    lab.budget.cpu_hours = Quota::at_most(1.0).unwrap();
    lab.budget.storage_gb = Quota::at_most(1_000.0).unwrap();
    Rules {
        selection: Selection::new(true, &[], &[], &[]).unwrap(),
        limits: Limits {
            general: Bounds {
                cpu: Bound::AtMost(Percent::new(1.0).unwrap()),
                ..Bounds::default()
            },
            ..Limits::default()
        },
        projects: Projects::new(vec![lab]).unwrap(),
        ..Rules::default()
    }
}

fn wish(folder: &TempDir) -> Wish {
    Wish {
        scenario: world(),
        rules: rules(),
        memory: Some(AlertMemory::new(folder.path().join("alerts.json"), "lab")),
        ..Wish::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_lock_is_explained_and_a_failed_task_shows_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::start(wish(&folder)).await;
    deck.see("101 web-1").await;
    deck.press("2");
    deck.see("is locked (snapshot-delete) without a task").await;
    deck.see("failed qmstart: start failed: no space left")
        .await;
    deck.see("is paused, and no task says who paused it").await;
    // The cursor goes from row to row until it stands on the lock.
    let row = |screen: &str| {
        let line = screen.lines().find(|line| line.contains('▌'));
        line.map(|line| line.chars().take(60).collect::<String>())
    };
    deck.press("g");
    for _ in 0..20 {
        let before = row(&deck.screen());
        if before.as_ref().is_some_and(|row| row.contains("is locked")) {
            break;
        }
        deck.press("j");
        deck.until("the next row", |screen| row(screen) != before)
            .await;
    }
    deck.press("<Enter>");
    deck.see("The lock of 102 db-1 on pve1").await;
    deck.see("qm unlock 102").await;
    deck.press("<Esc>");
    deck.see_no("The lock of").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::start(wish(&folder)).await;
    deck.see("101 web-1").await;
    deck.press("2");
    let screen = deck.see("103 prod-1").await;
    assert!(!screen.contains("acknowledged"), "{screen}");
    deck.press("G a");
    deck.see("Acknowledge").await;
    deck.press("ticket-4711 <Enter>");
    deck.see("1 acknowledged here").await;
    let title = deck.told().title;
    assert!(
        title.starts_with('(') && title.ends_with("proxdeck lab"),
        "{title}"
    );
    let file = folder.path().join("alerts.json");
    let written = tokio::time::timeout(std::time::Duration::from_mins(1), async {
        while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("ticket-4711")) {
            tokio::task::yield_now().await;
        }
    });
    written.await.expect("it is written down");
    deck.quit().await;
    let deck = Deck::start(wish(&folder)).await;
    deck.press("2");
    deck.see("1 acknowledged here").await;
    deck.press("G");
    deck.see("\"ticket-4711\"").await;
    deck.press("a");
    deck.see_no("acknowledged here").await;
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_rings_no_bell_and_what_comes_rings_once() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::start(wish(&folder)).await;
    deck.press("2");
    deck.see("103 prod-1").await;
    assert_eq!(deck.told().rings, 0);
    deck.simulator()
        .edit(|world| world.fill_storage("vmstore", 0.97).unwrap());
    deck.simulator().broadcast();
    deck.see("storage vmstore").await;
    // Further looks at the same trouble ring no more.
    deck.press("r");
    deck.see("≥").await;
    assert_eq!(deck.told().rings, 1);
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_read_guest_by_guest_and_its_alert_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let deck = Deck::start(wish(&folder)).await;
    deck.press("4");
    // web-1 has run for five hours with two cores at a third of their power.
    deck.see("4 guests read").await;
    let screen = deck.see("EMERGENCY").await;
    assert!(screen.contains("lab"), "{screen}");
    deck.press("2 g");
    deck.see("lab cpu_hours").await;
    deck.press("4 <Enter>");
    deck.see("/project:lab").await;
    deck.see("150 ct-1").await;
    deck.quit().await;
}
