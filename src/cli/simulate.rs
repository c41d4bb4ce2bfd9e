//! `proxdeck simulate`: a small Proxmox VE for as long as it is wanted.

use std::net::SocketAddr;

use super::Exit;
use crate::simulator::{Options, Simulator};

/// Serve a small simulated Proxmox VE until Ctrl-C
#[derive(Debug, clap::Args)]
pub(super) struct Simulate {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8006")]
    listen: SocketAddr,
}

impl Simulate {
    #[expect(clippy::print_stdout, reason = "what it prints is what was asked for")]
    pub(super) async fn run(&self) -> anyhow::Result<Exit> {
        let simulator = Simulator::start(Options {
            listen: self.listen,
            ..Options::demo()
        })
        .await?;
        let accounts = simulator.accounts();
        println!("address      {}", simulator.url());
        println!("fingerprint  {}", simulator.fingerprint());
        println!(
            "token        {} {}",
            accounts.token_id, accounts.token_secret
        );
        tokio::signal::ctrl_c().await?;
        simulator.shutdown().await;
        Ok(Exit::Done)
    }
}
