//! From all that was read of use to how each project stands, and to what the ledger keeps of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::account::{Account, Identity, Origin};
use super::ledger::{Ledger, Living};
use super::project::{Member, project_use};
use super::standing::ProjectStanding;
use super::storage::StorageUse;
use super::window::Period;
use super::zone::Zone;
use crate::domain::guest::Guest;
use crate::domain::id::Vmid;
use crate::domain::project::{Project, Projects, Resource};
use crate::domain::quota::{Amount, Certainty, Use, since_boot};

/// What was read of the use of guests, at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UsageReadings {
    /// The accounts of the guests that were read, each over the window of its project.
    pub accounts: BTreeMap<Vmid, Arc<Account>>,
    /// Where those guests come from, as far as it was read.
    pub origins: BTreeMap<Vmid, Origin>,
    /// The disks, as far as their lists were read.
    pub storage: StorageUse,
    /// What is known of guests that are gone.
    pub ledger: Arc<Ledger>,
}

/// What a ledger should note of one project.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEntry {
    project: String,
    accounts: Vec<Account>,
    missing: usize,
}

impl LedgerEntry {
    /// Notes it, as of now.
    pub fn record(&self, ledger: &mut Ledger, now: DateTime<Utc>) {
        ledger.record(now, &self.project, &self.accounts, self.missing);
    }
}

impl UsageReadings {
    /// Returns how each project stands, in the order of the config.
    ///
    /// Give all guests of the cluster; those of no project only tell which numbers are taken.
    pub fn standings(
        &self,
        projects: &Projects,
        guests: &[&Guest],
        now: DateTime<Utc>,
        zone: Zone,
    ) -> Vec<ProjectStanding> {
        let living = self.living(projects, guests, now);
        let divided = projects.divide(guests.iter().copied());
        let standings = divided.iter().map(|(project, members)| {
            let period = Period::of(project.window, now, zone.calendar());
            self.standing(project, members, &living, period)
        });
        standings.collect()
    }

    fn standing(
        &self,
        project: &Project,
        members: &[&Guest],
        living: &[Living<'_>],
        period: Period,
    ) -> ProjectStanding {
        let gone = self.ledger.gone(project.name(), &period, living);
        let covers = self.ledger.covers(project.name(), &period);
        let known: Vec<Member<'_>> = members
            .iter()
            .map(|guest| match self.accounts.get(&guest.vmid) {
                // What was counted in a month that is over is of no use.
                Some(account) if account.until > period.from => Member::Read(account),
                Some(_) | None => Member::Unread(guest),
            })
            .collect();
        let used = project_use(&known, &self.storage, &gone, covers);
        ProjectStanding {
            unread: self.missing(project, members),
            ..ProjectStanding::of(project, &used, period, members.len())
        }
    }

    /// Counts the guests whose histories the project needs and that were not read.
    fn missing(&self, project: &Project, members: &[&Guest]) -> usize {
        if !project.budget.bounds_flow() {
            return 0;
        }
        let is_read = |guest: &&&Guest| self.accounts.contains_key(&guest.vmid);
        members.len() - members.iter().filter(is_read).count()
    }

    /// Describes the guests that are there and whose numbers the ledger knows, in the order of these.
    fn living(
        &self,
        projects: &Projects,
        guests: &[&Guest],
        now: DateTime<Utc>,
    ) -> Vec<Living<'_>> {
        let describe = |guest: &&Guest| {
            if let Some(account) = self.accounts.get(&guest.vmid) {
                return Living::of(account);
            }
            let owner = projects.assign(guest).project;
            // Where no account is wanted there is none that could count its forerunner's use.
            let is_missing = owner.is_some_and(|project| project.budget.bounds_flow());
            Living {
                identity: Cow::Owned(Identity::of(guest, &Origin::default())),
                counted_from: (!is_missing).then_some(now),
            }
        };
        let is_known = |guest: &&&Guest| self.ledger.knows(guest.vmid);
        let mut living: Vec<Living<'_>> = guests.iter().filter(is_known).map(describe).collect();
        living.sort_by_key(|each| each.identity.vmid);
        living
    }

    /// Returns what a ledger should note of each project that counts over time.
    ///
    /// Guests whose accounts are not `fresh` are noted, but the project is not vouched for.
    pub fn entries<'a>(
        &self,
        projects: &Projects,
        guests: impl IntoIterator<Item = &'a Guest>,
        fresh: impl Fn(&Account) -> bool,
    ) -> Vec<LedgerEntry> {
        let divided = projects.divide(guests).into_iter();
        divided
            .filter(|(project, _)| project.budget.bounds_flow())
            .map(|(project, members)| {
                let accounts: Vec<Account> = members
                    .iter()
                    .filter_map(|guest| self.accounts.get(&guest.vmid))
                    .map(|account| Account::clone(account))
                    .collect();
                let known = accounts.iter().filter(|account| fresh(account)).count();
                LedgerEntry {
                    project: project.name().to_owned(),
                    missing: members.len() - known,
                    accounts,
                }
            })
            .collect()
    }

    /// Says of which projects the use is a lower bound because nobody looked all the time.
    pub fn what_the_ledger_lacks(
        &self,
        projects: &Projects,
        standings: &[ProjectStanding],
    ) -> Option<String> {
        let counted = projects.iter().zip(standings);
        let lacking: Vec<&str> = counted
            .filter(|(project, standing)| {
                project.budget.bounds_flow()
                    && !self.ledger.covers(project.name(), &standing.period)
            })
            .map(|(project, _)| project.name())
            .collect();
        (!lacking.is_empty()).then(|| {
            format!(
                "what {} used is at least this (≥): guests may have come and gone unseen, because \
                 this machine has not looked every hour of the window",
                lacking.join(", ")
            )
        })
    }

    /// Returns what one guest used, with its disks.
    pub fn used_by(&self, guest: &Guest) -> Use {
        let account = self.accounts.get(&guest.vmid);
        let used = account.map_or(Use::UNKNOWN, |account| account.used);
        Use {
            storage_gb: self.storage.of(guest.vmid, since_boot(guest).storage_gb),
            ..used
        }
    }

    /// Finds the guest that uses most of a resource, as far as it is known.
    pub fn heaviest<'a>(
        &self,
        members: &[&'a Guest],
        resource: Resource,
    ) -> Option<(&'a Guest, Amount)> {
        let amounts = members
            .iter()
            .map(|guest| (*guest, self.used_by(guest).amount(resource)));
        amounts
            .filter(|(_, amount)| {
                amount.certainty() != Certainty::Unknown && amount.value() != Some(0.0)
            })
            // Of equals the first, in whatever order the last would come.
            .reduce(|most, each| {
                if each.1.value() > most.1.value() {
                    each
                } else {
                    most
                }
            })
    }
}
