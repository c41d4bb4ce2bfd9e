//! How often the server is asked; pure, so that the promise of SPEC §1.1 can be tested.

use std::time::Duration;

use crate::domain::time::Moment;

/// `/cluster/tasks` is read at most this often.
const TASKS_INTERVAL: Duration = Duration::from_secs(10);
/// `/cluster/status` is read at most this often.
const STATUS_INTERVAL: Duration = Duration::from_secs(30);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Returns the pause before the next reading.
///
/// A slow server is asked less often: twice the time that its last answer took is added. After
/// failures the pause doubles, up to a minute.
pub fn pause(interval: Duration, took: Duration, failures: u32) -> Duration {
    let calm = interval.saturating_add(took.saturating_mul(2));
    if failures == 0 {
        return calm;
    }
    let doubled = interval.saturating_mul(1 << failures.min(10));
    doubled.min(LONGEST_PAUSE).max(interval)
}

/// One of the cluster-wide questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// `/cluster/resources`: guests, nodes and storages.
    Resources,
    /// `/cluster/tasks`: running and recent tasks.
    Tasks,
    /// `/cluster/status`: membership and quorum.
    Status,
}

/// When a question is due, and how it fared.
struct Beat {
    interval: Duration,
    due: Moment,
    begun: Moment,
    flying: bool,
    failures: u32,
}

impl Beat {
    fn new(interval: Duration, now: Moment) -> Self {
        Self {
            interval,
            due: now,
            begun: now,
            flying: false,
            failures: 0,
        }
    }

    fn is_due(&self, now: Moment) -> bool {
        !self.flying && now >= self.due
    }

    fn take_off(&mut self, now: Moment) {
        self.flying = true;
        self.begun = now;
    }

    fn land(&mut self, now: Moment, failed: bool) {
        self.flying = false;
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        self.due = now.later(pause(self.interval, now.since(self.begun), self.failures));
    }
}

/// When each of the cluster-wide questions is due; each is in flight at most once.
pub struct Beats([(Question, Beat); 3]);

impl Beats {
    /// Makes every question due now; `interval` is that of the resources.
    pub fn new(interval: Duration, now: Moment) -> Self {
        let beat = |least: Duration| Beat::new(interval.max(least), now);
        Self([
            (Question::Resources, beat(Duration::ZERO)),
            (Question::Tasks, beat(TASKS_INTERVAL)),
            (Question::Status, beat(STATUS_INTERVAL)),
        ])
    }

    /// Returns the questions to be asked now.
    ///
    /// While the link is down only one is; the others would fail alike.
    pub fn take_off(&mut self, now: Moment, is_down: bool) -> Vec<Question> {
        let asked = self.asked(is_down);
        let due = self.0[..asked].iter_mut();
        due.filter(|(_, beat)| beat.is_due(now))
            .map(|(question, beat)| {
                beat.take_off(now);
                *question
            })
            .collect()
    }

    /// Returns how long nothing is due.
    pub fn until_next(&self, now: Moment, is_down: bool) -> Duration {
        let beats = self.0[..self.asked(is_down)].iter();
        beats
            .filter(|(_, beat)| !beat.flying)
            .map(|(_, beat)| beat.due.since(now))
            .min()
            .unwrap_or(Duration::from_secs(3600))
    }

    fn asked(&self, is_down: bool) -> usize {
        if is_down { 1 } else { self.0.len() }
    }

    /// Notes the answer to a question.
    pub fn land(&mut self, question: Question, now: Moment, failed: bool) {
        let mut beats = self.0.iter_mut();
        if let Some((_, beat)) = beats.find(|(own, _)| *own == question) {
            beat.land(now, failed);
        }
    }

    /// Makes every question due now.
    pub fn hurry(&mut self, now: Moment) {
        for (_, beat) in &mut self.0 {
            beat.due = now;
        }
    }

    /// Returns when the resources are read next.
    pub fn next_resources(&self) -> Moment {
        self.0[0].1.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    #[test]
    fn a_slow_server_is_asked_less_often() {
        assert_eq!(pause(INTERVAL, Duration::ZERO, 0), INTERVAL);
        assert_eq!(
            pause(INTERVAL, Duration::from_secs(3), 0),
            Duration::from_secs(11)
        );
    }

    #[test]
    fn failures_lengthen_the_pause_up_to_a_minute() {
        let pauses: Vec<u64> = (1..6)
            .map(|failures| pause(INTERVAL, Duration::ZERO, failures).as_secs())
            .collect();
        assert_eq!(pauses, [10, 20, 40, 60, 60]);
        assert_eq!(
            pause(Duration::from_secs(300), Duration::ZERO, 3),
            Duration::from_secs(300)
        );
        assert_eq!(
            pause(INTERVAL, Duration::MAX, u32::MAX),
            Duration::from_secs(60)
        );
    }

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn each_beat_of_a_steady_minute_asks_exactly_what_is_due() {
        use Question::{Resources, Status, Tasks};
        let mut beats = Beats::new(INTERVAL, at(0));
        let (mut now, mut asked) = (at(0), Vec::new());
        while now < at(60) {
            let questions = beats.take_off(now, false);
            assert_eq!(beats.take_off(now, false), [], "each is in flight once");
            for question in &questions {
                beats.land(*question, now, false);
            }
            asked.push((now, questions));
            now = now.later(beats.until_next(now, false));
        }
        let expected: Vec<(Moment, Vec<Question>)> = (0..60)
            .step_by(5)
            .map(|second| {
                let mut questions = vec![Resources];
                questions.extend((second % 10 == 0).then_some(Tasks));
                questions.extend((second % 30 == 0).then_some(Status));
                (at(second), questions)
            })
            .collect();
        assert_eq!(asked, expected);
        let count: usize = asked.iter().map(|(_, questions)| questions.len()).sum();
        assert_eq!(count, 20, "half of what a minute may cost (SPEC §1.1)");
    }

    #[test]
    fn a_question_in_flight_holds_up_no_other_and_a_lost_link_is_asked_one() {
        use Question::{Resources, Status, Tasks};
        let mut beats = Beats::new(INTERVAL, at(0));
        assert_eq!(beats.take_off(at(0), false), [Resources, Tasks, Status]);
        beats.land(Resources, at(0), false);
        assert_eq!(beats.until_next(at(1), false), Duration::from_secs(4));
        assert_eq!(
            beats.take_off(at(5), false),
            [Resources],
            "the others still fly"
        );
        beats.land(Resources, at(6), true);
        beats.land(Tasks, at(6), true);
        beats.land(Status, at(6), true);
        beats.hurry(at(7));
        assert_eq!(beats.until_next(at(7), true), Duration::ZERO);
        assert_eq!(beats.take_off(at(7), true), [Resources]);
    }
}
