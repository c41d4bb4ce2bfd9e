//! The embedded simulator as a cluster, with a config of its own.

use anyhow::Context as _;
use secrecy::SecretString;

use crate::proxmox::{Connection, Credentials, Trust};
use crate::simulator::{Options, Simulator};

/// The name of the demo's cluster, which its server calls itself, too.
pub(super) const CLUSTER: &str = "lab";

/// The demo's config.
pub(super) const CONFIG: &str = include_str!("../../assets/demo.toml");

/// Starts the demo's world and says how to reach it.
pub(super) async fn start() -> anyhow::Result<(Simulator, Connection)> {
    let simulator = Simulator::start(Options::demo())
        .await
        .context("the demo's simulator did not start")?;
    let accounts = simulator.accounts();
    let connection = Connection {
        endpoints: vec![simulator.url()],
        trust: Trust::Pins(vec![simulator.fingerprint().parse()?]),
        credentials: Credentials::Token {
            id: accounts.token_id.clone(),
            secret: SecretString::from(accounts.token_secret.clone()),
        },
    };
    Ok((simulator, connection))
}
