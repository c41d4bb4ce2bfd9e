//! What a profile wants of a guest: rules, sets, options and the first card.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::action::{OptionsChange, Setting};
use super::arrange::Wanted;
use super::host::Cidr;
use super::mark;
use super::profile::{Destination, Hosts, NetworkProfile};
use super::resolved::Resolved;
use crate::domain::firewall::{Direction, Options, Policy, Rule};
use crate::domain::network_card::NetworkCard;
use crate::domain::text::Text;

/// The port at which a name server answers.
const DNS_PORT: u16 = 53;

/// A set as a profile wants it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WantedSet {
    pub(super) name: String,
    /// Whether what it holds is blocked, and not let through.
    pub(super) blocks: bool,
    /// The networks that stand as they are.
    pub(super) fixed: BTreeSet<Cidr>,
    /// The names whose addresses come and go.
    pub(super) names: BTreeSet<String>,
    /// The addresses that the names have now, each with one of its names.
    pub(super) addresses: BTreeMap<IpAddr, String>,
}

/// What a profile wants to stand in a guest's firewall.
#[derive(Debug, Default)]
pub(super) struct Goal {
    pub(super) rules: Vec<Rule>,
    pub(super) sets: Vec<WantedSet>,
    /// Why names have no addresses; nothing is done then.
    pub(super) unresolved: Vec<String>,
}

impl Goal {
    /// Collects what a profile wants; without `resolved` names keep whatever addresses they have.
    pub(super) fn of(profile: &NetworkProfile, resolved: Option<&Resolved>) -> Self {
        let mut goal = Self::default();
        let mut add = |list: &[Destination], kind: Kind| {
            goal.add(profile, list, kind, resolved);
        };
        add(&profile.allow, Kind::AllowOut);
        add(
            profile.allow_in.as_deref().unwrap_or_default(),
            Kind::AllowIn,
        );
        if profile.blocks_everything() {
            goal.allow_name_servers(profile);
            // What the policy blocks needs no rule.
            let rest: Vec<Destination> = profile
                .block
                .iter()
                .filter(|each| !is_all(each))
                .cloned()
                .collect();
            goal.add(profile, &rest, Kind::Block, resolved);
        } else {
            goal.add(profile, &profile.block, Kind::Block, resolved);
        }
        if goal.rules.is_empty() {
            // Disabled it has no effect, and switched on by mistake it closes rather than opens.
            goal.rules.push(Rule {
                is_enabled: false,
                ..Rule::new(Direction::Out, Policy::Drop.word())
            });
        }
        let comment = Text::from(mark::of(&profile.name));
        for rule in &mut goal.rules {
            rule.comment = Some(comment.clone());
        }
        goal.unresolved.sort();
        goal.unresolved.dedup();
        goal
    }

    /// Adds a rule per port with a set of its hosts; what no set may hold gets rules of its own.
    fn add(
        &mut self,
        profile: &NetworkProfile,
        list: &[Destination],
        kind: Kind,
        resolved: Option<&Resolved>,
    ) {
        let mut ports: Vec<Option<u16>> = Vec::new();
        for destination in list {
            if !ports.contains(&destination.port()) {
                ports.push(destination.port());
            }
        }
        for port in ports {
            let of_port = list.iter().filter(|each| each.port() == port);
            let name = mark::set_name(&profile.name, &kind.suffix(port));
            let mut set = WantedSet::new(name, matches!(kind, Kind::Block));
            for destination in of_port {
                match destination.hosts() {
                    Hosts::Network(all) if all.is_everything() => {
                        self.rules.push(kind.rule(port, &all.to_string()));
                    }
                    Hosts::Network(cidr) => {
                        set.fixed.insert(*cidr);
                    }
                    Hosts::Name(name) => self.unresolved.extend(set.add_name(name, resolved)),
                }
            }
            if !(set.fixed.is_empty() && set.names.is_empty()) {
                self.rules.push(kind.rule(port, &format!("+{}", set.name)));
                self.sets.push(set);
            }
        }
    }

    /// Lets the guest ask name servers, those of the profile or any.
    fn allow_name_servers(&mut self, profile: &NetworkProfile) {
        let servers = match &profile.dns {
            None => None,
            Some(servers) if servers.is_empty() => return,
            Some(servers) => {
                let mut set = WantedSet::new(mark::set_name(&profile.name, "dns"), false);
                set.fixed.extend(servers.iter().copied().map(Cidr::host));
                let name = format!("+{}", set.name);
                self.sets.push(set);
                Some(Text::from(name))
            }
        };
        for protocol in ["udp", "tcp"] {
            self.rules.push(Rule {
                protocol: Some(protocol.into()),
                destination: servers.clone(),
                destination_port: Some(DNS_PORT.to_string().into()),
                ..Rule::new(Direction::Out, Policy::Accept.word())
            });
        }
    }

