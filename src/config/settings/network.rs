//! `[network_profiles.NAME]`: which traffic a guest may have.
//!
//! Names are only checked for their form; what they resolve to is asked when a profile is applied.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::config::connection::{is_host_name, parse_port};
use crate::config::document::{Findings, Section};
use crate::config::error::{InvalidSetting, quoted};

/// A fence around guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkProfile {
    /// Its name in the config.
    pub name: String,
    /// The bridge of the first network card.
    pub bridge: String,
    /// Whether the card's traffic passes the firewall.
    pub firewall: bool,
    /// Where the guest may connect to.
    pub allow: Vec<Destination>,
    /// Where it may not connect to; without any the outgoing policy stays as it is.
    pub block: Vec<Destination>,
    /// Who may connect to the guest; `None` leaves the inbound policy as it is.
    pub allow_in: Option<Vec<Destination>>,
    /// The name servers that the guest may ask; `None` is any.
    pub dns: Option<Vec<IpAddr>>,
}

/// Hosts and a port: `api.github.com:443`, `10.0.0.0/8`, `[2001:db8::1]:22`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    hosts: Hosts,
    port: Option<u16>,
}

/// The hosts of a destination.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hosts {
    /// A host by its name, in lower case.
    Name(String),
    /// All addresses that share their first bits.
    Network {
        /// The first address.
        address: IpAddr,
        /// How many bits are shared.
        prefix: u8,
    },
}

impl Destination {
    /// Returns the hosts.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Returns the port; `None` is every one.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match &self.hosts {
            Hosts::Name(name) => name.clone(),
            Hosts::Network { address, prefix } if *prefix == bits(*address) => address.to_string(),
            Hosts::Network { address, prefix } => format!("{address}/{prefix}"),
        };
        match self.port {
            None => formatter.write_str(&hosts),
            Some(port) if hosts.contains(':') => write!(formatter, "[{hosts}]:{port}"),
            Some(port) => write!(formatter, "{hosts}:{port}"),
        }
    }
}

impl FromStr for Destination {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let cure = "write HOST:PORT, ADDRESS:PORT or ADDRESS/BITS, IPv6 with a port in brackets";
        let invalid =
            |reason: &str| InvalidSetting::new(format!("{} {reason}", quoted(text)), cure);
        let (hosts, port) = if let Some(rest) = text.strip_prefix('[') {
            let (hosts, rest) = rest
                .split_once(']')
                .ok_or_else(|| invalid("has no closing bracket"))?;
            match rest {
                "" => (hosts, None),
                _ => (
                    hosts,
                    Some(
                        rest.strip_prefix(':')
                            .ok_or_else(|| invalid("has no port"))?,
                    ),
                ),
            }
        } else {
            match text.split_once(':') {
                // A second colon makes it an IPv6 address, which without brackets has no port.
                Some((_, port)) if port.contains(':') => (text, None),
                Some((hosts, port)) => (hosts, Some(port)),
                None => (text, None),
            }
        };
        let port = port
            .map(|digits| parse_port(digits).ok_or_else(|| invalid("has no port from 1 to 65535")))
            .transpose()?;
        Ok(Self {
            hosts: read_hosts(hosts, &invalid)?,
            port,
        })
    }
}

