//! What the guests of projects have used, read guest by guest in the background (SPEC §5.7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::background::Turn;
use super::detail;
use super::effect::{Effect, Query, Ticket};
use super::heaviest::Members;
use super::readings::Readings;
use super::remote::Remote;
use super::resting::RestingNodes;
use super::state::{State, View};
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::id::{NodeName, StorageName, Vmid};
use crate::domain::inventory::{Node, NodeState, Resources, SeenGuest};
use crate::domain::project::{Project, Resource, Window};
use crate::domain::time::Moment;
use crate::domain::usage::{
    Account, Accounting, ContentList, Ledger, Origin, Period, ProjectStanding, StorageContents,
    StorageUse, Unread, UsageReadings, Zone, content_lists, hidden_owners, storage_use,
};
use crate::domain::volume::Volume;

/// What a guest has used is read again after so long.
const ACCOUNTS_LIVE: Duration = Duration::from_mins(30);
/// What lies on a storage is read again after so long.
const CONTENTS_LIVE: Duration = Duration::from_mins(15);
/// The cluster's time zone hardly ever changes.
const ZONE_LIVES: Duration = Duration::from_hours(6);
/// What guests have used is written into the ledger so often.
const RECORDED: Duration = Duration::from_mins(10);
/// An older account does not vouch that its guest is still there.
const VOUCHES: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// So many requests an account is for the most part: a configuration, a month, a day.
const COST: usize = 3;

/// A storage, and the node whose own it is; absent where it is shared.
type StorageKey = (StorageName, Option<NodeName>);

/// What has been read of guests' use, and what follows for their projects.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageBook {
    accounts: Readings<Vmid, (Arc<Account>, Option<Origin>)>,
    contents: Readings<StorageKey, Arc<[Volume]>>,
    zone: Remote<Option<Tz>>,
    ledger: Arc<Ledger>,
    recorded: Option<Moment>,
    standings: Vec<ProjectStanding>,
    /// The guests of each project, in the order of the config.
    members: Vec<Members>,
}

