//! How the lists of snapshots come in, and what the view of all of them does.

use super::background::Turn;
use super::effect::{Effect, Query};
use super::snapshot_lists::{Settled, is_readable};
use super::snapshot_table::Known;
use super::state::{Pane, State, View};
use crate::domain::id::{NodeName, Vmid};
use crate::domain::inventory::{LinkState, Resources, SeenGuest};
use crate::domain::snapshot::Snapshot;

/// Tasks of these kinds change the snapshots of their guest.
const CHANGING: [&str; 8] = [
    "qmsnapshot",
    "qmdelsnapshot",
    "qmrollback",
    "qmrestore",
    "vzsnapshot",
    "vzdelsnapshot",
    "vzrollback",
    "vzrestore",
];

impl State {
    /// Returns the guest that keys are about: that of the row under the cursor, in any view.
    pub fn target_guest(&self) -> Option<&SeenGuest> {
        match self.focus.view() {
            View::Snapshots => {
                let (vmid, _) = self.all_snapshots.cursor()?;
                self.inventory.resources.value()?.guest(vmid)
            }
            View::Alerts => {
                let guest = self.alerted_guest()?;
                self.inventory.resources.value()?.guest(guest.vmid)
            }
            View::Guests | View::Projects | View::Tasks | View::Nodes | View::Templates => {
                self.selected_guest()
            }
        }
    }

    /// Returns the snapshot under the cursor of the view of all snapshots, as it was last read.
    pub(super) fn target_snapshot(&self) -> Option<&Snapshot> {
        let (vmid, name) = self.all_snapshots.cursor()?;
        self.snapshots.lists.list(vmid)?.find(name.raw())
    }

    /// Asks for the list of the guest under the cursor, at once, and for others as they are due.
    pub(super) fn ask_for_snapshots(&mut self, rested: bool, effects: &mut Vec<Effect>) {
        // Whether the server answers again is the inventory's to find out.
        if matches!(self.link.state, LinkState::Down { .. }) {
            return;
        }
        let now = self.now.moment;
        let target = self.target_guest().map(|seen| seen.guest.vmid);
        if let Some(vmid) = target.filter(|vmid| rested && self.snapshots.lists.is_due(*vmid, now))
        {
            self.ask_for_list(vmid, effects);
        }
        if self.leaves_after_work {
            return;
        }
        let Some(resources) = self.inventory.resources.value().cloned() else {
            return;
        };
        self.ask_in_background(effects);
        self.ask_for_sizes(&resources, target.filter(|_| rested), effects);
    }

    /// Asks for the list whose turn it is in the background.
    pub(super) fn ask_for_next_list(&mut self, effects: &mut Vec<Effect>) -> Turn {
        let Some(resources) = self.inventory.resources.value() else {
            return Turn::Idle;
        };
        let now = self.now.moment;
        let lists = &mut self.snapshots.lists;
        let Some(vmid) = lists.next(now, resources, &self.resting) else {
            return Turn::Idle;
        };
        if let Some(seen) = resources.guest(vmid) {
            self.resting.ask(&seen.guest.node, now);
        }
        self.ask_for_list(vmid, effects);
        Turn::Asked
    }

    /// Asks for the disks of the guests whose snapshots are on show, within the background's budget.
    fn ask_for_sizes(
        &mut self,
        resources: &Resources,
        target: Option<Vmid>,
        effects: &mut Vec<Effect>,
    ) {
        let now = self.now.moment;
        let has_snapshots = |vmid: Vmid| {
            let list = self.snapshots.lists.list(vmid);
            list.is_some_and(|list| !list.snapshots.is_empty())
        };
        let mut wanted: Vec<Vmid> = target.into_iter().collect();
        if self.focus == Pane::AllSnapshots {
            let readable = resources.guests.iter().filter(|seen| is_readable(seen));
            wanted.extend(readable.map(|seen| seen.guest.vmid));
        }
        wanted.retain(|vmid| has_snapshots(*vmid) && self.disk_sizes.is_due(*vmid, now));
        for vmid in wanted {
            if !self.disk_sizes.is_due(vmid, now) || !self.has_background_room(1) {
                continue;
            }
            let Some(seen) = resources.guest(vmid) else {
                continue;
            };
            if self.resting.rests(&seen.guest.node, now) {
                continue;
            }
            let query = Query::Config(seen.guest.to_ref());
            let ticket = self.ask_background(query, 1, effects);
            self.resting.ask(&seen.guest.node, now);
            self.disk_sizes.ask(vmid, ticket);
        }
    }

