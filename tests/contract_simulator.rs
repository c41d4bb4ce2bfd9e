//! Holds the simulator against recorded answers of a real server and against the schema.
//!
//! The folder is `PROXDECK_CONTRACT_DIR`, by default `../shared/pve` beside the crate: a schema file and a folder of
//! recordings, one exchange a file, whatever they are called. Where the folder is absent the tests say so and pass,
//! unless `PROXDECK_REQUIRE_CONTRACT=1`. It refuses to compare values, only which fields there are and of which type.
//!
//! Optional fields: a field that some recorded answer (or some recorded row of the same list) of a route lacks is
//! optional, so the simulator may leave it out; a field that all of them have must be there. A field that no recording
//! of the route has is refused, unless the schema's description of the result has it or `BEYOND` gives a reason.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "in a test a failed assumption is a failed test, and a skipped one says so"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proxdeck::simulator::{Options, Scenario, Simulator};
use reqwest::{Client, Method};
use serde_json::Value;

/// Fields that a real server has though no recording of the route shows them: part of the route, field, reason.
const BEYOND: [(&str, &str, &str); 12] = [
    (
        "",
        ".blockstat",
        "a machine with disks in use; the recorded machines had an old monitor",
    ),
    (
        "",
        ".balloon",
        "a guest whose balloon driver reports; the recorded guests had no system",
    ),
    ("", ".freemem", "as the balloon"),
    (
        "",
        ".running-",
        "versions of the running process, which the recorded monitor did not know",
    ),
    (
        "",
        ".nics",
        "any look at a running machine with a card; the recorded lists had none",
    ),
    (
        "/access/ticket",
        ".clustername",
        "logins to a named cluster; the recorded server stood alone",
    ),
    (
        "/access/ticket",
        ".cap.",
        "which privileges there are depends on who logs in",
    ),
    (
        "/rrddata",
        ".disk",
        "rates of disks; the recorded guests ran without acceleration and without them",
    ),
    (
        "/storage",
        ".shared",
        "a storage that nodes share; the recorded ones were local",
    ),
    (
        "/interfaces",
        "",
        "a running container; the recorded ones never ran",
    ),
    (
        "/storage",
        ".vgname",
        "an LVM-thin storage; the recorded server had none that worked",
    ),
    ("/storage", ".thinpool", "as the volume group"),
];

/// Routes that list only what somebody set, so that nothing need be there though all recordings have it.
const ONLY_WHAT_WAS_SET: [&str; 1] = ["/firewall/options"];

/// Calls that neither the schema at hand nor a recording has, and who asks for them.
const ASKED_BY_OTHERS: [&str; 2] = [
    // Exporters and backup reports; a cluster answers the first, and one with corosync the second.
    "/cluster/backup-info/not-backed-up",
    "/cluster/config/qdevice",
];

fn folder() -> Option<PathBuf> {
    let named = std::env::vars_os()
        .find(|(name, _)| name == "PROXDECK_CONTRACT_DIR")
        .map(|(_, value)| value.into());
    let folder =
        named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pve"));
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::vars_os()
        .any(|(name, value)| name == "PROXDECK_REQUIRE_CONTRACT" && value == "1");
    assert!(
        !required,
        "the contract is required, but there is no folder {}",
        folder.display()
    );
    println!(
        "skipped: there is no folder {} to hold the simulator against",
        folder.display()
    );
    None
}

/// Reads every JSON file below a folder.
fn documents(folder: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
        .collect()
}

/// The schema's calls by (method, path).
fn schema(documents: &[Value]) -> BTreeMap<(String, String), Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    documents
        .iter()
        .filter_map(|document| document["endpoints"].as_array())
        .flatten()
        .map(|call| ((text(&call["method"]), text(&call["path"])), call.clone()))
        .collect()
}

struct Exchange {
    method: String,
    path: String,
    route: String,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
    json: Option<String>,
    anonymous: bool,
    status: u16,
    body: Value,
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    value.as_object().map_or_else(Vec::new, |object| {
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        object
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    })
}

