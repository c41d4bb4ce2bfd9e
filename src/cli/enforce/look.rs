//! One look at projects, guests and throttles, from which the plan is made.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::cli::budgets::Budgets;
use crate::cli::complaint::Refusal;
use crate::cli::connect::Session;
use crate::cli::inventory::Reading;
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::domain::enforcement::{EnforcementPlan, EnforcementRules, Member, ProjectCase, plan};
use crate::domain::failure::Failure;
use crate::domain::guest::{Guest, GuestRef, Status};
use crate::domain::guest_config::GuestConfig;
use crate::domain::id::Vmid;
use crate::domain::inventory::Resources;
use crate::domain::project::{Project, Window};
use crate::domain::quota::Use;
use crate::domain::request::MOST_CLOCK_SKEW;
use crate::domain::throttle::{Found, find};
use crate::domain::usage::{Accounting, ProjectStanding};
use crate::proxmox::Client;

/// So many questions are asked at once (SPEC §1.1).
const AT_ONCE: usize = 4;

/// What the plan is made from.
pub(super) struct Look<'a> {
    setup: &'a Setup,
    reading: Reading,
    resources: Resources,
    skew: TimeDelta,
    figures: Figures,
    throttles: Vec<Result<Found, String>>,
    /// The types of the tasks that work on guests.
    tasks: BTreeMap<Vmid, String>,
    details: BTreeMap<Vmid, Detail>,
    notes: Vec<String>,
}

/// What is known of a guest that may be shut down.
#[derive(Debug, Default)]
struct Detail {
    /// What its node says of it now.
    status: Option<Status>,
    config: Option<GuestConfig>,
    refuses_snapshots: Option<String>,
}

impl<'a> Look<'a> {
    /// Reads what every project needs; refuses where clocks differ too much for any window.
    pub(super) async fn take(
        session: &Session,
        setup: &'a Setup,
        output: &Output,
    ) -> anyhow::Result<Self> {
        let client = &session.client;
        let reading = Reading::take(session).await?;
        let skew = client.cost().clock_skew.unwrap_or_default();
        if skew.abs() > MOST_CLOCK_SKEW {
            return Err(Refusal::new(
                "ClockSkew",
                format!(
                    "the server's clock and this one are {} s apart, so that no window can be trusted",
                    skew.num_seconds().abs()
                ),
                "set the clocks",
            )
            .into());
        }
        let mut notes = Vec::new();
        let tasks = match client.cluster().tasks().await {
            Ok(tasks) => tasks
                .into_iter()
                .filter(|task| task.state.is_running())
                .filter_map(|task| Some((task.upid.vmid()?, task.upid.kind().to_owned())))
                .collect(),
            Err(error) => {
                let failure = Failure::from(error);
                notes.push(format!(
                    "the list of tasks could not be read: {failure}; each guest is looked at again before its shutdown"
                ));
                BTreeMap::new()
            }
        };
        let figures = Figures::read(session, setup, &reading, output).await;
        notes.extend(figures.notes.iter().cloned());
        for (what, failure) in &figures.unread {
            notes.push(format!("{what} could not be read: {failure}"));
        }
        Ok(Self {
            setup,
            resources: reading.resources(),
            throttles: throttles(client, setup).await,
            figures,
            skew,
            reading,
            tasks,
            details: BTreeMap::new(),
            notes,
        })
    }

    /// Reads what the snapshots of those who would be shut down need, a few guests at once.
    pub(super) async fn details(
        &mut self,
        session: &Session,
        rules: &EnforcementRules,
        is_held: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let plan = self.plan(rules, |project| !is_held(project.name()));
        let guests: Vec<GuestRef> = plan
            .shutdowns()
            .map(|shutdown| shutdown.guest.clone())
            .collect();
        let client = &session.client;
        let details: Vec<(Vmid, Detail)> = stream::iter(guests)
            .map(|guest| async move { (guest.vmid, detail(client, &guest).await) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        self.details = details.into_iter().collect();
        // The list of guests is up to 10 s old (API.md §4); who went down meanwhile is not asked again.
        for (vmid, detail) in &self.details {
            if let Some(status) = &detail.status
                && let Some(guest) = self
                    .reading
                    .guests
                    .iter_mut()
                    .find(|guest| guest.vmid == *vmid)
            {
                guest.status = status.clone();
            }
        }
        Ok(())
    }

    /// Makes the plan of some of the projects.
    pub(super) fn plan(
        &self,
        rules: &EnforcementRules,
        is_meant: impl Fn(&Project) -> bool,
    ) -> EnforcementPlan {
        let projects = self.setup.rules.projects.iter().zip(&self.throttles);
        let cases: Vec<ProjectCase<'_>> = projects
            .filter(|(project, _)| is_meant(project))
            .map(|(project, throttle)| self.case(project, throttle.clone()))
            .collect();
        plan(&cases, rules, Some(&self.resources), self.now())
    }

    fn case<'b>(
        &'b self,
        project: &'b Project,
        throttle: Result<Found, String>,
    ) -> ProjectCase<'b> {
        let members = self
            .setup
            .rules
            .projects
            .members(project, &self.reading.guests);
        ProjectCase {
            project,
            standing: self.figures.standing(project),
            throttle,
            members: members
                .into_iter()
                .map(|guest| self.member(guest))
                .collect(),
        }
    }