    /// Returns the rules as they have to stand, wherever rules of others stand between them.
    pub(super) fn wanted(&self) -> Vec<Wanted> {
        let rules = self.rules.iter().cloned();
        rules
            .map(|rule| Wanted {
                rule,
                foreign_above: None,
            })
            .collect()
    }
}

impl WantedSet {
    fn new(name: String, blocks: bool) -> Self {
        Self {
            name,
            blocks,
            fixed: BTreeSet::new(),
            names: BTreeSet::new(),
            addresses: BTreeMap::new(),
        }
    }

    /// Adds a name with its addresses; returns why it has none.
    fn add_name(&mut self, name: &str, resolved: Option<&Resolved>) -> Option<String> {
        self.names.insert(name.to_owned());
        match resolved?.addresses(name) {
            Ok(addresses) => {
                for address in addresses {
                    self.addresses
                        .entry(*address)
                        .or_insert_with(|| name.to_owned());
                }
                None
            }
            Err(reason) => Some(reason),
        }
    }
}

/// Tells whether a destination is everything of one family.
fn is_all(destination: &Destination) -> bool {
    let all = matches!(destination.hosts(), Hosts::Network(cidr) if cidr.is_everything());
    all && destination.port().is_none()
}

/// What a list of a profile is for.
#[derive(Debug, Clone, Copy)]
enum Kind {
    AllowOut,
    AllowIn,
    Block,
}

impl Kind {
    /// Names the part of a set that comes behind the profile: `443`, `in-all`, `block-25`.
    fn suffix(self, port: Option<u16>) -> String {
        let port = port.map_or_else(|| "all".to_owned(), |port| port.to_string());
        match self {
            Self::AllowOut => port,
            Self::AllowIn => format!("in-{port}"),
            Self::Block => format!("block-{port}"),
        }
    }

    /// Makes the rule for these hosts; a port is one of TCP, no port is any protocol.
    fn rule(self, port: Option<u16>, hosts: &str) -> Rule {
        let (direction, policy) = match self {
            Self::AllowOut => (Direction::Out, Policy::Accept),
            Self::AllowIn => (Direction::In, Policy::Accept),
            Self::Block => (Direction::Out, Policy::Drop),
        };
        let mut rule = Rule::new(direction, policy.word());
        rule.protocol = port.map(|_| "tcp".into());
        rule.destination_port = port.map(|port| port.to_string().into());
        match self {
            Self::AllowOut | Self::Block => rule.destination = Some(hosts.into()),
            Self::AllowIn => rule.source = Some(hosts.into()),
        }
        rule
    }
}

/// What becomes of the options, and whether an open way in has to be closed.
pub(super) struct OptionsGoal {
    pub(super) change: OptionsChange,
    pub(super) inbound_closes: bool,
}

/// Says what a profile wants of the options.
///
/// `card` is the first card before the change, and `others_fenced` tells whether another card
/// already passes the firewall.
pub(super) fn options(
    profile: &NetworkProfile,
    options: &Options,
    card: &NetworkCard,
    others_fenced: bool,
) -> OptionsGoal {
    let mut change = OptionsChange::default();
    let mut inbound_closes = false;
    if !options.is_enabled() {
        change.enable = Setting::Set(true);
    }
    if profile.blocks_everything() {
        if options.policy_out() != Policy::Drop {
            change.policy_out = Setting::Set(Policy::Drop);
        }
        if !options.allows_dhcp() {
            change.dhcp = Setting::Set(true);
        }
    }
    let was_on = options.is_enabled() && card.has_firewall();
    if profile.allow_in.is_some() {
        if options.policy_in() != Policy::Drop {
            change.policy_in = Setting::Set(Policy::Drop);
        }
    } else if profile.firewall && !was_on && options.policy_in() != Policy::Accept {
        // What came in before still comes in, unless that would open another card.
        if options.is_enabled() && others_fenced {
            inbound_closes = true;
        } else {
            change.policy_in = Setting::Set(Policy::Accept);
        }
    }
    OptionsGoal {
        change,
        inbound_closes,
    }
}

/// Writes the first card as a profile wants it; all else on it stays (PITFALLS 29).
pub(super) fn card(profile: &NetworkProfile, card: &NetworkCard) -> NetworkCard {
    let connected = card.clone().with("bridge", profile.bridge.as_str());
    match (card.has_firewall(), profile.firewall) {
        (false, true) => connected.with("firewall", "1"),
        (true, false) => connected.with("firewall", "0"),
        (true, true) | (false, false) => connected,
    }
}
