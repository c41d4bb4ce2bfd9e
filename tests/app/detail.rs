//! What is asked and kept of the selected guest.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::{Answer, Effect, Event, Query, Ticket};
use proxdeck::domain::chart::Channel;
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::guest::{Guest, Status};
use proxdeck::domain::guest_status::GuestStatus;
use proxdeck::domain::history::{Averages, Series, Span};
use proxdeck::domain::inventory::{Link, LinkState};
use proxdeck::domain::rates::{Counters, Rates};

use crate::world::{Desk, guest, vmid};

const SECOND: Duration = Duration::from_secs(1);

fn asked_status(effects: &[Effect]) -> Vec<Ticket> {
    let mut asked = Vec::new();
    for effect in effects {
        if let Effect::Fetch(ticket, Query::Status(_)) = effect {
            asked.push(*ticket);
        }
    }
    asked
}

fn asked_history(effects: &[Effect]) -> Vec<(Ticket, Span)> {
    let mut asked = Vec::new();
    for effect in effects {
        if let Effect::Fetch(ticket, Query::History(_, span)) = effect {
            asked.push((*ticket, *span));
        }
    }
    asked
}

fn counts(effects: &[Effect]) -> (usize, usize) {
    (asked_status(effects).len(), asked_history(effects).len())
}

/// A guest whose every counter has grown by so many bytes each second of its life.
fn busy(number: u64, uptime: u64, rate: u64) -> Guest {
    let mut guest = guest(number, "busy");
    let bytes = Some(uptime * rate);
    guest.figures.uptime = Some(Duration::from_secs(uptime));
    guest.figures.net_in = bytes;
    guest.figures.net_out = bytes;
    guest.figures.disk_read = bytes;
    guest.figures.disk_write = bytes;
    guest
}

fn status(uptime: u64, rate: u64) -> GuestStatus {
    let bytes = Some(uptime * rate);
    GuestStatus {
        uptime: Some(Duration::from_secs(uptime)),
        cpu: Some(0.99),
        counters: Counters {
            net_in: bytes,
            net_out: bytes,
            disk_read: bytes,
            disk_write: bytes,
        },
        ..GuestStatus::default()
    }
}

fn answer(desk: &mut Desk, effects: &[Effect], present: &GuestStatus) {
    for ticket in asked_status(effects) {
        let answer = Answer::Status(Box::new(present.clone()));
        desk.happen(Event::Fetched(ticket, Ok(answer)));
    }
    for (ticket, _) in asked_history(effects) {
        let answer = Answer::History(Series::default());
        desk.happen(Event::Fetched(ticket, Ok(answer)));
    }
}

fn rates(desk: &Desk) -> Rates {
    let guest = &desk.state.selected_guest().unwrap().guest;
    desk.state
        .detail
        .of(guest)
        .map(|watched| watched.rates(desk.now.moment))
        .unwrap_or_default()
}

#[test]
fn the_present_and_the_hour_are_asked_for_once_where_the_cursor_rests() {
    let mut desk = Desk::with(vec![guest(100, "one"), guest(101, "two")]);
    assert_eq!(counts(&desk.press("j")), (0, 0));
    assert_eq!(counts(&desk.wait(Duration::from_millis(199))), (0, 0));
    let effects = desk.wait(Duration::from_millis(1));
    assert_eq!(counts(&effects), (1, 1));
    assert_eq!(asked_history(&effects)[0].1, Span::Hour);
    assert_eq!(
        counts(&desk.wait(30 * SECOND)),
        (0, 0),
        "the answers are still awaited"
    );
}

#[test]
fn nothing_is_asked_of_what_cannot_answer() {
    let with_status = |status: Status| {
        let mut guest = guest(100, "one");
        guest.status = status;
        guest
    };
    let mut template = guest(100, "one");
    template.template = true;
    for (guest, expected) in [
        (with_status(Status::Stopped), 0),
        (with_status(Status::Suspended), 0),
        (with_status(Status::Unknown), 0),
        (template, 0),
        (with_status(Status::Paused), 1),
        (with_status(Status::IoError), 1),
    ] {
        let word = format!("{} {}", guest.status, guest.template);
        let mut desk = Desk::with(vec![guest]);
        assert_eq!(counts(&desk.wait(SECOND)), (expected, expected), "{word}");
    }
}

#[test]
fn nothing_is_asked_of_a_guest_that_stands_still_or_without_a_link_or_out_of_sight() {
    let mut still = Desk::with(vec![guest(100, "one")]);
    still.now.moment = still.now.moment.later(40 * SECOND);
    assert_eq!(counts(&still.inventory(vec![guest(100, "one")])), (0, 0));

    let mut cut_off = Desk::with(vec![guest(100, "one")]);
    cut_off.happen(Event::Link(Link {
        state: LinkState::Down {
            failure: Box::new(Failure::new(FailureKind::Unreachable, "no route")),
            since: cut_off.now.moment,
            retry: cut_off.now.moment,
        },
        ..Link::default()
    }));
    assert_eq!(counts(&cut_off.wait(SECOND)), (0, 0));

    let mut elsewhere = Desk::with(vec![guest(100, "one")]);
    elsewhere.press("5");
    assert_eq!(counts(&elsewhere.wait(SECOND)), (0, 0));
    assert_eq!(
        counts(&elsewhere.press("1")),
        (1, 1),
        "asked at once on return"
    );
}

