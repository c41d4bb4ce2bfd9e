//! Which of the configured servers answer, whether they are trusted, and whether they let us in.

use std::time::Duration;

use crate::cli::connect::{self, Session};
use crate::cli::setup::Setup;
use crate::config::connection as configured;
use crate::domain::doctor::{Finding, Health, login, version};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::text::clean;
use crate::proxmox::{Client, Error};

/// So long a server may take before it counts as silent; a refused login takes it 3 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// The servers as they were found.
#[derive(Debug)]
pub(super) struct Server {
    /// The cluster's name in the config.
    pub(super) cluster: String,
    /// The account, as `hub@pve!deck`.
    pub(super) account: String,
    /// A client that was let in; none where no server did.
    pub(super) client: Option<Client>,
    /// The server's version, where it said so.
    pub(super) version: Option<String>,
    pub(super) findings: Vec<Finding>,
    /// The demo's server lives as long as somebody asks it.
    session: Option<Session>,
}

impl Server {
    /// Asks every configured server in turn; the first that lets us in is used for the rest.
    pub(super) async fn reach(setup: &Setup) -> anyhow::Result<Self> {
        if setup.demo {
            let session = Session::open(setup).await?;
            let mut server = Self::new(&session.cluster, session.client.account());
            let client = session.client.clone();
            let answer = ask(&client).await;
            server.note(
                client,
                answer,
                "a pinned fingerprint, of the demo's own server",
            );
            server.close();
            server.session = Some(session);
            return Ok(server);
        }
        let connection = setup.loaded.cluster()?.connection().await?;
        let trusted = trusted_by(&connection.trust);
        let endpoints: Vec<String> = connection
            .endpoints
            .iter()
            .map(ToString::to_string)
            .collect();
        if let configured::Credentials::Password { user, .. } = &connection.credentials {
            // A password is proven once: asked of every server, a wrong one would lock the account.
            let client = connect::client_at(&connection, endpoints.clone())?;
            let mut server = Self::new(&connection.name, &user.to_string());
            let answer = match connect::sign_in(&client).await {
                Ok(()) => ask(&client).await,
                Err(error) => Err(failure_of(error)?),
            };
            let used = client.endpoint().to_owned();
            server.note(client, answer, &trusted);
            let others = endpoints.iter().filter(|endpoint| **endpoint != used);
            server.findings.extend(others.map(|endpoint| {
                let why = "not asked: a password is given to one server only";
                Finding::unknown("endpoint", endpoint, why, "")
            }));
            server.close();
            return Ok(server);
        }
        let mut server: Option<Self> = None;
        for endpoint in endpoints {
            let client = connect::client_at(&connection, vec![endpoint])?;
            let answer = ask(&client).await;
            let server =
                server.get_or_insert_with(|| Self::new(&connection.name, client.account()));
            server.note(client, answer, &trusted);
        }
        let mut server = server.unwrap_or_else(|| Self::new(&connection.name, ""));
        server.close();
        Ok(server)
    }

    fn new(cluster: &str, account: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            account: account.to_owned(),
            client: None,
            version: None,
            findings: Vec::new(),
            session: None,
        }
    }

    /// Tells of one server what its answer shows.
    fn note(&mut self, client: Client, answer: Result<String, Failure>, trusted: &str) {
        let endpoint = client.endpoint().to_owned();
        match &answer {
            Ok(_) => {
                let detail = match client.cost().latency_p95 {
                    Some(latency) => format!("answers within {} ms", latency.as_millis()),
                    None => "answers".to_owned(),
                };
                self.findings
                    .push(Finding::ok("endpoint", &endpoint, detail));
                let detail = format!("trusted by {trusted}");
                self.findings.push(Finding::ok("tls", &endpoint, detail));
            }
            Err(failure) => self.note_failure(&endpoint, failure, trusted),
        }
        // An untrusted or silent server says nothing about the account; one that lets it in says all.
        let speaks = answer
            .as_ref()
            .err()
            .is_none_or(|failure| !is_silent(failure));
        if speaks && self.client.is_none() {
            self.findings.retain(|it| it.check != "login");
            let verdict = login(&self.account, answer.as_ref().map(|_| ()));
            self.findings.push(verdict);
        }
        if let Ok(text) = answer
            && self.client.is_none()
        {
            self.findings.push(version(&text));
            self.version = Some(text);
            self.client = Some(client);
        }
    }

    fn note_failure(&mut self, endpoint: &str, failure: &Failure, trusted: &str) {
        let bad = |check, health| {
            Finding::bad(
                health,
                check,
                endpoint,
                failure.to_string(),
                failure.advised(),
            )
        };
        if failure.kind == FailureKind::UntrustedCertificate {
            let findings = [
                Finding::ok("endpoint", endpoint, "answers"),
                bad("tls", Health::Fail),
            ];
            self.findings.extend(findings);
        } else if is_silent(failure) {
            let tls = Finding::unknown("tls", endpoint, "nobody answers", "");
            self.findings.extend([bad("endpoint", Health::Fail), tls]);
        } else {
            let tls = format!("trusted by {trusted}");
            let tls = Finding::ok("tls", endpoint, tls);
            self.findings
                .extend([Finding::ok("endpoint", endpoint, "answers"), tls]);
        }
    }

    /// Says what is not known of an account that no server was asked about.
    fn close(&mut self) {
        if !self.findings.iter().any(|it| it.check == "login") {
            let why = "no server could be asked";
            let finding = Finding::unknown("login", &self.account, why, "");
            self.findings.push(finding);
        }
    }
}

/// Asks for the version, which any account may know.
async fn ask(client: &Client) -> Result<String, Failure> {
    match tokio::time::timeout(PATIENCE, client.access().version()).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::new(
            FailureKind::Unreachable,
            format!("no answer within {} s", PATIENCE.as_secs()),
        )),
    }
}

/// Tells whether a failure leaves open who is there.
fn is_silent(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Unreachable | FailureKind::UntrustedCertificate | FailureKind::Interrupted
    )
}

/// Returns why a sign-in failed, if the server or the account is the reason.
fn failure_of(error: anyhow::Error) -> anyhow::Result<Failure> {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return Ok(failure),
        Err(error) => error,
    };
    error.downcast::<Error>().map(Failure::from)
}

fn trusted_by(trust: &configured::Trust) -> String {
    match trust {
        configured::Trust::CaFile(path) => {
            format!("the authority in {}", clean(&path.display().to_string()))
        }
        configured::Trust::Pins(pins) => match pins.as_slice() {
            [_] => "its pinned fingerprint".to_owned(),
            pins => format!("one of {} pinned fingerprints", pins.len()),
        },
        configured::Trust::System => "the system's roots".to_owned(),
    }
}
