//! A client that knows HTTP and nothing else, and a simulator to speak to.

use std::time::Duration;

use proxdeck::simulator::{Options, Scenario, Simulator};
use reqwest::{Client, Method};
use serde_json::Value;

/// A generous deadline for whatever must happen at some point.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

/// A client and the simulator it speaks to.
pub(crate) struct Stranger {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
    pub(crate) authorization: String,
}

/// Parameters of a request.
pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) text: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{} {}", self.reason, self.text);
        self.json()["data"].clone()
    }

    pub(crate) fn error(&self, parameter: &str) -> String {
        assert_eq!(self.status, 400, "{} {}", self.reason, self.text);
        self.json()["errors"][parameter]
            .as_str()
            .unwrap_or_else(|| panic!("no {parameter}: {}", self.text))
            .to_owned()
    }
}

pub(crate) fn client() -> Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .danger_accept_invalid_certs(true)
        .pool_idle_timeout(Duration::from_secs(4))
        .timeout(DEADLINE)
        .build()
        .unwrap()
}

pub(crate) async fn small() -> Stranger {
    Stranger::with(Options::new(Scenario::small())).await
}

impl Stranger {
    pub(crate) async fn with(options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let accounts = simulator.accounts();
        let authorization = format!(
            "PVEAPIToken={}={}",
            accounts.token_id, accounts.token_secret
        );
        Self {
            client: client(),
            authorization,
            simulator,
        }
    }

    /// Goes on as somebody else.
    pub(crate) fn with_token(mut self, id: &str, secret: &str) -> Self {
        self.authorization = format!("PVEAPIToken={id}={secret}");
        self
    }

    pub(crate) fn limited(self) -> Self {
        let accounts = self.simulator.accounts().clone();
        self.with_token(&accounts.limited_token_id, &accounts.limited_token_secret)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}/api2/json{path}", self.simulator.url()))
            .header("Authorization", &self.authorization)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        send(self.request(Method::POST, path).form(form)).await
    }

    pub(crate) async fn put(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        send(self.request(Method::PUT, path).form(form)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Waits for a task and returns its end and its log.
    pub(crate) async fn follow(&self, answer: &Answer) -> (String, Vec<String>) {
        let upid = answer.data().as_str().unwrap().to_owned();
        let path = format!(
            "/nodes/{}/tasks/{}",
            upid.split(':').nth(1).unwrap(),
            upid.replace(':', "%3A")
        );
        let waiting = async {
            loop {
                let status = self.get(&format!("{path}/status")).await.data();
                if status["status"] == "stopped" {
                    return status["exitstatus"].as_str().unwrap().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let end = tokio::time::timeout(DEADLINE, waiting)
            .await
            .expect("the task ends");
        let log = self.get(&format!("{path}/log?limit=0")).await.data();
        (
            end,
            log.as_array()
                .unwrap()
                .iter()
                .map(|row| row["t"].as_str().unwrap().to_owned())
                .collect(),
        )
    }

    /// Waits until a condition holds.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Self) -> bool) {
        let waiting = async {
            while !holds(self).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting)
            .await
            .unwrap_or_else(|_| panic!("waited in vain for: {what}"));
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let reason = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map_or_else(
            || status.canonical_reason().unwrap_or("").to_owned(),
            |phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        );
    let headers = response.headers().clone();
    Answer {
        status: status.as_u16(),
        reason,
        headers,
        text: response.text().await.unwrap(),
    }
}
