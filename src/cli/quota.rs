//! `proxdeck quota`: what projects use of their budgets, a row for each project and resource.

use chrono_tz::Tz;
use serde::Serialize;

use super::Exit;
use super::budgets::Budgets;
use super::connect::Session;
use super::document::{Document, rfc3339};
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::table::{Side, Table};
use super::unread::Unread;
use crate::domain::guest::Guest;
use crate::domain::project::{Project, Projects, Resource};
use crate::domain::quota::{Amount, Certainty, ResourceUsage, Tier};
use crate::domain::units::whole_percent;
use crate::domain::usage::Accounting;
use crate::domain::usage::{ProjectStanding, Projection};
use crate::ui::format;

/// Show what projects use of their budgets
///
/// A figure with `~` is an estimate, one with `≥` a lower bound: something could not be seen. AT END
/// is what it comes to at the end of the window, FULL IN when a month's quota will be used up. It
/// ends with 1 if something could not be read.
#[derive(Debug, clap::Args)]
pub(super) struct Quota {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A resource of a project as `proxdeck.quota/1` shows it; `null` is unknown or does not apply.
#[derive(Debug, Serialize)]
struct Row<'a> {
    project: &'a str,
    uuid: Option<&'a str>,
    window: &'static str,
    window_from: String,
    /// The end of the window: of a month its last moment, of one that slides the present.
    window_until: String,
    resource: &'static str,
    unit: &'static str,
    used: Option<f64>,
    quota: Option<f64>,
    excess: Option<f64>,
    tier: &'static str,
    /// What the window will have seen at its end; not foretold without history.
    projected: Option<f64>,
    /// In how long the quota will be used up, where that is before the window's end.
    full_in_seconds: Option<u64>,
    /// Whether `used` may be more or less.
    estimated: bool,
    /// Whether `used` is only what is certain, and may be more.
    lower_bound: bool,
    /// The share of the guests' time for which figures exist; none without history.
    coverage: Option<f64>,
    /// The guest that uses most of it, as far as that is known.
    heaviest_vmid: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    accounting: &'static str,
    /// Where months begin; unknown, they are counted in UTC. Nobody is asked where no project has months.
    timezone: Option<&'static str>,
    projects: Vec<ProjectSummary<'a>>,
    unread: &'a [Unread],
}

#[derive(Debug, Serialize)]
struct ProjectSummary<'a> {
    project: &'a str,
    tier: &'static str,
    guests: usize,
    /// Whether no bounded figure is an estimate or a lower bound.
    complete: bool,
}

/// A project's standing with what it was reckoned from.
struct Stand<'a> {
    project: &'a Project,
    members: Vec<&'a Guest>,
    standing: &'a ProjectStanding,
    budgets: &'a Budgets,
}

impl Quota {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let projects = &setup.rules.projects;
        let budgets = Budgets::read(&session, setup, &reading, output).await;
        let stands: Vec<Stand<'_>> = projects
            .divide(&reading.guests)
            .into_iter()
            .zip(budgets.projects())
            .map(|((project, members), standing)| Stand {
                project,
                members,
                standing,
                budgets: &budgets,
            })
            .collect();
        let unread = budgets.unread().iter();
        let unread: Vec<Unread> = unread
            .map(|(what, failure)| Unread::new(what.as_str(), failure))
            .collect();
        tell_second_claims(projects, &reading.guests, output);
        for note in budgets.notes() {
            output.note(format_args!("note: {note}"));
        }
        if self.json {
            let rows: Vec<Row<'_>> = stands.iter().flat_map(Stand::rows).collect();
            let summary = Summary {
                accounting: match budgets.accounting() {
                    Accounting::History => "history",
                    Accounting::SinceBoot => "since-boot",
                },
                timezone: budgets.zone().known().map(Tz::name),
                projects: stands.iter().map(Stand::summary).collect(),
                unread: &unread,
            };
            output.document(&Document::new(
                "proxdeck.quota/1",
                &session.cluster,
                reading.server_time(&session.client),
                &rows,
                summary,
            ));
        } else if stands.is_empty() {
            output.note("no project is configured: add sections [projects.NAME] to the config");
        } else {
            output.line(table(&stands));
        }
        if !self.json {
            for each in &unread {
                each.tell(output);
            }
        }
        Ok(if unread.iter().any(Unread::counts) {
            Exit::Failed
        } else {
            Exit::Done
        })
    }
}

