//! Names of things: guest ids, node, storage and pool names.
//!
//! Each is checked once, where it enters, so that no other place has to wonder.

use std::fmt;
use std::str::FromStr;

/// The number of a guest, unique in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vmid(u32);

impl Vmid {
    /// Makes a guest id; Proxmox allows 100 to 999999999.
    pub fn new(number: u64) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        (100..=999_999_999)
            .contains(&number)
            .then_some(Self(number))
    }

    /// Returns the plain number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl FromStr for Vmid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse()
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| InvalidId {
                what: "guest id",
                text: text.to_owned(),
                rule: "a number from 100 to 999999999",
            })
    }
}

/// A name or number that cannot be an id of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}: {rule} is expected")]
pub struct InvalidId {
    what: &'static str,
    text: String,
    rule: &'static str,
}

/// What runs a guest: a QEMU virtual machine or an LXC container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// Returns the word that the API uses in paths and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }
}

impl fmt::Display for GuestKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $rule:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let allowed: fn(char) -> bool = $check;
                if !text.is_empty() && text.len() <= 128 && text.chars().all(allowed) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { what: $what, text: text.to_owned(), rule: $rule })
                }
            }
        }
    )*};
}

names! {
    /// The name of a node of the cluster.
    NodeName: "node name", "letters, digits, `-` and `.`",
        |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    /// The name of a storage.
    StorageName: "storage name", "letters, digits, `-`, `_` and `.`",
        |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    /// The name of a pool; nested pools are written `outer/inner`.
    PoolName: "pool name", "letters, digits, `-`, `_`, `.` and `/`",
        |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_ids_outside_the_range_of_proxmox_are_refused() {
        for text in ["99", "1000000000", "-1", "", "1e3", "104x"] {
            assert!(text.parse::<Vmid>().is_err(), "{text}");
        }
        assert_eq!("104".parse::<Vmid>().unwrap().get(), 104);
    }

    #[test]
    fn names_with_slashes_or_control_characters_cannot_become_part_of_a_path() {
        assert!("pve1/../x".parse::<NodeName>().is_err());
        assert!("pve\n1".parse::<NodeName>().is_err());
        assert!("".parse::<StorageName>().is_err());
        assert_eq!(
            "lab/nested".parse::<PoolName>().unwrap().as_str(),
            "lab/nested"
        );
    }
}
