//! A plan read back from a file that anybody may have written, cut off or edited.
//!
//! What is read says only which deletions were *meant*. Whether they may happen is asked again of the
//! rules, with the guests as they are now; a file can weaken a plan and never strengthen one.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::differences::{Changed, Difference};
use super::document::PLAN_SCHEMA;
use super::judge::{GuestSnapshots, plan};
use super::plan::{RetentionPlan, Row};
use super::policy::Policy;
use super::reason::Verdict;
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::snapshot::SnapshotList;
use crate::domain::text::{Text, clean};

/// How the schemas of all versions begin.
const ANY_VERSION: &str = "proxdeck.prune/";

/// Why a file is no plan that could be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlan {
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// It ends before it is complete.
    #[error("it ends in the middle (line {0}): it was not written to its end")]
    CutOff(usize),
    /// It is no JSON, or a value in it is of the wrong kind.
    #[error("it cannot be understood: {0}")]
    Malformed(String),
    /// It is a document that tells an error.
    #[error("it tells of an error and holds no plan")]
    AnError,
    /// It is JSON of something else.
    #[error("it does not say that it is a plan: `\"schema\": \"proxdeck.prune/1\"` is expected")]
    NoSchema,
    /// It is another document.
    #[error("it is a {0} document, not proxdeck.prune/1")]
    OtherSchema(String),
    /// A later version wrote it.
    #[error("it is a {0} document; this proxdeck reads proxdeck.prune/1 alone")]
    OtherVersion(String),
    /// One of its rows makes no sense.
    #[error("row {number} makes no sense: {what}")]
    Row {
        /// Which, counted from 1.
        number: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// A plan as a file tells it, checked to make sense in itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanFile {
    cluster: Text,
    time: DateTime<Utc>,
    rows: Vec<MeantRow>,
}

/// A snapshot as the file tells it.
#[derive(Debug, Clone, PartialEq)]
struct MeantRow {
    vmid: Vmid,
    kind: GuestKind,
    name: Option<Text>,
    snapshot: Text,
    taken: Option<DateTime<Utc>>,
    verdict: Verdict,
    mark: Option<Text>,
    unfinished: Option<Text>,
}

/// A guest of a plan as it is now.
#[derive(Debug, Clone, Copy)]
pub struct GuestNow<'a> {
    /// The guest.
    pub guest: &'a Guest,
    /// Whether the config's selection picks it.
    pub managed: bool,
    /// Its snapshots as just read, or why they could not be.
    pub list: Result<&'a SnapshotList, &'a Failure>,
}

/// The parts of a document that decide how the rest is read.
#[derive(Deserialize)]
#[serde(expecting = "a document")]
struct Head {
    schema: Option<String>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "a plan")]
struct Written {
    cluster: String,
    time: String,
    rows: Vec<WrittenRow>,
}

#[derive(Deserialize)]
#[serde(expecting = "a row of a plan")]
struct WrittenRow {
    vmid: u64,
    kind: String,
    name: Option<String>,
    snapshot: String,
    time: Option<String>,
    verdict: String,
    mark: Option<String>,
    unfinished: Option<String>,
}

impl PlanFile {
    /// Reads a plan; whatever is in the file, the answer is a plan or a sentence.
    pub fn parse(content: &[u8]) -> Result<Self, NotAPlan> {
        if content.iter().all(u8::is_ascii_whitespace) {
            return Err(NotAPlan::Empty);
        }
        let head: Head = read(content)?;
        if head.error.is_some() {
            return Err(NotAPlan::AnError);
        }
        match head.schema.as_deref() {
            None => return Err(NotAPlan::NoSchema),
            Some(PLAN_SCHEMA) => {}
            Some(other) if other.starts_with(ANY_VERSION) => {
                return Err(NotAPlan::OtherVersion(short(other)));
            }
            Some(other) => return Err(NotAPlan::OtherSchema(short(other))),
        }
        let written: Written = read(content)?;
        let Some(time) = date(&written.time) else {
            let what = format!("its time {:?} is no date", short(&written.time));
            return Err(NotAPlan::Malformed(what));
        };
        let mut rows = Vec::with_capacity(written.rows.len());
        for (index, row) in written.rows.into_iter().enumerate() {
            rows.push(meant(row).map_err(|what| NotAPlan::Row {
                number: index + 1,
                what,
            })?);
        }
        contradiction(&rows)?;
        Ok(Self {
            cluster: Text::new(written.cluster),
            time,
            rows,
        })
    }

    /// Returns the cluster for which it was made.
    pub fn cluster(&self) -> &Text {
        &self.cluster
    }

    /// Returns when it was made.
    pub fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Returns the numbers of its guests.
    pub fn guests(&self) -> BTreeSet<Vmid> {
        self.rows.iter().map(|row| row.vmid).collect()
    }

