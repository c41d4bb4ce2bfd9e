//! The certificates of the cluster's nodes.

use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::pins::{Peer, PinReport, Stranger};

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

fn print(byte: &str) -> String {
    [byte; 32].join(":")
}

fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.press(":");
    scene.types("certificates");
    scene.press("Enter");
    let peer = |node: &str, fingerprint: Option<&str>| Peer {
        node: node.parse().unwrap(),
        fingerprint: fingerprint.map(print),
    };
    let report = PinReport {
        told_by: "https://pve1.lab:8006".into(),
        pinned: vec![print("A1"), print("0D")],
        peers: vec![
            peer("pve1", Some("A1")),
            peer("pve2", Some("B2")),
            peer("pve3", None),
        ],
        strangers: vec![Stranger {
            endpoint: "https://pve2.lab:8006".into(),
            presents: print("B2"),
        }],
    };
    let asked = scene.effects.iter().find_map(|effect| match effect {
        Effect::Fetch(ticket, Query::Pins) => Some(*ticket),
        _ => None,
    });
    let answer = Answer::Pins(Box::new(report));
    scene.happen(Event::Fetched(asked.unwrap(), Ok(answer)));
    scene
}

#[test]
fn each_node_s_certificate_is_read_whole_and_what_is_new_can_be_copied() {
    let mut scene = scene();
    for size in [(80, 24), (120, 40), (200, 60)] {
        let shown = pane(&draw(&scene.state, &theme(true), size), "Certificates");
        assert!(shown.contains("y copy the lines for the config"), "{shown}");
        assert!(shown.contains("not pinned"), "{shown}");
    }
    insta::assert_snapshot!(pane(
        &draw(&scene.state, &theme(true), (120, 40)),
        "Certificates"
    ));
    scene.press("y");
    let copied = scene.effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.unwrap();
    assert!(
        copied.starts_with("# in [clusters.lab]\nfingerprints = ["),
        "{copied}"
    );
    assert!(
        copied.contains(&format!("\"{}\",  # pve2, new", print("B2"))),
        "{copied}"
    );
}
