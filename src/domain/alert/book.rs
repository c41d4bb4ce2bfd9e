//! Alerts over time: they begin once, stand, are acknowledged, and end without flapping.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use unicode_width::UnicodeWidthStr as _;

use super::super::id::{NodeName, Vmid};
use super::super::limits::Severity;
use super::memory::{Acknowledgement, Changes, FORGOTTEN_AFTER, Memory, Remembered};
use super::raise::{is_absorbed, raise};
use super::situation::Situation;
use super::{Alert, AlertKey};

/// What is over for less than this may begin again as the same alert.
const CALM: TimeDelta = TimeDelta::seconds(60);

/// The same matter rings no second time within this time.
const QUIET: TimeDelta = TimeDelta::minutes(10);

/// That an alert still stands is written down so often.
const WRITTEN_AGAIN: TimeDelta = TimeDelta::hours(1);

/// How a standing alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// The last look showed it.
    Raised,
    /// The last look could not tell.
    Unseen,
    /// The last look did not show it; it ends unless it comes back at once.
    Clearing,
}

/// An alert that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'a> {
    /// What identifies it.
    pub key: &'a AlertKey,
    /// The matter as last seen.
    pub alert: &'a Alert,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Whether it may have begun before: it was there when somebody first looked.
    pub perhaps_earlier: bool,
    /// How it stands.
    pub stands: Stands,
    /// Who has it in hand.
    pub acknowledgement: Option<&'a Acknowledgement>,
}

/// How many alerts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Critical ones that nobody has in hand.
    pub critical: usize,
    /// Warnings that nobody has in hand.
    pub warning: usize,
    /// Those that somebody has in hand.
    pub acknowledged: usize,
}

impl Counts {
    /// Returns how many alerts want somebody.
    pub fn open(&self) -> usize {
        self.critical + self.warning
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    alert: Alert,
    since: DateTime<Utc>,
    perhaps_earlier: bool,
    /// The last look that showed it.
    seen: DateTime<Utc>,
    stands: Stands,
    /// Whether it has stood long enough to be told.
    told: bool,
    /// Whether the alert of its node stands for it.
    absorbed: bool,
    acknowledgement: Option<Acknowledgement>,
    /// When an acknowledgement was last taken back.
    released: Option<DateTime<Utc>>,
}

impl Entry {
    fn remembered(&self) -> Remembered {
        Remembered {
            since: self.since,
            seen: self.seen,
            acknowledgement: self.acknowledgement.clone(),
            released: self.released,
        }
    }

    fn is_shown(&self) -> bool {
        self.told && !self.absorbed
    }
}

/// All alerts that stand, and what is remembered of those that stood.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertBook {
    entries: BTreeMap<AlertKey, Entry>,
    /// What an earlier run knew; taken over when the matter shows itself again.
    memory: Memory,
    /// When the bell last rang for a matter.
    rang: BTreeMap<AlertKey, DateTime<Utc>>,
    /// Whether anything was looked at yet.
    has_looked: bool,
    /// When somebody first looked.
    began: Option<DateTime<Utc>>,
    /// Matters that ended since the memory was last asked for.
    ended: BTreeSet<AlertKey>,
    changed: bool,
    written: Option<DateTime<Utc>>,
    digest: Digest,
}

/// What every frame asks about the alerts that stand, reckoned once for each change.
#[derive(Debug, Clone, PartialEq, Default)]
struct Digest {
    counts: Counts,
    order: Vec<AlertKey>,
    /// The places in the order at which a guest's alerts are.
    guests: BTreeMap<Vmid, Vec<usize>>,
    /// The columns of the longest subject.
    widest: usize,
}

impl AlertBook {
    /// Opens a book with what an earlier run remembers.
    pub fn with_memory(memory: Memory) -> Self {
        Self {
            memory,
            ..Self::default()
        }
    }

