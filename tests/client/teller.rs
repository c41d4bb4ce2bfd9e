//! A TLS server that says what it is told, to the byte: old reason phrases, dropped connections, answers without end.
//!
//! It refuses to know the API. What it heard is kept for the test to read.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) method: String,
    /// Path and query, still encoded.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Number of the connection, from 1.
    pub(crate) connection: usize,
    /// Number of the request on its connection, from 1.
    pub(crate) turn: usize,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What is said to a request.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// These bytes; the connection stays open.
    Bytes(Vec<u8>),
    /// These bytes, and then no more.
    Last(Vec<u8>),
    /// Nothing: the connection is closed.
    HangUp,
    /// The head of a success, and then blanks for as long as anybody listens.
    Endlessly,
}

impl Say {
    /// An answer with this status line and body.
    pub(crate) fn answer(status: &str, body: &str) -> Self {
        Self::Bytes(written(
            status,
            &[("Content-Type", "application/json;charset=UTF-8")],
            body,
        ))
    }

    /// A success with this value under `data`.
    pub(crate) fn data(value: &str) -> Self {
        Self::answer("200 OK", &format!("{{\"data\":{value}}}"))
    }
}

/// Writes an answer as HTTP/1.1 has it.
pub(crate) fn written(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len().to_string();
    let mut lines = vec![format!("HTTP/1.1 {status}")];
    for (name, value) in headers.iter().chain(&[("Content-Length", length.as_str())]) {
        lines.push(format!("{name}: {value}"));
    }
    let mut bytes = format!("{}\r\n\r\n", lines.join("\r\n")).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A running server; dropping it stops it.
pub(crate) struct Teller {
    address: SocketAddr,
    fingerprint: [u8; 32],
    heard: Arc<Mutex<Vec<Heard>>>,
    _stop: DropGuard,
}

impl Teller {
    /// Starts a server that answers each request with what the closure says.
    pub(crate) async fn start(say: impl Fn(&Heard) -> Say + Send + Sync + 'static) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let say = Arc::new(say);
        tracker
            .clone()
            .spawn(stop.clone().run_until_cancelled_owned({
                let (heard, stop) = (Arc::clone(&heard), stop.clone());
                async move {
                    let mut connection = 0;
                    while let Ok((stream, _)) = listener.accept().await {
                        connection += 1;
                        let (heard, say) = (Arc::clone(&heard), Arc::clone(&say));
                        let acceptor = acceptor.clone();
                        tracker.spawn(stop.clone().run_until_cancelled_owned(async move {
                            // A client that does not trust the certificate goes away; that is its right.
                            serve(stream, acceptor, connection, &heard, &*say).await
                        }));
                    }
                }
            }));
        Self {
            address,
            fingerprint: Sha256::digest(cert.der()).into(),
            heard,
            _stop: stop.drop_guard(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Returns every request so far, in the order in which they came.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

/// Serves one connection until it ends.
async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    connection: usize,
    heard: &Mutex<Vec<Heard>>,
    say: &(dyn Fn(&Heard) -> Say + Send + Sync),
) -> Option<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await.ok()?);
    for turn in 1.. {
        let mut request = head(&mut stream, connection, turn).await?;
        let length = request.header("content-length");
        let length = length.map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        request.body = String::from_utf8(body).unwrap();
        heard.lock().unwrap().push(request.clone());
        match say(&request) {
            Say::Bytes(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.flush().await.ok()?;
            }
            Say::Last(bytes) => {
                stream.write_all(&bytes).await.ok()?;
                stream.shutdown().await.ok()?;
                return None;
            }
            Say::HangUp => return None,
            Say::Endlessly => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                    .await
                    .ok()?;
                let blanks = vec![b' '; 1 << 20];
                loop {
                    stream.write_all(&blanks).await.ok()?;
                }
            }
        }
    }
    None
}

async fn head(
    stream: &mut (impl AsyncBufReadExt + Unpin),
    connection: usize,
    turn: usize,
) -> Option<Heard> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let mut words = lines.first()?.split(' ');
    Some(Heard {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        headers: lines[1..]
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
        body: String::new(),
        connection,
        turn,
    })
}