/// Returns the recorded exchanges of routes that the simulator serves.
fn exchanges(documents: &[Value], routes: &[(String, String)]) -> Vec<Exchange> {
    documents
        .iter()
        .filter(|document| {
            document["request"].is_object() && document["response"]["body"] != Value::Null
        })
        // Some answers came from a stand-in for another node, not from a real server.
        .filter(|document| {
            !document["note"]
                .as_str()
                .is_some_and(|note| note.contains("stand-in"))
        })
        .filter_map(|document| {
            let request = &document["request"];
            let method = request["method"].as_str()?.to_owned();
            let path = request["path"].as_str()?.strip_prefix("/api2/json")?;
            let path = path.split('?').next()?.to_owned();
            let decoded = percent_encoding::percent_decode_str(&path)
                .decode_utf8()
                .ok()?
                .into_owned();
            let route = routes
                .iter()
                .filter(|(verb, template)| *verb == method && fits(template, &decoded))
                .min_by_key(|(_, template)| template.matches('{').count())?
                .1
                .clone();
            let headers = &request["headers"];
            Some(Exchange {
                method,
                path,
                route,
                query: pairs(&request["query"]),
                form: pairs(&request["form"]),
                json: request["raw_body"]
                    .as_str()
                    .filter(|body| body.starts_with('{'))
                    .map(str::to_owned),
                anonymous: headers.get("Cookie").is_none()
                    && headers.get("Authorization").is_none(),
                status: u16::try_from(document["response"]["status"].as_u64()?).ok()?,
                body: document["response"]["body"].clone(),
            })
        })
        .collect()
}

fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let greedy = template.ends_with("{volume}") || template.ends_with("{cidr}");
    let lengths = wanted.len() == given.len() || (greedy && given.len() > wanted.len());
    lengths
        && wanted
            .iter()
            .zip(&given)
            .all(|(part, word)| part.starts_with('{') || part == word)
}

/// The fields of an answer as `path: type`; keys that are data, such as privileges, count as one.
fn shape(value: &Value, at: &str, fields: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(rows) => {
            for row in rows {
                shape(row, &format!("{at}[]"), fields);
            }
            "array"
        }
        Value::Object(object) => {
            for (key, inner) in object {
                shape(inner, &format!("{at}.{}", field_of(key)), fields);
            }
            "object"
        }
    };
    fields.insert(format!("{at}: {kind}"));
}

/// Returns the field that a key stands for: keys that are data, such as paths and privileges, are all one.
fn field_of(key: &str) -> &str {
    let is_data = key.starts_with('/') || key.starts_with("tap");
    let is_privilege =
        key.contains('.') && key.starts_with(|first: char| first.is_ascii_uppercase());
    if is_data || is_privilege {
        "*"
    } else {
        numberless(key)
    }
}

/// `net0` and `net1` are one field.
fn numberless(key: &str) -> &str {
    let stem = key.trim_end_matches(|letter: char| letter.is_ascii_digit());
    if stem.is_empty() || stem == "dns" {
        key
    } else {
        stem
    }
}