    /// Takes one look; tells whether something new should ring the bell.
    ///
    /// The first look rings for nothing: what it shows was there before anybody looked.
    pub fn look(&mut self, situation: &Situation<'_>) -> bool {
        let now = situation.now.wall;
        let raised = {
            let standing = |key: &AlertKey| self.entries.get(key).map(|entry| entry.alert.level);
            raise(situation, &standing)
        };
        let mut seen = BTreeSet::new();
        let mut rings = false;
        for alert in raised {
            let key = alert.key();
            rings |= self.take(&key, alert, now);
            seen.insert(key);
        }
        let silent: BTreeSet<NodeName> = situation
            .silent_nodes()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        let mut over = Vec::new();
        for (key, entry) in &mut self.entries {
            if seen.contains(key) {
                continue;
            }
            let absorbed = is_absorbed(&entry.alert, &silent);
            entry.absorbed = absorbed;
            if absorbed || !situation.acquits(&entry.alert) {
                entry.stands = Stands::Unseen;
            } else if entry.told && now.signed_duration_since(entry.seen) < CALM {
                entry.stands = Stands::Clearing;
            } else {
                over.push(key.clone());
            }
        }
        for key in over {
            self.entries.remove(&key);
            self.memory.remove(&key);
            self.ended.insert(key);
            self.changed = true;
        }
        let is_due = |written| now.signed_duration_since(written) >= WRITTEN_AGAIN;
        self.changed |= !self.entries.is_empty() && self.written.is_some_and(is_due);
        // Something was really looked at only when guests and nodes were read.
        self.has_looked |= situation.inventory.resources.value().is_some();
        if self.has_looked && self.began.is_none() {
            self.began = Some(now);
        }
        self.sum_up();
        rings
    }

    /// Takes in an alert that was raised; tells whether it rings.
    fn take(&mut self, key: &AlertKey, alert: Alert, now: DateTime<Utc>) -> bool {
        let mut entry = match self.entries.remove(key) {
            Some(before) => self.again(before, alert, now),
            None => self.begin(key, alert, now),
        };
        let lasting = now.signed_duration_since(entry.since);
        let patience = TimeDelta::from_std(entry.alert.patience).unwrap_or(TimeDelta::MAX);
        let was_told = entry.told;
        entry.told |= lasting >= patience;
        // What was due before anybody looked is told as soon as its source is read, and is no news.
        let was_due = |began| entry.since + patience < began;
        let was_there = !patience.is_zero() && self.began.is_some_and(was_due);
        let is_new = entry.told && !was_told;
        let holds = entry
            .acknowledgement
            .as_ref()
            .is_some_and(|word| word.holds(entry.alert.level, now));
        if let Some(lapsed) = entry.acknowledgement.take_if(|_| !holds) {
            entry.released = Some(now.max(lapsed.at));
            self.changed = true;
        }
        self.entries.insert(key.clone(), entry);
        let was_quiet = self
            .rang
            .get(key)
            .is_none_or(|rang| now.signed_duration_since(*rang) >= QUIET);
        let rings = is_new && !holds && self.has_looked && was_quiet && !was_there;
        if is_new {
            self.rang.insert(key.clone(), now);
            self.rang
                .retain(|_, rang| now.signed_duration_since(*rang) < QUIET);
        }
        rings
    }

    /// Goes on with an alert that stood already; one that got worse is told again.
    fn again(&mut self, before: Entry, alert: Alert, now: DateTime<Utc>) -> Entry {
        let worse = alert.level > before.alert.level;
        if worse {
            self.rang.remove(&alert.key());
            self.changed = true;
        }
        Entry {
            since: alert.since.unwrap_or(before.since).min(before.since),
            perhaps_earlier: match alert.since {
                Some(_) => alert.perhaps_earlier,
                None => before.perhaps_earlier,
            },
            seen: now,
            stands: Stands::Raised,
            told: before.told && !worse,
            absorbed: false,
            acknowledgement: before.acknowledgement,
            released: before.released,
            alert,
        }
    }

    fn begin(&mut self, key: &AlertKey, alert: Alert, now: DateTime<Utc>) -> Entry {
        let remembered = self.memory.get(key).cloned();
        let remembered =
            remembered.filter(|known| now.signed_duration_since(known.seen) < FORGOTTEN_AFTER);
        let known = remembered.as_ref().map(|known| known.since);
        self.ended.remove(key);
        self.changed = true;
        Entry {
            since: alert.since.or(known).unwrap_or(now).min(now),
            perhaps_earlier: match alert.since {
                Some(_) => alert.perhaps_earlier,
                None => known.is_none() && !self.has_looked,
            },
            seen: now,
            stands: Stands::Raised,
            told: false,
            absorbed: false,
            released: remembered.as_ref().and_then(|known| known.released),
            acknowledgement: remembered.and_then(|known| known.acknowledgement),
            alert,
        }
    }

