//! Clusters of any size, for load tests and for looking at many guests.
//!
//! Refuses to be random: the same numbers always give the same cluster.

use std::collections::BTreeMap;

use super::{
    FirewallScenario, GuestKind, GuestScenario, GuestStatus, LoadScenario, NodeCondition,
    NodeScenario, PoolScenario, Scenario, Size, SnapshotScenario, Span, StorageKind,
    StorageScenario,
};
use crate::simulator::load::scramble;

const ROLES: [&str; 6] = ["build", "crawl", "tests", "docs", "review", "deploy"];
const POOLS: [&str; 4] = ["alpha", "beta", "gamma", "hub"];

/// A stream of numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = scramble(self.0);
        self.0 % sides.max(1)
    }

    fn fraction(&mut self) -> f64 {
        self.roll(10_000) as f64 / 10_000.0
    }
}

pub(super) fn cluster(nodes: usize, guests: usize, seed: u64) -> Scenario {
    let mut dice = Dice(seed);
    let nodes = nodes.max(1);
    let names: Vec<String> = (1..=nodes).map(|number| format!("pve{number}")).collect();
    Scenario {
        token_expires: None,
        second_factor: super::SecondFactorScenario::default(),
        seed,
        speed: 10.0,
        cluster: (nodes > 1).then(|| "generated".to_owned()),
        timezone: "UTC".into(),
        firewall: true,
        datacenter: FirewallScenario::default(),
        fences: BTreeMap::new(),
        groups: BTreeMap::new(),
        hosts: std::collections::BTreeMap::new(),
        nodes: names.iter().map(|name| node(name)).collect(),
        storages: storages(),
        pools: POOLS
            .iter()
            .map(|name| PoolScenario {
                name: (*name).to_owned(),
                comment: None,
                storages: Vec::new(),
            })
            .collect(),
        guests: (0..guests)
            .map(|index| guest(index, &names, &mut dice))
            .collect(),
        tasks: Vec::new(),
    }
}

fn node(name: &str) -> NodeScenario {
    NodeScenario {
        name: name.to_owned(),
        address: None,
        cores: 64,
        memory: Size::gibibytes(512),
        up: Span(90.0 * 86_400.0),
        certificate: Span(730.0 * 86_400.0),
        fingerprint: None,
        state: NodeCondition::Online,
    }
}

fn storages() -> Vec<StorageScenario> {
    let storage = |name: &str, kind, shared, used| StorageScenario {
        name: name.to_owned(),
        kind,
        content: vec!["images".into(), "rootdir".into()],
        size: Size::gibibytes(100 * 1024),
        used,
        used_on: std::collections::BTreeMap::new(),
        shared,
        nodes: Vec::new(),
    };
    vec![
        storage("vmstore", StorageKind::Dir, true, 0.5),
        storage("local-lvm", StorageKind::Lvmthin, false, 0.3),
    ]
}

fn guest(index: usize, nodes: &[String], dice: &mut Dice) -> GuestScenario {
    let vmid = 100 + u32::try_from(index).unwrap_or(u32::MAX - 100);
    let role = ROLES[dice.roll(ROLES.len() as u64) as usize];
    let node = nodes[dice.roll(nodes.len() as u64) as usize].clone();
    let kind = if dice.roll(5) == 0 {
        GuestKind::Lxc
    } else {
        GuestKind::Qemu
    };
    let running = dice.roll(4) != 0;
    let storage = if dice.roll(2) == 0 {
        "vmstore"
    } else {
        "local-lvm"
    };
    let up = Span(dice.fraction() * 30.0 * 86_400.0);
    let cores = 1 + u32::try_from(dice.roll(8)).unwrap_or(0);
    let snapshots = (0..dice.roll(4)).rev().map(|age| SnapshotScenario {
        name: "av-{time}".into(),
        age: Span((age as f64 * 3.0 + 0.5) * 86_400.0),
        description: String::new(),
        ram: false,
        parent: None,
        state: None,
        timeless: false,
    });
    GuestScenario {
        vmid,
        name: Some(format!("agent-{role}-{vmid}")),
        node,
        kind,
        status: if running {
            GuestStatus::Running
        } else {
            GuestStatus::Stopped
        },
        template: false,
        cores,
        memory: Size::gibibytes(1 << dice.roll(5)),
        disks: vec![format!("{storage}:{}GiB", 8 * (1 + dice.roll(6)))],
        bridge: "vmbr0".into(),
        nic_firewall: dice.roll(3) == 0,
        more_bridges: Vec::new(),
        tags: format!("autovibe;{role}"),
        pool: (dice.roll(5) != 0).then(|| POOLS[dice.roll(4) as usize].to_owned()),
        description: None,
        protection: false,
        onboot: false,
        agent: false,
        deaf: false,
        balloon: dice.roll(6) != 0,
        ha: false,
        lock: None,
        up: running.then_some(up),
        age: Span(60.0 * 86_400.0),
        ran: Vec::new(),
        load: LoadScenario {
            cpu: dice.fraction().powi(2) * 0.9,
            memory: 0.2 + dice.fraction() * 0.6,
            ..LoadScenario::default()
        },
        snapshots: snapshots.collect(),
        parent: None,
        fence: None,
        firewall: FirewallScenario::default(),
    }
}
