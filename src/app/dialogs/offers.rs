//! The nodes and storages that a form offers for a new guest; the first alternative is its source's.

use crate::domain::id::{NodeName, StorageName};
use crate::domain::inventory::Resources;
use crate::domain::request::takes_disks;

/// The nodes and storages on offer, in the order of their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Offers {
    nodes: Vec<NodeName>,
    storages: Vec<StorageName>,
}

impl Offers {
    /// Collects all nodes, and the storages that take disks.
    pub(super) fn all(resources: &Resources) -> Self {
        let nodes = resources.nodes.iter().map(|node| node.name.clone());
        let mut storages: Vec<StorageName> = resources
            .storages
            .iter()
            .filter(|storage| takes_disks(storage))
            .map(|storage| storage.name.clone())
            .collect();
        storages.sort();
        storages.dedup();
        Self {
            nodes: nodes.collect(),
            storages,
        }
    }

    /// Collects the same without the source's own node, which is the first alternative already.
    pub(super) fn beside(own: &NodeName, resources: &Resources) -> Self {
        let mut offers = Self::all(resources);
        offers.nodes.retain(|node| node != own);
        offers
    }

    pub(super) fn node_options(&self, own: &str) -> Vec<String> {
        options(own, &self.nodes)
    }

    pub(super) fn storage_options(&self, own: &str) -> Vec<String> {
        options(own, &self.storages)
    }

    /// Returns the node of an alternative; nothing for the source's.
    pub(super) fn node(&self, chosen: usize) -> Option<NodeName> {
        self.nodes.get(chosen.checked_sub(1)?).cloned()
    }

    /// Returns the storage of an alternative; nothing for the source's.
    pub(super) fn storage(&self, chosen: usize) -> Option<StorageName> {
        self.storages.get(chosen.checked_sub(1)?).cloned()
    }

    pub(super) fn dim_nodes(
        &self,
        refuse: impl Fn(&NodeName) -> Option<String>,
    ) -> Vec<Option<String>> {
        std::iter::once(None)
            .chain(self.nodes.iter().map(refuse))
            .collect()
    }

    pub(super) fn dim_storages(
        &self,
        refuse: impl Fn(&StorageName) -> Option<String>,
    ) -> Vec<Option<String>> {
        std::iter::once(None)
            .chain(self.storages.iter().map(refuse))
            .collect()
    }
}

fn options<T: ToString>(own: &str, others: &[T]) -> Vec<String> {
    std::iter::once(own.to_owned())
        .chain(others.iter().map(ToString::to_string))
        .collect()
}
