//! What a form that makes guests or brings them back knows of the fence that comes of it.
//!
//! Firewalls and names are read once while the form is open, and only those that are wanted.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::form::{Preview, Weight};
use super::purpose::{Known, ask};
use crate::app::effect::{Query, Ticket};
use crate::app::networks::GuestNetwork;
use crate::app::remote::Remote;
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::network::{Foreseen, NetworkProfile, Resolved, own_profile};
use crate::domain::time::Moment;

/// What was read to foresee fences.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::app) struct Foresight {
    firewalls: BTreeMap<Vmid, (GuestRef, Remote<GuestNetwork>)>,
    names: BTreeMap<String, Names>,
}

/// The names of a profile, and their addresses.
#[derive(Debug, Clone, PartialEq)]
struct Names {
    hosts: Vec<String>,
    /// When they were asked for first, by the server's clock.
    time: DateTime<Utc>,
    resolved: Remote<Resolved>,
}

impl Foresight {
    /// Foresees the profile that a guest's own rules name, on a configuration of it.
    ///
    /// What is not known yet is asked for next.
    pub(super) fn of_own(
        &mut self,
        guest: &GuestRef,
        config: Option<&GuestConfig>,
        known: &Known<'_>,
    ) -> Foreseen {
        let profiles = &known.rules.profiles;
        if profiles.is_empty() || guest.kind != GuestKind::Qemu {
            return Foreseen::Nothing;
        }
        let (_, network) = self.firewall(guest);
        let firewall = match (network.value(), network.failure()) {
            (Some((_, firewall)), _) => firewall,
            (None, Some(failure)) => {
                return Foreseen::Unknown(format!("its rules could not be read: {failure}"));
            }
            (None, None) => return Foreseen::Awaited,
        };
        match own_profile(&firewall.rules, profiles) {
            Ok(None) => Foreseen::Nothing,
            Ok(Some(profile)) => self.of(guest, profile, config, known),
            Err(reason) => Foreseen::Unknown(reason),
        }
    }

    /// Foresees a profile on a guest's rules and a configuration of it.
    pub(super) fn of(
        &mut self,
        guest: &GuestRef,
        profile: &NetworkProfile,
        config: Option<&GuestConfig>,
        known: &Known<'_>,
    ) -> Foreseen {
        let time = known.now.wall;
        let names = self.names.entry(profile.name.clone());
        let names = names.or_insert_with(|| Names {
            hosts: profile.host_names().map(str::to_owned).collect(),
            time,
            resolved: Remote::default(),
        });
        let resolved = match (names.resolved.value(), names.resolved.failure()) {
            _ if names.hosts.is_empty() => Resolved::new(names.time),
            (Some(resolved), _) => resolved.clone(),
            (None, Some(failure)) => {
                let name = &profile.name;
                let reason = format!("the names of {name} could not be resolved: {failure}");
                return Foreseen::Unknown(reason);
            }
            (None, None) => {
                // Both are asked for at once.
                self.firewall(guest);
                return Foreseen::Awaited;
            }
        };
        let (_, network) = self.firewall(guest);
        match (network.value(), network.failure(), config) {
            (Some((_, firewall)), _, Some(config)) => {
                Foreseen::of(guest, profile, &resolved, config, firewall)
            }
            (None, Some(failure), _) => {
                Foreseen::Unknown(format!("the rules of {guest} could not be read: {failure}"))
            }
            (None, None, _) | (Some(_), _, None) => Foreseen::Awaited,
        }
    }

    fn firewall(&mut self, guest: &GuestRef) -> &(GuestRef, Remote<GuestNetwork>) {
        let entry = self.firewalls.entry(guest.vmid);
        entry.or_insert_with(|| (guest.clone(), Remote::default()))
    }

    pub(super) fn questions(&mut self, next: &mut u64) -> Vec<(Ticket, Query)> {
        let mut questions = Vec::new();
        for (guest, network) in self.firewalls.values_mut() {
            if network.is_open() && !network.is_pending() {
                questions.push(ask(network, Query::Network(guest.clone()), next));
            }
        }
        for Names {
            hosts,
            time,
            resolved,
        } in self.names.values_mut()
        {
            if !hosts.is_empty() && resolved.is_open() && !resolved.is_pending() {
                questions.push(ask(resolved, Query::Resolve(hosts.clone(), *time), next));
            }
        }
        questions
    }

    pub(in crate::app) fn settle_network(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<GuestNetwork, Failure>,
    ) {
        for (_, network) in self.firewalls.values_mut() {
            network.settle(ticket, now, result.clone());
        }
    }

    pub(in crate::app) fn settle_names(
        &mut self,
        ticket: Ticket,
        now: Moment,
        result: &Result<Resolved, Failure>,
    ) {
        for names in self.names.values_mut() {
            names.resolved.settle(ticket, now, result.clone());
        }
    }
}

/// Says in a preview what is foreseen of a fence.
pub(super) fn told(foreseen: &Foreseen) -> Option<Preview> {
    let weight = match foreseen {
        Foreseen::Unknown(_) => Weight::Warning,
        Foreseen::Nothing | Foreseen::Awaited | Foreseen::Planned(_) => Weight::Plain,
    };
    Some(Preview::new("fence", foreseen.told()?, weight))
}
