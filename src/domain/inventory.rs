//! What is known of a cluster at one moment, each part with its own date and result.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::failure::Failure;
use super::guest::{Guest, Status};
use super::id::{NodeName, StorageName, Vmid};
use super::sign_in::Wanted;
use super::task::Task;
use super::text::Text;
use super::time::{Dated, Moment};

/// A running guest whose uptime stands still for so long is stale (SPEC §1.2).
pub const STANDSTILL: Duration = Duration::from_secs(30);

/// Everything that the refresh knows, from sources that may each fail alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inventory {
    /// Guests, nodes and storages.
    pub resources: Source<Arc<Resources>>,
    /// Running and recent tasks.
    pub tasks: Source<Vec<Task>>,
    /// Membership and quorum.
    pub cluster: Source<ClusterStatus>,
}

/// The latest answer of one source, and the failure that came after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source<T> {
    /// The last good answer; kept when later ones fail.
    pub answer: Option<Dated<T>>,
    /// Why the last attempt failed; absent after a good one.
    pub failure: Option<Dated<Failure>>,
}

impl<T> Default for Source<T> {
    fn default() -> Self {
        Self {
            answer: None,
            failure: None,
        }
    }
}

impl<T> Source<T> {
    /// Records the result of an attempt.
    pub fn record(&mut self, at: Moment, result: Result<T, Failure>) {
        match result {
            Ok(value) => {
                self.answer = Some(Dated::new(at, value));
                self.failure = None;
            }
            Err(failure) => self.failure = Some(Dated::new(at, failure)),
        }
    }

    /// Returns the last good value.
    pub fn value(&self) -> Option<&T> {
        self.answer.as_ref().map(|dated| &dated.value)
    }
}

/// The rows of `/cluster/resources`, sorted by kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resources {
    /// Guests in the order of their numbers.
    pub guests: Vec<SeenGuest>,
    /// Nodes in the order of their names.
    pub nodes: Vec<Node>,
    /// Storages, a shared one once.
    pub storages: Vec<Storage>,
    /// How many rows made no sense and were left out.
    pub rejected: usize,
}

/// A guest, and when its node last vouched for what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenGuest {
    /// The guest; while its node is silent, as it was when last seen.
    pub guest: Guest,
    /// When its figures last moved, or its node last answered for it.
    pub seen: Moment,
    /// Whether its node answers for it now.
    pub vouched: bool,
}

impl SeenGuest {
    /// Tells whether what is said of the guest is no longer to be trusted.
    pub fn is_stale(&self, now: Moment) -> bool {
        !self.vouched
            || (self.guest.status == Status::Running && now.since(self.seen) >= STANDSTILL)
    }
}

/// How many guests run, as far as their nodes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Running {
    /// Those that run.
    pub known: usize,
    /// Those of which nobody says whether they run.
    pub unknown: usize,
}

impl Running {
    /// Counts guests.
    pub fn among<'a>(guests: impl IntoIterator<Item = &'a SeenGuest>) -> Self {
        let mut running = Self::default();
        for seen in guests {
            if !seen.vouched {
                running.unknown += 1;
            } else if seen.guest.is_running() {
                running.known += 1;
            }
        }
        running
    }
}

impl Resources {
    /// Finds a guest by its number.
    pub fn guest(&self, vmid: Vmid) -> Option<&SeenGuest> {
        let index = self
            .guests
            .binary_search_by_key(&vmid, |seen| seen.guest.vmid)
            .ok()?;
        self.guests.get(index)
    }

