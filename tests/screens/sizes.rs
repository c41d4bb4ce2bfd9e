//! Every view and every dialog in a window of any size, and with names that no honest guest has.

use std::collections::BTreeSet;

use proxdeck::app::dialogs::Dialog;
use proxdeck::app::switching::KnownCluster;
use proxdeck::app::{Effect, Event};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::inventory::{Link, LinkState};
use proxdeck::domain::operation::{Outcome, Report, Update};
use proxdeck::domain::sign_in::Wanted;
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

use crate::networks::profiles;
use crate::paper::{draw, theme};
use crate::world::{Scene, guests};

/// What a window can be while somebody drags its corner, and what no window is.
const SIZES: [(u16, u16); 16] = [
    (0, 0),
    (0, 30),
    (80, 0),
    (1, 1),
    (2, 1),
    (1, 50),
    (300, 1),
    (5, 3),
    (20, 5),
    (59, 15),
    (60, 14),
    (60, 15),
    (61, 16),
    (80, 24),
    (120, 40),
    (400, 90),
];

const USUAL: (u16, u16) = (120, 40);

/// Names a kind of dialog, so that one which is new here has to be opened below as well.
fn kind(dialog: &Dialog) -> &'static str {
    match dialog {
        Dialog::Form(_) => "form",
        Dialog::Power(_) => "power",
        Dialog::Prune(_) => "prune",
        Dialog::Enforce(_) => "enforce",
        Dialog::Network(_) => "network",
        Dialog::Brackets(_) => "brackets",
        Dialog::Help(_) => "help",
        Dialog::Quit(_) => "quit",
        Dialog::Filter(_) => "filter",
        Dialog::Log(_) => "log",
        Dialog::Palette(_) => "palette",
        Dialog::Acknowledge(_) => "acknowledge",
        Dialog::Lock(_) => "lock",
        Dialog::Failure(_) => "failure",
        Dialog::SignIn(_) => "sign in",
        Dialog::Clusters(_) => "clusters",
        Dialog::Pins(_) => "pins",
        Dialog::Console(_) => "console",
    }
}

/// Opens a dialog.
type Open = fn(&mut Scene);

/// Each kind of dialog, forms of every kind, and the way to it.
const DIALOGS: [(&str, Open); 25] = [
    ("form", |scene| scene.press("s")),
    ("form", |scene| scene.press("Ctrl-u Space j Space s")),
    ("form", |scene| scene.press("c")),
    ("form", |scene| scene.press("Tab Tab k R")),
    ("form", |scene| scene.press("Tab Tab k d")),
    ("form", |scene| scene.press("Tab Tab k c")),
    ("form", |scene| {
        scene.select(106);
        scene.press("F8");
    }),
    ("form", |scene| scene.press("7 n")),
    ("form", |scene| scene.press("Space j Space b")),
    ("power", |scene| scene.press("P")),
    ("prune", |scene| scene.press("p")),
    ("enforce", |scene| scene.press("4 E")),
    ("network", |scene| scene.press("N")),
    ("brackets", |scene| scene.press("b")),
    ("help", |scene| scene.press("?")),
    ("quit", |scene| scene.press("s Enter q")),
    ("filter", |scene| scene.press("/ a")),
    ("log", |scene| scene.press("5 Enter")),
    ("palette", |scene| scene.press(": s")),
    ("acknowledge", |scene| scene.press("2 a")),
    ("lock", open_a_lock),
    ("failure", fail),
    ("sign in", sign_out),
    ("clusters", |scene| scene.press("@")),
    ("console", |scene| scene.press("C")),
];

const VIEWS: [&str; 10] = [
    "1",
    "1 z",
    "2",
    "2 a Enter",
    "3",
    "4",
    "5",
    "6",
    "6 Tab z",
    "7",
];

fn open_a_lock(scene: &mut Scene) {
    // A lock is worth an alert once it has stood for a quarter of an hour.
    for _ in 0..4 {
        scene.pass(600);
        scene.read();
    }
    scene.press("2");
    for _ in 0..40 {
        scene.press("Enter");
        if matches!(scene.state.dialogs.last(), Some(Dialog::Lock(_))) {
            return;
        }
        scene.press("Esc 2 j");
    }
}

fn fail(scene: &mut Scene) {
    scene.press("s Enter");
    let started = scene.effects.iter().find_map(|effect| match effect {
        Effect::Run(job, _) => Some(*job),
        _ => None,
    });
    let failure = Failure::new(FailureKind::Locked, "VM is locked (backup)\u{1b}[31m")
        .with_detail("日本語\u{202e}\u{200b}");
    let report = Box::new(Report::new(Outcome::Failed(Box::new(failure))));
    scene.happen(Event::Job(started.unwrap(), Update::Ended(report)));
    scene.press("Enter");
}

fn sign_out(scene: &mut Scene) {
    let link = Link {
        state: LinkState::Down {
            failure: Box::new(Failure::new(FailureKind::PasswordNeeded, "no ticket")),
            since: scene.now.moment,
            retry: scene.now.moment,
        },
        wanted: Some(Wanted::Password),
        ..Link::default()
    };
    scene.happen(Event::Link(link));
    scene.happen(Event::Tick);
    scene.types("s3cret");
}

