//! `[projects.NAME]` and `[quota]`: the budgets and how usage is counted against them.

use std::fmt;
use std::str::FromStr;

use chrono_tz::{TZ_VARIANTS, Tz};

use super::rules::{Matcher, read_bound, read_pool};
use super::{Bound, require_known};
use crate::config::document::{Entry, Findings, Section};
use crate::config::error::{InvalidSetting, nearest, quoted};
use crate::domain::id::PoolName;
use crate::domain::usage::Accounting;

/// The largest budget of any resource; more is a slip of the finger.
const MAX_BUDGET: f64 = 1e12;

/// A budget over some guests.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Its name in the config.
    pub name: String,
    /// Its id in the hub, where it has one.
    pub uuid: Option<ProjectUuid>,
    /// Which guests count.
    pub members: Members,
    /// Over which time usage is added up.
    pub window: Window,
    /// Core-hours of CPU.
    pub cpu_hours: Bound,
    /// Gigabyte-hours of used memory.
    pub memory_gb_hours: Bound,
    /// Gigabytes of provisioned storage.
    pub storage_gb: Bound,
    /// Gigabytes in and out.
    pub network_gb: Bound,
    /// The channels that are told.
    pub notify: Vec<String>,
}

/// Which guests belong to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// Those in a pool, whose comment also holds the throttle.
    Pool(PoolName),
    /// Those that match, with a pool whose comment holds the throttle.
    Match {
        /// Which guests.
        matcher: Matcher,
        /// The pool whose comment holds the throttle.
        marker_pool: PoolName,
    },
}

/// The id of a project in the hub, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectUuid(String);

impl ProjectUuid {
    /// Returns the id in the usual notation.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectUuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for ProjectUuid {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let digits = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if digits && lengths == [8, 4, 4, 4, 12] {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidSetting::new(
                format!("{} is no UUID", quoted(text)),
                "write 32 hex digits as 8-4-4-4-12",
            ))
        }
    }
}

/// The time over which a project's usage is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The calendar month.
    Month,
    /// The last 30 days.
    Days30,
    /// The last 7 days.
    Days7,
    /// The last 24 hours.
    Hours24,
}

/// How usage is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Where the figures come from.
    pub accounting: Accounting,
    /// The time zone in which months begin; without one the cluster's.
    pub timezone: Option<Tz>,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            accounting: Accounting::History,
            timezone: None,
        }
    }
}

/// Reads a project; beside it stands where its uuid was written.
pub(super) fn read(
    name: String,
    mut section: Section<'_>,
    channels: &[String],
    findings: &mut Findings<'_>,
) -> Option<(Project, usize)> {
    let uuid = section.take("uuid");
    let uuid_offset = uuid.as_ref().map_or(section.offset(), Entry::offset);
    let uuid = uuid.and_then(|entry| entry.parsed(findings, "a UUID"));
    let members = read_members(&mut section, findings);
    let windows = [
        ("month", Window::Month),
        ("30d", Window::Days30),
        ("7d", Window::Days7),
        ("24h", Window::Hours24),
    ];
    let window = section
        .take("window")
        .and_then(|entry| entry.choice(findings, &windows))
        .unwrap_or(Window::Month);
    let mut budget = |key, findings: &mut Findings<'_>| {
        // 0 is a budget too: it allows nothing.
        let expected = "0 or more, or \"unlimited\"";
        section
            .take(key)
            .and_then(|entry| read_bound(&entry, findings, 0.0..=MAX_BUDGET, expected))
            .unwrap_or(Bound::Unlimited)
    };
    let cpu_hours = budget("cpu_hours", findings);
    let memory_gb_hours = budget("memory_gb_hours", findings);
    let storage_gb = budget("storage_gb", findings);
    let network_gb = budget("network_gb", findings);
    let mut notify = Vec::new();
    if let Some(entry) = section.take("notify") {
        for item in entry.items(findings, "a list of names from [notify.NAME]") {
            if let Some(channel) = item.text(findings, "a name from [notify.NAME]") {
                require_known(&item, channel, channels, "notify", findings);
                notify.push(channel.to_owned());
            }
        }
    }
    section.finish(findings);
    let project = Project {
        name,
        uuid,
        members: members?,
        window,
        cpu_hours,
        memory_gb_hours,
        storage_gb,
        network_gb,
        notify,
    };
    Some((project, uuid_offset))
}

