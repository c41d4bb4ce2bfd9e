//! The snapshots of all guests: which rows, in which order, and where the cursor is.
//!
//! A row is where a snapshot stands in its guest's list, so that no list is held twice; the rows
//! are made anew when lists, guests, filter or order change, never for a frame.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::guests::directed;
use super::snapshot_debt::{Coverage, Debt};
use super::snapshot_filter::SnapshotFilter;
use super::snapshot_lists::SnapshotLists;
use super::state::Rules;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::project::Project;
use crate::domain::retention::{Class, Reason, Verdict, credible_age, judge};
use crate::domain::snapshot::{Snapshot, SnapshotList};
use crate::domain::text::Text;
use crate::domain::time::Moment;

/// Verdicts depend on time, and are this old at most.
const JUDGED_AGAIN: Duration = Duration::from_secs(60);

/// A column that the snapshots can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnapshotColumn {
    /// What retention says, deletions first and the oldest of them before.
    #[default]
    Verdict,
    /// Its age, oldest first.
    Age,
    /// The guest's number.
    Guest,
    /// Its name.
    Name,
    /// Whether it holds memory, those that do first.
    Ram,
    /// Its class.
    Class,
}

impl SnapshotColumn {
    const ORDER: [Self; 6] = [
        Self::Verdict,
        Self::Age,
        Self::Guest,
        Self::Name,
        Self::Ram,
        Self::Class,
    ];

    fn next(self) -> Self {
        let at = Self::ORDER
            .iter()
            .position(|column| *column == self)
            .unwrap_or(0);
        Self::ORDER[(at + 1) % Self::ORDER.len()]
    }

    /// Returns its word for the pane's title.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Age => "age",
            Self::Guest => "guest",
            Self::Name => "name",
            Self::Ram => "ram",
            Self::Class => "class",
        }
    }

    /// Tells whether its natural order is largest first.
    pub const fn descends(self) -> bool {
        matches!(self, Self::Age | Self::Ram)
    }

    /// Compares two rows; what is unknown comes last whichever way the table is sorted.
    fn compare(self, a: &Line<'_>, b: &Line<'_>, reversed: bool) -> Ordering {
        let (first, second) = (a.snapshot, b.snapshot);
        let order = match self {
            Self::Verdict => directed(a.urgency(), b.urgency(), reversed),
            Self::Age => directed(first.taken, second.taken, reversed),
            Self::Guest => directed(Some(a.row.vmid), Some(b.row.vmid), reversed),
            Self::Name => directed(Some(&first.name), Some(&second.name), reversed),
            Self::Ram => directed(
                Some(Reverse(first.has_ram)),
                Some(Reverse(second.has_ram)),
                reversed,
            ),
            Self::Class => directed(Some(class(first)), Some(class(second)), reversed),
        };
        order
            .then_with(|| match self {
                Self::Verdict | Self::Ram | Self::Class => {
                    directed(first.taken, second.taken, false)
                }
                Self::Age | Self::Guest | Self::Name => Ordering::Equal,
            })
            .then_with(|| a.row.vmid.cmp(&b.row.vmid))
            .then_with(|| first.taken.cmp(&second.taken))
            .then_with(|| first.name.cmp(&second.name))
    }
}

fn class(snapshot: &Snapshot) -> Class {
    Class::of(snapshot.name.raw())
}

/// A row: a snapshot, by where it stands in the list of its guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The guest.
    pub vmid: Vmid,
    index: usize,
}

/// A row while the rows are made.
struct Line<'a> {
    row: Row,
    guest: &'a Guest,
    snapshot: &'a Snapshot,
    reason: Option<&'a Reason>,
}

impl Line<'_> {
    fn urgency(&self) -> Option<bool> {
        self.reason.map(|reason| reason.verdict() == Verdict::Keep)
    }
}

