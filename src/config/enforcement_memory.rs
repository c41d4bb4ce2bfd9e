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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_before_comes_back_and_clusters_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("enforcement.json");
        let sighting: Sighting = serde_json::from_str(
            r#"{"tier":"throttle","first":"2026-11-27T12:00:00Z","last":"2026-11-27T12:00:00Z"}"#,
        )
        .unwrap();
        let seen = Sightings::from([("alpha".to_owned(), sighting)]);
        let lab = EnforcementMemory::new(file.clone(), "lab");
        assert_eq!(lab.update(|_| seen.clone()).unwrap(), Sightings::new());
        let other = EnforcementMemory::new(file.clone(), "prod");
        assert_eq!(other.update(|_| seen.clone()).unwrap(), Sightings::new());
        assert_eq!(lab.update(|_| Sightings::new()).unwrap(), seen);
        assert_eq!(lab.update(Clone::clone).unwrap(), Sightings::new());
        assert_eq!(other.update(Clone::clone).unwrap(), seen);
        std::fs::write(&file, "[nonsense").unwrap();
        assert_eq!(other.update(Clone::clone).unwrap(), Sightings::new());
    }
}
