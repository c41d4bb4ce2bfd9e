//! The plans themselves: apply a profile, try it, put a trial back, keep what was tried.
//!
//! Each begins with what is there now and changes only what differs, so that a plan that was cut
//! short is finished by making it again, and one that was finished is empty when it is made again.

use chrono::{DateTime, Utc};

use super::arrange::{Steps, Wanted};
use super::current::Current;
use super::draft::{Draft, change_card, change_options, delete_unused, first_card, too_much};
use super::plan::{Deed, NetworkPlan};
use super::profile::NetworkProfile;
use super::resolved::Resolved;
use super::warnings;
use super::way_back::{FormerCard, FormerOptions, FormerRule, WayBack};
use crate::domain::guest::GuestRef;
use crate::domain::request::{Field, Objection};

/// Plans what brings a guest to what a profile says; nothing where it is so already.
///
/// A trial that is under way is confirmed by it. Names without an address, sets of others under our
/// names and what could not be read are objections, and nothing is planned then.
pub fn plan(
    guest: &GuestRef,
    profile: &NetworkProfile,
    resolved: &Resolved,
    current: &Current,
) -> NetworkPlan {
    let draft = Draft::of(guest.kind, profile, Some(resolved), current);
    draft.into_plan(guest, profile, current, Deed::Apply)
}

/// Plans a profile on trial: the same, but what was there before is recorded first.
///
/// Sets that no rule speaks of any more stay until the trial is confirmed. `began` and `ends` are by the server's clock.
pub fn plan_trial(
    guest: &GuestRef,
    profile: &NetworkProfile,
    resolved: &Resolved,
    current: &Current,
    (began, ends): (DateTime<Utc>, DateTime<Utc>),
) -> NetworkPlan {
    let mut draft = Draft::of(guest.kind, profile, Some(resolved), current);
    let Some(parts) = &mut draft.parts else {
        return draft.into_plan(guest, profile, current, Deed::Apply);
    };
    let way_back = WayBack {
        profile: profile.name.clone(),
        began,
        ends,
        options: FormerOptions::from(&parts.firewall.options),
        card: FormerCard::of(&parts.card.0),
        rules: FormerRule::all(&parts.firewall.rules),
        made_sets: parts.made_sets(),
        added: parts.added(),
        removed: parts.removed(),
    };
    parts.record = way_back.rule();
    let is_under_way = WayBack::find(&parts.firewall.rules).is_some();
    let (loses, is_too_much) = (parts.loses_for_good(), parts.record.is_none());
    for (obstructs, reason) in [
        (
            is_under_way,
            "a trial is under way: keep it or put it back before the next one",
        ),
        (
            loses,
            "a set of ours holds an exclusion or alias, which no trial could put back: \
             apply without a trial",
        ),
        (
            is_too_much,
            "what would have to be put back is too much for a trial: apply without one",
        ),
    ] {
        if obstructs {
            draft.object(reason);
        }
    }
    draft.into_plan(guest, profile, current, Deed::Try(Box::new(way_back)))
}

/// Plans to put back what a trial changed; `None` where no trial is recorded.
pub fn put_back(guest: &GuestRef, current: &Current) -> Option<NetworkPlan> {
    let firewall = current.firewall.as_ref().ok()?;
    let way_back = WayBack::find(&firewall.rules)?;
    let mut plan = NetworkPlan {
        guest: guest.clone(),
        profile: way_back.profile.clone(),
        deed: Deed::PutBack,
        changes: Vec::new(),
        foreign: warnings::foreign(firewall),
        warnings: warnings::switches(current),
        objections: Vec::new(),
        base: firewall.clone(),
    };
    let card = match first_card(current) {
        Ok(card) => card,
        Err(reason) => {
            plan.objections.push(Objection::new(Field::Network, reason));
            return Some(plan);
        }
    };
    if let Some(reason) = too_much(firewall) {
        plan.objections.push(Objection::new(Field::Network, reason));
        return Some(plan);
    }
    let wanted = way_back.rules.iter().map(|former| Wanted {
        rule: former.rule.clone(),
        foreign_above: Some(former.foreign_above),
    });
    let mut steps = Steps::new(firewall, wanted.collect());
    let growing: Vec<&str> = way_back.removed.iter().map(|it| it.set.as_str()).collect();
    steps.close_growing(&growing);
    for former in &way_back.removed {
        former.put_back(&mut steps);
    }
    way_back.take_out(&mut steps, false);
    steps.arrange();
    change_options(&mut steps, way_back.options.change(&firewall.options));
    change_card(&mut steps, &card, way_back.card.put_on(&card));
    steps.delete_old();
    way_back.take_out(&mut steps, true);
    plan.warnings.extend(delete_unused(&mut steps, |name| {
        way_back.made_sets.iter().any(|made| made == name)
    }));
    steps.delete_records();
    plan.changes = steps.into_changes();
    Some(plan)
}

/// Plans to keep what a trial changed; `None` where no trial is recorded.
///
/// What only applying the profile once more mends, as addresses that are gone, is left to that.
pub fn keep(guest: &GuestRef, current: &Current) -> Option<NetworkPlan> {
    let firewall = current.firewall.as_ref().ok()?;
    let way_back = WayBack::find(&firewall.rules)?;
    let mut steps = Steps::new(firewall, Vec::new());
    let set_stays = delete_unused(&mut steps, |_| true);
    steps.delete_records();
    let mut warnings = warnings::switches(current);
    warnings.extend(set_stays);
    Some(NetworkPlan {
        guest: guest.clone(),
        profile: way_back.profile,
        deed: Deed::Keep,
        changes: steps.into_changes(),
        foreign: warnings::foreign(firewall),
        warnings,
        objections: Vec::new(),
        base: firewall.clone(),
    })
}
