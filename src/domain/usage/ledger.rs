//! The local usage ledger: what guests used that are gone, and since when that is known.
//!
//! A guest that is destroyed takes its history along (SPEC §5.7), so its use is noted while it is
//! there. The file is read and written elsewhere; its form is in `ledger_document`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::account::{Account, Identity, is_enough};
use super::ledger_document::Document;
use super::window::{Period, between};
use crate::domain::id::Vmid;
use crate::domain::quota::{Amount, Certainty, Use};

/// Between two records further apart than this a guest may have come and gone unnoticed.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// No window reaches back further.
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(32);
/// Beyond so many guests those are forgotten that were seen longest ago.
const MOST_GUESTS: usize = 20_000;

/// From when until when something was kept.
pub(super) type Kept = (DateTime<Utc>, DateTime<Utc>);

/// What was known of every guest when it was seen last, and when that was noted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Document", into = "Document")]
pub struct Ledger {
    /// For each project the times during which none of its guests can have come and gone unnoticed,
    /// the earliest first.
    pub(super) kept: BTreeMap<String, Vec<Kept>>,
    /// The guests that a number has belonged to, the one seen last at the end.
    pub(super) guests: BTreeMap<Vmid, Vec<Entry>>,
}

/// What was known of a guest when it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) identity: Identity,
    pub(super) project: String,
    /// Since when its use was counted.
    pub(super) from: DateTime<Utc>,
    /// When it was seen last.
    pub(super) until: DateTime<Utc>,
    /// What it had used in between; of disks nothing, because they are gone with it.
    pub(super) used: Use,
}

/// A guest that is there, whatever project it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Living<'a> {
    /// Who it is.
    pub identity: Cow<'a, Identity>,
    /// Since when its own account counts what its number used; absent when it was not read.
    pub counted_from: Option<DateTime<Utc>>,
}

impl<'a> Living<'a> {
    /// Describes a guest whose use is known.
    pub fn of(account: &'a Account) -> Self {
        // History is kept by number: what is known of the time before a guest is its forerunner's.
        let known_since = account.integral.and_then(|integral| integral.known_since);
        Self {
            identity: Cow::Borrowed(&account.identity),
            counted_from: Some(known_since.unwrap_or(account.until)),
        }
    }
}

/// What a guest that is gone used within a period.
#[derive(Debug, Clone, PartialEq)]
pub struct GoneGuest {
    /// Who it was.
    pub identity: Identity,
    /// When it was seen last.
    pub seen: DateTime<Utc>,
    /// What it used; no disks.
    pub used: Use,
}

impl Ledger {
    /// Notes the accounts of a project's guests, and forgets what no window reaches.
    ///
    /// Of `missing` others nothing is known; unless there are none, this does not vouch for the
    /// project.
    pub fn record<'a>(
        &mut self,
        now: DateTime<Utc>,
        project: &str,
        accounts: impl IntoIterator<Item = &'a Account>,
        missing: usize,
    ) {
        if missing == 0 {
            self.keep(now, project);
        }
        for account in accounts {
            self.note(project, account);
        }
        self.prune(now);
    }

    /// Returns what guests of a project used within a period that are gone now.
    ///
    /// `living` are the guests that are there and whose numbers are [known](Self::knows), in the order
    /// of these. The use of a guest is taken to be spread evenly over its time, so that it fades as a
    /// sliding window leaves that time behind (`~`). What the account of a living guest with the same
    /// number counts is not counted twice.
    pub fn gone(&self, project: &str, period: &Period, living: &[Living<'_>]) -> Vec<GoneGuest> {
        let find = |vmid: Vmid| {
            let place = living.binary_search_by_key(&vmid, |each| each.identity.vmid);
            place.ok().and_then(|place| living.get(place))
        };
        let mut gone = Vec::new();
        // Thousands of guests are known, and each project asks about its own.
        let own = self.guests.iter().filter(|(_, entries)| {
            let mut entries = entries.iter();
            entries.any(|entry| entry.project == project)
        });
        for (vmid, entries) in own {
            let successor = find(*vmid);
            let mut before = match successor {
                None => period.until,
                Some(Living { counted_from, .. }) => match counted_from {
                    Some(counted_from) => *counted_from,
                    // Who has the number now, and since when, is not known.
                    None => continue,
                },
            };
            for entry in entries.iter().rev() {
                let is_living =
                    successor.is_some_and(|each| is_same(&entry.identity, &each.identity));
                if !is_living && entry.project == project {
                    gone.extend(entry.within(period, before));
                }
                before = before.min(entry.from);
            }
        }
        gone
    }

    /// Tells whether a number belonged to a guest whose use was noted.
    pub fn knows(&self, vmid: Vmid) -> bool {
        self.guests.contains_key(&vmid)
    }

    /// Tells whether no guest of a project can have come and gone unnoticed within a period.
    pub fn covers(&self, project: &str, period: &Period) -> bool {
        let mut kept = self.kept.get(project).into_iter().flatten();
        kept.any(|(from, until)| *from <= period.from && period.until - *until <= LONGEST_PAUSE)
    }

    fn keep(&mut self, now: DateTime<Utc>, project: &str) {
        let kept = self.kept.entry(project.to_owned()).or_default();
        // What lies ahead was noted by a clock that went wrong.
        kept.retain(|(from, _)| *from <= now);
        match kept.last_mut() {
            Some((_, until)) if now - *until <= LONGEST_PAUSE => *until = now,
            _ => kept.push((now, now)),
        }
    }

    fn note(&mut self, project: &str, account: &Account) {
        let used = Use {
            storage_gb: Amount::UNKNOWN,
            ..account.used
        };
        let entries = self.guests.entry(account.identity.vmid).or_default();
        let known = entries
            .iter()
            .position(|entry| is_same(&entry.identity, &account.identity))
            .map(|index| entries.remove(index));
        let mut entry = Entry {
            identity: account.identity.clone(),
            project: project.to_owned(),
            from: account.from,
            until: account.until,
            used,
        };
        if let Some(known) = known {
            // A silent node withholds names, and a configuration may be refused.
            entry.identity.uuid = entry.identity.uuid.or(known.identity.uuid);
            entry.identity.name = entry.identity.name.or(known.identity.name);
            if used == Use::UNKNOWN {
                entry = Entry {
                    identity: entry.identity,
                    project: entry.project,
                    ..known
                };
            }
        }
        entries.push(entry);
    }

    fn prune(&mut self, now: DateTime<Utc>) {
        let Some(oldest) = now.checked_sub_signed(LONGEST_WINDOW) else {
            return;
        };
        self.retain_kept(|(from, until)| *until >= oldest && *from <= now);
        self.guests.retain(|_, entries| {
            entries.retain(|entry| entry.until >= oldest && entry.from <= now);
            !entries.is_empty()
        });
        self.forget_beyond(MOST_GUESTS);
    }

    /// Forgets the guests seen longest ago, and that anything was known then.
    fn forget_beyond(&mut self, most: usize) {
        let mut seen: Vec<DateTime<Utc>> = self
            .guests
            .values()
            .flatten()
            .map(|entry| entry.until)
            .collect();
        if seen.len() <= most {
            return;
        }
        seen.sort_unstable();
        let last_forgotten = seen[seen.len() - most - 1];
        self.guests.retain(|_, entries| {
            entries.retain(|entry| entry.until > last_forgotten);
            !entries.is_empty()
        });
        self.retain_kept(|(_, until)| *until > last_forgotten);
        for (from, _) in self.kept.values_mut().flatten() {
            *from = last_forgotten.max(*from);
        }
    }

    fn retain_kept(&mut self, is_wanted: impl Fn(&Kept) -> bool) {
        self.kept.retain(|_, kept| {
            kept.retain(&is_wanted);
            !kept.is_empty()
        });
    }
}