#[test]
fn ten_minutes_on_one_guest_cost_at_most_twelve_readings_a_minute_and_one_history() {
    let mut desk = Desk::with(vec![busy(100, 1000, 10)]);
    let (mut present, mut past) = (0, 0);
    for second in 1..=600 {
        let mut effects = desk.wait(SECOND);
        if second % 5 == 0 {
            effects.extend(desk.inventory(vec![busy(100, 1000 + second, 10)]));
        }
        let (some, more) = counts(&effects);
        present += some;
        past += more;
        answer(&mut desk, &effects, &status(1000 + second, 10));
    }
    assert!((100..=120).contains(&present), "{present}");
    assert!((9..=10).contains(&past), "{past}");
}

#[test]
fn a_roaming_cursor_stays_within_the_budget_of_every_minute() {
    let guests = || (100..200).map(|number| guest(number, "x")).collect();
    let mut desk = Desk::with(guests());
    let mut asked = Vec::new();
    for step in 0..2400 {
        let key = if step / 99 % 2 == 0 { "j" } else { "k" };
        let mut effects = desk.press(key);
        effects.extend(desk.wait(Duration::from_millis(250)));
        asked.push(counts(&effects));
        answer(&mut desk, &effects, &status(1000 + step / 4, 10));
        if step % 20 == 0 {
            let mut fresh: Vec<Guest> = guests();
            for guest in &mut fresh {
                guest.figures.uptime = Some(Duration::from_secs(3600 + step / 4));
            }
            desk.inventory(fresh);
        }
    }
    for minute in asked.windows(240) {
        let present: usize = minute.iter().map(|(present, _)| present).sum();
        let past: usize = minute.iter().map(|(_, past)| past).sum();
        assert!(present <= 12, "{present}");
        assert!(past <= 16, "{past}");
    }
    let all: usize = asked.iter().map(|(present, _)| present).sum();
    assert!(all > 100, "the budget is used: {all}");
}

#[test]
fn a_longer_span_is_asked_for_and_a_known_one_is_not() {
    let mut desk = Desk::with(vec![guest(100, "one")]);
    let effects = desk.wait(SECOND);
    answer(&mut desk, &effects, &status(1, 1));
    let effects = desk.press("]");
    assert_eq!(asked_history(&effects)[0].1, Span::Day);
    answer(&mut desk, &effects, &status(1, 1));
    assert_eq!(desk.state.detail.span(), Span::Day);
    assert_eq!(counts(&desk.press("[")).1, 0);
    assert_eq!(desk.state.detail.span(), Span::Hour);
    desk.press("[");
    assert_eq!(desk.state.detail.span(), Span::Hour);
}

#[test]
fn a_late_answer_belongs_to_its_guest_and_one_to_nobody_changes_nothing() {
    let mut desk = Desk::with(vec![guest(100, "one"), guest(101, "two")]);
    let first = desk.wait(SECOND);
    desk.press("j");
    desk.wait(6 * SECOND);
    answer(&mut desk, &first, &status(77, 1));
    let uptime = |desk: &Desk, number| {
        let resources = desk.state.inventory.resources.value().unwrap();
        let guest = &resources.guest(vmid(number)).unwrap().guest;
        desk.state
            .detail
            .of(guest)
            .and_then(|watched| watched.status().value()?.uptime)
    };
    assert_eq!(uptime(&desk, 100), Some(Duration::from_secs(77)));
    assert_eq!(uptime(&desk, 101), None);
    let before = desk.state.clone();
    answer(&mut desk, &first, &status(99, 1));
    assert_eq!(
        desk.state, before,
        "the same question is not answered twice"
    );
}

#[test]
fn a_failed_part_says_why_and_is_asked_again_when_it_may_help() {
    for (kind, pause) in [
        (FailureKind::NodeUnreachable, 10),
        (FailureKind::Forbidden, 60),
    ] {
        let mut desk = Desk::with(vec![guest(100, "one")]);
        let effects = desk.wait(SECOND);
        let failure = Failure::new(kind, "no");
        for ticket in asked_status(&effects) {
            desk.happen(Event::Fetched(ticket, Err(failure.clone())));
        }
        let guest = desk.state.selected_guest().unwrap().guest.clone();
        let watched = desk.state.detail.of(&guest).unwrap();
        assert_eq!(watched.status().failure(), Some(&failure));
        assert_eq!(
            watched.history(Span::Hour).unwrap().failure(),
            None,
            "each part fails alone"
        );
        // Its uptime keeps moving, or it would count as stale.
        let mut again = guest;
        let mut refresh = |desk: &mut Desk, uptime| {
            again.figures.uptime = Some(Duration::from_secs(uptime));
            desk.inventory(vec![again.clone()])
        };
        desk.now.moment = desk.now.moment.later((pause - 1) * SECOND);
        assert_eq!(asked_status(&refresh(&mut desk, 5000)).len(), 0, "{kind:?}");
        desk.now.moment = desk.now.moment.later(SECOND);
        assert_eq!(asked_status(&refresh(&mut desk, 5001)).len(), 1, "{kind:?}");
    }
}