    /// Returns the deletions that it means, guest and snapshot.
    pub fn deletions(&self) -> impl Iterator<Item = (Vmid, &Text)> {
        self.rows
            .iter()
            .filter(|row| row.verdict == Verdict::Delete)
            .map(|row| (row.vmid, &row.snapshot))
    }

    /// Applies it to the guests as they are now: the same deletions, or everything that is different.
    ///
    /// Each guest and snapshot of the file must be what it was, and each deletion must be one that
    /// the rules make now. Snapshots that the file does not name stay and are no difference; time
    /// that passed is none either. A lock matters only where something is to be deleted.
    pub fn apply(
        &self,
        guests: &[GuestNow<'_>],
        policy: &Policy,
        now: DateTime<Utc>,
    ) -> Result<RetentionPlan, Vec<Difference>> {
        let (same, mut differences) = self.compare_guests(guests);
        let judged: Vec<GuestSnapshots<'_>> = same
            .iter()
            .map(|(guest, list)| GuestSnapshots { guest, list })
            .collect();
        let mut present = plan(&judged, policy, now);
        differences.extend(self.compare_snapshots(&present, &same, policy));
        if !differences.is_empty() {
            differences.sort_by_key(Difference::guest);
            return Err(differences);
        }
        let meant: HashSet<(Vmid, &Text)> = self.deletions().collect();
        present.keep_all_but(|row| meant.contains(&(row.guest().vmid, row.name())));
        Ok(present)
    }

    /// Sorts the guests of the file into those that are what they were, and what differs.
    fn compare_guests<'a>(
        &self,
        guests: &[GuestNow<'a>],
    ) -> (Vec<(GuestRef, &'a SnapshotList)>, Vec<Difference>) {
        let guests: HashMap<Vmid, &GuestNow<'a>> =
            guests.iter().map(|each| (each.guest.vmid, each)).collect();
        let losing: HashSet<Vmid> = self.deletions().map(|(vmid, _)| vmid).collect();
        let (mut same, mut differences) = (Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for row in self.rows.iter().filter(|row| seen.insert(row.vmid)) {
            let found = guests.get(&row.vmid).copied();
            match compare_guest(row, found, losing.contains(&row.vmid)) {
                Ok(guest) => same.push(guest),
                Err(changed) => differences.push(row.differs(None, changed)),
            }
        }
        (same, differences)
    }

    /// Names what is different in the snapshots of guests that are what they were.
    fn compare_snapshots(
        &self,
        present: &RetentionPlan,
        guests: &[(GuestRef, &SnapshotList)],
        policy: &Policy,
    ) -> Vec<Difference> {
        let mut rows_now: HashMap<(Vmid, &Text), Vec<&Row>> = HashMap::new();
        for row in present.rows() {
            let key = (row.guest().vmid, row.name());
            rows_now.entry(key).or_default().push(row);
        }
        let guests: HashSet<Vmid> = guests.iter().map(|(guest, _)| guest.vmid).collect();
        let compared = self.rows.iter().filter(|row| guests.contains(&row.vmid));
        compared
            .filter_map(|row| {
                let found = rows_now.get(&(row.vmid, &row.snapshot));
                let changed = row.compare(found.map_or(&[], Vec::as_slice), policy)?;
                Some(row.differs(Some(&row.snapshot), changed))
            })
            .collect()
    }

    /// Counts the snapshots of a plan that the file does not name.
    pub fn unnamed(&self, plan: &RetentionPlan) -> usize {
        let named: HashSet<(Vmid, &Text)> = self
            .rows
            .iter()
            .map(|row| (row.vmid, &row.snapshot))
            .collect();
        let rows = plan.rows().iter();
        rows.filter(|row| !named.contains(&(row.guest().vmid, row.name())))
            .count()
    }
}

/// Says how a guest differs from the one that was meant, or returns it with its snapshots.
fn compare_guest<'a>(
    meant: &MeantRow,
    found: Option<&GuestNow<'a>>,
    loses: bool,
) -> Result<(GuestRef, &'a SnapshotList), Changed> {
    let Some(now) = found else {
        return Err(Changed::GuestGone);
    };
    let guest = now.guest;
    if guest.kind != meant.kind {
        return Err(Changed::GuestKind(guest.kind));
    }
    if guest.name != meant.name {
        return Err(Changed::GuestName(guest.name.clone()));
    }
    if guest.template {
        return Err(Changed::Template);
    }
    if !now.managed {
        return Err(Changed::NotManaged);
    }
    if let Some(lock) = guest.lock.as_ref().filter(|_| loses) {
        return Err(Changed::Locked(lock.clone()));
    }
    match now.list {
        Ok(list) => Ok((guest.to_ref(), list)),
        Err(failure) => Err(Changed::Unread(failure.to_string())),
    }
}

impl MeantRow {
    fn differs(&self, snapshot: Option<&Text>, changed: Changed) -> Difference {
        Difference::new(self.vmid, self.name.clone(), snapshot.cloned(), changed)
    }

    /// Says how the snapshot differs from what was meant; `found` has those of its name.
    fn compare(&self, found: &[&Row], policy: &Policy) -> Option<Changed> {
        let Some(first) = found.first() else {
            return Some(Changed::Gone);
        };
        // A server may list a name twice; any of them may be the one that was meant.
        let of_that_time = found.iter().filter(|row| row.taken() == self.taken);
        let mut changes = of_that_time.map(|row| self.compare_with(row, policy));
        let Some(change) = changes.next() else {
            return Some(Changed::Time {
                before: self.taken,
                now: first.taken(),
            });
        };
        change.filter(|_| !changes.any(|other| other.is_none()))
    }

    fn compare_with(&self, row: &Row, policy: &Policy) -> Option<Changed> {
        let mark = policy.mark_of(row.snapshot());
        let mark = mark.map(|mark| Text::new(mark.to_string()));
        if mark != self.mark {
            return Some(Changed::Mark {
                before: self.mark.clone(),
                now: mark,
            });
        }
        let unfinished = &row.snapshot().unfinished;
        if *unfinished != self.unfinished {
            return Some(Changed::Unfinished(unfinished.clone()));
        }
        let refused = self.verdict == Verdict::Delete && row.verdict() == Verdict::Keep;
        refused.then(|| Changed::KeptByRule(row.reason().clone()))
    }
}

fn read<'de, T: Deserialize<'de>>(content: &'de [u8]) -> Result<T, NotAPlan> {
    serde_json::from_slice(content).map_err(|error| {
        if error.is_eof() {
            NotAPlan::CutOff(error.line())
        } else {
            NotAPlan::Malformed(clean(&error.to_string()))
        }
    })
}

/// Checks one row by itself.
fn meant(row: WrittenRow) -> Result<MeantRow, String> {
    let vmid = Vmid::new(row.vmid).ok_or_else(|| format!("{} is no guest's number", row.vmid))?;
    let kind = match row.kind.as_str() {
        "qemu" => GuestKind::Qemu,
        "lxc" => GuestKind::Lxc,
        other => {
            return Err(format!(
                "the kind {:?} is neither qemu nor lxc",
                short(other)
            ));
        }
    };
    let verdict = match row.verdict.as_str() {
        "keep" => Verdict::Keep,
        "delete" => Verdict::Delete,
        other => {
            let word = short(other);
            return Err(format!("the verdict {word:?} is neither keep nor delete"));
        }
    };
    if row.snapshot.is_empty() {
        return Err("its snapshot has no name".to_owned());
    }
    let taken = match &row.time {
        None if verdict == Verdict::Delete => {
            return Err("a snapshot without a time is never deleted".to_owned());
        }
        None => None,
        Some(text) => {
            Some(date(text).ok_or_else(|| format!("the time {:?} is no date", short(text)))?)
        }
    };
    Ok(MeantRow {
        vmid,
        kind,
        name: row.name.map(Text::new),
        snapshot: Text::new(row.snapshot),
        taken,
        verdict,
        mark: row.mark.map(Text::new),
        unfinished: row.unfinished.map(Text::new),
    })
}

/// Finds the first row that contradicts one before it.
fn contradiction(rows: &[MeantRow]) -> Result<(), NotAPlan> {
    let mut guests: HashMap<Vmid, (GuestKind, &Option<Text>)> = HashMap::new();
    let mut verdicts: HashMap<(Vmid, &Text), Verdict> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let told = (row.kind, &row.name);
        let vmid = row.vmid;
        let mut what = None;
        if *guests.entry(vmid).or_insert(told) != told {
            what = Some(format!("a row before it calls guest {vmid} otherwise"));
        }
        // A server may list a name twice; such snapshots are unclear, and none of them goes.
        let before = verdicts.insert((vmid, &row.snapshot), row.verdict);
        if before.is_some_and(|before| [before, row.verdict].contains(&Verdict::Delete)) {
            what = Some(format!("{} of {vmid} stands there twice", row.snapshot));
        }
        if let Some(what) = what {
            let number = index + 1;
            return Err(NotAPlan::Row { number, what });
        }
    }
    Ok(())
}

/// Reads a date as documents write it; those of clocks gone mad have years of more than four digits.
fn date(text: &str) -> Option<DateTime<Utc>> {
    text.parse().ok()
}

/// Cuts a text of strangers to what a sentence can hold.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    let clean = clean(text);
    if clean.chars().count() <= MOST {
        return clean;
    }
    let mut cut: String = clean.chars().take(MOST).collect();
    cut.push('…');
    cut
}
