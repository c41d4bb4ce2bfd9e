//! What the nodes last broadcast: the numbers of `/cluster/resources`, up to ten seconds old, as rows ready to send.
//!
//! Refuses to be fresh: existence, node, lock, tags and pool come from the configuration, everything else from here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::load::Load;
use super::scenario::NodeCondition;
use super::world::guest::{Guest, Kind, RunState};
use super::world::{Node, World};

/// Seconds between two broadcasts of a real node.
pub(super) const INTERVAL: f64 = 10.0;
/// The shortest real pause between two broadcasts: a fast world would do little else.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// How many broadcasts may be missed before a guest is `unknown`.
const FORGOTTEN_AFTER: u64 = 30;

/// One moment of the whole cluster.
#[derive(Debug, Default)]
pub(super) struct Sample {
    number: u64,
    guests: HashMap<u32, Arc<GuestSample>>,
    nodes: BTreeMap<String, NodeSample>,
}

#[derive(Debug)]
struct GuestSample {
    incarnation: u64,
    taken: u64,
    running: bool,
    numbers: Numbers,
    row: Map<String, Value>,
}

/// A node's numbers at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NodeSample {
    /// Fraction of its processors.
    pub(super) cpu: f64,
    /// Bytes of memory in use.
    pub(super) memory: u64,
    /// Bytes of the root file system in use.
    pub(super) root_used: u64,
}

/// Size of every node's root file system.
pub(super) const ROOT_SIZE: u64 = 100_861_726_720;

/// What a guest consumes at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    /// Fraction of its processors.
    pub(super) cpu: f64,
    /// Bytes of memory as the guest sees it, or as the host does where the balloon is silent.
    pub(super) memory: u64,
    /// Bytes of memory as the host sees it.
    pub(super) host_memory: u64,
    /// Bytes since the process started.
    pub(super) network_in: u64,
    /// Bytes since the process started.
    pub(super) network_out: u64,
    /// Bytes since the process started.
    pub(super) disk_read: u64,
    /// Bytes since the process started.
    pub(super) disk_write: u64,
    /// Seconds since the process started.
    pub(super) uptime: u64,
}

/// What is needed of a guest to compute its numbers without holding the world.
struct Subject {
    vmid: u32,
    incarnation: u64,
    node: String,
    kind: Kind,
    name: String,
    run: RunState,
    started: f64,
    template: bool,
    processors: u32,
    memory: u64,
    disk: u64,
    balloon: bool,
    load: Arc<Load>,
}

impl Subject {
    fn of(guest: &Guest) -> Self {
        Self {
            vmid: guest.vmid,
            incarnation: guest.incarnation,
            node: guest.node.clone(),
            kind: guest.kind,
            name: guest.name(),
            run: guest.run,
            started: guest.started,
            template: guest.is_template(),
            processors: guest.processors(),
            memory: guest.memory(),
            disk: guest.boot_disk_size(),
            balloon: guest.balloon_reports,
            load: Arc::clone(&guest.load),
        }
    }
}

/// Returns what a guest consumes now.
pub(super) fn numbers(guest: &Guest, now: f64) -> Numbers {
    compute(&Subject::of(guest), now)
}

/// Returns what a guest consumed at a moment of its present run, nothing outside of it.
pub(super) fn compute_at(guest: &Guest, time: f64) -> Numbers {
    if time < guest.started {
        Numbers::default()
    } else {
        numbers(guest, time)
    }
}

fn compute(subject: &Subject, now: f64) -> Numbers {
    if !subject.run.is_up() {
        return Numbers::default();
    }
    let load = &subject.load;
    let since = subject.started.min(now);
    let used = (load.memory_at(now, since) * subject.memory as f64) as u64;
    let overhead = 90 << 20;
    let host = match subject.kind {
        Kind::Qemu => (used + subject.memory / 20).min(subject.memory) + overhead,
        Kind::Lxc => used,
    };
    let halted = subject.run != RunState::Running;
    Numbers {
        cpu: if halted { 0.0 } else { load.cpu_at(now) },
        memory: if subject.kind == Kind::Lxc || subject.balloon {
            used
        } else {
            host
        },
        host_memory: host,
        network_in: load.network_in.integral(since, now) as u64,
        network_out: load.network_out.integral(since, now) as u64,
        disk_read: load.disk_read.integral(since, now) as u64,
        disk_write: load.disk_write.integral(since, now) as u64,
        uptime: (now - since) as u64,
    }
}

