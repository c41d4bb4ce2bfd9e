//! What the guests of projects have used, read guest by guest in the background (SPEC §5.7).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono_tz::Tz;

use super::effect::{Effect, Query, Ticket};
use super::readings::Readings;
use super::remote::Remote;
use super::state::{Rules, State, View};
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::inventory::{NodeState, Resources, Storage};
use crate::domain::project::{Project, Resource, Window};
use crate::domain::usage::{
    Account, Accounting, GoneGuest, Ledger, Living, Member, Origin, OwnedVolume, Period,
    ProjectStanding, StorageContents, StorageUse, Unread, VolumeKind, project_use, storage_use,
};
use crate::domain::volume::Volume;

/// What a guest has used is read again after so long.
const ACCOUNTS_LIVE: Duration = Duration::from_mins(30);
/// What lies on a storage is read again after so long.
const CONTENTS_LIVE: Duration = Duration::from_mins(15);
/// The cluster's time zone hardly ever changes.
const ZONE_LIVES: Duration = Duration::from_hours(6);
/// So many questions an account costs for the most part: a configuration, a month, a day.
const COST: usize = 3;

/// A storage, and the node whose own it is; absent where it is shared.
pub type StorageKey = (StorageName, Option<NodeName>);

/// What has been read of guests' use, and what follows for their projects.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageBook {
    accounts: Readings<Vmid, (Account, Origin)>,
    contents: Readings<StorageKey, Vec<Volume>>,
    zone: Remote<Option<Tz>>,
    ledger: Ledger,
    standings: Vec<ProjectStanding>,
}

impl Default for UsageBook {
    fn default() -> Self {
        Self {
            accounts: Readings::new(ACCOUNTS_LIVE),
            contents: Readings::new(CONTENTS_LIVE),
            zone: Remote::default(),
            ledger: Ledger::default(),
            standings: Vec::new(),
        }
    }
}

impl UsageBook {
    /// Returns how the projects stand, in the order of the config.
    pub fn standings(&self) -> &[ProjectStanding] {
        &self.standings
    }

    /// Finds a project.
    pub fn project(&self, name: &str) -> Option<&ProjectStanding> {
        self.standings.iter().find(|each| each.project == name)
    }

    /// Returns what a guest has used, as last read.
    pub fn account(&self, vmid: Vmid) -> Option<&Account> {
        let (account, _) = self.accounts.of(&vmid)?.value()?;
        Some(account)
    }

    /// Returns when the oldest of these guests' accounts was read.
    pub fn oldest<'a>(
        &self,
        guests: impl IntoIterator<Item = &'a Guest>,
    ) -> Option<crate::domain::time::Moment> {
        let read = |guest: &Guest| Some(self.accounts.of(&guest.vmid)?.answer()?.read);
        guests.into_iter().filter_map(read).min()
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.accounts.flying() + self.contents.flying()
    }

    /// Takes over what is remembered of guests that are gone.
    pub(super) fn remember(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    fn storage(&self, resources: &Resources) -> StorageUse {
        let contents = disk_storages(resources).map(|storage| {
            let key = key_of(storage);
            let volumes = self.contents.of(&key).and_then(Remote::value);
            StorageContents {
                storage: key.0,
                node: key.1,
                volumes: volumes.map(|volumes| owned(volumes)).ok_or(Unread),
            }
        });
        storage_use(&contents.collect::<Vec<_>>())
    }
}

fn owned(volumes: &[Volume]) -> Vec<OwnedVolume> {
    let owned = volumes.iter().filter_map(|volume| {
        Some(OwnedVolume {
            vmid: volume.owner?,
            kind: if volume.is_guest_disk() {
                VolumeKind::Disk
            } else {
                VolumeKind::Other
            },
            bytes: volume.size,
        })
    });
    owned.collect()
}

/// Returns the storages that may hold guests' disks.
fn disk_storages(resources: &Resources) -> impl Iterator<Item = &Storage> {
    resources.storages.iter().filter(|storage| {
        // One that does not say may hold anything.
        storage.content.as_ref().is_none_or(|content| {
            let mut kinds = content.raw().split(',');
            kinds.any(|kind| matches!(kind.trim(), "images" | "rootdir"))
        })
    })
}

fn key_of(storage: &Storage) -> StorageKey {
    let node = (!storage.shared).then(|| storage.node.clone());
    (storage.name.clone(), node)
}

/// Tells whether a project bounds anything that only history knows.
fn wants_history(project: &Project) -> bool {
    [
        Resource::CpuHours,
        Resource::MemoryGbHours,
        Resource::NetworkGb,
    ]
    .into_iter()
    .any(|resource| project.budget.quota(resource).bound().is_some())
}