/// A cluster in which every guest but one is called like this.
fn scene(name: Option<&str>) -> Scene {
    let mut guests = guests();
    if let Some(name) = name {
        for (number, guest) in guests.iter_mut().enumerate() {
            let each = format!("{number}{name}");
            guest.name = Some(each.as_str().into());
            guest.tags.push(each.as_str().into());
            if guest.lock.is_some() {
                guest.lock = Some(each.as_str().into());
            }
        }
    }
    let mut scene = Scene::of(guests, |setting| {
        setting.rules.profiles = profiles();
        // Whoever has an alert in hand is read from a file.
        name.unwrap_or("ops").clone_into(&mut setting.operator);
    });
    scene.state.clusters = ["lab", "far"]
        .map(|name| KnownCluster {
            name: name.to_owned(),
            hosts: vec!["192.0.2.7".to_owned()],
        })
        .into();
    scene.select(104);
    scene
}

/// Opens each view and each dialog of such a cluster.
fn everywhere(name: Option<&str>) -> Vec<(String, Scene)> {
    let mut places = Vec::new();
    for keys in VIEWS {
        let mut scene = scene(name);
        scene.press(keys);
        places.push((format!("view {keys}"), scene));
    }
    for (wanted, open) in DIALOGS {
        let mut scene = scene(name);
        open(&mut scene);
        let opened = scene.state.dialogs.last().map(kind);
        let shown = scene.lines(USUAL).join("\n");
        assert_eq!(opened, Some(wanted), "place {}\n{shown}", places.len());
        places.push((format!("dialog {} {wanted}", places.len()), scene));
    }
    let mut pins = scene(name);
    pins.press(":");
    pins.types("certificates");
    pins.press("Enter");
    assert_eq!(pins.state.dialogs.last().map(kind), Some("pins"));
    places.push(("dialog pins".to_owned(), pins));
    places
}

fn frame(scene: &Scene, size: (u16, u16), unicode: bool) -> Buffer {
    draw(&scene.state, &theme(unicode), size)
}

#[test]
fn a_window_of_any_size_shows_something_and_the_usual_one_all_of_it_again() {
    let mut kinds = BTreeSet::new();
    for (place, mut scene) in everywhere(None) {
        kinds.extend(scene.state.dialogs.iter().map(kind));
        let before = frame(&scene, USUAL, true);
        for size in SIZES {
            scene.happen(Event::Resize);
            for unicode in [true, false] {
                let shown = frame(&scene, size, unicode);
                assert_eq!((shown.area.width, shown.area.height), size, "{place}");
            }
        }
        assert_eq!(frame(&scene, USUAL, true), before, "{place}");
    }
    assert_eq!(kinds.len(), 18, "{kinds:?}");
}

/// What strangers may call a guest: each would do something to a terminal or to a column.
const NAMES: [&str; 8] = [
    "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J",
    "\u{202e}gnp.exe\u{2066}\u{200f}",
    "a\u{200b}b\u{feff}c\u{ad}\u{2060}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "👩‍👩‍👧‍👦🇩🇪👍🏽❤️",
    "日本語ﾊﾝｶｸ한국어",
    "line\nbreak\ttab\r\u{85}\u{2028}",
    "ىﷺ꧅𒐫",
];

/// Asserts that a frame is what a terminal makes of it: a grid of cells without anything that moves.
fn assert_grid(frame: &Buffer, place: &str) {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    for y in 0..frame.area.height {
        let mut x = 0;
        while x < frame.area.width {
            let symbol = frame[(x, y)].symbol();
            // A joiner inside a picture of several people is part of the picture.
            let joined = symbol.chars().count() > 1;
            let found = symbol
                .chars()
                .find(|c| bad(*c) && !(joined && *c == '\u{200d}'));
            assert_eq!(found, None, "{place}: {symbol:?} at {x},{y}");
            let width = symbol.width();
            assert!(
                (1..=2).contains(&width),
                "{place}: {symbol:?} at {x},{y} is {width} wide"
            );
            let end = x + u16::try_from(width).unwrap();
            assert!(
                end <= frame.area.width,
                "{place}: {symbol:?} leaves the screen at {x},{y}"
            );
            x = end;
        }
    }
}

#[test]
fn hostile_names_neither_move_a_column_nor_reach_the_terminal_raw_in_any_place() {
    let mut frames = 0;
    for name in NAMES {
        for (place, scene) in everywhere(Some(name)) {
            for (size, unicode) in [((80, 24), true), ((160, 50), true), ((120, 40), false)] {
                let place = format!("{place} at {size:?}, {name:?}");
                assert_grid(&frame(&scene, size, unicode), &place);
                frames += 1;
            }
        }
    }
    // Past the capture of the test's output, so that every run tells.
    let told = format!("{frames} frames with hostile names\n");
    std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).unwrap();
}
