//! What is read in the background, in turn, within one budget (SPEC §1.1).

use super::dialogs::Dialog;
use super::effect::{Effect, Query, Ticket};
use super::reading_queue::{AT_ONCE, MOST_A_MINUTE};
use super::state::{Rules, State};
use super::{networks, usage};
use crate::domain::inventory::LinkState;

/// Asks for one thing, if any of its kind is due; tells whether it did.
type Ask = fn(&mut State, &mut Vec<Effect>) -> bool;

/// Returns how many requests the dearest question of the background is.
fn dearest(rules: &Rules) -> usize {
    if !rules.profiles.is_empty() {
        networks::COST
    } else if rules.projects.iter().next().is_some() {
        usage::COST
    } else {
        1
    }
}

impl State {
    /// Asks for what is due in the background, as far as the budget goes.
    ///
    /// What a few questions per node tell comes first. Then snapshot lists, accounts and fences take
    /// turns, so that none waits for thousands of another.
    pub(super) fn ask_in_background(&mut self, effects: &mut Vec<Effect>) {
        let down = matches!(self.link.state, LinkState::Down { .. });
        if down || self.leaves_after_work {
            return;
        }
        self.ask_for_token(effects);
        self.ask_for_zone(effects);
        self.ask_for_pools(effects);
        self.ask_for_datacenter(effects);
        self.ask_for_plan(effects);
        while self.has_background_room() {
            if self.ask_for_last_hour(effects) || self.ask_for_alerts(effects) {
                continue;
            }
            let turns: [Ask; 3] = [
                Self::ask_for_usage,
                Self::ask_for_next_list,
                Self::ask_for_fence,
            ];
            let order = (1..=turns.len()).map(|step| (self.turn + step) % turns.len());
            let mut order = order.collect::<Vec<_>>().into_iter();
            match order.find(|turn| turns[*turn](self, effects)) {
                Some(turn) => self.turn = turn,
                None => break,
            }
        }
    }

    /// Asks for what an open enforcement plan still needs; whoever waits for it waits for no minute.
    fn ask_for_plan(&mut self, effects: &mut Vec<Effect>) {
        let waits = |dialog: &Dialog| matches!(dialog, Dialog::Enforce(plan) if !plan.is_whole);
        if !self.dialogs.last().is_some_and(waits) {
            return;
        }
        while self.usage.flying() < AT_ONCE && self.ask_for_usage(effects) {}
    }

    /// Asks something that is no snapshot list, within the same budget.
    pub(super) fn ask_background(&mut self, query: Query, effects: &mut Vec<Effect>) -> Ticket {
        let ticket = self.next_ticket();
        self.snapshots.lists.note_other(self.now.moment);
        effects.push(Effect::Fetch(ticket, query));
        ticket
    }

    /// Tells whether anything may be asked for in the background now.
    pub(super) fn has_background_room(&mut self) -> bool {
        let flying = self.disk_sizes.flying()
            + self.limits.flying()
            + self.alerts.flying()
            + self.usage.flying()
            + self.networks.flying();
        let lists = &mut self.snapshots.lists;
        // Whatever comes next, the minute must have room for the whole of it.
        let asked = lists.asked_in_last_minute(self.now.moment);
        asked + dearest(&self.setting.rules) <= MOST_A_MINUTE
            && lists.has_room(self.now.moment, flying)
    }
}
