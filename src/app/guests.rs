//! The table of guests: which rows, in which order, and where the cursor is.

use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;

/// The table's own state; the cursor is a guest, never a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuestTable {
    /// The shown guests, in order; follows from the inventory.
    rows: Vec<Vmid>,
    cursor: Option<Vmid>,
    /// Where the cursor was, for when its guest is gone.
    row: usize,
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

    /// Makes the rows anew; the cursor stays on its guest, or near its place when that is gone.
    pub(super) fn rebuild(&mut self, resources: &Resources) {
        self.rows = resources
            .guests
            .iter()
            .map(|seen| seen.guest.vmid)
            .collect();
        let found = self
            .cursor
            .and_then(|cursor| self.rows.iter().position(|vmid| *vmid == cursor));
        self.go_to(found.unwrap_or(self.row));
    }

    /// Moves the cursor by some rows.
    pub(super) fn move_by(&mut self, rows: isize) {
        self.go_to(self.row.saturating_add_signed(rows));
    }

    /// Moves the cursor to a row, or to the last one.
    pub(super) fn go_to(&mut self, row: usize) {
        self.row = row.min(self.rows.len().saturating_sub(1));
        self.cursor = self.rows.get(self.row).copied();
    }
}
