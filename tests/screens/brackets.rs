//! The list of brackets, and the forms that take, restore and drop one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Inventory, Resources};
use proxdeck::domain::snapshot::{Snapshot, SnapshotList};
use proxdeck::domain::text::Text;
use proxdeck::domain::time::{Moment, Now};

use crate::networks::profiles;
use crate::paper::{draw, pane, theme};

/// A state that answers what the dialogs ask.
struct Scene {
    state: State,
    now: Now,
    lists: BTreeMap<u32, SnapshotList>,
}

fn guest(number: u64, name: &str, kind: GuestKind, status: Status) -> Guest {
    Guest {
        vmid: Vmid::new(number).unwrap(),
        kind,
        node: "pve3".parse().unwrap(),
        name: Some(name.into()),
        status,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: None,
        ha_state: None,
        figures: Figures::default(),
    }
}

fn guests() -> Vec<Guest> {
    vec![
        guest(104, "agent-build-4", GuestKind::Qemu, Status::Running),
        guest(109, "agent-tests-3", GuestKind::Qemu, Status::Running),
        guest(110, "agent-tests-4", GuestKind::Qemu, Status::Stopped),
        guest(115, "proxy", GuestKind::Lxc, Status::Running),
        guest(127, "agent-far-2", GuestKind::Qemu, Status::Unknown),
    ]
}

impl Scene {
    fn new() -> Self {
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1000)),
            wall: DateTime::from_timestamp(1_795_449_600, 0).unwrap(),
        };
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
            rules: Rules::default(),
        };
        let snapshot = |name: &str, description: &str, hours: i64, has_ram: bool| Snapshot {
            name: name.into(),
            taken: Some(now.wall - TimeDelta::hours(hours)),
            parent: None,
            description: description.into(),
            has_ram,
            unfinished: None,
        };
        let list = |snapshots: &[Snapshot]| SnapshotList {
            snapshots: snapshots.to_vec(),
            ..SnapshotList::default()
        };
        let release = "proxdeck: bracket 7f3a91c2 104,109,110";
        let upgrade = "proxdeck: bracket 00c0ffee 109,110,115,127,140";
        let newer = snapshot("av-20261123-0900", "", 3, false);
        let lists = [
            (
                104,
                list(&[snapshot("br-release-7", release, 26, true), newer]),
            ),
            (
                109,
                list(&[
                    snapshot("br-release-7", release, 26, true),
                    snapshot("br-before-the-upgrade", upgrade, 5, false),
                ]),
            ),
            (110, list(&[snapshot("br-release-7", release, 25, false)])),
            (
                115,
                list(&[snapshot("br-before-the-upgrade", upgrade, 5, false)]),
            ),
        ];
        let mut scene = Self {
            state: State::new(setting, now),
            now,
            lists: lists.into(),
        };
        let mut inventory = Inventory::default();
        let resources = Resources {
            guests: Resources::dated(guests(), None, now.moment),
            ..Resources::default()
        };
        inventory
            .resources
            .record(now.moment, Ok(Arc::new(resources)));
        scene.happen(Event::Inventory(Arc::new(inventory)));
        scene
    }

    fn happen(&mut self, event: Event) {
        let mut waiting = self.state.update(event, self.now);
        while let Some(effect) = waiting.pop() {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Snapshots(guest) => {
                    let list = self.lists.get(&guest.vmid.get()).cloned();
                    Answer::Snapshots(list.unwrap_or_default())
                }
                Query::FrozenConfig(guest, _) if guest.vmid.get() == 104 => {
                    config(&[("memory", "4096"), ("net0", "virtio=A,bridge=vmbr1")])
                }
                Query::FrozenConfig(guest, _) if guest.vmid.get() == 110 => config(&[
                    ("memory", "6144"),
                    ("net0", "virtio=A,bridge=vmbr7,firewall=1,tag=20"),
                ]),
                Query::Config(_) | Query::FrozenConfig(..) => config(&[
                    ("memory", "6144"),
                    ("net0", "virtio=A,bridge=vmbr1,firewall=1"),
                ]),
                _ => continue,
            };
            let answered = Event::Fetched(ticket, Ok(answer));
            waiting.extend(self.state.update(answered, self.now));
        }
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.happen(Event::Key(key.parse::<Combo>().unwrap()));
        }
    }

    fn types(&mut self, text: &str) {
        for letter in text.chars() {
            self.happen(Event::Key(Combo::char(letter)));
        }
    }

    /// The dialog at two sizes, one below the other.
    fn pictures(&self, title: &str) -> String {
        let pictures = [(80, 24), (120, 40)].map(|size| {
            let picture = pane(&draw(&self.state, &theme(true), size), title);
            format!("{}x{}\n{picture}", size.0, size.1)
        });
        pictures.join("\n\n")
    }
}

fn config(options: &[(&str, &str)]) -> Answer {
    let options = options
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Text::from(*value)));
    Answer::Config(Box::new(GuestConfig::new(options, None)))
}

#[test]
fn the_list_of_brackets() {
    let mut scene = Scene::new();
    scene.press("b");
    insta::assert_snapshot!(scene.pictures("Brackets"));
}

#[test]
fn the_list_where_there_is_none() {
    let mut scene = Scene::new();
    scene.lists.clear();
    scene.press("b");
    insta::assert_snapshot!(scene.pictures("Brackets"));
}

#[test]
fn the_form_that_takes_a_bracket() {
    let mut scene = Scene::new();
    scene.press("Space j Space Space b Tab Space x");
    insta::assert_snapshot!(scene.pictures("Bracket of 3"));
}

#[test]
fn the_form_that_refuses_a_bracket_with_a_hole() {
    let mut scene = Scene::new();
    scene.press("* b Ctrl-u");
    scene.types("release-7");
    insta::assert_snapshot!(scene.pictures("Bracket of 5"));
}

#[test]
fn the_form_that_restores_a_bracket() {
    let mut scene = Scene::new();
    scene.state.setting.rules.profiles = profiles();
    scene.press("b j Enter");
    scene.types("rele");
    insta::assert_snapshot!(scene.pictures("Roll back to"));
}

#[test]
fn the_form_that_restores_a_bracket_of_which_a_guest_is_silent() {
    let mut scene = Scene::new();
    scene.press("b Enter");
    insta::assert_snapshot!(scene.pictures("Roll back to"));
}

#[test]
fn the_form_that_drops_a_bracket() {
    let mut scene = Scene::new();
    scene.press("b j d 3 Ctrl-x");
    insta::assert_snapshot!(scene.pictures("Drop bracket"));
}

#[test]
fn the_line_of_the_marks() {
    let mut scene = Scene::new();
    scene.press("Space Space");
    let screen = |(columns, rows): (u16, u16)| {
        let buffer = draw(&scene.state, &theme(true), (columns, rows));
        let lines = (rows - 2..rows).map(|y| {
            let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<String>>().join("\n")
    };
    insta::assert_snapshot!([(80, 24), (120, 40)].map(screen).join("\n\n"));
}
