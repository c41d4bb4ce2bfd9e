//! A server that takes notifications, and answers each as it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Response;
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::house::PATIENCE;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) call: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// This status, and a page that repeats the address.
    Status(u16),
    /// That the address is elsewhere.
    Moved(u16, String),
    /// A success whose body has no end.
    Endlessly,
    /// Nothing, ever.
    Nothing,
    /// A success, once somebody else waits there too.
    Together(Arc<Barrier>),
}

/// A running server; dropping it stops it.
pub(crate) struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    _stop: DropGuard,
}

impl Server {
    /// Starts a server that answers the first request with the first word, and so on; the last one stays.
    pub(crate) async fn saying(words: &[Say]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (words, heard_by_server) = (words.to_vec(), Arc::clone(&heard));
        let router = Router::new().fallback(move |request: Request| {
            let (words, heard) = (words.clone(), Arc::clone(&heard_by_server));
            async move {
                let path = request.uri().path().to_owned();
                let turn = {
                    let request = read(request).await;
                    let mut heard = heard.lock().unwrap();
                    heard.push(request);
                    heard.len() - 1
                };
                let word = words.get(turn).or(words.last()).unwrap();
                answer(word, &path).await
            }
        });
        let stop = CancellationToken::new();
        TaskTracker::new().spawn(
            stop.clone()
                .run_until_cancelled_owned(async move { axum::serve(listener, router).await }),
        );
        Self {
            address,
            heard,
            _stop: stop.drop_guard(),
        }
    }

    /// The address of a hook, whose path nobody else may learn.
    pub(crate) fn hook(&self) -> String {
        format!("http://me:hunter2@{}/hunter2?key=hunter2", self.address)
    }

    /// What of the address may be shown.
    pub(crate) fn shown(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns every request so far, in the order in which they came.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn read(request: Request) -> Heard {
    let (parts, body) = request.into_parts();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    Heard {
        call: format!("{} {}", parts.method, parts.uri),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: String::from_utf8(axum::body::to_bytes(body, 1 << 24).await.unwrap().to_vec())
            .unwrap(),
    }
}

async fn answer(word: &Say, path: &str) -> Response<Body> {
    let (status, location, body) = match word {
        Say::Status(status) => (*status, None, Body::from(format!("Cannot POST {path}"))),
        Say::Moved(status, to) => (*status, Some(to), Body::empty()),
        Say::Endlessly => {
            let blanks = Bytes::from(vec![b' '; 1 << 20]);
            let endless = stream::repeat_with(move || Ok::<_, Infallible>(blanks.clone()));
            (200, None, Body::from_stream(endless))
        }
        Say::Nothing => std::future::pending().await,
        Say::Together(barrier) => {
            tokio::time::timeout(PATIENCE, barrier.wait())
                .await
                .unwrap();
            (204, None, Body::empty())
        }
    };
    let mut response = Response::builder().status(status);
    if let Some(to) = location {
        response = response.header("Location", to);
    }
    response.body(body).unwrap()
}
