//! Names of hosts, numbers of ports and networks as people write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// Reads the number of a port, 1 to 65535.
pub fn parse_port(digits: &str) -> Option<u16> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|port| *port > 0)
}

/// Tells whether a text can be a host's name or its IPv4 address.
pub fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let labels_fit = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    // A name never ends in a number; `10.0.0.300` is a mistyped address.
    let numeric_end = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    labels_fit && name.len() <= 253 && (!numeric_end || name.parse::<Ipv4Addr>().is_ok())
}

/// All addresses that share their first bits; with all bits it is one host.
///
/// Its address is the first one of the network, and it is written as the server writes it: a single
/// host without `/32` or `/128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Makes the network of all addresses that share the first `prefix` bits with `address`.
    ///
    /// More bits than there are mean all of them.
    pub fn around(address: IpAddr, prefix: u8) -> Self {
        let prefix = prefix.min(bits(address));
        Self {
            address: first_address(address, prefix),
            prefix,
        }
    }

    /// Makes the network that holds this one address.
    pub fn host(address: IpAddr) -> Self {
        Self::around(address, u8::MAX)
    }

    /// Returns the first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Returns how many bits are shared.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Tells whether it holds every address of its family; no set of addresses may (API.md §9).
    pub fn is_everything(self) -> bool {
        self.prefix == 0
    }

    /// Tells whether an address belongs to it.
    pub fn contains(self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && first_address(address, self.prefix) == self.address
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.address) {
            write!(formatter, "{}", self.address)
        } else {
            write!(formatter, "{}/{}", self.address, self.prefix)
        }
    }
}

/// A text that is no address and no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an address or a network as 10.0.0.0/8 is expected")]
pub struct InvalidCidr;

impl FromStr for Cidr {
    type Err = InvalidCidr;

    /// Reads an address or network; bits behind the prefix are cut, as the server does.
    fn from_str(text: &str) -> Result<Self, InvalidCidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidCidr)?;
        let prefix = match prefix {
            None => bits(address),
            Some(digits) => digits.parse().map_err(|_| InvalidCidr)?,
        };
        if prefix > bits(address) {
            return Err(InvalidCidr);
        }
        Ok(Self::around(address, prefix))
    }
}

/// Returns how many bits an address has.
pub(super) const fn bits(address: IpAddr) -> u8 {
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
            let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_written_as_the_server_writes_it() {
        for (written, read) in [
            ("10.0.0.5/32", "10.0.0.5"),
            ("2001:db8::7/128", "2001:db8::7"),
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("2001:DB8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(written.parse::<Cidr>().unwrap().to_string(), read);
        }
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "host",
            "10.0.0.0/x",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_of_its_family_that_share_its_bits() {
        let network: Cidr = "10.0.0.0/8".parse().unwrap();
        assert!(network.contains("10.255.0.1".parse().unwrap()));
        assert!(!network.contains("11.0.0.0".parse().unwrap()));
        assert!(!network.contains("::1".parse().unwrap()));
        let all: Cidr = "::/0".parse().unwrap();
        assert!(all.is_everything() && all.contains("2001:db8::1".parse().unwrap()));
    }
}
