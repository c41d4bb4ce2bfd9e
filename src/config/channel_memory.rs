//! Which notify channels failed the last time that somebody was to be told something.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::state_file::StateFile;
use crate::domain::alert::FailingChannel;
use crate::domain::operation::Told;

/// Why a channel failed, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Failed {
    reason: String,
    since: DateTime<Utc>,
}

type Channels = BTreeMap<String, Failed>;

/// The memory of one cluster's channels, in a file that several proxdecks share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelMemory {
    file: StateFile,
    cluster: String,
}

impl ChannelMemory {
    /// Names the file and the cluster; the file need not exist.
    pub fn new(path: PathBuf, cluster: &str) -> Self {
        Self {
            file: StateFile::new(path),
            cluster: cluster.to_owned(),
        }
    }

    /// Returns the channels that failed the last time.
    pub fn read(&self) -> Vec<FailingChannel> {
        let mut clusters: BTreeMap<String, Channels> = self.file.read();
        listed(clusters.remove(&self.cluster).unwrap_or_default())
    }

    /// Notes how channels fared, and returns those that failed the last time.
    ///
    /// This may wait for another proxdeck that is writing.
    pub fn update(&self, told: &[Told], now: DateTime<Utc>) -> io::Result<Vec<FailingChannel>> {
        let mut clusters: BTreeMap<String, Channels> = self.file.update(|clusters| {
            let clusters: &mut BTreeMap<String, Channels> = clusters;
            let channels = clusters.entry(self.cluster.clone()).or_default();
            for each in told {
                match &each.problem {
                    None => {
                        channels.remove(&each.channel);
                    }
                    Some(problem) => {
                        let since = channels.get(&each.channel).map_or(now, |known| known.since);
                        let reason = problem.to_string();
                        channels.insert(each.channel.clone(), Failed { reason, since });
                    }
                }
            }
            clusters.retain(|_, channels| !channels.is_empty());
        })?;
        Ok(listed(clusters.remove(&self.cluster).unwrap_or_default()))
    }
}

fn listed(channels: Channels) -> Vec<FailingChannel> {
    let channels = channels.into_iter();
    channels
        .map(|(name, failed)| FailingChannel {
            name,
            reason: failed.reason.into(),
            since: failed.since,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_fails_until_it_has_told_something() {
        let folder = tempfile::tempdir().unwrap();
        let memory = ChannelMemory::new(folder.path().join("channels.json"), "lab");
        let at = |seconds: i64| DateTime::from_timestamp(1_795_438_920 + seconds, 0).unwrap();
        let told = |channel: &str, problem: Option<&str>| Told {
            channel: channel.to_owned(),
            problem: problem.map(Into::into),
        };
        let both = [told("ops", Some("status 500")), told("alpha", None)];
        assert_eq!(memory.update(&both, at(0)).unwrap().len(), 1);
        memory
            .update(&[told("ops", Some("timed out"))], at(60))
            .unwrap();
        let failing = memory.read();
        assert_eq!(failing[0].name, "ops");
        assert_eq!(failing[0].reason, "timed out".into());
        assert_eq!(failing[0].since, at(0), "since it failed first");
        assert!(
            memory
                .update(&[told("ops", None)], at(90))
                .unwrap()
                .is_empty()
        );
    }
}
