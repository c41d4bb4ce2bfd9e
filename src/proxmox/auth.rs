//! Signing in: API tokens, and tickets that are renewed before they end.
//!
//! A ticket lives for two hours and can itself be used as the password of the next one, so the
//! password is sent once (API.md §2, PITFALLS 8). After a refusal no login is tried for a while,
//! longer each time: hammering locks accounts.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::client::Transport;
use super::error::Error;
use super::meter::monotonic;
use super::wire::Login;
use crate::domain::failure::FailureKind;

/// A ticket this old is usually renewed before its next use; it would live for two hours.
pub(crate) const RENEW_AFTER: Duration = Duration::from_secs(45 * 60);
/// The pauses after failed logins; the last one repeats.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
];

/// What an account signs in with.
#[derive(Clone)]
pub enum Credentials {
    /// An API token.
    Token {
        /// The full token id, as `hub@pve!deck`.
        id: String,
        /// The token's secret.
        secret: SecretString,
    },
    /// A user's password.
    Password {
        /// The user with its realm, as `hub@pve`.
        user: String,
        /// The password.
        password: SecretString,
    },
}

impl Credentials {
    /// Returns the account's name as the server writes it.
    pub fn account(&self) -> &str {
        match self {
            Self::Token { id, .. } => id,
            Self::Password { user, .. } => user,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Credentials({}, …)", self.account())
    }
}

/// Holds the session and lets one login at a time happen.
pub(crate) struct Authenticator {
    credentials: Credentials,
    session: Mutex<Session>,
    /// A ticket this old is renewed before its next use.
    renew_after: Duration,
}

#[derive(Default)]
struct Session {
    ticket: Option<Ticket>,
    /// Counts proofs, so that several requests refused with the same one count once: tickets that
    /// were given, and refusals of a token.
    generation: u64,
    /// Whether the server ever accepted a ticket: then its user and password were right.
    was_accepted: bool,
    failures: usize,
    /// What the last failed login came to; told again while no other is tried.
    refusal: Option<(FailureKind, String)>,
    pause_until: Option<Instant>,
}

struct Ticket {
    text: SecretString,
    csrf: SecretString,
    obtained: Instant,
}

/// The headers that prove who asks, and which ticket they came from.
pub(crate) struct Proof {
    pub(crate) headers: HeaderMap,
    pub(crate) generation: u64,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials, renew_after: Duration) -> Self {
        Self {
            credentials,
            session: Mutex::default(),
            renew_after,
        }
    }

    pub(crate) fn account(&self) -> &str {
        self.credentials.account()
    }

    /// Tells whether a refused request may succeed with a new ticket.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.credentials, Credentials::Password { .. })
    }

    /// Returns what to send with a request, signing in or renewing first where that is due.
    pub(crate) async fn proof(&self, transport: &Transport, writes: bool) -> Result<Proof, Error> {
        // Held during the login: whoever comes meanwhile waits for it and uses its ticket.
        let mut session = self.session.lock().await;
        session.respect_pause()?;
        let mut headers = HeaderMap::new();
        match &self.credentials {
            Credentials::Token { id, secret } => {
                let value = format!("PVEAPIToken={id}={}", secret.expose_secret());
                headers.insert(AUTHORIZATION, secret_header(&value)?);
            }
            Credentials::Password { user, password } => {
                let renew_after = self.renew_after;
                let ticket = session
                    .fresh_ticket(transport, user, password, renew_after)
                    .await?;
                let cookie = format!(
                    "PVEAuthCookie={}",
                    super::client::encode(ticket.text.expose_secret())
                );
                headers.insert(COOKIE, secret_header(&cookie)?);
                if writes {
                    let name = HeaderName::from_static("csrfpreventiontoken");
                    headers.insert(name, secret_header(ticket.csrf.expose_secret())?);
                }
            }
        }
        Ok(Proof {
            headers,
            generation: session.generation,
        })
    }

    /// Notes that the server refused a proof of this generation.
    ///
    /// An old ticket may have ended; one that was `renewed` for the same request counts as a
    /// failed login, so that a server that refuses its own tickets is not asked without end.
    /// Returns what the refusal is called if the request is not repeated.
    pub(crate) async fn refuse(&self, generation: u64, renewed: bool) -> FailureKind {
        let mut session = self.session.lock().await;
        if session.generation != generation {
            return session.kind_of_refusal();
        }
        match &self.credentials {
            Credentials::Token { .. } => {
                session.generation += 1;
                session.note_failure(None);
            }
            Credentials::Password { .. } => {
                // Of many requests refused with one ticket, the first one counts.
                if session.ticket.take().is_some() && renewed {
                    session.note_failure(None);
                }
            }
        }
        session.kind_of_refusal()
    }

    /// Notes that the server accepted a proof.
    pub(crate) async fn accept(&self) {
        let mut session = self.session.lock().await;
        session.was_accepted = self.can_renew();
        session.failures = 0;
        session.pause_until = None;
    }
}

