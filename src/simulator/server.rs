//! The wire: TCP, TLS, HTTP/1.1 and its limits, as the real proxy daemon keeps them.
//!
//! Refuses to understand calls; `gate` does. What a client may not do on the wire is refused here.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::Core;
use super::faults::Trouble;
use super::gate::answer::Failure;
use super::gate::authentication::Credentials;
use super::gate::{self, Outcome, Request};
use super::hostile::twist;

/// How long an idle connection stays open; this is the wire, so no speed shortens it.
const IDLE: Duration = Duration::from_secs(5);
const REQUESTS_A_CONNECTION: u32 = 100;
const LARGEST_BODY: usize = 512 * 1024;
/// Answers above this are compressed when the client likes that.
const COMPRESS_ABOVE: usize = 1024;

type HttpResponse = hyper::Response<Full<Bytes>>;

/// The connection is cut instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection cut on purpose")]
struct Cut;

/// Takes connections until told to stop.
pub(super) async fn listen(core: Arc<Core>, listener: TcpListener, acceptor: TlsAcceptor) {
    loop {
        let accepted = tokio::select! {
            () = core.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely; asking again at once would only burn the processor.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if core.faults.for_connection() {
            refuse(stream);
            continue;
        }
        let (own, acceptor, stop) = (Arc::clone(&core), acceptor.clone(), core.stop.clone());
        core.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection(own, stream, acceptor) => {}
            }
        });
    }
}

/// Closes a connection with a reset, as a port without a listener would.
fn refuse(stream: TcpStream) {
    // Without lingering the kernel answers with RST; failing that it is closed in the ordinary way.
    let _ = stream.set_zero_linger();
    drop(stream);
}

