//! The list of clusters.

use proxdeck::app::Event;
use proxdeck::app::switching::KnownCluster;
use proxdeck::domain::failure::{Failure, FailureKind};

use crate::paper::{draw, pane, theme};
use crate::world::Scene;

fn scene() -> Scene {
    let mut scene = Scene::new();
    let known = |name: &str, hosts: &[&str]| KnownCluster {
        name: name.into(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
    };
    scene.state.clusters = vec![
        known("lab", &["pve1.lab", "pve2.lab"]),
        known(
            "production",
            &["pve1.example.org", "pve2.example.org", "pve3.example.org"],
        ),
        known("far", &["192.0.2.7"]),
    ];
    scene.press("@");
    scene
}

fn picture(scene: &Scene, size: (u16, u16)) -> String {
    pane(&draw(&scene.state, &theme(true), size), "Clusters")
}

#[test]
fn every_cluster_is_listed_with_its_hosts_and_the_present_one_is_marked() {
    insta::assert_snapshot!(picture(&scene(), (80, 24)));
}

#[test]
fn a_cluster_that_was_not_opened_says_why_at_every_size() {
    let mut scene = scene();
    scene.press("Enter");
    assert!(picture(&scene, (80, 24)).contains("opening production …"));
    let pins = ["AB"; 32].join(":");
    let text =
        format!("the certificate is not the pinned one; it presents {pins}; pinned is {pins}");
    let failure = Failure::new(FailureKind::UntrustedCertificate, text);
    scene.happen(Event::ClusterOpened("production".into(), Err(failure)));
    insta::assert_snapshot!(picture(&scene, (80, 24)));
    for size in [(80, 24), (120, 40), (200, 60)] {
        let shown = picture(&scene, size);
        assert!(shown.contains("Enter try again"), "{shown}");
        let text = shown.replace(['│', '╭', '╮', '╰', '╯', '─'], " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = words.join(" ");
        assert!(words.contains("pvenode cert info"), "{shown}");
        let whole = words.replace(": AB", ":AB");
        assert_eq!(whole.matches(&pins).count(), 2, "{shown}");
    }
}
