//! Holds the client against recorded answers of a real server and against the schema of its API.
//!
//! The folder is `PROXDECK_CONTRACT_DIR`, by default `../shared/pve` beside the crate: a schema and recorded
//! exchanges, whatever they are called. Where it is absent the tests say so and pass, unless
//! `PROXDECK_REQUIRE_CONTRACT=1`. Every recorded answer to a call that the client makes is sent to it again, to the
//! byte, by a server of the test; what the client asked is held against the schema. It refuses to name a recording:
//! new ones are found by their paths.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the tests of the client make it misbehave; here it only repeats"
)]
#[path = "client/teller.rs"]
mod teller;

#[path = "contract/calls.rs"]
mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use proxdeck::domain::failure::FailureKind;
use proxdeck::proxmox::{Client, Connection, Credentials, Fingerprint, Trust};
use serde_json::Value;

use calls::{ANSWERED_BY_REFUSALS, CALLS, Call, Understood, Values, decoded};
use teller::{Heard, Say, Teller, written};

/// A recorded answer, with what was asked.
struct Recording {
    file: String,
    method: String,
    path: String,
    /// What was asked beside the path.
    query: BTreeMap<String, String>,
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    raw: Vec<u8>,
    body: Value,
}

impl Recording {
    fn read(file: &Path, document: &Value) -> Option<Self> {
        let (request, response) = (&document["request"], &document["response"]);
        // Behind some answers stood no server but something that took its place.
        let note = document["note"].as_str().unwrap_or_default();
        if note.contains("stand-in") && response["status"] == 200 {
            return None;
        }
        let path = request["path"].as_str()?.strip_prefix("/api2/json")?;
        let raw = match (&response["raw_body"], &response["raw_body_hex"]) {
            (Value::String(text), _) => text.clone().into_bytes(),
            (_, Value::String(digits)) => bytes(digits)?,
            _ => return None,
        };
        let headers = response["headers"].as_array()?;
        Some(Self {
            file: file.file_name()?.to_str()?.to_owned(),
            method: request["method"].as_str()?.to_owned(),
            path: path.split('?').next()?.to_owned(),
            query: request["query"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
            status: u16::try_from(response["status"].as_u64()?).ok()?,
            reason: response["reason"].as_str()?.to_owned(),
            headers: headers
                .iter()
                .filter_map(|header| {
                    Some((
                        header[0].as_str()?.to_owned(),
                        header[1].as_str()?.to_owned(),
                    ))
                })
                .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
                .collect(),
            // What came packed was not taken apart by whoever recorded it.
            body: if response["body"].is_null() {
                serde_json::from_slice(&raw).unwrap_or_default()
            } else {
                response["body"].clone()
            },
            raw,
        })
    }

    /// The answer as it came.
    fn say(&self) -> Say {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Say::Bytes(written(
            &format!("{} {}", self.status, self.reason),
            &headers,
            &self.raw,
        ))
    }

    /// The words that a person should read.
    fn text(&self) -> String {
        let message = self.body["message"].as_str().unwrap_or_default().trim_end();
        let words = if message.is_empty() {
            self.reason.trim_end()
        } else {
            message
        };
        words.to_owned()
    }

    /// The kind of failure that these words and this status are.
    fn kind(&self) -> FailureKind {
        let text = self.text();
        match self.status {
            400 => FailureKind::Rejected,
            401 => FailureKind::AuthenticationFailed,
            403 => FailureKind::Forbidden,
            501 => FailureKind::NotImplemented,
            595..=599 => FailureKind::NodeUnreachable,
            500 if text.ends_with(".conf' does not exist") => FailureKind::NoSuchGuest,
            500 if text.starts_with("unable to find configuration file for ") => {
                FailureKind::NoSuchGuest
            }
            500 if text.contains(" is locked (") => FailureKind::Locked,
            500 if text.contains("can't lock file") => FailureKind::Busy,
            500 if text.contains("checksum mismatch")
                || text.contains("modified configuration") =>
            {
                FailureKind::Conflict
            }
            500 => FailureKind::Server,
            status => panic!("{}: what is a {status}?", self.file),
        }
    }

    fn assert_understood(&self, call: &Call, outcome: Understood) {
        let file = &self.file;
        if self.status == 400 && ANSWERED_BY_REFUSALS.contains(&call.function) {
            assert!(outcome.is_ok(), "{file}: {outcome:?}");
            return;
        }
        if self.status == 200 {
            let rows = outcome.unwrap_or_else(|error| panic!("{file}: {error}"));
            let recorded = self.body["data"].as_array();
            if let Some(rows) = rows {
                let wanted = recorded.map_or(1, |recorded| {
                    recorded.iter().filter(|row| (call.counts)(row)).count()
                });
                assert_eq!(
                    rows, wanted,
                    "{file}: rows that were understood and rows that came"
                );
            }
            return;
        }
        let error = outcome.expect_err(file);
        assert_eq!(error.status(), Some(self.status), "{file}");
        assert_eq!(error.kind(), self.kind(), "{file}: {error}");
        assert_eq!(error.text().raw().trim_end(), self.text(), "{file}");
        let fields: BTreeSet<&str> = error
            .fields()
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let recorded: BTreeSet<&str> = self.body["errors"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(fields, recorded, "{file}: refused parameters");
        let may_have_begun = self.method != "GET" && self.status > 595;
        assert_eq!(error.outcome_unknown(), may_have_begun, "{file}");
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// The recorded world: exchanges, and the schema's calls by method and path.
struct Contract {
    recordings: Vec<Recording>,
    schema: BTreeMap<(String, String), Value>,
}

impl Contract {
    /// Reads the folder; nothing where there is none and none is demanded.
    fn read() -> Option<Self> {
        let variable = |wanted: &str| {
            let found = std::env::vars_os().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value)
        };
        let folder = variable("PROXDECK_CONTRACT_DIR").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pve"),
            PathBuf::from,
        );
        if !folder.is_dir() {
            let is_required =
                variable("PROXDECK_REQUIRE_CONTRACT").is_some_and(|value| value == "1");
            assert!(
                !is_required,
                "the contract is required, and {} is no folder",
                folder.display()
            );
            println!(
                "skipped: there is no folder {} to hold the client against",
                folder.display()
            );
            return None;
        }
        let mut contract = Self {
            recordings: Vec::new(),
            schema: BTreeMap::new(),
        };
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "json")
                {
                    contract.add(
                        &path,
                        &serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
                    );
                }
            }
        }
        assert!(!contract.recordings.is_empty() && !contract.schema.is_empty());
        Some(contract)
    }

    fn add(&mut self, file: &Path, document: &Value) {
        for call in document["endpoints"].as_array().into_iter().flatten() {
            let text = |name: &str| call[name].as_str().unwrap().to_owned();
            self.schema
                .insert((text("method"), text("path")), call.clone());
        }
        self.recordings.extend(Recording::read(file, document));
    }

    /// Asserts that the schema has this call with these parameters.
    fn assert_known(&self, heard: &Heard, template: &str, values: &Values) {
        let (path, query) = heard.target.split_once('?').unwrap_or((&heard.target, ""));
        let path = path.strip_prefix("/api2/json").unwrap();
        assert!(
            Values::of(template, path).is_some(),
            "{} is not {template}",
            heard.target
        );
        // A container's firewall has the calls of a machine's, of which the schema has more.
        let kind = match values.get("kind") {
            Some(_) if template.contains("/firewall") => "qemu",
            kind => kind.unwrap_or_default(),
        };
        let named = template.replace("{kind}", kind);
        let call = (heard.method.clone(), named);
        let Some(schema) = self.schema.get(&call) else {
            // The schema is a part of the whole; a recorded success is as good a witness.
            let is_recorded = self.recordings.iter().any(|recording| {
                (recording.status, &recording.method) == (200, &call.0)
                    && Values::of(&call.1, &recording.path).is_some()
            });
            assert!(is_recorded, "neither schema nor recordings have {call:?}");
            return;
        };
        let sent: BTreeSet<String> = [query, heard.body.as_str()]
            .iter()
            .flat_map(|pairs| pairs.split('&'))
            .filter(|pair| !pair.is_empty())
            .map(|pair| decoded(pair.split('=').next().unwrap()))
            .collect();
        for parameter in &sent {
            // Of numbered options the schema has one with `[n]` for the number.
            let stem = parameter.trim_end_matches(|c: char| c.is_ascii_digit());
            let is_known = [parameter.clone(), format!("{stem}[n]")]
                .iter()
                .any(|name| !schema["parameters"][name].is_null());
            assert!(
                is_known,
                "{call:?} has no parameter {parameter:?} in the schema"
            );
        }
        for (name, parameter) in schema["parameters"].as_object().into_iter().flatten() {
            let is_given = sent.contains(name) || template.contains(&format!("{{{name}}}"));
            assert!(
                is_given || parameter["optional"] == 1,
                "{call:?} needs {name:?}"
            );
        }
    }
}

