//! Reads the config and lays the environment and the flags over it.
//!
//! Flags win over `PROXDECK_*` variables, those over the file, and the file over the names that other
//! tools use (`PROXMOX_HOST` and so on), which count only where no cluster is configured at all.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;

use super::account::{TokenId, UserId};
use super::address::Endpoint;
use super::connection::Trust;
use super::environment::Environment;
use super::error::{ConfigError, InvalidSetting, Place, Problem, Source, listed, nearest, quoted};
use super::paths::Paths;
use super::secrets::{self, SecretSource, refuse_readable_by_others};
use super::settings::Settings;
use super::settings::clusters::{Cluster, ConnectionKeys, DEFAULT_REFRESH};
use super::settings::notify::Delivery;
use crate::domain::fingerprint::Fingerprint;

/// The largest config file, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The variables that begin with our name and mean something.
const OUR_VARIABLES: [&str; 14] = [
    "PROXDECK_CA_FILE",
    "PROXDECK_CLUSTER",
    "PROXDECK_CONFIG",
    "PROXDECK_CONTRACT_DIR",
    "PROXDECK_ENDPOINT",
    "PROXDECK_ENDPOINTS",
    "PROXDECK_FINGERPRINT",
    "PROXDECK_FINGERPRINTS",
    "PROXDECK_LOG",
    "PROXDECK_PASSWORD",
    "PROXDECK_REQUIRE_CONTRACT",
    "PROXDECK_TOKEN_ID",
    "PROXDECK_TOKEN_SECRET",
    "PROXDECK_USER",
];

/// What the command line says about the config.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--cluster NAME`.
    pub cluster: Option<String>,
    /// `--theme NAME`.
    pub theme: Option<String>,
}

/// Where the settings came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The config file, where there is one.
    pub file: Option<PathBuf>,
    /// The variables of the environment that had a say.
    pub variables: Vec<&'static str>,
}

/// The settings of this run.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Where they came from.
    pub origin: Origin,
    /// What a person should know, though nothing is wrong: misspelt variables and the like.
    pub notes: Vec<String>,
    active: Option<usize>,
}

impl Loaded {
    /// Returns the cluster that is shown first.
    pub fn cluster(&self) -> Result<&Cluster, ConfigError> {
        self.active
            .and_then(|index| self.settings.clusters.get(index))
            .ok_or_else(|| {
                Problem::new(
                    self.origin.file.clone().map_or(Source::Nowhere, Source::File),
                    "no cluster is configured",
                    "add a section [clusters.NAME] with endpoints and token_id (`proxdeck config init` writes a file \
                     to start from), or set PROXMOX_HOST, PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET",
                )
                .into()
            })
    }

    /// Returns the cluster of a name.
    pub fn cluster_named(&self, name: &str) -> Result<&Cluster, ConfigError> {
        find_cluster(&self.settings.clusters, name)
            .and_then(|index| self.settings.clusters.get(index))
            .ok_or_else(|| {
                unknown_cluster(Source::Flag("--cluster"), name, &self.settings.clusters).into()
            })
    }
}

/// Returns the file that [`load`] reads, and whether somebody named it.
pub fn config_file(flags: &Flags, environment: &Environment, paths: &Paths) -> (PathBuf, bool) {
    let named = flags
        .config
        .clone()
        .or_else(|| environment.get("PROXDECK_CONFIG").map(PathBuf::from));
    match named {
        Some(path) => (path, true),
        None => (paths.config_file().to_owned(), false),
    }
}

