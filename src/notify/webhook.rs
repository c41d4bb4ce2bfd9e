//! A notification as JSON, posted to an address.
//!
//! Redirects are not followed: a moved POST becomes a GET on most of them, and on the others the
//! message would go to somebody whom nobody configured. Nor is an answer's body read: success is in
//! its status, and error pages like to repeat the address, which is a secret. No proxy is used.

use std::fmt;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Fault, Pace, Seconds};

/// What helps where nobody answers.
const CHECK_SERVER: &str =
    "check the address, whether its server runs, and whether this machine trusts its certificate";

/// An address that takes notifications.
///
/// Whoever knows it may post there, so it is treated as a secret: only scheme and host are shown.
#[derive(Clone)]
pub struct Webhook {
    address: SecretString,
    shown: String,
}

impl Webhook {
    /// Takes an address as `https://HOST/PATH`; a user and password before the host are sent along.
    pub fn new(address: SecretString) -> Self {
        let shown = match Url::parse(address.expose_secret()) {
            Ok(url) => url.origin().ascii_serialization(),
            Err(_) => "the address".to_owned(),
        };
        Self { address, shown }
    }

    /// Posts a payload; tried again only where that may help.
    pub(super) async fn post(&self, json: String, pace: &Pace) -> Result<(), Fault> {
        let http = client(pace)?;
        let mut pauses = pace.pauses.iter();
        let mut tries = 0;
        loop {
            tries += 1;
            let (mut fault, may_pass) = match self.post_once(&http, json.clone(), pace).await {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            let Some(pause) = pauses.next().filter(|_| may_pass) else {
                if tries > 1 {
                    fault.message = format!("{}; tried {tries} times", fault.message);
                }
                return Err(fault);
            };
            tokio::time::sleep(*pause).await;
        }
    }

    /// Posts a payload once; a failure says whether it may pass by itself.
    async fn post_once(
        &self,
        http: &Client,
        json: String,
        pace: &Pace,
    ) -> Result<(), (Fault, bool)> {
        let request = http
            .post(self.address.expose_secret())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(json);
        match request.send().await {
            Ok(response) => self.judge(response.status()),
            Err(error) => Err(self.not_sent(&error, pace)),
        }
    }

    fn judge(&self, status: StatusCode) -> Result<(), (Fault, bool)> {
        if status.is_success() {
            return Ok(());
        }
        let (advice, may_pass) = if status.is_server_error() {
            ("the receiver itself failed; its own log tells why", true)
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            ("the receiver takes no more for now", true)
        } else if status.is_redirection() {
            (
                "no redirect is followed; write the address where it leads",
                false,
            )
        } else {
            (
                "check the address, and whether its receiver takes this JSON",
                false,
            )
        };
        let message = format!("{} answered {status}", self.shown);
        Err((Fault::new(message, advice), may_pass))
    }

    /// Says why there was no answer, in words that never hold the address.
    fn not_sent(&self, error: &reqwest::Error, pace: &Pace) -> (Fault, bool) {
        let shown = &self.shown;
        if error.is_builder() {
            let message = format!("{shown} cannot be used");
            return (Fault::new(message, "write it as https://HOST/PATH"), false);
        }
        let message = match (error.is_connect(), error.is_timeout()) {
            (true, true) => format!("{shown}: no connection within {}", Seconds(pace.connect)),
            (true, false) => format!("{shown}: no connection: {}", deepest_cause(error)),
            (false, true) => format!("{shown}: no answer within {}", Seconds(pace.request)),
            (false, false) => format!("{shown}: the connection was lost: {}", deepest_cause(error)),
        };
        (Fault::new(message, CHECK_SERVER), true)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Webhook({})", self.shown)
    }
}

/// Builds a client that trusts whom the system trusts.
fn client(pace: &Pace) -> Result<Client, Fault> {
    let unusable = |error: &dyn fmt::Display| {
        Fault::new(
            format!("the system's certificates cannot be used: {error}"),
            "install the system's package of certificate authorities",
        )
    };
    let tls =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(rustls::ConfigBuilder::with_platform_verifier)
            .map_err(|error| unusable(&error))?
            .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .connect_timeout(pace.connect)
        .timeout(pace.request)
        // A connection whose answer was not read to its end is of no further use.
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("proxdeck/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| unusable(&deepest_cause(&error)))
}

/// Returns the cause behind an error; the layers above it repeat the address.
fn deepest_cause(error: &reqwest::Error) -> String {
    let Some(mut deepest) = std::error::Error::source(error) else {
        return "for no known reason".to_owned();
    };
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}