/// A server that repeats what it is given, and remembers what it was asked.
struct Replay {
    teller: Teller,
    next: Arc<Mutex<Say>>,
}

impl Replay {
    async fn start() -> Self {
        let next = Arc::new(Mutex::new(Say::HangUp));
        let said = Arc::clone(&next);
        Self {
            teller: Teller::start(move |_| said.lock().unwrap().clone()).await,
            next,
        }
    }

    /// A client that has seen nothing yet.
    fn client(&self, credentials: Credentials) -> Client {
        Client::new(Connection {
            endpoints: vec![self.teller.url()],
            trust: Trust::Pins(vec![Fingerprint::new(self.teller.fingerprint())]),
            credentials,
        })
        .unwrap()
    }

    /// Makes a call to which this is said; returns what came of it and the request.
    async fn ask(&self, call: &Call, values: &Values, say: Say) -> Option<(Understood, Heard)> {
        *self.next.lock().unwrap() = say;
        let before = self.teller.heard().len();
        let client = self.client(Credentials::Token {
            id: "hub@pve!deck".to_owned(),
            secret: "secret".to_owned().into(),
        });
        let outcome = (call.make)(client, values)?.await;
        let mut heard = self.teller.heard().split_off(before);
        assert_eq!(heard.len(), 1, "one call is one request: {heard:?}");
        Some((outcome, heard.remove(0)))
    }
}

