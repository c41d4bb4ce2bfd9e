//! `proxdeck console`: how to reach a guest's console; nothing is opened or changed.

use super::Exit;
use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::target::Target;
use crate::domain::guest::{Guest, Status};
use crate::domain::id::GuestKind;

/// Say how to reach a guest's console: web address, ssh and terminal command
#[derive(Debug, clap::Args)]
pub(super) struct Console {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    target: Target,
}

impl Console {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let guest = self.target.find(&reading.guests)?;
        let endpoint = session.client.endpoint();
        let host = match reading.nodes.len() {
            // A single server is reached under the address that we use ourselves.
            1 => host_of(endpoint),
            _ => guest.node.as_str(),
        };
        for line in ways(guest, endpoint, host) {
            output.line(line);
        }
        if guest.status == Status::Stopped {
            output.note(format_args!(
                "guest {} is stopped; it has a console once it runs",
                guest.to_ref()
            ));
        }
        Ok(Exit::Done)
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

fn ways(guest: &Guest, endpoint: &str, host: &str) -> [String; 3] {
    let vmid = guest.vmid;
    let (console, command, remark) = match guest.kind {
        GuestKind::Qemu => (
            "kvm",
            format!("qm terminal {vmid}"),
            "needs a serial port in the guest",
        ),
        GuestKind::Lxc => ("lxc", format!("pct enter {vmid}"), "a shell inside"),
    };
    [
        format!(
            "web       {endpoint}/?console={console}&novnc=1&vmid={vmid}&node={}",
            guest.node
        ),
        format!("ssh       ssh -t root@{host} {command}"),
        format!("terminal  {command}   (on {}; {remark})", guest.node),
    ]
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
