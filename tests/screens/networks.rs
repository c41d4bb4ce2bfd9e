//! Network profiles on the screen: the dialog while it reads and whole, a trial, and their view.

use std::time::Duration;

use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::{ClusterFirewall, Direction, GuestFirewall, Rule, Rules};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::network::{NetworkProfile, Resolved, plan_trial};

use crate::paper::{draw, pane, theme};
use crate::world::{Scene, guests};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

pub(crate) fn profiles() -> Vec<NetworkProfile> {
    let all = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let api = NetworkProfile {
        name: "api_access".to_owned(),
        bridge: "vmbr1".parse().unwrap(),
        firewall: true,
        allow: all(&[
            "api.anthropic.com:443",
            "api.github.com:443",
            "hub.autovibe.local:8000",
        ]),
        block: all(&["0.0.0.0/0"]),
        allow_in: Some(Vec::new()),
        dns: Some(vec!["10.0.0.53".parse().unwrap()]),
    };
    let management = NetworkProfile {
        name: "management_access".to_owned(),
        bridge: "vmbr0".parse().unwrap(),
        allow: all(&["proxmox.local:8006", "10.0.0.0/8"]),
        block: Vec::new(),
        allow_in: None,
        dns: None,
        ..api.clone()
    };
    vec![api, management]
}

fn scene() -> Scene {
    let mut scene = Scene::of(guests(), |setting| setting.rules.profiles = profiles());
    scene.select(104);
    scene
}

/// A guest with two cards, of which a rule that is not ours lets everything out.
fn network() -> (GuestConfig, GuestFirewall) {
    let cards = [
        ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
        ("net1", "virtio=BC:24:11:00:00:02,bridge=vmbr2"),
    ];
    let cards = cards.map(|(key, card)| (key.to_owned(), card.into()));
    let rules = Rules {
        list: vec![Rule {
            is_enabled: true,
            comment: Some("monitoring\u{1b}[2J".into()),
            ..Rule::new(Direction::Out, "ACCEPT")
        }],
        digest: None,
    };
    let firewall = GuestFirewall {
        rules,
        ..GuestFirewall::default()
    };
    (GuestConfig::new(cards, None), firewall)
}

fn resolved(scene: &Scene) -> Resolved {
    let names = [
        ("api.anthropic.com", vec!["160.79.104.10", "2607:6bc0::10"]),
        ("api.github.com", vec!["140.82.121.5", "140.82.121.6"]),
        ("hub.autovibe.local", vec!["10.0.0.20"]),
        ("proxmox.local", vec!["10.0.0.2"]),
    ];
    let known = Resolved::new(scene.state.server_time());
    names.into_iter().fold(known, |known, (name, addresses)| {
        let addresses = addresses.iter().map(|each| each.parse().unwrap());
        known.with(name, Ok(addresses.collect()))
    })
}

fn datacenter(is_enabled: Option<bool>) -> ClusterFirewall {
    ClusterFirewall {
        is_enabled,
        ..ClusterFirewall::default()
    }
}

/// Answers what is asked about networks, for as long as something is.
fn read(scene: &mut Scene, network: &(GuestConfig, GuestFirewall), is_enabled: Option<bool>) {
    loop {
        let waiting = std::mem::take(&mut scene.asked);
        let mut was_asked = false;
        for effect in waiting {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Network(_) => Ok(Answer::Network(Box::new(network.clone()))),
                Query::Datacenter => Ok(Answer::Datacenter(Box::new(datacenter(is_enabled)))),
                Query::Resolve(..) => Ok(Answer::Resolved(resolved(scene))),
                // What nobody answers would hold the places of what is wanted here.
                _ => Err(Failure::new(FailureKind::Refused, "")),
            };
            was_asked = true;
            scene.happen(Event::Fetched(ticket, answer));
        }
        if !was_asked {
            break;
        }
    }
}

fn pictures(scene: &Scene, title: &str, sizes: &[(u16, u16)], unicode: bool) -> String {
    let pictures = sizes.iter().map(|size| {
        let buffer = draw(&scene.state, &theme(unicode), *size);
        format!("{}x{}\n{}", size.0, size.1, pane(&buffer, title))
    });
    pictures.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_profile_before_it_is_applied() {
    let mut scene = scene();
    scene.press("N");
    let title = "Network profile of 104";
    let before = pictures(&scene, title, &[(80, 24)], true);
    read(&mut scene, &network(), Some(false));
    let whole = pictures(&scene, title, &SIZES, true);
    scene.press("PgDn Tab Right Tab");
    scene.types("1.1.1.1:80");
    scene.press("Tab Right");
    let end = pictures(&scene, title, &[(80, 24)], false);
    scene.press("Ctrl-x");
    let calls = pictures(&scene, title, &[(120, 40)], true);
    insta::assert_snapshot!([before, whole, end, calls].join("\n"));
}

#[test]
fn the_end_of_a_trial() {
    let mut scene = scene();
    let before = network();
    let guest = scene.state.selected_guest().unwrap().guest.to_ref();
    let current = proxdeck::domain::network::Current {
        config: Ok(before.0.clone()),
        firewall: Ok(before.1.clone()),
        cluster: datacenter(Some(true)),
    };
    let began = scene.state.server_time();
    let ends = began + Duration::from_secs(300);
    let profile = &profiles()[0];
    let plan = plan_trial(&guest, profile, &resolved(&scene), &current, (began, ends));
    let mut tried = before.clone();
    for step in plan.steps() {
        step.action.apply_to(&mut tried.1);
    }
    scene.press("N");
    read(&mut scene, &tried, Some(true));
    scene.press("Right");
    insta::assert_snapshot!(pictures(&scene, "Trial of api_access", &SIZES, true));
}

#[test]
fn the_view_of_templates_and_profiles() {
    let mut scene = scene();
    for _ in 0..40 {
        scene.pass(5);
        read(&mut scene, &network(), Some(true));
    }
    scene.press("7 Tab");
    let sizes = SIZES.map(|size| {
        let lines = scene.lines(size);
        format!("{}x{}\n{}", size.0, size.1, lines.join("\n"))
    });
    insta::assert_snapshot!(sizes.join("\n"));
}