/// Reads and merges all settings; everything that is wrong is reported together.
pub fn load(
    flags: &Flags,
    environment: &Environment,
    paths: &Paths,
) -> Result<Loaded, ConfigError> {
    let (file, named) = config_file(flags, environment, paths);
    let (settings, mut problems, found) = match read_file(&file, named)? {
        Some(content) => {
            let (settings, problems) = parse_file(&content, &file, paths);
            (settings, problems, true)
        }
        None => (Settings::parse("", &file, None)?, Vec::new(), false),
    };
    let mut variables = Variables::new(environment);
    if environment.get("PROXDECK_CONFIG").is_some() && flags.config.is_none() {
        variables.used.push("PROXDECK_CONFIG");
    }
    let mut loaded = Loaded {
        settings,
        origin: Origin {
            file: found.then_some(file),
            variables: Vec::new(),
        },
        notes: Vec::new(),
        active: None,
    };
    let keys = variables.our_keys();
    if loaded.settings.clusters.is_empty() {
        let keys = if keys.endpoints.is_some() {
            keys
        } else {
            keys.over(variables.keys_of_other_tools())
        };
        loaded.settings.clusters.extend(cluster_of_variables(keys));
        loaded.active = choose(
            flags,
            &mut variables,
            &loaded.settings.clusters,
            &mut problems,
        );
    } else {
        loaded.active = choose(
            flags,
            &mut variables,
            &loaded.settings.clusters,
            &mut problems,
        );
        let active = loaded.active;
        if let Some(cluster) = active.and_then(|index| loaded.settings.clusters.get_mut(index)) {
            cluster.keys = keys.over(std::mem::take(&mut cluster.keys));
        }
    }
    if let Some(theme) = &flags.theme {
        loaded.settings.theme = Some(theme.clone());
    }
    problems.append(&mut variables.problems);
    // After other mistakes a missing account may only be a misspelt one.
    if problems.is_empty() {
        problems.extend(missing_keys(&loaded));
    }
    loaded.notes = variables.notes();
    loaded.origin.variables = variables.used;
    ConfigError::unless_empty(problems, loaded)
}

/// Reads the settings of a demo: its own text, or the file of `--config`, and no variables.
///
/// The clusters of the file are checked and left out, since the demo brings its own, and every
/// channel is replaced by a line in the log.
pub fn load_demo(flags: &Flags, embedded: &str) -> Result<Loaded, ConfigError> {
    let (file, content) = match &flags.config {
        Some(file) => (file.clone(), read_file(file, true)?.unwrap_or_default()),
        None => ("demo".into(), embedded.as_bytes().to_vec()),
    };
    let (mut settings, problems) = match decode(&content, &file) {
        Ok(text) => Settings::parse_leniently(text, &file, None),
        Err(problem) => return Err(problem.into()),
    };
    settings.clusters.clear();
    for channel in &mut settings.notify {
        channel.delivery = Delivery::Log;
    }
    settings.theme = flags.theme.clone().or(settings.theme);
    let loaded = Loaded {
        settings,
        origin: Origin {
            file: flags.config.clone(),
            variables: Vec::new(),
        },
        notes: Vec::new(),
        active: None,
    };
    ConfigError::unless_empty(problems, loaded)
}

fn parse_file(content: &[u8], file: &Path, paths: &Paths) -> (Settings, Vec<Problem>) {
    let (text, undecodable) = match decode(content, file) {
        Ok(text) => (text, None),
        Err(problem) => ("", Some(problem)),
    };
    let (settings, mut problems) = Settings::parse_leniently(text, file, paths.home());
    problems.extend(undecodable);
    if settings.holds_secrets() {
        let metadata = std::fs::metadata(file).ok();
        problems
            .extend(metadata.and_then(|metadata| refuse_readable_by_others(file, &metadata).err()));
    }
    (settings, problems)
}

/// Reads a config file; `None` means that there is none and that nobody asked for one.
fn read_file(file: &Path, named: bool) -> Result<Option<Vec<u8>>, Problem> {
    let problem = |reason: &dyn std::fmt::Display, cure: &str| {
        Problem::new(
            Source::File(file.to_owned()),
            format!("cannot be read: {reason}"),
            cure,
        )
    };
    let opened = match std::fs::File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound && !named => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(problem(
                &"there is no such file",
                "check --config and PROXDECK_CONFIG, or write one with `proxdeck config init`",
            ));
        }
        Err(error) => return Err(problem(&error, "check the file and its folder")),
        Ok(opened) => opened,
    };
    let mut content = Vec::new();
    opened
        .take(MAX_FILE + 1)
        .read_to_end(&mut content)
        .map_err(|error| problem(&error, "name a file that holds TOML"))?;
    if content.len() as u64 > MAX_FILE {
        return Err(problem(
            &"it is larger than 1 MiB",
            "name a file that holds settings",
        ));
    }
    Ok(Some(content))
}

