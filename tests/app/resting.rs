//! A node that leaves questions unanswered: the background asks others, and counts what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::app::reading_queue::MOST_A_MINUTE;
use proxdeck::app::state::Rules;
use proxdeck::app::{Answer, Effect, Event, Query, Spent, Ticket};
use proxdeck::domain::failure::{Failure, FailureKind};
use proxdeck::domain::firewall::GuestFirewall;
use proxdeck::domain::guest::Guest;
use proxdeck::domain::guest_config::GuestConfig;
use proxdeck::domain::network::NetworkProfile;
use proxdeck::domain::selection::Selection;
use proxdeck::domain::snapshot::SnapshotList;
use proxdeck::domain::time::Moment;

use crate::index::asked;
use crate::world::{Desk, guest, vmid};

const SECOND: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_secs(30);

/// Guests on two nodes: those with even numbers on pve1, the others on pve2.
fn guests(count: u64) -> Vec<Guest> {
    let mut all: Vec<Guest> = (100..100 + count)
        .map(|number| guest(number, &format!("guest-{number}")))
        .collect();
    for guest in all.iter_mut().filter(|guest| is_odd(guest.vmid.get())) {
        guest.node = "pve2".parse().unwrap();
    }
    all
}

fn is_odd(number: u32) -> bool {
    number % 2 == 1
}

/// A node that leaves every question unanswered, as the client tells of it.
struct Silent {
    /// Until when it is left alone.
    until: Option<Moment>,
    /// Who was asked about although it is left alone.
    in_vain: usize,
    sent: usize,
}

impl Silent {
    fn new() -> Self {
        Self {
            until: None,
            in_vain: 0,
            sent: 0,
        }
    }

    fn resting(&self, now: Moment) -> BTreeMap<proxdeck::domain::id::NodeName, Duration> {
        let left = self.until.filter(|until| *until > now);
        let left = left.map(|until| ("pve2".parse().unwrap(), until.since(now)));
        left.into_iter().collect()
    }

    /// Answers questions for lists, and those that the answers bring about.
    fn answer(&mut self, desk: &mut Desk, effects: &[Effect]) -> Vec<u32> {
        let mut waiting = asked(effects);
        let mut answered = Vec::new();
        while let Some((ticket, number)) = waiting.pop() {
            let now = desk.now.moment;
            let (requests, result) = if is_odd(number) {
                let rests = self.until.is_some_and(|until| until > now);
                self.in_vain += usize::from(rests);
                self.sent += usize::from(!rests);
                self.until = Some(now.later(REST));
                (usize::from(!rests), Err(unreachable()))
            } else {
                answered.push(number);
                (1, Ok(Answer::Snapshots(SnapshotList::default())))
            };
            let spent = Spent {
                requests,
                resting: self.resting(now),
            };
            waiting.extend(asked(&desk.happen(Event::Spent(ticket, spent))));
            waiting.extend(asked(&desk.happen(Event::Fetched(ticket, result))));
        }
        answered
    }
}

fn unreachable() -> Failure {
    Failure::new(FailureKind::NodeUnreachable, "no answer")
}

#[test]
fn guests_of_other_nodes_are_read_while_one_leaves_questions_unanswered() {
    let mut desk = Desk::with(guests(40));
    let mut node = Silent::new();
    let mut read = BTreeSet::new();
    for _ in 0..20 {
        let effects = desk.wait(SECOND);
        read.extend(node.answer(&mut desk, &effects));
    }
    assert_eq!(read.len(), 20, "all of the other node: {read:?}");
    assert!(node.sent <= 3, "{} waited for", node.sent);
    assert!(node.in_vain <= 2, "{} asked in vain", node.in_vain);
}

