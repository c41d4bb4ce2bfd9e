//! Requests and answers, sent to the first of a cluster's servers that answers.
//!
//! Where a server cannot be reached the next one is asked; a write only if it certainly was not
//! sent. What a server says about one of its nodes (595, 596) is an answer like any other. It knows
//! nothing of who asks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;

use super::breaker::{self, Breakers};
use super::client::{Tuning, encode};
use super::error::Error;
use super::meter::{Meter, Tally, monotonic};
use super::room::make_room;
use super::tls::{self, Refused, Trust};
use super::wire;
use crate::domain::failure::FailureKind;
use crate::domain::pins::Stranger;

/// How long the building of a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
/// The server drops idle connections after 5 s (PITFALLS 3).
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// More than the resource list of ten thousand guests many times over.
const LARGEST_ANSWER: usize = 128 << 20;
/// The longest pause until the first server is tried again.
const LONGEST_ABSENCE: Duration = Duration::from_secs(900);

/// How a request may be repeated when no answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// By the same server and by any other.
    Read,
    /// By another server: whoever was let in twice is let in.
    Login,
    /// Only if it was certainly not sent.
    Once,
}

/// Sends requests and reads answers, without knowing who asks.
pub(crate) struct Transport {
    /// Never empty.
    servers: Vec<Server>,
    choice: Mutex<Choice>,
    pub(crate) meter: Meter,
    breakers: Breakers,
    tuning: Tuning,
    pinned: Vec<String>,
}

/// One of the cluster's servers.
struct Server {
    http: reqwest::Client,
    endpoint: String,
    refused: Refused,
}

/// Which server is asked.
struct Choice {
    current: usize,
    /// When the first is tried again, while another is asked.
    back_at: Instant,
    /// How long the first is left alone after it failed again.
    absence: Duration,
}

/// An attempt that brought no answer.
struct Silence {
    error: Error,
    timed_out: bool,
}

impl Transport {
    pub(crate) fn new(endpoints: &[String], trust: &Trust, tuning: Tuning) -> Result<Self, Error> {
        let servers: Vec<Server> = endpoints
            .iter()
            .map(|endpoint| Server::new(endpoint, trust))
            .collect::<Result<_, _>>()?;
        if servers.is_empty() {
            let text = "the cluster has no address: https://HOST:8006 is expected";
            return Err(Error::unsent(FailureKind::Unreachable, text));
        }
        let choice = Choice {
            current: 0,
            back_at: monotonic(),
            absence: tuning.back_after,
        };
        Ok(Self {
            servers,
            choice: Mutex::new(choice),
            meter: Meter::default(),
            breakers: Breakers::new(tuning.silence),
            tuning,
            pinned: match trust {
                Trust::Pins(pins) => pins.iter().map(ToString::to_string).collect(),
                Trust::System | Trust::Authority(_) => Vec::new(),
            },
        })
    }

    /// Returns the address of the server that is asked now.
    pub(crate) fn endpoint(&self) -> &str {
        &self.server(self.choice().current).endpoint
    }

    /// Returns the pinned fingerprints; none where an authority vouches for the servers.
    pub(crate) fn pinned(&self) -> Vec<String> {
        self.pinned.clone()
    }

    /// Returns the servers whose certificates are refused, as far as they were tried.
    pub(crate) fn strangers(&self) -> Vec<Stranger> {
        let refused = self.servers.iter().filter_map(|server| {
            Some(Stranger {
                endpoint: server.endpoint.clone(),
                presents: server.refused.get()?.fingerprint().to_string(),
            })
        });
        refused.collect()
    }