fn read_hosts(
    text: &str,
    invalid: &dyn Fn(&str) -> InvalidSetting,
) -> Result<Hosts, InvalidSetting> {
    let (host, prefix) = match text.split_once('/') {
        Some((host, prefix)) => (host, Some(prefix)),
        None => (text, None),
    };
    let Ok(address) = host.parse::<IpAddr>() else {
        return if prefix.is_none() && is_host_name(host) {
            Ok(Hosts::Name(host.to_ascii_lowercase()))
        } else {
            Err(invalid("is neither a host nor a network"))
        };
    };
    let prefix = match prefix {
        None => bits(address),
        Some(digits) => digits
            .parse()
            .ok()
            .filter(|prefix| *prefix <= bits(address))
            .ok_or_else(|| invalid("has an impossible number of bits"))?,
    };
    let first = first_address(address, prefix);
    if first != address {
        return Err(InvalidSetting::new(
            format!("{} is not the first address of its network", quoted(text)),
            format!("write {first}/{prefix}, or {address} for the one host"),
        ));
    }
    Ok(Hosts::Network { address, prefix })
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn first_address(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    // Shifting by the full width is no shift in Rust, hence the checked ones.
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

/// The name of a bridge or virtual network.
struct Bridge(String);

impl FromStr for Bridge {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // The kernel's limit for the name of an interface.
        if text.len() <= 15 && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSetting::new(
                format!("{} cannot be a bridge", quoted(text)),
                "a bridge has 1 to 15 letters, digits, `-`, `_` or `.`",
            ))
        }
    }
}

pub(super) fn read(
    name: String,
    mut section: Section<'_>,
    findings: &mut Findings<'_>,
) -> Option<NetworkProfile> {
    let bridge = section.take("bridge");
    if bridge.is_none() {
        findings.report(
            section.offset(),
            format!("[{}] has no bridge", section.name()),
            "write bridge = \"vmbr0\"",
        );
    }
    let bridge = bridge.and_then(|entry| entry.parsed::<Bridge>(findings, "the name of a bridge"));
    let firewall = section
        .take("firewall")
        .and_then(|entry| entry.flag(findings))
        .unwrap_or(true);
    let target = "as \"api.github.com:443\" or \"10.0.0.0/8\"";
    let mut list = |key, findings: &mut Findings<'_>| {
        section
            .take(key)
            .map(|entry| entry.list::<Destination>(findings, target))
    };
    let allow = list("allow", findings).unwrap_or_default();
    let block = list("block", findings).unwrap_or_default();
    let allow_in = list("allow_in", findings);
    let dns = section.take("dns").map(|entry| {
        let items = entry.items(findings, "a list of addresses");
        items
            .iter()
            .filter_map(|item| {
                let text = item.text(findings, "an address, as \"10.0.0.53\"")?;
                let address = text.parse().map_err(|_| {
                    InvalidSetting::new(format!("{} is no address", quoted(text)), {
                        "write an IP address, as 10.0.0.53"
                    })
                });
                item.checked(findings, address)
            })
            .collect()
    });
    section.finish(findings);
    Some(NetworkProfile {
        name,
        bridge: bridge?.0,
        firewall,
        allow,
        block,
        allow_in,
        dns,
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn destinations_are_hosts_addresses_and_networks_with_or_without_a_port() {
        for (written, read) in [
            ("API.github.com:443", "api.github.com:443"),
            ("proxmox.local", "proxmox.local"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.1.0.0/16:22", "10.1.0.0/16:22"),
            ("10.0.0.7:22", "10.0.0.7:22"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("[2001:db8::1]:22", "[2001:db8::1]:22"),
            ("[2001:db8::/32]:22", "[2001:db8::/32]:22"),
        ] {
            let destination: Destination = written.parse().unwrap();
            assert_eq!(destination.to_string(), read);
            assert_eq!(read.parse(), Ok(destination));
        }
    }

    #[test]
    fn a_destination_that_fences_something_else_than_it_says_is_refused() {
        let error = |text: &str| text.parse::<Destination>().unwrap_err().to_string();
        assert_eq!(
            error("10.0.0.5/8"),
            "`10.0.0.5/8` is not the first address of its network; \
             write 10.0.0.0/8, or 10.0.0.5 for the one host"
        );
        assert!(error("10.0.0.0/33").contains("impossible number of bits"));
        assert!(error("github.com:0").contains("has no port from 1 to 65535"));
        assert!(error("github.com:https").contains("has no port from 1 to 65535"));
        assert!(error("https://github.com").contains("write HOST:PORT"));
        assert!(error("git hub.com:443").contains("neither a host nor a network"));
        assert!(error("github.com/24").contains("neither a host nor a network"));
        assert!(error("").contains("neither a host nor a network"));
    }
}