/// What the rows are made of.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) resources: &'a Resources,
    pub(super) lists: &'a SnapshotLists,
    pub(super) rules: &'a Rules,
    /// The server's calendar, by which ages are taken.
    pub(super) server: DateTime<Utc>,
    pub(super) now: Moment,
}

/// What the rules say of one guest's list.
#[derive(Debug, Clone, PartialEq)]
struct Judged {
    /// Why each snapshot of the list stays or goes.
    reasons: Vec<Reason>,
    depth: usize,
}

/// The table's own state; the cursor is a snapshot of a guest, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotTable {
    rows: Vec<Row>,
    judged: HashMap<Vmid, Judged>,
    judged_at: Moment,
    cursor: Option<(Vmid, Text)>,
    /// Where the cursor was, for when its snapshot is gone.
    row: usize,
    /// Whether the cursor was ever moved; until then it stays on the first row while others come.
    moved: bool,
    filter: SnapshotFilter,
    debt: Debt,
    coverage: Coverage,
    /// The column of the order.
    pub sort: SnapshotColumn,
    /// Whether the column's natural order is reversed.
    pub reversed: bool,
}

impl SnapshotTable {
    /// Returns the shown snapshots, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the guest and the name of the snapshot under the cursor.
    pub fn cursor(&self) -> Option<(Vmid, &Text)> {
        self.cursor.as_ref().map(|(vmid, name)| (*vmid, name))
    }

    /// Returns the row of the cursor.
    pub fn cursor_row(&self) -> Option<usize> {
        self.cursor.as_ref().map(|_| self.row)
    }

    /// Returns the filter in force.
    pub fn filter(&self) -> &SnapshotFilter {
        &self.filter
    }

    /// Returns what all snapshots weigh, hidden ones included.
    pub fn debt(&self) -> &Debt {
        &self.debt
    }

