//! `proxdeck simulate`: a small Proxmox VE for as long as it is wanted.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Exit;
use super::complaint::Refusal;
use super::output::Output;
use crate::domain::text::clean;
use crate::runtime::Ending;
use crate::simulator::{FaultRule, NameServer, Options, Scenario, Simulator};

/// More guests than any cluster has would only fill the memory.
const MAX_GUESTS: usize = 50_000;

/// Serve a small simulated Proxmox VE until Ctrl-C
///
/// It prints where it is and how to sign in, as a piece of config to copy. Its world is lost when
/// it ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck simulate                            the world of --demo, for several commands\n  \
    proxdeck simulate --nodes 8 --guests 1000    a large one\n  \
    proxdeck simulate --fault 500=0.2 --fault latency=300\n\n\
    Faults, each with a rate from 0 to 1: stall, refused, reset-before, reset-after, 401, 403, 500, \
    595, 596, truncated, malformed, hostile, task-fails, task-vanishes, certificate-swapped. Others: \
    latency=MILLISECONDS, clock-skew=SECONDS, node-offline=NODE, node-hanging=NODE")]
pub(super) struct Simulate {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8006")]
    listen: SocketAddr,

    /// The world as a scenario file, instead of the demo's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nodes", "guests", "seed"])]
    scenario: Option<PathBuf>,

    /// Invent a world of so many nodes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    nodes: Option<u16>,

    /// Invent a world of so many guests
    #[arg(long, value_name = "N")]
    guests: Option<usize>,

    /// The number from which an invented world comes
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// How many times faster than a real cluster work runs
    #[arg(long, value_name = "X")]
    speed: Option<f64>,

    /// Something that goes wrong; may be given several times
    #[arg(long = "fault", value_name = "KIND=RATE")]
    faults: Vec<FaultRule>,
}

impl Simulate {
    pub(super) async fn run(&self, output: &Output) -> anyhow::Result<Exit> {
        let scenario = self.world()?;
        let mut ending = Ending::listen()?;
        let speed = self.speed.unwrap_or(scenario.speed);
        if !(speed.is_finite() && speed > 0.0) {
            return Err(usage("--speed is a number above 0").into());
        }
        let simulator = Simulator::start(Options {
            listen: self.listen,
            scenario,
            speed,
            faults: self.faults.clone(),
        })
        .await?;
        // Names that only the scenario knows can be asked for by another process, too.
        let names = NameServer::start(simulator.hosts())
            .await
            .context("the name server did not start")?;
        output.text(introduction(&simulator, &names));
        // Whoever waits for the address behind a pipe must not wait for a full buffer.
        output.finish()?;
        ending.wait().await;
        simulator.shutdown().await;
        Ok(Exit::Done)
    }

    fn world(&self) -> anyhow::Result<Scenario> {
        if let Some(file) = &self.scenario {
            let shown = clean(&file.display().to_string());
            let text = std::fs::read_to_string(file)
                .map_err(|error| usage(format!("{shown} cannot be read: {error}")))?;
            let scenario = Scenario::from_toml(&text)
                .map_err(|error| usage(format!("{shown} is no scenario: {error}")))?;
            return Ok(scenario);
        }
        if self.nodes.is_none() && self.guests.is_none() && self.seed.is_none() {
            return Ok(Scenario::demo());
        }
        let guests = self.guests.unwrap_or(40);
        if guests > MAX_GUESTS {
            return Err(usage(format!("--guests is at most {MAX_GUESTS}")).into());
        }
        let nodes = usize::from(self.nodes.unwrap_or(4));
        Ok(Scenario::generated(nodes, guests, self.seed.unwrap_or(1)))
    }
}

fn usage(message: impl Into<String>) -> Refusal {
    Refusal::new("Usage", message, "proxdeck simulate --help has examples")
}

/// Says where the simulator is, who may sign in, and how to use it.
fn introduction(simulator: &Simulator, names: &NameServer) -> String {
    let accounts = simulator.accounts();
    let (url, fingerprint) = (simulator.url(), simulator.fingerprint());
    let keys = match accounts.recovery_keys.as_slice() {
        [] => String::new(),
        keys => format!("recovery keys  {}\n", keys.join(" ")),
    };
    let resolver = names.address();
    format!(
        "address        {url}\n\
         fingerprint    {fingerprint}\n\
         user           {} {}\n\
         token          {} {}\n\
         limited token  {} {}\n\
         second factor  {} {} {}\n\
         {keys}name server    {resolver}\n\
         \n\
         # To use it, put this into a file that only you may read (chmod 600), and name it with --config:\n\
         resolver = \"{resolver}\"\n\
         [clusters.simulated]\n\
         endpoints = [\"{url}\"]\n\
         token_id = \"{}\"\n\
         token_secret = \"{}\"\n\
         fingerprints = [\"{fingerprint}\"]\n",
        accounts.user,
        accounts.password,
        accounts.token_id,
        accounts.token_secret,
        accounts.limited_token_id,
        accounts.limited_token_secret,
        accounts.second_factor_user,
        accounts.second_factor_password,
        accounts.second_factor_secret(),
        accounts.token_id,
        accounts.token_secret,
    )
}