async fn connection(core: Arc<Core>, stream: TcpStream, acceptor: TlsAcceptor) {
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    match tokio::time::timeout(IDLE, stream.peek(&mut first)).await {
        Ok(Ok(1)) => {}
        Ok(_) | Err(_) => return,
    }
    if first[0] != 0x16 {
        redirect(&core, stream).await;
        return;
    }
    core.wardrobe.swap(core.faults.certificate_is_swapped());
    let Ok(Ok(stream)) = tokio::time::timeout(IDLE, acceptor.accept(stream)).await else {
        return;
    };
    let served = Arc::new(AtomicU32::new(0));
    let service = hyper::service::service_fn(move |request| {
        let (core, served) = (Arc::clone(&core), Arc::clone(&served));
        async move { serve(core, request, served.fetch_add(1, Ordering::Relaxed) + 1).await }
    });
    // An error here is a client that went away or a cut on purpose; there is nobody to tell.
    let _ = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Tells a client that speaks plain HTTP where to go.
async fn redirect(core: &Core, mut stream: TcpStream) {
    let mut buffer = vec![0; 8192];
    let read = tokio::time::timeout(
        IDLE,
        tokio::io::AsyncReadExt::read(&mut stream, &mut buffer),
    )
    .await;
    let Ok(Ok(length)) = read else { return };
    let text = String::from_utf8_lossy(&buffer[..length]);
    let mut words = text.split_ascii_whitespace();
    let method = words.next().unwrap_or("GET");
    let path = words.next().unwrap_or("/");
    let host = text
        .lines()
        .find_map(|line| {
            line.split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("host"))
        })
        .map_or_else(
            || core.address.to_string(),
            |(_, host)| host.trim().to_owned(),
        );
    let (status, reason) = if method == "GET" {
        (301, "Moved Permanently")
    } else {
        (308, "Permanent Redirect")
    };
    let answer = format!(
        "HTTP/1.1 {status} {reason}\r\nLocation: https://{host}{path}\r\nDate: {}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
        core.clock.date_header()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn serve(
    core: Arc<Core>,
    request: hyper::Request<Incoming>,
    number: u32,
) -> Result<HttpResponse, Cut> {
    core.clock.set_skew(core.faults.clock_skew());
    let method = request.method().as_str().to_owned();
    let raw_path = request.uri().path().to_owned();
    let query = pairs(request.uri().query().unwrap_or(""));
    let path = decode(&raw_path, false);
    let api = path
        .strip_prefix("/api2/json")
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let shown = api
        .map_or(
            path.as_str(),
            |rest| if rest.is_empty() { "/" } else { rest },
        )
        .to_owned();
    let sequence = core.journal.open(&method, &shown, &query);
    let compress = wants_gzip(request.headers());
    let troubles = core.faults.for_request(&method, &shown);
    before(&core, &troubles).await?;

    let (protected, result) = match read(request, &method, query, &shown, &core, sequence).await {
        Err(failure) => (false, Err(failure)),
        Ok(_) if api.is_none() => (false, Err(Failure::transport(404, "no such file"))),
        Ok(request) => {
            let Outcome {
                result,
                user,
                protected,
            } = gate::pass(&core, request, &troubles).await;
            core.journal.identify(sequence, user);
            (protected, result)
        }
    };
    if troubles.contains(&Trouble::ResetAfter) {
        return Err(Cut);
    }
    let written = Written::of(result, protected);
    core.journal.answered(sequence, written.status);
    Ok(respond(&core, spoil(written, &troubles), number, compress))
}

/// Lets faults strike that come before the request is looked at.
async fn before(core: &Core, troubles: &[Trouble]) -> Result<(), Cut> {
    for trouble in troubles {
        match trouble {
            Trouble::Wait(pause) => tokio::time::sleep(*pause).await,
            Trouble::Stall => {
                core.stop.cancelled().await;
                return Err(Cut);
            }
            Trouble::ResetBefore => return Err(Cut),
            Trouble::ResetAfter
            | Trouble::Refuse(_)
            | Trouble::Truncate
            | Trouble::Malform
            | Trouble::Twist(_) => {}
        }
    }
    Ok(())
}

/// Reads the body and checks what the transport does not allow.
async fn read(
    request: hyper::Request<Incoming>,
    method: &str,
    query: Vec<(String, String)>,
    path: &str,
    core: &Core,
    sequence: u64,
) -> Result<Request, Failure> {
    if !matches!(method, "GET" | "POST" | "PUT" | "DELETE") {
        return Err(Failure::transport(
            501,
            &format!("method '{method}' not available"),
        ));
    }
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    if header("transfer-encoding")
        .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
    {
        return Err(Failure::transport(
            501,
            "chunked transfer encoding not supported",
        ));
    }
    let length: usize = header("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if length > LARGEST_BODY {
        return Err(Failure::transport(501, "for data too large"));
    }
    if length > 0 && matches!(method, "GET" | "DELETE") {
        return Err(Failure::transport(
            501,
            &format!("Unexpected content for method '{method}'"),
        ));
    }
    let kind = header("content-type").unwrap_or_default();
    let credentials = Credentials {
        cookie: header("cookie").and_then(|cookies| ticket_of(&cookies)),
        authorization: header("authorization"),
        csrf: header("csrfpreventiontoken"),
    };
    let body = Limited::new(request.into_body(), LARGEST_BODY)
        .collect()
        .await;
    let body = body
        .map_err(|_| Failure::transport(501, "for data too large"))?
        .to_bytes();
    let form = form(&kind, &body)?;
    core.journal.describe(sequence, &form);
    // Parameters in the query win over those in the body.
    let mut parameters: Vec<(String, String)> = form
        .into_iter()
        .filter(|(name, _)| !query.iter().any(|(key, _)| key == name))
        .collect();
    parameters.extend(query);
    Ok(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        parameters,
        credentials,
    })
}

fn form(kind: &str, body: &[u8]) -> Result<Vec<(String, String)>, Failure> {
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let text = String::from_utf8_lossy(body);
    match kind.split(';').next().unwrap_or("").trim() {
        "" | "application/x-www-form-urlencoded" => Ok(pairs(&text)),
        "application/json" => {
            let value: serde_json::Value = serde_json::from_str(&text)
                .map_err(|_| Failure::transport(400, "unable to decode JSON body"))?;
            let serde_json::Value::Object(object) = value else {
                return Ok(Vec::new());
            };
            Ok(object
                .into_iter()
                .flat_map(|(name, value)| flatten(&name, value))
                .collect())
        }
        other => Err(Failure::transport(
            506,
            &format!("upload '{other}' not supported"),
        )),
    }
}

fn flatten(name: &str, value: serde_json::Value) -> Vec<(String, String)> {
    match value {
        serde_json::Value::Null => Vec::new(),
        serde_json::Value::Bool(flag) => vec![(name.to_owned(), u8::from(flag).to_string())],
        serde_json::Value::Number(number) => vec![(name.to_owned(), number.to_string())],
        serde_json::Value::String(text) => vec![(name.to_owned(), text)],
        serde_json::Value::Array(values) => values
            .into_iter()
            .flat_map(|value| flatten(name, value))
            .collect(),
        serde_json::Value::Object(_) => vec![(name.to_owned(), value.to_string())],
    }
}

/// Splits form data at `&` and `;`, and keeps of each value only what stands before a second `=`.
fn pairs(text: &str) -> Vec<(String, String)> {
    text.split(['&', ';'])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mut pieces = part.split('=');
            let name = decode(pieces.next().unwrap_or(""), true);
            (name, decode(pieces.next().unwrap_or(""), true))
        })
        .collect()
}

