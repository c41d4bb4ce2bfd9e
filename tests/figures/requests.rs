//! What is asked of a server in any minute, whatever its size (SPEC §1.1).
//!
//! The clock is an argument, so that minutes pass in moments.

use std::collections::VecDeque;
use std::time::Duration;

use proxdeck::app::{Answer, Event, Query, Spent, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::history::Series;
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::time::Moment;
use proxdeck::domain::usage::{Account, Origin};
use proxdeck::runtime::cadence::{Beats, Question};

use crate::fleet::Desk;

const MINUTES: u64 = 2;
/// The loop wakes at least so often.
const STEP: Duration = Duration::from_millis(250);
/// So long a server takes to answer, in steps.
const LATENCY: usize = 1;

/// When requests were sent.
#[derive(Default)]
struct Sent {
    /// For what is watched.
    foreground: Vec<Moment>,
    /// For what is read guest by guest.
    background: Vec<Moment>,
}

/// Watches a fleet for some minutes, with the cursor on one guest.
fn watch(guests: usize) -> Sent {
    let mut desk = Desk::new(guests);
    let mut beats = Beats::new(Duration::from_secs(5), desk.now.moment);
    let mut sent = Sent::default();
    let mut flying: VecDeque<Vec<(Ticket, Query)>> = vec![Vec::new(); LATENCY].into();
    // What was asked before is answered, and was sent in another minute.
    flying[0] = std::mem::take(&mut desk.asked);
    let readings = [desk.reading(50), desk.reading(60)];
    for step in 0..MINUTES * 60 * 4 {
        let now = desk.now.moment;
        for question in beats.take_off(now, false) {
            sent.foreground.push(now);
            beats.land(question, now, false);
            if question == Question::Resources {
                let reading = readings[(step / 20 % 2) as usize].clone();
                desk.happen(reading);
            }
        }
        for (ticket, query) in flying.pop_front().unwrap() {
            let (requests, _) = cost(&query, &desk);
            let spent = Spent {
                requests,
                ..Spent::default()
            };
            desk.happen(Event::Spent(ticket, spent));
            desk.happen(Event::Fetched(ticket, answer(query)));
        }
        desk.wait(STEP);
        let asked = std::mem::take(&mut desk.asked);
        for (_, query) in &asked {
            let (requests, in_background) = cost(query, &desk);
            let list = if in_background {
                &mut sent.background
            } else {
                &mut sent.foreground
            };
            list.extend(std::iter::repeat_n(now, requests));
        }
        flying.push_back(asked);
    }
    sent
}

/// Returns how many requests a question is, and whether it is one of the background's.
fn cost(query: &Query, desk: &Desk) -> (usize, bool) {
    let cursor = desk.state.guests.cursor();
    match query {
        // A configuration, and the averages of a week and of a day.
        Query::Account(..) => (3, true),
        // A configuration, options, rules, sets and aliases, and the members of seven sets.
        Query::Network(_) => (12, true),
        // Its switch, sets, aliases and groups, and what some of them hold.
        Query::Datacenter => (9, true),
        Query::Snapshots(guest) | Query::History(guest, _) => (1, Some(guest.vmid) != cursor),
        Query::FailedTasks(..) | Query::Certificate(_) | Query::Contents(..) | Query::Config(_) => {
            (1, true)
        }
        _ => (1, false),
    }
}

fn answer(query: Query) -> Result<Answer, Failure> {
    Ok(match query {
        Query::Snapshots(_) => Answer::Snapshots(SnapshotList::default()),
        Query::Status(_) => Answer::Status(Box::default()),
        Query::History(..) => Answer::History(Series::default()),
        Query::Account(guest, _, period) => {
            let account = Account::since_boot(&guest, &Origin::default(), &period);
            Answer::Account(Box::new((account, Some(Origin::default()))))
        }
        Query::Contents(..) => Answer::Contents(Vec::new()),
        Query::Zone(_) => Answer::Zone(None),
        Query::Pools => Answer::Pools(Vec::new()),
        Query::FailedTasks(..) => Answer::Tasks(Vec::new()),
        Query::Certificate(_) | Query::TokenEnd => Answer::Ends(None),
        Query::Network(_) => {
            let config = GuestConfig::new(Vec::new(), None);
            Answer::Network(Box::new((config, GuestFirewall::default())))
        }
        Query::Datacenter => Answer::Datacenter(Box::default()),
        _ => return Err(Failure::new(FailureKind::Forbidden, "no")),
    })
}

/// Returns the most that were sent in any minute.
fn most_in_a_minute(sent: &[Moment]) -> usize {
    let within = |(first, from): (usize, &Moment)| {
        let later = sent[first..].iter();
        later
            .take_while(|at| at.since(*from) < Duration::from_secs(60))
            .count()
    };
    sent.iter().enumerate().map(within).max().unwrap_or(0)
}

#[test]
fn watching_costs_at_most_40_requests_a_minute_and_the_background_60_whatever_the_fleet() {
    for guests in [10, 1_000, 10_000] {
        let mut sent = watch(guests);
        sent.foreground.sort();
        let foreground = most_in_a_minute(&sent.foreground);
        let background = most_in_a_minute(&sent.background);
        assert!(
            foreground <= 40,
            "{guests} guests: {foreground} in the foreground"
        );
        assert!(
            background <= 60,
            "{guests} guests: {background} in the background"
        );
        // The guard would be worth nothing if nothing were asked.
        assert!(
            foreground >= 20,
            "{guests} guests: {foreground} in the foreground"
        );
        assert!(
            background >= 50 || guests == 10,
            "{guests} guests: {background} in the background"
        );
    }
}
