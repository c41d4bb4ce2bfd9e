//! `[selection]`, `[limits]`, `[retention]` and `[enforcement]`: which guests are ours and what
//! they may do.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::Bound;
use crate::config::document::{Entry, Findings, Section};
use crate::config::error::{InvalidSetting, quoted};
use crate::domain::id::{PoolName, Vmid};

/// The longest time that snapshots may be kept, in days: a century.
const MAX_DAYS: u32 = 36_500;

/// Which guests are managed; any entry that matches is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Every guest is.
    pub all: bool,
    /// Guests with one of these tags are; what we create gets the first.
    pub tags: Vec<Tag>,
    /// Guests in one of these pools are.
    pub pools: Vec<PoolName>,
    /// These guests are.
    pub vmids: Vec<Vmid>,
}

impl Selection {
    /// Tells whether nothing was selected, so that prune and enforce have to refuse.
    pub fn is_empty(&self) -> bool {
        !self.all && self.tags.is_empty() && self.pools.is_empty() && self.vmids.is_empty()
    }
}

/// A tag of Proxmox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for Tag {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
        if starts && text.len() <= 128 && text.chars().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSetting::new(
                format!("{} cannot be a tag", quoted(text)),
                "a tag has letters, digits, `_`, `-`, `+` and `.`, and begins with one of the first three",
            ))
        }
    }
}

/// What a guest may use before it violates a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// CPU, in percent of the guest's own cores.
    pub cpu_percent: Bound,
    /// Memory, in percent of what the guest has.
    pub memory_percent: Bound,
    /// Uptime in hours.
    pub max_runtime_hours: Bound,
    /// How long a limit must be exceeded before that is a violation.
    pub sustain: Duration,
    /// Other limits for some guests, in the order of the file; the last that matches wins.
    pub overrides: Vec<LimitOverride>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_percent: Bound::Unlimited,
            memory_percent: Bound::Unlimited,
            max_runtime_hours: Bound::Unlimited,
            sustain: Duration::from_secs(30),
            overrides: Vec::new(),
        }
    }
}

/// Other limits for some guests; what is not said stays as it is for all.
#[derive(Debug, Clone, PartialEq)]
pub struct LimitOverride {
    /// Which guests.
    pub matcher: Matcher,
    /// CPU, in percent of the guest's own cores.
    pub cpu_percent: Option<Bound>,
    /// Memory, in percent of what the guest has.
    pub memory_percent: Option<Bound>,
    /// Uptime in hours.
    pub max_runtime_hours: Option<Bound>,
    /// How long a limit must be exceeded before that is a violation.
    pub sustain: Option<Duration>,
}

/// What a matcher looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchField {
    /// Any of the guest's tags.
    Tag,
    /// The guest's pool.
    Pool,
    /// The guest's number.
    Vmid,
    /// The guest's name.
    Name,
}

/// A set of guests, as `tag:service` or `name:build-*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    field: MatchField,
    pattern: String,
}

impl Matcher {
    /// Returns what it looks at.
    pub fn field(&self) -> MatchField {
        self.field
    }

    /// Returns the pattern, in which `*` and `?` stand for anything.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

impl FromStr for Matcher {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let fields = [
            ("tag:", MatchField::Tag),
            ("pool:", MatchField::Pool),
            ("vmid:", MatchField::Vmid),
            ("name:", MatchField::Name),
        ];
        let found = fields
            .iter()
            .find_map(|(prefix, field)| Some((*field, text.strip_prefix(prefix)?.trim())));
        match found {
            Some((field, pattern)) if !pattern.is_empty() => Ok(Self {
                field,
                pattern: pattern.to_owned(),
            }),
            _ => Err(InvalidSetting::new(
                format!("{} matches nothing", quoted(text)),
                "write tag:, pool:, vmid: or name: and a pattern behind it, as tag:service or name:build-*",
            )),
        }
    }
}

/// How long snapshots are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Days that a daily one is kept.
    pub daily_days: u32,
    /// Days that a weekly one is kept.
    pub weekly_days: u32,
    /// Days that a monthly one is kept.
    pub monthly_days: u32,
    /// How many of the newest of a guest are always kept.
    pub keep_last: u32,
    /// Words of a name, or `#words` of a description, that keep a snapshot for good.
    pub keep_marks: Vec<String>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            daily_days: 7,
            weekly_days: 30,
            monthly_days: 365,
            keep_last: 1,
            keep_marks: vec!["keep".to_owned(), "important".to_owned()],
        }
    }
}

