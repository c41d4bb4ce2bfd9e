//! The prune plan: its timeline and its list at every size, edited, read-only, without Unicode.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Inventory, Resources};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::ui::{ColorDepth, Theme};

use crate::paper::{draw, pane, theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn guest(number: u64, name: &str) -> Guest {
    Guest {
        vmid: Vmid::new(number).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve2".parse().unwrap(),
        name: Some(name.into()),
        status: Status::Running,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: None,
        ha_state: None,
        figures: Figures::default(),
    }
}

fn now() -> Now {
    Now {
        moment: Moment::after_start(Duration::from_secs(1000)),
        wall: DateTime::from_timestamp(1_795_449_600, 0).unwrap(),
    }
}

fn aged(name: &str, age: i64) -> Snapshot {
    Snapshot {
        name: name.into(),
        taken: Some(now().wall - TimeDelta::seconds(age)),
        parent: None,
        description: Text::default(),
        has_ram: false,
        unfinished: None,
    }
}

/// The snapshots of a guest, by its number; guest 140 cannot be read.
fn snapshots(number: u32) -> Option<SnapshotList> {
    let snapshots = match number {
        104 => vec![
            aged("av-20261101-0300-monthly", 22 * DAY),
            aged("av-20261117-0300-weekly", 6 * DAY),
            Snapshot {
                description: "#keep before docker 27".into(),
                ..aged("before-upgrade", 2 * DAY)
            },
            aged("av-20261123-0900", 4 * HOUR),
        ],
        105 => vec![
            aged("av-20261008-0300", 46 * DAY),
            aged("nightly", 43 * DAY),
            aged("av-20261021-0300-monthly", 33 * DAY),
            aged("before-sphinx-8", 16 * DAY),
            aged("docs", 14 * DAY),
            aged("import", 12 * DAY + 6 * HOUR),
            aged("import-again", 12 * DAY),
            aged("d4", 4 * DAY),
            aged("d3", 3 * DAY),
            aged("d3-later", 3 * DAY - HOUR),
            aged("d1", DAY),
        ],
        117 => vec![
            aged("weekly-in-the-middle", 8 * DAY + 6 * HOUR),
            aged("before-kernel", 8 * DAY),
            aged("br-night", 9 * DAY),
            Snapshot {
                taken: None,
                ..aged("undated", 0)
            },
            Snapshot {
                unfinished: Some("delete".into()),
                ..aged("half", 5 * DAY)
            },
            aged("av-20261123-0300", 10 * HOUR),
        ],
        131 => vec![
            aged("m0-monthly", 400 * DAY),
            aged("m1-monthly", 300 * DAY),
            aged("m2-monthly", 60 * DAY),
            aged("w1-weekly", 21 * DAY),
            aged("w2-weekly", 14 * DAY),
            aged("now", HOUR),
        ],
        140 => return None,
        _ => vec![aged("日本語\u{1b}[2J", 50 * DAY), aged("new", HOUR)],
    };
    let mut list = SnapshotList {
        snapshots,
        ..SnapshotList::default()
    };
    if number == 131 {
        list.current_parent = Some("w1-weekly".into());
    }
    Some(list)
}

/// A state with the plan of six guests open, of which one could not be read.
struct Scene(State);

impl Scene {
    fn new(read_only: bool) -> Self {
        let rules = Rules {
            selection: Selection::new(true, &[], &[], &[]).unwrap(),
            ..Rules::default()
        };
        let setting = Setting {
            seed: 7,
            cluster: "lab".into(),
            endpoint: "https://pve1:8006".into(),
            account: "hub@pve!deck".into(),
            read_only,
            demo: false,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules,
        };
        let mut scene = Self(State::new(setting, now()));
        let guests = vec![
            guest(104, "agent-build-4"),
            guest(105, "agent-docs-1"),
            guest(117, "agent-crawl-2"),
            guest(118, "ホスト-with-a-name-that-is-long"),
            guest(131, "hub-main"),
            guest(140, "far"),
        ];
        let mut inventory = Inventory::default();
        let resources = Resources {
            guests: Resources::dated(guests, None, now().moment),
            ..Resources::default()
        };
        inventory
            .resources
            .record(now().moment, Ok(Arc::new(resources)));
        scene.happen(Event::Inventory(Arc::new(inventory)));
        scene.press("p");
        scene
    }

    fn happen(&mut self, event: Event) {
        let mut effects = self.0.update(event, now());
        while let Some(effect) = effects.pop() {
            let Effect::Fetch(ticket, Query::Snapshots(guest)) = effect else {
                continue;
            };
            let answer = match snapshots(guest.vmid.get()) {
                Some(list) => Ok(Answer::Snapshots(list)),
                None => Err(Failure::new(FailureKind::NodeUnreachable, "timed out")),
            };
            effects.extend(self.0.update(Event::Fetched(ticket, answer), now()));
        }
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.happen(Event::Key(key.parse::<Combo>().unwrap()));
        }
    }

    fn picture(&self, unicode: bool, size: (u16, u16)) -> String {
        pane(&draw(&self.0, &theme(unicode), size), "Prune plan")
    }

    /// The plan at the three sizes, one below the other.
    fn pictures(&self, unicode: bool) -> String {
        SIZES
            .map(|size| {
                let picture = self.picture(unicode, size);
                format!("{}x{}\n{picture}", size.0, size.1)
            })
            .join("\n\n")
    }
}

