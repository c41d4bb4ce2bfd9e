//! From a scenario to a world: nodes, storages, accounts and history, all from the seed.
//!
//! Refuses to judge the scenario; that was done when it was read.

mod guests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::accounts::{Secrets, access};
use super::task::{End, Order, Tasks};
use super::{Node, Pool, World};
use crate::simulator::firewall::Firewalls;
use crate::simulator::scenario::{FirewallScenario, GuestScenario, Scenario, StorageScenario};
use crate::simulator::storage::{Storage, storage_of};

impl World {
    /// Builds the world that a scenario describes, as it stands at `now`.
    pub(in crate::simulator) fn build(scenario: &Scenario, secrets: &Secrets, now: f64) -> Self {
        let nodes: BTreeMap<String, Node> = (1u32..)
            .zip(&scenario.nodes)
            .map(|(number, node)| {
                let address = node.address.unwrap_or(IpAddr::V4(Ipv4Addr::new(
                    10,
                    0,
                    (number >> 8) as u8,
                    number as u8,
                )));
                let node = Node {
                    name: node.name.clone(),
                    number,
                    address,
                    cores: node.cores,
                    memory: node.memory.0,
                    started: now - node.up.0,
                    fingerprint: node.fingerprint.clone(),
                    certified_until: (now + node.certificate.0) as i64,
                    condition: node.state,
                };
                (node.name.clone(), node)
            })
            .collect();
        let mut world = Self {
            cluster: scenario.cluster.clone(),
            timezone: scenario.timezone.clone(),
            revision: 1,
            last_incarnation: 0,
            seed: scenario.seed,
            quorate: true,
            nodes,
            local: scenario
                .nodes
                .first()
                .map(|node| node.name.clone())
                .unwrap_or_default(),
            storages: scenario
                .storages
                .iter()
                .map(|storage| (storage.name.clone(), empty_storage(storage)))
                .collect(),
            volumes: BTreeMap::new(),
            pools: BTreeMap::new(),
            guests: BTreeMap::new(),
            file_locks: BTreeMap::new(),
            migration_locks: std::collections::BTreeSet::new(),
            access: access(
                secrets,
                scenario
                    .token_expires
                    .map_or(0, |span| (now + span.0) as i64),
                &scenario.second_factor,
            ),
            tasks: Tasks::default(),
            log: Vec::new(),
            options: BTreeMap::from([("mac_prefix".to_owned(), "BC:24:11".to_owned())]),
            firewall: Firewalls::new(scenario),
            hosts: scenario.hosts.clone(),
        };
        for pool in &scenario.pools {
            let made = Pool {
                comment: pool.comment.clone(),
                storages: pool.storages.iter().cloned().collect(),
                ..Pool::default()
            };
            world.pools.insert(pool.name.clone(), made);
        }
        for guest in &scenario.guests {
            world.add_guest(guest, now);
            world.add_firewall(guest, scenario, now);
        }
        world.fill(&scenario.storages);
        world.add_history(scenario, now);
        world
    }

    fn add_firewall(&mut self, guest: &GuestScenario, scenario: &Scenario, now: f64) {
        let shared = guest
            .fence
            .as_ref()
            .and_then(|name| scenario.fences.get(name));
        let wanted = match shared {
            Some(shared) => shared.under(&guest.firewall),
            None => guest.firewall.clone(),
        };
        if wanted != FirewallScenario::default() {
            let file = self.firewall.guest_mut(guest.vmid);
            file.furnish(&wanted.dated(now));
        }
    }

    /// Makes each storage as full as the scenario says, beside the volumes that it holds.
    fn fill(&mut self, scenarios: &[StorageScenario]) {
        let nodes: Vec<String> = self.nodes.keys().cloned().collect();
        for scenario in scenarios {
            for place in if scenario.shared {
                vec![String::new()]
            } else {
                nodes.clone()
            } {
                let fraction = scenario
                    .used_on
                    .get(&place)
                    .copied()
                    .unwrap_or(scenario.used);
                let volumes: u64 = self
                    .volumes
                    .values()
                    .filter(|volume| {
                        storage_of(&volume.id) == scenario.name && volume.node == place
                    })
                    .map(|volume| volume.used)
                    .sum();
                let rest = ((scenario.size.0 as f64 * fraction) as u64).saturating_sub(volumes);
                if let Some(storage) = self.storages.get_mut(&scenario.name) {
                    storage.other_use.insert(place, rest);
                }
            }
        }
    }

    fn add_history(&mut self, scenario: &Scenario, now: f64) {
        for task in &scenario.tasks {
            let order = Order {
                node: task.node.clone(),
                kind: task.kind.clone(),
                id: task.id.clone(),
                who: task.user.clone(),
            };
            let started = (now - task.age.0) as i64;
            let boot = self.nodes.get(&task.node).map_or(now, |node| node.started);
            let upid = self.tasks.enter(order, started, boot);
            let status = task.status.clone();
            if let Some(entered) = self.tasks.get_mut(&upid) {
                entered.log.clone_from(&task.log);
                entered.log.push(last_line(&status));
                entered.end = Some(End {
                    at: started + task.took.0 as i64,
                    status,
                });
            }
        }
        self.tasks.sort();
    }
}

/// Returns the last line of the log of a task that ended so.
pub(in crate::simulator) fn last_line(status: &str) -> String {
    if status == "OK" || status.starts_with("WARNINGS: ") {
        format!("TASK {status}")
    } else {
        format!("TASK ERROR: {status}")
    }
}

fn empty_storage(scenario: &StorageScenario) -> Storage {
    Storage {
        name: scenario.name.clone(),
        kind: scenario.kind,
        content: scenario.content.clone(),
        size: scenario.size.0,
        other_use: BTreeMap::new(),
        shared: scenario.shared,
        nodes: scenario.nodes.clone(),
    }
}