#[test]
fn after_its_rest_one_guest_finds_out_and_when_the_node_answers_the_others_follow() {
    let mut desk = Desk::with(guests(12));
    let mut node = Silent::new();
    for _ in 0..20 {
        let effects = desk.wait(SECOND);
        node.answer(&mut desk, &effects);
    }
    let (sent, in_vain) = (node.sent, node.in_vain);
    let questions: Vec<(Ticket, u32)> = (0..30)
        .flat_map(|_| asked(&desk.wait(SECOND)))
        .filter(|(_, number)| is_odd(*number))
        .collect();
    assert_eq!(questions.len(), 1, "one alone finds out");
    assert_eq!((node.sent, node.in_vain), (sent, in_vain));
    // It answers again.
    let mut answered = BTreeSet::new();
    let mut waiting = questions;
    for _ in 0..60 {
        while let Some((ticket, number)) = waiting.pop() {
            answered.insert(number);
            let spent = Spent {
                requests: 1,
                ..Spent::default()
            };
            desk.happen(Event::Spent(ticket, spent));
            let list = Ok(Answer::Snapshots(SnapshotList::default()));
            waiting.extend(asked(&desk.happen(Event::Fetched(ticket, list))));
        }
        waiting.extend(asked(&desk.wait(SECOND)));
    }
    let silent: Vec<u32> = (100..112).filter(|number| is_odd(*number)).collect();
    let missing: Vec<&u32> = silent.iter().filter(|it| !answered.contains(it)).collect();
    assert_eq!(missing, Vec::<&u32>::new());
}

#[test]
fn what_was_not_sent_is_not_counted() {
    let mut desk = Desk::with(guests(2));
    let effects = desk.wait(SECOND);
    let (ticket, _) = asked(&effects)[0];
    let lists = |desk: &Desk| {
        let lists = desk.state.snapshots.lists();
        lists.asked_in_last_minute(desk.now.moment)
    };
    assert_eq!(lists(&desk), 1);
    desk.happen(Event::Spent(ticket, Spent::default()));
    assert_eq!(lists(&desk), 0);
    desk.happen(Event::Fetched(ticket, Err(unreachable())));
    assert_eq!(lists(&desk), 0);
}

/// A desk whose guests are all looked after by a profile.
fn fenced(count: u64) -> Desk {
    let mut desk = Desk::new(false);
    desk.state.setting.rules = Rules {
        profiles: vec![NetworkProfile {
            name: "api_access".to_owned(),
            bridge: "vmbr1".parse().unwrap(),
            firewall: true,
            allow: Vec::new(),
            block: Vec::new(),
            allow_in: None,
            dns: None,
        }],
        selection: Selection::new(true, &[], &[], &[]).unwrap(),
        ..Rules::default()
    };
    desk.inventory(guests(count));
    desk
}

#[test]
fn a_fence_with_many_sets_is_counted_by_what_was_sent() {
    const DEAR: usize = 17;
    let mut desk = fenced(500);
    let mut sent: Vec<Moment> = Vec::new();
    let mut fences = 0;
    for _ in 0..600 {
        let mut waiting = desk.wait(SECOND);
        while let Some(effect) = waiting.pop() {
            let Effect::Fetch(ticket, query) = effect else {
                continue;
            };
            // The guest under the cursor waits for no minute.
            let is_looked_at = matches!(&query, Query::Snapshots(guest) if guest.vmid == vmid(100));
            let (requests, answer) = match query {
                Query::Network(_) => {
                    fences += 1;
                    let network = (GuestConfig::default(), GuestFirewall::default());
                    (DEAR, Answer::Network(Box::new(network)))
                }
                Query::Datacenter => (30, Answer::Datacenter(Box::default())),
                Query::Snapshots(_) => (1, Answer::Snapshots(SnapshotList::default())),
                _ => continue,
            };
            if !is_looked_at {
                sent.extend(std::iter::repeat_n(desk.now.moment, requests));
            }
            let spent = Spent {
                requests,
                ..Spent::default()
            };
            desk.happen(Event::Spent(ticket, spent));
            waiting.extend(desk.happen(Event::Fetched(ticket, Ok(answer))));
        }
    }
    for (first, from) in sent.iter().enumerate() {
        let within = |at: &&Moment| at.since(*from) < 60 * SECOND;
        let count = sent[first..].iter().take_while(within).count();
        assert!(count <= MOST_A_MINUTE, "{count} in a minute");
    }
    assert!(fences >= 15, "{fences} in ten minutes");
    assert!(sent.len() >= 400, "{} in ten minutes", sent.len());
}