#[tokio::test]
async fn the_client_understands_every_recorded_answer() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    for call in CALLS {
        let (mut successes, mut failures, mut foreign) = (0, 0, Vec::new());
        for recording in &contract.recordings {
            let Some(mut values) = Values::of(call.template, &recording.path) else {
                continue;
            };
            for (name, value) in &recording.query {
                values
                    .0
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
            if recording.method != call.method {
                continue;
            }
            let Some((outcome, heard)) = replay.ask(call, &values, recording.say()).await else {
                foreign.push(recording.file.as_str());
                continue;
            };
            let asked = decoded(heard.target.split('?').next().unwrap());
            assert_eq!(asked, format!("/api2/json{}", decoded(&recording.path)));
            contract.assert_known(&heard, call.template, &values);
            recording.assert_understood(call, outcome);
            *(if recording.status == 200 {
                &mut successes
            } else {
                &mut failures
            }) += 1;
        }
        println!(
            "{:26} {successes:3} successes, {failures:3} failures  {} {}",
            call.function, call.method, call.template
        );
        if !foreign.is_empty() {
            println!(
                "{:26} the client has no words for what was asked in {foreign:?}",
                ""
            );
        }
        assert!(
            successes + failures > 0 || foreign.is_empty(),
            "no recorded answer could be put to {}, though there are some",
            call.function
        );
    }
}

