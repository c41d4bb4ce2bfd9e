//! The snapshots of the selected guest, and where the cursor is among them.

use super::remote::Remote;
use super::snapshot_lists::SnapshotLists;
use crate::domain::id::Vmid;
use crate::domain::snapshot::{SnapshotList, TreeNode};
use crate::domain::text::Text;

/// The pane's state, and the lists of all guests, which it shares with everybody else.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SnapshotPane {
    pub(super) lists: SnapshotLists,
    /// The snapshot under the cursor; nothing means the guest's present.
    cursor: Option<Text>,
}

impl SnapshotPane {
    /// Returns what is known of a guest's snapshots.
    pub fn of(&self, vmid: Vmid) -> Option<&Remote<SnapshotList>> {
        self.lists.of(vmid)
    }

    /// Returns the lists of all guests.
    pub fn lists(&self) -> &SnapshotLists {
        &self.lists
    }

    /// Returns the name of the snapshot under the cursor.
    pub fn cursor(&self) -> Option<&Text> {
        self.cursor.as_ref()
    }

    /// Puts the cursor on the guest's present.
    pub(super) fn reset(&mut self) {
        self.cursor = None;
    }

    /// Puts the cursor on a snapshot.
    pub(super) fn select(&mut self, name: Text) {
        self.cursor = Some(name);
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
        let Some(list) = self.lists.list(vmid) else {
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
