//! Which projects earlier runs of `enforce --auto` on this machine saw over their quotas.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::state_file::StateFile;
use crate::domain::enforcement::Sighting;

/// What was seen of each project, by its name.
pub type Sightings = BTreeMap<String, Sighting>;

/// The memory of one cluster's projects, in a file that several runs share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnforcementMemory {
    file: StateFile,
    cluster: String,
}

impl EnforcementMemory {
    /// Names the file and the cluster; the file need not exist.
    pub fn new(path: PathBuf, cluster: &str) -> Self {
        Self {
            file: StateFile::new(path),
            cluster: cluster.to_owned(),
        }
    }

    /// Replaces what is remembered by what `next` makes of it, and returns what was before.
    ///
    /// This may wait for another proxdeck that is writing.
    pub fn update(&self, next: impl FnOnce(&Sightings) -> Sightings) -> io::Result<Sightings> {
        let mut before = Sightings::new();
        self.file.update(|clusters| {
            let clusters: &mut BTreeMap<String, Sightings> = clusters;
            before = clusters.remove(&self.cluster).unwrap_or_default();
            let seen = next(&before);
            if !seen.is_empty() {
                clusters.insert(self.cluster.clone(), seen);
            }
        })?;
        Ok(before)
    }
}
