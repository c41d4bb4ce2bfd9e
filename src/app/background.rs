//! What is read in the background, in turn, within one budget (SPEC §1.1).

use super::dialogs::Dialog;
use super::effect::{Effect, Query, Ticket};
use super::event::Spent;
use super::reading_queue::{AT_ONCE, MOST_A_MINUTE};
use super::state::State;
use crate::domain::id::NodeName;
use crate::domain::inventory::LinkState;

/// What came of somebody's turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Something is asked for.
    Asked,
    /// Something is due, and the minute has no room for the whole of it.
    Waits,
    /// Nothing is due.
    Idle,
}

/// Asks for one thing, if any of its kind is due.
type Ask = fn(&mut State, &mut Vec<Effect>) -> Turn;

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
        self.ask_for_plan(effects);
        while self.has_background_room(1) {
            let first: [Ask; 3] = [
                Self::ask_for_last_hour,
                Self::ask_for_alerts,
                Self::ask_for_datacenter,
            ];
            let turns: [Ask; 3] = [
                Self::ask_for_usage,
                Self::ask_for_next_list,
                Self::ask_for_fence,
            ];
            let first = first.into_iter().map(|ask| (self.turn, ask));
            let order = (1..=turns.len()).map(|step| (self.turn + step) % turns.len());
            let order = first.chain(order.map(|turn| (turn, turns[turn])));
            let order: Vec<(usize, Ask)> = order.collect();
            let came = order.into_iter().find_map(|(turn, ask)| {
                let came = ask(self, effects);
                (came != Turn::Idle).then_some((turn, came))
            });
            match came {
                Some((turn, Turn::Asked)) => self.turn = turn,
                // Whoever is dear would never come to it if the others went on.
                Some(_) | None => break,
            }
        }
    }

    /// Asks for what an open enforcement plan still needs; whoever waits for it waits for no minute.
    fn ask_for_plan(&mut self, effects: &mut Vec<Effect>) {
        let waits = |dialog: &Dialog| matches!(dialog, Dialog::Enforce(plan) if !plan.is_whole);
        if !self.dialogs.last().is_some_and(waits) {
            return;
        }
        while self.usage.flying() < AT_ONCE && self.ask_for_wanted_usage(effects) {}
    }

    /// Asks something that is no snapshot list, within the same budget, which takes so many requests
    /// as far as is known.
    pub(super) fn ask_background(
        &mut self,
        query: Query,
        requests: usize,
        effects: &mut Vec<Effect>,
    ) -> Ticket {
        let ticket = self.next_ticket();
        let now = self.now.moment;
        self.snapshots.lists.note(ticket, requests, now);
        effects.push(Effect::Fetch(ticket, query));
        ticket
    }

    /// Tells whether so many requests may be made in the background now.
    pub(super) fn has_background_room(&mut self, requests: usize) -> bool {
        let flying = self.disk_sizes.flying()
            + self.limits.flying()
            + self.alerts.flying()
            + self.usage.flying()
            + self.networks.flying();
        let now = self.now.moment;
        let lists = &mut self.snapshots.lists;
        // What takes more than a minute's worth has a minute for itself.
        let requests = requests.min(MOST_A_MINUTE);
        let asked = lists.asked_in_last_minute(now);
        asked + requests <= MOST_A_MINUTE && lists.has_room(now, flying)
    }

    /// Counts what a question has cost, and learns which nodes are left alone.
    pub(super) fn spent(&mut self, ticket: Ticket, spent: Spent) {
        let now = self.now.moment;
        self.snapshots.lists.spent(ticket, spent.requests, now);
        self.networks.learn_cost(ticket, spent.requests);
        if self.resting.learn(spent.resting, now) {
            self.snapshots.lists.look_again();
        }
    }

    /// Returns the nodes that answer and are not left alone.
    pub(super) fn answering_nodes(&self) -> Vec<NodeName> {
        let mut nodes = self.online_nodes();
        nodes.retain(|node| !self.resting.rests(node, self.now.moment));
        nodes
    }
}