    /// Tells whether another server than the first is asked.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.choice().current != 0
    }

    fn server(&self, index: usize) -> &Server {
        &self.servers[index % self.servers.len()]
    }

    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.choice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns which nodes are left alone now, and for how long yet.
    pub(crate) fn resting(&self, now: Instant) -> BTreeMap<String, Duration> {
        self.breakers.resting(now)
    }

    /// Sends one request and reads its whole answer, unless it asks a node that is left alone.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Vec<u8>, Error> {
        let is_read = request.manner == Manner::Read;
        let Some(node) = breaker::node_of(request.path).filter(|_| is_read) else {
            return Box::pin(self.deliver(request)).await;
        };
        let begun = monotonic();
        let admitted = self.breakers.admit(node, begun);
        admitted.map_err(|error| error.of(&request.method, request.path))?;
        let answer = Box::pin(self.deliver(request)).await;
        let failure = answer.as_ref().err();
        self.breakers.note(node, failure, begun, monotonic());
        answer
    }

    /// Gets an answer from the first server that gives one.
    async fn deliver(&self, request: Request<'_>) -> Result<Vec<u8>, Error> {
        let Request { manner, path, .. } = request;
        let (order, looks_back) = self.order(manner);
        let mut silences: Vec<(usize, Error)> = Vec::new();
        for (turn, index) in order.iter().copied().enumerate() {
            let is_last = turn + 1 == order.len();
            match self.ask_patiently(index, &request, is_last).await {
                Ok(answer) => {
                    if turn > 0 || looks_back {
                        self.choose(index);
                    }
                    return answer.map_err(|error| error.of(&request.method, path));
                }
                Err(silence) => {
                    let unsent = silence.error.kind() != FailureKind::Interrupted;
                    silences.push((index, silence.error));
                    if turn == 0 && looks_back {
                        self.stay_away();
                    } else if !unsent && manner == Manner::Once {
                        // It may have been done; whatever comes next is asked elsewhere.
                        self.leave(index);
                        break;
                    }
                }
            }
        }
        Err(self.together(silences, manner).of(&request.method, path))
    }

    /// Returns the servers in the order in which they are asked, and whether the first is only
    /// tried again to see whether it is back.
    fn order(&self, manner: Manner) -> (Vec<usize>, bool) {
        let count = self.servers.len();
        let mut choice = self.choice();
        let now = monotonic();
        let looks_back = manner == Manner::Read && choice.current != 0 && now >= choice.back_at;
        if looks_back {
            // One request is enough to find out; the others need not wait for it.
            choice.back_at = now + choice.absence;
        }
        let from_current = (0..count).map(|step| (choice.current + step) % count);
        let order = if looks_back {
            let others = from_current.filter(|index| *index != 0);
            std::iter::once(0).chain(others).collect()
        } else {
            from_current.collect()
        };
        (order, looks_back)
    }

    /// Goes on with a server that answered where another did not.
    fn choose(&self, index: usize) {
        let mut choice = self.choice();
        if choice.current != index {
            tracing::warn!("{} answers now", self.server(index).endpoint);
            choice.current = index;
            choice.absence = self.tuning.back_after;
            choice.back_at = monotonic() + choice.absence;
        }
    }

    /// Leaves the first server alone for longer: it is not back.
    fn stay_away(&self) {
        let mut choice = self.choice();
        choice.absence = (choice.absence * 2).min(LONGEST_ABSENCE.max(self.tuning.back_after));
        choice.back_at = monotonic() + choice.absence;
    }

    /// Goes on with the next server, after one that did not answer.
    fn leave(&self, index: usize) {
        let next = (index + 1) % self.servers.len();
        if self.choice().current == index {
            self.choose(next);
        }
    }

    /// Asks one server, and a second time where the connection was lost.
    async fn ask_patiently(
        &self,
        index: usize,
        request: &Request<'_>,
        is_last: bool,
    ) -> Result<Result<Vec<u8>, Error>, Silence> {
        let alone = self.servers.len() == 1;
        // A node that forwards may take its 30 s; for everything else there is another to ask.
        let forwarded = request.path.starts_with("/nodes/");
        let hurried = !alone && !is_last && !forwarded && request.manner != Manner::Once;
        let patience = if hurried {
            self.tuning.patience
        } else {
            self.tuning.answer
        };
        let answer = self.ask(index, request, patience).await;
        match &answer {
            Err(silence)
                if request.manner == Manner::Read
                    && silence.error.kind() == FailureKind::Interrupted
                    && (alone || !silence.timed_out) =>
            {
                self.ask(index, request, patience).await
            }
            _ => answer,
        }
    }

    /// Sends a request to one server; without an answer it says why there is none.
    async fn ask(
        &self,
        index: usize,
        request: &Request<'_>,
        patience: Duration,
    ) -> Result<Result<Vec<u8>, Error>, Silence> {
        let begun = monotonic();
        let (date, result) = match self.server(index).ask(request, patience).await {
            Ok((date, answer)) => (date, Ok(answer)),
            Err((date, silence)) => (date, Err(silence)),
        };
        self.meter.note(begun, date);
        if let Some(tally) = request.tally {
            tally.note();
        }
        // The path tells nothing that the journal of the server does not; parameters may hold secrets.
        tracing::debug!(
            "{} {} {} in {} ms",
            request.method,
            request.path,
            match &result {
                Ok(Ok(_)) => "ok",
                Ok(Err(error)) | Err(Silence { error, .. }) => error.kind().as_str(),
            },
            monotonic().saturating_duration_since(begun).as_millis()
        );
        result
    }

    /// Tells why none of several servers answered; what can be done about a certificate comes first.
    fn together(&self, mut silences: Vec<(usize, Error)>, manner: Manner) -> Error {
        if silences.len() < 2 {
            let only = silences.pop().map(|(_, error)| error);
            return only.unwrap_or_else(|| Error::unsent(FailureKind::Unreachable, ""));
        }
        let texts: Vec<String> = silences
            .iter()
            .map(|(index, error)| {
                let endpoint = &self.server(*index).endpoint;
                let text = error.text().raw();
                if text.starts_with(endpoint.as_str()) {
                    text.to_owned()
                } else {
                    format!("{endpoint}: {text}")
                }
            })
            .collect();
        let lost = |error: &Error| error.kind() == FailureKind::Interrupted;
        let untrusted = |error: &Error| error.kind() == FailureKind::UntrustedCertificate;
        let place =
            |wanted: &dyn Fn(&Error) -> bool| silences.iter().position(|(_, error)| wanted(error));
        // A write of which nobody knows whether it was done must not look like one that was not sent.
        let told = if manner == Manner::Once {
            place(&lost).or_else(|| place(&untrusted))
        } else {
            place(&untrusted)
        };
        let (_, error) = silences.swap_remove(told.unwrap_or(0));
        error.saying(texts.join("; "))
    }

    /// Unwraps and decodes the body of a success.
    pub(crate) fn decode<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T, Error> {
        match wire::unwrap(body) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let looks_like_html = body.trim_ascii_start().starts_with(b"<");
                let text = if looks_like_html {
                    format!(
                        "a web page came instead of data; is {} a Proxmox VE server?",
                        self.endpoint()
                    )
                } else {
                    format!("the answer cannot be read: {error}")
                };
                Err(Error::unsent(FailureKind::Malformed, text).with_success_status())
            }
        }
    }
}

