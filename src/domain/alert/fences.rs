//! Fences that do not hold, or not any more.

use chrono::TimeDelta;

use super::super::guest::GuestRef;
use super::super::limits::Severity;
use super::super::network::{Fence, Reality, Warning};
use super::situation::Situation;
use super::{Alert, AlertKind, Subject};

/// A trial that is over for so long is not put back by whoever began it.
const TRIAL_SETTLES: TimeDelta = TimeDelta::minutes(2);
/// So many differences are named; the plan shows all.
const NAMED: usize = 3;

/// Judges the fences that were read.
pub(super) fn fences(situation: &Situation<'_>) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = datacenter(situation).into_iter().collect();
    for (vmid, reality) in situation.fences {
        // What a guest's rules say is no matter of a guest that is gone.
        if let Some(seen) = situation.guest(*vmid) {
            alerts.extend(guest(situation, &seen.guest.to_ref(), reality));
        }
    }
    alerts
}

/// The one switch that opens every fence at once; it is one matter and not one of each guest.
fn datacenter(situation: &Situation<'_>) -> Option<Alert> {
    let is_off = |reality: &&Reality| {
        reality.is_fenced() && reality.warnings.contains(&Warning::ClusterSwitchOff)
    };
    let open = situation.fences.values().filter(is_off).count();
    let noun = if open == 1 { "guest" } else { "guests" };
    (open > 0).then(|| {
        Alert::new(
            AlertKind::FirewallOff,
            Subject::Cluster,
            Severity::Warning,
            format!("has its firewall switched off: the fences of {open} {noun} are open"),
        )
    })
}

fn guest(situation: &Situation<'_>, guest: &GuestRef, reality: &Reality) -> Vec<Alert> {
    let alert = |kind, text: String| {
        Alert::new(kind, Subject::Guest(guest.clone()), Severity::Warning, text)
    };
    let mut alerts = Vec::new();
    if let Some(trial) = &reality.way_back {
        let over = situation.now.wall.signed_duration_since(trial.ends());
        if over > TRIAL_SETTLES {
            let text = format!(
                "is still on trial of {}, which was to be put back at {}",
                trial.profile(),
                trial.ends().format("%H:%MZ")
            );
            let left = alert(AlertKind::TrialLeft, text).since(Some(trial.ends()));
            alerts.push(left);
        }
        // Whoever tries a profile sees what it is worth; it is no drift.
        return alerts;
    }
    if let Fence::Drifted {
        profile,
        differences,
    } = &reality.fence
    {
        let text = format!(
            "differs from its network profile {profile}: {}",
            few(differences)
        );
        alerts.push(alert(AlertKind::NetworkDrift, text));
    }
    if let Fence::Strange(profiles) = &reality.fence {
        let text = format!(
            "has rules of {}, which the config does not have or which are several",
            few(profiles)
        );
        alerts.push(alert(AlertKind::NetworkDrift, text));
    }
    let open = reality
        .warnings
        .iter()
        .find(|warning| matches!(warning, Warning::OpenCard(_) | Warning::Defeated { .. }));
    if let Some(open) = open.filter(|_| reality.is_fenced()) {
        let text = if matches!(open, Warning::OpenCard(_)) {
            format!(
                "is not fenced: {} without firewall=1",
                few(&reality.open_cards)
            )
        } else {
            format!("is not fenced: {open}")
        };
        alerts.push(alert(AlertKind::NotFenced, text));
    }
    alerts
}

fn few(all: &[String]) -> String {
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match all.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
