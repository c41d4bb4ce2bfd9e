//! Which alerts one look at the cluster raises.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::guest::{Guest, Status};
use super::super::id::NodeName;
use super::super::inventory::{LinkState, SeenGuest};
use super::super::limits::{Measure, Phase, Severity, StandingViolation, ViolationKind};
use super::super::quota::{ResourceUsage, Tier};
use super::super::throttle::Found;
use super::super::units::whole_percent;
use super::super::usage::ProjectStanding;
use super::situation::{Situation, ThrottledProject};
use super::{Alert, AlertKey, AlertKind, Subject, tasks};

/// From this share on a storage is critically full, and from the other on it is filling up.
const STORAGE_CRITICAL: f64 = 0.95;
const STORAGE_WARNING: f64 = 0.85;
/// So far below its threshold a storage must fall before its alert ends.
const STORAGE_MARGIN: f64 = 0.02;
/// A lock that stands for so long is stuck, unless a task explains it.
const LOCK_PATIENCE: Duration = Duration::from_mins(15);
/// A snapshot with memory pauses its guest for moments, and the figures are up to 10 s old.
const PAUSE_SETTLES: TimeDelta = TimeDelta::seconds(30);
/// A bracket should be dropped within this time (SPEC §5.5).
const BRACKET_AGE: TimeDelta = TimeDelta::days(7);
/// Certificates and tokens that end within this time want somebody's care.
pub(in crate::domain) const ENDS_SOON: TimeDelta = TimeDelta::days(14);

/// Tells the level of an alert that stands already; for the way back, which is longer than the way in.
pub(super) type Standing<'a> = &'a dyn Fn(&AlertKey) -> Option<u8>;

/// Judges one look: everything that an operator should look at now, each matter once.
///
/// A node's alert stands for those of its guests, and what a backup or migration explains is left
/// out (SPEC §5.10). While the server does not answer only that is raised.
pub(super) fn raise(situation: &Situation<'_>, standing: Standing<'_>) -> Vec<Alert> {
    if situation.is_cut_off() {
        return link(situation).into_iter().collect();
    }
    let silent = situation.silent_nodes();
    let names: BTreeSet<NodeName> = silent.iter().map(|(name, _)| name.clone()).collect();
    let mut alerts: Vec<Alert> = quorum(situation).into_iter().collect();
    alerts.extend(silent.iter().map(|(node, guests)| silence(node, guests)));
    let mut of_nodes = guests(situation);
    of_nodes.extend(storages(situation, standing));
    of_nodes.retain(|alert| !is_absorbed(alert, &names));
    alerts.extend(of_nodes);
    alerts.extend(situation.projects.iter().flat_map(quotas));
    alerts.extend(situation.throttles.iter().flat_map(throttles));
    alerts.extend(tasks::failed(situation));
    alerts.extend(brackets(situation));
    alerts.extend(endings(situation));
    alerts.extend(situation.failing_channels.iter().map(|channel| {
        let subject = Subject::Channel(channel.name.clone());
        let text = format!("the last message did not get through: {}", channel.reason);
        Alert::new(
            AlertKind::NotificationFails,
            subject,
            Severity::Warning,
            text,
        )
        .since(Some(channel.since))
    }));
    alerts
}

/// Tells whether the alert of its node stands for this one.
pub(super) fn is_absorbed(alert: &Alert, silent: &BTreeSet<NodeName>) -> bool {
    match &alert.subject {
        Subject::Guest(guest) => silent.contains(&guest.node),
        Subject::Storage(_, Some(node)) => silent.contains(node),
        Subject::Cluster
        | Subject::Node(_)
        | Subject::Storage(_, None)
        | Subject::Project(..)
        | Subject::Pool(_)
        | Subject::Bracket(_)
        | Subject::Task(..)
        | Subject::Tasks(..)
        | Subject::Token
        | Subject::Channel(_) => false,
    }
}

fn link(situation: &Situation<'_>) -> Option<Alert> {
    let LinkState::Down { failure, since, .. } = &situation.link.state else {
        return None;
    };
    let lasting = situation.now.moment.since(*since);
    Some(
        Alert::new(
            AlertKind::LinkDown,
            Subject::Cluster,
            Severity::Critical,
            format!("cannot be reached: {failure}"),
        )
        .since(ago(situation, lasting)),
    )
}

