//! Firewall files: the datacenter's switch and each guest's rules, sets, aliases and options.
//!
//! Refuses to filter anything; it keeps what was written and how the real server reads it back.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha1::{Digest as _, Sha1};

use super::scenario::{FirewallScenario, Scenario};

/// What a firewall parameter must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// A name of a set, an alias or a group.
    Name,
    /// Source or destination.
    Address,
    /// Ports.
    Port,
    /// An ICMP type.
    IcmpType,
    /// A protocol.
    Protocol,
    /// An address or a network.
    Network,
    /// An address, a network or an alias.
    NetworkOrAlias,
    /// A network card.
    Interface,
}

/// Macros that the datacenter knows, as many as are common.
pub(super) const MACROS: [(&str, &str); 12] = [
    ("DNS", "Domain Name System traffic (upd and tcp)"),
    ("DHCPfwd", "Forwarded DHCP traffic"),
    ("FTP", "File Transfer Protocol"),
    ("HTTP", "Hypertext Transfer Protocol (WWW)"),
    ("HTTPS", "Hypertext Transfer Protocol (WWW) over SSL"),
    ("MySQL", "MySQL server"),
    ("NTP", "Network Time Protocol (ntpd)"),
    ("Ping", "ICMP echo request"),
    ("PostgreSQL", "PostgreSQL server"),
    ("SMTP", "Simple Mail Transfer Protocol"),
    ("SSH", "Secure shell traffic"),
    ("Web", "WWW traffic (HTTP and HTTPS)"),
];

const PROTOCOLS: [&str; 14] = [
    "tcp",
    "udp",
    "icmp",
    "igmp",
    "ipv6-icmp",
    "icmpv6",
    "sctp",
    "udplite",
    "gre",
    "esp",
    "ah",
    "ospf",
    "vrrp",
    "ipv6",
];
const SERVICES: [&str; 14] = [
    "ssh", "http", "https", "domain", "smtp", "ftp", "telnet", "ntp", "imap", "imaps", "pop3",
    "ldap", "ldaps", "mysql",
];
const ICMP_TYPES: [&str; 16] = [
    "any",
    "echo-reply",
    "echo-request",
    "destination-unreachable",
    "network-unreachable",
    "host-unreachable",
    "port-unreachable",
    "time-exceeded",
    "parameter-problem",
    "redirect",
    "source-quench",
    "router-advertisement",
    "router-solicitation",
    "neighbor-solicitation",
    "neighbor-advertisement",
    "packet-too-big",
];

/// Checks the form of a firewall parameter; whether what it names exists is looked at later.
pub(super) fn examine(field: Field, value: &str) -> Result<(), String> {
    let refuse = |why: String| Err(why);
    match field {
        Field::Name | Field::Interface => Ok(()),
        Field::Address => address(value),
        Field::Port => value.split(',').try_for_each(port),
        Field::Protocol => {
            let number = value.parse::<u8>().is_ok();
            if number || PROTOCOLS.contains(&value) {
                Ok(())
            } else {
                refuse(format!("unknown protocol '{value}'"))
            }
        }
        Field::IcmpType => {
            if ICMP_TYPES.contains(&value) {
                Ok(())
            } else {
                refuse(format!("invalid icmp-type value '{value}'"))
            }
        }
        Field::Network => network(value).map(|_| ()),
        Field::NetworkOrAlias => {
            if is_name(value) || is_scoped_name(value) {
                Ok(())
            } else {
                network(value).map(|_| ())
            }
        }
    }
}

/// Tells whether a text may name a set, an alias or a group.
pub(super) fn is_name(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
}

fn is_scoped_name(text: &str) -> bool {
    ["guest/", "dc/"]
        .iter()
        .any(|scope| text.strip_prefix(scope).is_some_and(is_name))
}

/// Reads an address or a network and returns it as sets keep it: the network's own address, no full-length prefix.
pub(super) fn network(text: &str) -> Result<String, String> {
    let wrong = || "value does not look like a valid IP address or CIDR network".to_owned();
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = match prefix {
        None => longest,
        Some(prefix) => prefix.parse().map_err(|_| wrong())?,
    };
    if prefix > longest {
        return Err(wrong());
    }
    if prefix == longest {
        return Ok(address.to_string());
    }
    let cut = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    };
    Ok(format!("{cut}/{prefix}"))
}

