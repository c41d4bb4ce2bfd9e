//! Nodes that leave questions unanswered: the background asks others meanwhile.
//!
//! How long such a node is left alone the client decides, and tells beside each answer. Here it is
//! only kept in mind, so that nothing is asked in vain, and one alone finds out whether the node
//! answers again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::State;
use crate::domain::id::{NodeName, Vmid};
use crate::domain::time::Moment;

/// Whoever asks after the rest is waited for by the others; what it learns comes with its answer.
const WAIT_FOR_ONE: Duration = Duration::from_secs(30);

/// The nodes that are left alone, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RestingNodes(BTreeMap<NodeName, Moment>);

impl RestingNodes {
    /// Takes in what the client says; tells whether a node is left alone no more.
    pub(super) fn learn(&mut self, resting: BTreeMap<NodeName, Duration>, now: Moment) -> bool {
        let is_over = self.0.keys().any(|node| !resting.contains_key(node));
        let until = resting
            .into_iter()
            .map(|(node, left)| (node, now.later(left)));
        self.0 = until.collect();
        is_over
    }

    /// Tells whether every node is asked.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns until when a node is left alone, if it is.
    pub(super) fn until(&self, node: &NodeName, now: Moment) -> Option<Moment> {
        self.0.get(node).copied().filter(|until| *until > now)
    }

    /// Tells whether a node is left alone.
    pub(super) fn rests(&self, node: &NodeName, now: Moment) -> bool {
        self.until(node, now).is_some()
    }

    /// Notes that a node is asked; after a rest the others wait for what comes of it.
    pub(super) fn ask(&mut self, node: &NodeName, now: Moment) {
        if let Some(until) = self.0.get_mut(node).filter(|until| **until <= now) {
            *until = now.later(WAIT_FOR_ONE);
        }
    }
}

impl State {
    /// Tells whether the node of a guest is left alone.
    pub(super) fn rests_with(&self, vmid: Vmid) -> bool {
        if self.resting.is_empty() {
            return false;
        }
        let resources = self.inventory.resources.value();
        let seen = resources.and_then(|resources| resources.guest(vmid));
        seen.is_some_and(|seen| self.resting.rests(&seen.guest.node, self.now.moment))
    }
}
