//! What people are told when a project changes its tier, and which of them (SPEC §5.8).
//!
//! A [`Notification`] is written as one line of JSON, the same for every way of delivery:
//!
//! ```json
//! {"schema": "proxdeck.notification/1", "cluster": "lab", "time": "2026-11-27T09:00:00Z",
//!  "kind": "quota", "project": "alpha", "uuid": null, "tier": "emergency", "previous_tier": "ok",
//!  "throttled": true,
//!  "resources": [{"resource": "cpu_hours", "unit": "core-hours", "used": 640.0, "quota": 400.0,
//!                 "excess": 0.6, "tier": "emergency", "estimated": true, "lower_bound": false}],
//!  "guests": [{"vmid": 101, "name": "web", "outcome": "shut-down", "reason": null}],
//!  "message": "lab: project alpha is at emergency, was ok: cpu_hours ~640 of 400 core-hours (+60 %); …"}
//! ```
//!
//! `resources` are those over their quota; `excess` is `null` for a quota of 0. `throttled` tells
//! whether new guests are refused now, `null` where that is not known. `outcome` is one of the
//! words of [`GuestOutcome`]. No text holds a control character. How a notification gets to
//! somebody is not decided here.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::id::Vmid;
use super::project::Project;
use super::quota::{Certainty, ResourceUsage, Tier};
use super::text::{Text, clean};

/// The channel that gets the emergencies.
pub const ADMINISTRATORS: &str = "administrators";

/// The longest reason that is passed on, in characters: a server may say a whole log.
const LONGEST_REASON: usize = 300;

/// A project's step from one tier to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierChange {
    /// The tier that people last heard of.
    pub from: Tier,
    /// The tier of now.
    pub to: Tier,
}

/// Returns the channels that hear of a change, each once; nobody hears of a change that binds nobody.
///
/// A throttle and its end are for the project's own list. An emergency is for the administrators
/// first, and for the list too: it is their guests that go down. That an emergency is over pages
/// no administrator.
pub fn recipients(change: TierChange, project: &Project) -> Vec<String> {
    let TierChange { from, to } = change;
    let is_told = match to {
        Tier::Emergency | Tier::Throttle => from != to,
        // The end of what was told; a use that became unknown ends nothing.
        Tier::Unlimited | Tier::Ok | Tier::Warn => {
            matches!(from, Tier::Throttle | Tier::Emergency)
        }
        Tier::Unknown => false,
    };
    if !is_told {
        return Vec::new();
    }
    let administrators = (to == Tier::Emergency).then(|| ADMINISTRATORS.to_owned());
    let mut recipients: Vec<String> = Vec::new();
    for name in administrators
        .into_iter()
        .chain(project.notify.iter().cloned())
    {
        if !recipients.contains(&name) {
            recipients.push(name);
        }
    }
    recipients
}

/// What became of a guest in an emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GuestOutcome {
    /// It is going to be shut down.
    Planned,
    /// It was shut down.
    ShutDown,
    /// The cluster was asked to shut it down, and it still runs.
    Requested,
    /// It was left alone.
    Skipped,
    /// Its shutdown failed.
    Failed,
    /// Whether it was shut down is not known.
    Unknown,
}

impl GuestOutcome {
    /// Returns the word of the payload.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::ShutDown => "shut-down",
            Self::Requested => "requested",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Returns what follows a number of guests in a sentence.
    const fn words(self) -> &'static str {
        match self {
            Self::Planned => "to be shut down",
            Self::ShutDown => "shut down",
            Self::Requested => "asked to shut down",
            Self::Skipped => "skipped",
            Self::Failed => "failed to shut down",
            Self::Unknown => "of unknown state",
        }
    }
}

/// A guest that an emergency concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConcernedGuest {
    /// Its number.
    pub vmid: Vmid,
    /// Its name, where known.
    pub name: Option<Text>,
    /// What became of it.
    pub outcome: GuestOutcome,
    /// Why it was skipped or failed, where there is a reason to give.
    pub reason: Option<Text>,
}

/// A project's change of tier, as people are told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    cluster: String,
    time: DateTime<Utc>,
    project: String,
    uuid: Option<String>,
    change: TierChange,
    /// Those over their quota.
    resources: Vec<ResourceUsage>,
    throttled: Option<bool>,
    guests: Vec<ConcernedGuest>,
}

impl Notification {
    /// Tells of a project's change and of its use; what is within its quota is left out.
    pub fn new(
        cluster: &str,
        time: DateTime<Utc>,
        project: &Project,
        change: TierChange,
        usage: &[ResourceUsage],
    ) -> Self {
        let is_over = |each: &&ResourceUsage| match each.tier {
            Tier::Warn | Tier::Throttle | Tier::Emergency => true,
            Tier::Unlimited | Tier::Ok | Tier::Unknown => false,
        };
        Self {
            cluster: clean(cluster),
            time,
            project: clean(project.name()),
            uuid: project.uuid.as_deref().map(clean),
            change,
            resources: usage.iter().filter(is_over).copied().collect(),
            throttled: None,
            guests: Vec::new(),
        }
    }

