//! `[clusters.NAME]`: the addresses and accounts of each cluster.
//!
//! Which credentials a connection finally uses is decided where file, environment and flags come
//! together; here only contradictions within one section are refused.

use std::time::Duration;

use secrecy::SecretString;

use crate::config::account::{TokenId, UserId};
use crate::config::address::Endpoint;
use crate::config::connection::{Connection, Credentials, Trust};
use crate::config::document::{Findings, Section};
use crate::config::error::{ConfigError, Problem, Source};
use crate::config::secrets::{self, SecretSource};
use crate::domain::fingerprint::Fingerprint;

/// The pause between two refreshes where none is written.
pub const DEFAULT_REFRESH: Duration = Duration::from_secs(5);

/// The keys that say how a cluster is reached; each layer of settings fills in what it knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConnectionKeys {
    /// The servers.
    pub endpoints: Option<Vec<Endpoint>>,
    /// The API token.
    pub token_id: Option<TokenId>,
    /// Where the token's secret comes from.
    pub token_secret: Option<SecretSource>,
    /// The account, where no token is used.
    pub user: Option<UserId>,
    /// Where the account's password comes from.
    pub password: Option<SecretSource>,
    /// Whom to trust.
    pub trust: Option<Trust>,
}

impl ConnectionKeys {
    /// Lays these keys over others: what is said here wins, key by key.
    ///
    /// A token said here silences an account said there and the other way round, since a connection
    /// has one of them.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        let (token_below, user_below) = match (&self.token_id, &self.user) {
            (Some(_), None) => (None, None),
            (None, Some(_)) => (None, below.user),
            _ => (below.token_id, below.user),
        };
        Self {
            endpoints: self.endpoints.or(below.endpoints),
            token_id: self.token_id.or(token_below),
            token_secret: self.token_secret.or(below.token_secret),
            user: self.user.or(user_below),
            password: self.password.or(below.password),
            trust: self.trust.or(below.trust),
        }
    }
}

/// One cluster as the settings describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Its name in the config.
    pub name: String,
    /// How it is reached.
    pub keys: ConnectionKeys,
    /// The pause between two refreshes.
    pub refresh: Duration,
    /// The line of the file; `None` when it comes from the environment.
    pub line: Option<usize>,
}

impl Cluster {
    /// Fetches the secret and returns all that a client needs.
    ///
    /// An account without a password is no mistake: a person is asked for it.
    pub async fn connection(&self) -> Result<Connection, ConfigError> {
        self.check_account()?;
        let fetch =
            async |source: &Option<SecretSource>| -> Result<Option<SecretString>, ConfigError> {
                match source {
                    Some(source) => source.fetch(secrets::COMMAND_TIMEOUT).await.map(Some),
                    None => Ok(None),
                }
            };
        let credentials = match (&self.keys.token_id, &self.keys.user) {
            (Some(id), _) => Credentials::Token {
                id: id.clone(),
                secret: fetch(&self.keys.token_secret)
                    .await?
                    .ok_or_else(|| self.missing_token_secret(id))?,
            },
            (None, Some(user)) => Credentials::Password {
                user: user.clone(),
                password: fetch(&self.keys.password).await?,
            },
            (None, None) => return Err(self.missing_account().into()),
        };
        Ok(Connection {
            name: self.name.clone(),
            endpoints: self.keys.endpoints.clone().unwrap_or_default(),
            credentials,
            trust: self.keys.trust.clone().unwrap_or(Trust::System),
            refresh: self.refresh,
        })
    }

    /// Finds what is missing for signing in, without fetching any secret.
    pub fn check_account(&self) -> Result<(), Problem> {
        match (&self.keys.token_id, &self.keys.user) {
            (Some(id), _) if self.keys.token_secret.is_none() => Err(self.missing_token_secret(id)),
            (Some(_), _) | (None, Some(_)) => Ok(()),
            (None, None) => Err(self.missing_account()),
        }
    }

