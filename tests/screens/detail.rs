//! The detail of the selected guest: running, stopped, stale, loading, failed, without Unicode.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use proxdeck::app::keymap::{Combo, Keymap};
use proxdeck::app::state::{Rules, Setting};
use proxdeck::app::{Answer, Effect, Event, Query, State};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::guest_status::{BalloonReport, GuestStatus, Pressure};
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::id::{GuestKind, Vmid};
use proxdeck::domain::inventory::{Inventory, Resources};
use proxdeck::domain::rates::{Counters, Rates};
use proxdeck::domain::time::{Moment, Now};

use crate::paper::{draw, pane, theme};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const GIB: u64 = 1 << 30;

/// A state and its clock.
struct Scene {
    state: State,
    now: Now,
    answers: Answers,
}

/// What the server says to questions about the guest.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    All,
    None,
    Refuses,
}

fn guest() -> Guest {
    Guest {
        vmid: Vmid::new(104).unwrap(),
        kind: GuestKind::Qemu,
        node: "pve2".parse().unwrap(),
        name: Some("agent-build-4".into()),
        status: Status::Running,
        template: false,
        lock: None,
        tags: vec!["build".into(), "autovibe".into()],
        pool: Some("alpha".parse().unwrap()),
        ha_state: None,
        figures: figures(93_600),
    }
}

fn figures(uptime: u64) -> Figures {
    Figures {
        cpu: Some(0.97),
        max_cpu: Some(2.0),
        memory: Some(3 * GIB + GIB / 4),
        max_memory: Some(4 * GIB),
        host_memory: Some(4 * GIB),
        disk: Some(0),
        max_disk: Some(20 * GIB),
        net_in: Some(uptime * 1_400_000),
        net_out: Some(uptime * 300_000),
        disk_read: Some(uptime * 2_100_000),
        disk_write: Some(uptime * 41_200_000),
        uptime: Some(Duration::from_secs(uptime)),
    }
}

fn status(uptime: u64) -> GuestStatus {
    let figures = figures(uptime);
    GuestStatus {
        status: Some(Status::Running),
        cpu: Some(0.0),
        memory: figures.memory,
        max_memory: figures.max_memory,
        host_memory: figures.host_memory,
        free_memory: Some(GIB / 2),
        balloon_report: Some(BalloonReport {
            actual: Some(3 * GIB + GIB / 2),
            free: Some(GIB / 2),
            ..BalloonReport::default()
        }),
        counters: Counters {
            net_in: figures.net_in,
            net_out: figures.net_out,
            disk_read: figures.disk_read,
            disk_write: figures.disk_write,
        },
        uptime: figures.uptime,
        pressure: Pressure {
            cpu: Some(12.5),
            io: Some(3.0),
            memory: Some(0.0),
            ..Pressure::default()
        },
        qemu: Some("10.0.2".into()),
        machine: Some("pc-i440fx-10.0+pve0".into()),
        agent: Some(true),
        ..GuestStatus::default()
    }
}

/// A history that climbs, with a gap after its first third.
fn history(end: i64, span: Span) -> Series {
    let step = i64::try_from(span.length().as_secs()).unwrap() / 60;
    let rows = (0..60).filter(|row| !(20..26).contains(row)).map(|row| {
        let share = f64::from(row) / 60.0;
        let averages = Averages {
            cpu: Some(0.1 + 0.87 * share),
            max_cpu: Some(4.0),
            memory: Some((2.0 + 1.25 * share) * GIB as f64),
            max_memory: Some(4.0 * GIB as f64),
            host_memory: None,
            rates: Rates {
                net_in: Some(1.4e6 * share),
                net_out: Some(0.3e6),
                disk_read: Some(2.1e6),
                disk_write: Some(if row % 9 == 0 { 41.2e6 } else { 4e6 }),
            },
        };
        (end - step * i64::from(59 - row), averages)
    });
    Series::new(span, rows.collect())
}

