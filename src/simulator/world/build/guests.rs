//! The guests of a scenario: their configurations, disks, snapshots and loads.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::simulator::load::{Load, Wave, scramble};
use crate::simulator::scenario::{
    DiskText, GuestKind, GuestScenario, GuestStatus, LoadScenario, SnapshotScenario,
};
use crate::simulator::storage::Volume;
use crate::simulator::world::World;
use crate::simulator::world::guest::{Config, Guest, Kind, RunState, Snapshot, format_size};

impl World {
    /// Enters a guest as it stands at `now`.
    pub(super) fn add_guest(&mut self, scenario: &GuestScenario, now: f64) {
        let kind = match scenario.kind {
            GuestKind::Qemu => Kind::Qemu,
            GuestKind::Lxc => Kind::Lxc,
        };
        let run = match scenario.status {
            GuestStatus::Running => RunState::Running,
            GuestStatus::Stopped => RunState::Stopped,
            GuestStatus::Paused => RunState::Paused,
            GuestStatus::IoError => RunState::IoError,
        };
        let born = now - scenario.age.0;
        let mut config = match kind {
            Kind::Qemu => self.machine_config(scenario, born),
            Kind::Lxc => self.container_config(scenario),
        };
        let frozen = Config::clone(&config);
        if let Some(lock) = &scenario.lock {
            config.insert("lock".into(), lock.clone());
        }
        let snapshots = self.snapshots(scenario, kind, &frozen, now);
        let last = scenario
            .snapshots
            .last()
            .map(|last| snapshot_name(last, now));
        if let Some(parent) = scenario
            .parent
            .as_deref()
            .map(|name| expand(name, &scenario.snapshots, now))
            .or(last)
        {
            config.insert("parent".into(), parent);
        }
        if let Some(pool) = scenario
            .pool
            .as_ref()
            .and_then(|pool| self.pools.get_mut(pool))
        {
            pool.guests.insert(scenario.vmid);
        }
        let incarnation = self.next_incarnation();
        let guest = Guest {
            vmid: scenario.vmid,
            kind,
            node: scenario.node.clone(),
            config,
            pending: BTreeMap::new(),
            snapshots,
            run,
            started: now - scenario.up.map_or(3600.0, |up| up.0),
            pid: if run.is_up() {
                2000 + scenario.vmid * 7
            } else {
                0
            },
            runs: scenario
                .ran
                .iter()
                .map(|[began, ended]| (now - began.0, now - ended.0))
                .collect(),
            born,
            load: Arc::new(load(&scenario.load, self.seed, scenario.vmid)),
            balloon_reports: scenario.balloon,
            ha: scenario.ha,
            deaf: scenario.deaf,
            incarnation,
            revision: 1,
        };
        self.guests.insert(scenario.vmid, guest);
    }

    fn machine_config(&mut self, scenario: &GuestScenario, born: f64) -> Config {
        let mut config = shared_config(scenario);
        let mut add = |key: &str, value: String| config.insert(key.to_owned(), value);
        if let Some(name) = &scenario.name {
            add("name", name.clone());
        }
        add("cores", scenario.cores.to_string());
        add("memory", (scenario.memory.0 >> 20).to_string());
        add("scsihw", "virtio-scsi-single".into());
        add("ostype", "l26".into());
        add("smbios1", format!("uuid={}", self.uuid()));
        add("vmgenid", self.uuid());
        add(
            "meta",
            format!("creation-qemu=10.0.2,ctime={}", born as i64),
        );
        if scenario.agent {
            add("agent", "1".into());
        }
        if scenario.template {
            add("template", "1".into());
        }
        let mut order = Vec::new();
        for (number, text) in scenario.disks.iter().enumerate() {
            if let Some(value) = self.add_disk(scenario, text, number, born) {
                config.insert(format!("scsi{number}"), value);
                order.push(format!("scsi{number}"));
            }
        }
        if !scenario.bridge.is_empty() {
            let firewall = if scenario.nic_firewall {
                ",firewall=1"
            } else {
                ""
            };
            let card = format!(
                "virtio={},bridge={}{firewall}",
                self.hardware_address(),
                scenario.bridge
            );
            config.insert("net0".into(), card);
            order.push("net0".into());
        }
        for (number, bridge) in (1..).zip(&scenario.more_bridges) {
            let address = further_address(scenario.vmid, number);
            let card = format!("virtio={address},bridge={bridge}");
            config.insert(format!("net{number}"), card);
        }
        if !order.is_empty() {
            config.insert("boot".into(), format!("order={}", order.join(";")));
        }
        config
    }

    fn container_config(&mut self, scenario: &GuestScenario) -> Config {
        let mut config = shared_config(scenario);
        let mut add = |key: &str, value: String| config.insert(key.to_owned(), value);
        add(
            "hostname",
            scenario
                .name
                .clone()
                .unwrap_or_else(|| format!("CT{}", scenario.vmid)),
        );
        add("cores", scenario.cores.to_string());
        add("memory", (scenario.memory.0 >> 20).to_string());
        add("swap", "512".into());
        add("arch", "amd64".into());
        add("ostype", "debian".into());
        add("unprivileged", "1".into());
        for (number, text) in scenario.disks.iter().enumerate() {
            if let Some(value) = self.add_disk(scenario, text, number, 0.0) {
                let (key, mount) = if number == 0 {
                    ("rootfs".to_owned(), "")
                } else {
                    (format!("mp{}", number - 1), ",mp=/data")
                };
                config.insert(key, format!("{value}{mount}"));
            }
        }
        if !scenario.bridge.is_empty() {
            let firewall = if scenario.nic_firewall {
                ",firewall=1"
            } else {
                ""
            };
            let address = self.hardware_address();
            config.insert(
                "net0".into(),
                format!(
                    "name=eth0,bridge={}{firewall},hwaddr={address},ip=dhcp,type=veth",
                    scenario.bridge
                ),
            );
        }
        config
    }