fn address(value: &str) -> Result<(), String> {
    let mut families = std::collections::BTreeSet::new();
    for part in value.split(',') {
        if let Some(set) = part.strip_prefix('+') {
            if !is_name(set) && !is_scoped_name(set) {
                return Err(format!("invalid characters in IPSet name '{set}'"));
            }
            continue;
        }
        if is_name(part) || is_scoped_name(part) {
            continue;
        }
        let ends: Vec<&str> = part.split('-').collect();
        for end in ends {
            let plain = end.split('/').next().unwrap_or(end);
            let Ok(found) = plain.parse::<IpAddr>() else {
                return Err(bad_address(plain));
            };
            network(end).map_err(|_| bad_address(end))?;
            families.insert(found.is_ipv4());
        }
    }
    if families.len() > 1 {
        Err("detected mixed ipv4/ipv6 addresses in address list".into())
    } else {
        Ok(())
    }
}

fn bad_address(text: &str) -> String {
    let quads: Vec<&str> = text.split('.').collect();
    let digits = text
        .chars()
        .all(|letter| letter.is_ascii_digit() || letter == '.');
    let large = quads
        .iter()
        .find(|quad| quad.parse::<u32>().is_ok_and(|number| number > 255));
    match large.filter(|_| digits) {
        Some(quad) => format!("invalid IP address: Invalid quad in IP address {text} - {quad}"),
        None => format!("invalid IP address: Invalid chars in IP {text}"),
    }
}

fn port(text: &str) -> Result<(), String> {
    let one = |text: &str| -> Result<u32, String> {
        match text.parse::<u32>() {
            Ok(number) if number <= 65_535 => Ok(number),
            Err(_) if SERVICES.contains(&text) => Ok(0),
            Ok(_) | Err(_) => Err(format!("invalid port '{text}'")),
        }
    };
    let Some((low, high)) = text.split_once(':') else {
        return one(text).map(|_| ());
    };
    let (first, last) = (one(low)?, one(high)?);
    if first > last {
        return Err(format!(
            "backwards range '{text}' not allowed, did you mean '{high}:{low}'?"
        ));
    }
    Ok(())
}

/// Returns 4 or 6 where an address says so by itself.
pub(super) fn family(value: &str) -> Option<u8> {
    let first = value.split([',', '-']).next()?.split('/').next()?;
    first
        .parse::<IpAddr>()
        .ok()
        .map(|address| if address.is_ipv4() { 4 } else { 6 })
}

/// A rule: its fields as they were written.
pub(super) type Rule = BTreeMap<String, String>;

/// A set of addresses.
#[derive(Debug, Clone, Default)]
pub(super) struct Set {
    pub(super) comment: Option<String>,
    /// Networks in the order added.
    pub(super) members: Vec<Member>,
}

/// A member of a set.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) network: String,
    pub(super) comment: Option<String>,
    pub(super) excluded: bool,
}

/// A name for an address.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    pub(super) network: String,
    pub(super) comment: Option<String>,
}

/// One firewall file.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub(super) options: BTreeMap<String, String>,
    /// Rules by position.
    pub(super) rules: Vec<Rule>,
    pub(super) sets: BTreeMap<String, Set>,
    pub(super) aliases: BTreeMap<String, Alias>,
}

impl File {
    /// Writes what a scenario says into the file.
    pub(super) fn furnish(&mut self, wanted: &FirewallScenario) {
        self.options.extend(wanted.options.clone());
        self.rules.clone_from(&wanted.rules);
        for (name, networks) in &wanted.sets {
            let members = networks.iter().map(|line| {
                let (network, comment) = match line.split_once(" # ") {
                    Some((network, comment)) => (network, Some(comment.to_owned())),
                    None => (line.as_str(), None),
                };
                Member {
                    network: network.to_owned(),
                    comment,
                    excluded: false,
                }
            });
            let set = Set {
                comment: wanted.comments.get(name).cloned(),
                members: members.collect(),
            };
            self.sets.insert(name.clone(), set);
        }
        for (name, network) in &wanted.aliases {
            let alias = Alias {
                network: network.clone(),
                comment: None,
            };
            self.aliases.insert(name.clone(), alias);
        }
    }

