//! What outlives the program of alerts: since when they stand, and who has them in hand.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::AlertKey;

/// An acknowledgement is good for so long (SPEC §5.10).
const ACKNOWLEDGED_FOR: TimeDelta = TimeDelta::hours(8);

/// What nobody saw for so long may have ended and begun again meanwhile.
pub(super) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// Somebody's word that an alert is in hand; it holds until the alert ends, at most 8 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// What they wrote, perhaps nothing.
    pub note: String,
    /// When.
    pub at: DateTime<Utc>,
    /// How bad it was then: one that got worse is news to everybody.
    pub level: u8,
}

impl Acknowledgement {
    /// Returns until when it holds at most.
    pub fn until(&self) -> DateTime<Utc> {
        self.at
            .checked_add_signed(ACKNOWLEDGED_FOR)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    pub(super) fn holds(&self, level: u8, now: DateTime<Utc>) -> bool {
        now < self.until() && level <= self.level
    }
}

/// What is kept of one alert over restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Since when the matter has been so, as far as anybody looked.
    pub since: DateTime<Utc>,
    /// When it was last seen so; what nobody saw for long has begun anew.
    pub seen: DateTime<Utc>,
    /// Who has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Acknowledgement>,
    /// When an acknowledgement was last taken back; an older one that somebody still knows is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<DateTime<Utc>>,
}

impl Remembered {
    /// Takes over what another knows of the same matter; of two words the later one counts.
    pub(super) fn join(&mut self, theirs: &Self) {
        self.released = self.released.max(theirs.released);
        let at = |word: &Option<Acknowledgement>| word.as_ref().map(|word| word.at);
        if at(&theirs.acknowledgement) > at(&self.acknowledgement) {
            self.acknowledgement.clone_from(&theirs.acknowledgement);
        }
        if at(&self.acknowledgement) <= self.released {
            self.acknowledgement = None;
        }
    }
}

/// What is kept of all alerts over restarts.
pub type Memory = BTreeMap<AlertKey, Remembered>;

/// What changed in a book since its memory was last asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The alerts that stand.
    pub(super) known: Memory,
    /// Those that ended.
    pub(super) ended: BTreeSet<AlertKey>,
}

impl Changes {
    /// Writes the changes into what is remembered on this machine, of this run and of others.
    pub fn write_into(&self, memory: &mut Memory, now: DateTime<Utc>) {
        for key in &self.ended {
            memory.remove(key);
        }
        for (key, own) in &self.known {
            let mut own = own.clone();
            if let Some(theirs) = memory.get(key) {
                own.join(theirs);
            }
            memory.insert(key.clone(), own);
        }
        memory.retain(|_, known| now.signed_duration_since(known.seen) < FORGOTTEN_AFTER);
    }
}