fn decode<'a>(content: &'a [u8], file: &Path) -> Result<&'a str, Problem> {
    str::from_utf8(content).map_err(|error| {
        let (before, _) = content.split_at(error.valid_up_to());
        let before = str::from_utf8(before).unwrap_or_default();
        Problem::new(
            Source::File(file.to_owned()),
            "this is not UTF-8",
            "save the file in the encoding UTF-8",
        )
        .at(Place::of(before, before.len()))
    })
}

fn find_cluster(clusters: &[Cluster], name: &str) -> Option<usize> {
    clusters.iter().position(|cluster| cluster.name == name)
}

fn unknown_cluster(source: Source, name: &str, clusters: &[Cluster]) -> Problem {
    let names = || clusters.iter().map(|cluster| cluster.name.as_str());
    let configured = match clusters {
        [] => "none is configured".to_owned(),
        _ => format!("configured: {}", listed(names())),
    };
    let cure = match nearest(name, names()) {
        Some(meant) => format!("did you mean {}? {configured}", quoted(meant)),
        None => configured,
    };
    Problem::new(
        source,
        format!("there is no cluster {}", quoted(name)),
        cure,
    )
}

/// Picks the cluster that is shown first: the one asked for, else the first of the file.
fn choose(
    flags: &Flags,
    variables: &mut Variables<'_>,
    clusters: &[Cluster],
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let (source, name) = match &flags.cluster {
        Some(name) => (Source::Flag("--cluster"), name.as_str()),
        None => match variables.text("PROXDECK_CLUSTER") {
            Some(name) => (Source::Variable("PROXDECK_CLUSTER".to_owned()), name),
            None => return (!clusters.is_empty()).then_some(0),
        },
    };
    let found = find_cluster(clusters, name);
    if found.is_none() {
        problems.push(unknown_cluster(source, name, clusters));
    }
    found
}

/// Makes a cluster of variables alone, named after its first server.
fn cluster_of_variables(keys: ConnectionKeys) -> Option<Cluster> {
    let name = keys.endpoints.as_ref()?.first()?.host().to_owned();
    Some(Cluster {
        name,
        keys,
        refresh: DEFAULT_REFRESH,
        line: None,
    })
}

/// Finds the clusters without address, and whether the one to be shown can be signed in to.
fn missing_keys(loaded: &Loaded) -> Vec<Problem> {
    let clusters = &loaded.settings.clusters;
    let located = |problem: Problem, cluster: &Cluster| match (&loaded.origin.file, cluster.line) {
        (Some(file), Some(line)) => Problem {
            source: Source::File(file.clone()),
            ..problem
        }
        .at(Place { line, column: 1 }),
        _ => problem,
    };
    let addresses = clusters
        .iter()
        .filter_map(|cluster| Some(located(cluster.check_endpoints().err()?, cluster)));
    let account = loaded
        .active
        .and_then(|index| clusters.get(index))
        .and_then(|cluster| Some(located(cluster.check_account().err()?, cluster)));
    addresses.chain(account).collect()
}

/// The variables, read with their problems gathered.
struct Variables<'a> {
    environment: &'a Environment,
    used: Vec<&'static str>,
    problems: Vec<Problem>,
    ignored_verification: bool,
}

