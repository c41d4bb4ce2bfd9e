//! What fences managed guests in: read in the background, and held against the config's profiles.

use std::collections::BTreeMap;
use std::time::Duration;

use super::background::Turn;
use super::detail;
use super::dialogs::{Dialog, Foresight};
use super::effect::{Effect, Query, Ticket};
use super::readings::Readings;
use super::remote::Remote;
use super::state::State;
use crate::domain::failure::Failure;
use crate::domain::firewall::{ClusterFirewall, GuestFirewall};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::network::{Current, NetworkProfile, Reality, Resolved};
use crate::domain::request::refuses_profile;

/// A fence is looked at again after so long; who changes it from here has it read at once.
const LIVE: Duration = Duration::from_mins(15);
/// The datacenter's firewall, which one look tells for every guest, is read so often.
const DATACENTER_LIVE: Duration = Duration::from_mins(5);
/// A guest's fence is so many requests at least: its configuration, options, rules, the names of its
/// sets, and aliases. Each set is one more.
const COST: usize = 5;
/// What the datacenter says of firewalls is so many at least; each set and each group is one more.
const DATACENTER_COST: usize = 4;

/// A guest's cards and firewall, read together.
pub type GuestNetwork = (GuestConfig, GuestFirewall);

/// What is known of the fences.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkBook {
    guests: Readings<Vmid, GuestNetwork>,
    datacenter: Remote<ClusterFirewall>,
    realities: BTreeMap<Vmid, Reality>,
    /// How many requests the dearest reading of each fence was.
    costs: BTreeMap<Vmid, usize>,
    /// How many the dearest reading of the datacenter's was.
    datacenter_cost: usize,
}

impl Default for NetworkBook {
    fn default() -> Self {
        Self {
            guests: Readings::new(LIVE),
            datacenter: Remote::default(),
            realities: BTreeMap::new(),
            costs: BTreeMap::new(),
            datacenter_cost: DATACENTER_COST,
        }
    }
}

impl NetworkBook {
    /// Returns what fences guests in, as far as it was read.
    pub fn realities(&self) -> &BTreeMap<Vmid, Reality> {
        &self.realities
    }

    /// Returns what fences a guest in, where it was read.
    pub fn of(&self, vmid: Vmid) -> Option<&Reality> {
        self.realities.get(&vmid)
    }

    /// Returns the datacenter's firewall; what was not read is absent in it.
    pub(super) fn datacenter(&self) -> ClusterFirewall {
        self.datacenter.value().cloned().unwrap_or_default()
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.guests.flying() + usize::from(self.datacenter.is_pending())
    }

    /// Tells whether the first of a kind is awaited, before which nobody knows what it costs.
    fn awaits_first(&self) -> bool {
        let first_fence = self.costs.is_empty() && self.guests.flying() > 0;
        first_fence || (self.datacenter.is_pending() && self.datacenter.is_open())
    }

    /// Learns what a question has cost, if it was one of these; the next one may cost the same.
    pub(super) fn learn_cost(&mut self, ticket: Ticket, requests: usize) {
        if self.datacenter.awaits(ticket) {
            self.datacenter_cost = self.datacenter_cost.max(requests);
        } else if let Some(vmid) = self.guests.asked_by(ticket) {
            let known = self.costs.entry(*vmid).or_insert(COST);
            *known = requests.max(*known);
        }
    }

    /// Returns how many requests the next reading of a guest's fence may be.
    ///
    /// One that was never read may be as dear as any.
    fn cost(&self, vmid: Vmid) -> usize {
        let dearest = || self.costs.values().max().copied();
        let known = self.costs.get(&vmid).copied();
        known.or_else(dearest).unwrap_or(COST)
    }

    /// Holds what was read of a guest against the profiles.
    fn judge(&mut self, guest: &GuestRef, profiles: &[NetworkProfile]) {
        let vmid = guest.vmid;
        let Some(remote) = self.guests.of(&vmid) else {
            return;
        };
        // What was known before a failure is still the best that is known.
        let (config, firewall) = match (remote.value(), remote.failure()) {
            (Some((config, firewall)), _) => (Ok(config.clone()), Ok(firewall.clone())),
            (None, Some(failure)) => (Err(failure.to_string()), Err(failure.to_string())),
            (None, None) => return,
        };
        let current = Current {
            config,
            firewall,
            cluster: self.datacenter(),
        };
        let judged = Reality::of(guest, profiles, &current);
        self.realities.insert(vmid, judged);
    }

    /// Notes that somebody has changed a guest.
    pub(super) fn outdate(&mut self, vmid: Vmid) {
        self.guests.outdate_one(&vmid);
    }
}