    /// Returns how much is known.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Returns the snapshot of a row.
    pub fn snapshot<'a>(&self, row: Row, lists: &'a SnapshotLists) -> Option<&'a Snapshot> {
        lists.list(row.vmid)?.snapshots.get(row.index)
    }

    /// Returns why the snapshot of a row stays or goes; whether that counts, the selection says.
    pub fn reason(&self, row: Row) -> Option<&Reason> {
        self.judged.get(&row.vmid)?.reasons.get(row.index)
    }

    pub(super) fn set_filter(&mut self, text: &str) {
        self.filter = SnapshotFilter::parse(text);
    }

    pub(super) fn sort_by_next(&mut self) {
        self.sort = self.sort.next();
        self.reversed = false;
    }

    /// Tells whether the verdicts are too old.
    pub(super) fn is_outdated(&self, now: Moment) -> bool {
        now.since(self.judged_at) >= JUDGED_AGAIN
    }

    /// Notes that a guest's list is another.
    pub(super) fn forget(&mut self, vmid: Vmid) {
        self.judged.remove(&vmid);
    }

    /// Sums up anew how much is known.
    pub(super) fn cover(&mut self, resources: &Resources, lists: &SnapshotLists) {
        self.coverage = Coverage::of(resources, lists);
    }

    /// Makes the rows anew; the cursor stays on its snapshot, or near its place when that is gone.
    pub(super) fn rebuild(&mut self, known: &Known<'_>) {
        self.judge(known);
        self.cover(known.resources, known.lists);
        let mut debt = Debt::default();
        let mut lines: Vec<Line<'_>> = Vec::new();
        for seen in &known.resources.guests {
            let guest = &seen.guest;
            let Some(list) = known.lists.list(guest.vmid) else {
                continue;
            };
            let Some(judged) = self.judged.get(&guest.vmid) else {
                continue;
            };
            let managed = known.rules.selection.manages(guest);
            debt.add(guest.vmid, list, judged, managed, known.server);
            let project = || {
                let assigned = known.rules.projects.assign(guest);
                assigned.project.map(Project::name)
            };
            if !list.snapshots.is_empty() && self.filter.admits_guest(guest, project) {
                lines.extend(self.lines(guest, list, judged, managed));
            }
        }
        if let Some(mut words) = self.filter.words() {
            lines.retain(|line| {
                let text = format!("{} {}", line.guest.to_ref(), line.snapshot.name);
                words.are_in(&text)
            });
        }
        lines.sort_unstable_by(|a, b| self.sort.compare(a, b, self.reversed));
        self.rows = lines.into_iter().map(|line| line.row).collect();
        self.debt = debt;
        let cursor = self.cursor.as_ref().filter(|_| self.moved);
        let found = cursor.and_then(|(vmid, name)| {
            let is_it = |row: &Row| {
                row.vmid == *vmid
                    && self
                        .snapshot(*row, known.lists)
                        .is_some_and(|snapshot| snapshot.name == *name)
            };
            // Two of one name are told apart by nothing but their place.
            let same_place = self.rows.get(self.row).is_some_and(is_it);
            if same_place {
                return Some(self.row);
            }
            self.rows.iter().position(is_it)
        });
        self.go_to(found.unwrap_or(self.row), known.lists);
    }

    fn lines<'a>(
        &self,
        guest: &'a Guest,
        list: &'a SnapshotList,
        judged: &'a Judged,
        managed: bool,
    ) -> impl Iterator<Item = Line<'a>> {
        let rows = list.snapshots.iter().zip(&judged.reasons).enumerate();
        rows.map(move |(index, (snapshot, reason))| Line {
            row: Row {
                vmid: guest.vmid,
                index,
            },
            guest,
            snapshot,
            reason: managed.then_some(reason),
        })
        .filter(|line| self.filter.admits_verdict(line.reason))
    }

    /// Judges the lists that are new, and after a while all of them.
    fn judge(&mut self, known: &Known<'_>) {
        if self.is_outdated(known.now) {
            self.judged.clear();
            self.judged_at = known.now;
        }
        self.judged
            .retain(|vmid, _| known.lists.list(*vmid).is_some());
        for seen in &known.resources.guests {
            let vmid = seen.guest.vmid;
            if let Some(list) = known.lists.list(vmid) {
                self.judged.entry(vmid).or_insert_with(|| Judged {
                    reasons: judge(list, &known.rules.retention, known.server),
                    depth: list.depth(),
                });
            }
        }
    }

    /// Moves the cursor by some rows.
    pub(super) fn move_by(&mut self, rows: isize, lists: &SnapshotLists) {
        self.moved = true;
        self.go_to(self.row.saturating_add_signed(rows), lists);
    }

    fn go_to(&mut self, row: usize, lists: &SnapshotLists) {
        self.row = row.min(self.rows.len().saturating_sub(1));
        self.cursor = self.rows.get(self.row).and_then(|row| {
            let name = self.snapshot(*row, lists)?.name.clone();
            Some((row.vmid, name))
        });
    }
}

impl Debt {
    fn add(
        &mut self,
        vmid: Vmid,
        list: &SnapshotList,
        judged: &Judged,
        managed: bool,
        server: DateTime<Utc>,
    ) {
        if list.snapshots.is_empty() {
            return;
        }
        self.guests += 1;
        self.snapshots += list.snapshots.len();
        if self.deepest.is_none_or(|(depth, _)| judged.depth > depth) {
            self.deepest = Some((judged.depth, vmid));
        }
        for (snapshot, reason) in list.snapshots.iter().zip(&judged.reasons) {
            self.with_ram += usize::from(snapshot.has_ram);
            if managed {
                self.judged += 1;
                self.delete += usize::from(reason.verdict() == Verdict::Delete);
            }
            let credible = credible_age(snapshot, server).and(snapshot.taken);
            if let Some(taken) = credible
                && self.oldest.is_none_or(|(oldest, _)| taken < oldest)
            {
                self.oldest = Some((taken, vmid));
            }
        }
    }
}
