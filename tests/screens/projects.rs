//! The view of projects: use, quota, the end of the window, and how sure all that is.

use chrono_tz::Tz;
use proxdeck::app::{Answer, Effect, Event, Query};
use proxdeck::domain::history::Series;
use proxdeck::domain::id::Vmid;
use proxdeck::domain::project::Window;
use proxdeck::domain::quota::{Amount, Certainty, Use};
use proxdeck::domain::usage::{Account, Accounting, Origin};
use proxdeck::domain::volume::{Volume, VolumeContent};

use crate::paper::{draw, pane, theme};
use crate::world::{Scene, guests};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn scene() -> Scene {
    let mut scene = Scene::of(guests(), |setting| {
        setting.rules.accounting = Accounting::History;
        setting.rules.zone = Some(Tz::Europe__Berlin);
    });
    scene.press("4");
    scene
}

/// Answers what the background asks about use, for so many seconds.
fn read(scene: &mut Scene, seconds: u64) {
    for _ in 0..seconds {
        scene.pass(1);
        let mut waiting = scene.effects.clone();
        while let Some(effect) = waiting.pop() {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            let answer = match query {
                Query::Account(guest, _, period) => {
                    let mut account = Account::since_boot(&guest, &Origin::default(), &period);
                    let exact = |value| Amount::new(value, Certainty::Exact);
                    let number = f64::from(guest.vmid.get());
                    account.used = Use {
                        cpu_hours: exact(number - 60.0),
                        memory_gb_hours: exact(number * 10.0),
                        network_gb: exact(number / 2.0),
                        storage_gb: Amount::UNKNOWN,
                    };
                    Answer::Account(Box::new((account, Some(Origin::default()))))
                }
                Query::Contents(_, storage) if storage.as_str() == "vmstore" => {
                    let volume = |owner: u64, gigabytes: u64| Volume {
                        id: format!("vmstore:{owner}/vm-{owner}-disk-0.qcow2"),
                        owner: Vmid::new(owner),
                        content: Some(VolumeContent::Image),
                        format: None,
                        size: Some(gigabytes * 1_000_000_000),
                        used: None,
                        parent: None,
                    };
                    Answer::Contents(vec![volume(104, 120), volume(124, 300)])
                }
                Query::Contents(..) => Answer::Contents(Vec::new()),
                Query::FailedTasks(..) => Answer::Tasks(Vec::new()),
                Query::Certificate(_) | Query::TokenEnd => Answer::Ends(None),
                Query::History(..) => Answer::History(Series::default()),
                _ => continue,
            };
            scene.happen(Event::Fetched(ticket, Ok(answer)));
            waiting.extend(scene.effects.clone());
        }
    }
    scene.read();
    scene.pass(1);
}

fn pictures(scene: &Scene, sizes: &[(u16, u16)], unicode: bool) -> String {
    let pictures = sizes.iter().map(|size| {
        let buffer = draw(&scene.state, &theme(unicode), *size);
        format!("{}x{}\n{}", size.0, size.1, pane(&buffer, "Projects"))
    });
    pictures.collect::<Vec<_>>().join("\n")
}

#[test]
fn before_the_guests_are_read_and_after() {
    let mut scene = scene();
    let before = pictures(&scene, &[(120, 40)], true);
    read(&mut scene, 60);
    let after = pictures(&scene, &SIZES, true);
    insta::assert_snapshot!(format!("{before}\n{after}"));
}

#[test]
fn without_unicode() {
    let mut scene = scene();
    read(&mut scene, 60);
    insta::assert_snapshot!(pictures(&scene, &[(80, 24)], false));
}

#[test]
fn since_boot_and_without_projects() {
    let mut since_boot = Scene::new();
    since_boot.press("4");
    let mut none = Scene::of(guests(), |setting| {
        setting.rules.projects = proxdeck::domain::project::Projects::default();
    });
    none.press("4");
    let pictures = [
        pictures(&since_boot, &[(120, 40)], true),
        pictures(&none, &[(80, 24)], true),
    ];
    insta::assert_snapshot!(pictures.join("\n"));
}

#[test]
fn enter_shows_the_guests_of_the_project_under_the_cursor() {
    let mut scene = scene();
    read(&mut scene, 60);
    scene.press("G Enter");
    let lines = scene.lines((120, 40)).join("\n");
    assert!(lines.contains("/project:hub"), "{lines}");
    assert!(lines.contains("131 hub-main"), "{lines}");
    assert!(!lines.contains("104 agent-build-4"), "{lines}");
}

#[test]
fn a_month_begins_at_midnight_of_the_quotas_zone() {
    let mut scene = scene();
    read(&mut scene, 60);
    assert_eq!(
        scene.state.usage.standings()[0].window,
        Window::Month,
        "the first project counts by the month"
    );
    let line = scene.line((120, 40), "November since");
    assert!(line.contains("2026-11-01 00:00 (Europe/Berlin)"), "{line}");
}
