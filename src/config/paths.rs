//! Where proxdeck's own files are: the config, the logs and the small state.
//!
//! Nothing here opens a file; only the state folder is made, so that each writer need not.

use std::io;
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Problem, Source};
use super::state_file::create_private_folder;

/// The places of all files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    config_file: PathBuf,
    state: PathBuf,
    home: Option<PathBuf>,
}

impl Paths {
    /// Finds the places that the platform has for the user's files.
    pub fn of_user() -> Result<Self, ConfigError> {
        let folders = directories::ProjectDirs::from("", "", "proxdeck");
        let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_owned());
        let Some(folders) = folders else {
            return Err(Problem::new(
                Source::Variable("HOME".to_owned()),
                "there is no home folder to keep settings in",
                "set HOME",
            )
            .into());
        };
        Ok(Self {
            config_file: folders.config_dir().join("config.toml"),
            // Only Linux knows a place for state; elsewhere it lies with the program's data.
            state: folders
                .state_dir()
                .unwrap_or_else(|| folders.data_local_dir())
                .to_owned(),
            home,
        })
    }

    /// Puts everything under one folder, as demos and tests want it.
    pub fn under(folder: &Path) -> Self {
        Self {
            config_file: folder.join("config.toml"),
            state: folder.join("state"),
            home: None,
        }
    }

    /// Sets the folder that a leading `~/` in the config stands for.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Returns the config file.
    pub fn config_file(&self) -> &Path {
        &self.config_file
    }

    /// Returns the user's home folder, where there is one.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// Returns the folder of logs and state.
    pub fn state_folder(&self) -> &Path {
        &self.state
    }

    /// Returns the folder of the log files.
    pub fn log_folder(&self) -> PathBuf {
        self.state.join("logs")
    }

    /// Returns the audit log: one JSON line per change.
    pub fn audit_log(&self) -> PathBuf {
        self.state.join("audit.jsonl")
    }

    /// Returns what is remembered of alerts: since when, and who has them in hand.
    pub fn alerts(&self) -> PathBuf {
        self.state.join("alerts.json")
    }

    /// Returns which projects `enforce --auto` saw over their quotas.
    pub fn enforcement(&self) -> PathBuf {
        self.state.join("enforcement.json")
    }

    /// Returns which notify channels failed the last time.
    pub fn channels(&self) -> PathBuf {
        self.state.join("channels.json")
    }

    /// Returns what guests had used when they were last seen.
    pub fn usage_ledger(&self) -> PathBuf {
        self.state.join("usage.json")
    }

    /// Makes the state folder with its logs, readable by the user alone.
    pub fn create_state_folder(&self) -> io::Result<()> {
        create_private_folder(&self.log_folder())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_demo_lies_in_its_own_folder() {
        let paths = Paths::under(Path::new("/tmp/demo"));
        for path in [
            paths.config_file(),
            paths.state_folder(),
            &paths.log_folder(),
            &paths.audit_log(),
            &paths.alerts(),
            &paths.channels(),
            &paths.enforcement(),
            &paths.usage_ledger(),
        ] {
            assert!(path.starts_with("/tmp/demo"), "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_state_folder_is_the_user_s_alone_and_may_exist_already() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths::under(folder.path());
        paths.create_state_folder().unwrap();
        paths.create_state_folder().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(paths.state_folder()), 0o700);
        assert_eq!(mode(&paths.log_folder()), 0o700);
    }
}