impl Session {
    /// Tells a password that never worked from a session that ended and cannot be renewed.
    fn kind_of_refusal(&self) -> FailureKind {
        if self.was_accepted {
            FailureKind::SessionExpired
        } else {
            FailureKind::AuthenticationFailed
        }
    }

    fn respect_pause(&self) -> Result<(), Error> {
        let Some(until) = self.pause_until else {
            return Ok(());
        };
        let left = until.saturating_duration_since(monotonic());
        if left.is_zero() {
            return Ok(());
        }
        let (kind, why) = self.refusal.clone().unwrap_or_else(|| {
            let why = format!("refused {} times", self.failures);
            (self.kind_of_refusal(), why)
        });
        let text = format!("{why}; the next login is tried in {} s", left.as_secs() + 1);
        Err(Error::unsent(kind, text))
    }

    /// Notes a failed login; without a refusal it is the server's usual one.
    fn note_failure(&mut self, refusal: Option<(FailureKind, String)>) {
        let pause = PAUSES[self.failures.min(PAUSES.len() - 1)];
        self.failures += 1;
        self.refusal = refusal;
        self.pause_until = Some(monotonic() + pause);
    }

    async fn fresh_ticket(
        &mut self,
        transport: &Transport,
        user: &str,
        password: &SecretString,
        renew_after: Duration,
    ) -> Result<&Ticket, Error> {
        let current = self.ticket.take();
        let ticket = match current {
            Some(ticket)
                if monotonic().saturating_duration_since(ticket.obtained) < renew_after =>
            {
                ticket
            }
            Some(ticket) => match self.sign_in(transport, user, &ticket.text).await {
                Ok(renewed) => renewed,
                // The old ticket may have ended while the machine slept; the password still works,
                // and whoever it lets in is not made to wait.
                Err(error) if error.needs_login() => self.log_in(transport, user, password).await?,
                Err(error) => {
                    self.ticket = Some(ticket);
                    return Err(error);
                }
            },
            None => self.log_in(transport, user, password).await?,
        };
        Ok(self.ticket.insert(ticket))
    }

    /// Signs in with the password; a refusal is a failed login.
    async fn log_in(
        &mut self,
        transport: &Transport,
        user: &str,
        password: &SecretString,
    ) -> Result<Ticket, Error> {
        match self.sign_in(transport, user, password).await {
            Err(error) if error.needs_login() => {
                self.note_failure(None);
                Err(error.called(self.kind_of_refusal()))
            }
            ticket => ticket,
        }
    }

    /// Asks for a ticket with the password, or with the ticket before it in its place.
    async fn sign_in(
        &mut self,
        transport: &Transport,
        user: &str,
        password: &SecretString,
    ) -> Result<Ticket, Error> {
        let form = [("username", user), ("password", password.expose_secret())];
        let answer = transport
            .send(Method::POST, "/access/ticket", &form, HeaderMap::new())
            .await;
        let login: Login = answer.and_then(|body| transport.decode(&body))?;
        if login.needs_second_factor {
            // The half ticket of such an answer is no session (PITFALLS 9), and a dashboard that
            // asks every two seconds must not collect them.
            let kind = FailureKind::SecondFactorRequired;
            let why = format!("{user} signs in with a second factor");
            self.note_failure(Some((kind, why.clone())));
            return Err(Error::unsent(kind, why));
        }
        let (Some(ticket), Some(csrf)) = (login.ticket, login.csrf) else {
            return Err(Error::unsent(
                FailureKind::Malformed,
                "the login answer holds no ticket",
            ));
        };
        // Failures are forgotten when the ticket is accepted, not already when it is given.
        self.generation += 1;
        Ok(Ticket {
            text: ticket.into(),
            csrf: csrf.into(),
            obtained: monotonic(),
        })
    }
}

fn secret_header(value: &str) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::from_str(value).map_err(|_| {
        let text = "the user, token or secret holds characters that no HTTP header can carry";
        Error::unsent(FailureKind::AuthenticationFailed, text)
    })?;
    header.set_sensitive(true);
    Ok(header)
}