impl Entry {
    /// Returns what of it lies within a period and before a moment.
    fn within(&self, period: &Period, before: DateTime<Utc>) -> Option<GoneGuest> {
        let whole = between(self.from, self.until);
        let part = between(
            self.from.max(period.from),
            self.until.min(period.until).min(before),
        );
        if part.is_zero() {
            return None;
        }
        // It may have lived on for a while after it was seen last.
        let at_most = whole.saturating_add(LONGEST_PAUSE.to_std().unwrap_or(Duration::ZERO));
        let best = if part == whole && is_enough(whole, at_most) {
            Certainty::Exact
        } else {
            Certainty::Estimated
        };
        let share = part.as_secs_f64() / whole.as_secs_f64();
        let cut = |amount: Amount| match amount.value() {
            Some(value) => Amount::new(value * share, amount.certainty().max(best)),
            None => Amount::UNKNOWN,
        };
        Some(GoneGuest {
            identity: self.identity.clone(),
            seen: self.until,
            used: Use {
                cpu_hours: cut(self.used.cpu_hours),
                memory_gb_hours: cut(self.used.memory_gb_hours),
                network_gb: cut(self.used.network_gb),
                storage_gb: Amount::UNKNOWN,
            },
        })
    }
}

/// Tells whether two descriptions are of one guest: by uuid, else by what a person would go by.
fn is_same(one: &Identity, other: &Identity) -> bool {
    if one.vmid != other.vmid {
        return false;
    }
    if let (Some(one), Some(other)) = (&one.uuid, &other.uuid) {
        return one == other;
    }
    let names = one.name.as_ref().zip(other.name.as_ref());
    one.kind == other.kind && names.is_none_or(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::id::GuestKind;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_793_491_200 + hours * 3_600, 0).unwrap()
    }

    #[test]
    fn what_is_forgotten_for_want_of_room_is_no_longer_vouched_for() {
        let entry = |number: u64| Entry {
            identity: Identity {
                vmid: Vmid::new(number).unwrap(),
                kind: GuestKind::Qemu,
                name: None,
                uuid: None,
            },
            project: "lab".to_owned(),
            from: at(0),
            until: at(i64::try_from(number).unwrap()),
            used: Use::UNKNOWN,
        };
        let mut ledger = Ledger {
            kept: BTreeMap::from([("lab".to_owned(), vec![(at(0), at(50)), (at(90), at(200))])]),
            guests: (100..110)
                .map(|number| (Vmid::new(number).unwrap(), vec![entry(number)]))
                .collect(),
        };
        ledger.forget_beyond(4);
        let left: Vec<u32> = ledger.guests.keys().map(|vmid| vmid.get()).collect();
        assert_eq!(left, [106, 107, 108, 109]);
        assert_eq!(ledger.kept["lab"], [(at(105), at(200))]);
    }
}