impl State {
    /// Returns the guests whose fences are looked after, in the order of their numbers.
    pub fn fenced_candidates(&self) -> Vec<Vmid> {
        let rules = &self.setting.rules;
        let resources = self.inventory.resources.value();
        let Some(resources) = resources.filter(|_| !rules.profiles.is_empty()) else {
            return Vec::new();
        };
        let wanted = resources.guests.iter().filter(|seen| {
            let guest = &seen.guest;
            seen.vouched
                && !guest.template
                && refuses_profile(guest).is_none()
                && rules.selection.manages(guest)
        });
        wanted.map(|seen| seen.guest.vmid).collect()
    }

    /// Asks for the fence of one guest that is due.
    pub(super) fn ask_for_fence(&mut self, effects: &mut Vec<Effect>) -> Turn {
        if self.networks.awaits_first() {
            return Turn::Idle;
        }
        let now = self.now.moment;
        let mut wanted = self.fenced_candidates();
        wanted.retain(|vmid| !self.rests_with(*vmid));
        // Whoever is looked at comes first.
        let first = self.target_guest().map(|seen| seen.guest.vmid);
        wanted.sort_by_key(|vmid| Some(*vmid) != first);
        let Some(vmid) = self.networks.guests.due(wanted, now) else {
            return Turn::Idle;
        };
        let resources = self.inventory.resources.value();
        let Some(seen) = resources.and_then(|resources| resources.guest(vmid)) else {
            return Turn::Idle;
        };
        let guest = seen.guest.to_ref();
        let cost = self.networks.cost(vmid);
        if !self.has_background_room(cost) {
            return Turn::Waits;
        }
        self.resting.ask(&guest.node, now);
        let ticket = self.ask_background(Query::Network(guest), cost, effects);
        self.networks.guests.ask(vmid, ticket);
        Turn::Asked
    }

    /// Asks for the datacenter's firewall when it is due.
    pub(super) fn ask_for_datacenter(&mut self, effects: &mut Vec<Effect>) -> Turn {
        let has_profiles = !self.setting.rules.profiles.is_empty();
        let book = &self.networks.datacenter;
        if !has_profiles || !detail::is_due(book, self.now.moment, DATACENTER_LIVE) {
            return Turn::Idle;
        }
        let cost = self.networks.datacenter_cost;
        if !self.has_background_room(cost) {
            return Turn::Waits;
        }
        let ticket = self.ask_background(Query::Datacenter, cost, effects);
        self.networks.datacenter.ask(ticket);
        Turn::Asked
    }

    pub(super) fn settle_network(&mut self, ticket: Ticket, result: Result<GuestNetwork, Failure>) {
        let now = self.now.moment;
        if let Some(Dialog::Network(dialog)) = self.dialogs.last_mut() {
            dialog.settle_network(ticket, now, &result);
        }
        for foresight in self.foresights() {
            foresight.settle_network(ticket, now, &result);
        }
        if let Some(vmid) = self.networks.guests.settle(ticket, now, result) {
            self.judge_fences(&[vmid]);
        }
    }

    pub(super) fn settle_datacenter(
        &mut self,
        ticket: Ticket,
        result: Result<ClusterFirewall, Failure>,
    ) {
        let now = self.now.moment;
        if let Some(Dialog::Network(dialog)) = self.dialogs.last_mut() {
            dialog.settle_datacenter(ticket, now, &result);
        }
        let book = &mut self.networks;
        let before = book.datacenter();
        book.datacenter.settle(ticket, now, result);
        if book.datacenter() == before {
            return;
        }
        let read: Vec<Vmid> = book.guests.answers().map(|(vmid, _)| *vmid).collect();
        self.judge_fences(&read);
    }

    pub(super) fn settle_names(&mut self, ticket: Ticket, result: &Result<Resolved, Failure>) {
        if let Some(Dialog::Network(dialog)) = self.dialogs.last_mut() {
            dialog.settle_names(ticket, self.now.moment, result);
        }
        let now = self.now.moment;
        for foresight in self.foresights() {
            foresight.settle_names(ticket, now, result);
        }
    }

    /// Iterates over what the open forms know of fences.
    fn foresights(&mut self) -> impl Iterator<Item = &mut Foresight> {
        self.dialogs.iter_mut().filter_map(|dialog| {
            if let Dialog::Form(form) = dialog {
                form.foresight()
            } else {
                None
            }
        })
    }

    fn judge_fences(&mut self, guests: &[Vmid]) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        for seen in guests.iter().filter_map(|vmid| resources.guest(*vmid)) {
            self.networks
                .judge(&seen.guest.to_ref(), &self.setting.rules.profiles);
        }
        self.fold_guests();
    }

    /// Forgets the fences of guests that are gone.
    pub(super) fn follow_fences(&mut self) {
        if let Some(resources) = self.inventory.resources.value() {
            let book = &mut self.networks;
            book.guests.retain(|vmid| resources.guest(*vmid).is_some());
            book.realities
                .retain(|vmid, _| resources.guest(*vmid).is_some());
            book.costs
                .retain(|vmid, _| resources.guest(*vmid).is_some());
            self.fold_guests();
        }
    }
}