/// Objects inside an answer by place, each as its set of keys, to find what all of them have.
fn objects(value: &Value, at: &str, found: &mut BTreeMap<String, Vec<BTreeSet<String>>>) {
    match value {
        Value::Array(rows) => rows
            .iter()
            .for_each(|row| objects(row, &format!("{at}[]"), found)),
        Value::Object(object) => {
            // Rows of one list may be of several kinds, told apart by `type`.
            let kind = object
                .get("type")
                .and_then(Value::as_str)
                .filter(|_| at == ".data[]")
                .unwrap_or("");
            let place = format!("{at}#{kind}");
            found
                .entry(place)
                .or_default()
                .push(object.keys().map(|key| field_of(key).to_owned()).collect());
            for (key, inner) in object {
                objects(inner, &format!("{at}.{}", field_of(key)), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What the schema says about the result, as names of fields.
fn described(returns: &Value, names: &mut BTreeSet<String>) {
    if let Some(properties) = returns["properties"].as_object() {
        for (name, inner) in properties {
            names.insert(numberless(name.trim_end_matches("[n]")).to_owned());
            described(inner, names);
        }
    }
    if returns["items"].is_object() {
        described(&returns["items"], names);
    }
}

/// A world that has what the recorded requests ask for.
fn world() -> Scenario {
    let mut scenario = Scenario::small();
    scenario.speed = 2000.0;
    let running = scenario
        .guests
        .iter()
        .find(|guest| guest.vmid == 101)
        .unwrap()
        .clone();
    for vmid in [105, 106, 108, 109, 110, 160, 161, 165, 167, 169] {
        let mut guest = running.clone();
        guest.vmid = vmid;
        scenario.guests.push(guest);
    }
    scenario
}

fn client() -> Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .danger_accept_invalid_certs(true)
        .build()
        .unwrap()
}

/// Takes a snapshot and returns the percent-encoded name of the task that did it.
async fn own_task(client: &Client, simulator: &Simulator, token: &str) -> String {
    let url = format!("{}/api2/json/nodes/pve1/qemu/102/snapshot", simulator.url());
    let request = client
        .post(url)
        .header("Authorization", token)
        .form(&[("snapname", "probe")]);
    let answer: Value =
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    let upid = answer["data"].as_str().unwrap().to_owned();
    let deadline = std::time::Duration::from_mins(1);
    let ended = async {
        while simulator
            .world()
            .tasks()
            .iter()
            .any(|task| task.upid == upid && task.status.is_none())
        {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(deadline, ended)
        .await
        .expect("the task ends");
    percent_encoding::utf8_percent_encode(&upid, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn replay(exchange: &Exchange, client: &Client, simulator: &Simulator) -> (u16, Value) {
    let accounts = simulator.accounts();
    let method: Method = exchange.method.parse().unwrap();
    let token = format!(
        "PVEAPIToken={}={}",
        accounts.token_id, accounts.token_secret
    );
    let mut path = exchange.path.clone();
    if let Some(place) = path
        .find("/UPID")
        .filter(|_| path.starts_with("/nodes/pve1/"))
    {
        // The recorded task is not of this world; one of its own stands for it.
        let end = path[place + 1..]
            .find('/')
            .map_or(path.len(), |length| place + 1 + length);
        path.replace_range(place + 1..end, &own_task(client, simulator, &token).await);
    }
    let mut request = client.request(method, format!("{}/api2/json{path}", simulator.url()));
    if !exchange.anonymous {
        request = request.header("Authorization", token);
    }
    request = request.query(&exchange.query);
    let known = |(name, value): &(String, String)| match (name.as_str(), value.as_str()) {
        ("username", "ops@pve") => (name.clone(), accounts.user.clone()),
        ("password", "Ops-Secret-1") => (name.clone(), accounts.password.clone()),
        ("username", "tfa@pve") => (name.clone(), accounts.second_factor_user.clone()),
        ("password", "Tfa-Secret-1") => (name.clone(), accounts.second_factor_password.clone()),
        _ => (name.clone(), value.clone()),
    };
    if let Some(json) = &exchange.json {
        request = request
            .header("Content-Type", "application/json")
            .body(json.clone());
    } else if !exchange.form.is_empty() {
        request = request.form(&exchange.form.iter().map(known).collect::<Vec<_>>());
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text)),
    )
}

/// What recordings show of one route: fields, and the objects that lists and answers consist of.
#[derive(Default)]
struct Shown {
    fields: BTreeSet<String>,
    objects: BTreeMap<String, Vec<BTreeSet<String>>>,
}

/// Everything that successful recorded answers show, by method and route.
fn shown(exchanges: &[Exchange]) -> BTreeMap<(String, String), Shown> {
    let mut all: BTreeMap<(String, String), Shown> = BTreeMap::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.status == 200) {
        let known = all
            .entry((exchange.method.clone(), exchange.route.clone()))
            .or_default();
        shape(&exchange.body, "", &mut known.fields);
        objects(&exchange.body, "", &mut known.objects);
    }
    all
}

/// Fields that the schema describes for a call's answer, and its own parameters, which configurations echo.
fn promised(call: Option<&Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Some(call) = call {
        described(&call["returns"], &mut names);
        if let Some(parameters) = call["parameters"].as_object() {
            names.extend(
                parameters
                    .keys()
                    .map(|name| numberless(name.trim_end_matches("[n]")).to_owned()),
            );
        }
    }
    names
}

/// Says what an answer has that it must not have.
fn surplus(
    exchange: &Exchange,
    body: &Value,
    known: &BTreeSet<String>,
    promised: &BTreeSet<String>,
) -> Vec<String> {
    let mut fields = BTreeSet::new();
    shape(body, "", &mut fields);
    let is_fine = |field: &str| {
        let beyond = BEYOND
            .iter()
            .any(|(route, name, _)| exchange.route.contains(route) && field.contains(name));
        let last = field
            .split(':')
            .next()
            .and_then(|path| path.rsplit('.').next())
            .unwrap_or("");
        beyond || promised.contains(last.trim_end_matches("[]"))
    };
    let strange = fields.difference(known).filter(|field| !is_fine(field));
    strange
        .map(|field| format!("no recording has {field}"))
        .collect()
}

/// Says what an answer lacks that every recorded one has.
fn lacking(exchange: &Exchange, body: &Value, known: &Shown) -> Vec<String> {
    if ONLY_WHAT_WAS_SET
        .iter()
        .any(|end| exchange.route.ends_with(end))
    {
        return Vec::new();
    }
    let mut own = BTreeMap::new();
    objects(body, "", &mut own);
    let mut complaints = Vec::new();
    for (place, mine) in own {
        let Some(recorded) = known.objects.get(&place) else {
            continue;
        };
        let always = recorded
            .iter()
            .skip(1)
            .fold(recorded[0].clone(), |all, one| &all & one);
        for one in mine {
            for field in always.difference(&one).filter(|field| *field != "*") {
                complaints.push(format!("{place} lacks {field}, which every recording has"));
            }
        }
    }
    complaints
}

#[tokio::test]
async fn answers_have_the_recorded_shapes() {
    let Some(folder) = folder() else { return };
    let documents = documents(&folder);
    let schema = schema(&documents);
    let simulator = Simulator::start(Options::new(world())).await.unwrap();
    let exchanges = exchanges(&documents, &simulator.calls());
    simulator.shutdown().await;
    let shown = shown(&exchanges);
    let client = client();
    let mut complaints = BTreeSet::new();
    let mut compared = BTreeSet::new();
    for exchange in &exchanges {
        let simulator = Simulator::start(Options::new(world())).await.unwrap();
        let (status, body) = replay(exchange, &client, &simulator).await;
        drop(simulator);
        let name = format!("{} {}", exchange.method, exchange.route);
        if status != 200 {
            let sound = body == "" || (body["data"].is_null() && body["message"].is_string());
            if !sound {
                complaints.insert(format!(
                    "{name}: the refusal {status} has a body of its own: {body}"
                ));
            }
            continue;
        }
        let key = (exchange.method.clone(), exchange.route.clone());
        let Some(known) = shown.get(&key) else {
            continue;
        };
        // The recorded containers never ran: what machines show while they run vouches for them.
        let twin = shown
            .get(&(
                exchange.method.clone(),
                exchange.route.replace("/lxc", "/qemu"),
            ))
            .unwrap_or(known);
        let fields = &known.fields | &twin.fields;
        let surplus = surplus(exchange, &body, &fields, &promised(schema.get(&key)));
        let found = surplus.into_iter().chain(lacking(exchange, &body, known));
        complaints.extend(found.map(|complaint| format!("{name}: {complaint}")));
        compared.insert(key);
    }
    println!(
        "{} exchanges replayed, {} routes compared",
        exchanges.len(),
        compared.len()
    );
    assert!(
        complaints.is_empty(),
        "{}",
        complaints.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(
        compared.len() >= 80,
        "only {} routes were compared",
        compared.len()
    );
}

/// Puts something sensible into the variables of a path.
fn concrete(template: &str) -> String {
    let vmid = if template.contains("/lxc/") {
        "150"
    } else {
        "101"
    };
    let upid = "UPID%3Apve1%3A00003528%3A00039582%3A6B045F43%3Aqmstop%3A999%3Ahub%40pve%21deck%3A";
    [
        ("{node}", "pve1"),
        ("{vmid}", vmid),
        ("{upid}", upid),
        ("{storage}", "vmstore"),
        ("{snapname}", "s1"),
        ("{poolid}", "lab"),
        ("{userid}", "hub%40pve"),
        ("{tokenid}", "tmp1"),
        ("{volume}", "vmstore%3A101%2Fvm-101-disk-0.qcow2"),
        ("{name}", "peers"),
        ("{cidr}", "192.0.2.1"),
        ("{pos}", "0"),
    ]
    .iter()
    .fold(template.to_owned(), |path, (variable, value)| {
        path.replace(variable, value)
    })
}

/// Returns a value that the schema forbids for a parameter, where it forbids any.
fn forbidden(definition: &Value) -> Option<String> {
    if definition["enum"].is_array() {
        return Some("no-such-choice".into());
    }
    match definition["type"].as_str() {
        Some("boolean") => Some("maybe".into()),
        Some("integer" | "number") => Some("many".into()),
        Some("string") if definition["format"].is_null() && definition["pattern"].is_null() => {
            definition["maxLength"]
                .as_u64()
                .map(|longest| "x".repeat(usize::try_from(longest).unwrap() + 1))
        }
        _ => None,
    }
}

#[tokio::test]
async fn calls_and_parameters_are_the_schemas() {
    let Some(folder) = folder() else { return };
    let documents = documents(&folder);
    let schema = schema(&documents);
    let simulator = Simulator::start(Options::new(world())).await.unwrap();
    let accounts = simulator.accounts();
    let token = format!(
        "PVEAPIToken={}={}",
        accounts.token_id, accounts.token_secret
    );
    let client = client();
    let mut complaints = Vec::new();
    let mut probed = 0;
    for (method, template) in simulator.calls() {
        let twin = template.replace("/lxc/", "/qemu/");
        let Some(call) = schema.get(&(method.clone(), template.clone())) else {
            // Containers' calls are not all in the published part of the schema; their twins or a recording vouch.
            let recorded = !exchanges(&documents, &[(method.clone(), template.clone())]).is_empty();
            let asked = ASKED_BY_OTHERS.contains(&template.as_str());
            if !recorded && !asked && !schema.contains_key(&(method.clone(), twin)) {
                complaints.push(format!(
                    "{method} {template} is neither in the schema nor recorded"
                ));
            }
            continue;
        };
        if call["allowtoken"] == 0 && template != "/access/ticket" {
            continue;
        }
        probed += 1;
        let parameters = call["parameters"].as_object().cloned().unwrap_or_default();
        let in_path = |name: &str| template.contains(&format!("{{{name}}}"));
        let mut sent = vec![("bogus-parameter".to_owned(), "1".to_owned())];
        let mut expected = BTreeSet::from(["bogus-parameter".to_owned()]);
        for (name, definition) in parameters.iter().filter(|(name, _)| !in_path(name)) {
            let name = name.replace("[n]", "0");
            if let Some(other) = definition["requires"]
                .as_str()
                .filter(|_| forbidden(definition).is_some())
            {
                expected.insert(other.to_owned());
            }
            match forbidden(definition) {
                Some(value) => {
                    sent.push((name.clone(), value));
                    expected.insert(name);
                }
                None if definition["optional"] != 1 => {
                    expected.insert(name);
                }
                None => {}
            }
        }
        let url = format!("{}/api2/json{}", simulator.url(), concrete(&template));
        let request = client
            .request(method.parse().unwrap(), url)
            .header("Authorization", &token);
        let in_query = matches!(method.as_str(), "GET" | "DELETE");
        let request = if in_query {
            request.query(&sent)
        } else {
            request.form(&sent)
        };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
        let errors: BTreeSet<String> = body["errors"]
            .as_object()
            .map(|errors| errors.keys().cloned().collect())
            .unwrap_or_default();
        if status != 400 || errors != expected {
            let missing: Vec<_> = expected.difference(&errors).collect();
            let surplus: Vec<_> = errors.difference(&expected).collect();
            complaints.push(format!(
                "{method} {template}: {status}, not refused {missing:?}, refused {surplus:?}"
            ));
        }
    }
    println!("{probed} calls probed");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(probed >= 120, "only {probed} calls were probed");
}