impl Default for UsageBook {
    fn default() -> Self {
        Self {
            accounts: Readings::new(ACCOUNTS_LIVE),
            contents: Readings::new(CONTENTS_LIVE),
            zone: Remote::default(),
            ledger: Arc::default(),
            recorded: None,
            standings: Vec::new(),
            members: Vec::new(),
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

    /// Returns where a guest comes from, as far as it was read.
    pub(super) fn origin(&self, vmid: Vmid) -> Option<&Origin> {
        let (_, origin) = self.accounts.of(&vmid)?.value()?;
        origin.as_ref()
    }

    /// Returns what is known of the guests of a project, found with its standing.
    pub fn members(&self, project: &str) -> Option<&Members> {
        let mut standings = self.standings.iter();
        let place = standings.position(|each| each.project == project)?;
        self.members.get(place)
    }

    /// Looks at what each guest of a project was read to have used.
    fn look_at(&self, guests: &[&Guest]) -> Members {
        let read = guests.iter().filter_map(|guest| {
            let answer = self.accounts.of(&guest.vmid)?.answer()?;
            Some((*guest, &*answer.value.0, answer.read))
        });
        Members::of(read)
    }

    /// Counts the guests of projects that are read, and all of them.
    pub fn progress(&self) -> (usize, usize) {
        let guests: usize = self.standings.iter().map(|each| each.guests).sum();
        let unread: usize = self.standings.iter().map(|each| each.unread).sum();
        (guests.saturating_sub(unread), guests)
    }

    /// Tells whether nothing is awaited that a project's standing needs.
    pub(super) fn is_read(&self) -> bool {
        self.standings.iter().all(|standing| standing.unread == 0)
    }

    /// Counts the answers that are awaited.
    pub(super) fn flying(&self) -> usize {
        self.accounts.flying() + self.contents.flying()
    }

    /// Takes over what is remembered of guests that are gone.
    pub(super) fn remember(&mut self, ledger: Ledger) {
        self.ledger = Arc::new(ledger);
    }

    /// Tells whether a guest was read, or will not be: its figures are all that there will be.
    fn is_settled(&self, vmid: Vmid) -> bool {
        let account = self.accounts.of(&vmid);
        account.is_some_and(|account| account.value().is_some() || account.failure().is_some())
    }
}

fn lists(resources: &Resources) -> Vec<ContentList> {
    content_lists(&resources.storages, &resources.nodes)
}

fn key_of(list: &ContentList) -> StorageKey {
    (list.storage.clone(), list.node.clone())
}

impl State {
    /// Returns the time zone in which months begin, and who says so.
    pub fn quota_zone(&self) -> Zone {
        let of_cluster = self.usage.zone.value().copied().flatten();
        match (self.setting.rules.zone, of_cluster) {
            (Some(zone), _) => Zone::Configured(zone),
            (None, Some(zone)) => Zone::OfCluster(zone),
            (None, None) => Zone::Unknown,
        }
    }

    /// Holds what the projects have used against their budgets.
    pub(super) fn assess_projects(&mut self) {
        let rules = &self.setting.rules;
        if rules.projects.iter().next().is_none() {
            return;
        }
        let Some(resources) = self.inventory.resources.value() else {
            return;
        };
        let guests: Vec<&Guest> = resources.guests.iter().map(|seen| &seen.guest).collect();
        let (zone, now) = (self.quota_zone(), self.server_time());
        let divided = rules.projects.divide(guests.iter().copied());
        let members = divided.iter().map(|(_, guests)| self.usage.look_at(guests));
        let members = members.collect();
        let standings = match rules.accounting {
            Accounting::SinceBoot => {
                let standings = divided.into_iter().map(|(project, members)| {
                    let period = Period::of(project.window, now, zone.calendar());
                    ProjectStanding::since_boot(project, &members, period)
                });
                standings.collect()
            }
            Accounting::History => {
                let readings = self.usage_readings(resources);
                let mut standings = readings.standings(&rules.projects, &guests, now, zone);
                // A guest that cannot be read is missing from the figures, but not awaited.
                for (standing, (_, members)) in standings.iter_mut().zip(divided) {
                    if standing.unread > 0 {
                        let settled = |guest: &&&Guest| !self.usage.is_settled(guest.vmid);
                        standing.unread = members.iter().filter(settled).count();
                    }
                }
                standings
            }
        };
        self.usage.standings = standings;
        self.usage.members = members;
    }

    /// Says what should be known of the figures before anything is done because of them.
    pub(super) fn caveats(&self, resources: &Resources) -> Vec<String> {
        let rules = &self.setting.rules;
        if rules.accounting == Accounting::SinceBoot {
            return Vec::new();
        }
        let mut caveats = Vec::new();
        let histories = self.usage.accounts.failures().map(|(_, failure)| failure);
        caveats.extend(unread("the use of guests", histories));
        let contents = self.usage.contents.failures().map(|(_, failure)| failure);
        caveats.extend(unread("the contents of storages", contents));
        let readings = self.usage_readings(resources);
        caveats.extend(readings.what_the_ledger_lacks(&rules.projects, self.usage.standings()));
        caveats
    }

    /// Collects what was read, in the form in which it is reckoned with.
    pub(super) fn usage_readings(&self, resources: &Resources) -> UsageReadings {
        let accounts = self.usage.accounts.answers();
        let accounts = accounts.map(|(vmid, account)| (*vmid, Arc::clone(&account.value.0)));
        UsageReadings {
            accounts: accounts.collect(),
            origins: BTreeMap::new(),
            storage: self.storage_use(resources),
            ledger: Arc::clone(&self.usage.ledger),
        }
    }

    fn storage_use(&self, resources: &Resources) -> StorageUse {
        let lists = lists(resources);
        let contents: Vec<StorageContents> = lists
            .iter()
            .map(|list| {
                let (storage, node) = key_of(list);
                let volumes = self.usage.contents.of(&key_of(list));
                let volumes = volumes.and_then(Remote::value).cloned().ok_or(Unread);
                StorageContents {
                    storage,
                    node,
                    volumes,
                }
            })
            .collect();
        let owners = resources.guests.iter().map(|seen| seen.guest.vmid);
        let hidden = match self.permissions.value() {
            Some(permissions) => hidden_owners(&lists, owners, permissions),
            // As long as nobody knows what the account may see, any disk may be hidden.
            None => owners.collect(),
        };
        storage_use(&contents).with_hidden(hidden)
    }

    /// Returns the guests whose history is wanted, with the window of their project.
    fn accounted(&self) -> Vec<(Vmid, Window)> {
        let rules = &self.setting.rules;
        let resources = self.inventory.resources.value();
        let Some(resources) = resources.filter(|_| rules.accounting == Accounting::History) else {
            return Vec::new();
        };
        let divided = rules
            .projects
            .divide(resources.guests.iter().map(|seen| &seen.guest));
        divided
            .into_iter()
            .filter(|(project, _)| project.budget.bounds_flow())
            .flat_map(|(project, members)| {
                let window = project.window;
                members.into_iter().map(move |guest| (guest.vmid, window))
            })
            .collect()
    }

    /// Asks for one account or content list that is due, of nodes that are not left alone.
    pub(super) fn ask_for_usage(&mut self, effects: &mut Vec<Effect>) -> Turn {
        if let Some((key, node)) = self.next_contents(&self.resting) {
            self.ask_for_contents(key, node, effects);
            return Turn::Asked;
        }
        let Some((guest, period)) = self.next_account(&self.resting) else {
            return Turn::Idle;
        };
        if !self.has_background_room(COST) {
            return Turn::Waits;
        }
        self.ask_for_account(guest, period, effects);
        Turn::Asked
    }

    /// Asks for one account or content list that is due, whatever node it is of; tells whether it did.
    ///
    /// Whoever waits for all of them is better told that one cannot be read than kept waiting.
    pub(super) fn ask_for_wanted_usage(&mut self, effects: &mut Vec<Effect>) -> bool {
        let nobody = RestingNodes::default();
        if let Some((key, node)) = self.next_contents(&nobody) {
            self.ask_for_contents(key, node, effects);
        } else if let Some((guest, period)) = self.next_account(&nobody) {
            self.ask_for_account(guest, period, effects);
        } else {
            return false;
        }
        true
    }

    /// Names a storage whose content is due, and the node that is asked for it.
    fn next_contents(&self, resting: &RestingNodes) -> Option<(StorageKey, NodeName)> {
        let (rules, now) = (&self.setting.rules, self.now.moment);
        let is_bounded = rules
            .projects
            .iter()
            .any(|project| project.budget.bounds(Resource::StorageGb));
        if !is_bounded || rules.accounting != Accounting::History {
            return None;
        }
        let resources = self.inventory.resources.value()?;
        // What is shared is asked of another node meanwhile.
        let mut nodes = resources.nodes.clone();
        let resting = |node: &&mut Node| resting.rests(&node.name, now);
        for node in nodes.iter_mut().filter(resting) {
            node.state = NodeState::Offline;
        }
        let asked: BTreeMap<StorageKey, NodeName> = content_lists(&resources.storages, &nodes)
            .into_iter()
            .filter_map(|list| Some((key_of(&list), list.through?)))
            .collect();
        let key = self.usage.contents.due(asked.keys().cloned(), now)?;
        let node = asked.get(&key)?.clone();
        Some((key, node))
    }

    fn ask_for_contents(&mut self, key: StorageKey, node: NodeName, effects: &mut Vec<Effect>) {
        self.resting.ask(&node, self.now.moment);
        let query = Query::Contents(node, key.0.clone());
        let ticket = self.ask_background(query, 1, effects);
        self.usage.contents.ask(key, ticket);
    }

    /// Names a guest whose account is due, and the period of its project.
    fn next_account(&self, resting: &RestingNodes) -> Option<(Guest, Period)> {
        let now = self.now.moment;
        let resources = self.inventory.resources.value()?;
        let mut wanted = self.accounted();
        // Every node knows the history of a guest, but only its own where it comes from.
        if !resting.is_empty() {
            wanted.retain(|(vmid, _)| {
                let seen = resources.guest(*vmid);
                let is_silent = |seen: &SeenGuest| resting.rests(&seen.guest.node, now);
                !seen.is_some_and(is_silent) || self.usage.origin(*vmid).is_some()
            });
        }
        // Whoever is looked at comes first.
        if let Some(first) = self.looked_at() {
            wanted.sort_by_key(|(vmid, _)| !first.contains(vmid));
        }
        let numbers = wanted.iter().map(|(vmid, _)| *vmid);
        let due = self.usage.accounts.due(numbers, now)?;
        let (vmid, window) = wanted.into_iter().find(|(vmid, _)| *vmid == due)?;
        let guest = resources.guest(vmid)?.guest.clone();
        let zone = self.quota_zone().calendar();
        Some((guest, Period::of(window, self.server_time(), zone)))
    }

    fn ask_for_account(&mut self, guest: Guest, period: Period, effects: &mut Vec<Effect>) {
        let vmid = guest.vmid;
        let origin = self.usage.origin(vmid).cloned();
        if origin.is_none() {
            self.resting.ask(&guest.node, self.now.moment);
        }
        let query = Query::Account(Box::new(guest), origin, period);
        // It is several requests in one.
        let ticket = self.ask_background(query, COST, effects);
        self.usage.accounts.ask(vmid, ticket);
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
        let by_month = |project: &Project| project.window == Window::Month;
        let wants = rules.zone.is_none() && rules.projects.iter().any(by_month);
        if !wants || !detail::is_due(&self.usage.zone, self.now.moment, ZONE_LIVES) {
            return;
        }
        if let Some(node) = self.answering_nodes().into_iter().next() {
            let ticket = self.next_ticket();
            self.usage.zone.ask(ticket);
            effects.push(Effect::Fetch(ticket, Query::Zone(node)));
        }
    }

    /// Has it written down what guests have used, so that it counts when they are gone.
    pub(super) fn record_usage(&mut self, effects: &mut Vec<Effect>) {
        let (now, server) = (self.now.moment, self.server_time());
        let is_due = |at: Moment| now.since(at) >= RECORDED;
        let resources = self.inventory.resources.value();
        let Some(resources) = resources.filter(|_| self.usage.recorded.is_none_or(is_due)) else {
            return;
        };
        let is_waiting = |standing: &ProjectStanding| standing.unread > 0;
        let has_none = self.usage.standings.is_empty();
        if has_none || self.usage.standings.iter().any(is_waiting) {
            return;
        }
        let guests = resources.guests.iter().map(|seen| &seen.guest);
        let is_fresh = |account: &Account| is_fresh(account, server);
        let readings = self.usage_readings(resources);
        let entries = readings.entries(&self.setting.rules.projects, guests, is_fresh);
        self.usage.recorded = Some(now);
        if !entries.is_empty() && self.setting.rules.accounting == Accounting::History {
            effects.push(Effect::RecordUsage(entries, server));
        }
    }

    pub(super) fn settle_account(
        &mut self,
        ticket: Ticket,
        result: Result<(Account, Option<Origin>), Failure>,
    ) {
        let result = result.map(|(account, origin)| (Arc::new(account), origin));
        self.usage.accounts.settle(ticket, self.now.moment, result);
    }

    pub(super) fn settle_contents(&mut self, ticket: Ticket, result: Result<Vec<Volume>, Failure>) {
        let result = result.map(Arc::from);
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
        let is_same = |account: &Account| {
            let identity = &account.identity;
            let seen = resources.guest(identity.vmid);
            seen.is_some_and(|seen| {
                let renamed = match (&identity.name, &seen.guest.name) {
                    (Some(before), Some(now)) => before != now,
                    _ => false,
                };
                seen.guest.kind == identity.kind && !renamed
            })
        };
        let strangers: BTreeSet<Vmid> = self
            .usage
            .accounts
            .answers()
            .filter(|(_, account)| !is_same(&account.value.0))
            .map(|(vmid, _)| *vmid)
            .collect();
        self.usage
            .accounts
            .retain(|vmid| !strangers.contains(vmid) && resources.guest(*vmid).is_some());
    }
}

/// Tells whether an account vouches that its guest is still there.
fn is_fresh(account: &Account, server: DateTime<Utc>) -> bool {
    server.signed_duration_since(account.until) < VOUCHES
}

/// Says how many could not be read, and why the first of them.
fn unread<'a>(what: &str, failures: impl Iterator<Item = &'a Failure>) -> Option<String> {
    let failures: Vec<&Failure> = failures.collect();
    let first = failures.first()?;
    Some(format!(
        "{what} could not be read in {} cases: {first}",
        failures.len()
    ))
}