#[test]
fn a_plan_as_it_was_made() {
    insta::assert_snapshot!(Scene::new(false).pictures(true));
}

#[test]
fn a_plan_that_was_edited_and_is_about_to_be_executed() {
    let mut scene = Scene::new(false);
    scene.press("j Space j j Space Tab j j Space 6");
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn a_plan_with_its_calls() {
    let mut scene = Scene::new(false);
    scene.press("x");
    insta::assert_snapshot!(scene.picture(true, (120, 40)));
}

#[test]
fn a_plan_without_unicode() {
    let mut scene = Scene::new(false);
    scene.press("Tab");
    let pictures = scene.pictures(false);
    let ours: Vec<&str> = pictures
        .lines()
        .filter(|line| !line.contains("118 "))
        .collect();
    assert!(ours.iter().all(|line| line.is_ascii()), "{pictures}");
    insta::assert_snapshot!(pictures);
}

#[test]
fn a_plan_that_may_only_be_looked_at() {
    insta::assert_snapshot!(Scene::new(true).picture(true, (120, 40)));
}

#[test]
fn its_keys_and_letters() {
    let mut scene = Scene::new(false);
    scene.press("?");
    insta::assert_snapshot!(pane(&draw(&scene.0, &theme(true), (120, 40)), "Keys"));
}

#[test]
fn on_the_smallest_screen_the_list_stays_and_the_timeline_gives_way() {
    let picture = Scene::new(false).picture(true, (60, 15));
    assert!(!picture.contains("today"), "{picture}");
    assert!(picture.contains("▌[x] x av-20261008-0300"), "{picture}");
    assert!(picture.contains("type 10 to delete 10"), "{picture}");
    assert!(picture.contains("105 agent-docs-1"), "{picture}");
}

#[test]
fn every_snapshot_can_be_reached_and_is_shown_with_its_reason_at_every_size() {
    for size in [(60, 15), (80, 24), (120, 40), (200, 60)] {
        let mut scene = Scene::new(false);
        scene.press("g");
        for (name, reason) in [
            ("av-20261101-030", "monthly, "),
            ("av-20261117-030", "weekly, "),
            ("before-upgrade", "marked "),
            ("av-20261123-0900", "newest"),
        ] {
            let picture = scene.picture(true, size);
            let line = picture.lines().find(|line| line.contains("▌    "));
            let line = line.unwrap_or_else(|| panic!("no cursor at {size:?}:\n{picture}"));
            assert!(line.contains(name) && line.contains(reason), "{line}");
            scene.press("j");
        }
    }
}

#[test]
fn what_goes_is_told_without_any_colour() {
    let theme = Theme::load("dark", ColorDepth::None, true).unwrap();
    let buffer = draw(&Scene::new(false).0, &theme, (120, 40));
    let picture = pane(&buffer, "Prune plan");
    let line = picture.lines().find(|line| line.contains("▌105")).unwrap();
    assert!(line.contains("··xx··M") && line.contains("6 go"), "{line}");
    let cells = buffer.content().iter();
    assert!(
        cells
            .clone()
            .all(|cell| cell.bg == ratatui::style::Color::Reset)
    );
}

#[test]
fn nothing_dances_every_line_is_as_wide_as_the_dialog() {
    let mut scene = Scene::new(false);
    for _ in 0..30 {
        for size in SIZES {
            let buffer = draw(&scene.0, &theme(true), size);
            let picture = pane(&buffer, "Prune plan");
            let lines: Vec<&str> = picture.lines().collect();
            let closed = |line: &&str| line.ends_with(['│', '╮', '╯']);
            assert!(lines.iter().all(closed), "{picture}");
        }
        scene.press("j");
    }
}
