//! `proxdeck list`: the guests, one a line.

use serde::Serialize;

use super::Exit;
use super::complaint::Refusal;
use super::connect::Session;
use super::document::Document;
use super::inventory::Reading;
use super::output::Output;
use super::setup::Setup;
use super::table::{Side, Table};
use crate::app::filter::{Filter, Mistake};
use crate::app::state::Rules;
use crate::domain::guest::{Guest, Status};
use crate::domain::id::PoolName;
use crate::domain::project::Project;
use crate::domain::text::Text;
use crate::ui::format;

/// List the guests, one a line
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    proxdeck list build                  number or name matches `build` fuzzily\n  \
    proxdeck list tag:autovibe node:pve2 tags and nodes that begin so\n  \
    proxdeck list status:running --json  for programs\n\n\
    Prefixes: tag: node: status: pool: project:")]
pub(super) struct List {
    /// Words that number or name match fuzzily, and prefixes that ask one thing
    #[arg(value_name = "FILTER")]
    filter: Vec<String>,

    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A guest as `proxdeck.list/1` shows it; `null` is unknown.
#[derive(Debug, Serialize)]
struct Row<'a> {
    vmid: u32,
    name: Option<&'a str>,
    node: &'a str,
    r#type: &'static str,
    status: String,
    /// Fraction of all its cores.
    cpu: Option<f64>,
    memory: Option<u64>,
    max_memory: Option<u64>,
    /// Seconds.
    uptime: Option<u64>,
    tags: Vec<&'a str>,
    pool: Option<&'a str>,
    project: Option<&'a str>,
    managed: bool,
    /// Seconds since the server said so; unknown where its node is silent.
    age_seconds: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Summary {
    guests: usize,
    running: usize,
    managed: usize,
    /// Rows of the server's answer that made no sense.
    unreadable: usize,
}

impl List {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let filter = Filter::parse(&self.filter.join(" "));
        // What is wrong whatever the cluster holds is said before it is asked.
        if let Some(mistake @ Mistake::UnknownPrefix(_)) = filter.mistake([]) {
            return Err(refusal(&mistake).into());
        }
        let session = Session::open(setup).await?;
        let reading = Reading::take(&session).await?;
        if let Some(mistake) = filter.mistake(&reading.guests) {
            return Err(refusal(&mistake).into());
        }
        let rules = &setup.rules;
        let mut guests: Vec<&Guest> = reading.guests.iter().collect();
        filter.retain(&mut guests, |guest| project_of(rules, guest));
        if self.json {
            let age = reading.age_seconds();
            let rows: Vec<Row<'_>> = guests.iter().map(|guest| row(guest, rules, age)).collect();
            let summary = Summary {
                guests: rows.len(),
                running: guests.iter().filter(|guest| guest.is_running()).count(),
                managed: rows.iter().filter(|row| row.managed).count(),
                unreadable: reading.rejected,
            };
            output.document(&Document::new(
                "proxdeck.list/1",
                &session.cluster,
                reading.time,
                &rows,
                summary,
            ));
        } else if guests.is_empty() {
            output.note("no guest matches, or this account may see none");
        } else {
            output.line(table(&guests, rules));
        }
        if reading.rejected > 0 && !self.json {
            output.note(format_args!(
                "{} rows of the server's answer make no sense and are left out",
                reading.rejected
            ));
        }
        Ok(Exit::Done)
    }
}

/// Refuses a filter that asks for what does not exist: an empty list would be believed.
fn refusal(mistake: &Mistake) -> Refusal {
    let advice = "proxdeck list --help has examples of filters";
    Refusal::new("UnknownFilter", mistake.to_string(), advice)
}

/// Returns the name of the project that counts a guest.
fn project_of<'a>(rules: &'a Rules, guest: &Guest) -> Option<&'a str> {
    rules.projects.assign(guest).project.map(Project::name)
}

fn row<'a>(guest: &'a Guest, rules: &'a Rules, age: u64) -> Row<'a> {
    let figures = &guest.figures;
    Row {
        vmid: guest.vmid.get(),
        name: guest.name.as_ref().map(Text::raw),
        node: guest.node.as_str(),
        r#type: guest.kind.as_str(),
        status: guest.status.to_string(),
        cpu: figures.cpu,
        memory: figures.memory,
        max_memory: figures.max_memory,
        uptime: figures.uptime.map(|uptime| uptime.as_secs()),
        tags: guest.tags.iter().map(Text::raw).collect(),
        pool: guest.pool.as_ref().map(PoolName::as_str),
        project: project_of(rules, guest),
        managed: rules.selection.manages(guest),
        age_seconds: (guest.status != Status::Unknown).then_some(age),
    }
}

fn table(guests: &[&Guest], rules: &Rules) -> Table<10> {
    let mut table = Table::new([
        ("VMID", Side::Right),
        ("NAME", Side::Left),
        ("TYPE", Side::Left),
        ("STATUS", Side::Left),
        ("NODE", Side::Left),
        ("CPU", Side::Right),
        ("MEMORY", Side::Right),
        ("UPTIME", Side::Right),
        ("PROJECT", Side::Left),
        ("TAGS", Side::Left),
    ]);
    for guest in guests {
        // The figures of a guest without a process are no figures.
        let idle = matches!(guest.status, Status::Stopped | Status::Suspended);
        let live = |text: Option<String>| match text {
            _ if idle || guest.template => "-".to_owned(),
            Some(text) => text,
            None => "?".to_owned(),
        };
        let figures = &guest.figures;
        let memory = figures.memory.zip(figures.max_memory);
        // The host's view of a guest that does not report its own use is an estimate.
        let sign = if figures.memory_is_host_view() {
            "~"
        } else {
            ""
        };
        let tags: Vec<String> = guest.tags.iter().map(Text::to_string).collect();
        let mut status = guest.status.to_string();
        if guest.template {
            "template".clone_into(&mut status);
        }
        if let Some(lock) = &guest.lock {
            status = format!("{status} ({lock})");
        }
        table.push([
            guest.vmid.to_string(),
            guest
                .name
                .as_ref()
                .map_or_else(|| "?".to_owned(), Text::to_string),
            guest.kind.to_string(),
            status,
            guest.node.to_string(),
            live(figures.cpu.map(format::percent)),
            live(memory.map(|(used, most)| {
                format!("{sign}{}/{}", format::size(used), format::size(most))
            })),
            live(figures.uptime.map(format::span)),
            project_of(rules, guest).unwrap_or("-").to_owned(),
            tags.join(" "),
        ]);
    }
    table
}
