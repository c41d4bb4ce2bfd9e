//! What a network command looks at: the guests, their cards and firewalls, the datacenter's firewall.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, stream};

use super::super::change;
use super::super::complaint::Refusal;
use super::super::connect::Session;
use super::super::inventory::Reading;
use super::super::output::Output;
use super::super::progress::Progress;
use super::super::setup::Setup;
use super::super::target::{self, Target};
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef};
use crate::domain::id::Vmid;
use crate::domain::network::{self, Current, NetworkPlan, NetworkProfile, Resolved};
use crate::domain::text::clean;
use crate::operations::network::{read, read_cluster};

/// How many guests are read at a time.
const AT_ONCE: usize = 4;

/// Guests as they were read, with everything that a plan is made of but the addresses of names.
pub(super) struct Look {
    pub(super) session: Session,
    pub(super) reading: Reading,
    guests: Vec<(GuestRef, Current)>,
}

/// Finds a profile of the config.
pub(super) fn profile_of<'a>(name: &str, setup: &'a Setup) -> Result<&'a NetworkProfile, Refusal> {
    let profiles = &setup.loaded.settings.network_profiles;
    profiles
        .iter()
        .find(|profile| profile.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = profiles.iter().map(|it| it.name.as_str()).collect();
            let advice = match names.as_slice() {
                [] => "describe profiles in [network_profiles.NAME] of the config".to_owned(),
                names => format!("the config has {}", names.join(", ")),
            };
            let message = format!("the config has no network profile {}", clean(name));
            Refusal::new("UnknownProfile", message, advice)
        })
}

impl Look {
    /// Opens the session and reads; a guest that cannot be read is a part of what was seen.
    pub(super) async fn take(
        targets: &[Target],
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let found = target::find_all(targets, &reading.guests)?;
        change::require_answering(&found)?;
        let wanted: Vec<GuestRef> = found.into_iter().map(Guest::to_ref).collect();
        let mut look = Self {
            session,
            reading,
            guests: Vec::new(),
        };
        look.read(wanted, setup, output).await?;
        Ok(look)
    }

    /// Reads cards and firewalls once more, of the same guests.
    pub(super) async fn again(&mut self, setup: &Setup, output: &Output) -> anyhow::Result<()> {
        let wanted = self.guests.drain(..).map(|(guest, _)| guest).collect();
        self.read(wanted, setup, output).await
    }

    async fn read(
        &mut self,
        wanted: Vec<GuestRef>,
        setup: &Setup,
        output: &Output,
    ) -> anyhow::Result<()> {
        let client = &self.session.client;
        let cluster = read_cluster(client).await?;
        let (label, count) = ("reading the firewalls", wanted.len());
        let progress = Progress::of_readings(output, &setup.environment, label, count, "guests");
        let reading = stream::iter(wanted).map(|guest| async {
            let seen = read(client, &guest).await;
            (guest, seen)
        });
        let mut reading = reading.buffered(AT_ONCE);
        while let Some((guest, seen)) = reading.next().await {
            progress.advance();
            let (config, firewall) = match seen {
                Ok((config, firewall)) => (Ok(config), Ok(firewall)),
                Err(error) => {
                    let why = Failure::from(error).to_string();
                    (Err(why.clone()), Err(why))
                }
            };
            let current = Current {
                config,
                firewall,
                cluster: cluster.clone(),
            };
            self.guests.push((guest, current));
        }
        drop(reading);
        progress.finish();
        Ok(())
    }

    /// Asks for the addresses of a profile's names.
    pub(super) async fn resolve(&self, profile: &NetworkProfile) -> Resolved {
        let resolver = &self.session.resolver;
        resolver.resolve(profile.host_names(), self.now()).await
    }

    /// Plans what brings each guest to what the profile says.
    pub(super) fn plans(&self, profile: &NetworkProfile, resolved: &Resolved) -> Vec<NetworkPlan> {
        let guests = self.guests.iter();
        guests
            .map(|(guest, current)| network::plan(guest, profile, resolved, current))
            .collect()
    }

    /// Plans the same on trial, for so long from now.
    pub(super) fn trials(
        &self,
        profile: &NetworkProfile,
        resolved: &Resolved,
        length: TimeDelta,
    ) -> Vec<NetworkPlan> {
        let times = (self.now(), self.now() + length);
        let guests = self.guests.iter();
        guests
            .map(|(guest, current)| network::plan_trial(guest, profile, resolved, current, times))
            .collect()
    }

    /// Plans to put back what trials have left behind; guests without one are named.
    pub(super) fn ways_back(&self) -> Result<Vec<NetworkPlan>, Refusal> {
        let mut plans = Vec::new();
        for (guest, current) in &self.guests {
            let plan = network::put_back(guest, current).ok_or_else(|| {
                let why = match &current.firewall {
                    Ok(_) => "no trial has left anything behind".to_owned(),
                    Err(why) => why.clone(),
                };
                let advice = "nothing was changed; name only guests with a trial";
                Refusal::new("NoTrial", format!("{guest}: {why}"), advice)
            })?;
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Returns the guests with their cards and firewalls as they were read.
    pub(super) fn guests(&self) -> &[(GuestRef, Current)] {
        &self.guests
    }

    /// Returns a guest as the list of all has it.
    pub(super) fn guest(&self, vmid: Vmid) -> Option<&Guest> {
        self.reading.guests.iter().find(|guest| guest.vmid == vmid)
    }

    /// Returns a guest's cards and firewall as they were read.
    pub(super) fn current(&self, vmid: Vmid) -> Option<&Current> {
        let mut guests = self.guests.iter();
        guests
            .find(|(guest, _)| guest.vmid == vmid)
            .map(|(_, current)| current)
    }

    /// Returns what the server's clock shows.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let server = self.session.client.server_time();
        server.unwrap_or(self.reading.time)
    }
}