/// Whether enforcement may act by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnforcementMode {
    /// It only proposes.
    Advise,
    /// `enforce --auto` acts.
    Auto,
}

/// What happens when a budget is exceeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enforcement {
    /// Whether it may act by itself.
    pub mode: EnforcementMode,
    /// Guests with one of these tags are never shut down.
    pub critical_tags: Vec<Tag>,
    /// Whether a guest is snapshotted before it is shut down.
    pub snapshot_before_shutdown: bool,
    /// How long a guest may take to shut down.
    pub shutdown_timeout: Duration,
    /// How many guests one run may shut down.
    pub max_shutdowns: u32,
}

impl Default for Enforcement {
    fn default() -> Self {
        Self {
            mode: EnforcementMode::Advise,
            critical_tags: vec![Tag("critical".to_owned())],
            snapshot_before_shutdown: true,
            shutdown_timeout: Duration::from_mins(3),
            max_shutdowns: 5,
        }
    }
}

pub(super) fn read_selection(mut section: Section<'_>, findings: &mut Findings<'_>) -> Selection {
    let all = section
        .take("all")
        .and_then(|entry| entry.flag(findings))
        .unwrap_or_default();
    let tags = section
        .take("tags")
        .map(|entry| entry.list(findings, "a tag"))
        .unwrap_or_default();
    let pools = section
        .take("pools")
        .map(|entry| {
            let items = entry.items(findings, "a list of pools");
            items
                .iter()
                .filter_map(|item| read_pool(item, findings))
                .collect()
        })
        .unwrap_or_default();
    let vmids = section
        .take("vmids")
        .map(|entry| {
            let items = entry.items(findings, "a list of guest ids");
            items
                .iter()
                .filter_map(|item| read_vmid(item, findings))
                .collect()
        })
        .unwrap_or_default();
    let selection = Selection {
        all,
        tags,
        pools,
        vmids,
    };
    section.finish(findings);
    selection
}

