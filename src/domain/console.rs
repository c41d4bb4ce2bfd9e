//! How a guest's console is reached; nothing is opened or changed.

use super::guest::{Guest, Status};
use super::id::{GuestKind, NodeName};

/// The ways to a guest's console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    /// The address of the server's page for it.
    pub web: String,
    /// The command that goes to the guest's node and from there into the guest.
    pub ssh: String,
    /// The command on the node.
    pub terminal: String,
    /// The node.
    pub node: NodeName,
    /// What the command needs, or what it is.
    pub remark: &'static str,
    /// Whether there is no console now, because the guest does not run.
    pub is_off: bool,
}

impl Console {
    /// Finds the ways through the server at `endpoint`, of a cluster with so many nodes.
    pub fn of(guest: &Guest, endpoint: &str, nodes: usize) -> Self {
        let vmid = guest.vmid;
        let (console, terminal, remark) = match guest.kind {
            GuestKind::Qemu => (
                "kvm",
                format!("qm terminal {vmid}"),
                "needs a serial port in the guest",
            ),
            GuestKind::Lxc => ("lxc", format!("pct enter {vmid}"), "a shell inside"),
        };
        let host = match nodes {
            // A single server is reached under the address that we use ourselves.
            1 => host_of(endpoint),
            _ => guest.node.as_str(),
        };
        Self {
            web: format!(
                "{endpoint}/?console={console}&novnc=1&vmid={vmid}&node={}",
                guest.node
            ),
            ssh: format!("ssh -t root@{host} {terminal}"),
            terminal,
            node: guest.node.clone(),
            remark,
            is_off: guest.status == Status::Stopped,
        }
    }

    /// Returns what can be copied, with the name of each way.
    pub fn ways(&self) -> [(&'static str, &str); 3] {
        [
            ("web", &self.web),
            ("ssh", &self.ssh),
            ("terminal", &self.terminal),
        ]
    }
}

/// Takes host and port out of `https://host:8006`, and the port off.
fn host_of(endpoint: &str) -> &str {
    let authority = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest)
        .trim_end_matches('/');
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            host.trim_matches(['[', ']'])
        }
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_comes_without_port_and_brackets() {
        for (endpoint, host) in [
            ("https://pve1.lab:8006", "pve1.lab"),
            ("https://[2001:db8::1]:8006/", "2001:db8::1"),
            ("https://10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(host_of(endpoint), host);
        }
    }
}
