//! What fences a guest in as it is, by what its own firewall says.

use std::collections::BTreeSet;

use super::action::Action;
use super::arrange::RECORD;
use super::current::Current;
use super::draft::{Draft, too_much};
use super::mark;
use super::plan::{Deed, Warning};

use super::profile::NetworkProfile;
use super::warnings;
use super::way_back::WayBack;
use crate::domain::guest::GuestRef;
use crate::domain::text::clean;

/// What fences a guest in, and what does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Reality {
    /// The profile, and whether the guest is as it says.
    pub fence: Fence,
    /// The cards whose traffic passes no firewall; a guest with one is not fenced.
    pub open_cards: Vec<String>,
    /// Which switches are off, and what else makes the fence worth less.
    pub warnings: Vec<Warning>,
    /// A trial that is under way or was left behind.
    pub way_back: Option<WayBack>,
}

/// The profile that a guest's rules name, and whether the guest is as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fence {
    /// No rule is ours.
    None,
    /// The guest is as this profile says, but for the addresses of names.
    Kept(String),
    /// The guest was fenced by this profile and differs from it now, in each of these.
    Drifted {
        /// The profile.
        profile: String,
        /// What differs, a few words each.
        differences: Vec<String>,
    },
    /// Its rules name a profile that the config does not have, or several.
    Strange(Vec<String>),
    /// It cannot be said, for this reason.
    Unknown(String),
}

impl Reality {
    /// Says what fences a guest in, by the profiles that the config has.
    ///
    /// Names are not resolved for it: which addresses they have today is no drift.
    pub fn of(guest: &GuestRef, profiles: &[NetworkProfile], current: &Current) -> Self {
        let rules = current.firewall.as_ref().ok().map(|it| &it.rules);
        let mut warnings = warnings::switches(current);
        let fence = fence(guest, profiles, current, &mut warnings);
        Self {
            fence,
            open_cards: current.open_cards(),
            warnings,
            way_back: rules.and_then(WayBack::find),
        }
    }
}

fn fence(
    guest: &GuestRef,
    profiles: &[NetworkProfile],
    current: &Current,
    warnings: &mut Vec<Warning>,
) -> Fence {
    let firewall = match &current.firewall {
        Ok(firewall) => firewall,
        Err(reason) => return Fence::Unknown(format!("its firewall could not be read: {reason}")),
    };
    let names: BTreeSet<&str> = firewall
        .rules
        .list
        .iter()
        .filter_map(mark::profile_of_rule)
        .collect();
    let mut all = names.iter();
    let (Some(name), None) = (all.next(), all.next()) else {
        let names: Vec<String> = names.into_iter().map(clean).collect();
        return if names.is_empty() {
            Fence::None
        } else {
            Fence::Strange(names)
        };
    };
    let Some(profile) = profiles.iter().find(|profile| profile.name == **name) else {
        return Fence::Strange(vec![clean(name)]);
    };
    if let Err(reason) = &current.config {
        return Fence::Unknown(format!("its cards could not be read: {reason}"));
    }
    if let Some(reason) = too_much(firewall) {
        return Fence::Unknown(reason);
    }
    let draft = Draft::of(guest.kind, profile, None, current);
    let plan = draft.into_plan(guest, profile, current, Deed::Apply);
    let said = plan.warnings().iter();
    warnings.extend(said.filter(|each| each.is_about_foreign_rules()).cloned());
    let objections = plan.objections().iter().map(ToString::to_string);
    // A trial is told of by itself; its record and the sets that it spares are no drift.
    let on_trial = WayBack::find(&firewall.rules).is_some();
    let differences = plan.differences().filter(|change| {
        let is_spared = on_trial && matches!(change.action, Action::DeleteSet { .. });
        change.subject != RECORD && !is_spared
    });
    let differences = differences.map(ToString::to_string);
    let differences: Vec<String> = objections.chain(differences).collect();
    let profile = profile.name.clone();
    if differences.is_empty() {
        Fence::Kept(profile)
    } else {
        Fence::Drifted {
            profile,
            differences,
        }
    }
}
