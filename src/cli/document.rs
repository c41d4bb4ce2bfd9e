//! The one shape of every JSON document: schema, cluster, time, rows and summary.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// A result as `--json` prints it.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a, Row, Summary> {
    schema: &'static str,
    cluster: &'a str,
    time: String,
    rows: &'a [Row],
    summary: Summary,
}

impl<'a, Row: Serialize, Summary: Serialize> Document<'a, Row, Summary> {
    /// Makes a document of a schema such as `proxdeck.list/1`.
    pub(super) fn new(
        schema: &'static str,
        cluster: &'a str,
        time: DateTime<Utc>,
        rows: &'a [Row],
        summary: Summary,
    ) -> Self {
        Self {
            schema,
            cluster,
            time: rfc3339(time),
            rows,
            summary,
        }
    }
}

/// Writes a time as every document does: RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Writes a time for people.
pub(super) fn calendar(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