/// The figures come as rows within an object, which the table cannot count.
#[tokio::test]
async fn every_exported_figure_of_a_guest_finds_its_point() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    let mut seen = 0;
    for recording in &contract.recordings {
        if recording.path != "/cluster/metrics/export" || recording.status != 200 {
            continue;
        }
        let rows = recording.body["data"]["data"].as_array().unwrap();
        let guests = rows.iter().filter(|row| {
            let id = row["id"].as_str().unwrap();
            id.starts_with("qemu/") || id.starts_with("lxc/")
        });
        let moments: BTreeSet<(&str, u64)> = guests
            .map(|row| {
                (
                    row["id"].as_str().unwrap(),
                    row["timestamp"].as_u64().unwrap(),
                )
            })
            .collect();
        *replay.next.lock().unwrap() = recording.say();
        let client = replay.client(Credentials::Token {
            id: "hub@pve!deck".to_owned(),
            secret: "secret".to_owned().into(),
        });
        let metrics = client.cluster().metrics_history(None).await.unwrap();
        let points: usize = metrics.iter().map(|(_, _, points)| points.len()).sum();
        assert_eq!(points, moments.len(), "{}", recording.file);
        seen += points;
    }
    assert!(seen > 0, "a contract without exported figures");
}

#[tokio::test]
async fn the_client_understands_every_recorded_login() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let mut checked = 0;
    for recording in &contract.recordings {
        if (recording.method.as_str(), recording.path.as_str()) != ("POST", "/access/ticket") {
            continue;
        }
        let say = recording.say();
        let teller = Teller::start(move |heard| match heard.method.as_str() {
            "POST" => say.clone(),
            _ => Say::data("{\"version\":\"9.2\"}"),
        })
        .await;
        let replay = Replay {
            teller,
            next: Arc::new(Mutex::new(Say::HangUp)),
        };
        let client = replay.client(Credentials::Password {
            user: "hub@pve".to_owned(),
            password: "secret".to_owned().into(),
        });
        let outcome = client.access().version().await;
        let heard = replay.teller.heard();
        contract.assert_known(&heard[0], "/access/ticket", &Values::default());
        let file = &recording.file;
        if recording.status != 200 {
            let error = outcome.expect_err(file);
            assert_eq!(
                (error.kind(), error.text().raw().trim_end()),
                (recording.kind(), recording.text().as_str())
            );
            assert_eq!(
                heard.len(),
                1,
                "{file}: who was refused asks for nothing else"
            );
        } else if recording.body["data"]["NeedTFA"] == 1 {
            assert_eq!(
                outcome.expect_err(file).kind(),
                FailureKind::SecondFactorRequired,
                "{file}"
            );
            assert_eq!(heard.len(), 1, "{file}: half a ticket opens nothing");
        } else {
            outcome.expect(file);
            let ticket = recording.body["data"]["ticket"].as_str().unwrap();
            let cookie = heard[1].header("cookie").map(decoded);
            assert_eq!(cookie, Some(format!("PVEAuthCookie={ticket}")), "{file}");
        }
        checked += 1;
    }
    println!("{checked} logins");
    assert!(checked > 0, "a contract without a login");
}

#[tokio::test]
async fn every_call_of_the_client_is_in_the_schema() {
    let Some(contract) = Contract::read() else {
        return;
    };
    let replay = Replay::start().await;
    for call in CALLS {
        let kinds: &[&str] = if call.template.contains("{kind}") {
            &["qemu", "lxc"]
        } else {
            &["qemu"]
        };
        for &kind in kinds {
            let mut values = Values::sample();
            values.0.insert("kind".to_owned(), kind.to_owned());
            let refusal = Say::answer("500 no", "");
            let (_, heard) = replay.ask(call, &values, refusal).await.unwrap();
            assert_eq!(heard.method, call.method, "{}", call.function);
            contract.assert_known(&heard, call.template, &values);
        }
    }
}

/// A call that is not in the table would be held against nothing.
#[test]
fn every_call_of_the_client_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proxmox/endpoints");
    let mut functions = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let area = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        functions.extend(
            source
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("pub async fn "))
                .map(|rest| format!("{area}::{}", rest.split(['(', '<']).next().unwrap())),
        );
    }
    let table: BTreeSet<String> = CALLS.iter().map(|call| call.function.to_owned()).collect();
    assert_eq!(
        functions, table,
        "left: the client's calls, right: CALLS in tests/contract.rs"
    );
}