fn read_members(section: &mut Section<'_>, findings: &mut Findings<'_>) -> Option<Members> {
    let pool = section.take("pool");
    let matcher = section.take("match");
    let marker_pool = section.take("marker_pool");
    match (pool, matcher, marker_pool) {
        (Some(pool), None, None) => read_pool(&pool, findings).map(Members::Pool),
        (None, Some(matcher), Some(marker_pool)) => {
            let matcher = matcher.parsed(findings, "as \"tag:alpha\"");
            let marker_pool = read_pool(&marker_pool, findings);
            Some(Members::Match {
                matcher: matcher?,
                marker_pool: marker_pool?,
            })
        }
        (None, Some(matcher), None) => {
            findings.report(
                matcher.offset(),
                format!("{matcher} has no place for its throttle"),
                "add marker_pool = \"POOL\": the throttle stands in that pool's comment",
            );
            None
        }
        (Some(_), None, Some(marker_pool)) => {
            findings.report(
                marker_pool.offset(),
                format!("{marker_pool} goes with match, not with pool"),
                "leave it out: the throttle stands in the comment of `pool`",
            );
            None
        }
        (pool, _, _) => {
            let count = if pool.is_some() { "both" } else { "neither" };
            findings.report(
                section.offset(),
                format!("[{}] has {count} of pool and match", section.name()),
                "write pool = \"POOL\", or match = \"tag:TAG\" with marker_pool = \"POOL\"",
            );
            None
        }
    }
}

/// Reports projects that claim one id, since `--project UUID` could mean either.
pub(super) fn refuse_shared_uuids(projects: &[(Project, usize)], findings: &mut Findings<'_>) {
    for (index, (project, offset)) in projects.iter().enumerate() {
        let earlier = projects
            .iter()
            .take(index)
            .find(|(earlier, _)| project.uuid.is_some() && earlier.uuid == project.uuid);
        if let Some((earlier, _)) = earlier {
            findings.report(
                *offset,
                format!(
                    "[projects.{}] has the uuid of [projects.{}]",
                    project.name, earlier.name
                ),
                "give each project its own",
            );
        }
    }
}

pub(super) fn read_quota(mut section: Section<'_>, findings: &mut Findings<'_>) -> Quota {
    let ways = [
        ("history", Accounting::History),
        ("since-boot", Accounting::SinceBoot),
    ];
    let accounting = section
        .take("accounting")
        .and_then(|entry| entry.choice(findings, &ways))
        .unwrap_or(Accounting::History);
    let timezone = section.take("timezone").and_then(|entry| {
        let text = entry.text(findings, "a time zone, as \"Europe/Berlin\"")?;
        let zone = text.parse::<Tz>();
        if zone.is_err() {
            let cure = match nearest_zone(text) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "write a name as \"Europe/Berlin\" or \"UTC\"".to_owned(),
            };
            entry.reject(
                findings,
                format_args!("names no time zone: {}", quoted(text)),
                cure,
            );
        }
        zone.ok()
    });
    section.finish(findings);
    Quota {
        accounting,
        timezone,
    }
}

/// Finds the time zone that was probably meant: by its city alone, or by a slip of the finger.
fn nearest_zone(text: &str) -> Option<&'static str> {
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
    let written = text.trim().replace(' ', "_");
    let city = |name: &str| {
        let own = name.rsplit('/').next().unwrap_or(name);
        own.eq_ignore_ascii_case(&written)
    };
    names()
        .find(|name| name.eq_ignore_ascii_case(&written))
        .or_else(|| names().find(|name| city(name)))
        .or_else(|| nearest(text, names()))
}
