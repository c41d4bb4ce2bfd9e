//! What the projects use of their budgets, for commands that need it once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::connect::Session;
use super::inventory::Reading;
use super::output::Output;
use super::progress::Progress;
use super::setup::Setup;
use crate::domain::failure::Failure;
use crate::domain::guest::Guest;
use crate::domain::project::{Projects, Resource, Window};
use crate::domain::usage::{
    Account, Accounting, ContentList, Ledger, Origin, Period, ProjectStanding, StorageUse,
    UsageReadings, Zone, content_lists, hidden_owners, storage_use,
};
use crate::operations::usage::{accounts, contents, zone};
use crate::proxmox::Client;

/// What was read of the projects' use.
#[derive(Debug)]
pub(super) struct Budgets {
    accounting: Accounting,
    zone: Zone,
    projects: Vec<ProjectStanding>,
    readings: UsageReadings,
    unread: Vec<(String, Failure)>,
    notes: Vec<String>,
}

impl Budgets {
    /// Reads all that the projects' quotas need, and keeps what may be gone the next time.
    ///
    /// What is not bounded is not read. Nothing that fails is fatal; it makes figures lower bounds.
    pub(super) async fn read(
        session: &Session,
        setup: &Setup,
        reading: &Reading,
        output: &Output,
    ) -> Self {
        let quota = &setup.loaded.settings.quota;
        let projects = &setup.rules.projects;
        let now = reading.server_time(&session.client);
        let mut budgets = Self {
            accounting: quota.accounting,
            zone: quota.timezone.map_or(Zone::Unknown, Zone::Configured),
            projects: Vec::new(),
            readings: UsageReadings::default(),
            unread: Vec::new(),
            notes: Vec::new(),
        };
        budgets.read_zone(&session.client, projects, reading).await;
        match quota.accounting {
            Accounting::SinceBoot => budgets.reckon_since_boot(projects, &reading.guests, now),
            Accounting::History => {
                let mut asking = Asking {
                    client: &session.client,
                    setup,
                    reading,
                    output,
                    budgets: &mut budgets,
                };
                asking.read_accounts(now).await;
                asking.read_storages().await;
                budgets.keep(setup, &session.cluster, reading, now);
                let guests: Vec<&Guest> = reading.guests.iter().collect();
                budgets.projects = budgets
                    .readings
                    .standings(projects, &guests, now, budgets.zone);
                let lacking = budgets
                    .readings
                    .what_the_ledger_lacks(projects, &budgets.projects);
                budgets.notes.extend(lacking);
            }
        }
        budgets
    }

    /// Returns how each project stands, in the order of the config.
    pub(super) fn projects(&self) -> &[ProjectStanding] {
        &self.projects
    }

    /// Returns where the figures come from.
    pub(super) const fn accounting(&self) -> Accounting {
        self.accounting
    }

    /// Returns where months begin; nobody is asked while no project counts by them.
    pub(super) const fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns what was read of each guest.
    pub(super) const fn readings(&self) -> &UsageReadings {
        &self.readings
    }

    /// Returns what could not be read, and why.
    pub(super) fn unread(&self) -> &[(String, Failure)] {
        &self.unread
    }

    /// Returns what a person should know about the figures.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    async fn read_zone(&mut self, client: &Client, projects: &Projects, reading: &Reading) {
        let by_month = projects.iter().any(|each| each.window == Window::Month);
        if self.zone != Zone::Unknown || !by_month {
            return;
        }
        let (zone, failure) = zone(client, &reading.nodes).await;
        self.zone = zone;
        if zone == Zone::Unknown {
            self.notes.push(
                "months are counted in UTC: the cluster's time zone is not known; \
                 write timezone = \"Europe/Berlin\" or the like in [quota]"
                    .to_owned(),
            );
        }
        let failed = failure.map(|failure| ("the cluster's time zone".to_owned(), failure));
        self.unread.extend(failed);
    }

    fn reckon_since_boot(&mut self, projects: &Projects, guests: &[Guest], now: DateTime<Utc>) {
        for (project, members) in projects.divide(guests) {
            let period = Period::of(project.window, now, self.zone.calendar());
            let standing = ProjectStanding::since_boot(project, &members, period);
            self.projects.push(standing);
            let accounts = members.iter().map(|guest| {
                let account = Account::since_boot(guest, &Origin::default(), &period);
                (guest.vmid, account.into())
            });
            self.readings.accounts.extend(accounts);
        }
    }

    /// Writes what was read into the ledger on this machine, and takes what it knows besides.
    fn keep(&mut self, setup: &Setup, cluster: &str, reading: &Reading, now: DateTime<Utc>) {
        let projects = &setup.rules.projects;
        if !projects.iter().any(|each| each.budget.bounds_flow()) {
            return;
        }
        let Some(file) = setup.usage_ledger(cluster) else {
            self.notes
                .push("what guests use is not remembered: there is no folder for it".to_owned());
            return;
        };
        let readings = &self.readings;
        let record = |ledger: &mut Ledger| {
            for entry in readings.entries(projects, &reading.guests, |_| true) {
                entry.record(ledger, now);
            }
        };
        let known = file.update(record).unwrap_or_else(|error| {
            self.notes
                .push(format!("what guests use is not remembered: {error}"));
            file.read()
        });
        self.readings.ledger = known.into();
    }
}

