//! `proxdeck doctor`: whether everything is there that proxdeck needs, and what mends what is not.
//!
//! What is found is judged in `domain::doctor`; here it is looked at and printed.

mod config;
mod look;
mod server;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Exit;
use super::document::Document;
use super::output::Output;
use super::setup::Setup;
use crate::domain::doctor::{Finding, Health, Release, commands};
use crate::runtime::Clock;
use look::Look;
use server::Server;

/// Examine config, connection, login and privileges, and say what mends what is wrong
///
/// It changes nothing. It ends with 0 whatever it found, and with 3 if the cluster could not be
/// reached, trusted or logged in to; what could be found out is printed all the same.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A finding as `proxdeck.doctor/1` shows it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    check: &'static str,
    /// Which one of its kind, as `VM.Snapshot`; `null` where there is but one.
    subject: Option<&'a str>,
    status: &'static str,
    detail: &'a str,
    /// What mends it; `null` where nothing needs to be.
    fix: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    /// The worst of all: fail, then warn, then unknown, then ok.
    status: &'static str,
    ok: usize,
    warn: usize,
    fail: usize,
    unknown: usize,
    /// The server's version; `null` where it could not be read.
    version: Option<&'a str>,
    /// The commands that make roles with all privileges, for the server's release.
    role_commands: &'a [String],
}

/// Everything that was found.
#[derive(Debug)]
struct Findings {
    list: Vec<Finding>,
    account: String,
    version: Option<String>,
    /// Whether somebody answered and let the account in.
    is_in: bool,
    time: DateTime<Utc>,
}

impl Doctor {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let (cluster, findings) = examine(setup).await?;
        let release = findings.version.as_deref().and_then(major).map(Release::of);
        if self.json {
            document(&cluster, &findings, release, output);
        } else {
            tell(&findings, release, output);
        }
        Ok(if findings.is_in {
            Exit::Done
        } else {
            Exit::Unreachable
        })
    }
}

/// Looks at everything, one thing after the other; what depends on something missing is left out.
async fn examine(setup: &Setup) -> anyhow::Result<(String, Findings)> {
    let clock = Clock::start();
    let mut list = config::findings(setup);
    let mut server = Server::reach(setup).await?;
    list.append(&mut server.findings);
    let mut findings = Findings {
        list,
        account: server.account.clone(),
        version: server.version.clone(),
        is_in: server.client.is_some(),
        time: clock.now().wall,
    };
    if let Some(client) = &server.client {
        let look = Look::take(client, setup).await;
        findings.list.extend(look.findings(setup, &clock, &server));
        findings.time = client.server_time().unwrap_or_else(|| clock.now().wall);
    }
    Ok((server.cluster.clone(), findings))
}

/// Returns the first number of a version.
fn major(version: &str) -> Option<u64> {
    version.split('.').next()?.parse().ok()
}

/// The roles for the release, or for each where it is not known.
fn roles(release: Option<Release>, account: &str) -> Vec<String> {
    match release {
        Some(release) => commands(release, account),
        None => Vec::new(),
    }
}

fn document(cluster: &str, findings: &Findings, release: Option<Release>, output: &Output) {
    let rows: Vec<Row<'_>> = findings.list.iter().map(row).collect();
    let count = |health| {
        let list = findings.list.iter();
        list.filter(|finding| finding.health == health).count()
    };
    let summary = Summary {
        status: worst(&findings.list).word(),
        ok: count(Health::Ok),
        warn: count(Health::Warn),
        fail: count(Health::Fail),
        unknown: count(Health::Unknown),
        version: findings.version.as_deref(),
        role_commands: &roles(release, &findings.account),
    };
    output.document(&Document::new(
        "proxdeck.doctor/1",
        cluster,
        findings.time,
        &rows,
        summary,
    ));
}

fn row(finding: &Finding) -> Row<'_> {
    let some = |text: &'_ String| (!text.is_empty()).then_some(());
    Row {
        check: finding.check,
        subject: some(&finding.subject).map(|()| finding.subject.as_str()),
        status: finding.health.word(),
        detail: &finding.detail,
        fix: some(&finding.fix).map(|()| finding.fix.as_str()),
    }
}

/// Returns the health that presses most: a fault before a warning before what is not known.
fn worst(list: &[Finding]) -> Health {
    let order = [Health::Fail, Health::Warn, Health::Unknown];
    let has = |health: &Health| list.iter().any(|finding| finding.health == *health);
    order.into_iter().find(has).unwrap_or(Health::Ok)
}

/// Prints a line for each finding, and what mends it below.
fn tell(findings: &Findings, release: Option<Release>, output: &Output) {
    let titles: Vec<String> = findings
        .list
        .iter()
        .map(|finding| format!("{} {}", finding.check, finding.subject))
        .collect();
    let wide = titles.iter().map(|title| title.trim_end().chars().count());
    let wide = wide.max().unwrap_or(0).min(WIDEST_TITLE);
    for (finding, title) in findings.list.iter().zip(&titles) {
        let (word, title) = (finding.health.word(), title.trim_end());
        output.line(format_args!("{word:<8} {title:<wide$}  {}", finding.detail));
        for line in finding.fix.lines() {
            output.line(format_args!("{:<8} {:<wide$}  → {line}", "", ""));
        }
    }
    let lacks = findings
        .list
        .iter()
        .any(|finding| finding.check == "privilege" && finding.health != Health::Ok);
    let Some(release) = release.filter(|_| lacks) else {
        return;
    };
    let name = match release {
        Release::Seven => "7",
        Release::Eight => "8",
        Release::Nine => "9",
    };
    output.line(format_args!(
        "\nRoles with all of these, for Proxmox VE {name}; an administrator makes them on a node:"
    ));
    for line in commands(release, &findings.account) {
        output.line(format_args!("  {line}"));
    }
    output.line(
        "An entry on a path replaces what the account inherits there: give it there what else it needs.",
    );
}

/// Titles longer than this push their own sentence to the right, and no other.
const WIDEST_TITLE: usize = 34;
