//! The form that makes guests, and the catalogue: with bars, with objections, without Unicode, empty.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State};
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Inventory, Node, NodeState, Resources, Storage};
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::project::{Membership, Project, Projects, Quota, Window};
use proxdeck::domain::selection::Selection;
use proxdeck::domain::template::Template;
use proxdeck::domain::text::Text;
use proxdeck::domain::time::{Moment, Now};
use proxdeck::domain::units::Size;
use proxdeck::domain::usage::Accounting;

use crate::paper::{draw, pane, theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const GIB: u64 = 1 << 30;

/// A state that looks at a cluster of two nodes with two templates and some agents.
struct Scene {
    state: State,
    now: Now,
    /// The comment of every pool.
    comment: Option<Text>,
}

fn guest(vmid: u64, name: &str) -> Guest {
    Guest {
        vmid: Vmid::new(vmid).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve1".parse().unwrap(),
        name: Some(name.into()),
        status: Status::Running,
        template: false,
        lock: None,
        tags: Vec::new(),
        pool: Some("alpha-pool".parse().unwrap()),
        ha_state: None,
        figures: Figures {
            cpu: Some(0.5),
            max_cpu: Some(2.0),
            memory: Some(2 * GIB),
            max_memory: Some(4 * GIB),
            max_disk: Some(20 * GIB),
            uptime: Some(Duration::from_secs(36_000)),
            ..Figures::default()
        },
    }
}

fn template(vmid: u64, name: &str) -> Guest {
    Guest {
        template: true,
        status: Status::Stopped,
        pool: None,
        tags: vec!["template".into()],
        ..guest(vmid, name)
    }
}

fn entry(name: &str, vmid: u64, network: Option<&str>, software: &[&str]) -> Template {
    Template {
        name: name.into(),
        vmid: Vmid::new(vmid).unwrap(),
        cores: Some(2),
        memory: Some(Size::from_bytes(4 * GIB)),
        disk: Some(Size::from_bytes(20 * GIB)),
        network: network.map(str::to_owned),
        software: software.iter().map(|&each| each.to_owned()).collect(),
    }
}

fn rules() -> Rules {
    let pool = Membership::Pool("alpha-pool".parse().unwrap());
    let mut alpha = Project::new("alpha", pool).unwrap();
    alpha.window = Window::Days7;
    alpha.budget.cpu_hours = Quota::at_most(400.0).unwrap();
    alpha.budget.memory_gb_hours = Quota::at_most(2000.0).unwrap();
    alpha.budget.storage_gb = Quota::at_most(100.0).unwrap();
    alpha.budget.network_gb = Quota::at_most(200.0).unwrap();
    let beta = Membership::Pool("beta-pool".parse().unwrap());
    let software = [
        "Ubuntu 22.04",
        "Docker",
        "Python 3.11",
        "Node.js",
        "Claude API client",
        "Git",
        "autovibe-agent",
    ];
    let mut hub = entry(
        "hub",
        101,
        Some("management_access"),
        &["Ubuntu 22.04 server"],
    );
    hub.cores = None;
    hub.memory = None;
    let profile = |name: &str, bridge: &str| NetworkProfile {
        name: name.into(),
        bridge: bridge.parse().unwrap(),
        firewall: true,
        allow: Vec::new(),
        block: Vec::new(),
        allow_in: None,
        dns: None,
    };
    Rules {
        accounting: Accounting::SinceBoot,
        templates: vec![
            entry("claude-code", 100, Some("api_access"), &software),
            hub,
            entry("old-agent", 102, None, &[]),
            entry("a-template-with-a-rather-long-name", 999_999, None, &[]),
        ],
        profiles: vec![
            profile("api_access", "vmbr1"),
            profile("management_access", "vmbr0"),
        ],
        projects: Projects::new(vec![alpha, Project::new("beta", beta).unwrap()]).unwrap(),
        selection: Selection::new(false, &["autovibe".into()], &[], &[]).unwrap(),
        ..Rules::default()
    }
}

fn resources(now: Moment) -> Resources {
    let storage = |name: &str, plugin: &str, node: &str, shared| Storage {
        name: name.parse().unwrap(),
        node: node.parse().unwrap(),
        shared,
        plugin: Some(plugin.into()),
        content: Some("images,rootdir".into()),
        available: true,
        used: Some(100 * GIB),
        size: Some(1000 * GIB),
    };
    let node = |name: &str, state| Node {
        name: name.parse().unwrap(),
        state,
        cpu: Some(0.2),
        max_cpu: Some(16.0),
        memory: Some(20 * GIB),
        max_memory: Some(64 * GIB),
        disk: None,
        max_disk: None,
        uptime: None,
    };
    let guests = vec![
        template(100, "tpl-claude-code"),
        template(101, "tpl-hub"),
        guest(102, "agent-build-2"),
        guest(104, "claude-code-1"),
    ];
    Resources {
        guests: Resources::dated(guests, None, now),
        nodes: vec![
            node("pve1", NodeState::Online),
            node("pve2", NodeState::Online),
            node("pve3", NodeState::Offline),
        ],
        storages: vec![
            storage("local-lvm", "lvmthin", "pve1", false),
            storage("nfs", "nfs", "pve1", true),
            storage("tank", "zfspool", "pve2", false),
        ],
        rejected: 0,
    }
}

fn config() -> GuestConfig {
    let options = [
        ("scsi0", "local-lvm:base-100-disk-0,size=10G"),
        ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
        ("tags", "template"),
        ("protection", "1"),
        ("description", "Ubuntu"),
    ];
    let options = options.map(|(key, value)| (key.to_owned(), Text::from(value)));
    GuestConfig::new(options, None)
}

impl Scene {
    fn new(rules: Rules) -> Self {
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
            rules,
        };
        Self {
            state: State::new(setting, now),
            now,
            comment: None,
        }
    }

    /// Throttles every project.
    fn throttled(mut self) -> Self {
        let marker =
            "[proxdeck throttled 2026-11-27T08:10:31Z cpu_hours,storage_gb tier=emergency]";
        self.comment = Some(marker.into());
        self
    }

    fn read(mut self) -> Self {
        let mut inventory = Inventory::clone(&self.state.inventory);
        let moment = self.now.moment;
        inventory
            .resources
            .record(moment, Ok(Arc::new(resources(moment))));
        self.happen(Event::Inventory(Arc::new(inventory)));
        self
    }

    fn happen(&mut self, event: Event) {
        for effect in self.state.update(event, self.now) {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Config(_) => Answer::Config(Box::new(config())),
                Query::Network(_) => {
                    Answer::Network(Box::new((config(), GuestFirewall::default())))
                }
                Query::PoolComment(_) => Answer::PoolComment(self.comment.clone()),
                _ => continue,
            };
            let _ = self
                .state
                .update(Event::Fetched(ticket, Ok(answer)), self.now);
        }
    }

    fn press(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            self.happen(Event::Key(key.parse::<Combo>().unwrap()));
        }
        self
    }

    /// The pane with a title at the three sizes, one below the other.
    fn pictures(&self, title: &str, unicode: bool) -> String {
        SIZES
            .map(|size| {
                let buffer = draw(&self.state, &theme(unicode), size);
                format!("{}x{}\n{}", size.0, size.1, pane(&buffer, title))
            })
            .join("\n\n")
    }
}

