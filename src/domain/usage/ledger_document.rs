//! The usage ledger as it is written: short words and seconds, so that 10,000 guests stay small.
//!
//! What makes no sense in a file is left out; a file of another version is read as an empty one.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::account::Identity;
use super::ledger::{Entry, Kept, Ledger};
use crate::domain::id::{GuestKind, Vmid};
use crate::domain::quota::{Amount, Certainty, Use};
use crate::domain::text::Text;

/// The version of the form.
const VERSION: u32 = 1;
/// A longer name is none, because names are other people's.
const LONGEST_NAME: usize = 128;

/// The whole file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    version: u32,
    kept: BTreeMap<String, Vec<(i64, i64)>>,
    guests: Vec<Row>,
}

/// A guest.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    vmid: u64,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
    project: String,
    from: i64,
    until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpu_hours: Option<(f64, Sign)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory_gb_hours: Option<(f64, Sign)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_gb: Option<(f64, Sign)>,
}

/// How sure a figure is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Sign {
    #[serde(rename = "=")]
    Exact,
    #[serde(rename = "~")]
    Estimated,
    #[serde(rename = ">")]
    AtLeast,
}

impl From<Document> for Ledger {
    fn from(document: Document) -> Self {
        let mut ledger = Self::default();
        if document.version != VERSION {
            return ledger;
        }
        for (project, spans) in document.kept {
            let mut kept: Vec<Kept> = spans.into_iter().filter_map(span).collect();
            kept.sort_unstable();
            ledger.kept.insert(project, kept);
        }
        for entry in document.guests.into_iter().filter_map(entry) {
            let entries = ledger.guests.entry(entry.identity.vmid).or_default();
            entries.push(entry);
        }
        for entries in ledger.guests.values_mut() {
            entries.sort_by_key(|entry| entry.until);
        }
        ledger
    }
}

impl From<Ledger> for Document {
    fn from(ledger: Ledger) -> Self {
        Self {
            version: VERSION,
            kept: ledger
                .kept
                .into_iter()
                .map(|(project, kept)| {
                    let seconds = |(from, until): Kept| (from.timestamp(), until.timestamp());
                    (project, kept.into_iter().map(seconds).collect())
                })
                .collect(),
            guests: ledger.guests.into_values().flatten().map(row).collect(),
        }
    }
}

fn span((from, until): (i64, i64)) -> Option<Kept> {
    let moment = |seconds| DateTime::from_timestamp(seconds, 0);
    (from <= until).then_some((moment(from)?, moment(until)?))
}

fn entry(row: Row) -> Option<Entry> {
    let (from, until) = span((row.from, row.until))?;
    let kind = [GuestKind::Qemu, GuestKind::Lxc]
        .into_iter()
        .find(|kind| kind.as_str() == row.kind)?;
    Some(Entry {
        identity: Identity {
            vmid: Vmid::new(row.vmid)?,
            kind,
            name: row.name.map(Text::new),
            uuid: row.uuid,
        },
        project: row.project,
        from,
        until,
        used: Use {
            cpu_hours: amount(row.cpu_hours),
            memory_gb_hours: amount(row.memory_gb_hours),
            network_gb: amount(row.network_gb),
            storage_gb: Amount::UNKNOWN,
        },
    })
}

fn row(entry: Entry) -> Row {
    Row {
        vmid: entry.identity.vmid.get().into(),
        kind: entry.identity.kind.as_str().to_owned(),
        name: entry
            .identity
            .name
            .filter(|name| name.raw().len() <= LONGEST_NAME)
            .map(|name| name.raw().to_owned()),
        uuid: entry.identity.uuid,
        project: entry.project,
        from: entry.from.timestamp(),
        until: entry.until.timestamp(),
        cpu_hours: figure(entry.used.cpu_hours),
        memory_gb_hours: figure(entry.used.memory_gb_hours),
        network_gb: figure(entry.used.network_gb),
    }
}

fn amount(figure: Option<(f64, Sign)>) -> Amount {
    let Some((value, sign)) = figure else {
        return Amount::UNKNOWN;
    };
    let certainty = match sign {
        Sign::Exact => Certainty::Exact,
        Sign::Estimated => Certainty::Estimated,
        Sign::AtLeast => Certainty::AtLeast,
    };
    Amount::new(value, certainty)
}

fn figure(amount: Amount) -> Option<(f64, Sign)> {
    let sign = match amount.certainty() {
        Certainty::Exact => Sign::Exact,
        Certainty::Estimated => Sign::Estimated,
        Certainty::AtLeast => Sign::AtLeast,
        Certainty::Unknown => return None,
    };
    Some((amount.value()?, sign))
}
