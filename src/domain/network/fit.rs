//! Whether a rule is about a packet, as far as what is known of both tells.

use std::net::IpAddr;

use super::host::Cidr;
use super::macros;
use super::passage::{Packet, Protocol, Way};
use crate::domain::firewall::{AddressSet, Alias, ClusterFirewall, GuestFirewall, Rule};
use crate::domain::text::{Text, clean};

/// Whether a rule is about a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    No,
    /// It cannot be said, for this reason.
    Perhaps(String),
}

impl Fit {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// Joins two conditions that must both hold.
    pub(super) fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Perhaps(reason) => match other() {
                Self::No => Self::No,
                Self::Yes | Self::Perhaps(_) => Self::Perhaps(reason),
            },
        }
    }

    /// Joins conditions of which one is enough.
    pub(super) fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::No;
        for fit in all {
            match fit {
                Self::Yes => return Self::Yes,
                Self::No => {}
                Self::Perhaps(reason) => found = Self::Perhaps(reason),
            }
        }
        found
    }
}

/// The sets and aliases of which rules may speak.
pub(super) struct Names<'a> {
    pub(super) guest: &'a GuestFirewall,
    pub(super) cluster: &'a ClusterFirewall,
}

/// Says whether a rule is about a packet; direction, switch and card are looked at elsewhere.
pub(super) fn rule(rule: &Rule, packet: &Packet, names: &Names<'_>) -> Fit {
    let (peer, own) = match packet.way {
        Way::Out => (&rule.destination, &rule.source),
        Way::In => (&rule.source, &rule.destination),
    };
    let peer = peer
        .as_ref()
        .map_or(Fit::Yes, |text| addresses(text.raw(), packet.peer, names));
    peer.and(|| service(rule, packet))
        .and(|| match own {
            None => Fit::Yes,
            Some(text) => own_address(text.raw(), packet.peer),
        })
        .and(|| match &rule.source_port {
            None => Fit::Yes,
            Some(ports) => Fit::Perhaps(format!("it is about packets from port {ports} only")),
        })
}

/// The guest's own address is not known; only what holds every address is sure to hold it.
fn own_address(text: &str, peer: IpAddr) -> Fit {
    match text.parse::<Cidr>() {
        Ok(cidr) if cidr.address().is_ipv4() != peer.is_ipv4() => Fit::No,
        Ok(cidr) if cidr.is_everything() => Fit::Yes,
        Ok(_) | Err(_) => Fit::Perhaps(format!(
            "the guest's own address is not known, and it is about {} only",
            clean(text)
        )),
    }
}

/// Says whether a rule is about a packet's protocol and port.
fn service(rule: &Rule, packet: &Packet) -> Fit {
    let protocol = rule.protocol.as_ref().map(Text::raw);
    if let Some(name) = &rule.macro_name {
        if protocol.is_some() || rule.destination_port.is_some() {
            return Fit::Perhaps(format!("the macro {name} together with a protocol or port"));
        }
        return macros::fit(name, packet);
    }
    let Some(protocol) = protocol else {
        return Fit::Yes;
    };
    Fit::of(is_protocol(protocol, packet)).and(|| match packet.protocol {
        Protocol::Ping => ping(rule),
        Protocol::Tcp | Protocol::Udp => match &rule.destination_port {
            None => Fit::Yes,
            Some(ports) => Fit::any(ports.raw().split(',').map(|part| port(part, packet.port))),
        },
    })
}

fn is_protocol(name: &str, packet: &Packet) -> bool {
    match packet.protocol {
        Protocol::Tcp => matches!(name, "tcp" | "6"),
        Protocol::Udp => matches!(name, "udp" | "17"),
        Protocol::Ping if packet.peer.is_ipv4() => matches!(name, "icmp" | "1"),
        Protocol::Ping => matches!(name, "ipv6-icmp" | "icmpv6" | "58"),
    }
}

fn ping(rule: &Rule) -> Fit {
    match (&rule.icmp_type, &rule.destination_port) {
        (None, None) => Fit::Yes,
        (Some(kind), None) => Fit::of(matches!(kind.raw(), "any" | "echo-request" | "8" | "128")),
        (_, Some(_)) => Fit::Perhaps("it names a port of a protocol that has none".to_owned()),
    }
}

/// Ports by the names that rules commonly use.
const SERVICES: [(&str, u16); 18] = [
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("pop3", 110),
    ("ntp", 123),
    ("imap2", 143),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
    ("submission", 587),
    ("ldaps", 636),
    ("imaps", 993),
    ("pop3s", 995),
    ("mysql", 3306),
    ("postgresql", 5432),
];

