//! What one look at the cluster shows, as far as it was read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::super::bracket::Bracket;
use super::super::guest::{Guest, GuestRef};
use super::super::id::{NodeName, PoolName, Vmid};
use super::super::inventory::{Inventory, Link, LinkState, NodeState, SeenGuest};
use super::super::limits::StandingViolation;
use super::super::network::{Fence, Reality};
use super::super::task::Task;
use super::super::text::Text;
use super::super::throttle::Found;
use super::super::time::Now;
use super::super::usage::ProjectStanding;
use super::tasks;
use super::{Alert, AlertKind, Subject};

/// What is known at one moment; what is absent was not read, and accuses and acquits nobody.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The present; the calendar is the server's.
    pub now: Now,
    /// Guests, nodes, storages, tasks, quorum.
    pub inventory: &'a Inventory,
    /// How the connection stands.
    pub link: &'a Link,
    /// The limits that managed guests have broken for long enough.
    pub violations: &'a BTreeMap<Vmid, Vec<StandingViolation>>,
    /// What the projects use; those of which nothing is known are left out.
    pub projects: &'a [ProjectStanding],
    /// The projects whose throttle was read, and the guests that were made elsewhere under it.
    pub throttles: &'a [ThrottledProject],
    /// The failed tasks of the last day, for each node whose list was read.
    pub failed_tasks: &'a BTreeMap<NodeName, Vec<Task>>,
    /// The brackets, as far as snapshot lists were read.
    pub brackets: &'a [Bracket],
    /// When the nodes' certificates end, as far as it was read.
    pub certificates: &'a BTreeMap<NodeName, DateTime<Utc>>,
    /// When the API token in use ends, where it was read and it does.
    pub token_ends: Option<DateTime<Utc>>,
    /// What fences managed guests in, as far as it was read.
    pub fences: &'a BTreeMap<Vmid, Reality>,
    /// The notify channels whose last message did not get through.
    pub failing_channels: &'a [FailingChannel],
}

/// A project whose pool's comment was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThrottledProject {
    /// The project's name.
    pub project: String,
    /// The pool.
    pub pool: PoolName,
    /// What its comment says.
    pub found: Found,
    /// The guests that were made elsewhere since it was throttled, as far as it is known.
    pub made_since: Vec<GuestRef>,
}

/// A notify channel whose last message did not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailingChannel {
    /// Its name in the config.
    pub name: String,
    /// Why.
    pub reason: Text,
    /// When the message was to be sent.
    pub since: DateTime<Utc>,
}

