//! Nodes and storages, and where the cursors are.

use crate::domain::id::{NodeName, StorageName};
use crate::domain::inventory::{Node, Resources, Storage};

/// The state of both panes; cursors are names, never rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodePanes {
    node: Option<NodeName>,
    storage: Option<(StorageName, NodeName)>,
}

impl NodePanes {
    /// Returns the row of the cursor among the nodes.
    pub fn node_row(&self, resources: &Resources) -> usize {
        resources
            .nodes
            .iter()
            .position(|node| Some(&node.name) == self.node.as_ref())
            .unwrap_or(0)
    }

    /// Returns the row of the cursor among the storages.
    pub fn storage_row(&self, resources: &Resources) -> usize {
        let wanted = |storage: &Storage| {
            self.storage
                .as_ref()
                .is_some_and(|(name, node)| *name == storage.name && *node == storage.node)
        };
        resources.storages.iter().position(wanted).unwrap_or(0)
    }

    /// Returns the node under the cursor.
    pub fn selected_node<'a>(&self, resources: &'a Resources) -> Option<&'a Node> {
        resources.nodes.get(self.node_row(resources))
    }

    /// Puts the cursor on a node.
    pub(super) fn select_node(&mut self, node: NodeName) {
        self.node = Some(node);
    }

    /// Puts the cursor on a storage.
    pub(super) fn select_storage(&mut self, storage: StorageName, node: NodeName) {
        self.storage = Some((storage, node));
    }

    pub(super) fn move_node(&mut self, resources: &Resources, rows: isize) {
        let last = resources.nodes.len().saturating_sub(1);
        let row = self
            .node_row(resources)
            .saturating_add_signed(rows)
            .min(last);
        self.node = resources.nodes.get(row).map(|node| node.name.clone());
    }

    pub(super) fn move_storage(&mut self, resources: &Resources, rows: isize) {
        let last = resources.storages.len().saturating_sub(1);
        let row = self
            .storage_row(resources)
            .saturating_add_signed(rows)
            .min(last);
        self.storage = resources
            .storages
            .get(row)
            .map(|storage| (storage.name.clone(), storage.node.clone()));
    }
}
