//! The form that destroys a guest, and the menu of power that leads to it.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
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

use crate::paper::{draw, pane, theme};

/// A state that answers what the form asks.
struct Scene {
    state: State,
    now: Now,
    config: GuestConfig,
}

fn guest(name: &str) -> Guest {
    Guest {
        vmid: Vmid::new(104).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve2".parse().unwrap(),
        name: Some(name.into()),
        status: Status::Stopped,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: Some("alpha".parse().unwrap()),
        ha_state: None,
        figures: Figures::default(),
    }
}

fn config(more: &[(&str, &str)]) -> GuestConfig {
    let options = [
        ("scsi0", "vmstore:104/vm-104-disk-0.qcow2,size=20G"),
        ("scsi1", "tank:vm-104-disk-1,size=100G"),
        ("unused0", "tank:vm-104-disk-2"),
    ];
    let options = options.iter().chain(more);
    let options = options.map(|(key, value)| ((*key).to_owned(), Text::from(*value)));
    GuestConfig::new(options, None)
}

fn snapshots() -> SnapshotList {
    let snapshot = |name: &str| Snapshot {
        name: name.into(),
        taken: DateTime::from_timestamp(1_795_000_000, 0),
        parent: None,
        description: Text::default(),
        has_ram: false,
        unfinished: None,
    };
    SnapshotList {
        snapshots: ["daily", "keep-before-upgrade", "weekly"]
            .map(snapshot)
            .into(),
        current_parent: None,
        digest: None,
    }
}

impl Scene {
    fn new(guest: Guest, config: GuestConfig) -> Self {
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
            keymap: Keymap::new(&[("destroy".to_owned(), vec!["F8".to_owned()])]).unwrap(),
            rules: Rules::default(),
        };
        let mut scene = Self {
            state: State::new(setting, now),
            now,
            config,
        };
        let mut inventory = Inventory::default();
        let guests = Resources::dated(vec![guest], None, now.moment);
        let resources = Resources {
            guests,
            ..Resources::default()
        };
        inventory
            .resources
            .record(now.moment, Ok(Arc::new(resources)));
        scene.happen(Event::Inventory(Arc::new(inventory)));
        scene.now.moment = now.moment.later(Duration::from_secs(1));
        scene.happen(Event::Tick);
        scene
    }

    fn happen(&mut self, event: Event) {
        for effect in self.state.update(event, self.now) {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = if matches!(query, Query::Config(_)) {
                Answer::Config(Box::new(self.config.clone()))
            } else if matches!(query, Query::Snapshots(_)) {
                Answer::Snapshots(snapshots())
            } else {
                continue;
            };
            let answered = Event::Fetched(ticket, Ok(answer));
            let _ = self.state.update(answered, self.now);
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

    fn picture(&self, title: &str, unicode: bool, size: (u16, u16)) -> String {
        let picture = pane(&draw(&self.state, &theme(unicode), size), title);
        format!("{}x{}\n{picture}", size.0, size.1)
    }

    /// The dialog at two sizes, one below the other.
    fn pictures(&self, title: &str) -> String {
        [(80, 24), (120, 40)]
            .map(|size| self.picture(title, true, size))
            .join("\n\n")
    }
}

#[test]
fn the_form_that_destroys() {
    let mut scene = Scene::new(guest("agent-build-4"), config(&[]));
    scene.press("F8");
    insta::assert_snapshot!(scene.pictures("Destroy 104"));
}

#[test]
fn the_form_that_destroys_filled_in_with_its_call() {
    let mut scene = Scene::new(guest("agent-build-4"), config(&[]));
    scene.press("F8");
    scene.types("104=agent-build-4");
    scene.press("Tab Space x");
    insta::assert_snapshot!(scene.pictures("Destroy 104"));
}

#[test]
fn a_template_that_is_protected_and_highly_available() {
    let mut guest = guest("agent-build-4");
    guest.template = true;
    guest.ha_state = Some("stopped".into());
    let mut scene = Scene::new(guest, config(&[("protection", "1")]));
    scene.press("F8");
    scene.types("104=agnet");
    insta::assert_snapshot!(scene.pictures("Destroy 104"));
}

#[test]
fn a_long_name_is_typed_below_itself() {
    let mut scene = Scene::new(
        guest("autovibe-agent-build-4-copy-of-yesterday"),
        config(&[]),
    );
    scene.press("F8");
    scene.types("104=autovibe-agent-build-4-copy-of");
    let picture = [
        scene.picture("Destroy 104", true, (80, 24)),
        scene.picture("Destroy 104", false, (60, 15)),
    ];
    insta::assert_snapshot!(picture.join("\n\n"));
}

#[test]
fn the_menu_of_power() {
    let mut scene = Scene::new(guest("agent-build-4"), config(&[]));
    scene.press("P G");
    insta::assert_snapshot!(scene.picture("Power of 104", true, (80, 24)));
}
