//! The view of all snapshots: full, filtered, partly read, failed, empty, hostile, without Unicode.

use std::fmt::Write as _;
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
use proxdeck::domain::time::{Moment, Now};

use crate::paper::{draw, pane, theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const TITLE: &str = "Snapshots of all guests";

type Server = fn(u32, Now) -> Option<Result<SnapshotList, Failure>>;

/// A state, its clock, and what the server says of each guest's snapshots.
struct Scene {
    state: State,
    now: Now,
    server: Server,
}

fn guest(number: u64, name: &str) -> Guest {
    Guest {
        vmid: Vmid::new(number).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(name.into()),
        status: Status::Stopped,
        template: false,
        lock: None,
        tags: vec!["ours".into()],
        pool: None,
        ha_state: None,
        figures: Figures::default(),
    }
}

fn guests() -> Vec<Guest> {
    let mut guests = vec![
        guest(104, "agent-build-4"),
        guest(105, "agent-docs-1"),
        guest(106, "a-guest-whose-name-is-so-long-that-no-column-holds-it"),
        guest(107, "日本語の仮想マシン"),
        guest(108, "evil\u{1b}[31m\u{202e}red\u{7}"),
        guest(109, "other-people-s"),
        guest(110, "without"),
        guest(111, "tpl"),
    ];
    guests[5].tags.clear();
    guests[7].template = true;
    guests
}

/// A snapshot with its age in hours.
fn snapshot(now: Now, name: &str, hours: i64, description: &str) -> Snapshot {
    Snapshot {
        name: name.into(),
        taken: Some(now.wall - TimeDelta::hours(hours)),
        parent: None,
        description: description.into(),
        has_ram: name.contains("ram"),
        unfinished: None,
    }
}

fn chain(mut snapshots: Vec<Snapshot>) -> SnapshotList {
    for index in 1..snapshots.len() {
        snapshots[index].parent = Some(snapshots[index - 1].name.clone());
    }
    SnapshotList {
        current_parent: snapshots.last().map(|last| last.name.clone()),
        snapshots,
        digest: None,
    }
}

/// What a guest's list holds in a world of every kind.
fn lists(number: u32, now: Now) -> SnapshotList {
    let one = |name: &str, hours, description: &str| snapshot(now, name, hours, description);
    chain(match number {
        104 => vec![
            one(
                "av-20261101-0300-monthly",
                22 * 24,
                "baseline after image update",
            ),
            one("av-20261117-0300-weekly", 6 * 24, ""),
            one("keep-before-upgrade-ram", 50, "#keep before docker 27"),
            one("av-20261123-0900", 4, ""),
        ],
        105 => vec![
            one("av-20251001-0300-monthly", 418 * 24, ""),
            one(
                "av-20261001-0300-weekly",
                53 * 24,
                "weekly, long past its limit",
            ),
            one("before-sphinx-8", 30 * 24, ""),
            one("now", 0, ""),
        ],
        106 => vec![
            one(
                "a-snapshot-whose-name-has-just-forty-char",
                30 * 24,
                "a description that goes on and on, and on, and does not end where the screen does, however wide",
            ),
            one("future", -30, ""),
        ],
        107 => vec![
            one("x", 200, "日本語の説明、とても長い説明"),
            one("y", 20, "e\u{301}"),
        ],
        108 => vec![
            one("s1", 300, "\u{1b}]0;title\u{7}\nsecond line\u{200b}"),
            one("s2", 3, ""),
        ],
        109 => {
            let mut half = one("half-ram", 500, "theirs");
            half.unfinished = Some("delete".into());
            vec![
                half,
                Snapshot {
                    taken: None,
                    ..one("undated", 0, "")
                },
            ]
        }
        _ => Vec::new(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "a server may say nothing")]
fn all(number: u32, now: Now) -> Option<Result<SnapshotList, Failure>> {
    Some(Ok(lists(number, now)))
}

#[expect(clippy::unnecessary_wraps, reason = "a server may say nothing")]
fn empty(_: u32, _: Now) -> Option<Result<SnapshotList, Failure>> {
    Some(Ok(SnapshotList::default()))
}

fn silent(_: u32, _: Now) -> Option<Result<SnapshotList, Failure>> {
    None
}

#[expect(clippy::unnecessary_wraps, reason = "a server may say nothing")]
fn forbidden(_: u32, _: Now) -> Option<Result<SnapshotList, Failure>> {
    let message = "Permission check failed (/vms/104, VM.Audit)";
    Some(Err(Failure::new(FailureKind::Forbidden, message)))
}

fn mixed(number: u32, now: Now) -> Option<Result<SnapshotList, Failure>> {
    match number {
        104 | 105 => all(number, now),
        106 | 107 => forbidden(number, now),
        108 => {
            let message = "got timeout\u{1b}[2J";
            Some(Err(Failure::new(FailureKind::Server, message)))
        }
        _ => None,
    }
}

impl Scene {
    fn new(server: Server) -> Self {
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1000)),
            wall: DateTime::from_timestamp(1_795_449_600, 0).unwrap(),
        };
        let tags = ["ours".to_owned()];
        let setting = Setting {
            seed: 7,
            cluster: "lab".into(),
            endpoint: "https://pve1:8006".into(),
            account: "hub@pve!deck".into(),
            read_only: false,
            demo: false,
            bell: true,
            operator: "ops".into(),
            keymap: Keymap::default(),
            rules: Rules {
                selection: Selection::new(false, &tags, &[], &[]).unwrap(),
                ..Rules::default()
            },
        };
        Self {
            state: State::new(setting, now),
            now,
            server,
        }
    }

    /// Makes a scene in which these guests were indexed for a while.
    fn indexed(server: Server, guests: Vec<Guest>) -> Self {
        let mut scene = Self::new(server);
        scene.inventory(guests);
        scene.press("3");
        for _ in 0..4 {
            scene.pass(3);
        }
        scene
    }

    fn pass(&mut self, seconds: u64) {
        self.now.moment = self.now.moment.later(Duration::from_secs(seconds));
        self.now.wall += TimeDelta::seconds(i64::try_from(seconds).unwrap());
        self.happen(Event::Tick);
    }

    fn inventory(&mut self, guests: Vec<Guest>) {
        let previous = self.state.inventory.resources.value().cloned();
        let guests = Resources::dated(guests, previous.as_deref(), self.now.moment);
        let mut inventory = Inventory::clone(&self.state.inventory);
        let resources = Resources {
            guests,
            ..Resources::default()
        };
        let resources = Ok(Arc::new(resources));
        inventory.resources.record(self.now.moment, resources);
        self.happen(Event::Inventory(Arc::new(inventory)));
    }

    fn happen(&mut self, event: Event) {
        let mut effects = self.state.update(event, self.now);
        while let Some(effect) = effects.pop() {
            let Effect::Fetch(ticket, Query::Snapshots(guest)) = effect else {
                continue;
            };
            if let Some(result) = (self.server)(guest.vmid.get(), self.now) {
                let event = Event::Fetched(ticket, result.map(Answer::Snapshots));
                effects.extend(self.state.update(event, self.now));
            }
        }
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.happen(Event::Key(key.parse::<Combo>().unwrap()));
        }
    }

    fn picture(&self, unicode: bool, size: (u16, u16)) -> String {
        pane(&draw(&self.state, &theme(unicode), size), TITLE)
    }

    /// The pane at the three sizes, one below the other, cut where nothing stands any more.
    fn pictures(&self, unicode: bool) -> String {
        let mut pictures = String::new();
        for size in SIZES {
            let picture = self.picture(unicode, size);
            let _ = writeln!(pictures, "{}x{}", size.0, size.1);
            let mut blank = 0;
            for line in picture.lines() {
                let inside = line.trim_matches(|c| matches!(c, '│' | '|' | ' '));
                blank = if inside.is_empty() { blank + 1 } else { 0 };
                if blank < 2 {
                    pictures.push_str(line);
                    pictures.push('\n');
                }
            }
            pictures.push('\n');
        }
        pictures
    }
}

