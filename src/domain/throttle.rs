//! The throttle of a project: a line of its own in the comment of the project's pool (SPEC §5.8).
//!
//! ```text
//! [proxdeck throttled 2026-11-27T09:00:00Z cpu_hours,network_gb tier=emergency]
//! ```
//!
//! The rest of the comment belongs to others and is kept byte for byte. A line that begins like a
//! throttle but cannot be read binds like one, because somebody meant it. Nothing is read or
//! written here.

use std::fmt;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

use super::project::Resource;
use super::quota::Tier;
use super::text::clean;

/// How the line begins.
const OPENING: &str = "[proxdeck throttled";

/// How much of a line that cannot be read is shown, in characters.
const SHOWN: usize = 80;

/// The tiers that a throttle can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkedTier {
    /// No new guests.
    Throttle,
    /// No new guests, and running ones are shut down.
    Emergency,
}

impl MarkedTier {
    /// Returns what a tier writes into the comment, if it writes anything.
    pub const fn of(tier: Tier) -> Option<Self> {
        match tier {
            Tier::Throttle => Some(Self::Throttle),
            Tier::Emergency => Some(Self::Emergency),
            Tier::Unlimited | Tier::Ok | Tier::Unknown | Tier::Warn => None,
        }
    }

    /// Returns the tier that it stands for.
    pub const fn tier(self) -> Tier {
        match self {
            Self::Throttle => Tier::Throttle,
            Self::Emergency => Tier::Emergency,
        }
    }
}

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    since: DateTime<Utc>,
    resources: Vec<Resource>,
    tier: MarkedTier,
}

impl Marker {
    /// Makes a throttle for resources that are over their quotas; without any there is none.
    ///
    /// The time is kept to the second, the resources in the order of [`Resource::ALL`].
    pub fn new(
        since: DateTime<Utc>,
        resources: impl IntoIterator<Item = Resource>,
        tier: MarkedTier,
    ) -> Option<Self> {
        let named: Vec<Resource> = resources.into_iter().collect();
        let mut resources = Resource::ALL.to_vec();
        resources.retain(|each| named.contains(each));
        (!resources.is_empty()).then(|| Self {
            since: since.trunc_subsecs(0),
            resources,
            tier,
        })
    }

    /// Returns since when the project has been at the tier.
    pub const fn since(&self) -> DateTime<Utc> {
        self.since
    }

    /// Returns the resources over their quotas; there is at least one.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns the tier that people were last told.
    pub const fn tier(&self) -> MarkedTier {
        self.tier
    }

    /// Reads a line that begins like a throttle.
    fn read(line: &str) -> Option<Self> {
        let inner = line.strip_prefix(OPENING)?.strip_suffix(']')?;
        let mut words = inner.strip_prefix(' ')?.split(' ');
        let (since, resources, tier) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !since.ends_with('Z') {
            return None;
        }
        let since = DateTime::parse_from_rfc3339(since).ok()?;
        let resource = |word: &str| Resource::ALL.into_iter().find(|each| each.as_str() == word);
        let resources: Option<Vec<Resource>> = resources.split(',').map(resource).collect();
        let tier = match tier.strip_prefix("tier=")? {
            "throttle" => MarkedTier::Throttle,
            "emergency" => MarkedTier::Emergency,
            _ => return None,
        };
        Self::new(since.with_timezone(&Utc), resources?, tier)
    }
}

impl fmt::Display for Marker {
    /// Writes the line, without a line break.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.resources.iter().map(|each| each.as_str()).collect();
        write!(
            formatter,
            "{OPENING} {} {} tier={}]",
            self.since.to_rfc3339_opts(SecondsFormat::Secs, true),
            words.join(","),
            self.tier.tier()
        )
    }
}

/// What a comment says about a throttle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The project is not throttled.
    None,
    /// It is.
    One(Marker),
    /// It is, though nobody can tell by what; says why, in clean words.
    Malformed(String),
}

impl Found {
    /// Tells whether new guests are to be refused.
    pub const fn is_throttled(&self) -> bool {
        match self {
            Self::None => false,
            Self::One(_) | Self::Malformed(_) => true,
        }
    }

    /// Returns the throttle, where it can be read.
    pub const fn marker(&self) -> Option<&Marker> {
        match self {
            Self::One(marker) => Some(marker),
            Self::None | Self::Malformed(_) => None,
        }
    }
}

/// Looks for the throttle in a pool's comment; one in the middle of a line is somebody's prose.
pub fn find(comment: &str) -> Found {
    let mut lines = comment.split('\n').filter_map(throttle_in);
    let Some(line) = lines.next() else {
        return Found::None;
    };
    if lines.next().is_some() {
        return Found::Malformed("the comment holds more than one throttle".to_owned());
    }
    if let Some(marker) = Marker::read(line) {
        return Found::One(marker);
    }
    let start: String = line.chars().take(SHOWN).collect();
    Found::Malformed(format!("the throttle cannot be read: {:?}", clean(&start)))
}

/// Writes the throttle into a comment: in the place of the one that is there, else at its end.
///
/// Lines that begin like a throttle are ours in whole; what else there is stays as it is.
#[must_use]
pub fn set(comment: &str, marker: &Marker) -> String {
    let mut new = Some(marker.to_string());
    let mut lines = Vec::new();
    for line in comment.split_inclusive('\n') {
        match throttle_in(line) {
            None => lines.push(line.to_owned()),
            Some(old) => lines.extend(new.take().map(|text| line.replacen(old, &text, 1))),
        }
    }
    let mut comment = lines.concat();
    if let Some(text) = new {
        // A comment that ended with a line break does so afterwards, so that lifting restores it.
        let ends_line = comment.ends_with('\n');
        if !comment.is_empty() && !ends_line {
            comment.push('\n');
        }
        comment.push_str(&text);
        if ends_line {
            comment.push('\n');
        }
    }
    comment
}

/// Takes every throttle out of a comment, readable or not; what else there is stays as it is.
#[must_use]
pub fn lift(comment: &str) -> String {
    let mut rest = String::with_capacity(comment.len());
    for line in comment.split_inclusive('\n') {
        if throttle_in(line).is_none() {
            rest.push_str(line);
        } else if !line.ends_with('\n') && rest.ends_with('\n') {
            // The last line goes with the line break that set it apart.
            rest.pop();
        }
    }
    rest
}

/// Returns the part of a line that is a throttle, or is meant as one.
fn throttle_in(line: &str) -> Option<&str> {
    // Somebody may have indented it, and an editor may have ended lines in its own way.
    let text = line.trim_matches([' ', '\t', '\r', '\n']);
    text.starts_with(OPENING).then_some(text)
}