/// Sorts the guests by the project that counts them.
fn members<'a>(resources: &'a Resources, rules: &Rules) -> Vec<Vec<&'a Guest>> {
    // One pass over the guests, however many projects there are.
    let names: BTreeMap<&str, usize> = rules
        .projects
        .iter()
        .enumerate()
        .map(|(index, project)| (project.name(), index))
        .collect();
    let mut members: Vec<Vec<&Guest>> = rules.projects.iter().map(|_| Vec::new()).collect();
    for seen in &resources.guests {
        let owner = rules.projects.assign(&seen.guest).project;
        let index = owner.and_then(|owner| names.get(owner.name()));
        if let Some(members) = index.and_then(|index| members.get_mut(*index)) {
            members.push(&seen.guest);
        }
    }
    members
}

impl State {
    /// Returns the time zone in which months begin, and whether anybody has said so.
    pub fn quota_zone(&self) -> (Tz, bool) {
        let of_cluster = || self.usage.zone.value().copied().flatten();
        let zone = self.setting.rules.zone.or_else(of_cluster);
        (zone.unwrap_or(Tz::UTC), zone.is_some())
    }

    /// Holds what the projects have used against their budgets.
    pub(super) fn assess_projects(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let (zone, _) = self.quota_zone();
        let now = self.server_time();
        let rules = &self.setting.rules;
        if rules.projects.iter().next().is_none() {
            return;
        }
        let book = &self.usage;
        let storage = book.storage(resources);
        let living: Vec<Living> = resources
            .guests
            .iter()
            .map(|seen| living(book, &seen.guest))
            .collect();
        let members = members(resources, rules);
        let standings = rules.projects.iter().zip(members).map(|(project, guests)| {
            let period = Period::of(project.window, now, zone);
            if rules.accounting == Accounting::SinceBoot {
                return ProjectStanding::since_boot(project, &guests, period);
            }
            let reads = wants_history(project);
            let members: Vec<Member<'_>> = guests
                .iter()
                .map(|guest| match book.account(guest.vmid) {
                    // What was counted in a month that is over is of no use.
                    Some(account) if account.until > period.from => Member::Read(account),
                    _ => Member::Unread(guest),
                })
                .collect();
            let unread = guests
                .iter()
                .filter(|guest| reads && !is_settled(book, guest.vmid))
                .count();
            let gone: Vec<GoneGuest> = book.ledger.gone(project.name(), &period, &living);
            let used = project_use(&members, &storage, &gone, book.ledger.covers(&period));
            let mut standing = ProjectStanding::of(project, &used, period, guests.len());
            standing.unread = unread;
            standing
        });
        self.usage.standings = standings.collect();
    }

    /// Returns the guests whose history is wanted, with the window of their project.
    fn accounted(&self) -> Vec<(Vmid, Window)> {
        let rules = &self.setting.rules;
        if rules.accounting == Accounting::SinceBoot {
            return Vec::new();
        }
        let Some(resources) = self.inventory.resources.value() else {
            return Vec::new();
        };
        let wanted = resources.guests.iter().filter_map(|seen| {
            let project = rules.projects.assign(&seen.guest).project?;
            let counts = wants_history(project) && !seen.guest.template;
            counts.then_some((seen.guest.vmid, project.window))
        });
        wanted.collect()
    }

    /// Asks for one account or content list that is due; tells whether it did.
    pub(super) fn ask_for_usage(&mut self, effects: &mut Vec<Effect>) -> bool {
        if self.setting.rules.projects.iter().next().is_none() {
            return false;
        }
        self.ask_for_contents(effects) || self.ask_for_account(effects)
    }

    fn ask_for_contents(&mut self, effects: &mut Vec<Effect>) -> bool {
        let now = self.now.moment;
        let Some(resources) = self.inventory.resources.value() else {
            return false;
        };
        let is_online = |node: &NodeName| {
            let node = resources.node(node);
            node.is_some_and(|node| node.state == NodeState::Online)
        };
        let asked: BTreeMap<StorageKey, NodeName> = disk_storages(resources)
            .filter(|storage| storage.available)
            .filter_map(|storage| {
                let node = if storage.shared {
                    let mut online = self.online_nodes().into_iter();
                    online
                        .find(|node| *node == storage.node)
                        .or_else(|| self.online_nodes().into_iter().next())?
                } else {
                    storage.node.clone()
                };
                is_online(&node).then(|| (key_of(storage), node))
            })
            .collect();
        let Some(key) = self.usage.contents.due(asked.keys().cloned(), now) else {
            return false;
        };
        let Some(node) = asked.get(&key).cloned() else {
            return false;
        };
        let query = Query::Contents(node, key.0.clone());
        let ticket = self.ask_background(query, effects);
        self.usage.contents.ask(key, ticket);
        true
    }

