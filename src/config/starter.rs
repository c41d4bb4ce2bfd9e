//! `proxdeck config init` and `proxdeck config check`: a file to start from, and a look at what is there.
//!
//! The starter names no guest and no template: on a stranger's cluster any number is an ordinary machine.

use std::fmt;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::connection::Trust;
use super::environment::Environment;
use super::error::{ConfigError, Problem, Source, shown};
use super::load::{Flags, Loaded, load};
use super::paths::Paths;
use super::settings::clusters::Cluster;

/// The file that `config init` writes.
pub const STARTER: &str = include_str!("starter.toml");

/// Writes the starter file, readable by the user alone; a file that is there is never touched.
pub fn write_starter(file: &Path) -> Result<(), ConfigError> {
    let problem =
        |message: String, cure: &str| Problem::new(Source::File(file.to_owned()), message, cure);
    let unwritten = |error: std::io::Error| {
        problem(
            format!("cannot be written: {error}"),
            "check the folder and its permissions",
        )
    };
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(unwritten)?;
    // A temporary file is made with mode 0600, and a half-written config never gets the name.
    let mut starter = tempfile::NamedTempFile::new_in(folder).map_err(unwritten)?;
    starter.write_all(STARTER.as_bytes()).map_err(unwritten)?;
    starter.as_file().sync_all().map_err(unwritten)?;
    match starter.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Err(problem(
            "exists already and stays as it is".to_owned(),
            "edit it, or move it away first",
        )
        .into()),
        Err(failed) => Err(unwritten(failed.error).into()),
    }
}

/// Reads the config as any other command would and returns what it says, or all that is wrong.
///
/// Beyond loading it looks whether the files exist that the config names; no command is run.
pub fn check(
    flags: &Flags,
    environment: &Environment,
    paths: &Paths,
) -> Result<Summary, ConfigError> {
    let loaded = load(flags, environment, paths)?;
    loaded.cluster()?;
    let problems = loaded.settings.clusters.iter().flat_map(file_problems);
    ConfigError::unless_empty(problems.collect(), Summary::of(&loaded))
}

fn file_problems(cluster: &Cluster) -> Vec<Problem> {
    let account = match &cluster.keys {
        keys if keys.token_id.is_some() => &keys.token_secret,
        keys => &keys.password,
    };
    let mut problems: Vec<Problem> = account
        .iter()
        .filter_map(super::secrets::SecretSource::problem)
        .collect();
    if let Some(Trust::CaFile(file)) = &cluster.keys.trust
        && let Err(error) = std::fs::File::open(file)
    {
        problems.push(Problem::new(
            Source::File(file.clone()),
            format!("cannot be read: {error}"),
            format!("[clusters.{}] names it as ca_file", cluster.name),
        ));
    }
    problems
}

/// What a good config says, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    lines: Vec<String>,
}

impl Summary {
    fn of(loaded: &Loaded) -> Self {
        let mut lines = vec![match &loaded.origin.file {
            Some(file) => format!("{} is fine", shown(file)),
            None => "there is no config file; the environment is enough".to_owned(),
        }];
        if !loaded.origin.variables.is_empty() {
            let names = loaded.origin.variables.join(", ");
            lines.push(format!("from the environment: {names}"));
        }
        for cluster in &loaded.settings.clusters {
            lines.push(describe(cluster));
        }
        let settings = &loaded.settings;
        if settings.selection.is_empty() {
            lines.push("no selection: prune will refuse".to_owned());
        }
        lines.push(format!(
            "{} projects, {} templates, {} network profiles, {} notify channels, {} changed keys",
            settings.projects.len(),
            settings.templates.len(),
            settings.network_profiles.len(),
            settings.notify.len(),
            settings.keys.len()
        ));
        lines.extend(loaded.notes.iter().map(|note| format!("note: {note}")));
        Self { lines }
    }

    /// Returns the lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.lines.join("\n"))
    }
}

fn describe(cluster: &Cluster) -> String {
    let endpoints: Vec<String> = cluster
        .keys
        .endpoints
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    let keys = &cluster.keys;
    let account = match (&keys.token_id, &keys.user) {
        (Some(id), _) => match &keys.token_secret {
            Some(source) => format!("token {id}, secret from {source}"),
            None => format!("token {id}, whose secret is missing"),
        },
        (None, Some(user)) => match &keys.password {
            Some(source) => format!("{user}, password from {source}"),
            None => format!("{user}, password asked for"),
        },
        (None, None) => "no account".to_owned(),
    };
    let trust = match &keys.trust {
        None | Some(Trust::System) => "trusts the system's roots".to_owned(),
        Some(Trust::CaFile(file)) => format!("trusts {}", shown(file)),
        Some(Trust::Pins(pins)) => format!("trusts {} pinned certificates", pins.len()),
    };
    format!(
        "cluster {}: {}; {account}; {trust}",
        cluster.name,
        endpoints.join(", ")
    )
}
