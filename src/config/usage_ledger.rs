//! The usage ledger on this machine: what guests had used when they were last seen.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::state_file::StateFile;
use crate::domain::usage::Ledger;

/// The ledger of one cluster, in a file that several proxdecks share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLedger {
    file: StateFile,
    cluster: String,
}

impl UsageLedger {
    /// Names the file and the cluster; the file need not exist.
    pub fn new(path: PathBuf, cluster: &str) -> Self {
        Self {
            file: StateFile::new(path),
            cluster: cluster.to_owned(),
        }
    }

    /// Reads the ledger; whatever makes no sense is an empty one.
    pub fn read(&self) -> Ledger {
        let mut clusters: BTreeMap<String, Ledger> = self.file.read();
        clusters.remove(&self.cluster).unwrap_or_default()
    }

    /// Changes the ledger as it is now, and returns the new one, with the entries of others too.
    ///
    /// This may wait for another proxdeck that is writing.
    pub fn update(&self, change: impl FnOnce(&mut Ledger)) -> io::Result<Ledger> {
        let mut clusters: BTreeMap<String, Ledger> = self.file.update(|clusters| {
            let clusters: &mut BTreeMap<String, Ledger> = clusters;
            change(clusters.entry(self.cluster.clone()).or_default());
        })?;
        Ok(clusters.remove(&self.cluster).unwrap_or_default())
    }
}