fn row(subject: &Subject, numbers: &Numbers) -> Map<String, Value> {
    let disk = match subject.kind {
        Kind::Lxc if subject.run.is_up() => subject.disk / 100 * 37,
        Kind::Qemu | Kind::Lxc => 0,
    };
    let row = json!({
        "name": subject.name,
        "status": subject.run.word(),
        "template": u8::from(subject.template),
        "uptime": numbers.uptime,
        "cpu": numbers.cpu,
        "maxcpu": subject.processors,
        "mem": numbers.memory,
        "memhost": numbers.host_memory,
        "maxmem": subject.memory,
        "disk": disk,
        "maxdisk": subject.disk,
        "netin": numbers.network_in,
        "netout": numbers.network_out,
        "diskread": numbers.disk_read,
        "diskwrite": numbers.disk_write,
    });
    if let Value::Object(row) = row {
        row
    } else {
        Map::new()
    }
}

/// Keeps the newest sample and the rows written from it.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    sample: Mutex<Arc<Sample>>,
    rows: Mutex<HashMap<u32, CachedRow>>,
}

#[derive(Debug)]
struct CachedRow {
    taken: u64,
    stale: bool,
    revision: u64,
    pool: Option<String>,
    text: Arc<str>,
}

impl Sampler {
    /// Returns the newest sample.
    pub(super) fn newest(&self) -> Arc<Sample> {
        Arc::clone(&self.sample.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a sample of all nodes that answer; `world` is locked only while it is copied.
    pub(super) fn take(
        &self,
        world: &Mutex<World>,
        now: f64,
        condition: impl Fn(&Node) -> NodeCondition,
    ) {
        let before = self.newest();
        let (subjects, nodes) = {
            let world = world.lock().unwrap_or_else(PoisonError::into_inner);
            let nodes: BTreeMap<String, Node> = world
                .nodes
                .iter()
                .filter(|(_, node)| condition(node) == NodeCondition::Online)
                .map(|(name, node)| (name.clone(), node.clone()))
                .collect();
            let awake = world
                .guests
                .values()
                .filter(|guest| nodes.contains_key(&guest.node));
            (awake.map(Subject::of).collect::<Vec<Subject>>(), nodes)
        };
        let number = before.number + 1;
        // A node that stopped broadcasting is remembered for a while with what it last said.
        let mut guests: HashMap<u32, Arc<GuestSample>> = before
            .guests
            .iter()
            .filter(|(_, known)| known.taken + FORGOTTEN_AFTER > number)
            .map(|(vmid, known)| (*vmid, Arc::clone(known)))
            .collect();
        let mut consumed: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
        for subject in &subjects {
            let numbers = compute(subject, now);
            let sum = consumed.entry(subject.node.as_str()).or_default();
            sum.0 += numbers.cpu * f64::from(subject.processors);
            sum.1 += numbers.host_memory;
            let made = GuestSample {
                incarnation: subject.incarnation,
                taken: number,
                running: subject.run.is_up(),
                numbers,
                row: row(subject, &numbers),
            };
            guests.insert(subject.vmid, Arc::new(made));
        }
        let nodes = nodes
            .values()
            .map(|node| {
                let (cpu, memory) = consumed
                    .get(node.name.as_str())
                    .copied()
                    .unwrap_or_default();
                (node.name.clone(), node_sample(node, cpu, memory, now))
            })
            .collect();
        let made = Sample {
            number,
            guests,
            nodes,
        };
        *self.sample.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(made);
    }

    /// Returns a guest's row of `/cluster/resources`; `pool` is the pool that the caller may see.
    pub(super) fn row(&self, sample: &Sample, guest: &Guest, pool: Option<&str>) -> Arc<str> {
        let known = sample
            .guests
            .get(&guest.vmid)
            .filter(|known| known.incarnation == guest.incarnation);
        let taken = known.map_or(0, |known| known.taken);
        let stale = known.is_none();
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cached) = rows.get(&guest.vmid)
            && cached.taken == taken
            && cached.stale == stale
            && cached.revision == guest.revision
            && cached.pool.as_deref() == pool
        {
            return Arc::clone(&cached.text);
        }
        let text: Arc<str> = Value::Object(full_row(known.map(|known| &known.row), guest, pool))
            .to_string()
            .into();
        let pool = pool.map(str::to_owned);
        let cached = CachedRow {
            taken,
            stale,
            revision: guest.revision,
            pool,
            text: Arc::clone(&text),
        };
        rows.insert(guest.vmid, cached);
        text
    }
}

/// Joins the broadcast numbers with what stands in the configuration; a guest without a broadcast is `unknown`.
fn full_row(
    known: Option<&Map<String, Value>>,
    guest: &Guest,
    pool: Option<&str>,
) -> Map<String, Value> {
    let mut row = known
        .cloned()
        .unwrap_or_else(|| Map::from_iter([("status".to_owned(), json!("unknown"))]));
    row.insert(
        "id".into(),
        json!(format!("{}/{}", guest.kind.word(), guest.vmid)),
    );
    row.insert("vmid".into(), json!(guest.vmid));
    row.insert("node".into(), json!(guest.node));
    row.insert("type".into(), json!(guest.kind.word()));
    for (key, value) in [
        ("lock", guest.lock()),
        ("tags", guest.config.get("tags").map(String::as_str)),
        ("pool", pool),
    ] {
        if let Some(value) = value {
            row.insert(key.into(), json!(value));
        }
    }
    if guest.ha {
        row.insert("hastate".into(), json!("started"));
    }
    row
}

impl Sample {
    /// Returns a guest's row as far as it was broadcast, for pools.
    pub(super) fn member(&self, guest: &Guest) -> Map<String, Value> {
        let known = self
            .guests
            .get(&guest.vmid)
            .filter(|known| known.incarnation == guest.incarnation);
        let mut row = full_row(known.map(|known| &known.row), guest, None);
        for key in ["lock", "tags", "hastate"] {
            row.remove(key);
        }
        row
    }

