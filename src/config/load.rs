//! Reads the config and lays the environment and the flags over it.
//!
//! Flags win over `PROXDECK_*` variables, those over the file, and the file over the names that other
//! tools use (`PROXMOX_HOST` and so on), which count only where no cluster is configured at all.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::{ConfigError, Place, Problem, Source, listed, nearest, quoted};
use super::paths::Paths;
use super::secrets::refuse_readable_by_others;
use super::settings::Settings;
use super::settings::clusters::{Cluster, ConnectionKeys, DEFAULT_REFRESH};
use super::settings::notify::Delivery;
use super::variables::Variables;

/// The largest config file, in bytes.
const MAX_FILE: u64 = 1 << 20;

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
