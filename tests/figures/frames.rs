//! A frame costs what is on the screen, not what is in the cluster.

use std::time::Duration;

use allocation_counter::AllocationInfo;
use proxdeck::app::networks::GuestNetwork;
use proxdeck::app::{Answer, Event, Query};
use proxdeck::domain::firewall::{ClusterFirewall, GuestFirewall};
use proxdeck::domain::guest::GuestRef;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::history::Series;
use proxdeck::domain::network::{self, Current, Resolved};
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::usage::{Account, Origin};
use proxdeck::ui::{self, ColorDepth, Theme, Viewport};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::fleet::{Desk, Watcher, profile, wall};

const VIEWS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];
const SIZES: [(u16, u16); 2] = [(80, 24), (200, 60)];

/// So many guests fill every table on the screen, that of their alerts too.
const ENOUGH: usize = 500;

/// So many guests have their fences read before anything is drawn.
const FENCES: usize = 24;

/// Answers what is asked about fences: by turns one as its profile says, one that differs, and none.
fn read_fences(desk: &mut Desk) {
    let mut read = 0;
    for _ in 0..1_000 {
        for (ticket, query) in std::mem::take(&mut desk.asked) {
            let answer = match query {
                Query::Network(guest) => {
                    read += 1;
                    Answer::Network(Box::new(network(&guest, read)))
                }
                Query::Datacenter => Answer::Datacenter(Box::default()),
                Query::Snapshots(_) => Answer::Snapshots(SnapshotList::default()),
                Query::Account(guest, _, period) => {
                    let account = Account::since_boot(&guest, &Origin::default(), &period);
                    Answer::Account(Box::new((account, Some(Origin::default()))))
                }
                Query::Contents(..) => Answer::Contents(Vec::new()),
                Query::FailedTasks(..) => Answer::Tasks(Vec::new()),
                Query::Certificate(_) => Answer::Ends(None),
                Query::History(..) => Answer::History(Series::default()),
                _ => continue,
            };
            desk.happen(Event::Fetched(ticket, Ok(answer)));
        }
        if read >= FENCES {
            return;
        }
        desk.wait(Duration::from_secs(1));
    }
    panic!("{read} fences were asked for");
}

/// What stands between a guest and the network.
fn network(guest: &GuestRef, turn: usize) -> GuestNetwork {
    let card = "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1";
    let config = GuestConfig::new([("net0".to_owned(), card.into())], None);
    let mut firewall = GuestFirewall::default();
    if !turn.is_multiple_of(3) {
        let profile = profile("api_access");
        let address = "140.82.121.6".parse().unwrap();
        let resolved = Resolved::new(wall()).with("api.github.com", Ok(vec![address]));
        let current = Current {
            config: Ok(config.clone()),
            firewall: Ok(firewall.clone()),
            cluster: ClusterFirewall::default(),
        };
        let plan = network::plan(guest, &profile, &resolved, &current);
        for step in plan.steps() {
            step.action.apply_to(&mut firewall);
        }
    }
    if turn % 3 == 1 {
        firewall.rules.list.pop();
    }
    (config, firewall)
}

/// Counts what one frame of each view allocates, in each size.
fn frames(mut desk: Desk) -> Vec<(String, AllocationInfo)> {
    read_fences(&mut desk);
    // What was read of projects is reckoned with at the next reading.
    let reading = desk.reading(50);
    desk.happen(reading);
    let fold = desk.state.profiles.fold("api_access");
    assert!(
        !fold.kept.is_empty() && !fold.drifted.is_empty(),
        "{fold:?}"
    );
    let theme = Theme::load("dark", ColorDepth::True, true).unwrap();
    let mut costs = Vec::new();
    for view in VIEWS {
        desk.press(view);
        for _ in 0..70 {
            desk.press("j");
        }
        for (columns, rows) in SIZES {
            let mut viewport = Viewport::default();
            let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
            let mut draw = || {
                let drawn =
                    terminal.draw(|frame| ui::draw(frame, &desk.state, &theme, &mut viewport));
                drawn.unwrap();
            };
            // The first frame fills what is kept from frame to frame.
            draw();
            let cost = allocation_counter::measure(draw);
            costs.push((format!("view {view} at {columns}x{rows}"), cost));
        }
    }
    costs
}

/// Holds the frames of a large fleet against those of a small one.
fn compare(what: &str, desk: impl Fn(usize) -> Desk) {
    for ((frame, few), (_, many)) in frames(desk(ENOUGH)).into_iter().zip(frames(desk(10_000))) {
        // Numbers and names are longer by a digit or two.
        let most = |few: u64| few + few / 10 + 64;
        assert!(
            many.count_total <= most(few.count_total),
            "{what}, {frame}: {} allocations for {ENOUGH} guests, {} for 10,000",
            few.count_total,
            many.count_total
        );
        assert!(
            many.bytes_total <= most(few.bytes_total),
            "{what}, {frame}: {} bytes allocated for {ENOUGH} guests, {} for 10,000",
            few.bytes_total,
            many.bytes_total
        );
    }
}

#[test]
fn a_frame_of_ten_thousand_guests_allocates_what_one_of_some_hundred_does() {
    compare("an operator", Desk::new);
}

#[test]
fn it_does_for_who_may_change_nothing() {
    compare("an auditor", |guests| Desk::of(Watcher::Auditor, guests));
}

#[test]
fn it_does_with_all_of_them_marked() {
    for watcher in [Watcher::Operator, Watcher::Auditor] {
        compare(&format!("all marked, {watcher:?}"), |guests| {
            let mut desk = Desk::of(watcher, guests);
            desk.press("1");
            desk.press("*");
            desk
        });
    }
}