impl Situation<'_> {
    /// Tells whether the server does not answer, so that everything else is as it was last seen.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(self.link.state, LinkState::Down { .. })
    }

    /// Finds a guest as it was last seen.
    pub(super) fn guest(&self, vmid: Vmid) -> Option<&SeenGuest> {
        self.inventory.resources.value()?.guest(vmid)
    }

    /// Returns the running tasks that are known.
    pub(super) fn running(&self) -> impl Iterator<Item = &Task> {
        let tasks = self.inventory.tasks.value().map_or(&[][..], Vec::as_slice);
        tasks.iter().filter(|task| task.state.is_running())
    }

    /// Tells whether a task is at work on a guest.
    pub(super) fn is_at_work(&self, guest: &Guest) -> bool {
        self.running()
            .any(|task| task.upid.vmid() == Some(guest.vmid))
    }

    /// Tells whether a backup or a migration explains what a guest does.
    pub(super) fn is_explained(&self, guest: &Guest) -> bool {
        let lock = guest.lock.as_ref().map(Text::raw);
        matches!(lock, Some("backup" | "migrate"))
            || self.running().any(|task| {
                task.upid.vmid() == Some(guest.vmid) && tasks::explains_load(task.upid.kind())
            })
    }

    /// Tells whether this look shows that what an alert was about is over.
    ///
    /// It is asked about alerts that this look does not raise; what was not read leaves them as
    /// they are.
    pub(super) fn acquits(&self, alert: &Alert) -> bool {
        if self.is_cut_off() {
            return false;
        }
        match (&alert.kind, &alert.subject) {
            (AlertKind::LinkDown, _) => matches!(self.link.state, LinkState::Up),
            (AlertKind::QuorumLost, _) => self
                .inventory
                .cluster
                .value()
                .is_some_and(|cluster| cluster.quorate.is_some()),
            (AlertKind::QuotaExceeded | AlertKind::QuotaProjected, Subject::Project(name, _)) => {
                self.projects.iter().any(|each| each.project == *name)
            }
            (AlertKind::ThrottleUnreadable | AlertKind::ThrottleBypassed, _) => {
                !self.throttles.is_empty()
            }
            (AlertKind::TaskFailed, Subject::Tasks(..)) => !self.failed_tasks.is_empty(),
            (AlertKind::TaskFailed, Subject::Task(upid, _)) => {
                self.failed_tasks.contains_key(upid.node())
            }
            (AlertKind::CertificateExpires, Subject::Node(node)) => {
                self.certificates.contains_key(node)
            }
            (AlertKind::FirewallOff, _) => !self.fences.is_empty(),
            (
                AlertKind::NetworkDrift | AlertKind::NotFenced | AlertKind::TrialLeft,
                Subject::Guest(guest),
            ) => {
                let is_gone = |resources: &super::super::inventory::Resources| {
                    resources.guest(guest.vmid).is_none()
                };
                let resources = self.inventory.resources.value();
                let fence = self.fences.get(&guest.vmid).map(|reality| &reality.fence);
                fence.is_some_and(|fence| !matches!(fence, Fence::Unknown(_)))
                    || resources.is_some_and(|resources| is_gone(resources))
            }
            (AlertKind::GuestLocked, Subject::Guest(guest)) => {
                // The lock stands in the configuration, for which no node need answer.
                self.inventory.resources.value().is_some_and(|resources| {
                    resources
                        .guest(guest.vmid)
                        .is_none_or(|seen| seen.guest.lock.is_none() || seen.vouched)
                })
            }
            (_, Subject::Guest(guest)) => {
                self.inventory.resources.value().is_some_and(|resources| {
                    resources
                        .guest(guest.vmid)
                        .is_none_or(|seen| !seen.is_stale(self.now.moment))
                })
            }
            (_, Subject::Storage(name, node)) => {
                self.inventory.resources.value().is_some_and(|resources| {
                    let same = |storage: &&super::super::inventory::Storage| {
                        storage.name == *name
                            && node.as_ref().is_none_or(|node| *node == storage.node)
                    };
                    let found = resources.storages.iter().find(same);
                    found.is_none_or(|storage| storage.available && storage.used.is_some())
                })
            }
            (_, Subject::Node(_)) => self.inventory.resources.value().is_some(),
            (
                _,
                Subject::Bracket(_)
                | Subject::Pool(_)
                | Subject::Channel(_)
                | Subject::Token
                | Subject::Cluster
                | Subject::Project(..)
                | Subject::Task(..)
                | Subject::Tasks(..),
            ) => true,
        }
    }

    /// Returns the nodes that do not answer, with the guests of each.
    pub(super) fn silent_nodes(&self) -> Vec<(NodeName, Vec<&SeenGuest>)> {
        let Some(resources) = self.inventory.resources.value() else {
            return Vec::new();
        };
        // A node that answers is not asked for its guests: that would be every node and every guest.
        let doubtful = resources.nodes.iter();
        let doubtful = doubtful.filter(|node| node.state != NodeState::Online);
        let silent = doubtful.filter_map(|node| {
            let guests: Vec<&SeenGuest> = resources
                .guests
                .iter()
                .filter(|seen| seen.guest.node == node.name && !seen.vouched)
                .collect();
            let is_silent = match node.state {
                NodeState::Online => false,
                NodeState::Offline => true,
                // Without a word about the node itself its guests tell.
                NodeState::Unknown => !guests.is_empty(),
            };
            is_silent.then(|| (node.name.clone(), guests))
        });
        silent.collect()
    }
}
