//! The table of guests: which rows, in which order, and where the cursor is.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::filter::Filter;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;

/// A column that the table can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortColumn {
    /// The guest's number.
    #[default]
    Id,
    /// Its name.
    Name,
    /// Its node.
    Node,
    /// Its processor use, highest first.
    Cpu,
    /// Its memory use, highest first.
    Memory,
    /// How long it has run, longest first.
    Uptime,
    /// Its pool.
    Pool,
    /// Its run state.
    Status,
}

impl SortColumn {
    const ORDER: [Self; 8] = [
        Self::Id,
        Self::Name,
        Self::Node,
        Self::Cpu,
        Self::Memory,
        Self::Uptime,
        Self::Pool,
        Self::Status,
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
            Self::Id => "id",
            Self::Name => "name",
            Self::Node => "node",
            Self::Cpu => "cpu",
            Self::Memory => "mem",
            Self::Uptime => "up",
            Self::Pool => "pool",
            Self::Status => "status",
        }
    }

    /// Tells whether its natural order is largest first.
    pub const fn descends(self) -> bool {
        matches!(self, Self::Cpu | Self::Memory | Self::Uptime)
    }

    /// Compares two guests; what is unknown comes last whichever way the table is sorted.
    fn compare(self, a: &Guest, b: &Guest, reversed: bool) -> Ordering {
        let order = match self {
            Self::Id => directed(Some(a.vmid), Some(b.vmid), reversed),
            Self::Name => directed(a.name.as_ref(), b.name.as_ref(), reversed),
            Self::Node => directed(Some(&a.node), Some(&b.node), reversed),
            Self::Cpu => directed(live(a, cpu(a)), live(b, cpu(b)), !reversed),
            Self::Memory => directed(live(a, memory(a)), live(b, memory(b)), !reversed),
            Self::Uptime => directed(
                live(a, a.figures.uptime),
                live(b, b.figures.uptime),
                !reversed,
            ),
            Self::Pool => directed(a.pool.as_ref(), b.pool.as_ref(), reversed),
            Self::Status => directed(Some(&a.status), Some(&b.status), reversed),
        };
        order.then(a.vmid.cmp(&b.vmid))
    }
}

/// Compares what may be unknown; the unknown comes last in either direction.
pub(super) fn directed<T: Ord>(a: Option<T>, b: Option<T>, reversed: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if reversed => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// Figures of guests that do not run are no figures.
fn live<T>(guest: &Guest, figure: Option<T>) -> Option<T> {
    figure.filter(|_| guest.is_running())
}

/// Shares as whole thousandths, so that they have a total order.
fn cpu(guest: &Guest) -> Option<i64> {
    guest.figures.cpu.map(|cpu| (cpu * 1000.0) as i64)
}

fn memory(guest: &Guest) -> Option<i64> {
    guest
        .figures
        .memory_fraction()
        .map(|memory| (memory * 1000.0) as i64)
}

/// The table's own state; the cursor is a guest, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestTable {
    /// The shown guests, in order; follows from the inventory, the filter and the order.
    rows: Vec<Vmid>,
    cursor: Option<Vmid>,
    /// Where the cursor was, for when its guest is gone.
    row: usize,
    marks: BTreeSet<Vmid>,
    filter: Filter,
    /// The column of the order.
    pub sort: SortColumn,
    /// Whether the column's natural order is reversed.
    pub reversed: bool,
}

impl GuestTable {
    /// Returns the shown guests, in order.
    pub fn rows(&self) -> &[Vmid] {
        &self.rows
    }

    /// Returns the guest under the cursor.
    pub fn cursor(&self) -> Option<Vmid> {
        self.cursor
    }

    /// Returns the row of the cursor.
    pub fn cursor_row(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.rows
            .get(self.row)
            .is_some_and(|vmid| *vmid == cursor)
            .then_some(self.row)
    }

    /// Returns the marked guests, hidden ones included.
    pub fn marks(&self) -> &BTreeSet<Vmid> {
        &self.marks
    }