    fn add_disk(
        &mut self,
        scenario: &GuestScenario,
        text: &str,
        number: usize,
        born: f64,
    ) -> Option<String> {
        let disk = DiskText::parse(text)?;
        let storage = self.storages.get(&disk.storage)?;
        let container = scenario.kind == GuestKind::Lxc;
        let usual = if container {
            "raw"
        } else {
            storage.usual_format()
        };
        let format = disk.format.clone().unwrap_or_else(|| usual.to_owned());
        let stem = if scenario.template { "base" } else { "vm" };
        let mut id = storage.volume_id(
            scenario.vmid,
            &format!("{stem}-{}-disk-{number}", scenario.vmid),
            &format,
        );
        let base = disk
            .base
            .map(|base| storage.volume_id(base, &format!("base-{base}-disk-{number}"), &format));
        if let (Some(base), Some((_, own))) = (&base, id.split_once(':')) {
            id = format!("{base}/{own}");
        }
        let used = disk.size.0 / 100 * (20 + scramble(u64::from(scenario.vmid)) % 55);
        let volume = Volume {
            id: id.clone(),
            storage: storage.name.clone(),
            node: storage.place_of(&scenario.node).to_owned(),
            vmid: scenario.vmid,
            format,
            size: disk.size.0,
            used: if disk.base.is_some() { used / 8 } else { used },
            base,
            made: born as i64,
        };
        self.volumes.insert(id.clone(), volume);
        Some(format!("{id},size={}", format_size(disk.size.0)))
    }

    fn snapshots(
        &mut self,
        scenario: &GuestScenario,
        kind: Kind,
        frozen: &Config,
        now: f64,
    ) -> BTreeMap<String, Snapshot> {
        let mut snapshots = BTreeMap::new();
        let mut before: Option<String> = None;
        for text in &scenario.snapshots {
            let name = snapshot_name(text, now);
            let time = (now - text.age.0) as i64;
            let vmstate = (text.ram && kind == Kind::Qemu)
                .then(|| self.add_vmstate(scenario, &name, time))
                .flatten();
            let parent = match text.parent.as_deref() {
                Some("") => None,
                Some(parent) => Some(expand(parent, &scenario.snapshots, now)),
                None => before.clone(),
            };
            before = Some(name.clone());
            let snapshot = Snapshot {
                time: (!text.timeless).then_some(time),
                description: text.description.clone(),
                parent,
                vmstate,
                state: text.state.clone(),
                config: frozen.clone(),
            };
            snapshots.insert(name, snapshot);
        }
        snapshots
    }

    fn add_vmstate(&mut self, scenario: &GuestScenario, name: &str, time: i64) -> Option<String> {
        let storage = self
            .storages
            .get(&DiskText::parse(scenario.disks.first()?)?.storage)?;
        let memory = scenario.memory.0;
        let volume = Volume {
            used: memory / 100 * 62,
            made: time,
            ..storage.state_volume(scenario.vmid, name, &scenario.node, memory)
        };
        let id = volume.id.clone();
        self.volumes.insert(id.clone(), volume);
        Some(id)
    }
}

fn snapshot_name(snapshot: &SnapshotScenario, now: f64) -> String {
    let time =
        chrono::DateTime::from_timestamp((now - snapshot.age.0) as i64, 0).unwrap_or_default();
    snapshot
        .name
        .replace("{time}", &time.format("%Y%m%d-%H%M").to_string())
}

/// A parent is named as the scenario names it, before times are filled in.
fn expand(name: &str, snapshots: &[SnapshotScenario], now: f64) -> String {
    let found = snapshots.iter().find(|snapshot| snapshot.name == name);
    found.map_or_else(|| name.to_owned(), |snapshot| snapshot_name(snapshot, now))
}

fn shared_config(scenario: &GuestScenario) -> Config {
    let mut config = Config::new();
    let mut add = |key: &str, value: &str| config.insert(key.to_owned(), value.to_owned());
    if !scenario.tags.is_empty() {
        add("tags", &scenario.tags);
    }
    if let Some(description) = &scenario.description {
        add("description", description);
    }
    if scenario.protection {
        add("protection", "1");
    }
    if scenario.onboot {
        add("onboot", "1");
    }
    config
}

fn load(scenario: &LoadScenario, seed: u64, vmid: u32) -> Load {
    let wave = |mean: f64, lively: f64, salt: u64| {
        Wave::new(
            mean,
            lively,
            scramble(seed ^ scramble(u64::from(vmid) * 16 + salt)),
        )
    };
    // A load near its ceiling has no room to swing.
    let room = |mean: f64| scenario.lively * ((1.0 - mean) / mean.max(0.01)).clamp(0.0, 1.0);
    Load {
        cpu: wave(scenario.cpu, room(scenario.cpu), 1),
        memory: wave(scenario.memory, room(scenario.memory) * 0.2, 2),
        leak: scenario.leak,
        network_in: wave(scenario.network_in, scenario.lively, 3),
        network_out: wave(scenario.network_out, scenario.lively, 4),
        disk_read: wave(scenario.disk_read, scenario.lively, 5),
        disk_write: wave(scenario.disk_write, scenario.lively, 6),
    }
}

/// Makes up the address of a further card; no chance is drawn for it, so that all others stay as they are.
fn further_address(vmid: u32, number: u64) -> String {
    let [a, b, c, ..] = scramble(u64::from(vmid) << 8 | number).to_be_bytes();
    format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
}