    fn member<'b>(&'b self, guest: &'b Guest) -> Member<'b> {
        let detail = self.details.get(&guest.vmid);
        Member {
            used: self.figures.used.get(&guest.vmid).copied(),
            task: self.tasks.get(&guest.vmid).map(String::as_str),
            config: detail.and_then(|detail| detail.config.as_ref()),
            refuses_snapshots: detail.and_then(|detail| detail.refuses_snapshots.clone()),
            ..Member::new(guest, self.setup.rules.selection.manages(guest))
        }
    }

    /// Returns how the projects stand that may be judged.
    pub(super) fn standings(&self) -> Vec<&ProjectStanding> {
        let projects = self.setup.rules.projects.iter();
        projects
            .filter_map(|project| self.figures.standing(project).ok())
            .collect()
    }

    /// Returns what a person should know.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn resources(&self) -> &Resources {
        &self.resources
    }

    pub(super) fn skew(&self) -> TimeDelta {
        self.skew
    }

    /// Returns the time of the reading on the local calendar, as documents have it.
    pub(super) fn time(&self) -> DateTime<Utc> {
        self.reading.time
    }

    /// Returns the time of the reading by the server's clock.
    pub(super) fn now(&self) -> DateTime<Utc> {
        let time = self.reading.time;
        time.checked_add_signed(self.skew).unwrap_or(time)
    }
}

/// Reads the throttles of all projects, in their order.
async fn throttles(client: &Client, setup: &Setup) -> Vec<Result<Found, String>> {
    let pools = setup.rules.projects.iter().map(Project::marker_pool);
    stream::iter(pools)
        .map(|pool| async move {
            let comment = client.pools().comment(pool).await;
            let comment = comment.map_err(|error| Failure::from(error).to_string())?;
            Ok(find(comment.as_ref().map_or("", |text| text.raw())))
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Reads what the snapshot of a guest needs; what cannot be read is left to the server.
async fn detail(client: &Client, guest: &GuestRef) -> Detail {
    let current = client.guests().current(guest).await.ok();
    let config = client.guests().config(guest).await.ok();
    let feature = client.guests().feature(guest, "snapshot", None).await;
    let refuses = matches!(feature, Ok(false));
    Detail {
        status: current.and_then(|current| current.status),
        config,
        refuses_snapshots: refuses.then(|| "its disks cannot be snapshotted".to_owned()),
    }
}

/// What projects and guests use.
struct Figures {
    standings: Vec<ProjectStanding>,
    used: BTreeMap<Vmid, Use>,
    unread: Vec<(String, Failure)>,
    notes: Vec<String>,
    /// Whether it is known when a month begins, as far as that matters.
    knows_months: bool,
}

impl Figures {
    async fn read(session: &Session, setup: &Setup, reading: &Reading, output: &Output) -> Self {
        let budgets = Budgets::read(session, setup, reading, output).await;
        let readings = budgets.readings();
        let used = reading.guests.iter();
        let used = used.map(|guest| (guest.vmid, readings.used_by(guest)));
        Self {
            standings: budgets.projects().to_vec(),
            used: used.collect(),
            unread: budgets.unread().to_vec(),
            notes: budgets.notes().to_vec(),
            knows_months: budgets.accounting() == Accounting::SinceBoot
                || budgets.zone().known().is_some(),
        }
    }

    /// Returns how a project stands, or why nobody can tell.
    fn standing(&self, project: &Project) -> Result<&ProjectStanding, String> {
        if project.window == Window::Month && !self.knows_months {
            return Err(
                "nobody knows when its month begins: write timezone = \"Europe/Berlin\" or the like in [quota]"
                    .to_owned(),
            );
        }
        let mut standings = self.standings.iter();
        standings
            .find(|standing| standing.project == project.name())
            .ok_or_else(|| "its use is not known".to_owned())
    }
}