    /// Returns the alerts that stand, the pressing ones first and those in hand last.
    pub fn standing(&self) -> Vec<Standing<'_>> {
        let order = self.order().iter();
        order.filter_map(|key| self.get(key)).collect()
    }

    /// Names the alerts that stand, in the order of [`Self::standing`].
    pub fn order(&self) -> &[AlertKey] {
        &self.digest.order
    }

    /// Returns the alerts that stand about a guest, in the same order.
    pub fn about(&self, vmid: Vmid) -> impl Iterator<Item = Standing<'_>> {
        let places = self.digest.guests.get(&vmid).into_iter().flatten();
        places.filter_map(|place| self.get(self.order().get(*place)?))
    }

    /// Returns an alert that stands.
    pub fn get(&self, key: &AlertKey) -> Option<Standing<'_>> {
        let (key, entry) = self.entries.get_key_value(key)?;
        entry.is_shown().then_some(Standing {
            key,
            alert: &entry.alert,
            since: entry.since,
            perhaps_earlier: entry.perhaps_earlier,
            stands: entry.stands,
            acknowledgement: entry.acknowledgement.as_ref(),
        })
    }

    /// Returns how many columns the longest subject takes.
    pub fn widest_subject(&self) -> usize {
        self.digest.widest
    }

    /// Finds an alert that stands.
    pub fn find(&self, key: &AlertKey) -> Option<&Alert> {
        let entry = self.entries.get(key)?;
        entry.is_shown().then_some(&entry.alert)
    }

    /// Returns how many alerts stand.
    pub fn counts(&self) -> Counts {
        self.digest.counts
    }

    /// Notes what every frame asks, after something has changed.
    fn sum_up(&mut self) {
        let mut shown: Vec<(&AlertKey, &Entry)> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.is_shown())
            .collect();
        shown.sort_by(|(key, entry), (other_key, other)| {
            let in_hand = |entry: &Entry| entry.acknowledgement.is_some();
            in_hand(entry)
                .cmp(&in_hand(other))
                .then_with(|| other.alert.severity.cmp(&entry.alert.severity))
                .then_with(|| other.since.cmp(&entry.since))
                .then_with(|| key.cmp(other_key))
        });
        let mut digest = Digest::default();
        for (place, (key, entry)) in shown.into_iter().enumerate() {
            let counts = &mut digest.counts;
            match (entry.acknowledgement.is_some(), entry.alert.severity) {
                (true, _) => counts.acknowledged += 1,
                (false, Severity::Critical) => counts.critical += 1,
                (false, Severity::Warning) => counts.warning += 1,
            }
            if let Some(guest) = entry.alert.subject.guest() {
                digest.guests.entry(guest.vmid).or_default().push(place);
            }
            let width = entry.alert.subject.to_string().width();
            digest.widest = digest.widest.max(width);
            digest.order.push(key.clone());
        }
        self.digest = digest;
    }

    /// Takes an alert in hand; tells whether it still stands.
    pub fn acknowledge(
        &mut self,
        key: &AlertKey,
        by: &str,
        note: &str,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        // In the same moment as it was taken back it is the later word all the same.
        let released = entry
            .released
            .and_then(|released| released.checked_add_signed(TimeDelta::milliseconds(1)));
        entry.acknowledgement = Some(Acknowledgement {
            by: by.to_owned(),
            note: note.to_owned(),
            at: released.map_or(now, |released| now.max(released)),
            level: entry.alert.level,
        });
        self.changed = true;
        self.sum_up();
        true
    }

    /// Takes an acknowledgement back; tells whether there was one.
    pub fn put_back(&mut self, key: &AlertKey, now: DateTime<Utc>) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let Some(taken) = entry.acknowledgement.take() else {
            return false;
        };
        // Clocks may be set; whoever takes a word back has heard it before.
        entry.released = Some(now.max(taken.at));
        self.changed = true;
        self.sum_up();
        true
    }

    /// Returns what should be written down, where anything has changed since this was last asked.
    pub fn changes(&mut self, now: DateTime<Utc>) -> Option<Changes> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        self.written = Some(now);
        let known = self.entries.iter();
        let known = known.map(|(key, entry)| (key.clone(), entry.remembered()));
        Some(Changes {
            known: known.collect(),
            ended: std::mem::take(&mut self.ended),
        })
    }

    /// Takes over what others on this machine have remembered meanwhile.
    pub fn learn(&mut self, memory: Memory) {
        for (key, entry) in &mut self.entries {
            if let Some(theirs) = memory.get(key) {
                let mut own = entry.remembered();
                own.join(theirs);
                entry.acknowledgement = own.acknowledgement;
                entry.released = own.released;
            }
        }
        self.memory = memory;
        self.sum_up();
    }
}

/// How long an alert has stood, for people; never negative.
pub fn lasting(since: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    now.signed_duration_since(since)
        .to_std()
        .unwrap_or_default()
}
