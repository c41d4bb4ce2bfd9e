//! One shared connection to a Proxmox server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::auth::{Authenticator, Credentials, RENEW_AFTER};
use super::error::Error;
use super::meter::{Cost, Tally, monotonic};
use super::tls::Trust;
use super::transport::{Manner, Request, Transport};
use crate::domain::id::NodeName;
use crate::domain::pins::Stranger;
use crate::domain::sign_in::{Given, Wanted};

/// Everything but letters, digits and `-_.~` is escaped: the server's form parser cuts at `=` and `;`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Escapes a text for a path segment, a query or a form.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Where a server is and how to sign in to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The servers' addresses, as `https://pve1.lab:8006`, in the order in which they are tried.
    pub endpoints: Vec<String>,
    /// How it proves who it is.
    pub trust: Trust,
    /// How we prove who we are.
    pub credentials: Credentials,
}

/// How long a client waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// A ticket this old is renewed before its next use; it would live for two hours.
    pub renew_after: Duration,
    /// How long an answer may take; a node that forwards gives up after 30 s itself.
    pub answer: Duration,
    /// So long one of several servers may take for an answer of its own before the next is asked.
    pub patience: Duration,
    /// After so long the first server is tried again, where another had to be asked.
    pub back_after: Duration,
    /// A node that answers a read neither way within so long, twice in a row, is left alone for a while.
    pub silence: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            renew_after: RENEW_AFTER,
            answer: Duration::from_secs(40),
            patience: Duration::from_secs(12),
            back_after: Duration::from_secs(60),
            silence: Duration::from_secs(5),
        }
    }
}

/// A Proxmox server, signed in to; cloning shares the connection and the session.
///
/// The calls are grouped as the API is: [`Client::cluster`], [`Client::guests`],
/// [`Client::tasks`], [`Client::access`], [`Client::storage`], [`Client::nodes`], [`Client::pools`],
/// [`Client::firewall`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    tally: Option<Tally>,
}

struct Inner {
    transport: Transport,
    authenticator: Authenticator,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Client({} as {})",
            self.endpoint(),
            self.account()
        )
    }
}

impl Client {
    /// Prepares a connection; nothing is sent before the first call.
    ///
    /// Fails when an address is no `https` URL or the trusted certificates cannot be read.
    pub fn new(connection: Connection) -> Result<Self, Error> {
        Self::tuned(connection, Tuning::default())
    }

    /// Prepares a connection with other waits than the usual ones.
    pub fn tuned(connection: Connection, tuning: Tuning) -> Result<Self, Error> {
        let transport = Transport::new(&connection.endpoints, &connection.trust, tuning)?;
        let authenticator = Authenticator::new(connection.credentials, tuning.renew_after);
        Ok(Self {
            inner: Arc::new(Inner {
                transport,
                authenticator,
            }),
            tally: None,
        })
    }

    /// Returns this client with a count of the requests that are sent through it from now on.
    ///
    /// Signing in is counted for nobody: whoever comes first does it for all.
    #[must_use]
    pub fn counting(&self) -> (Self, Tally) {
        let tally = Tally::default();
        let counting = Self {
            inner: Arc::clone(&self.inner),
            tally: Some(tally.clone()),
        };
        (counting, tally)
    }

    /// Returns the nodes whose reads fail at once since they left too many unanswered, and how long
    /// that goes on.
    pub fn resting(&self) -> BTreeMap<NodeName, Duration> {
        let resting = self.inner.transport.resting(monotonic());
        let named = resting
            .into_iter()
            .filter_map(|(node, left)| Some((node.parse().ok()?, left)));
        named.collect()
    }

    /// Returns the address of the server that is asked now.
    pub fn endpoint(&self) -> &str {
        self.inner.transport.endpoint()
    }

    /// Tells whether another server than the first of the cluster is asked, since that one fails.
    pub fn is_elsewhere(&self) -> bool {
        self.inner.transport.is_elsewhere()
    }

    /// Returns the pinned fingerprints; none where an authority vouches for the servers.
    pub fn pinned(&self) -> Vec<String> {
        self.inner.transport.pinned()
    }

    /// Returns the servers of the cluster whose certificates are refused, as far as they were tried.
    pub fn strangers(&self) -> Vec<Stranger> {
        self.inner.transport.strangers()
    }

    /// Returns the account's name, as `hub@pve!deck` or `hub@pve`.
    pub fn account(&self) -> &str {
        self.inner.authenticator.account()
    }

    /// Tells whether the account signs in at all; an API token does not.
    pub fn signs_in(&self) -> bool {
        self.inner.authenticator.can_renew()
    }

    /// Signs in with what a person gave: the password, or a second factor.
    ///
    /// Where the password was right and a second factor is wanted too, the error is of the kind
    /// `SecondFactorRequired`, and [`Client::wanted`] says which can be given. Nothing is tried
    /// again by itself, and after several refusals nothing at all for a while ([`Client::pause`]).
    pub async fn sign_in(&self, given: &Given) -> Result<(), Error> {
        let Inner {
            transport,
            authenticator,
        } = &*self.inner;
        authenticator.sign_in(transport, given).await
    }

    /// Returns what a person has to give before the server can be asked anything.
    pub fn wanted(&self) -> Option<Wanted> {
        self.inner.authenticator.wanted()
    }

    /// Returns how long no login is tried, after refusals.
    pub fn pause(&self) -> Duration {
        self.inner.authenticator.pause()
    }

    /// Sums up what talking to the server cost in the last minute.
    pub fn cost(&self) -> Cost {
        self.inner.transport.meter.cost()
    }

    /// Returns what the server's clock shows, to about a second; absent before its first answer.
    pub fn server_time(&self) -> Option<DateTime<Utc>> {
        self.inner.transport.meter.server_time()
    }

    /// Reads from a path; asked again, here or elsewhere, when no answer came.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let body = self.exchange(Method::GET, path, query).await?;
        self.inner
            .transport
            .decode(&body)
            .map_err(|error| error.of(&Method::GET, path))
    }

    /// Writes to a path; sent exactly once, whatever happens.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Error> {
        let body = self.exchange(method.clone(), path, parameters).await?;
        self.inner
            .transport
            .decode(&body)
            .map_err(|error| error.of(&method, path))
    }

    /// Sends a request with proof of identity.
    ///
    /// A 401 comes from before any work began (API.md §1), so the request may be repeated with a
    /// new ticket without being done twice.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Vec<u8>, Error> {
        let Inner {
            transport,
            authenticator,
        } = &*self.inner;
        let writes = method != Method::GET;
        let manner = if writes { Manner::Once } else { Manner::Read };
        for last in [false, true] {
            let proof = authenticator
                .proof(transport, writes)
                .await
                .map_err(|error| error.before(&method, path))?;
            let answer = transport
                .send(Request {
                    manner,
                    method: method.clone(),
                    path,
                    parameters,
                    headers: proof.headers,
                    tally: self.tally.as_ref(),
                })
                .await;
            match answer {
                Err(error) if error.needs_login() => {
                    let kind = authenticator.refuse(proof.generation, last).await;
                    if last || !authenticator.can_renew() {
                        return Err(error.called(kind));
                    }
                }
                answer => {
                    if answer.is_ok() {
                        authenticator.accept().await;
                    }
                    return answer;
                }
            }
        }
        unreachable!("the second turn returns")
    }
}