#[test]
fn of_every_kind() {
    insta::assert_snapshot!(Scene::indexed(all, guests()).pictures(true));
}

#[test]
fn of_every_kind_without_unicode() {
    let mut guests = guests();
    guests.remove(3);
    let mut scene = Scene::indexed(all, guests);
    scene.press("o O j");
    insta::assert_snapshot!(scene.pictures(false));
}

#[test]
fn partly_read_and_failed_for_several_reasons() {
    let mut guests = guests();
    guests[5].status = Status::Unknown;
    guests[5].node = "pve4".parse().unwrap();
    let mut scene = Scene::indexed(mixed, guests);
    scene.pass(700);
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn filtered() {
    let mut scene = Scene::indexed(all, guests());
    scene.press("/");
    scene.happen(Event::Paste("verdict:delete".into()));
    scene.press("Enter");
    insta::assert_snapshot!(scene.pictures(true));
    scene.press("/");
    scene.happen(Event::Paste("nothing".into()));
    let picture = scene.picture(true, (80, 24));
    assert!(
        picture.contains("None of 16 snapshots matches /verdict:delete nothing"),
        "{picture}"
    );
    let footer = draw(&scene.state, &theme(true), (120, 40));
    let line: String = (0..120).map(|x| footer[(x, 39)].symbol()).collect();
    assert!(
        line.contains("0 match") && line.contains("verdict:"),
        "{line}"
    );
}

#[test]
fn without_a_row_it_says_why() {
    let words = |scene: &Scene| {
        let picture = scene.picture(true, (80, 24));
        let lines = picture.lines().map(|line| line.trim_matches(['│', ' ']));
        let words: Vec<&str> = lines.filter(|line| !line.is_empty()).skip(1).collect();
        words[..words.len() - 1].join("\n")
    };
    let mut told = Vec::new();
    let mut scene = Scene::new(silent);
    scene.press("3");
    told.push(words(&scene));
    told.push(words(&Scene::indexed(silent, guests())));
    told.push(words(&Scene::indexed(empty, guests())));
    told.push(words(&Scene::indexed(forbidden, guests())));
    told.push(words(&Scene::indexed(all, Vec::new())));
    let many = (100..1100).map(|number| guest(number, "x")).collect();
    told.push(words(&Scene::indexed(empty, many)));
    let mut none_managed = Scene::indexed(all, guests());
    none_managed.state.setting.rules.selection = Selection::default();
    none_managed.pass(61);
    told.push(
        words(&none_managed)
            .lines()
            .take(4)
            .collect::<Vec<_>>()
            .join("\n"),
    );
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn deletions_are_coloured_and_what_is_not_managed_is_dim() {
    let theme = theme(true);
    let scene = Scene::indexed(all, guests());
    let buffer = draw(&scene.state, &theme, (120, 40));
    let style_of = |text: &str| {
        let found = (0..40_u16).find_map(|y| {
            let line: Vec<&str> = (0..120_u16).map(|x| buffer[(x, y)].symbol()).collect();
            let at = (0..120).find(|x| line[*x..].concat().starts_with(text))?;
            Some(buffer[(at as u16, y)].fg)
        });
        found.unwrap_or_else(|| panic!("{text} is not on the screen"))
    };
    assert_eq!(Some(style_of("delete monthly")), theme.critical.fg);
    assert_eq!(Some(style_of("not managed")), theme.dim.fg);
    assert_eq!(Some(style_of("unfinished (delete)")), theme.warning.fg);
}

#[test]
fn every_line_is_as_wide_as_the_pane_and_nothing_hostile_gets_through() {
    for server in [all, empty, forbidden, mixed] as [Server; 4] {
        let mut scene = Scene::indexed(server, guests());
        for keys in ["", "z", "j o", "G"] {
            scene.press(keys);
            for size in SIZES.into_iter().chain([(60, 15)]) {
                let buffer = draw(&scene.state, &theme(true), size);
                let picture = pane(&buffer, TITLE);
                assert!(
                    !picture.contains(['\u{1b}', '\u{202e}', '\u{7}', '\u{200b}']),
                    "{picture}"
                );
                let right = buffer.area.right() - 1;
                let borders = (3..size.1 - 2).filter(|y| buffer[(right, *y)].symbol() == "│");
                assert!(borders.count() >= usize::from(size.1) - 6, "{picture}");
            }
        }
    }
}
