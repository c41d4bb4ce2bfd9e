//! For how long guests have broken their limits: sustain and hysteresis (SPEC §5.6).

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::guest::{Figures, Guest, Status};
use super::super::history::Series;
use super::super::id::Vmid;
use super::super::time::Moment;
use super::{Bound, Bounds, Limits, Measure, Reading, Violation, ViolationKind, has_process};

/// So far back history is looked at.
const REPLAYED: Duration = Duration::from_secs(3_600 + 120);
/// History that ends longer ago says nothing about the present.
const RECENT: Duration = Duration::from_secs(120);

/// A violation that lasted for the sustain time and has not cleared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StandingViolation {
    /// The violation with its latest value; that may have fallen below the limit.
    pub violation: Violation,
    /// For how long the limit has been broken.
    pub lasting: Duration,
    /// Whether it may be longer: it was so in the oldest reading that there is.
    pub perhaps_longer: bool,
    /// Where it stands now.
    pub phase: Phase,
}

/// Where a standing violation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The value is above the limit.
    Over,
    /// The value is below the limit, but not yet by the margin that clears it.
    Easing,
    /// Nobody knows: the guest's figures are stale or missing; the last value is repeated.
    Unseen,
}

/// Remembers since when guests have been over their limits.
///
/// It is fed every reading in the order of time, live or from history, and decides by values alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LimitTracker {
    episodes: BTreeMap<(Vmid, ViolationKind), Episode>,
}

/// One stretch of time above one limit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Episode {
    /// When the value was first seen above the limit.
    since: Moment,
    /// How long it had been so before anybody looked; a running time tells.
    before: Duration,
    /// Whether it may have been so for longer still.
    perhaps_longer: bool,
    /// Whether it lasted long enough to be told.
    sustained: bool,
    last: Reading,
}

impl LimitTracker {
    /// Takes a guest's figures at `now` and returns the violations that stand.
    ///
    /// `figures` is absent when they are stale: what stands stays as [`Phase::Unseen`], what has
    /// not lasted yet is forgotten, because nobody saw that it went on.
    pub fn observe(
        &mut self,
        guest: &Guest,
        figures: Option<&Figures>,
        limits: &Limits,
        now: Moment,
    ) -> Vec<StandingViolation> {
        let bounds = limits.bounds_of(guest);
        let unseen = figures.is_none() || guest.status == Status::Unknown;
        ViolationKind::ALL
            .into_iter()
            .filter_map(|kind| {
                let key = (guest.vmid, kind);
                let reading =
                    figures.and_then(|figures| Reading::take(kind, guest, figures, &bounds));
                let before = self.episodes.remove(&key);
                let (episode, phase) = if !unseen && !has_process(guest) {
                    return None;
                } else if unseen || reading.is_none() {
                    // A limit that was lifted meanwhile ends what stood against it.
                    let episode = before.filter(|each| each.sustained && limited(&bounds, kind))?;
                    (episode, Phase::Unseen)
                } else {
                    Episode::after(before, reading?, limits.sustain_of(guest), now)?
                };
                self.episodes.insert(key, episode);
                episode.sustained.then(|| StandingViolation {
                    violation: episode.last.into_violation(),
                    lasting: episode.lasting(now),
                    perhaps_longer: episode.perhaps_longer,
                    phase,
                })
            })
            .collect()
    }

    /// Takes in what was measured of a guest before anybody looked, each reading with its age.
    ///
    /// The readings come oldest first and go through the same rule as live ones. What they show to
    /// be going on has begun then, not now (SPEC §5.6); readings that end more than two minutes
    /// before `now` say nothing about it.
    pub fn replay(
        &mut self,
        guest: &Guest,
        past: impl IntoIterator<Item = (Duration, Figures)>,
        limits: &Limits,
        now: Moment,
    ) {
        // A clock of its own, on which the oldest reading lies after the start.
        let at = |age: Duration| Moment::after_start(REPLAYED.saturating_sub(age));
        let mut then = Self::default();
        let (mut oldest, mut last) = (None, None);
        for (age, figures) in past {
            if age <= REPLAYED && last.is_none_or(|last| age < last) {
                oldest = oldest.or(Some(age));
                then.observe(guest, Some(&figures), limits, at(age));
                last = Some(age);
            }
        }
        if last.is_none_or(|age| age > RECENT) {
            return;
        }
        for (key, episode) in then.episodes {
            let lasting = episode.lasting(at(Duration::ZERO));
            let known = self.episodes.get(&key);
            if known.is_some_and(|known| known.lasting(now) >= lasting) {
                continue;
            }
            let last = known.map_or(episode.last, |known| known.last);
            let sustained = episode.sustained || lasting >= limits.sustain_of(guest);
            let begun = Episode {
                since: now,
                before: lasting,
                perhaps_longer: oldest.is_some_and(|oldest| lasting >= oldest),
                sustained,
                last,
            };
            self.episodes.insert(key, begun);
        }
    }

    /// Takes in what the server has kept of a guest's last hour; `server` is the present by its clock.
    pub fn replay_history(
        &mut self,
        guest: &Guest,
        history: &Series,
        server: DateTime<Utc>,
        limits: &Limits,
        now: Moment,
    ) {
        let bytes = |value: Option<f64>| value.map(|value| value as u64);
        let past = history.samples().iter().filter_map(|sample| {
            let age = server.signed_duration_since(sample.until).to_std().ok()?;
            let averages = &sample.averages;
            let figures = Figures {
                cpu: averages.cpu,
                memory: bytes(averages.memory),
                max_memory: bytes(averages.max_memory),
                host_memory: bytes(averages.host_memory),
                ..Figures::default()
            };
            Some((age, figures))
        });
        self.replay(guest, past, limits, now);
    }

    /// Forgets the guests that are gone.
    pub fn retain(&mut self, exists: impl Fn(Vmid) -> bool) {
        self.episodes.retain(|(vmid, _), _| exists(*vmid));
    }
}

impl Episode {
    /// Continues or begins an episode with a new reading; nothing comes back when it is over.
    fn after(
        before: Option<Self>,
        reading: Reading,
        sustain: Duration,
        now: Moment,
    ) -> Option<(Self, Phase)> {
        let begun = Self {
            since: now,
            before: match (reading.value, reading.limit) {
                (Measure::Time(value), Measure::Time(limit)) => value.saturating_sub(limit),
                _ => Duration::ZERO,
            },
            perhaps_longer: false,
            sustained: false,
            last: reading,
        };
        let (mut episode, phase) = match before {
            Some(each) if each.sustained && !reading.is_over() => {
                if reading.is_clear() {
                    return None;
                }
                (each, Phase::Easing)
            }
            _ if !reading.is_over() => return None,
            Some(each) => (each, Phase::Over),
            None => (begun, Phase::Over),
        };
        episode.last = reading;
        episode.sustained |= episode.lasting(now) >= sustain;
        Some((episode, phase))
    }

    fn lasting(&self, now: Moment) -> Duration {
        now.since(self.since).saturating_add(self.before)
    }
}

fn limited(bounds: &Bounds, kind: ViolationKind) -> bool {
    match kind {
        ViolationKind::CpuExceeded => bounds.cpu != Bound::Unlimited,
        ViolationKind::MemoryExceeded => bounds.memory != Bound::Unlimited,
        ViolationKind::RuntimeExceeded => bounds.runtime != Bound::Unlimited,
    }
}