    /// Returns the sums of a pool's running members: (processors, processors in use, memory, memory in use, uptime).
    pub(super) fn pool_sums(
        &self,
        members: impl Iterator<Item = u32>,
    ) -> Option<(u64, f64, u64, u64, u64)> {
        let mut sums = None;
        for known in members
            .filter_map(|vmid| self.guests.get(&vmid))
            .filter(|known| known.running)
        {
            let entry = sums.get_or_insert((0, 0.0, 0, 0, 0));
            let number = |key: &str| known.row.get(key).and_then(Value::as_u64).unwrap_or(0);
            entry.0 += number("maxcpu");
            entry.1 += known.numbers.cpu * number("maxcpu") as f64;
            entry.2 += number("maxmem");
            entry.3 += known.numbers.memory;
            entry.4 = entry.4.max(known.numbers.uptime);
        }
        sums
    }

    /// Returns a node's numbers, if it broadcast them.
    pub(super) fn node(&self, name: &str) -> Option<NodeSample> {
        self.nodes.get(name).copied()
    }
}

/// Returns a node's numbers from what its guests consume.
pub(super) fn node_sample(
    node: &Node,
    guests_cpu: f64,
    guests_memory: u64,
    now: f64,
) -> NodeSample {
    let own = 0.012 + 0.006 * (now / 431.0 + f64::from(node.number)).sin().abs();
    let memory = node.memory / 20 + guests_memory;
    NodeSample {
        cpu: (guests_cpu / f64::from(node.cores) + own).min(1.0),
        memory: memory.min(node.memory / 100 * 98),
        root_used: ROOT_SIZE / 100 * u64::from(18 + node.number * 3 % 40),
    }
}
