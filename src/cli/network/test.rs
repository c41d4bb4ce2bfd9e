//! `proxdeck network test`: would a connection of a guest pass its firewall, and what decides it.

use std::net::IpAddr;

use serde::Serialize;

use super::super::complaint::Refusal;
use super::super::document::Document;
use super::super::output::Output;
use super::super::setup::Setup;
use super::super::target::Target;
use super::super::{Exit, interruptible};
use super::look::Look;
use crate::domain::network::{
    Cidr, Destination, Hosts, Packet, Passage, Protocol, Verdict, Way, passage,
};
use crate::runtime::Ending;

#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// The guest, as 104 or 104=agent-build-4
    #[arg(value_name = "VMID")]
    target: Target,

    /// Where it would connect to by TCP, as api.github.com:443
    #[arg(value_name = "HOST:PORT")]
    destination: Destination,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// What came of one address and one card.
#[derive(Debug, Serialize)]
struct Row {
    vmid: u32,
    name: Option<String>,
    node: String,
    card: String,
    address: IpAddr,
    port: u16,
    verdict: &'static str,
    because: String,
    rule: Option<usize>,
    caveats: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    passes: usize,
    stopped: usize,
    unclear: usize,
}

impl Test {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let port = self.destination.port().ok_or_else(|| {
            let message = format!("{} names no port", self.destination);
            Refusal::new("Usage", message, "write HOST:PORT, as api.github.com:443")
        })?;
        let mut ending = Ending::listen()?;
        let targets = std::slice::from_ref(&self.target);
        let looking = Look::take(targets, setup, output);
        let look = interruptible(&mut ending, looking).await?;
        let asking = self.addresses(&look);
        let addresses = interruptible(&mut ending, asking).await?;
        let mut judged = Vec::new();
        for (guest, current) in look.guests() {
            for (card, _) in current.cards() {
                for address in &addresses {
                    let packet = Packet {
                        way: Way::Out,
                        peer: *address,
                        protocol: Protocol::Tcp,
                        port,
                    };
                    let found = passage(current, &card, &packet);
                    judged.push((guest, card.clone(), *address, found));
                }
            }
            if current.cards().is_empty() {
                let why = match &current.config {
                    Ok(_) => "it has no network card".to_owned(),
                    Err(why) => why.clone(),
                };
                let advice = "nothing was tried";
                return Err(Refusal::new("NoCard", format!("{guest}: {why}"), advice).into());
            }
        }
        if self.json {
            let rows: Vec<Row> = judged
                .into_iter()
                .map(|(guest, card, address, found)| Row {
                    vmid: guest.vmid.get(),
                    name: guest.name.as_ref().map(|name| name.raw().to_owned()),
                    node: guest.node.to_string(),
                    card,
                    address,
                    port,
                    verdict: word(found.verdict),
                    because: found.because,
                    rule: found.rule,
                    caveats: found.caveats,
                })
                .collect();
            let count = |verdict| {
                rows.iter()
                    .filter(|row| row.verdict == word(verdict))
                    .count()
            };
            let summary = Summary {
                passes: count(Verdict::Passes),
                stopped: count(Verdict::Stopped),
                unclear: count(Verdict::Unclear),
            };
            let (cluster, time) = (&look.session.cluster, look.reading.time);
            let schema = "proxdeck.network-test/1";
            output.document(&Document::new(schema, cluster, time, &rows, summary));
        } else {
            for (guest, card, address, found) in &judged {
                self.tell(&format!("{guest} {card}"), *address, found, output);
            }
        }
        Ok(Exit::Done)
    }

    fn tell(&self, who: &str, address: IpAddr, found: &Passage, output: &Output) {
        let destination = &self.destination;
        let is_named = matches!(destination.hosts(), Hosts::Name(_));
        let address = if is_named {
            format!(" ({address})")
        } else {
            String::new()
        };
        output.line(format_args!("{who} to {destination}{address} {found}"));
        for caveat in &found.caveats {
            output.line(format_args!("  not judged: {caveat}"));
        }
    }

    /// Returns the addresses that are meant, all those of a name.
    async fn addresses(&self, look: &Look) -> anyhow::Result<Vec<IpAddr>> {
        match self.destination.hosts() {
            Hosts::Name(name) => {
                let resolver = &look.session.resolver;
                let resolved = resolver.resolve([name.as_str()], look.now()).await;
                let addresses = resolved.addresses(name).map_err(|reason| {
                    let advice = "write an address, or name another resolver in the config";
                    Refusal::new("Unresolved", reason, advice)
                })?;
                Ok(addresses.to_vec())
            }
            Hosts::Network(cidr) if Cidr::host(cidr.address()) == *cidr => Ok(vec![cidr.address()]),
            Hosts::Network(cidr) => {
                let message = format!("{cidr} is many hosts, and one is asked for");
                Err(Refusal::new("Usage", message, "write the address of one host").into())
            }
        }
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passes => "passes",
        Verdict::Stopped => "stopped",
        Verdict::Unclear => "unclear",
    }
}
