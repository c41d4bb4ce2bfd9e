//! From a checked config to a client that is ready to ask.

use std::time::Duration;

use secrecy::SecretString;

use super::setup::Setup;
use super::{demo, password};
use crate::config::connection as configured;
use crate::config::error::{ConfigError, Problem, Source};
use crate::proxmox::{Client, Connection, Credentials, Fingerprint, Trust};
use crate::simulator::Simulator;

/// So long one of several servers may take before the next is tried.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often the demo is read: as often as a cluster by default.
const DEMO_REFRESH: Duration = Duration::from_secs(5);

/// A cluster that can be asked.
#[derive(Debug)]
pub(super) struct Session {
    /// The cluster's name in the config.
    pub(super) cluster: String,
    /// The client.
    pub(super) client: Client,
    /// How often a dashboard reads the inventory.
    pub(super) refresh: Duration,
    /// The demo's server; it ends with the session.
    _simulator: Option<Simulator>,
}

impl Session {
    /// Fetches the secret and prepares the client; of several servers the first that answers is used.
    pub(super) async fn open(setup: &Setup) -> anyhow::Result<Self> {
        if setup.demo {
            let (simulator, connection) = demo::start().await?;
            return Ok(Self {
                cluster: demo::CLUSTER.to_owned(),
                client: Client::new(connection)?,
                refresh: DEMO_REFRESH,
                _simulator: Some(simulator),
            });
        }
        let connection = setup.loaded.cluster()?.connection().await?;
        let trust = trust(&connection.trust)?;
        let credentials = credentials(connection.credentials).await?;
        let client = client(&connection.endpoints, &trust, &credentials).await?;
        tracing::info!(
            "cluster {}: {} as {}",
            connection.name,
            client.endpoint(),
            client.account()
        );
        Ok(Self {
            cluster: connection.name,
            client,
            refresh: connection.refresh,
            _simulator: None,
        })
    }
}

/// Makes the client of the first server that answers at all; when none does, of the first.
///
/// An answer that is a refusal is one too: another server of the cluster would refuse alike.
async fn client(
    endpoints: &[configured::Endpoint],
    trust: &Trust,
    credentials: &Credentials,
) -> anyhow::Result<Client> {
    let mut clients = Vec::new();
    for endpoint in endpoints {
        let client = Client::new(Connection {
            endpoint: endpoint.to_string(),
            trust: trust.clone(),
            credentials: credentials.clone(),
        })?;
        if endpoints.len() == 1 {
            return Ok(client);
        }
        let answer = tokio::time::timeout(PATIENCE, client.access().version()).await;
        let is_there =
            answer.is_ok_and(|answer| !answer.is_err_and(|error| error.is_unreachable()));
        if is_there {
            return Ok(client);
        }
        tracing::warn!("{endpoint} does not answer");
        clients.push(client);
    }
    clients.into_iter().next().ok_or_else(|| {
        ConfigError::from(Problem::new(
            Source::Nowhere,
            "the cluster has no address",
            "write endpoints = [\"https://HOST:8006\"]",
        ))
        .into()
    })
}

fn trust(configured: &configured::Trust) -> Result<Trust, ConfigError> {
    match configured {
        configured::Trust::System => Ok(Trust::System),
        configured::Trust::Pins(pins) => Ok(Trust::Pins(
            pins.iter()
                .map(|pin| Fingerprint::new(*pin.digest()))
                .collect(),
        )),
        configured::Trust::CaFile(path) => {
            std::fs::read(path).map(Trust::Authority).map_err(|error| {
                Problem::new(
                    Source::File(path.clone()),
                    format!("cannot be read: {error}"),
                    "the config names it as ca_file",
                )
                .into()
            })
        }
    }
}

async fn credentials(configured: configured::Credentials) -> anyhow::Result<Credentials> {
    Ok(match configured {
        configured::Credentials::Token { id, secret } => Credentials::Token {
            id: id.to_string(),
            secret,
        },
        configured::Credentials::Password { user, password } => {
            let password: SecretString = match password {
                Some(password) => password,
                None => password::ask(user.to_string()).await?,
            };
            Credentials::Password {
                user: user.to_string(),
                password,
            }
        }
    })
}
