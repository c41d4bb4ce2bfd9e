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

#[test]
fn where_there_are_several_clusters_the_footer_and_the_help_name_the_key() {
    let mut several = scene();
    several.press("Esc");
    let footer = |scene: &Scene, size| {
        let frame = draw(&scene.state, &theme(true), size);
        let (columns, y) = (frame.area.width, frame.area.height - 1);
        let cells = (0..columns).map(|x| frame[(x, y)].symbol());
        cells.collect::<String>()
    };
    for size in [(120, 40), (200, 60)] {
        assert!(footer(&several, size).contains("@ cluster"), "{size:?}");
        let only = Scene::new();
        assert!(
            !footer(&only, size).contains('@'),
            "there is nothing to switch to"
        );
    }
    // The keys of the pane have the room where there is little.
    assert!(!footer(&several, (80, 24)).contains('@'));
    several.press("?");
    let help = pane(&draw(&several.state, &theme(true), (200, 60)), "Keys");
    assert!(
        help.contains("show another cluster of the config"),
        "{help}"
    );
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
