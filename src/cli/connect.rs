//! From a checked config to a client that is ready to ask.

use std::io::Write as _;
use std::time::Duration;

use secrecy::SecretString;

use super::setup::Setup;
use super::{demo, password};
use crate::config::connection as configured;
use crate::config::error::{ConfigError, Problem, Source};
use crate::domain::failure::FailureKind;
use crate::proxmox::{Client, Connection, Credentials, Fingerprint, Trust};
use crate::simulator::Simulator;

/// So long one of several servers may take before the next is tried.
const PATIENCE: Duration = Duration::from_secs(4);
/// So long a server may take to say whether a typed password is right; a refusal takes it 3 s.
const SIGN_IN: Duration = Duration::from_secs(15);
/// How often a person is asked for a password.
const TRIES: u32 = 3;
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
        let client = sign_in(&connection, &trust).await?;
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

/// Makes the client; a person whose password is refused is asked again.
///
/// A password that is wrong would be wrong each time it is tried, and may lock the account.
async fn sign_in(connection: &configured::Connection, trust: &Trust) -> anyhow::Result<Client> {
    for turn in 1.. {
        let (credentials, was_asked) = credentials(&connection.credentials).await?;
        let client = client(&connection.endpoints, trust, &credentials).await?;
        if !was_asked {
            return Ok(client);
        }
        let answer = tokio::time::timeout(SIGN_IN, client.access().version()).await;
        // Whatever else goes wrong is told where the answers are wanted.
        let refused = match answer {
            Ok(Err(error)) if error.kind() == FailureKind::AuthenticationFailed => error,
            _ => return Ok(client),
        };
        if turn == TRIES {
            return Err(refused.into());
        }
        let _ = writeln!(
            std::io::stderr(),
            "proxdeck: the server refused user and password"
        );
    }
    unreachable!("the last turn returns")
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

pub(super) fn trust(configured: &configured::Trust) -> Result<Trust, ConfigError> {
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

/// Returns what the account is proven by, and whether a person was asked for it.
pub(super) async fn credentials(
    configured: &configured::Credentials,
) -> anyhow::Result<(Credentials, bool)> {
    Ok(match configured {
        configured::Credentials::Token { id, secret } => {
            let (id, secret) = (id.to_string(), secret.clone());
            (Credentials::Token { id, secret }, false)
        }
        configured::Credentials::Password { user, password } => {
            let user = user.to_string();
            let asked = password.is_none();
            let password: SecretString = match password {
                Some(password) => password.clone(),
                None => password::ask(user.clone()).await?,
            };
            (Credentials::Password { user, password }, asked)
        }
    })
}