/// Undoes percent-encoding, and in forms the plus sign that stands for a blank.
pub(super) fn decode(text: &str, form: bool) -> String {
    let text = if form {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}

fn ticket_of(cookies: &str) -> Option<String> {
    cookies.split(';').find_map(|cookie| {
        cookie
            .trim()
            .strip_prefix("PVEAuthCookie=")
            .map(|text| decode(text, false))
    })
}

fn wants_gzip(headers: &HeaderMap) -> bool {
    headers
        .get("accept-encoding")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"))
}

/// An answer before it is put on the wire.
#[derive(Debug)]
struct Written {
    status: u16,
    reason: Option<String>,
    body: String,
    protected: bool,
}

impl Written {
    fn of(result: Result<super::gate::answer::Reply, Failure>, protected: bool) -> Self {
        match result {
            Ok(reply) => Self {
                status: 200,
                reason: None,
                body: reply.into_body(),
                protected,
            },
            Err(failure) => Self {
                status: failure.status,
                reason: Some(failure.reason().to_owned()),
                body: failure.into_body(),
                protected,
            },
        }
    }
}

/// Lets faults strike that damage the answer.
fn spoil(mut written: Written, troubles: &[Trouble]) -> Written {
    if troubles.contains(&Trouble::Truncate) {
        let mut half = written.body.len() / 2;
        while !written.body.is_char_boundary(half) {
            half -= 1;
        }
        written.body.truncate(half);
    }
    if troubles.contains(&Trouble::Malform) {
        written.body = format!("<html>{}", written.body);
    }
    for trouble in troubles {
        if let Trouble::Twist(seed) = trouble {
            written.body = twist(&written.body, *seed);
            // The phrase of a status line may hold whatever lies above ASCII: `U+009B` begins an escape, too.
            written.reason = written.reason.map(|reason| format!("\u{9b}31m{reason}"));
        }
    }
    written
}

fn respond(core: &Core, written: Written, number: u32, compress: bool) -> HttpResponse {
    let mut bytes = written.body.into_bytes();
    let mut headers = HeaderMap::new();
    let set = |headers: &mut HeaderMap, name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    let last = written.status >= 400 || number >= REQUESTS_A_CONNECTION;
    if last || written.protected {
        set(&mut headers, "connection", "close");
    }
    if !last {
        set(&mut headers, "connection", "Keep-Alive");
    }
    set(&mut headers, "cache-control", "max-age=0");
    set(&mut headers, "pragma", "no-cache");
    set(&mut headers, "server", "pve-api-daemon/3.0");
    set(&mut headers, "date", &core.clock.date_header());
    if !bytes.is_empty() {
        set(
            &mut headers,
            "content-type",
            "application/json;charset=UTF-8",
        );
    }
    if compress && bytes.len() > COMPRESS_ABOVE && written.status == 200 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        if encoder.write_all(&bytes).is_ok()
            && let Ok(packed) = encoder.finish()
        {
            bytes = packed;
            set(&mut headers, "content-encoding", "gzip");
        }
    }
    let mut response = HttpResponse::new(Full::new(Bytes::from(bytes)));
    *response.headers_mut() = headers;
    *response.status_mut() = hyper::StatusCode::from_u16(written.status)
        .unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(reason) = written.reason
        && let Ok(phrase) = ReasonPhrase::try_from(reason.into_bytes())
    {
        response.extensions_mut().insert(phrase);
    }
    response
}
