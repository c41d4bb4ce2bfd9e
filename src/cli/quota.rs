//! `proxdeck quota`: what projects use of their budgets, a row for each project and resource.
//!
//! Use is reckoned since each guest was started, from the resource list alone; that is an estimate
//! by nature, and every figure says so.

use serde::Serialize;

use super::Exit;
use super::connect::Session;
use super::document::Document;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::table::{Side, Table};
use crate::config::settings::projects::Accounting;
use crate::domain::project::{Project, Resource};
use crate::domain::quota::{Certainty, ResourceUsage, Tier, usage, worst_tier};

/// Show what projects use of their budgets
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
    resource: &'static str,
    unit: &'static str,
    used: Option<f64>,
    quota: Option<f64>,
    excess: Option<f64>,
    tier: &'static str,
    /// What the window will have seen at its end; not foretold without history.
    projected: Option<f64>,
    /// Whether `used` may be more or less.
    estimated: bool,
    /// Whether `used` is only what is certain, and may be more.
    lower_bound: bool,
    /// The share of the window for which figures exist; none without history.
    coverage: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    accounting: &'static str,
    projects: Vec<ProjectSummary<'a>>,
}

#[derive(Debug, Serialize)]
struct ProjectSummary<'a> {
    project: &'a str,
    tier: &'static str,
    guests: usize,
}

/// A project with its guests counted and its resources assessed.
struct Assessed<'a> {
    project: &'a Project,
    guests: usize,
    usage: Vec<ResourceUsage>,
}

impl Quota {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        let projects = &setup.rules.projects;
        let assessed: Vec<Assessed<'_>> = projects
            .iter()
            .map(|project| {
                let members = projects.members(project, &reading.guests);
                Assessed {
                    project,
                    guests: members.len(),
                    usage: usage(project, members),
                }
            })
            .collect();
        if setup.loaded.settings.quota.accounting == Accounting::History && !assessed.is_empty() {
            output.note(
                "note: history is not read by this build; figures are since each guest was started",
            );
        }
        for guest in &reading.guests {
            let assignment = projects.assign(guest);
            if let (Some(owner), Some(other)) =
                (assignment.project, assignment.also_claimed_by.first())
            {
                output.note(format_args!(
                    "note: {} counts for {}; {} matches it too",
                    guest.to_ref(),
                    owner.name(),
                    other.name()
                ));
            }
        }
        if self.json {
            let rows: Vec<Row<'_>> = assessed.iter().flat_map(rows).collect();
            let summary = Summary {
                accounting: "since-boot",
                projects: assessed.iter().map(summary).collect(),
            };
            output.document(&Document::new(
                "proxdeck.quota/1",
                &session.cluster,
                reading.time,
                &rows,
                summary,
            ));
        } else if assessed.is_empty() {
            output.note("no project is configured: add sections [projects.NAME] to the config");
        } else {
            output.line(table(&assessed));
        }
        Ok(Exit::Done)
    }
}

fn summary<'a>(assessed: &Assessed<'a>) -> ProjectSummary<'a> {
    ProjectSummary {
        project: assessed.project.name(),
        tier: worst_tier(&assessed.usage).as_str(),
        guests: assessed.guests,
    }
}

fn rows<'a>(assessed: &Assessed<'a>) -> Vec<Row<'a>> {
    let project = assessed.project;
    assessed
        .usage
        .iter()
        .map(|usage| Row {
            project: project.name(),
            uuid: project.uuid.as_deref(),
            resource: usage.resource.as_str(),
            unit: usage.resource.unit(),
            used: usage.used.value().map(rounded),
            quota: usage.quota.bound(),
            excess: usage.excess.map(rounded),
            tier: usage.tier.as_str(),
            projected: None,
            estimated: matches!(
                usage.used.certainty(),
                Certainty::Estimated | Certainty::AtLeast
            ),
            lower_bound: usage.used.certainty() == Certainty::AtLeast,
            coverage: None,
        })
        .collect()
}

/// Drops digits that no sampled figure has.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn table(assessed: &[Assessed<'_>]) -> Table<7> {
    let mut table = Table::new([
        ("PROJECT", Side::Left),
        ("WINDOW", Side::Left),
        ("RESOURCE", Side::Left),
        ("USED", Side::Right),
        ("QUOTA", Side::Right),
        ("", Side::Right),
        ("TIER", Side::Left),
    ]);
    for each in assessed {
        for usage in &each.usage {
            let resource: Resource = usage.resource;
            let share = usage
                .fraction
                .map(|share| format!("{}{:.0}%", usage.used.certainty().sign(), share * 100.0));
            let quota = usage
                .quota
                .bound()
                .map_or_else(|| "-".to_owned(), |bound| bound.to_string());
            table.push([
                each.project.name().to_owned(),
                each.project.window.to_string(),
                resource.to_string(),
                usage.used.to_string(),
                quota,
                share.unwrap_or_default(),
                match usage.tier {
                    Tier::Unlimited => "-".to_owned(),
                    tier @ (Tier::Ok
                    | Tier::Unknown
                    | Tier::Warn
                    | Tier::Throttle
                    | Tier::Emergency) => tier.to_string(),
                },
            ]);
        }
    }
    table
}
