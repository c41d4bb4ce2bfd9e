//! Small files of state: read leniently, written whole, never half.
//!
//! Several proxdecks may run at once, so a change reads, changes and writes under a lock. A file that
//! makes no sense is put aside and not overwritten; state is never a reason to refuse to start.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest file of state, in bytes; a usage ledger of 20,000 guests with long names is half of it.
const MAX_FILE: u64 = 64 << 20;

/// A file that holds one value as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// Names the file; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the value; whatever is missing or makes no sense is the default.
    pub fn read<T: DeserializeOwned + Default>(&self) -> T {
        self.content()
            .ok()
            .and_then(|content| serde_json::from_slice(&content).ok())
            .unwrap_or_default()
    }

    /// Changes the value as it is in the file now, and returns the new one.
    ///
    /// This may wait for another proxdeck that is writing.
    pub fn update<T: DeserializeOwned + Serialize + Default>(
        &self,
        change: impl FnOnce(&mut T),
    ) -> io::Result<T> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        create_private_folder(folder)?;
        // The lock has a file of its own: the other one is replaced with each change.
        let _lock = lock(&self.beside(".lock"))?;
        let mut value: T = match self.content() {
            Ok(content) => {
                if let Ok(value) = serde_json::from_slice(&content) {
                    value
                } else {
                    std::fs::rename(&self.path, self.beside(".damaged"))?;
                    T::default()
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => T::default(),
            Err(error) => return Err(error),
        };
        change(&mut value);
        let mut content = serde_json::to_vec_pretty(&value)?;
        content.push(b'\n');
        if content.len() as u64 > MAX_FILE {
            // Nobody could read it any more.
            return Err(ErrorKind::FileTooLarge.into());
        }
        // Made with mode 0600, in the same folder: a rename does not cross file systems.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&content)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(value)
    }

    fn content(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let read = File::open(&self.path)?
            .take(MAX_FILE + 1)
            .read_to_end(&mut content)?;
        if read as u64 > MAX_FILE {
            return Err(ErrorKind::FileTooLarge.into());
        }
        Ok(content)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name: OsString = self.path.clone().into_os_string();
        name.push(ending);
        name.into()
    }
}

/// Makes a folder that only the user can look into; one that exists stays as it is.
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Waits for the lock; it is let go when the file is dropped.
fn lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path)?;
    match file.lock() {
        // Some network file systems know no locks; a lost preference is better than none ever kept.
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(file),
        result => result.map(|()| file),
    }
}
