//! The configuration as a user meets it: files, variables, flags, and what is said about mistakes.

#![expect(
    clippy::unwrap_used,
    reason = "what a test prepares must succeed, in its helpers too"
)]

mod example;
mod loading;
mod mistakes;
mod state;

use std::path::{Path, PathBuf};

use proxdeck::config::environment::Environment;
use proxdeck::config::load::{Flags, Loaded, load};
use proxdeck::config::paths::Paths;
use tempfile::TempDir;

/// A folder of its own with a config file in it.
struct Home {
    folder: TempDir,
}

impl Home {
    fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn with(config: impl AsRef<[u8]>) -> Self {
        let home = Self::empty();
        home.write("config.toml", config, 0o600);
        home
    }

    fn paths(&self) -> Paths {
        Paths::under(self.folder.path()).with_home(self.path("home"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        set_mode(&path, mode);
        path
    }

    /// Loads with the given variables; an error comes as text without the folder's path.
    fn load(&self, variables: &[(&str, &str)]) -> Result<Loaded, String> {
        self.load_with(&Flags::default(), variables)
    }

    fn load_with(&self, flags: &Flags, variables: &[(&str, &str)]) -> Result<Loaded, String> {
        let environment: Environment = variables.iter().copied().collect();
        load(flags, &environment, &self.paths()).map_err(|error| self.relative(&error))
    }

    fn relative(&self, text: &impl ToString) -> String {
        let folder = format!("{}/", self.folder.path().display());
        text.to_string().replace(&folder, "")
    }
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// Loads a config that must be wrong, and returns the lines about it.
fn complaints(config: impl AsRef<[u8]>) -> Vec<String> {
    let error = Home::with(config).load(&[]).unwrap_err();
    error.lines().map(str::to_owned).collect()
}
