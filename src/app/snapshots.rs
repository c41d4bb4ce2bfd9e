//! The snapshots of the selected guest, and where the cursor is among them.

use std::collections::HashMap;

use super::effect::Ticket;
use super::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::id::Vmid;
use crate::domain::snapshot::{SnapshotList, TreeNode};
use crate::domain::task::Upid;
use crate::domain::text::Text;
use crate::domain::time::Moment;

/// The pane's state, and the lists read so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotPane {
    lists: HashMap<Vmid, Remote<SnapshotList>>,
    /// The last task known to have changed a guest's snapshots.
    changes: HashMap<Vmid, Upid>,
    /// The snapshot under the cursor; nothing means the guest's present.
    cursor: Option<Text>,
}

impl SnapshotPane {
    /// Returns what is known of a guest's snapshots.
    pub fn of(&self, vmid: Vmid) -> Option<&Remote<SnapshotList>> {
        self.lists.get(&vmid)
    }

    /// Returns the list of a guest for asking and settling.
    pub(super) fn of_mut(&mut self, vmid: Vmid) -> &mut Remote<SnapshotList> {
        self.lists.entry(vmid).or_default()
    }

    /// Notes that a task has changed a guest's snapshots.
    pub(super) fn changed_by(&mut self, vmid: Vmid, upid: &Upid) {
        let known = self.changes.get(&vmid);
        if known.is_some_and(|known| known.started() >= upid.started()) {
            return;
        }
        self.changes.insert(vmid, upid.clone());
        // A list that was never read needs no second reading.
        if let Some(list) = self.lists.get_mut(&vmid) {
            list.outdate();
        }
    }

    /// Takes in the result of a question.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: Result<SnapshotList, Failure>,
    ) {
        if let Some(list) = self.lists.values_mut().find(|list| list.awaits(ticket)) {
            list.settle(ticket, now, result);
        }
    }

    /// Forgets the lists of guests that are gone.
    pub(super) fn retain(&mut self, exists: impl Fn(Vmid) -> bool) {
        self.lists.retain(|vmid, _| exists(*vmid));
        self.changes.retain(|vmid, _| exists(*vmid));
    }

    /// Returns the name of the snapshot under the cursor.
    pub fn cursor(&self) -> Option<&Text> {
        self.cursor.as_ref()
    }

    /// Puts the cursor on the guest's present.
    pub(super) fn reset(&mut self) {
        self.cursor = None;
    }

    /// Returns the row of the cursor in the tree of a list.
    pub fn cursor_row(&self, list: &SnapshotList) -> usize {
        let tree = list.tree();
        let wanted = |node: &TreeNode<'_>| match (node, &self.cursor) {
            (TreeNode::Snapshot(snapshot), Some(cursor)) => snapshot.name == *cursor,
            (TreeNode::Present, None) => true,
            (TreeNode::Snapshot(_), None) | (TreeNode::Present, Some(_)) => false,
        };
        let present = || tree.iter().position(|row| row.node == TreeNode::Present);
        tree.iter()
            .position(|row| wanted(&row.node))
            .or_else(present)
            .unwrap_or(0)
    }

    /// Moves the cursor by some rows of the guest's tree.
    pub(super) fn move_by(&mut self, vmid: Vmid, rows: isize) {
        let Some(list) = self.lists.get(&vmid).and_then(Remote::value) else {
            return;
        };
        let row = self.cursor_row(list).saturating_add_signed(rows);
        let tree = list.tree();
        self.cursor = tree
            .get(row.min(tree.len() - 1))
            .and_then(|row| match row.node {
                TreeNode::Snapshot(snapshot) => Some(snapshot.name.clone()),
                TreeNode::Present => None,
            });
    }
}
