//! One shared connection to a Proxmox server.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::auth::{Authenticator, Credentials, RENEW_AFTER};
use super::error::Error;
use super::meter::{Cost, Meter, monotonic};
use super::tls::{self, Refused, Trust};
use super::wire::Envelope;
use crate::domain::failure::FailureKind;

/// How long the building of a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
/// How long an answer may take; a node that forwards gives up after 30 s itself.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(40);
/// The server drops idle connections after 5 s (PITFALLS 3).
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// More than the resource list of ten thousand guests many times over.
const LARGEST_ANSWER: usize = 128 << 20;

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
    /// The server's address, as `https://pve1.lab:8006`.
    pub endpoint: String,
    /// How it proves who it is.
    pub trust: Trust,
    /// How we prove who we are.
    pub credentials: Credentials,
}

/// A Proxmox server, signed in to; cloning shares the connection and the session.
///
/// The calls are grouped as the API is: [`Client::cluster`], [`Client::guests`],
/// [`Client::tasks`], [`Client::access`], [`Client::storage`], [`Client::nodes`], [`Client::pools`],
/// [`Client::firewall`].
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
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
    /// Fails when the address is no `https` URL or the trusted certificates cannot be read.
    pub fn new(connection: Connection) -> Result<Self, Error> {
        Self::renewing_after(connection, RENEW_AFTER)
    }

    /// Prepares a connection whose tickets are renewed at another age than 45 minutes.
    pub fn renewing_after(connection: Connection, age: Duration) -> Result<Self, Error> {
        let transport = Transport::new(&connection.endpoint, &connection.trust)?;
        let authenticator = Authenticator::new(connection.credentials, age);
        Ok(Self {
            inner: Arc::new(Inner {
                transport,
                authenticator,
            }),
        })
    }

    /// Returns the server's address.
    pub fn endpoint(&self) -> &str {
        &self.inner.transport.endpoint
    }

    /// Returns the account's name, as `hub@pve!deck` or `hub@pve`.
    pub fn account(&self) -> &str {
        self.inner.authenticator.account()
    }

    /// Sums up what talking to the server cost in the last minute.
    pub fn cost(&self) -> Cost {
        self.inner.transport.meter.cost()
    }

    /// Returns what the server's clock shows, to about a second; absent before its first answer.
    pub fn server_time(&self) -> Option<DateTime<Utc>> {
        self.inner.transport.meter.server_time()
    }

    /// Reads from a path; asked once more when the connection was lost before an answer.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Error> {
        let mut answer = self.exchange(Method::GET, path, query).await;
        if let Err(error) = &answer
            && error.kind() == FailureKind::Interrupted
        {
            answer = self.exchange(Method::GET, path, query).await;
        }
        let body = answer?;
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
        for last in [false, true] {
            let proof = authenticator
                .proof(transport, writes)
                .await
                .map_err(|error| error.before(&method, path))?;
            let answer = transport
                .send(method.clone(), path, parameters, proof.headers)
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

/// Sends requests and reads answers, without knowing who asks.
pub(crate) struct Transport {
    http: reqwest::Client,
    endpoint: String,
    refused: Refused,
    meter: Meter,
}

impl Transport {
    fn new(endpoint: &str, trust: &Trust) -> Result<Self, Error> {
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let is_https = reqwest::Url::parse(&endpoint)
            .is_ok_and(|url| url.scheme() == "https" && url.has_host());
        if !is_https {
            let text =
                format!("{endpoint:?} is no address of a server: https://HOST:8006 is expected");
            return Err(Error::unsent(FailureKind::Unreachable, text));
        }
        let (config, refused) = tls::client_config(trust)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config)
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("proxdeck/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::from_transport(&error, None))?;
        Ok(Self {
            http,
            endpoint,
            refused,
            meter: Meter::default(),
        })
    }

    /// Sends one request and reads its whole answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        parameters: &[(&str, &str)],
        headers: HeaderMap,
    ) -> Result<Vec<u8>, Error> {
        let begun = monotonic();
        let result = self
            .send_unmetered(&method, path, parameters, headers)
            .await;
        let date = match &result {
            Ok((_, date)) | Err((_, date)) => *date,
        };
        self.meter.note(begun, date);
        // The path tells nothing that the journal of the server does not; parameters may hold secrets.
        tracing::debug!(
            "{method} {path} {} in {} ms",
            match &result {
                Ok(_) => "ok",
                Err((error, _)) => error.kind().as_str(),
            },
            monotonic().saturating_duration_since(begun).as_millis()
        );
        match result {
            Ok((body, _)) => Ok(body),
            Err((error, _)) => Err(error.of(&method, path)),
        }
    }

    async fn send_unmetered(
        &self,
        method: &Method,
        path: &str,
        parameters: &[(&str, &str)],
        headers: HeaderMap,
    ) -> Result<(Vec<u8>, Option<DateTime<Utc>>), (Error, Option<DateTime<Utc>>)> {
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let pairs = pairs.join("&");
        let mut url = format!("{}/api2/json{path}", self.endpoint);
        // A body on GET or DELETE is refused with 501 (PITFALLS 4); their parameters go into the query.
        let in_body = *method == Method::POST || *method == Method::PUT;
        if !in_body && !pairs.is_empty() {
            url = format!("{url}?{pairs}");
        }
        let mut request = self.http.request(method.clone(), url).headers(headers);
        if in_body {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header(CONTENT_TYPE, form).body(pairs);
        }
        let response = request
            .send()
            .await
            .map_err(|error| (self.transport_error(&error), None))?;
        let date = server_date(&response);
        match read_answer(response).await {
            Ok((status, _, body)) if status == StatusCode::OK => Ok((body, date)),
            Ok((status, reason, body)) => Err((Error::from_answer(status, &reason, &body), date)),
            Err(ReadError::TooLarge) => Err((
                Error::unsent(FailureKind::Malformed, "the answer is larger than 128 MiB"),
                date,
            )),
            Err(ReadError::Transport(error)) => Err((self.transport_error(&error), date)),
        }
    }

    fn transport_error(&self, error: &reqwest::Error) -> Error {
        Error::from_transport(error, self.refused.get().as_ref())
    }

    /// Unwraps and decodes the body of a success.
    pub(crate) fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        match serde_json::from_slice::<Envelope<T>>(body) {
            Ok(envelope) => Ok(envelope.data),
            Err(error) => {
                let looks_like_html = body.trim_ascii_start().starts_with(b"<");
                let text = if looks_like_html {
                    format!(
                        "a web page came instead of data; is {} a Proxmox VE server?",
                        self.endpoint
                    )
                } else {
                    format!("the answer cannot be read: {error}")
                };
                Err(Error::unsent(FailureKind::Malformed, text).with_success_status())
            }
        }
    }
}

enum ReadError {
    TooLarge,
    Transport(reqwest::Error),
}

async fn read_answer(mut response: Response) -> Result<(StatusCode, String, Vec<u8>), ReadError> {
    let status = response.status();
    let reason = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned())
        .unwrap_or_default();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Transport)? {
        if body.len() + chunk.len() > LARGEST_ANSWER {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, reason, body))
}

fn server_date(response: &Response) -> Option<DateTime<Utc>> {
    let date = response.headers().get(DATE)?.to_str().ok()?;
    DateTime::parse_from_rfc2822(date)
        .ok()
        .map(|date| date.with_timezone(&Utc))
}
