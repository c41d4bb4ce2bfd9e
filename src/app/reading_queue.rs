//! Which list of snapshots is read next in the background, and when (SPEC §1.1).
//!
//! What must be read guest by guest may cost at most 60 requests a minute and 4 at once, whatever
//! the number of guests; with many of them each is read as often as that allows. Whoever reads a
//! list for another reason (the selected guest, an open plan) never waits here, but is counted, so
//! that the background stands back. This is the rule alone: it asks nothing and keeps no list.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::id::Vmid;
use crate::domain::time::Moment;

/// So many lists are read at once; one of these places is left to the guest under the cursor.
pub const AT_ONCE: usize = 4;
/// So many lists are read in any minute.
pub const MOST_A_MINUTE: usize = 60;
/// A list that nothing is known to have changed is read again after so long.
pub const READ_AGAIN: Duration = Duration::from_secs(3600);

const MINUTE: Duration = Duration::from_secs(60);
/// The first screen and what is read for it come before everything else.
const START_AFTER: Duration = Duration::from_secs(2);
/// After a quiet minute so many are read as fast as they are answered; a small cluster is known
/// within seconds.
const BRISK: usize = 30;
/// The others keep this distance: a second, less what the tick of the loop may come early.
const CALM: Duration = Duration::from_millis(900);
/// After a first failure so long passes, after each further one twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(30);

/// How a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was never asked for.
    Unread,
    /// It is asked for, and the answer awaited.
    Asked,
    /// It was read, and has changed since.
    Changed,
    /// Its node is left alone until then.
    Resting(Moment),
    /// It was read then.
    Read(Moment),
    /// Reading it failed.
    Failed {
        /// When.
        at: Moment,
        /// How many times in a row.
        times: u32,
        /// Whether the server refuses, so that asking again soon is of no use.
        refused: bool,
    },
}

/// What comes first among lists that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// What is shown of it is known to be wrong.
    Wrong,
    /// Nothing is known of it.
    Unknown,
    /// What is known of it is old.
    Old,
}

impl Standing {
    /// Returns how urgent its next reading is, and when it is due; absent while it is under way.
    fn due(self) -> Option<(Urgency, Moment)> {
        match self {
            Self::Asked => None,
            Self::Changed => Some((Urgency::Wrong, Moment::default())),
            Self::Unread => Some((Urgency::Unknown, Moment::default())),
            Self::Resting(until) => Some((Urgency::Old, until)),
            Self::Read(at) => Some((Urgency::Old, at.later(READ_AGAIN))),
            Self::Failed { at, times, refused } => {
                let doubled = FIRST_RETRY.saturating_mul(1 << times.saturating_sub(1).min(10));
                let pause = if refused { READ_AGAIN } else { doubled };
                Some((Urgency::Old, at.later(pause.min(READ_AGAIN))))
            }
        }
    }
}

/// The pace of reading, and what it has cost lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadingQueue {
    /// When something was asked for within the last minute, oldest first.
    asked: VecDeque<Moment>,
    /// When the background begins; absent before it was first asked.
    starts: Option<Moment>,
    /// Before this moment nothing is due unless something happens.
    quiet_until: Moment,
}

impl ReadingQueue {
    /// Takes back so many requests that were noted then and never sent.
    pub fn take_back(&mut self, then: Moment, requests: usize) {
        for _ in 0..requests {
            let Some(place) = self.asked.iter().rposition(|at| *at == then) else {
                return;
            };
            self.asked.remove(place);
        }
    }

    /// Notes that a list is asked for, by whomever.
    pub fn note(&mut self, now: Moment) {
        let is_old = |at: &mut Moment| now.since(*at) >= MINUTE;
        while self.asked.pop_front_if(is_old).is_some() {}
        self.asked.push_back(now);
    }

    /// Returns how many lists were asked for in the last minute, as far as that can be too many.
    pub fn in_last_minute(&self, now: Moment) -> usize {
        let recent = |at: &&Moment| now.since(**at) < MINUTE;
        let recent = self.asked.iter().rev().take_while(recent);
        recent.take(MOST_A_MINUTE).count()
    }

    /// Notes that something happened that may make a list due.
    pub fn look_again(&mut self) {
        self.quiet_until = Moment::default();
    }

