//! The fence of a guest that comes of another change, as far as it can be foreseen.
//!
//! A copy takes its source's firewall file along, and a return leaves a guest's own where it is
//! (PITFALLS 22, 27). So what fences either in is planned on what was read of the guest that is
//! there, before anything is done; it is planned anew when its turn comes.

use std::collections::BTreeSet;

use super::action::{Action, CARD};
use super::current::Current;
use super::mark::profile_of_rule;
use super::plan::NetworkPlan;
use super::planning::plan;
use super::profile::NetworkProfile;
use super::resolved::Resolved;
use crate::domain::firewall::{ClusterFirewall, GuestFirewall, Rules};
use crate::domain::guest::GuestRef;
use crate::domain::guest_config::GuestConfig;
use crate::domain::operation::Call;
use crate::domain::text::clean;

/// What fences a guest in that comes of another change, as far as it can be foreseen.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Foreseen {
    /// No profile does.
    #[default]
    Nothing,
    /// It is still being read.
    Awaited,
    /// It cannot be foreseen, for this reason.
    Unknown(String),
    /// A profile is applied by this plan.
    Planned(Box<NetworkPlan>),
}

impl Foreseen {
    /// Plans a profile on a configuration and a firewall as they will be.
    pub fn of(
        guest: &GuestRef,
        profile: &NetworkProfile,
        resolved: &Resolved,
        config: &GuestConfig,
        firewall: &GuestFirewall,
    ) -> Self {
        let current = Current {
            config: Ok(config.clone()),
            firewall: Ok(firewall.clone()),
            // Only warnings come of what the datacenter says.
            cluster: ClusterFirewall::default(),
        };
        let plan = plan(guest, profile, resolved, &current);
        match plan.objections().first() {
            Some(objection) => {
                Self::Unknown(format!("network profile {}: {objection}", profile.name))
            }
            None => Self::Planned(Box::new(plan)),
        }
    }

    /// Says what is known of it; nothing where no profile is.
    pub fn told(&self) -> Option<String> {
        Some(match self {
            Self::Nothing => return None,
            Self::Awaited => "reading what fences it in…".to_owned(),
            Self::Unknown(reason) => format!("{reason}; it is planned again before the start"),
            Self::Planned(plan) if plan.is_empty() => format!("as {} says", plan.profile()),
            Self::Planned(plan) => format!(
                "{} before the start: {}, as the rules are now",
                plan.profile(),
                calls(plan.steps().len())
            ),
        })
    }

    /// Returns the plan, where there is one with a step.
    pub fn plan(&self) -> Option<&NetworkPlan> {
        match self {
            Self::Planned(plan) if !plan.is_empty() => Some(plan),
            Self::Planned(_) | Self::Nothing | Self::Awaited | Self::Unknown(_) => None,
        }
    }
}

impl NetworkPlan {
    /// Tells whether the first card is another than the profile says.
    pub fn changes_card(&self) -> bool {
        let mut actions = self.changes.iter().map(|change| &change.action);
        actions.any(|action| matches!(action, Action::SetCard { .. }))
    }

    /// Returns the bridge to which it moves the first card, if it does.
    pub fn new_bridge(&self) -> Option<String> {
        let mut actions = self.changes.iter().map(|change| &change.action);
        actions.find_map(|action| {
            let Action::SetCard { before, after } = action else {
                return None;
            };
            let bridge = after.get("bridge")?;
            (before.get("bridge") != Some(bridge)).then(|| clean(bridge))
        })
    }

    /// Returns the writes as they are for a copy of the guest, whose path is another.
    pub(in crate::domain) fn calls_for_copy(&self, path: &str) -> Vec<Call> {
        let calls = self.changes.iter().map(|change| {
            let mut call = change.call(&self.guest).moved(&self.guest, path);
            if let Action::SetCard { after, .. } = &change.action {
                // A copy has an address of its own.
                call.parameters = vec![(CARD, after.clone().with_own_address().to_string())];
            }
            call
        });
        calls.collect()
    }
}

/// Finds the one profile that a guest's own rules name; nothing where they name none.
///
/// # Errors
///
/// Several profiles, or one that the config does not have, cannot be applied again.
pub fn own_profile<'a>(
    rules: &Rules,
    profiles: &'a [NetworkProfile],
) -> Result<Option<&'a NetworkProfile>, String> {
    let names: BTreeSet<&str> = rules.list.iter().filter_map(profile_of_rule).collect();
    match names.into_iter().collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [only] => match profiles.iter().find(|profile| profile.name == *only) {
            Some(profile) => Ok(Some(profile)),
            None => Err(format!(
                "it is fenced in by {}, which this config does not have",
                clean(only)
            )),
        },
        several => {
            let names: Vec<String> = several.iter().map(|name| clean(name)).collect();
            Err(format!(
                "its rules name several profiles: {}",
                names.join(", ")
            ))
        }
    }
}

/// Writes how many calls something takes.
pub fn calls(count: usize) -> String {
    match count {
        1 => "1 call".to_owned(),
        many => format!("{many} calls"),
    }
}
