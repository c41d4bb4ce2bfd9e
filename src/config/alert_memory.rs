//! What is remembered of alerts on this machine: since when they stand, and who has them in hand.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::state_file::StateFile;
use crate::domain::alert::{Changes, Memory};

/// The memory of one cluster's alerts, in a file that several proxdecks share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMemory {
    file: StateFile,
    cluster: String,
}

impl AlertMemory {
    /// Names the file and the cluster; the file need not exist.
    pub fn new(path: PathBuf, cluster: &str) -> Self {
        Self {
            file: StateFile::new(path),
            cluster: cluster.to_owned(),
        }
    }

    /// Reads what is remembered; whatever makes no sense is nothing.
    pub fn read(&self) -> Memory {
        let mut clusters: BTreeMap<String, Memory> = self.file.read();
        clusters.remove(&self.cluster).unwrap_or_default()
    }

    /// Writes changes, and returns what is remembered now, by others too.
    ///
    /// This may wait for another proxdeck that is writing. `now` is the server's date.
    pub fn write(&self, changes: &Changes, now: DateTime<Utc>) -> io::Result<Memory> {
        let mut clusters: BTreeMap<String, Memory> = self.file.update(|clusters| {
            let clusters: &mut BTreeMap<String, Memory> = clusters;
            let memory = clusters.entry(self.cluster.clone()).or_default();
            changes.write_into(memory, now);
            clusters.retain(|_, memory| !memory.is_empty());
        })?;
        Ok(clusters.remove(&self.cluster).unwrap_or_default())
    }
}