    /// Finds a node by its name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == *name)
    }

    /// Dates freshly read guests, and keeps for those of silent nodes what was known before.
    ///
    /// A silent node's guests come with number, node, tags and lock only (PITFALLS 17); name and
    /// figures stay as they were, aged. A guest whose uptime did not move keeps its old date.
    pub fn dated(fresh: Vec<Guest>, previous: Option<&Resources>, at: Moment) -> Vec<SeenGuest> {
        let known = |vmid: Vmid| previous.and_then(|resources| resources.guest(vmid));
        let mut guests: Vec<SeenGuest> = fresh
            .into_iter()
            .map(|guest| match known(guest.vmid) {
                Some(before) if before.guest.kind == guest.kind => date_again(guest, before, at),
                _ => SeenGuest {
                    vouched: guest.status != Status::Unknown,
                    guest,
                    seen: at,
                },
            })
            .collect();
        guests.sort_by_key(|seen| seen.guest.vmid);
        guests.dedup_by_key(|seen| seen.guest.vmid);
        guests
    }
}

fn date_again(mut guest: Guest, before: &SeenGuest, at: Moment) -> SeenGuest {
    if guest.status == Status::Unknown {
        guest.name = guest.name.or_else(|| before.guest.name.clone());
        guest.template |= before.guest.template;
        guest.figures = before.guest.figures;
        return SeenGuest {
            guest,
            seen: before.seen,
            vouched: false,
        };
    }
    let stands_still = guest.status == Status::Running
        && before.vouched
        && before.guest.status == Status::Running
        && guest.figures.uptime == before.guest.figures.uptime;
    SeenGuest {
        guest,
        seen: if stands_still { before.seen } else { at },
        vouched: true,
    }
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// Whether it answers.
    pub state: NodeState,
    /// Processor use as a fraction of all its cores; absent without Sys.Audit.
    pub cpu: Option<f64>,
    /// Its cores.
    pub max_cpu: Option<f64>,
    /// Memory in use, in bytes.
    pub memory: Option<u64>,
    /// Its memory, in bytes.
    pub max_memory: Option<u64>,
    /// Used space of its root file system, in bytes.
    pub disk: Option<u64>,
    /// Size of its root file system, in bytes.
    pub max_disk: Option<u64>,
    /// How long it has been up.
    pub uptime: Option<Duration>,
}

/// Whether a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It answers.
    Online,
    /// The cluster counts it as gone.
    Offline,
    /// Nobody says.
    Unknown,
}

/// A storage; a shared one stands for all its nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Storage {
    /// Its name.
    pub name: StorageName,
    /// The node whose row it is; the first one for a shared storage.
    pub node: NodeName,
    /// Whether it is the same on every node.
    pub shared: bool,
    /// Its plugin, as `dir`, `lvmthin`, `zfspool`.
    pub plugin: Option<Text>,
    /// What it may hold, as `images,rootdir`.
    pub content: Option<Text>,
    /// Whether it answers.
    pub available: bool,
    /// Used space in bytes.
    pub used: Option<u64>,
    /// Size in bytes.
    pub size: Option<u64>,
}

/// Membership and quorum of a cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClusterStatus {
    /// The cluster's name; a single server has none.
    pub name: Option<Text>,
    /// Whether the cluster has a quorum; a single server does not say.
    pub quorate: Option<bool>,
    /// Its nodes and whether each is online.
    pub nodes: Vec<(NodeName, bool)>,
}

/// How the connection to the cluster stands, and what it costs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// Whether the server answers.
    pub state: LinkState,
    /// The addresses of servers whose certificates are refused.
    pub strangers: Vec<String>,
    /// Which server answers, where it is not the first of the cluster.
    pub elsewhere: Option<String>,
    /// What a person has to give before the server can be asked.
    pub wanted: Option<Wanted>,
    /// Requests sent in the last minute.
    pub requests_per_minute: usize,
    /// The time within which 95 of 100 requests were answered.
    pub latency_p95: Option<Duration>,
    /// How far the server's clock is ahead of the local one.
    pub clock_skew: Option<TimeDelta>,
}

