//! How long a limit must be broken to count, and how far a value must fall to clear.

use std::time::Duration;

use pretty_assertions::assert_eq;
use proxdeck::domain::guest::{Figures, Guest, Status};
use proxdeck::domain::limits::{Bound, LimitTracker, Limits, Phase};
use proxdeck::domain::time::Moment;

use super::limits::{percent, usual};
use super::worlds::guest;

/// A tracker that is fed one guest's readings.
struct Watch {
    tracker: LimitTracker,
    guest: Guest,
    limits: Limits,
}

impl Watch {
    fn new() -> Self {
        Self {
            tracker: LimitTracker::default(),
            guest: guest(104),
            limits: usual(),
        }
    }

    fn observe(&mut self, second: u64, figures: Option<Figures>) -> Vec<String> {
        let now = Moment::after_start(Duration::from_secs(second));
        self.tracker
            .observe(&self.guest, figures.as_ref(), &self.limits, now)
            .iter()
            .map(|each| {
                let phase = match each.phase {
                    Phase::Over => "over",
                    Phase::Easing => "easing",
                    Phase::Unseen => "unseen",
                };
                format!("{} {} s {phase}", each.violation, each.lasting.as_secs())
            })
            .collect()
    }

    fn cpu(&mut self, second: u64, share: f64) -> Vec<String> {
        self.observe(
            second,
            Some(Figures {
                cpu: Some(share),
                ..Figures::default()
            }),
        )
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_violation_stands_once_it_has_lasted() {
    let mut watch = Watch::new();
    assert_eq!(watch.cpu(0, 0.95), NOTHING);
    assert_eq!(watch.cpu(29, 0.95), NOTHING);
    assert_eq!(watch.cpu(30, 0.97), ["CPU 97 % > 90 % 30 s over"]);
    assert_eq!(watch.cpu(90, 0.96), ["CPU 96 % > 90 % 90 s over"]);
}

#[test]
fn a_short_peak_is_no_violation_and_the_next_one_begins_anew() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    assert_eq!(watch.cpu(20, 0.90), NOTHING);
    assert_eq!(watch.cpu(25, 0.95), NOTHING);
    assert_eq!(watch.cpu(40, 0.95), NOTHING);
    assert_eq!(watch.cpu(55, 0.95), ["CPU 95 % > 90 % 30 s over"]);
}

#[test]
fn a_standing_violation_clears_only_five_points_below() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    watch.cpu(30, 0.95);
    assert_eq!(watch.cpu(40, 0.89), ["CPU 89 % > 90 % 40 s easing"]);
    assert_eq!(watch.cpu(50, 0.8501), ["CPU 85 % > 90 % 50 s easing"]);
    assert_eq!(watch.cpu(60, 0.91), ["CPU 91 % > 90 % 60 s over"]);
    assert_eq!(watch.cpu(70, 0.85), NOTHING);
    assert_eq!(watch.cpu(80, 0.89), NOTHING);
}

#[test]
fn every_limit_can_be_cleared_at_five_points_below_or_half_of_it() {
    for (limit, clears) in [(70.0, 0.65), (30.0, 0.25), (8.0, 0.04), (3.0, 0.015)] {
        let mut watch = Watch::new();
        watch.limits.general.cpu = percent(limit);
        watch.cpu(0, 1.0);
        assert_eq!(watch.cpu(30, 1.0).len(), 1);
        assert_eq!(watch.cpu(40, clears + 0.001).len(), 1, "{limit}");
        assert_eq!(watch.cpu(50, clears), NOTHING, "{limit}");
    }
}

#[test]
fn without_a_sustain_time_a_violation_stands_at_once() {
    let mut watch = Watch::new();
    watch.limits.sustain = Duration::ZERO;
    assert_eq!(watch.cpu(5, 0.95), ["CPU 95 % > 90 % 0 s over"]);
}

#[test]
fn a_running_time_tells_by_itself_how_long_it_has_been_over() {
    let mut watch = Watch::new();
    let uptime = |seconds: u64| {
        Some(Figures {
            uptime: Some(Duration::from_secs(seconds)),
            ..Figures::default()
        })
    };
    let day = 24 * 3600;
    assert_eq!(watch.observe(0, uptime(day + 29)), NOTHING);
    assert_eq!(
        watch.observe(1, uptime(day + 30)),
        ["runtime 24 h 0 m 30 s > 24 h 0 m 0 s 30 s over"]
    );
    assert_eq!(watch.observe(9, uptime(1)), NOTHING);
}

#[test]
fn a_long_runtime_is_told_at_the_first_look() {
    let mut watch = Watch::new();
    let figures = Figures {
        uptime: Some(Duration::from_hours(26)),
        ..Figures::default()
    };
    assert_eq!(
        watch.observe(0, Some(figures)),
        ["runtime 26 h > 24 h 7200 s over"]
    );
}

