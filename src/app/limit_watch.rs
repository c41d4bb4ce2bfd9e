//! Which managed guests have broken their limits for long enough, and since when (SPEC §5.6).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::background::Turn;
use super::effect::{Effect, Query, Ticket};
use super::state::State;
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::history::{Series, Span};
use crate::domain::id::Vmid;
use crate::domain::inventory::SeenGuest;
use crate::domain::limits::{self, LimitTracker, StandingViolation};

/// So many guests that are over a limit when the program starts have their last hour read.
const REPLAYED: usize = 40;
/// A guest that goes over a limit later was watched all the time.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// The limits that stand broken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LimitWatch {
    tracker: LimitTracker,
    standing: BTreeMap<Vmid, Vec<StandingViolation>>,
    /// Guests whose last hour is asked for or was taken in; each is looked at once.
    replayed: BTreeSet<Vmid>,
    asked: BTreeMap<Ticket, Vmid>,
}

impl LimitWatch {
    /// Returns the limits that a guest has broken for long enough.
    pub fn of(&self, vmid: Vmid) -> &[StandingViolation] {
        self.standing.get(&vmid).map_or(&[], Vec::as_slice)
    }

    /// Returns all limits that stand broken.
    pub fn standing(&self) -> &BTreeMap<Vmid, Vec<StandingViolation>> {
        &self.standing
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.asked.len()
    }
}

impl State {
    /// Holds what managed guests do now against their limits.
    pub(super) fn watch_limits(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let (rules, now) = (&self.setting.rules, self.now.moment);
        let outdated = self.is_outdated();
        let watch = &mut self.limits;
        watch.standing.clear();
        for seen in &resources.guests {
            if !rules.selection.manages(&seen.guest) {
                continue;
            }
            let is_stale = outdated || seen.is_stale(now);
            let figures = (!is_stale).then_some(&seen.guest.figures);
            let standing = watch
                .tracker
                .observe(&seen.guest, figures, &rules.limits, now);
            if !standing.is_empty() {
                watch.standing.insert(seen.guest.vmid, standing);
            }
        }
        let exists = |vmid| {
            let seen = resources.guest(vmid);
            seen.is_some_and(|seen| rules.selection.manages(&seen.guest))
        };
        watch.tracker.retain(exists);
    }

    /// Names a guest that is over a limit and of whose last hour nothing is known.
    fn to_replay(&self) -> Option<Guest> {
        let started = self.started.later(STARTS_WITHIN);
        if self.now.moment > started || self.limits.replayed.len() >= REPLAYED {
            return None;
        }
        let rules = &self.setting.rules;
        let is_over = |seen: &&SeenGuest| {
            !self.limits.replayed.contains(&seen.guest.vmid)
                && !seen.is_stale(self.now.moment)
                && rules.selection.manages(&seen.guest)
                && !limits::violations(&seen.guest, &rules.limits).is_empty()
        };
        let resources = self.inventory.resources.value()?;
        let found = resources.guests.iter().find(is_over)?;
        Some(found.guest.clone())
    }

    /// Asks for the last hour of a guest that is over a limit.
    pub(super) fn ask_for_last_hour(&mut self, effects: &mut Vec<Effect>) -> Turn {
        let Some(guest) = self.to_replay() else {
            return Turn::Idle;
        };
        let query = Query::History(guest.to_ref(), Span::Hour);
        let ticket = self.ask_background(query, 1, effects);
        self.limits.replayed.insert(guest.vmid);
        self.limits.asked.insert(ticket, guest.vmid);
        Turn::Asked
    }

    /// Takes in the last hour of a guest.
    pub(super) fn settle_last_hour(&mut self, ticket: Ticket, result: Result<&Series, &Failure>) {
        let Some(vmid) = self.limits.asked.remove(&ticket) else {
            return;
        };
        let (now, server) = (self.now.moment, self.server_time());
        let resources = self.inventory.resources.value();
        let Some(seen) = resources.and_then(|resources| resources.guest(vmid)) else {
            return;
        };
        // Without it the guest's violation begins when it was first seen.
        let Ok(series) = result else { return };
        let limits = &self.setting.rules.limits;
        let tracker = &mut self.limits.tracker;
        tracker.replay_history(&seen.guest, series, server, limits, now);
    }
}
