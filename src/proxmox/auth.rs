//! Signing in: API tokens, and tickets that are renewed before they end.
//!
//! A ticket lives for two hours and can itself be used as the password of the next one, so the
//! password is sent once (API.md §2, PITFALLS 8). After a refusal no login is tried for a while,
//! longer each time: hammering locks accounts.

use std::fmt;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::error::Error;
use super::meter::monotonic;
use super::session::Session;
use super::transport::Transport;
use crate::domain::failure::FailureKind;
use crate::domain::sign_in::{Given, Wanted};

/// A ticket this old is usually renewed before its next use; it would live for two hours.
pub(crate) const RENEW_AFTER: Duration = Duration::from_secs(45 * 60);

/// What a cookie may not hold, and the sign of the escapes themselves.
///
/// A real server takes a ticket with and without escapes; other servers that speak its language know only the latter.
const NO_COOKIE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b',')
    .add(b';')
    .add(b'\\');

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
    /// A user whose password a person gives to [`Client::sign_in`](super::Client::sign_in).
    Asked {
        /// The user with its realm, as `hub@pve`.
        user: String,
    },
}

impl Credentials {
    /// Returns the account's name as the server writes it.
    pub fn account(&self) -> &str {
        match self {
            Self::Token { id, .. } => id,
            Self::Password { user, .. } | Self::Asked { user } => user,
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
    who: Who,
    session: Mutex<Session>,
    /// What the session wants, for those who may not wait until a login has ended.
    standing: std::sync::Mutex<Standing>,
    /// A ticket this old is renewed before its next use.
    renew_after: Duration,
}

enum Who {
    Token { id: String, secret: SecretString },
    User(String),
}

/// How far a session is.
#[derive(Debug, Clone, Default)]
struct Standing {
    wanted: Option<Wanted>,
    pause_until: Option<Instant>,
}

/// The headers that prove who asks, and which ticket they came from.
pub(crate) struct Proof {
    pub(crate) headers: HeaderMap,
    pub(crate) generation: u64,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials, renew_after: Duration) -> Self {
        let (who, password) = match credentials {
            Credentials::Token { id, secret } => (Who::Token { id, secret }, None),
            Credentials::Password { user, password } => (Who::User(user), Some(password)),
            Credentials::Asked { user } => (Who::User(user), None),
        };
        let authenticator = Self {
            who,
            session: Mutex::new(Session::new(password)),
            standing: std::sync::Mutex::default(),
            renew_after,
        };
        if let Ok(session) = authenticator.session.try_lock() {
            authenticator.note_standing(&session);
        }
        authenticator
    }

    pub(crate) fn account(&self) -> &str {
        match &self.who {
            Who::Token { id, .. } => id,
            Who::User(user) => user,
        }
    }

    /// Tells whether a refused request may succeed with a new ticket.
    pub(crate) fn can_renew(&self) -> bool {
        matches!(self.who, Who::User(_))
    }

    /// Returns what a person has to give before anything else can be asked.
    pub(crate) fn wanted(&self) -> Option<Wanted> {
        self.standing().wanted.clone()
    }

    /// Returns how long no login is tried.
    pub(crate) fn pause(&self) -> Duration {
        self.standing().pause_until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(monotonic())
        })
    }

    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_standing(&self, session: &Session) {
        *self.standing() = Standing {
            wanted: self.can_renew().then(|| session.wanted()).flatten(),
            pause_until: session.pause_until(),
        };
    }

    /// Signs in with what a person gave.
    ///
    /// Where the password was right and a second factor is wanted too, the error is of the kind
    /// `SecondFactorRequired`, and [`Authenticator::wanted`] says which.
    pub(crate) async fn sign_in(&self, transport: &Transport, given: &Given) -> Result<(), Error> {
        let Who::User(user) = &self.who else {
            let text = "an API token has no password and no second factor";
            return Err(Error::unsent(FailureKind::Refused, text));
        };
        let mut session = self.session.lock().await;
        let result = session.sign_in_with(transport, user, given).await;
        self.note_standing(&session);
        result
    }

    /// Returns what to send with a request, signing in or renewing first where that is due.
    pub(crate) async fn proof(&self, transport: &Transport, writes: bool) -> Result<Proof, Error> {
        // Held during the login: whoever comes meanwhile waits for it and uses its ticket.
        let mut session = self.session.lock().await;
        session.respect_pause()?;
        let mut headers = HeaderMap::new();
        match &self.who {
            Who::Token { id, secret } => {
                let value = format!("PVEAPIToken={id}={}", secret.expose_secret());
                headers.insert(AUTHORIZATION, secret_header(&value)?);
            }
            Who::User(user) => {
                let fresh = session.renewed(transport, user, self.renew_after).await;
                self.note_standing(&session);
                fresh?;
                let Some(ticket) = session.ticket() else {
                    let text = "the login gave no ticket";
                    return Err(Error::unsent(FailureKind::Malformed, text));
                };
                let text = utf8_percent_encode(ticket.text.expose_secret(), NO_COOKIE);
                let cookie = format!("PVEAuthCookie={text}");
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
        match &self.who {
            Who::Token { .. } => {
                session.generation += 1;
                session.note_failure(None);
            }
            Who::User(_) => {
                // Of many requests refused with one ticket, the first one counts.
                if session.drop_ticket() && renewed {
                    session.note_failure(None);
                }
            }
        }
        self.note_standing(&session);
        session.kind_of_refusal()
    }

    /// Notes that the server accepted a proof.
    pub(crate) async fn accept(&self) {
        let mut session = self.session.lock().await;
        session.accepted(self.can_renew());
        self.note_standing(&session);
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