const FORM: &str = "New guest";

#[test]
fn the_form() {
    let scene = Scene::new(rules()).read().press("n");
    insta::assert_snapshot!(scene.pictures(FORM, true));
}

#[test]
fn the_form_with_the_bars_of_a_project() {
    let scene = Scene::new(rules())
        .read()
        .press("n Tab Right Tab Right Right");
    insta::assert_snapshot!(scene.pictures(FORM, true));
}

#[test]
fn the_form_with_bars_without_unicode() {
    let scene = Scene::new(rules()).read().press("n Tab Right");
    let pictures = scene.pictures(FORM, false);
    assert!(pictures.is_ascii(), "{pictures}");
    insta::assert_snapshot!(pictures);
}

#[test]
fn the_form_with_a_throttled_project() {
    let scene = Scene::new(rules()).throttled().read();
    let refused = scene.press("n Tab Right");
    let pictures = refused.pictures(FORM, true);
    let overridden = refused.press("Tab Space");
    let overridden = overridden.pictures(FORM, true);
    insta::assert_snapshot!(format!("{pictures}\n\n{overridden}"));
}

#[test]
fn the_form_with_objections_to_everything() {
    let wrong = "n Ctrl-u a _ b Tab Right Tab Tab Tab Ctrl-u 5 1 Tab Ctrl-u 9 9 Tab Ctrl-u 4 G Tab Ctrl-u 1 G i B";
    let scene = Scene::new(rules())
        .read()
        .press(wrong)
        .press("Tab Tab Left");
    insta::assert_snapshot!(scene.pictures(FORM, true));
}

#[test]
fn the_form_with_its_calls() {
    let scene = Scene::new(rules()).read().press("n Ctrl-x");
    insta::assert_snapshot!(scene.pictures(FORM, true));
}

#[test]
fn the_form_on_its_last_field() {
    let scene = Scene::new(rules())
        .read()
        .press("n Tab Right Shift-Tab Shift-Tab Shift-Tab");
    insta::assert_snapshot!(scene.pictures(FORM, true));
}

#[test]
fn the_catalogue() {
    let scene = Scene::new(rules()).read().press("7");
    let catalogue = scene.pictures("Templates", true);
    let card = scene.pictures("A guest from", true);
    insta::assert_snapshot!(format!("{catalogue}\n\n{card}"));
}

#[test]
fn the_catalogue_without_unicode() {
    let scene = Scene::new(rules()).read().press("7 j");
    let pictures = scene.pictures("Templates", false);
    assert!(pictures.is_ascii(), "{pictures}");
    let card = scene.pictures("A guest from", false);
    insta::assert_snapshot!(format!("{pictures}\n\n{card}"));
}

#[test]
fn the_catalogue_before_the_cluster_is_read_and_without_entries() {
    let unread = Scene::new(rules()).press("7").pictures("Templates", true);
    let empty = Scene::new(Rules::default()).read().press("7");
    let empty = empty.pictures("Templates", true);
    insta::assert_snapshot!(format!("{unread}\n\n{empty}"));
}

#[test]
fn every_line_is_as_wide_as_the_form() {
    for keys in [
        "n",
        "n Tab Right",
        "n Ctrl-u a _ b",
        "n Ctrl-x",
        "n Tab Right Ctrl-x",
    ] {
        let scene = Scene::new(rules()).read().press(keys);
        for unicode in [true, false] {
            for size in SIZES {
                let picture = pane(&draw(&scene.state, &theme(unicode), size), FORM);
                let widths: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
                assert!(
                    widths.iter().all(|width| *width == widths[0]),
                    "{keys}\n{picture}"
                );
            }
        }
    }
}