    /// Returns the filter in force.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(super) fn set_filter(&mut self, text: &str) {
        self.filter = Filter::parse(text);
    }

    pub(super) fn sort_by_next(&mut self) {
        self.sort = self.sort.next();
        self.reversed = false;
    }

    /// Makes the rows anew; the cursor stays on its guest, or near its place when that is gone.
    pub(super) fn rebuild<'a>(
        &mut self,
        resources: &'a Resources,
        project_of: impl Fn(&'a Guest) -> Option<&'a str>,
    ) {
        let mut guests: Vec<&Guest> = resources.guests.iter().map(|seen| &seen.guest).collect();
        self.filter.retain(&mut guests, project_of);
        guests.sort_by(|a, b| self.sort.compare(a, b, self.reversed));
        self.rows.clear();
        self.rows.extend(guests.iter().map(|guest| guest.vmid));
        self.marks.retain(|vmid| resources.guest(*vmid).is_some());
        let found = self
            .cursor
            .and_then(|cursor| self.rows.iter().position(|vmid| *vmid == cursor));
        self.go_to(found.unwrap_or(self.row));
    }

    /// Puts the cursor on a guest; tells whether it is shown.
    pub(super) fn select(&mut self, vmid: Vmid) -> bool {
        let row = self.rows.iter().position(|shown| *shown == vmid);
        if let Some(row) = row {
            self.go_to(row);
        }
        row.is_some()
    }

    /// Moves the cursor by some rows.
    pub(super) fn move_by(&mut self, rows: isize) {
        self.go_to(self.row.saturating_add_signed(rows));
    }

    fn go_to(&mut self, row: usize) {
        self.row = row.min(self.rows.len().saturating_sub(1));
        self.cursor = self.rows.get(self.row).copied();
    }

    /// Marks these guests and no others, and puts the cursor on the first of them that is shown.
    pub(super) fn mark_only(&mut self, guests: impl IntoIterator<Item = Vmid>) {
        self.marks = guests.into_iter().collect();
        let marked = self.rows.iter().position(|vmid| self.marks.contains(vmid));
        if let Some(row) = marked {
            self.go_to(row);
        }
    }

    /// Marks the guest under the cursor, or takes its mark away.
    pub(super) fn toggle_mark(&mut self) {
        if let Some(cursor) = self.cursor
            && !self.marks.remove(&cursor)
        {
            self.marks.insert(cursor);
        }
    }

    /// Marks all shown guests; when all are marked already, takes their marks away.
    pub(super) fn toggle_all_marks(&mut self) {
        if self.rows.iter().all(|vmid| self.marks.contains(vmid)) {
            for vmid in &self.rows {
                self.marks.remove(vmid);
            }
        } else {
            self.marks.extend(&self.rows);
        }
    }

    pub(super) fn clear_marks(&mut self) {
        self.marks.clear();
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::domain::guest::{Figures, Status};
    use crate::domain::id::GuestKind;
    use crate::domain::time::Moment;

    fn guest(vmid: u64, cpu: Option<f64>) -> Guest {
        Guest {
            vmid: Vmid::new(vmid).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve1".parse().unwrap(),
            name: Some(format!("guest-{vmid}").into()),
            status: if cpu.is_some() {
                Status::Running
            } else {
                Status::Stopped
            },
            template: false,
            lock: None,
            tags: Vec::new(),
            pool: None,
            ha_state: None,
            figures: Figures {
                cpu: cpu.or(Some(0.0)),
                ..Figures::default()
            },
        }
    }

    fn resources(guests: &[(u64, Option<f64>)]) -> Resources {
        let guests = guests
            .iter()
            .map(|(vmid, cpu)| guest(*vmid, *cpu))
            .collect();
        Resources {
            guests: Resources::dated(guests, None, Moment::default()),
            ..Resources::default()
        }
    }

    fn table(resources: &Resources) -> GuestTable {
        let mut table = GuestTable::default();
        table.rebuild(resources, |_| None);
        table
    }

    fn numbers(table: &GuestTable) -> Vec<u32> {
        table.rows().iter().map(|vmid| vmid.get()).collect()
    }

    #[test]
    fn the_cursor_stays_on_its_guest_when_the_order_changes() {
        let before = resources(&[(100, Some(0.1)), (101, Some(0.2)), (102, Some(0.3))]);
        let mut table = table(&before);
        table.sort = SortColumn::Cpu;
        table.rebuild(&before, |_| None);
        table.move_by(-1);
        assert_eq!(
            (numbers(&table), table.cursor()),
            (vec![102, 101, 100], Vmid::new(101))
        );
        let after = resources(&[(100, Some(0.9)), (101, Some(0.2)), (102, Some(0.3))]);
        table.rebuild(&after, |_| None);
        assert_eq!(
            (numbers(&table), table.cursor()),
            (vec![100, 102, 101], Vmid::new(101))
        );
        assert_eq!(table.cursor_row(), Some(2));
    }

    #[test]
    fn when_its_guest_is_gone_the_cursor_stays_near_its_place() {
        let mut table = table(&resources(&[(100, None), (101, None), (102, None)]));
        table.move_by(1);
        table.rebuild(&resources(&[(100, None), (102, None)]), |_| None);
        assert_eq!(table.cursor(), Vmid::new(102));
        table.rebuild(&resources(&[(100, None)]), |_| None);
        assert_eq!(table.cursor(), Vmid::new(100));
        table.rebuild(&resources(&[]), |_| None);
        assert_eq!((table.cursor(), table.cursor_row()), (None, None));
    }

    #[test]
    fn guests_that_do_not_run_come_last_whichever_way_figures_are_sorted() {
        let resources = resources(&[(100, None), (101, Some(0.2)), (102, Some(0.9))]);
        let mut table = table(&resources);
        table.sort = SortColumn::Cpu;
        table.rebuild(&resources, |_| None);
        assert_eq!(numbers(&table), [102, 101, 100]);
        table.reversed = true;
        table.rebuild(&resources, |_| None);
        assert_eq!(numbers(&table), [101, 102, 100]);
    }

    #[test]
    fn marks_belong_to_guests_and_outlive_a_filter() {
        let resources = resources(&[(100, None), (101, None), (102, None)]);
        let mut table = table(&resources);
        table.toggle_mark();
        table.set_filter("102");
        table.rebuild(&resources, |_| None);
        table.toggle_all_marks();
        assert_eq!(
            table
                .marks()
                .iter()
                .map(|vmid| vmid.get())
                .collect::<Vec<_>>(),
            [100, 102]
        );
        table.toggle_all_marks();
        assert_eq!(table.marks().len(), 1, "only those shown lose their mark");
        table.rebuild(&self::resources(&[(102, None)]), |_| None);
        assert!(
            table.marks().is_empty(),
            "the mark of a guest that is gone is gone"
        );
    }
}