fn quorum(situation: &Situation<'_>) -> Option<Alert> {
    let quorate = situation.inventory.cluster.value()?.quorate?;
    (!quorate).then(|| {
        Alert::new(
            AlertKind::QuorumLost,
            Subject::Cluster,
            Severity::Critical,
            "has no quorum: nothing can be changed",
        )
    })
}

fn silence(node: &NodeName, guests: &[&SeenGuest]) -> Alert {
    let text = match guests.len() {
        0 => "does not answer".to_owned(),
        1 => "does not answer: 1 guest shown as last seen".to_owned(),
        count => format!("does not answer: {count} guests shown as last seen"),
    };
    let subject = Subject::Node(node.clone());
    Alert::new(AlertKind::NodeOffline, subject, Severity::Critical, text)
}

fn ago(situation: &Situation<'_>, lasting: Duration) -> Option<DateTime<Utc>> {
    let lasting = TimeDelta::from_std(lasting).ok()?;
    situation.now.wall.checked_sub_signed(lasting)
}

fn guests(situation: &Situation<'_>) -> Vec<Alert> {
    let Some(resources) = situation.inventory.resources.value() else {
        return Vec::new();
    };
    let mut alerts = Vec::new();
    for seen in &resources.guests {
        let guest = &seen.guest;
        if seen.vouched && !guest.template {
            alerts.extend(failed(guest));
            alerts.extend(paused(situation, guest));
        }
        alerts.extend(locked(situation, guest));
        let Some(violations) = situation.violations.get(&guest.vmid) else {
            continue;
        };
        let explained = situation.is_explained(guest);
        alerts.extend(
            violations
                .iter()
                // A running time is not a matter of load.
                .filter(|each| !explained || each.violation.kind == ViolationKind::RuntimeExceeded)
                .map(|each| broken(situation, guest, each)),
        );
    }
    alerts
}

fn failed(guest: &Guest) -> Option<Alert> {
    let text = match guest.status {
        Status::IoError => "stands still: a disk could not be read or written (io-error)",
        Status::InternalError => "stands still: QEMU failed (internal-error)",
        Status::Running
        | Status::Stopped
        | Status::Paused
        | Status::Suspended
        | Status::Prelaunch
        | Status::Unknown
        | Status::Other(_) => return None,
    };
    let subject = Subject::Guest(guest.to_ref());
    Some(Alert::new(
        AlertKind::GuestFailed,
        subject,
        Severity::Critical,
        text,
    ))
}

/// A guest is paused by a person, by a task at work, or by something that should be looked at.
fn paused(situation: &Situation<'_>, guest: &Guest) -> Option<Alert> {
    if guest.status != Status::Paused || situation.is_explained(guest) {
        return None;
    }
    let by_person = || {
        let tasks = situation.inventory.tasks.value()?.iter();
        let mut own = tasks.filter(|task| task.upid.vmid() == Some(guest.vmid));
        let latest = own.find(|task| {
            let kind = task.upid.kind();
            matches!(
                kind,
                "qmpause" | "qmsuspend" | "qmresume" | "qmstart" | "qmreset" | "qmreboot"
            )
        })?;
        matches!(latest.upid.kind(), "qmpause" | "qmsuspend").then_some(())
    };
    // What a task has just let go of may still be told as paused (API.md §4).
    let tasks = situation.inventory.tasks.value().into_iter().flatten();
    let just_ended = tasks
        .filter(|task| task.upid.vmid() == Some(guest.vmid))
        .filter_map(|task| task.ended)
        .any(|ended| situation.now.wall.signed_duration_since(ended) < PAUSE_SETTLES);
    let is_strange = guest.lock.is_none()
        && !just_ended
        && !situation.is_at_work(guest)
        && by_person().is_none();
    is_strange.then(|| {
        let subject = Subject::Guest(guest.to_ref());
        let text = "is paused, and no task says who paused it";
        Alert::new(AlertKind::GuestPaused, subject, Severity::Warning, text)
    })
}

