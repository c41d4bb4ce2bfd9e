//! Whether enforcement may act although nobody looked at its plan.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::steps::ProjectPlan;
use crate::domain::throttle::MarkedTier;
use crate::domain::usage::ProjectStanding;

/// So far apart two runs must have seen a project over its quota.
const APART: TimeDelta = TimeDelta::minutes(10);
/// What was seen longer ago is another matter.
const FORGOTTEN: TimeDelta = TimeDelta::hours(24);

/// Servers tell their time by the second, and each run hears it a little later than the last.
const BLUR: TimeDelta = TimeDelta::seconds(5);

/// A project that earlier runs saw over its quota, on complete figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The tier, in the word of `--json`.
    tier: String,
    /// When it was seen first.
    first: DateTime<Utc>,
    /// When it was seen last.
    last: DateTime<Utc>,
}

impl Sighting {
    /// Tells whether it is about this tier and neither long ago nor ahead.
    fn is_of(&self, tier: MarkedTier, now: DateTime<Utc>) -> bool {
        let is_recent = now.signed_duration_since(self.last) <= FORGOTTEN;
        self.tier == tier.tier().as_str()
            && is_recent
            && self.first <= self.last
            && self.last <= now.checked_add_signed(BLUR).unwrap_or(now)
    }
}

/// Says what is to be remembered of a project after this run; `now` is the server's time.
///
/// Another tier is another matter. Figures that are not complete neither confirm nor deny.
pub fn next_sighting(
    earlier: Option<&Sighting>,
    standing: &ProjectStanding,
    now: DateTime<Utc>,
) -> Option<Sighting> {
    if !standing.is_complete() {
        return earlier.cloned();
    }
    let tier = MarkedTier::of(standing.tier())?;
    let first = earlier
        .filter(|earlier| earlier.is_of(tier, now))
        .map_or(now, |earlier| earlier.first);
    Some(Sighting {
        tier: tier.tier().as_str().to_owned(),
        first,
        // Heard a second earlier than the first look, it is still no earlier than that.
        last: now.max(first),
    })
}

/// Says why a project's steps may not be taken by `enforce --auto`, if so (SPEC §5.8).
///
/// `acts` is whether the config lets it act at all. `earlier` is what earlier runs remembered,
/// without this one. The lifting of a throttle needs complete figures, but no second sight.
pub fn may_act_alone(
    plan: &ProjectPlan,
    standing: &ProjectStanding,
    earlier: Option<&Sighting>,
    acts: bool,
    now: DateTime<Utc>,
) -> Result<(), String> {
    if !acts {
        return Err("[enforcement] mode is not \"auto\"".to_owned());
    }
    if !standing.is_complete() {
        return Err("its figures are not complete".to_owned());
    }
    let Some(tier) = plan.tier().and_then(MarkedTier::of) else {
        return Ok(());
    };
    let since = earlier
        .filter(|earlier| earlier.is_of(tier, now))
        .map(|earlier| now.signed_duration_since(earlier.first));
    match since {
        Some(since) if since >= APART => Ok(()),
        Some(_) => Err(format!(
            "seen at {} less than {} minutes ago for the first time",
            tier.tier(),
            APART.num_minutes()
        )),
        None => Err(format!("seen at {} for the first time", tier.tier())),
    }
}