impl Scene {
    fn new(answers: Answers) -> Self {
        let now = Now {
            moment: Moment::after_start(Duration::from_secs(1000)),
            // A full hour, so that columns and rows coincide.
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
        Self {
            state: State::new(setting, now),
            now,
            answers,
        }
    }

    /// Makes a scene in which the guest was watched for half a minute.
    fn watched(answers: Answers) -> Self {
        let mut scene = Self::new(answers);
        scene.watch(&guest(), 30);
        scene
    }

    fn watch(&mut self, guest: &Guest, seconds: u64) {
        for second in 0..=seconds {
            let uptime = 93_600 + second;
            if second % 5 == 0 {
                let mut guest = guest.clone();
                if guest.status == Status::Running {
                    guest.figures = figures(uptime);
                }
                self.inventory(guest);
            }
            self.happen(Event::Tick, uptime);
            self.pass(1);
        }
    }

    fn pass(&mut self, seconds: u64) {
        self.now.moment = self.now.moment.later(Duration::from_secs(seconds));
        self.now.wall += TimeDelta::seconds(i64::try_from(seconds).unwrap());
    }

    fn inventory(&mut self, guest: Guest) {
        let previous = self.state.inventory.resources.value().cloned();
        let guests = Resources::dated(vec![guest], previous.as_deref(), self.now.moment);
        let mut inventory = Inventory::clone(&self.state.inventory);
        let resources = Resources {
            guests,
            ..Resources::default()
        };
        inventory
            .resources
            .record(self.now.moment, Ok(Arc::new(resources)));
        self.happen(Event::Inventory(Arc::new(inventory)), 93_600);
    }

    fn happen(&mut self, event: Event, uptime: u64) {
        let effects = self.state.update(event, self.now);
        for effect in effects {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match (query, self.answers) {
                (Query::Status(_), Answers::All) => Ok(Answer::Status(Box::new(status(uptime)))),
                (Query::History(_, span), Answers::All) => {
                    let end = self.now.wall.timestamp() - 60;
                    Ok(Answer::History(history(end, span)))
                }
                (Query::Status(_), Answers::Refuses) => Err(Failure::new(
                    FailureKind::Forbidden,
                    "Permission check failed (/vms/104, VM.Audit)",
                )),
                (Query::History(..), Answers::Refuses) => Err(Failure::new(
                    FailureKind::Server,
                    "RRD error: rrd_fetch_r failed: opening '/var/lib/rrdcached/db/pve-vm-9.0/104': No such file or directory",
                )),
                _ => continue,
            };
            let _ = self.state.update(Event::Fetched(ticket, answer), self.now);
        }
    }

    fn press(&mut self, key: &str) {
        self.happen(Event::Key(key.parse::<Combo>().unwrap()), 93_631);
    }

    fn picture(&self, unicode: bool, size: (u16, u16)) -> String {
        pane(
            &draw(&self.state, &theme(unicode), size),
            "104 agent-build-4",
        )
    }

    /// The pane at the three sizes, one below the other.
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
fn running() {
    insta::assert_snapshot!(Scene::watched(Answers::All).pictures(true));
}

#[test]
fn running_without_unicode() {
    let picture = Scene::watched(Answers::All).pictures(false);
    assert!(picture.is_ascii(), "{picture}");
    insta::assert_snapshot!(picture);
}

#[test]
fn running_filling_the_screen_with_a_longer_history() {
    let mut scene = Scene::watched(Answers::All);
    scene.press("Enter");
    scene.press("]");
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn loading() {
    let mut scene = Scene::new(Answers::None);
    scene.watch(&guest(), 1);
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn failed_each_part_for_its_own_reason() {
    insta::assert_snapshot!(Scene::watched(Answers::Refuses).pictures(true));
}

#[test]
fn stopped() {
    let mut guest = guest();
    guest.status = Status::Stopped;
    guest.figures = Figures {
        cpu: Some(0.0),
        max_cpu: Some(2.0),
        memory: Some(0),
        max_memory: Some(4 * GIB),
        max_disk: Some(20 * GIB),
        ..Figures::default()
    };
    let mut scene = Scene::new(Answers::All);
    scene.watch(&guest, 5);
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn stale() {
    let mut scene = Scene::watched(Answers::All);
    scene.pass(480);
    let mut silent = guest();
    silent.status = Status::Unknown;
    silent.name = None;
    silent.figures = Figures::default();
    scene.inventory(silent);
    insta::assert_snapshot!(scene.pictures(true));
}

#[test]
fn pitfall_16_more_than_everything_fills_the_bar_and_is_told_in_full() {
    let mut scene = Scene::new(Answers::None);
    let mut guest = guest();
    guest.status = Status::Other("postmigrate".into());
    guest.figures.cpu = Some(1.43);
    guest.figures.memory = Some(145_989_632);
    guest.figures.host_memory = Some(145_989_632);
    guest.figures.max_memory = Some(64 << 20);
    scene.watch(&guest, 1);
    insta::assert_snapshot!(scene.picture(true, (120, 40)));
}

#[test]
fn pitfall_15_the_processor_of_a_guest_that_just_started_is_unknown() {
    let mut scene = Scene::new(Answers::None);
    let mut guest = guest();
    guest.status = Status::Prelaunch;
    guest.figures.cpu = Some(0.0);
    guest.figures.uptime = Some(Duration::from_secs(4));
    scene.watch(&guest, 1);
    let picture = scene.picture(true, (120, 40));
    assert!(picture.contains("? of 2"), "{picture}");
    assert!(!picture.contains("0% of 2"), "{picture}");
}

#[test]
fn a_busy_guest_is_coloured_by_its_level_and_a_stale_one_is_not() {
    let theme = theme(true);
    let mut scene = Scene::watched(Answers::All);
    let bar = |scene: &Scene| {
        let buffer = draw(&scene.state, &theme, (120, 40));
        let row = (0..40)
            .find(|&y| {
                (74..120)
                    .map(|x| buffer[(x, y)].symbol())
                    .collect::<String>()
                    .contains("CPU  █")
            })
            .unwrap();
        buffer[(81, row)].fg
    };
    assert_eq!(Some(bar(&scene)), theme.critical.fg);
    scene.pass(40);
    let _ = scene.state.update(Event::Tick, scene.now);
    assert_eq!(Some(bar(&scene)), theme.stale.fg);
}

#[test]
fn nothing_dances_every_line_is_as_wide_as_the_pane() {
    for answers in [Answers::All, Answers::None, Answers::Refuses] {
        let scene = Scene::watched(answers);
        for size in SIZES {
            let picture = scene.picture(true, size);
            let widths: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
            assert!(widths.iter().all(|width| *width == widths[0]), "{picture}");
        }
    }
}