    fn ask_for_account(&mut self, effects: &mut Vec<Effect>) -> bool {
        let now = self.now.moment;
        let mut wanted = self.accounted();
        // Whoever is looked at comes first.
        if let Some(first) = self.looked_at() {
            wanted.sort_by_key(|(vmid, _)| !first.contains(vmid));
        }
        let due = self
            .usage
            .accounts
            .due(wanted.iter().map(|(vmid, _)| *vmid), now);
        let Some((vmid, window)) = due.and_then(|due| {
            let mut wanted = wanted.into_iter();
            wanted.find(|(vmid, _)| *vmid == due)
        }) else {
            return false;
        };
        let resources = self.inventory.resources.value();
        let Some(seen) = resources.and_then(|resources| resources.guest(vmid)) else {
            return false;
        };
        let guest = seen.guest.clone();
        let known = self.usage.accounts.of(&vmid).and_then(Remote::value);
        let origin = known.map(|(_, origin)| origin.clone());
        let (zone, _) = self.quota_zone();
        let period = Period::of(window, self.server_time(), zone);
        let query = Query::Account(Box::new(guest), origin, period);
        let ticket = self.ask_background(query, effects);
        self.usage.accounts.ask(vmid, ticket);
        // It is several questions in one.
        for _ in 1..COST {
            self.snapshots.lists.note_other(now);
        }
        true
    }

    /// Returns the guests of the project that is looked at: under the cursor, or of the guest that is.
    fn looked_at(&self) -> Option<BTreeSet<Vmid>> {
        let project = match self.focus.view() {
            View::Projects => self.selected_project()?.project.as_str(),
            View::Guests
            | View::Alerts
            | View::Snapshots
            | View::Tasks
            | View::Nodes
            | View::Templates => self.project_of(&self.target_guest()?.guest)?,
        };
        let resources = self.inventory.resources.value()?;
        let guests = resources.guests.iter().map(|seen| &seen.guest);
        let own = guests.filter(|guest| self.project_of(guest) == Some(project));
        Some(own.map(|guest| guest.vmid).collect())
    }

    /// Asks in which zone the cluster is, where the config does not say and a month is counted.
    pub(super) fn ask_for_zone(&mut self, effects: &mut Vec<Effect>) {
        let rules = &self.setting.rules;
        let wants = rules.zone.is_none()
            && rules
                .projects
                .iter()
                .any(|each| each.window == Window::Month);
        if !wants || !super::detail::is_due(&self.usage.zone, self.now.moment, ZONE_LIVES) {
            return;
        }
        if let Some(node) = self.online_nodes().into_iter().next() {
            let ticket = self.next_ticket();
            self.usage.zone.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Zone(node)));
        }
    }

    pub(super) fn settle_account(
        &mut self,
        ticket: Ticket,
        result: Result<(Account, Origin), Failure>,
    ) {
        self.usage.accounts.settle(ticket, self.now.moment, result);
    }

    pub(super) fn settle_contents(&mut self, ticket: Ticket, result: Result<Vec<Volume>, Failure>) {
        self.usage.contents.settle(ticket, self.now.moment, result);
    }

    pub(super) fn settle_zone(&mut self, ticket: Ticket, result: Result<Option<Tz>, Failure>) {
        self.usage.zone.settle(ticket, self.now.moment, result);
    }

    /// Forgets the accounts of guests that are gone, and of those whose number another has now.
    pub(super) fn follow_accounts(&mut self) {
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let accounts = &mut self.usage.accounts;
        let same: BTreeMap<Vmid, bool> = accounts
            .answers()
            .map(|(vmid, account)| {
                let identity = &account.value.0.identity;
                let seen = resources.guest(*vmid);
                let is_same = seen.is_some_and(|seen| {
                    let renamed = match (&identity.name, &seen.guest.name) {
                        (Some(before), Some(now)) => before != now,
                        _ => false,
                    };
                    seen.guest.kind == identity.kind && !renamed
                });
                (*vmid, is_same)
            })
            .collect();
        accounts.retain(|vmid| {
            resources.guest(*vmid).is_some() && same.get(vmid).copied().unwrap_or(true)
        });
    }
}

/// Tells whether a guest was read, or will not be: its figures are all that there will be.
fn is_settled(book: &UsageBook, vmid: Vmid) -> bool {
    book.accounts
        .of(&vmid)
        .is_some_and(|account| account.value().is_some() || account.failure().is_some())
}

/// Says of a guest of the list that it lives, and since when it is counted.
fn living(book: &UsageBook, guest: &Guest) -> Living {
    match book.account(guest.vmid) {
        Some(account) => Living::of(account),
        None => Living {
            identity: crate::domain::usage::Identity::of(guest, &Origin::default()),
            counted_from: None,
        },
    }
}