/// One round of questions.
struct Asking<'a> {
    client: &'a Client,
    setup: &'a Setup,
    reading: &'a Reading,
    output: &'a Output,
    budgets: &'a mut Budgets,
}

impl Asking<'_> {
    fn progress(&self, label: &str, count: usize, things: &str) -> Progress<'_> {
        Progress::of_readings(self.output, &self.setup.environment, label, count, things)
    }

    /// Reads the guests of projects that bound anything over time.
    async fn read_accounts(&mut self, now: DateTime<Utc>) {
        let zone = self.budgets.zone.calendar();
        let projects = &self.setup.rules.projects;
        let divided = projects.divide(&self.reading.guests).into_iter();
        let wanted: Vec<(&Guest, Period)> = divided
            .filter(|(project, _)| project.budget.bounds_flow())
            .flat_map(|(project, members)| {
                let period = Period::of(project.window, now, zone);
                members.into_iter().map(move |guest| (guest, period))
            })
            .collect();
        let progress = self.progress("reading the histories", wanted.len(), "guests");
        let found = accounts(self.client, &wanted, || progress.advance()).await;
        progress.finish();
        self.budgets.readings.origins = found.origins;
        let accounts = found.read.into_iter();
        let accounts = accounts.map(|account| (account.identity.vmid, account.into()));
        self.budgets.readings.accounts = accounts.collect();
        let unread = found.unread.into_iter();
        let unread = unread.map(|(guest, failure)| (format!("the history of {guest}"), failure));
        self.budgets.unread.extend(unread);
        // Where a node is silent, it is for all its guests.
        let doubtful: BTreeMap<_, _> = found
            .doubtful
            .into_iter()
            .rev()
            .map(|(guest, failure)| ((guest.node, failure.kind), failure))
            .collect();
        let doubtful = doubtful.into_iter().map(|((node, _), failure)| {
            let what = format!("the configuration of guests on {node}");
            (what, failure)
        });
        self.budgets.unread.extend(doubtful);
    }

    /// Reads the content lists, if any project bounds disks.
    async fn read_storages(&mut self) {
        let projects = &self.setup.rules.projects;
        let mut budgets = projects.iter().map(|project| project.budget);
        if !budgets.any(|budget| budget.bounds(Resource::StorageGb)) {
            return;
        }
        let lists = content_lists(&self.reading.storages, &self.reading.nodes);
        let progress = self.progress("reading the contents", lists.len(), "storages");
        let found = contents(self.client, &lists, || progress.advance()).await;
        progress.finish();
        let unread = found.unread.into_iter().map(|(list, failure)| {
            let what = match &list.node {
                Some(node) => format!("the contents of {} on {node}", list.storage),
                None => format!("the contents of {}", list.storage),
            };
            (what, failure)
        });
        self.budgets.unread.extend(unread);
        let storage = storage_use(&found.lists);
        self.budgets.readings.storage = self.without_hidden(storage, &lists).await;
    }

    /// Marks the guests whose disks a content list may keep from this account without a word.
    async fn without_hidden(&mut self, storage: StorageUse, lists: &[ContentList]) -> StorageUse {
        let divided = self.setup.rules.projects.divide(&self.reading.guests);
        let bounded = divided
            .into_iter()
            .filter(|(project, _)| project.budget.bounds(Resource::StorageGb));
        let owners = bounded
            .flat_map(|(_, members)| members)
            .map(|guest| guest.vmid);
        match self.client.access().permissions().await {
            Ok(permissions) => {
                let hidden = hidden_owners(lists, owners, &permissions);
                if !hidden.is_empty() {
                    self.budgets.notes.push(format!(
                        "the disks of {} guests are at least this (≥): without Datastore.Allocate, or \
                         Datastore.Audit and VM.Config.Disk, a storage hides disks from this account",
                        hidden.len()
                    ));
                }
                storage.with_hidden(hidden)
            }
            Err(error) => {
                let what = "what this account may see of storages".to_owned();
                self.budgets.unread.push((what, Failure::from(error)));
                storage.with_hidden(owners)
            }
        }
    }
}
