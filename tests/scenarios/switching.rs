//! From one cluster to another and back, with keys alone.

use std::sync::Arc;

use proxdeck::app::switching::KnownCluster;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::runtime::Clusters;
use proxdeck::simulator::{Options, Scenario, Simulator};

use super::harness::{Deck, Wish, client_of, dashboard_of};

fn known(name: &str) -> KnownCluster {
    KnownCluster {
        name: name.to_owned(),
        hosts: vec!["127.0.0.1".to_owned()],
    }
}

/// Another world, in which every guest has another name.
fn elsewhere() -> Scenario {
    let mut scenario = Scenario::small();
    for guest in &mut scenario.guests {
        guest.name = guest.name.as_ref().map(|name| format!("far-{name}"));
    }
    scenario
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_replaces_everything_and_one_that_is_gone_leaves_everything() {
    let far = Simulator::start(Options::new(elsewhere())).await.unwrap();
    let far = Arc::new(far);
    let other = Arc::clone(&far);
    let open = move |name: String| {
        let far = Arc::clone(&other);
        async move {
            if name == "gone" {
                return Err(Failure::new(
                    FailureKind::Unreachable,
                    "https://gone:8006: refused",
                ));
            }
            let wish = Wish::default();
            let mut dashboard = dashboard_of(&name, client_of(&far), &wish);
            dashboard.clusters = Clusters::default();
            Ok(dashboard)
        }
    };
    let deck = Deck::start(Wish {
        clusters: Clusters::new(vec![known("lab"), known("gone"), known("prod")], open),
        ..Wish::default()
    })
    .await;
    deck.see("101 web-1").await;
    deck.press("/ web <Enter>");
    deck.press("@ gone <Enter>");
    deck.see("gone was not opened").await;
    deck.see("Enter try again").await;
    deck.press("<Esc>");
    deck.see_no("Clusters").await;
    deck.see("101 web-1").await;

    deck.press("@ pro <Enter>");
    let screen = deck.see("101 far-web-1").await;
    assert!(!screen.contains("Clusters"), "{screen}");
    assert!(
        !screen.contains("/web"),
        "nothing of the filter stays:\n{screen}"
    );
    assert!(screen.contains("prod"), "{screen}");
    let before = deck.simulator().journal().len();
    deck.press("r");
    deck.see("102 far-db-1").await;
    deck.until("two more refreshes", |_| far.journal().len() > 20)
        .await;
    assert_eq!(
        deck.simulator().journal().len(),
        before,
        "the old one is left alone"
    );
    deck.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_of_the_cluster_are_shown_and_their_lines_copied() {
    let mut scenario = Scenario::small();
    let mut second = scenario.nodes[0].clone();
    second.name = "pve2".into();
    second.fingerprint = Some(["5E"; 32].join(":"));
    scenario.nodes.push(second);
    let deck = Deck::start(Wish {
        scenario,
        ..Wish::default()
    })
    .await;
    deck.see("101 web-1").await;
    deck.press(": certificates <Enter>");
    let screen = deck.see("not pinned").await;
    assert!(screen.contains("5E:5E:5E"), "{screen}");
    deck.press("y");
    deck.see("copied 5 lines").await;
    deck.press("<Esc>");
    deck.see_no("Certificates of").await;
    deck.quit().await;
}