    fn ask_for_list(&mut self, vmid: Vmid, effects: &mut Vec<Effect>) {
        let resources = self.inventory.resources.value();
        let Some(seen) = resources.and_then(|resources| resources.guest(vmid)) else {
            return;
        };
        let guest = seen.guest.to_ref();
        let ticket = self.next_ticket();
        self.snapshots.lists.ask(vmid, ticket, self.now.moment);
        effects.push(Effect::Fetch(ticket, Query::Snapshots(guest)));
    }

    /// Follows a new inventory: guests that are gone, and tasks that changed snapshots.
    pub(super) fn follow_guests(&mut self, before: Option<&Resources>) {
        if let Some(resources) = self.inventory.resources.value() {
            self.snapshots.lists.follow(before, resources);
            self.disk_sizes
                .retain(|vmid| resources.guest(vmid).is_some());
            let exists = |node: &NodeName| resources.node(node).is_some();
            self.alerts.failed_tasks.retain(exists);
            self.alerts.certificates.retain(exists);
        }
    }

    /// Notes whose snapshots the tasks have changed.
    pub(super) fn follow_changes(&mut self) {
        let tasks = self.inventory.tasks.value().map_or(&[][..], Vec::as_slice);
        for task in tasks.iter().filter(|task| task.ended.is_some()) {
            let changes = CHANGING.contains(&task.upid.kind());
            if let Some(vmid) = task.upid.vmid().filter(|_| changes) {
                self.snapshots.lists.changed_by(vmid, &task.upid);
            }
        }
    }

    /// Follows an answer.
    pub(super) fn follow_list(&mut self, settled: Settled) {
        match settled {
            Settled::NotOurs => {}
            Settled::Same => {
                if self.focus == Pane::AllSnapshots
                    && let Some(resources) = self.inventory.resources.value()
                {
                    self.all_snapshots.cover(resources, &self.snapshots.lists);
                }
            }
            Settled::Changed(vmid) => {
                self.alerts.snapshots_changed();
                self.all_snapshots.forget(vmid);
                self.follow_snapshots();
            }
        }
    }

    /// Makes the rows of all snapshots anew, if they are on show.
    pub(super) fn follow_snapshots(&mut self) {
        if self.focus != Pane::AllSnapshots {
            return;
        }
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let server = self.server_time();
        self.all_snapshots.rebuild(&Known {
            resources,
            lists: &self.snapshots.lists,
            rules: &self.setting.rules,
            server,
            now: self.now.moment,
        });
    }

    /// Judges all snapshots again when time has passed.
    pub(super) fn follow_time(&mut self) {
        if self.focus == Pane::AllSnapshots && self.all_snapshots.is_outdated(self.now.moment) {
            self.follow_snapshots();
        }
    }

    /// Moves the cursor among all snapshots; its guest is read when the cursor rests.
    pub(super) fn move_among_snapshots(&mut self, rows: isize, effects: &mut Vec<Effect>) {
        let before = self.target_guest().map(|seen| seen.guest.vmid);
        self.all_snapshots.move_by(rows, &self.snapshots.lists);
        if self.target_guest().map(|seen| seen.guest.vmid) != before {
            self.rest_begins(effects);
        }
    }

    /// Goes to the guest of the row, with its snapshot under the cursor.
    pub(super) fn go_to_snapshot(&mut self, effects: &mut Vec<Effect>) {
        let Some((vmid, name)) = self.all_snapshots.cursor() else {
            return;
        };
        let name = name.clone();
        self.focus = Pane::Snapshots;
        self.zoomed = false;
        if !self.guests.select(vmid) {
            // A filter that hides the guest would lead somewhere else.
            self.guests.set_filter("");
            self.rows_changed(effects);
            self.guests.select(vmid);
        }
        self.selection_changed(effects);
        self.snapshots.select(name);
    }
}