fn locked(situation: &Situation<'_>, guest: &Guest) -> Option<Alert> {
    let lock = guest.lock.as_ref()?;
    // A guest that is suspended to disk keeps this lock until it is resumed.
    if lock.raw() == "suspended" || situation.is_at_work(guest) {
        return None;
    }
    let worker = |task: &&super::super::task::Task| {
        task.upid.vmid() == Some(guest.vmid) && super::is_worker_of(lock.raw(), task.upid.kind())
    };
    // It is at least as old as the end of the last task that sets such a lock.
    let known = situation.inventory.tasks.value().into_iter().flatten();
    let failed = situation.failed_tasks.values().flatten();
    let since = known
        .chain(failed)
        .filter(worker)
        .filter_map(|task| task.ended)
        .max();
    let subject = Subject::Guest(guest.to_ref());
    let text = format!("is locked ({lock}) without a task");
    Some(
        Alert::new(AlertKind::GuestLocked, subject, Severity::Warning, text)
            .since(since)
            .after(LOCK_PATIENCE),
    )
}

fn broken(situation: &Situation<'_>, guest: &Guest, standing: &StandingViolation) -> Alert {
    let violation = &standing.violation;
    let text = match standing.phase {
        Phase::Over => violation.to_string(),
        Phase::Easing => format!("{violation}, easing off"),
        Phase::Unseen => format!("{violation}, not seen since"),
    };
    let number = |measure: Measure| match measure {
        Measure::Share(share) => share,
        Measure::Time(time) => time.as_secs_f64(),
    };
    let subject = Subject::Guest(guest.to_ref());
    let kind = AlertKind::Limit(violation.kind);
    let mut alert = Alert::new(kind, subject, violation.severity, text)
        .measured(number(violation.value), number(violation.limit))
        .since(ago(situation, standing.lasting));
    alert.perhaps_earlier = standing.perhaps_longer;
    alert
}

fn storages(situation: &Situation<'_>, standing: Standing<'_>) -> Vec<Alert> {
    let Some(resources) = situation.inventory.resources.value() else {
        return Vec::new();
    };
    let mut alerts = Vec::new();
    for storage in &resources.storages {
        let (Some(used), Some(size)) = (storage.used, storage.size) else {
            continue;
        };
        if !storage.available || size == 0 {
            continue;
        }
        let share = used as f64 / size as f64;
        let node = (!storage.shared).then(|| storage.node.clone());
        let subject = Subject::Storage(storage.name.clone(), node);
        let full = |severity, limit: f64| {
            let text = format!("{} full", percent(share));
            Alert::new(AlertKind::StorageFull, subject.clone(), severity, text)
                .measured(share, limit)
        };
        let critical = full(Severity::Critical, STORAGE_CRITICAL);
        let stands = standing(&critical.key());
        let margin = |level: u8| {
            if stands.is_some_and(|stands| stands >= level) {
                STORAGE_MARGIN
            } else {
                0.0
            }
        };
        if share >= STORAGE_CRITICAL - margin(critical.level) {
            alerts.push(critical);
        } else {
            let warning = full(Severity::Warning, STORAGE_WARNING);
            if share >= STORAGE_WARNING - margin(warning.level) {
                alerts.push(warning);
            }
        }
    }
    alerts
}

fn quotas(project: &ProjectStanding) -> Vec<Alert> {
    let each = project.usage.iter().zip(&project.ahead);
    each.filter_map(|(usage, ahead)| {
        over_quota(project, usage).or_else(|| {
            let ahead = ResourceUsage::new(usage.resource, ahead.used, usage.quota);
            projected_over(project, &ahead)
        })
    })
    .collect()
}

fn over_quota(project: &ProjectStanding, usage: &ResourceUsage) -> Option<Alert> {
    let (severity, level, consequence) = match usage.tier {
        Tier::Unlimited | Tier::Ok | Tier::Unknown => return None,
        Tier::Warn => (Severity::Warning, 1, "over its quota"),
        Tier::Throttle => (Severity::Warning, 2, "over its quota: throttle"),
        Tier::Emergency => (Severity::Critical, 3, "over its quota: emergency"),
    };
    let sign = usage.used.certainty().sign();
    let text = match usage.fraction {
        Some(fraction) => format!("{sign}{} of its quota used: {}", percent(fraction), {
            match usage.tier {
                Tier::Emergency => "emergency",
                Tier::Throttle => "throttle",
                Tier::Warn | Tier::Unlimited | Tier::Ok | Tier::Unknown => "warning",
            }
        }),
        None => format!("{} used, {consequence}", usage.used),
    };
    let subject = Subject::Project(project.project.clone(), usage.resource);
    let mut alert = Alert::new(AlertKind::QuotaExceeded, subject, severity, text)
        .measured(usage.used.value()?, usage.quota.bound()?);
    alert.level = level;
    Some(alert)
}