#[test]
fn while_figures_are_stale_what_stands_stays_unseen_and_what_began_is_forgotten() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    assert_eq!(watch.observe(10, None), NOTHING);
    assert_eq!(watch.cpu(35, 0.95), NOTHING);
    assert_eq!(watch.cpu(65, 0.95).len(), 1);
    assert_eq!(watch.observe(70, None), ["CPU 95 % > 90 % 35 s unseen"]);
    assert_eq!(
        watch.observe(75, Some(Figures::default())),
        ["CPU 95 % > 90 % 40 s unseen"]
    );
    assert_eq!(watch.cpu(80, 0.88), ["CPU 88 % > 90 % 45 s easing"]);
    watch.guest.status = Status::Unknown;
    assert_eq!(watch.observe(85, None), ["CPU 88 % > 90 % 50 s unseen"]);
}

#[test]
fn a_guest_that_stops_has_no_violations_left() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    assert_eq!(watch.cpu(30, 0.95).len(), 1);
    watch.guest.status = Status::Stopped;
    assert_eq!(watch.cpu(35, 0.95), NOTHING);
    watch.guest.status = Status::Running;
    assert_eq!(watch.cpu(40, 0.95), NOTHING);
}

#[test]
fn a_limit_that_is_lifted_ends_what_stood_against_it() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    assert_eq!(watch.cpu(30, 0.95).len(), 1);
    watch.limits.general.cpu = Bound::Unlimited;
    assert_eq!(watch.cpu(35, 0.95), NOTHING);
    assert_eq!(watch.observe(36, None), NOTHING);
}

#[test]
fn guests_do_not_share_their_time() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    watch.guest = guest(105);
    assert_eq!(watch.cpu(30, 0.95), NOTHING);
}

#[test]
fn guests_that_are_gone_are_forgotten() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    watch.cpu(30, 0.95);
    watch.tracker.retain(|_| false);
    assert_eq!(watch.tracker, LimitTracker::default());
    assert_eq!(watch.cpu(31, 0.95), NOTHING);
}

#[test]
fn a_clock_that_runs_backwards_does_no_harm() {
    let mut watch = Watch::new();
    watch.cpu(100, 0.95);
    assert_eq!(watch.cpu(50, 0.95), NOTHING);
    assert_eq!(watch.cpu(131, 0.95).len(), 1);
}

/// Past readings of a processor, each with its age in minutes.
fn past(readings: &[(u64, f64)]) -> Vec<(Duration, Figures)> {
    let readings = readings.iter().map(|&(minutes, share)| {
        let figures = Figures {
            cpu: Some(share),
            ..Figures::default()
        };
        (Duration::from_mins(minutes), figures)
    });
    readings.collect()
}

impl Watch {
    fn replay(&mut self, second: u64, readings: &[(u64, f64)]) {
        let now = Moment::after_start(Duration::from_secs(second));
        self.tracker
            .replay(&self.guest, past(readings), &self.limits, now);
    }
}

#[test]
fn the_last_hour_tells_since_when_a_limit_is_broken() {
    let mut watch = Watch::new();
    let mut readings: Vec<(u64, f64)> = (2..60).rev().map(|minute| (minute, 0.5)).collect();
    readings.retain(|(minute, _)| *minute > 12);
    readings.extend((1..=12).rev().map(|minute| (minute, 0.97)));
    watch.replay(10, &readings);
    assert_eq!(watch.cpu(10, 0.98), ["CPU 98 % > 90 % 720 s over"]);
    assert_eq!(watch.cpu(20, 0.98), ["CPU 98 % > 90 % 730 s over"]);
}

#[test]
fn what_was_so_in_the_oldest_reading_may_be_older_still() {
    let perhaps_longer = |readings: &[(u64, f64)]| {
        let mut watch = Watch::new();
        watch.replay(10, readings);
        let figures = Figures {
            cpu: Some(0.97),
            ..Figures::default()
        };
        let now = Moment::after_start(Duration::from_secs(10));
        let standing = watch
            .tracker
            .observe(&watch.guest, Some(&figures), &watch.limits, now);
        standing[0].perhaps_longer
    };
    assert!(perhaps_longer(&[(60, 0.97), (1, 0.97)]));
    assert!(!perhaps_longer(&[(60, 0.5), (30, 0.97), (1, 0.97)]));
}

#[test]
fn a_peak_in_the_past_hour_that_is_over_is_no_violation() {
    let mut watch = Watch::new();
    watch.replay(10, &[(30, 0.97), (20, 0.97), (10, 0.2), (1, 0.2)]);
    assert_eq!(watch.cpu(10, 0.98), NOTHING);
    // A history that ends long ago says nothing about now.
    let mut watch = Watch::new();
    watch.replay(10, &[(30, 0.97), (20, 0.97)]);
    assert_eq!(watch.cpu(10, 0.98), NOTHING);
}

#[test]
fn the_way_back_is_the_same_in_the_past() {
    let mut watch = Watch::new();
    // It eased below the limit, but never by the margin that clears it.
    watch.replay(10, &[(9, 0.97), (8, 0.97), (7, 0.88), (6, 0.87), (1, 0.97)]);
    assert_eq!(watch.cpu(10, 0.88), ["CPU 88 % > 90 % 540 s easing"]);
}

#[test]
fn a_replay_never_makes_a_violation_younger_than_it_was_seen_to_be() {
    let mut watch = Watch::new();
    watch.cpu(0, 0.95);
    watch.cpu(300, 0.95);
    watch.replay(310, &[(2, 0.5), (1, 0.97)]);
    assert_eq!(watch.cpu(310, 0.95), ["CPU 95 % > 90 % 310 s over"]);
}