#[test]
fn pitfall_14_rates_come_from_the_list_where_the_node_says_nothing() {
    let mut desk = Desk::with(vec![busy(100, 1000, 500)]);
    // The list is read every 5 s and moves every 10 s.
    for (wait, uptime) in [(5, 1000), (5, 1010), (5, 1010), (5, 1020), (5, 1020)] {
        desk.now.moment = desk.now.moment.later(wait * SECOND);
        desk.inventory(vec![busy(100, uptime, 500)]);
        if uptime > 1000 {
            let rate = rates(&desk).net_in.unwrap();
            assert!((450.0..=560.0).contains(&rate), "{rate}");
        }
    }
}

#[test]
fn pitfall_14_a_restarted_guest_has_no_rate_until_it_was_read_twice() {
    let mut desk = Desk::with(vec![busy(100, 1000, 500)]);
    let effects = desk.wait(SECOND);
    answer(&mut desk, &effects, &status(1001, 500));
    for (uptime, known) in [(1006, true), (2, false), (7, true)] {
        let effects = desk.wait(5 * SECOND);
        answer(&mut desk, &effects, &status(uptime, 500));
        assert_eq!(rates(&desk).disk_write.is_some(), known, "{uptime}");
    }
    assert_eq!(rates(&desk).disk_write, Some(500.0));
}

#[test]
fn pitfall_15_curves_take_the_processor_from_the_list_and_the_rates_from_the_node() {
    let mut desk = Desk::with(vec![busy(100, 1000, 500)]);
    for uptime in [1001, 1006] {
        let effects = desk.wait(5 * SECOND);
        answer(&mut desk, &effects, &status(uptime, 700));
    }
    let guest = &desk.state.selected_guest().unwrap().guest;
    let watched = desk.state.detail.of(guest).unwrap();
    let samples = watched.samples(Span::Hour);
    let sample = samples.last().unwrap();
    assert_eq!(Channel::Cpu.of(&sample.averages), Some(0.5));
    assert_eq!(Channel::NetIn.of(&sample.averages), Some(700.0));
}

#[test]
fn curves_begin_with_the_server_s_history() {
    let mut desk = Desk::with(vec![busy(100, 1000, 500)]);
    let effects = desk.wait(SECOND);
    let end = desk.now.wall.timestamp() - 60;
    let rows: Vec<(i64, Averages)> = (0..60)
        .map(|minute| {
            let averages = Averages {
                cpu: Some(0.25),
                ..Averages::default()
            };
            (end - 60 * minute, averages)
        })
        .collect();
    for (ticket, span) in asked_history(&effects) {
        let series = Series::new(span, rows.clone());
        desk.happen(Event::Fetched(ticket, Ok(Answer::History(series))));
    }
    let guest = &desk.state.selected_guest().unwrap().guest;
    assert_eq!(
        desk.state
            .detail
            .of(guest)
            .unwrap()
            .samples(Span::Hour)
            .len(),
        60
    );
}

#[test]
fn a_stranger_with_a_known_number_begins_anew() {
    let mut desk = Desk::with(vec![busy(100, 1000, 500)]);
    for uptime in [1001, 1006] {
        let effects = desk.wait(5 * SECOND);
        answer(&mut desk, &effects, &status(uptime, 700));
    }
    assert!(!rates(&desk).is_unknown());
    let mut stranger = busy(100, 2000, 900);
    stranger.name = Some("stranger".into());
    desk.inventory(vec![stranger]);
    assert!(rates(&desk).is_unknown());
}

#[test]
fn only_a_few_guests_are_kept() {
    let mut desk = Desk::with((100..120).map(|number| guest(number, "x")).collect());
    for _ in 0..19 {
        desk.press("j");
        let effects = desk.wait(6 * SECOND);
        answer(&mut desk, &effects, &status(1, 1));
        let fresh = (100..120).map(|number| {
            let mut guest = guest(number, "x");
            guest.figures.uptime = Some(desk.now.moment.since(crate::world::start().moment));
            guest
        });
        let fresh = fresh.collect();
        desk.inventory(fresh);
    }
    let resources = desk.state.inventory.resources.value().unwrap();
    let kept = resources
        .guests
        .iter()
        .filter(|seen| desk.state.detail.of(&seen.guest).is_some());
    assert_eq!(kept.count(), 8);
}