fn projected_over(project: &ProjectStanding, projected: &ResourceUsage) -> Option<Alert> {
    projected.excess?;
    let subject = Subject::Project(project.project.clone(), projected.resource);
    let text = format!(
        "{} of its quota at the end of the window, if it goes on like this",
        percent(projected.fraction?)
    );
    Some(
        Alert::new(AlertKind::QuotaProjected, subject, Severity::Warning, text)
            .measured(projected.used.value()?, projected.quota.bound()?),
    )
}

/// A throttle that cannot be read, and guests that were made although it stands.
fn throttles(throttled: &ThrottledProject) -> Vec<Alert> {
    match &throttled.found {
        Found::None => Vec::new(),
        Found::Malformed(reason) => {
            let subject = Subject::Pool(throttled.pool.clone());
            let text = format!(
                "{reason}; project {} takes no new guests until it is mended",
                throttled.project
            );
            let kind = AlertKind::ThrottleUnreadable;
            vec![Alert::new(kind, subject, Severity::Warning, text)]
        }
        Found::One(marker) => throttled
            .made_since
            .iter()
            .map(|guest| {
                let subject = Subject::Guest(guest.clone());
                let text = format!(
                    "was made elsewhere although {} has been throttled since {}",
                    throttled.project,
                    marker.since().format("%Y-%m-%d %H:%MZ")
                );
                Alert::new(
                    AlertKind::ThrottleBypassed,
                    subject,
                    Severity::Warning,
                    text,
                )
            })
            .collect(),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", whole_percent(share))
}

fn brackets(situation: &Situation<'_>) -> Vec<Alert> {
    let old = situation.brackets.iter().filter_map(|bracket| {
        let taken = bracket.taken()?;
        let age = situation.now.wall.signed_duration_since(taken);
        (age > BRACKET_AGE).then(|| {
            let subject = Subject::Bracket(bracket.full_name());
            let guests = bracket.members.len();
            let noun = if guests == 1 { "guest" } else { "guests" };
            let text = format!(
                "of {guests} {noun} is {} days old, and no retention deletes it",
                age.num_days()
            );
            Alert::new(AlertKind::BracketOld, subject, Severity::Warning, text)
                .measured(age.num_seconds() as f64, BRACKET_AGE.num_seconds() as f64)
                .since(taken.checked_add_signed(BRACKET_AGE))
        })
    });
    old.collect()
}

/// Certificates and the token, when they end soon or have ended.
fn endings(situation: &Situation<'_>) -> Vec<Alert> {
    let certificates = situation.certificates.iter().map(|(node, ends)| {
        let subject = Subject::Node(node.clone());
        (
            AlertKind::CertificateExpires,
            subject,
            "its certificate",
            *ends,
        )
    });
    let token = situation
        .token_ends
        .map(|ends| (AlertKind::TokenExpires, Subject::Token, "it", ends));
    certificates
        .chain(token)
        .filter_map(|(kind, subject, what, ends)| {
            let left = ends.signed_duration_since(situation.now.wall);
            let text = if left > ENDS_SOON {
                return None;
            } else if left <= TimeDelta::zero() {
                format!("{what} ended on {}", ends.format("%Y-%m-%d"))
            } else {
                let days = left.num_days();
                let noun = if days == 1 { "day" } else { "days" };
                format!(
                    "{what} ends in {days} {noun}, on {}",
                    ends.format("%Y-%m-%d")
                )
            };
            let alert = Alert::new(kind, subject, Severity::Warning, text)
                .measured(left.num_seconds() as f64, ENDS_SOON.num_seconds() as f64)
                .since(ends.checked_sub_signed(ENDS_SOON));
            Some(alert)
        })
        .collect()
}