    /// Names the list to be read now, if any may be read; `flying` answers are awaited.
    ///
    /// Known changes come first, then what was never read, then the oldest.
    pub fn next(
        &mut self,
        now: Moment,
        flying: usize,
        lists: impl IntoIterator<Item = (Vmid, Standing)>,
    ) -> Option<Vmid> {
        if !self.permits(now, flying) {
            return None;
        }
        let mut first = None;
        let mut later = now.later(READ_AGAIN);
        for (vmid, standing) in lists {
            let Some((urgency, due)) = standing.due() else {
                continue;
            };
            if due > now {
                later = later.min(due);
                continue;
            }
            let rank = (urgency, due, vmid);
            if first.is_none_or(|best| rank < best) {
                first = Some(rank);
            }
        }
        if first.is_none() {
            self.quiet_until = later;
        }
        first.map(|(_, _, vmid)| vmid)
    }

    fn permits(&mut self, now: Moment, flying: usize) -> bool {
        now >= self.quiet_until && self.has_room(now, flying)
    }

    /// Tells whether anything may be asked for now, with so many answers awaited.
    pub fn has_room(&mut self, now: Moment, flying: usize) -> bool {
        let starts = *self.starts.get_or_insert(now.later(START_AFTER));
        if now < starts || flying + 1 >= AT_ONCE {
            return false;
        }
        let recent = self.in_last_minute(now);
        let rested = || {
            let last = self.asked.back();
            last.is_none_or(|last| now.since(*last) >= CALM)
        };
        recent < MOST_A_MINUTE && (recent < BRISK || rested())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use pretty_assertions::assert_eq;

    use super::*;

    fn at(milliseconds: u64) -> Moment {
        Moment::after_start(Duration::from_millis(milliseconds))
    }

    fn vmid(number: u64) -> Vmid {
        Vmid::new(number).unwrap()
    }

    /// A queue that has begun.
    fn begun() -> ReadingQueue {
        let mut queue = ReadingQueue::default();
        assert_eq!(queue.next(at(0), 0, [(vmid(100), Standing::Unread)]), None);
        queue
    }

    /// Reads lists that are answered `latency` milliseconds later, and returns when each was asked.
    fn read(guests: u64, latency: u64, until: u64) -> Vec<(u64, u64)> {
        let mut queue = ReadingQueue::default();
        let mut lists: HashMap<u64, Standing> = (100..100 + guests)
            .map(|number| (number, Standing::Unread))
            .collect();
        let mut flying: VecDeque<(u64, u64)> = VecDeque::new();
        let mut asked = Vec::new();
        for now in (0..until).step_by(50) {
            while let Some((number, _)) = flying.pop_front_if(|(_, lands)| *lands <= now) {
                lists.insert(number, Standing::Read(at(now)));
                queue.look_again();
            }
            loop {
                let standings = lists.iter().map(|(number, list)| (vmid(*number), *list));
                let Some(next) = queue.next(at(now), flying.len(), standings) else {
                    break;
                };
                queue.note(at(now));
                let number = u64::from(next.get());
                lists.insert(number, Standing::Asked);
                flying.push_back((number, now + latency));
                asked.push((now, number));
            }
        }
        asked
    }

    #[test]
    fn it_begins_only_after_the_first_screen() {
        let asked = read(5, 40, 10_000);
        assert_eq!(asked.first(), Some(&(2_000, 100)));
        assert_eq!(asked.len(), 5, "each once, and none again within the hour");
    }

    #[test]
    fn a_small_cluster_is_read_within_seconds_and_then_again_after_an_hour() {
        let asked = read(30, 50, 3_700_000);
        assert_eq!(asked.len(), 60);
        assert!(asked[29].0 < 4_000, "{:?}", asked[29]);
        assert!(asked[30].0 >= 3_600_000, "{:?}", asked[30]);
    }

    #[test]
    fn never_more_than_sixty_in_any_minute_and_nearly_sixty_in_the_long_run() {
        let asked: Vec<u64> = read(1_000, 40, 600_000)
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        for (index, from) in asked.iter().enumerate() {
            let within = asked[index..].iter().take_while(|at| **at < from + 60_000);
            assert!(within.count() <= MOST_A_MINUTE, "in the minute from {from}");
        }
        let last = asked.iter().filter(|at| **at >= 540_000).count();
        assert!((55..=60).contains(&last), "{last} in the last minute");
    }

    #[test]
    fn a_place_is_left_to_the_guest_under_the_cursor() {
        let mut queue = begun();
        let unread = [(vmid(100), Standing::Unread)];
        assert_eq!(queue.next(at(2_000), AT_ONCE - 1, unread), None);
        assert_eq!(queue.next(at(2_000), AT_ONCE, unread), None);
        assert_eq!(queue.next(at(2_000), AT_ONCE - 2, unread), Some(vmid(100)));
        // A server that takes a minute for each answer never has more than three to answer.
        assert_eq!(read(100, 60_000, 50_000).len(), AT_ONCE - 1);
    }

    #[test]
    fn what_others_read_counts() {
        let mut queue = begun();
        for _ in 0..500 {
            queue.note(at(10_000));
        }
        let unread = [(vmid(100), Standing::Unread)];
        assert_eq!(queue.in_last_minute(at(10_000)), MOST_A_MINUTE);
        assert_eq!(queue.next(at(69_999), 0, unread), None);
        assert_eq!(queue.next(at(70_000), 0, unread), Some(vmid(100)));
        assert_eq!(queue.in_last_minute(at(70_000)), 0);
    }

    #[test]
    fn known_changes_come_first_then_the_unread_then_the_oldest() {
        let late = READ_AGAIN * 3;
        let now = Moment::after_start(late);
        let mut queue = begun();
        let failed = Standing::Failed {
            at: at(1_000),
            times: 1,
            refused: false,
        };
        let mut lists = vec![
            (vmid(100), Standing::Read(at(9_000))),
            (vmid(101), Standing::Read(at(8_000))),
            (vmid(102), failed),
            (vmid(103), Standing::Unread),
            (vmid(104), Standing::Changed),
            (vmid(105), Standing::Asked),
            (vmid(106), Standing::Read(now)),
        ];
        let mut order = Vec::new();
        while let Some(next) = queue.next(now, 0, lists.iter().copied()) {
            order.push(next.get());
            lists.retain(|(vmid, _)| *vmid != next);
        }
        assert_eq!(order, [104, 103, 102, 101, 100]);
    }

    #[test]
    fn a_failure_is_tried_again_later_each_time_and_a_refusal_only_with_the_hour() {
        let pause = |times, refused| {
            let failed = Standing::Failed {
                at: at(0),
                times,
                refused,
            };
            failed.due().unwrap().1.since(at(0)).as_secs()
        };
        let pauses: Vec<u64> = (1..=9).map(|times| pause(times, false)).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(pause(1, true), 3600);
        assert_eq!(pause(u32::MAX, false), 3600);
    }

    #[test]
    fn ten_thousand_guests_are_each_read_before_one_is_read_twice() {
        let mut queue = begun();
        let mut lists: Vec<(Vmid, Standing)> = (100..10_100)
            .map(|number| (vmid(number), Standing::Unread))
            .collect();
        // The pace is tested above; here is counted only whose turn it is.
        for round in 0..2_u64 {
            let now = Moment::after_start(READ_AGAIN * 4 * (round as u32 + 1));
            for turn in 0..50_usize {
                let next = queue.next(now, 0, lists.iter().copied()).unwrap();
                let index = lists.iter().position(|(vmid, _)| *vmid == next).unwrap();
                assert_eq!(index, turn + 50 * round as usize);
                lists[index].1 = Standing::Read(now);
            }
        }
    }

    #[test]
    fn while_nothing_is_due_nothing_is_looked_at() {
        let mut queue = begun();
        let read = [(vmid(100), Standing::Read(at(2_000)))];
        assert_eq!(queue.next(at(2_000), 0, read), None);
        let untouched = std::iter::from_fn(|| -> Option<(Vmid, Standing)> {
            panic!("the lists are looked at");
        });
        assert_eq!(queue.next(at(2_100), 0, untouched), None);
        queue.look_again();
        let changed = [(vmid(100), Standing::Changed)];
        assert_eq!(queue.next(at(2_200), 0, changed), Some(vmid(100)));
    }
}
