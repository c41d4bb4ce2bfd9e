//! The header: what it says, what gives way on a narrow screen, and where a failure stands.

use std::time::Duration;

use proxdeck::domain::inventory::LinkState;

use crate::world::{Scene, guests};

const SIZES: [(u16, u16); 4] = [(60, 15), (80, 24), (120, 40), (200, 60)];

#[test]
fn the_guests_of_a_silent_node_make_the_running_ones_a_lower_bound() {
    let scene = Scene::new();
    let header = scene.lines((120, 40)).remove(0);
    assert!(header.contains("≥7 of 13 running"), "{header}");
    let header = scene.lines_with((120, 40), false).remove(0);
    assert!(header.contains(">=7 of 13 running"), "{header}");
}

#[test]
fn on_a_narrow_screen_counts_and_read_only_outlast_account_and_demo() {
    let scene = Scene::of(guests(), |setting| setting.read_only = true);
    for size in SIZES {
        let header = scene.lines(size).remove(0);
        for text in ["▲ 4", "△ 4", "READ-ONLY", "data  1s"] {
            assert!(header.contains(text), "{size:?} {text}: {header}");
        }
    }
    let narrow = scene.lines((80, 24)).remove(0);
    assert!(narrow.contains("≥7/13 run "), "{narrow}");
    let broad = scene.lines((120, 40)).remove(0);
    for text in [
        "≥7 of 13 running",
        "hub@pve!deck",
        "DEMO",
        "lab",
        "3/4 nodes",
    ] {
        assert!(broad.contains(text), "{text}: {broad}");
    }
    let smallest = scene.lines((60, 15)).remove(0);
    assert!(!smallest.contains("hub@pve!deck"), "{smallest}");
}

#[test]
fn nothing_dances_when_the_data_grows_older() {
    let mut scene = Scene::new();
    for size in SIZES {
        let young = scene.lines(size).remove(0);
        scene.pass(14);
        let old = scene.lines(size).remove(0);
        let changed: Vec<(char, char)> = young
            .chars()
            .zip(old.chars())
            .filter(|(a, b)| a != b)
            .collect();
        assert!(changed.len() <= 2, "{changed:?}\n{young}\n{old}");
        scene.read();
        scene.pass(1);
    }
}

#[test]
fn a_lost_link_leaves_the_views_in_sight_and_names_the_server() {
    let mut scene = Scene::new();
    scene.lose_the_link();
    for size in SIZES {
        let lines = scene.lines(size);
        assert!(lines[0].contains("LINK DOWN"), "{}", lines[0]);
        assert!(lines[1].contains("1 Guest"), "{}", lines[1]);
        assert!(lines[1].contains("7 T"), "{}", lines[1]);
        assert!(lines[2].contains("https://pve1.lab:8006"), "{}", lines[2]);
        assert!(lines[2].contains("next try in 3600 s"), "{}", lines[2]);
        assert!(!lines[3].trim().is_empty(), "{}", lines[3]);
    }
    let broad = &scene.lines((120, 40))[2];
    let sentence = "https://pve1.lab:8006: cannot reach the server: Connection refused";
    assert!(broad.contains(sentence), "{broad}");
    scene.link(LinkState::Up);
    assert!(!scene.lines((80, 24))[2].contains("pve1.lab"));
}

#[test]
fn the_cluster_is_called_as_in_the_config_and_view_six_says_what_the_server_calls_it() {
    let mut scene = Scene::of(guests(), |setting| setting.cluster = "office".to_owned());
    let header = scene.lines((120, 40)).remove(0);
    assert!(
        header.contains("office") && !header.contains("lab"),
        "{header}"
    );
    scene.press("6");
    assert!(scene.line((80, 24), "╭ Nodes").contains("calls itself lab"));
    let mut namesake = Scene::new();
    namesake.press("6");
    assert!(!namesake.line((80, 24), "╭ Nodes").contains("calls itself"));
}

#[test]
fn without_the_link_everything_that_is_shown_is_marked_as_old() {
    let mut scene = Scene::new();
    scene.press("j");
    let glyphs = |scene: &Scene| -> String {
        scene
            .lines((120, 40))
            .iter()
            .filter_map(|line| {
                let cells: Vec<char> = line.chars().collect();
                let number: String = cells.iter().skip(4).take(5).collect();
                number.trim().parse::<u32>().ok()?;
                cells.get(2).copied()
            })
            .collect()
    };
    assert!(glyphs(&scene).contains('○') && glyphs(&scene).contains('●'));
    scene.lose_the_link();
    assert!(glyphs(&scene).contains('●'), "a short loss ages nothing");
    scene.pass(Duration::from_secs(40).as_secs());
    let aged = glyphs(&scene);
    assert!(
        aged.len() > 5 && aged.chars().all(|glyph| glyph == '◌'),
        "{aged}"
    );
    scene.press("6");
    let lines = scene.lines((120, 40));
    assert!(!lines.join("").contains('●'), "{}", lines.join("\n"));
}

#[test]
fn the_lists_that_were_just_read_are_never_more_than_all_requests() {
    let mut scene = Scene::new();
    for guest in guests() {
        scene.select(guest.vmid.get().into());
        scene.pass(1);
    }
    let header = scene.lines((140, 40))[1].clone();
    let cost = header
        .split_once(" req/min, ")
        .unwrap_or_else(|| panic!("{header}"));
    let total: usize = cost.0.rsplit(' ').next().unwrap().parse().unwrap();
    let lists: usize = cost.1.split(' ').next().unwrap().parse().unwrap();
    // The last refresh counted 9 requests, before these lists were asked for.
    assert!(lists > 9, "{header}");
    assert_eq!(total, lists, "{header}");
}