/// Whether the server answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum LinkState {
    /// Nothing was heard yet.
    #[default]
    Connecting,
    /// The last refresh was answered.
    Up,
    /// The last refresh failed.
    Down {
        /// Why.
        failure: Box<Failure>,
        /// Since when nothing was heard.
        since: Moment,
        /// When it is tried again.
        retry: Moment,
    },
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::super::guest::Figures;
    use super::super::id::GuestKind;
    use super::*;

    fn guest(status: Status, uptime: Option<u64>) -> Guest {
        Guest {
            vmid: Vmid::new(104).unwrap(),
            kind: GuestKind::Qemu,
            node: "pve2".parse().unwrap(),
            name: (status != Status::Unknown).then(|| "agent".into()),
            status,
            template: false,
            lock: None,
            tags: Vec::new(),
            pool: None,
            ha_state: None,
            figures: Figures {
                uptime: uptime.map(Duration::from_secs),
                cpu: uptime.map(|_| 0.5),
                ..Figures::default()
            },
        }
    }

    fn resources(guests: Vec<SeenGuest>) -> Resources {
        Resources {
            guests,
            ..Resources::default()
        }
    }

    fn at(seconds: u64) -> Moment {
        Moment::after_start(Duration::from_secs(seconds))
    }

    #[test]
    fn pitfall_17_a_silent_node_s_guest_keeps_name_and_figures_and_ages() {
        let first = resources(Resources::dated(
            vec![guest(Status::Running, Some(60))],
            None,
            at(0),
        ));
        let second = resources(Resources::dated(
            vec![guest(Status::Unknown, None)],
            Some(&first),
            at(300),
        ));
        let seen = second.guest(Vmid::new(104).unwrap()).unwrap();
        assert_eq!(seen.guest.name, Some("agent".into()));
        assert_eq!(seen.guest.figures.cpu, Some(0.5));
        assert_eq!(seen.guest.status, Status::Unknown);
        assert_eq!(seen.seen, at(0));
        assert!(seen.is_stale(at(300)));
        let third = resources(Resources::dated(
            vec![guest(Status::Running, Some(420))],
            Some(&second),
            at(360),
        ));
        assert!(!third.guests[0].is_stale(at(361)));
        assert_eq!(third.guests[0].seen, at(360));
    }

    #[test]
    fn a_running_guest_whose_uptime_stands_still_becomes_stale_after_30_seconds() {
        let mut before = resources(Resources::dated(
            vec![guest(Status::Running, Some(60))],
            None,
            at(0),
        ));
        for seconds in [5, 10, 15, 20, 25, 30] {
            before = resources(Resources::dated(
                vec![guest(Status::Running, Some(60))],
                Some(&before),
                at(seconds),
            ));
        }
        assert!(!before.guests[0].is_stale(at(29)));
        assert!(before.guests[0].is_stale(at(30)));
    }

    #[test]
    fn a_stopped_guest_s_date_advances_with_each_reading() {
        let first = resources(Resources::dated(
            vec![guest(Status::Stopped, Some(0))],
            None,
            at(0),
        ));
        let second = Resources::dated(vec![guest(Status::Stopped, Some(0))], Some(&first), at(90));
        assert_eq!(second[0].seen, at(90));
        assert!(!second[0].is_stale(at(200)));
    }

    #[test]
    fn guests_of_silent_nodes_may_run_or_not() {
        let mut other = guest(Status::Unknown, None);
        other.vmid = Vmid::new(105).unwrap();
        let mut stopped = guest(Status::Stopped, None);
        stopped.vmid = Vmid::new(106).unwrap();
        let guests = vec![guest(Status::Running, Some(60)), other, stopped];
        let seen = Resources::dated(guests, None, at(0));
        assert_eq!(
            Running::among(&seen),
            Running {
                known: 1,
                unknown: 1
            }
        );
    }

    #[test]
    fn a_failed_reading_keeps_the_last_answer_and_says_why() {
        use super::super::failure::{Failure, FailureKind};
        let mut source = Source::default();
        source.record(at(1), Ok(7));
        source.record(
            at(2),
            Err(Failure::new(FailureKind::Unreachable, "no route")),
        );
        assert_eq!(source.value(), Some(&7));
        assert_eq!(source.answer.as_ref().unwrap().read, at(1));
        assert_eq!(source.failure.as_ref().unwrap().read, at(2));
        source.record(at(3), Ok(8));
        assert_eq!(source.failure, None);
    }
}
