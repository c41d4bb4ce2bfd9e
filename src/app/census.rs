//! How many guests there are and run, counted once for each reading and never for a frame.

use std::collections::HashMap;

use crate::domain::id::NodeName;
use crate::domain::inventory::{Resources, Running};
use crate::domain::selection::Selection;

/// Guests, and how many of them run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// All of them.
    pub all: usize,
    /// Those that run.
    pub running: Running,
}

/// The guests of the cluster and of its nodes, counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Census {
    cluster: Count,
    managed: usize,
    nodes: HashMap<NodeName, Count>,
}

impl Census {
    /// Counts the guests, and those among them that are managed.
    pub fn of(resources: &Resources, selection: &Selection) -> Self {
        let mut census = Self::default();
        for seen in &resources.guests {
            let running = Running::among([seen]);
            if !seen.guest.template {
                census.cluster.add(running);
            }
            census.managed += usize::from(selection.manages(&seen.guest));
            if let Some(count) = census.nodes.get_mut(&seen.guest.node) {
                count.add(running);
            } else {
                let count = Count { all: 1, running };
                census.nodes.insert(seen.guest.node.clone(), count);
            }
        }
        census
    }

    /// Returns the guests of the cluster; templates are none.
    pub fn cluster(&self) -> Count {
        self.cluster
    }

    /// Returns how many guests are managed, templates included.
    pub fn managed(&self) -> usize {
        self.managed
    }

    /// Returns what a node has, templates included.
    pub fn node(&self, name: &NodeName) -> Count {
        self.nodes.get(name).copied().unwrap_or_default()
    }
}

impl Count {
    fn add(&mut self, running: Running) {
        self.all += 1;
        self.running.known += running.known;
        self.running.unknown += running.unknown;
    }
}
