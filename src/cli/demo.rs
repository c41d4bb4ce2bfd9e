//! The embedded simulator as a cluster.

use anyhow::Context;
use secrecy::SecretString;

use crate::proxmox::{Connection, Credentials, Trust};
use crate::simulator::{Options, Simulator};

/// Starts the demo's world and says how to reach it.
pub(super) async fn start() -> anyhow::Result<(Simulator, Connection)> {
    let simulator = Simulator::start(Options::demo())
        .await
        .context("the demo's simulator did not start")?;
    let accounts = simulator.accounts();
    let connection = Connection {
        endpoint: simulator.url(),
        trust: Trust::Pins(vec![simulator.fingerprint().parse()?]),
        credentials: Credentials::Token {
            id: accounts.token_id.clone(),
            secret: SecretString::from(accounts.token_secret.clone()),
        },
    };
    Ok((simulator, connection))
}