    pub(super) fn options_digest(&self) -> String {
        digest(
            self.options
                .iter()
                .map(|(key, value)| format!("{key}: {value}\n")),
        )
    }

    pub(super) fn rules_digest(&self) -> String {
        digest(self.rules.iter().map(|rule| format!("{rule:?}\n")))
    }

    pub(super) fn sets_digest(&self) -> String {
        digest(
            self.sets
                .iter()
                .map(|(name, set)| format!("{name}{:?}\n", set.comment)),
        )
    }

    pub(super) fn members_digest(set: &Set) -> String {
        digest(set.members.iter().map(|member| format!("{member:?}\n")))
    }
}

/// Hashes text; of nothing it is the well-known digest of nothing.
fn digest(lines: impl Iterator<Item = String>) -> String {
    let mut hash = Sha1::new();
    for line in lines {
        hash.update(line);
    }
    hash.finalize()
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// All firewall files of a cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Firewalls {
    pub(super) datacenter: File,
    /// The rules of each security group by position.
    pub(super) groups: BTreeMap<String, Vec<Rule>>,
    guests: BTreeMap<u32, File>,
    nothing: File,
}

impl Firewalls {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mut firewalls = Self {
            groups: scenario.groups.clone(),
            ..Self::default()
        };
        firewalls.datacenter.furnish(&scenario.datacenter);
        if scenario.firewall {
            firewalls.enable_datacenter(true);
        }
        firewalls
    }

    pub(super) fn enable_datacenter(&mut self, enabled: bool) {
        self.datacenter
            .options
            .insert("enable".into(), u8::from(enabled).to_string());
    }

    pub(super) fn groups_digest(&self) -> String {
        digest(self.groups.keys().map(|name| format!("{name}\n")))
    }

    /// Returns a guest's file, an empty one where there is none.
    pub(super) fn guest(&self, vmid: u32) -> &File {
        self.guests.get(&vmid).unwrap_or(&self.nothing)
    }

    /// Returns a guest's file for a change; the guest need not exist.
    pub(super) fn guest_mut(&mut self, vmid: u32) -> &mut File {
        self.guests.entry(vmid).or_default()
    }

    /// Copies a guest's firewall file, as a clone does.
    pub(super) fn copy(&mut self, source: u32, target: u32) {
        if let Some(file) = self.guests.get(&source).cloned() {
            self.guests.insert(target, file);
        }
    }

    pub(super) fn forget(&mut self, vmid: u32) {
        self.guests.remove(&vmid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_become_their_own_address() {
        assert_eq!(network("192.0.2.77/24").unwrap(), "192.0.2.0/24");
        assert_eq!(network("192.0.2.10/32").unwrap(), "192.0.2.10");
        assert_eq!(network("2001:db8::7/128").unwrap(), "2001:db8::7");
        assert!(network("203.0.113.1-203.0.113.9").is_err());
        assert!(network("example.com").is_err());
    }

    #[test]
    fn refusals_use_the_recorded_words() {
        let why = |field, value| examine(field, value).unwrap_err();
        assert_eq!(
            why(Field::Address, "api.github.com"),
            "invalid IP address: Invalid chars in IP api.github.com"
        );
        assert_eq!(
            why(Field::Address, "300.1.1.1"),
            "invalid IP address: Invalid quad in IP address 300.1.1.1 - 300"
        );
        assert_eq!(
            why(Field::Port, "90:80"),
            "backwards range '90:80' not allowed, did you mean '80:90'?"
        );
        assert_eq!(why(Field::Port, "70000"), "invalid port '70000'");
        assert_eq!(why(Field::Protocol, "quic"), "unknown protocol 'quic'");
        assert!(
            examine(Field::Address, "+dc/dcset").is_ok()
                && examine(Field::Address, "0.0.0.0/0").is_ok()
        );
    }

    #[test]
    fn nothing_has_the_recorded_digest() {
        assert_eq!(
            File::default().options_digest(),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        );
    }
}
