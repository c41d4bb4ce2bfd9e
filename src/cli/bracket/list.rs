//! `proxdeck bracket list`: the brackets of the cluster, and who of their guests has them.

use serde::Serialize;

use super::view::View;
use crate::cli::Exit;
use crate::cli::document::{Document, calendar, rfc3339};
use crate::cli::output::Output;
use crate::cli::setup::Setup;
use crate::cli::snapshot::read::Unread;
use crate::cli::table::{Side, Table};
use crate::domain::bracket::Bracket;
use crate::domain::id::Vmid;
use crate::domain::text::Text;
use crate::ui::format;

/// List the brackets, the newest first
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// A bracket as `proxdeck.bracket.list/1` shows it; `null` is unknown.
#[derive(Debug, Serialize)]
struct Row<'a> {
    bracket: &'a str,
    nonce: &'a str,
    snapshot: &'a str,
    time: Option<String>,
    age_seconds: Option<u64>,
    /// `whole`, `incomplete`, or `unknown` where guests could not be read.
    state: &'static str,
    vmstate: bool,
    guests: Vec<GuestRow<'a>>,
}

/// A guest that belongs to a bracket.
#[derive(Debug, Serialize)]
struct GuestRow<'a> {
    vmid: u32,
    name: Option<&'a str>,
    node: Option<&'a str>,
    /// `there`, `unfinished`, `missing`, or `unread`.
    state: &'static str,
    time: Option<String>,
    vmstate: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    brackets: usize,
    incomplete: usize,
    /// The guests whose snapshots could not be read; they may belong to any bracket.
    unread: &'a [Unread],
}

impl List {
    pub(super) async fn run(&self, setup: &Setup, output: &Output) -> anyhow::Result<Exit> {
        let view = View::take(setup, output).await?;
        let brackets = view.brackets();
        let exit = if view.unread.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        };
        if self.json {
            let rows: Vec<Row<'_>> = brackets.iter().map(|each| row(each, &view)).collect();
            let whole = rows.iter().filter(|row| row.state != "incomplete").count();
            let summary = Summary {
                brackets: rows.len(),
                incomplete: rows.len() - whole,
                unread: &view.unread,
            };
            output.document(&Document::new(
                "proxdeck.bracket.list/1",
                &view.session.cluster,
                view.reading.time,
                &rows,
                summary,
            ));
            return Ok(exit);
        }
        if !brackets.is_empty() {
            output.line(table(&brackets, &view));
        } else if view.unread.is_empty() {
            output.note("there are no brackets");
        }
        view.tell_unread(output);
        Ok(exit)
    }
}

fn age(bracket: &Bracket, view: &View) -> Option<std::time::Duration> {
    (view.reading.time - bracket.taken()?).to_std().ok()
}

fn row<'a>(bracket: &'a Bracket, view: &'a View) -> Row<'a> {
    let mut guests: Vec<GuestRow<'a>> = bracket
        .members
        .iter()
        .map(|member| GuestRow {
            vmid: member.guest.vmid.get(),
            name: member.guest.name.as_ref().map(Text::raw),
            node: Some(member.guest.node.as_str()),
            state: if member.snapshot.unfinished.is_some() {
                "unfinished"
            } else {
                "there"
            },
            time: member.snapshot.taken.map(rfc3339),
            vmstate: Some(member.snapshot.has_ram),
        })
        .collect();
    let absent = |vmid: &Vmid, state| {
        let mut guests = view.reading.guests.iter();
        let guest = guests.find(|guest| guest.vmid == *vmid);
        GuestRow {
            vmid: vmid.get(),
            name: guest.and_then(|guest| guest.name.as_ref()).map(Text::raw),
            node: guest.map(|guest| guest.node.as_str()),
            state,
            time: None,
            vmstate: None,
        }
    };
    guests.extend(bracket.missing.iter().map(|vmid| absent(vmid, "missing")));
    guests.extend(bracket.unread.iter().map(|vmid| absent(vmid, "unread")));
    guests.sort_by_key(|guest| guest.vmid);
    Row {
        bracket: bracket.name.as_str(),
        nonce: bracket.nonce.as_str(),
        snapshot: bracket.name.snapshot().as_str(),
        time: bracket.taken().map(rfc3339),
        age_seconds: age(bracket, view).map(|age| age.as_secs()),
        state: bracket.completeness().as_str(),
        vmstate: bracket.has_ram(),
        guests,
    }
}

fn table(brackets: &[Bracket], view: &View) -> Table<7> {
    let mut table = Table::new([
        ("BRACKET", Side::Left),
        ("NONCE", Side::Left),
        ("TIME", Side::Left),
        ("AGE", Side::Right),
        ("RAM", Side::Left),
        ("STATE", Side::Left),
        ("GUESTS", Side::Left),
    ]);
    for bracket in brackets {
        let members = bracket.members.iter().map(|member| member.guest.vmid);
        let mut guests = numbers(members);
        for (what, vmids) in [("missing", &bracket.missing), ("unread", &bracket.unread)] {
            if !vmids.is_empty() {
                guests = format!("{guests}; {what} {}", numbers(vmids.iter().copied()));
            }
        }
        table.push([
            bracket.name.to_string(),
            bracket.nonce.to_string(),
            bracket
                .taken()
                .map_or_else(|| "unknown".to_owned(), calendar),
            age(bracket, view).map_or_else(|| "?".to_owned(), format::span),
            if bracket.has_ram() { "yes" } else { "-" }.to_owned(),
            bracket.completeness().as_str().to_owned(),
            guests,
        ]);
    }
    table
}

fn numbers(vmids: impl Iterator<Item = Vmid>) -> String {
    let numbers: Vec<String> = vmids.map(|vmid| vmid.to_string()).collect();
    numbers.join(" ")
}