/// Says which guests a second project would have too.
fn tell_second_claims(projects: &Projects, guests: &[Guest], output: &Output) {
    for guest in guests {
        let assignment = projects.assign(guest);
        if let (Some(owner), Some(other)) = (assignment.project, assignment.also_claimed_by.first())
        {
            output.note(format_args!(
                "note: {} counts for {}; {} matches it too",
                guest.to_ref(),
                owner.name(),
                other.name()
            ));
        }
    }
}

impl<'a> Stand<'a> {
    fn resources(&self) -> impl Iterator<Item = (&'a ResourceUsage, &'a Projection)> {
        self.standing.usage.iter().zip(&self.standing.ahead)
    }

    fn summary(&self) -> ProjectSummary<'a> {
        ProjectSummary {
            project: self.project.name(),
            tier: self.standing.tier().as_str(),
            guests: self.standing.guests,
            complete: self.standing.is_complete(),
        }
    }

    fn rows(&self) -> Vec<Row<'a>> {
        let period = &self.standing.period;
        self.resources()
            .map(|(usage, ahead)| Row {
                project: self.project.name(),
                uuid: self.project.uuid.as_deref(),
                window: self.project.window.as_str(),
                window_from: rfc3339(period.from),
                window_until: rfc3339(period.end),
                resource: usage.resource.as_str(),
                unit: usage.resource.unit(),
                used: usage.used.value().map(rounded),
                quota: usage.quota.bound(),
                excess: usage.excess.map(rounded),
                tier: usage.tier.as_str(),
                projected: ahead.used.value().map(rounded),
                full_in_seconds: ahead.full_in.map(|time| time.as_secs()),
                estimated: matches!(
                    usage.used.certainty(),
                    Certainty::Estimated | Certainty::AtLeast
                ),
                lower_bound: usage.used.certainty() == Certainty::AtLeast,
                coverage: self.standing.coverage.of(usage.resource).map(rounded),
                heaviest_vmid: self.heaviest(usage.resource).map(|guest| guest.vmid.get()),
            })
            .collect()
    }

    fn heaviest(&self, resource: Resource) -> Option<&'a Guest> {
        let readings = self.budgets.readings();
        let (guest, _) = readings.heaviest(&self.members, resource)?;
        Some(guest)
    }
}

/// Drops digits that no sampled figure has.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn table(stands: &[Stand<'_>]) -> Table<9> {
    let mut table = Table::new([
        ("PROJECT", Side::Left),
        ("WINDOW", Side::Left),
        ("RESOURCE", Side::Left),
        ("USED", Side::Right),
        ("QUOTA", Side::Right),
        ("", Side::Right),
        ("AT END", Side::Right),
        ("TIER", Side::Left),
        ("FULL IN", Side::Right),
    ]);
    for each in stands {
        for (usage, ahead) in each.resources() {
            let share = usage
                .fraction
                .map(|share| format!("{}{}%", usage.used.certainty().sign(), whole_percent(share)));
            let quota = usage
                .quota
                .bound()
                .map_or_else(|| "-".to_owned(), |bound| bound.to_string());
            table.push([
                each.project.name().to_owned(),
                each.project.window.to_string(),
                usage.resource.to_string(),
                usage.used.to_string(),
                quota,
                share.unwrap_or_default(),
                at_end(ahead.used),
                match usage.tier {
                    Tier::Unlimited => "-".to_owned(),
                    tier @ (Tier::Ok
                    | Tier::Unknown
                    | Tier::Warn
                    | Tier::Throttle
                    | Tier::Emergency) => tier.to_string(),
                },
                ahead.full_in.map(format::span).unwrap_or_default(),
            ]);
        }
    }
    table
}

fn at_end(foretold: Amount) -> String {
    foretold
        .value()
        .map_or_else(|| "-".to_owned(), |_| foretold.to_string())
}