impl<'a> Variables<'a> {
    fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            used: Vec::new(),
            problems: Vec::new(),
            ignored_verification: false,
        }
    }

    fn reject(&mut self, name: &str, message: impl Into<String>, cure: impl Into<String>) {
        let source = Source::Variable(name.to_owned());
        self.problems.push(Problem::new(source, message, cure));
    }

    fn text(&mut self, name: &'static str) -> Option<&'a str> {
        if self.environment.is_unreadable(name) {
            self.reject(name, "is not UTF-8", "set it again, or unset it");
            return None;
        }
        let text = self.environment.get(name)?;
        self.used.push(name);
        Some(text)
    }

    fn checked<T>(&mut self, name: &str, result: Result<T, InvalidSetting>) -> Option<T> {
        result
            .map_err(|invalid| self.reject(name, invalid.message, invalid.cure))
            .ok()
    }

    fn parsed<T: FromStr<Err: Into<InvalidSetting>>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        self.checked(name, text.trim().parse().map_err(Into::into))
    }

    /// Reads a list under either of two names, separated by commas or blanks.
    fn list<T: FromStr<Err: Into<InvalidSetting>>>(
        &mut self,
        one: &'static str,
        many: &'static str,
    ) -> Option<Vec<T>> {
        let (name, text) = match (self.text(one), self.text(many)) {
            (Some(_), Some(_)) => {
                self.reject(many, format!("is set beside {one}"), "unset one of them");
                return None;
            }
            (Some(text), None) => (one, text),
            (None, Some(text)) => (many, text),
            (None, None) => return None,
        };
        let read: Result<Vec<T>, _> = text
            .split([',', ' ', '\t', '\n'])
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(Into::into))
            .collect();
        self.checked(name, read).filter(|list| !list.is_empty())
    }

    fn secret(&mut self, name: &'static str) -> Option<SecretSource> {
        let text = self.text(name)?;
        if let Err(reason) = secrets::check(text) {
            self.reject(name, reason, "set it again, on one line");
            return None;
        }
        Some(SecretSource::Variable {
            name,
            secret: SecretString::from(text),
        })
    }

    fn our_keys(&mut self) -> ConnectionKeys {
        let pins = self.list::<Fingerprint>("PROXDECK_FINGERPRINT", "PROXDECK_FINGERPRINTS");
        let ca_file = self.text("PROXDECK_CA_FILE").map(PathBuf::from);
        let trust = match (pins, ca_file) {
            (Some(_), Some(_)) => {
                self.reject(
                    "PROXDECK_CA_FILE",
                    "is set beside a fingerprint",
                    "unset one of them",
                );
                None
            }
            (pins, ca_file) => pins.map(Trust::Pins).or(ca_file.map(Trust::CaFile)),
        };
        let keys = ConnectionKeys {
            endpoints: self.list::<Endpoint>("PROXDECK_ENDPOINT", "PROXDECK_ENDPOINTS"),
            token_id: self.parsed("PROXDECK_TOKEN_ID"),
            token_secret: self.secret("PROXDECK_TOKEN_SECRET"),
            user: self.parsed("PROXDECK_USER"),
            password: self.secret("PROXDECK_PASSWORD"),
            trust,
        };
        if keys.token_id.is_some() && keys.user.is_some() {
            self.reject(
                "PROXDECK_USER",
                "is set beside PROXDECK_TOKEN_ID",
                "unset one of them: a connection has one account",
            );
        }
        keys
    }

    /// Reads the names that other tools use; a token may be named in full or with `PROXMOX_USER`.
    fn keys_of_other_tools(&mut self) -> ConnectionKeys {
        let Some(host) = self.text("PROXMOX_HOST") else {
            return ConnectionKeys::default();
        };
        let endpoint = self.checked("PROXMOX_HOST", Endpoint::from_host(host));
        let user: Option<UserId> = self.parsed("PROXMOX_USER");
        let token_id = self.text("PROXMOX_TOKEN_ID").and_then(|text| {
            let read = match &user {
                Some(user) if !text.contains(['!', '@']) => TokenId::of_user(user.clone(), text),
                _ => text.parse(),
            };
            self.checked("PROXMOX_TOKEN_ID", read)
        });
        if let Some(verify) = self.environment.get("PROXMOX_VERIFY_SSL") {
            let off = ["0", "false", "no", "off"];
            self.ignored_verification = off.iter().any(|word| verify.eq_ignore_ascii_case(word));
        }
        ConnectionKeys {
            endpoints: endpoint.map(|endpoint| vec![endpoint]),
            // With a token the user is only whose token it is.
            user: user.filter(|_| token_id.is_none()),
            token_id,
            token_secret: self.secret("PROXMOX_TOKEN_SECRET"),
            password: self.secret("PROXMOX_PASSWORD"),
            trust: None,
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .environment
            .names_with("PROXDECK_")
            .filter(|name| !OUR_VARIABLES.contains(name))
            .map(|name| match nearest(name, OUR_VARIABLES) {
                Some(meant) => format!("{} means nothing; did you mean {meant}?", quoted(name)),
                None => format!("{} means nothing here", quoted(name)),
            })
            .collect();
        if self.ignored_verification {
            notes.push(
                "PROXMOX_VERIFY_SSL is not obeyed: a server is always checked; pin its certificate \
                 with PROXDECK_FINGERPRINT"
                    .to_owned(),
            );
        }
        notes
    }
}
