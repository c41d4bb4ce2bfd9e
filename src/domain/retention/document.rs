//! A plan as a document: what `prune --json` prints, what the screen exports, what `--plan` reads.
//!
//! Here it is only written; [`PlanFile`](super::PlanFile) reads it back, and trusts nothing in it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::plan::{RetentionPlan, Row};
use crate::domain::failure::Failure;
use crate::domain::guest::GuestRef;
use crate::domain::json::to_careful_json;
use crate::domain::operation::Part;
use crate::domain::text::{Text, clean};

/// The schema of the documents that this version writes and reads.
pub const PLAN_SCHEMA: &str = "proxdeck.prune/1";

/// A plan as others read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDocument {
    schema: &'static str,
    cluster: String,
    time: String,
    rows: Vec<PlanRow>,
    summary: PlanSummary,
}

/// A snapshot as the document judges it; `null` is unknown or absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlanRow {
    vmid: u32,
    name: Option<String>,
    node: String,
    kind: &'static str,
    snapshot: String,
    time: Option<String>,
    class: &'static str,
    verdict: &'static str,
    reason: String,
    age_seconds: Option<u64>,
    /// What marks it as to be kept, as the policy saw it.
    mark: Option<String>,
    /// `prepare` or `delete` for one that was never finished.
    unfinished: Option<String>,
    /// What came of its deletion; absent where none was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upid: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlanSummary {
    policy: String,
    guests: usize,
    keep: usize,
    delete: usize,
    /// The guests whose snapshots could not be read; nothing is planned for them.
    unread: Vec<UnreadRow>,
}

/// A guest of which nothing is planned, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct UnreadRow {
    vmid: u32,
    name: Option<String>,
    node: String,
    error: ErrorRow,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct ErrorRow {
    kind: &'static str,
    message: String,
    advice: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
}

impl PlanDocument {
    /// Describes a plan as it was edited, made at a time from the lists of so many guests.
    pub fn new<'a>(
        cluster: &str,
        time: DateTime<Utc>,
        plan: &RetentionPlan,
        guests: usize,
        unread: impl IntoIterator<Item = (&'a GuestRef, &'a Failure)>,
    ) -> Self {
        let found = plan.summary();
        Self {
            schema: PLAN_SCHEMA,
            cluster: cluster.to_owned(),
            time: written(time),
            rows: plan.rows().iter().map(|row| plan_row(row, plan)).collect(),
            summary: PlanSummary {
                policy: plan.policy().to_string(),
                guests,
                keep: found.keep(),
                delete: found.delete,
                unread: unread
                    .into_iter()
                    .map(|(guest, failure)| unread_row(guest, failure))
                    .collect(),
            },
        }
    }

    /// Adds what came of each deletion.
    #[must_use]
    pub fn with_parts(mut self, parts: &[Part]) -> Self {
        for row in &mut self.rows {
            let part = parts.iter().find(|part| {
                part.guest.vmid.get() == row.vmid && part.subject.raw() == row.snapshot
            });
            row.outcome = part.map(|part| part.fate.as_str());
            row.upid = part
                .and_then(|part| part.upid.as_ref())
                .map(ToString::to_string);
        }
        self
    }

    /// Writes the document as JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        to_careful_json(self)
    }
}

fn plan_row(row: &Row, plan: &RetentionPlan) -> PlanRow {
    let guest = row.guest();
    PlanRow {
        vmid: guest.vmid.get(),
        name: raw(guest.name.as_ref()),
        node: guest.node.to_string(),
        kind: guest.kind.as_str(),
        snapshot: row.name().raw().to_owned(),
        time: row.taken().map(written),
        class: row.class().as_str(),
        verdict: row.verdict().as_str(),
        reason: row.reason().to_string(),
        age_seconds: row.age().map(|age| age.as_secs()),
        mark: plan
            .policy()
            .mark_of(row.snapshot())
            .map(|mark| mark.to_string()),
        unfinished: raw(row.snapshot().unfinished.as_ref()),
        outcome: None,
        upid: None,
    }
}

fn unread_row(guest: &GuestRef, failure: &Failure) -> UnreadRow {
    let advice = match failure.advice.as_str() {
        "" => failure.kind.advice(),
        own => own,
    };
    UnreadRow {
        vmid: guest.vmid.get(),
        name: raw(guest.name.as_ref()),
        node: guest.node.to_string(),
        error: ErrorRow {
            kind: failure.kind.as_str(),
            message: failure.to_string(),
            advice: clean(advice),
            details: failure.details.iter().map(ToString::to_string).collect(),
        },
    }
}

fn raw(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.raw().to_owned())
}

/// Writes a time as every document does: RFC 3339 in UTC, to the second.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
