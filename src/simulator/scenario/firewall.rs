//! Firewall files as a scenario writes them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Span;

/// A firewall file, of a guest or of the datacenter.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FirewallScenario {
    /// Options as the server writes them.
    pub options: BTreeMap<String, String>,
    /// Rules by position, each by its fields; `{ago:2h}` in a comment stands for that time.
    pub rules: Vec<BTreeMap<String, String>>,
    /// Sets by name, each with its networks; as in the server's own file `# comment` may follow one.
    pub sets: BTreeMap<String, Vec<String>>,
    /// Comments of sets, by the names of these.
    pub comments: BTreeMap<String, String>,
    /// Aliases by name, each with its network.
    pub aliases: BTreeMap<String, String>,
}

impl FirewallScenario {
    /// Lays a guest's own file over one that it shares: its rules stand above, all else replaces.
    pub(in crate::simulator) fn under(&self, own: &Self) -> Self {
        let mut laid = self.clone();
        laid.options.extend(own.options.clone());
        laid.rules.splice(0..0, own.rules.iter().cloned());
        laid.sets.extend(own.sets.clone());
        laid.comments.extend(own.comments.clone());
        laid.aliases.extend(own.aliases.clone());
        laid
    }

    /// Returns it with the times filled in that count back from `now`.
    pub(in crate::simulator) fn dated(mut self, now: f64) -> Self {
        let comments = self
            .rules
            .iter_mut()
            .filter_map(|rule| rule.get_mut("comment"));
        for text in comments.chain(self.sets.values_mut().flatten()) {
            *text = dated(text, now);
        }
        self
    }
}

/// Fills in times: `{ago:2h}` is the time two hours before `now`.
fn dated(text: &str, now: f64) -> String {
    let mut pieces = text.split("{ago:");
    let mut dated = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (span, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let span = Span::parse(span).unwrap_or(Span(0.0));
        let time = chrono::DateTime::from_timestamp((now - span.0) as i64, 0).unwrap_or_default();
        dated.push_str(&time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        dated.push_str(rest);
    }
    dated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_back_from_the_start() {
        let now = 1_795_424_445.0;
        assert_eq!(
            dated("{\"began\":\"{ago:1h}\"} {ago:0s} x", now),
            "{\"began\":\"2026-11-23T08:00:45Z\"} 2026-11-23T09:00:45Z x"
        );
        assert_eq!(dated("plain", now), "plain");
    }
}