/// What is sent, whichever server it is sent to.
pub(crate) struct Request<'a> {
    pub(crate) manner: Manner,
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) parameters: &'a [(&'a str, &'a str)],
    pub(crate) headers: HeaderMap,
    /// Where it is counted, beside the meter.
    pub(crate) tally: Option<&'a Tally>,
}

type Dated<T> = (Option<DateTime<Utc>>, T);

impl Server {
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
        })
    }

    async fn ask(
        &self,
        request: &Request<'_>,
        patience: Duration,
    ) -> Result<Dated<Result<Vec<u8>, Error>>, Dated<Silence>> {
        let pairs: Vec<String> = request
            .parameters
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let pairs = pairs.join("&");
        let mut url = format!("{}/api2/json{}", self.endpoint, request.path);
        // A body on GET or DELETE is refused with 501 (PITFALLS 4); their parameters go into the query.
        let in_body = request.method == Method::POST || request.method == Method::PUT;
        if !in_body && !pairs.is_empty() {
            url = format!("{url}?{pairs}");
        }
        let mut message = self
            .http
            .request(request.method.clone(), url)
            .timeout(patience)
            .headers(request.headers.clone());
        if in_body {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            message = message.header(CONTENT_TYPE, form).body(pairs);
        }
        let silence = |error: &reqwest::Error| Silence {
            error: Error::from_transport(error, self.refused.get().as_ref()),
            timed_out: error.is_timeout(),
        };
        let response = match message.send().await {
            Ok(response) => response,
            Err(error) => return Err((None, silence(&error))),
        };
        // Whatever was refused before: this time it was the right certificate.
        self.refused.forget();
        let date = server_date(&response);
        match read_answer(response).await {
            Ok((status, _, body)) if status == StatusCode::OK => Ok((date, Ok(body))),
            Ok((status, reason, body)) => {
                Ok((date, Err(Error::from_answer(status, &reason, &body))))
            }
            Err(ReadError::TooLarge) => {
                let text = "the answer is larger than 128 MiB";
                Ok((date, Err(Error::unsent(FailureKind::Malformed, text))))
            }
            Err(ReadError::Transport(error)) => Err((date, silence(&error))),
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
        make_room(&mut body, chunk.len());
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
