//! What a profile says, as a person wrote it: `[network_profiles.NAME]`.
//!
//! Only the form is checked here; what names resolve to is asked when a profile is applied.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::host::{Cidr, bits, is_host_name, parse_port};
use crate::domain::template::CardProfile;
use crate::domain::text::clean;

/// How much of somebody's text a message repeats.
const MAX_QUOTED: usize = 80;

/// A fence around guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkProfile {
    /// Its name in the config: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub name: String,
    /// The bridge of the first network card.
    pub bridge: Bridge,
    /// Whether the card's traffic passes the firewall; if not, nothing is enforced.
    pub firewall: bool,
    /// Where the guest may connect to: by TCP where a port is named, else by anything.
    pub allow: Vec<Destination>,
    /// Where it may not connect to; without any the outgoing policy stays as it is.
    pub block: Vec<Destination>,
    /// Who may connect to the guest; `None` leaves open what is open.
    pub allow_in: Option<Vec<Destination>>,
    /// The name servers that the guest may ask; `None` is any.
    pub dns: Option<Vec<IpAddr>>,
}

impl NetworkProfile {
    /// Returns what it says about the first card alone.
    pub fn card(&self) -> CardProfile {
        CardProfile {
            name: self.name.clone(),
            bridge: self.bridge.as_str().to_owned(),
            firewall: self.firewall,
        }
    }

    /// Tells whether whatever is not allowed is blocked: `block` holds `0.0.0.0/0`.
    pub fn blocks_everything(&self) -> bool {
        self.block.iter().any(Destination::is_everything)
    }

    /// Iterates over the names of hosts that have to be resolved, some perhaps more than once.
    pub fn host_names(&self) -> impl Iterator<Item = &str> {
        let allow_in = self.allow_in.iter().flatten();
        let destinations = self.allow.iter().chain(&self.block).chain(allow_in);
        destinations.filter_map(|destination| match destination.hosts() {
            Hosts::Name(name) => Some(name.as_str()),
            Hosts::Network(_) => None,
        })
    }
}

/// The name of a bridge or virtual network.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bridge(String);

impl Bridge {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Bridge {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for Bridge {
    type Err = InvalidProfile;

    fn from_str(text: &str) -> Result<Self, InvalidProfile> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // The kernel's limit for the name of an interface.
        if (1..=15).contains(&text.len()) && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProfile {
                message: format!("{} cannot be a bridge", quoted(text)),
                cure: "a bridge has 1 to 15 letters, digits, `-`, `_` or `.`".to_owned(),
            })
        }
    }
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
    /// A network, or a host by its address.
    Network(Cidr),
}

impl Destination {
    /// Returns the hosts.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Returns the port; `None` is every one, and every protocol.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Tells whether it is `0.0.0.0/0` without a port, by which people mean everything.
    fn is_everything(&self) -> bool {
        let all = |cidr: &Cidr| cidr.is_everything() && cidr.address().is_ipv4();
        self.port.is_none() && matches!(&self.hosts, Hosts::Network(cidr) if all(cidr))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match &self.hosts {
            Hosts::Name(name) => name.clone(),
            Hosts::Network(cidr) => cidr.to_string(),
        };
        match self.port {
            None => formatter.write_str(&hosts),
            Some(port) if hosts.contains(':') => write!(formatter, "[{hosts}]:{port}"),
            Some(port) => write!(formatter, "{hosts}:{port}"),
        }
    }
}

/// A text that cannot be part of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {cure}")]
pub struct InvalidProfile {
    /// What is wrong with it.
    pub message: String,
    /// What to write instead.
    pub cure: String,
}

impl FromStr for Destination {
    type Err = InvalidProfile;

    fn from_str(text: &str) -> Result<Self, InvalidProfile> {
        let invalid = |reason: &str| InvalidProfile {
            message: format!("{} {reason}", quoted(text)),
            cure: "write HOST:PORT, ADDRESS:PORT or ADDRESS/BITS, IPv6 with a port in brackets"
                .to_owned(),
        };
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
            hosts: read_hosts(hosts, text, &invalid)?,
            port,
        })
    }
}

fn read_hosts(
    hosts: &str,
    text: &str,
    invalid: &dyn Fn(&str) -> InvalidProfile,
) -> Result<Hosts, InvalidProfile> {
    let (host, prefix) = match hosts.split_once('/') {
        Some((host, prefix)) => (host, Some(prefix)),
        None => (hosts, None),
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
    let cidr = Cidr::around(address, prefix);
    if cidr.address() != address {
        return Err(InvalidProfile {
            message: format!("{} is not the first address of its network", quoted(text)),
            cure: format!("write {cidr}, or {address} for the one host"),
        });
    }
    Ok(Hosts::Network(cidr))
}

/// Repeats somebody's text in a message: clean, in back quotes, and not for pages.
fn quoted(text: &str) -> String {
    let text = clean(text);
    if text.chars().count() > MAX_QUOTED {
        let start: String = text.chars().take(MAX_QUOTED).collect();
        return format!("`{start}…`");
    }
    format!("`{text}`")
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