    /// Finds what is missing for reaching the cluster at all.
    pub fn check_endpoints(&self) -> Result<(), Problem> {
        if self
            .keys
            .endpoints
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            return Ok(());
        }
        Err(Problem::new(
            Source::Nowhere,
            format!("cluster `{}` has no address", self.name),
            format!(
                "write endpoints = [\"https://HOST:8006\"] in [clusters.{}], or set PROXDECK_ENDPOINT",
                self.name
            ),
        ))
    }

    fn missing_account(&self) -> Problem {
        Problem::new(
            Source::Nowhere,
            format!("cluster `{}` has no account to sign in with", self.name),
            format!(
                "write token_id = \"user@realm!name\" and token_secret_file = \"FILE\" (or user = \"user@realm\") \
                 in [clusters.{}], or set PROXDECK_TOKEN_ID and PROXDECK_TOKEN_SECRET",
                self.name
            ),
        )
    }

    fn missing_token_secret(&self, id: &TokenId) -> Problem {
        Problem::new(
            Source::Nowhere,
            format!("cluster `{}` has no secret for the token {id}", self.name),
            format!(
                "write token_secret_file = \"FILE\" or token_secret_command = [\"PROGRAM\", …] \
                 in [clusters.{}], or set PROXDECK_TOKEN_SECRET",
                self.name
            ),
        )
    }
}

pub(super) fn read(name: String, mut section: Section<'_>, findings: &mut Findings<'_>) -> Cluster {
    let endpoints = section.take("endpoints").map(|entry| {
        let endpoints: Vec<Endpoint> =
            entry.list(findings, "an address, as \"https://pve1.lab:8006\"");
        if entry.is_list() && entry.items(findings, "").is_empty() {
            entry.reject(findings, "is empty", "write at least one address");
        }
        endpoints
    });
    let token = section.take("token_id");
    let user = section.take("user");
    if let (Some(_), Some(user)) = (&token, &user) {
        findings.report(
            user.offset(),
            format!("[{}] has both token_id and user", section.name()),
            "leave one of them out: a connection has one account",
        );
    }
    let keys = ConnectionKeys {
        endpoints,
        token_id: token.and_then(|entry| entry.parsed(findings, "a token, as \"hub@pve!deck\"")),
        token_secret: read_secret(
            &mut section,
            ["token_secret", "token_secret_file", "token_secret_command"],
            findings,
        ),
        user: user.and_then(|entry| entry.parsed(findings, "an account, as \"hub@pve\"")),
        password: read_secret(
            &mut section,
            ["password", "password_file", "password_command"],
            findings,
        ),
        trust: read_trust(&mut section, findings),
    };
    // Faster makes no figure newer, since the server itself collects every 10 s, and breaks the
    // promise of 40 requests a minute.
    let refresh = section
        .take("refresh_seconds")
        .and_then(|entry| entry.whole(findings, 3..=3600))
        .map_or(DEFAULT_REFRESH, |seconds| {
            Duration::from_secs(seconds.into())
        });
    let line = Some(findings.line(section.offset()));
    section.finish(findings);
    Cluster {
        name,
        keys,
        refresh,
        line,
    }
}

fn read_secret(
    section: &mut Section<'_>,
    [inline, file, command]: [&'static str; 3],
    findings: &mut Findings<'_>,
) -> Option<SecretSource> {
    let entries = [
        section.take(inline),
        section.take(file),
        section.take(command),
    ];
    if let [_, surplus, ..] = entries.iter().flatten().collect::<Vec<_>>().as_slice() {
        findings.report(
            surplus.offset(),
            format!("{surplus} is a second place for one secret"),
            format!("keep one of `{inline}`, `{file}` and `{command}`"),
        );
    }
    let [inline, file, command] = entries;
    let inline = inline
        .and_then(|entry| entry.text(findings, "a text in quotes"))
        .map(|text| SecretSource::Inline(SecretString::from(text)));
    let file = file
        .and_then(|entry| entry.text(findings, "the path of a file"))
        .map(|path| SecretSource::File(findings.resolve(path)));
    let command = command
        .and_then(|entry| super::notify::read_command(&entry, findings))
        .map(SecretSource::Command);
    inline.or(file).or(command)
}

fn read_trust(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Option<Trust> {
    let fingerprints = section.take("fingerprints");
    let ca_file = section.take("ca_file");
    if let (Some(_), Some(ca_file)) = (&fingerprints, &ca_file) {
        findings.report(
            ca_file.offset(),
            format!("[{}] has both fingerprints and ca_file", section.name()),
            "leave one of them out: pinned certificates need no CA",
        );
    }
    let pins = fingerprints.map(|entry| {
        let pins: Vec<Fingerprint> = entry.list(findings, "a SHA-256 fingerprint");
        if entry.is_list() && entry.items(findings, "").is_empty() {
            entry.reject(
                findings,
                "is empty",
                "leave the key out to trust the system's roots",
            );
        }
        Trust::Pins(pins)
    });
    let ca_file = ca_file
        .and_then(|entry| entry.text(findings, "the path of a file"))
        .map(|path| Trust::CaFile(findings.resolve(path)));
    pins.or(ca_file)
}
