//! From a checked config to a client that is ready to ask.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::error::Elapsed;

use super::setup::Setup;
use super::{demo, password};
use crate::config::connection as configured;
use crate::config::error::{ConfigError, Problem, Source};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::network::NetworkProfile;
use crate::domain::sign_in::{Given, Wanted};
use crate::operations::Resolver;
use crate::proxmox::{Client, Connection, Credentials, Error, Trust};
use crate::simulator::Simulator;

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
    /// Who knows the addresses of the names in network profiles.
    pub(super) resolver: Resolver,
    /// The network profiles of the config.
    pub(super) profiles: Arc<[NetworkProfile]>,
    /// Whether there are several servers to ask.
    has_several: bool,
    /// The demo's server; it ends with the session.
    _simulator: Option<Simulator>,
}

impl Session {
    /// Prepares the client and signs in; a person is asked for what is not configured.
    pub(super) async fn open(setup: &Setup) -> anyhow::Result<Self> {
        let session = Self::prepare(setup, None).await?;
        if session.client.signs_in() {
            sign_in(&session.client).await?;
        }
        if session.has_several {
            tell_strangers(&session).await;
        }
        Ok(session)
    }

    /// Fetches the secret and prepares the client, without asking the server or a person.
    ///
    /// Without a name it is the cluster that is shown first.
    pub(super) async fn prepare(setup: &Setup, name: Option<&str>) -> anyhow::Result<Self> {
        if setup.demo {
            let (simulator, connection) = demo::start().await?;
            return Ok(Self {
                cluster: demo::CLUSTER.to_owned(),
                client: Client::new(connection)?,
                refresh: DEMO_REFRESH,
                resolver: Resolver::table(simulator.hosts()),
                profiles: setup.loaded.settings.network_profiles.clone().into(),
                has_several: false,
                _simulator: Some(simulator),
            });
        }
        let cluster = match name {
            Some(name) => setup.loaded.cluster_named(name)?,
            None => setup.loaded.cluster()?,
        };
        let connection = cluster.connection().await?;
        let endpoints = connection.endpoints.iter();
        let client = client_at(&connection, endpoints.map(ToString::to_string).collect())?;
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
            resolver: match setup.loaded.settings.resolver {
                Some(address) => Resolver::server(address),
                None => Resolver::system(),
            },
            profiles: setup.loaded.settings.network_profiles.clone().into(),
            has_several: connection.endpoints.len() > 1,
            _simulator: None,
        })
    }
}

/// Makes a client of some of a cluster's servers, without asking any.
pub(super) fn client_at(
    connection: &configured::Connection,
    endpoints: Vec<String>,
) -> anyhow::Result<Client> {
    Ok(Client::new(Connection {
        endpoints,
        trust: trust(&connection.trust)?,
        credentials: credentials(&connection.credentials),
    })?)
}

/// Says whose certificate a server presents that was passed over, and what would pin it.
///
/// Nothing is pinned by itself: a person compares, and writes the config.
async fn tell_strangers(session: &Session) {
    let client = &session.client;
    // The cheapest question finds out which of the servers answers; what fails is told later.
    let answer = tokio::time::timeout(SIGN_IN, client.access().version()).await;
    if !matches!(answer, Ok(Ok(_))) || client.strangers().is_empty() {
        return;
    }
    let Ok(report) = client.nodes().pins().await else {
        return;
    };
    let mut told = std::io::stderr();
    for stranger in &report.strangers {
        let _ = writeln!(told, "proxdeck: note: {}", report.judge(stranger));
    }
    if let Some(lines) = report.snippet(&session.cluster) {
        let _ = writeln!(
            told,
            "  compare with `pvenode cert info` on each node, then this may be pasted:\n{lines}"
        );
    }
}

/// Makes sure that somebody is signed in; whoever mistypes is asked again.
///
/// A password that is wrong would be wrong each time it is tried, and may lock the account.
pub(super) async fn sign_in(client: &Client) -> anyhow::Result<()> {
    let mut refused = 0;
    loop {
        let account = client.account().to_owned();
        let mut asked = "user and password";
        let answer = match client.wanted() {
            Some(Wanted::Password) => {
                let password = password::ask(&account).await?;
                give(client, Given::Password(password)).await
            }
            Some(Wanted::SecondFactor(challenge)) if password::somebody_is_there() => {
                let (method, code) = password::ask_second_factor(&account, &challenge).await?;
                asked = method.as_str();
                give(client, Given::Code(method, code)).await
            }
            Some(Wanted::SecondFactor(_)) => {
                let text = format!(
                    "{account} signs in with a second factor, and nobody can be asked for it"
                );
                let advice =
                    "use an API token, which needs no second factor, or sign in at a terminal";
                let kind = FailureKind::SecondFactorRequired;
                return Err(Failure::new(kind, text).with_advice(advice).into());
            }
            // What is configured may be enough; the question is the cheapest.
            None => tokio::time::timeout(SIGN_IN, client.access().version())
                .await
                .map(|answer| answer.map(|_| ())),
        };
        match answer {
            Ok(Err(error)) if error.kind() == FailureKind::SecondFactorRequired => {
                if client.wanted().is_none() {
                    return Err(error.into());
                }
            }
            Ok(Err(error)) if error.kind() == FailureKind::AuthenticationFailed => {
                refused += 1;
                // A configured password is no slip of somebody who sits here.
                if refused == TRIES || client.pause() > Duration::ZERO {
                    return Err(error.into());
                }
                let said = error.text();
                let _ = writeln!(
                    std::io::stderr(),
                    "proxdeck: the server refused {asked}: {said}"
                );
            }
            // Whatever else goes wrong is told where the answers are wanted.
            _ => return Ok(()),
        }
    }
}

/// Gives the server what a person typed, and does not wait for ever.
async fn give(client: &Client, given: Given) -> Result<Result<(), Error>, Elapsed> {
    tokio::time::timeout(SIGN_IN, client.sign_in(&given)).await
}

fn trust(configured: &configured::Trust) -> Result<Trust, ConfigError> {
    match configured {
        configured::Trust::System => Ok(Trust::System),
        configured::Trust::Pins(pins) => Ok(Trust::Pins(pins.clone())),
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

/// Returns what the account is proven by; a password that is not configured is asked for later.
fn credentials(configured: &configured::Credentials) -> Credentials {
    match configured {
        configured::Credentials::Token { id, secret } => Credentials::Token {
            id: id.to_string(),
            secret: secret.clone(),
        },
        configured::Credentials::Password { user, password } => {
            let user = user.to_string();
            match password.clone() {
                Some(password) => Credentials::Password { user, password },
                None => Credentials::Asked { user },
            }
        }
    }
}
