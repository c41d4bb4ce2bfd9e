//! A small world that the tests of wishes about brackets begin with.

use std::collections::BTreeMap;

use super::KnownMembers;
use crate::domain::enforcement::CriticalTags;
use crate::domain::guest::Guest;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::{Resources, SeenGuest, Storage};
use crate::domain::request::KnownGuests;
use crate::domain::request::samples::{guest, snapshot};
use crate::domain::snapshot::SnapshotList;
use crate::domain::time::Moment;

/// Guests 104, 109 and 110, which run, with empty lists.
pub(super) struct World {
    pub(super) resources: Resources,
    pub(super) lists: BTreeMap<Vmid, SnapshotList>,
    pub(super) configs: BTreeMap<Vmid, GuestConfig>,
    pub(super) frozen: BTreeMap<Vmid, GuestConfig>,
    pub(super) has_profiles: bool,
}

pub(super) fn vmid(number: u64) -> Vmid {
    Vmid::new(number).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        let guests = [104, 109, 110].map(|number| SeenGuest {
            guest: Guest {
                vmid: vmid(number),
                name: Some(format!("agent-{number}").into()),
                ..guest()
            },
            seen: Moment::default(),
            vouched: true,
        });
        let lists = guests
            .iter()
            .map(|seen| (seen.guest.vmid, SnapshotList::default()));
        Self {
            lists: lists.collect(),
            resources: Resources {
                guests: guests.into(),
                ..Resources::default()
            },
            configs: BTreeMap::new(),
            frozen: BTreeMap::new(),
            has_profiles: true,
        }
    }

    /// Makes the same with the bracket `x` of nonce `aaaa` on some of the guests, taken an hour apart.
    pub(super) fn bracketed(numbers: &[u64]) -> Self {
        let mut world = Self::new();
        for (hour, number) in (1..).zip(numbers) {
            world.add(*number, "br-x", "proxdeck: bracket aaaa 104,109,110", hour);
        }
        world
    }

    pub(super) fn add(&mut self, number: u64, name: &str, description: &str, hour: i64) {
        let mut taken = snapshot(name, None, hour);
        taken.description = description.into();
        let list = self.lists.get_mut(&vmid(number)).unwrap();
        list.snapshots.push(taken);
    }

    pub(super) fn guest(&mut self, number: u64) -> &mut SeenGuest {
        let mut guests = self.resources.guests.iter_mut();
        guests.find(|seen| seen.guest.vmid == vmid(number)).unwrap()
    }

    pub(super) fn storage(&mut self, name: &str, plugin: &str) {
        self.resources.storages.push(Storage {
            name: name.parse().unwrap(),
            node: "pve1".parse().unwrap(),
            shared: false,
            plugin: Some(plugin.into()),
            content: Some("images".into()),
            available: true,
            used: Some(0),
            size: Some(100 << 30),
        });
    }
}

impl KnownGuests for World {
    fn resources(&self) -> Option<&Resources> {
        Some(&self.resources)
    }

    fn snapshots(&self, vmid: Vmid) -> Option<&SnapshotList> {
        self.lists.get(&vmid)
    }

    fn config(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.configs.get(&vmid)
    }
}

impl KnownMembers for World {
    fn frozen(&self, vmid: Vmid) -> Option<&GuestConfig> {
        self.frozen.get(&vmid)
    }

    fn is_comparing(&self, _vmid: Vmid) -> bool {
        false
    }

    fn critical_tags(&self) -> Option<&CriticalTags> {
        None
    }

    fn has_profiles(&self) -> bool {
        self.has_profiles
    }
}