    /// Adds whether new guests are refused in the project now.
    #[must_use]
    pub fn throttled(mut self, throttled: bool) -> Self {
        self.throttled = Some(throttled);
        self
    }

    /// Adds what became of guests, or is about to.
    #[must_use]
    pub fn with_guests(mut self, guests: impl IntoIterator<Item = ConcernedGuest>) -> Self {
        self.guests.extend(guests);
        self
    }

    /// Returns the one line that says it all, as for a pager.
    pub fn message(&self) -> String {
        let TierChange { from, to } = self.change;
        let mut message = format!(
            "{}: project {} is at {to}, was {from}",
            self.cluster, self.project
        );
        let resources: Vec<String> = self.resources.iter().map(over).collect();
        if !resources.is_empty() {
            message = format!("{message}: {}", resources.join(", "));
        }
        message.push_str(match self.throttled {
            Some(true) => "; no new guests",
            Some(false) => "; new guests are allowed",
            None => "; whether new guests are allowed is not known",
        });
        let mut counts: BTreeMap<GuestOutcome, usize> = BTreeMap::new();
        for guest in &self.guests {
            *counts.entry(guest.outcome).or_default() += 1;
        }
        let counts: Vec<String> = counts
            .iter()
            .map(|(outcome, count)| format!("{count} {}", outcome.words()))
            .collect();
        if !counts.is_empty() {
            message = format!("{message}; guests: {}", counts.join(", "));
        }
        message
    }

    /// Writes the payload: JSON on one line, with a line break at its end.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let payload = Payload {
            schema: "proxdeck.notification/1",
            cluster: &self.cluster,
            time: self.time.to_rfc3339_opts(SecondsFormat::Secs, true),
            kind: "quota",
            project: &self.project,
            uuid: self.uuid.as_deref(),
            tier: self.change.to.as_str(),
            previous_tier: self.change.from.as_str(),
            throttled: self.throttled,
            resources: self.resources.iter().map(ResourceRow::of).collect(),
            guests: self.guests.iter().map(GuestRow::of).collect(),
            message: self.message(),
        };
        serde_json::to_string(&payload).map(|json| json + "\n")
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message())
    }
}

/// Says how far a resource is over its quota.
pub(super) fn over(usage: &ResourceUsage) -> String {
    let quota = usage.quota.bound().unwrap_or_default();
    let excess = usage.excess.map_or_else(String::new, |excess| {
        format!(" (+{} %)", (excess * 1000.0).round() / 10.0)
    });
    format!(
        "{} {} of {quota} {}{excess}",
        usage.resource,
        usage.used,
        usage.resource.unit()
    )
}

#[derive(Serialize)]
struct Payload<'a> {
    schema: &'static str,
    cluster: &'a str,
    time: String,
    kind: &'static str,
    project: &'a str,
    uuid: Option<&'a str>,
    tier: &'static str,
    previous_tier: &'static str,
    throttled: Option<bool>,
    resources: Vec<ResourceRow>,
    guests: Vec<GuestRow>,
    message: String,
}

#[derive(Serialize)]
struct ResourceRow {
    resource: &'static str,
    unit: &'static str,
    used: Option<f64>,
    quota: Option<f64>,
    excess: Option<f64>,
    tier: &'static str,
    /// Whether `used` may be more or less.
    estimated: bool,
    /// Whether `used` is only what is certain, and may be more.
    lower_bound: bool,
}

impl ResourceRow {
    fn of(usage: &ResourceUsage) -> Self {
        // Digits that no sampled figure has are dropped.
        let rounded = |value: f64| (value * 1e6).round() / 1e6;
        let certainty = usage.used.certainty();
        Self {
            resource: usage.resource.as_str(),
            unit: usage.resource.unit(),
            used: usage.used.value().map(rounded),
            quota: usage.quota.bound(),
            excess: usage.excess.map(rounded),
            tier: usage.tier.as_str(),
            estimated: matches!(certainty, Certainty::Estimated | Certainty::AtLeast),
            lower_bound: certainty == Certainty::AtLeast,
        }
    }
}

#[derive(Serialize)]
struct GuestRow {
    vmid: u32,
    name: Option<String>,
    outcome: &'static str,
    reason: Option<String>,
}

impl GuestRow {
    fn of(guest: &ConcernedGuest) -> Self {
        let start = |reason: &Text| reason.to_string().chars().take(LONGEST_REASON).collect();
        Self {
            vmid: guest.vmid.get(),
            name: guest.name.as_ref().map(ToString::to_string),
            outcome: guest.outcome.as_str(),
            reason: guest.reason.as_ref().map(start),
        }
    }
}