/// Reads the number of a guest.
pub(super) fn read_vmid(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<Vmid> {
    let number = entry.whole(findings, 100..=999_999_999)?;
    Vmid::new(number.into())
}

/// Reads the name of a pool.
pub(super) fn read_pool(entry: &Entry<'_>, findings: &mut Findings<'_>) -> Option<PoolName> {
    let text = entry.text(findings, "the name of a pool")?;
    let pool = text.parse::<PoolName>();
    entry.checked(
        findings,
        pool.map_err(|_| {
            InvalidSetting::new(
                format!("{} cannot be a pool", quoted(text)),
                "a pool has letters, digits, `-`, `_`, `.` and `/`",
            )
        }),
    )
}

/// Reads a number or `"unlimited"`.
pub(super) fn read_bound(
    entry: &Entry<'_>,
    findings: &mut Findings<'_>,
    bounds: RangeInclusive<f64>,
    expected: &str,
) -> Option<Bound> {
    if entry.is_word("unlimited") {
        return Some(Bound::Unlimited);
    }
    let number = entry.number(findings, expected)?;
    if bounds.contains(&number) {
        return Some(Bound::At(number));
    }
    entry.reject(
        findings,
        format_args!("must be {expected}"),
        format!("here stands `{number}`"),
    );
    None
}

/// Reads a limit, for which 0 would mean a violation without end.
fn read_limit(
    section: &mut Section<'_>,
    key: &'static str,
    most: f64,
    findings: &mut Findings<'_>,
) -> Option<Bound> {
    let entry = section.take(key)?;
    let expected = format!("above 0 and at most {most}, or \"unlimited\"");
    // The smallest number above zero that a `..=` can begin with.
    read_bound(&entry, findings, f64::MIN_POSITIVE..=most, &expected)
}

fn read_sustain(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Option<Duration> {
    let seconds = section
        .take("sustain_seconds")?
        .whole(findings, 1..=86_400)?;
    Some(Duration::from_secs(seconds.into()))
}

pub(super) fn read_limits(mut section: Section<'_>, findings: &mut Findings<'_>) -> Limits {
    let defaults = Limits::default();
    let limits = Limits {
        cpu_percent: read_limit(&mut section, "cpu_percent", 100.0, findings)
            .unwrap_or(defaults.cpu_percent),
        memory_percent: read_limit(&mut section, "memory_percent", 100.0, findings)
            .unwrap_or(defaults.memory_percent),
        max_runtime_hours: read_limit(&mut section, "max_runtime_hours", 1e6, findings)
            .unwrap_or(defaults.max_runtime_hours),
        sustain: read_sustain(&mut section, findings).unwrap_or(defaults.sustain),
        overrides: section
            .take("override")
            .map(|entry| {
                let items = entry.items(findings, "written as [[limits.override]]");
                items
                    .iter()
                    .filter_map(|item| read_override(item.section(findings)?, findings))
                    .collect()
            })
            .unwrap_or_default(),
    };
    section.finish(findings);
    limits
}

fn read_override(mut section: Section<'_>, findings: &mut Findings<'_>) -> Option<LimitOverride> {
    let matcher = section.take("match");
    if matcher.is_none() {
        findings.report(
            section.offset(),
            format!("[[{}]] does not say for which guests it is", section.name()),
            "write match = \"tag:service\", or pool:, vmid:, name: with a pattern",
        );
    }
    let matcher = matcher.and_then(|entry| entry.parsed(findings, "as \"tag:service\""));
    let cpu_percent = read_limit(&mut section, "cpu_percent", 100.0, findings);
    let memory_percent = read_limit(&mut section, "memory_percent", 100.0, findings);
    let max_runtime_hours = read_limit(&mut section, "max_runtime_hours", 1e6, findings);
    let sustain = read_sustain(&mut section, findings);
    section.finish(findings);
    Some(LimitOverride {
        matcher: matcher?,
        cpu_percent,
        memory_percent,
        max_runtime_hours,
        sustain,
    })
}

pub(super) fn read_retention(mut section: Section<'_>, findings: &mut Findings<'_>) -> Retention {
    let defaults = Retention::default();
    let mut days = |key, default, findings: &mut Findings<'_>| {
        section
            .take(key)
            .and_then(|entry| entry.whole(findings, 1..=MAX_DAYS))
            .unwrap_or(default)
    };
    let daily_days = days("daily_days", defaults.daily_days, findings);
    let weekly_days = days("weekly_days", defaults.weekly_days, findings);
    let monthly_days = days("monthly_days", defaults.monthly_days, findings);
    // Never 0: a guest's only snapshot is never deleted for its age alone.
    let keep_last = section
        .take("keep_last")
        .and_then(|entry| entry.whole(findings, 1..=10_000))
        .unwrap_or(defaults.keep_last);
    let keep_marks = section
        .take("keep_marks")
        .map(|entry| {
            let marks: Vec<Mark> = entry.list(findings, "a word, as \"keep\"");
            marks.into_iter().map(|mark| mark.0).collect()
        })
        .unwrap_or(defaults.keep_marks);
    section.finish(findings);
    Retention {
        daily_days,
        weekly_days,
        monthly_days,
        keep_last,
        keep_marks,
    }
}

/// A word that keeps a snapshot.
struct Mark(String);

impl FromStr for Mark {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        // Names are split at `-` and `_`, so a mark with one of them would never be found.
        if text.chars().all(|c| c.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSetting::new(
                format!("{} is not one word", quoted(text)),
                "a mark has only letters and digits",
            ))
        }
    }
}

pub(super) fn read_enforcement(
    mut section: Section<'_>,
    findings: &mut Findings<'_>,
) -> Enforcement {
    let defaults = Enforcement::default();
    let modes = [
        ("advise", EnforcementMode::Advise),
        ("auto", EnforcementMode::Auto),
    ];
    let enforcement = Enforcement {
        mode: section
            .take("mode")
            .and_then(|entry| entry.choice(findings, &modes))
            .unwrap_or(defaults.mode),
        critical_tags: section
            .take("critical_tags")
            .map_or(defaults.critical_tags, |entry| {
                entry.list(findings, "a tag")
            }),
        snapshot_before_shutdown: section
            .take("snapshot_before_shutdown")
            .and_then(|entry| entry.flag(findings))
            .unwrap_or(defaults.snapshot_before_shutdown),
        shutdown_timeout: section
            .take("shutdown_timeout_seconds")
            .and_then(|entry| entry.whole(findings, 10..=3600))
            .map_or(defaults.shutdown_timeout, |seconds| {
                Duration::from_secs(seconds.into())
            }),
        max_shutdowns: section
            .take("max_shutdowns")
            .and_then(|entry| entry.whole(findings, 1..=1000))
            .unwrap_or(defaults.max_shutdowns),
    };
    section.finish(findings);
    enforcement
}