/// Says whether a port, a name of one or a range `8000:8010` holds a packet's port.
fn port(part: &str, port: u16) -> Fit {
    let read = |text: &str| -> Option<u16> {
        let named = SERVICES.iter().find(|(name, _)| *name == text);
        text.parse().ok().or(named.map(|(_, port)| *port))
    };
    let (first, last) = part.split_once(':').unwrap_or((part, part));
    match (read(first), read(last)) {
        (Some(first), Some(last)) => Fit::of((first..=last).contains(&port)),
        (None, _) | (_, None) => {
            Fit::Perhaps(format!("which port {} is, is not known", clean(part)))
        }
    }
}

/// Says whether a rule's source or destination holds an address.
pub(super) fn addresses(text: &str, address: IpAddr, names: &Names<'_>) -> Fit {
    Fit::any(text.split(',').map(|part| one(part.trim(), address, names)))
}

fn one(part: &str, address: IpAddr, names: &Names<'_>) -> Fit {
    if let Some(name) = part.strip_prefix('+') {
        return set(name, address, names);
    }
    if let Ok(cidr) = part.parse::<Cidr>() {
        return Fit::of(cidr.contains(address));
    }
    if let Some((first, last)) = part.split_once('-')
        && let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>())
    {
        let family = first.is_ipv4() == address.is_ipv4();
        return Fit::of(family && (first..=last).contains(&address));
    }
    match alias(part, names) {
        Ok(cidr) => Fit::of(cidr.contains(address)),
        Err(reason) => Fit::Perhaps(reason),
    }
}

/// Says whether a set holds an address: the narrowest member that does decides.
fn set(name: &str, address: IpAddr, names: &Names<'_>) -> Fit {
    let set = match find_set(name, names) {
        Ok(set) => set,
        Err(reason) => return Fit::Perhaps(reason),
    };
    let mut narrowest: Option<(u8, bool)> = None;
    let mut unknown = None;
    for member in &set.members {
        let cidr = member.cidr.raw().parse::<Cidr>().map_err(|_| ());
        match cidr.or_else(|()| alias(member.cidr.raw(), names)) {
            Ok(cidr) if cidr.contains(address) => {
                let found = (cidr.prefix(), member.is_excluded);
                narrowest = Some(narrowest.map_or(found, |known| known.max(found)));
            }
            Ok(_) => {}
            Err(reason) => unknown = Some(reason),
        }
    }
    match unknown {
        Some(reason) => Fit::Perhaps(reason),
        None => Fit::of(narrowest.is_some_and(|(_, is_excluded)| !is_excluded)),
    }
}

/// Finds a set: `guest/NAME`, `dc/NAME`, or `NAME`, of which the guest's own comes first.
fn find_set<'a>(name: &str, names: &Names<'a>) -> Result<&'a AddressSet, String> {
    let sets = (names.guest.sets.as_slice(), names.cluster.sets.as_ref());
    find(name, sets, |set: &AddressSet| &set.name, "set")
}

fn alias(name: &str, names: &Names<'_>) -> Result<Cidr, String> {
    let aliases = (
        names.guest.aliases.as_slice(),
        names.cluster.aliases.as_ref(),
    );
    let found = find(name, aliases, |alias: &Alias| &alias.name, "alias")?;
    let cidr = found.cidr.raw().parse::<Cidr>();
    cidr.map_err(|_| format!("what the alias {} means, is not known", found.name))
}

fn find<'a, T>(
    name: &str,
    (guest, cluster): (&'a [T], Option<&'a Vec<T>>),
    name_of: impl Fn(&T) -> &Text,
    what: &str,
) -> Result<&'a T, String> {
    let named = |all: &'a [T], name: &str| {
        let mut all = all.iter();
        all.find(|each| name_of(each).raw().eq_ignore_ascii_case(name))
    };
    let own = |name: &str| named(guest, name);
    let missing = || format!("there is no {what} {}", clean(name));
    let of_cluster = |name: &str| match cluster {
        None => Err(format!(
            "the datacenter's {what} {} cannot be read (needs Sys.Audit on /)",
            clean(name)
        )),
        Some(all) => named(all, name).ok_or_else(missing),
    };
    if let Some(name) = name.strip_prefix("guest/") {
        own(name).ok_or_else(missing)
    } else if let Some(name) = name.strip_prefix("dc/") {
        of_cluster(name)
    } else {
        own(name).map_or_else(|| of_cluster(name), Ok)
    }
}
