//! The record of a trial as JSON, with the words of the API.
//!
//! It is read from comments, which strangers write: whatever is not exactly such a record is none.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::mark;
use super::way_back::{FormerCard, FormerMember, FormerOptions, FormerRule, MOST_ITEMS, WayBack};
use crate::domain::firewall::{Direction, Policy, Rule};
use crate::domain::text::Text;

/// The longest name that a profile of the config has.
const MOST_NAME: usize = 64;

/// The record as JSON, with the words of the API.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    began: String,
    ends: String,
    options: RecordedOptions,
    bridge: Option<String>,
    firewall: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<RecordedRule>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    added: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<FormerMember>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    enable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_out: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dhcp: Option<bool>,
}

/// A rule: how many rules of others stood above it, its switch, and its fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedRule {
    above: usize,
    on: bool,
    fields: BTreeMap<String, String>,
}

impl From<&WayBack> for Record {
    fn from(way_back: &WayBack) -> Self {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let options = way_back.options;
        let word = |policy: Option<Policy>| policy.map(|policy| policy.word().to_owned());
        Self {
            began: time(way_back.began),
            ends: time(way_back.ends),
            options: RecordedOptions {
                enable: options.enable,
                policy_in: word(options.policy_in),
                policy_out: word(options.policy_out),
                dhcp: options.dhcp,
            },
            bridge: way_back.card.bridge.clone(),
            firewall: way_back.card.firewall.clone(),
            rules: way_back.rules.iter().map(RecordedRule::from).collect(),
            sets: way_back.made_sets.clone(),
            added: way_back.added.clone(),
            removed: way_back.removed.clone(),
        }
    }
}

impl Record {
    /// Makes sense of a record, of a profile by this name, if it is whole and harmless.
    pub(super) fn into_way_back(self, profile: &str) -> Option<WayBack> {
        let time = |text: &str| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
        let policy = |word: Option<String>| match word.as_deref() {
            None => Some(None),
            Some(word) => Policy::read(word).map(Some),
        };
        let sizes = [
            self.rules.len(),
            self.sets.len(),
            self.added.len(),
            self.removed.len(),
        ];
        let sane = sizes.into_iter().all(|size| size <= MOST_ITEMS);
        let added = self.added.iter().map(|(set, _)| set);
        let removed = self.removed.iter().map(|member| &member.set);
        let mut sets = self.sets.iter().chain(added).chain(removed);
        // Only sets of ours may be touched by a record, whoever wrote it.
        let ours = sets.all(|set| mark::is_set_name(set));
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let plain = |value: &Option<String>| value.iter().all(|it| it.chars().all(fits));
        let whole = self.removed.iter().all(FormerMember::is_plain);
        let named = profile.chars().count() <= MOST_NAME && profile.chars().all(fits);
        if !(sane && ours && whole && named && plain(&self.bridge) && plain(&self.firewall)) {
            return None;
        }
        Some(WayBack {
            profile: profile.to_owned(),
            began: time(&self.began)?,
            ends: time(&self.ends)?,
            options: FormerOptions {
                enable: self.options.enable,
                policy_in: policy(self.options.policy_in)?,
                policy_out: policy(self.options.policy_out)?,
                dhcp: self.options.dhcp,
            },
            card: FormerCard {
                bridge: self.bridge,
                firewall: self.firewall,
            },
            rules: self
                .rules
                .into_iter()
                .map(RecordedRule::into_rule)
                .collect::<Option<_>>()?,
            made_sets: self.sets,
            added: self.added,
            removed: self.removed,
        })
    }
}

impl From<&FormerRule> for RecordedRule {
    fn from(former: &FormerRule) -> Self {
        let rule = &former.rule;
        let mut fields: BTreeMap<String, String> = rule
            .fields()
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.raw().to_owned())))
            .collect();
        fields.insert("type".to_owned(), rule.direction.to_string());
        fields.insert("action".to_owned(), rule.action.raw().to_owned());
        Self {
            above: former.foreign_above,
            on: rule.is_enabled,
            fields,
        }
    }
}

impl RecordedRule {
    fn into_rule(mut self) -> Option<FormerRule> {
        let direction = match self.fields.remove("type")?.as_str() {
            "in" => Direction::In,
            "out" => Direction::Out,
            _ => return None,
        };
        let action = self.fields.remove("action")?;
        let mut rule = Rule::new(direction, Policy::read(&action)?.word());
        rule.is_enabled = self.on;
        let mut take = |key: &str| self.fields.remove(key).map(Text::from);
        rule.macro_name = take("macro");
        rule.protocol = take("proto");
        rule.source = take("source");
        rule.destination = take("dest");
        rule.source_port = take("sport");
        rule.destination_port = take("dport");
        rule.interface = take("iface");
        rule.icmp_type = take("icmp-type");
        rule.log = take("log");
        rule.comment = take("comment");
        // What is put back is ours again, and nothing that this program does not know.
        let is_ours = mark::profile_of_rule(&rule).is_some();
        (is_ours && self.fields.is_empty()).then_some(FormerRule {
            rule,
            foreign_above: self.above,
        })
    }
}
