//! What a trial needs in order to be undone, and how it stands in the cluster itself.
//!
//! It is the comment of a disabled rule that a trial writes before anything else and that is removed
//! last, so that any proxdeck finds it and offers the way back (SPEC §5.9).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::{OptionsChange, Setting};
use super::arrange::Steps;
use super::host::Cidr;
use super::mark;
use super::plan::Role;
use super::record::Record;
use super::sets;
use crate::domain::firewall::{Direction, Options, Policy, Rule, Rules};
use crate::domain::network_card::NetworkCard;

/// What stands between the mark and the record.
const WORD: &str = "way-back";
/// A record that is longer was not written by us, and a trial that needs a longer one is refused.
const MOST_BYTES: usize = 32 * 1024;
/// More rules, sets or addresses no record of ours holds.
pub(super) const MOST_ITEMS: usize = 256;

/// What a trial needs in order to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    pub(super) profile: String,
    pub(super) began: DateTime<Utc>,
    pub(super) ends: DateTime<Utc>,
    pub(super) options: FormerOptions,
    pub(super) card: FormerCard,
    pub(super) rules: Vec<FormerRule>,
    pub(super) made_sets: Vec<String>,
    /// What was added to sets that were there, as set and address.
    pub(super) added: Vec<(String, String)>,
    /// What was taken out of sets.
    pub(super) removed: Vec<FormerMember>,
}

/// A member that a set of ours had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormerMember {
    pub(super) set: String,
    pub(super) cidr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
}

impl FormerMember {
    /// Puts it into its set again, if that is there and lacks it.
    pub(super) fn put_back(&self, steps: &mut Steps) {
        let set = sets::find(steps.firewall(), &self.set);
        let lacks =
            set.is_some_and(|set| set.members.iter().all(|each| each.cidr.raw() != self.cidr));
        if let Some(cidr) = self.cidr.parse().ok().filter(|_| lacks) {
            sets::add(steps, &self.set, cidr, self.comment.clone(), Role::Mends);
        }
    }

    /// Tells whether it can be put into a set as it is.
    pub(super) fn is_plain(&self) -> bool {
        let comment = self.comment.as_deref().unwrap_or_default();
        self.cidr
            .parse::<Cidr>()
            .is_ok_and(|cidr| !cidr.is_everything())
            && !comment.contains(char::is_control)
    }
}

/// A rule of ours that was there before, and how many rules that are not ours stood above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FormerRule {
    pub(super) rule: Rule,
    pub(super) foreign_above: usize,
}

impl FormerRule {
    /// Collects the rules of ours, with how many of others stand above each.
    pub(super) fn all(rules: &Rules) -> Vec<Self> {
        let mut foreign_above = 0;
        let mut all = Vec::new();
        for rule in &rules.list {
            if mark::profile_of_rule(rule).is_none() {
                foreign_above += 1;
            } else if !WayBack::is_record(rule) && !rule.is_broken {
                // The server would not take a broken rule again, and it has no effect.
                all.push(Self {
                    rule: rule.clone(),
                    foreign_above,
                });
            }
        }
        all
    }
}

/// The options that a profile may change, as they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct FormerOptions {
    pub(super) enable: Option<bool>,
    pub(super) policy_in: Option<Policy>,
    pub(super) policy_out: Option<Policy>,
    pub(super) dhcp: Option<bool>,
}

impl From<&Options> for FormerOptions {
    fn from(options: &Options) -> Self {
        Self {
            enable: options.enable,
            policy_in: options.policy_in,
            policy_out: options.policy_out,
            dhcp: options.dhcp,
        }
    }
}

impl FormerOptions {
    /// Says what has to be changed so that the options are as they were.
    pub(super) fn change(self, now: &Options) -> OptionsChange {
        OptionsChange {
            enable: restore(now.enable, self.enable),
            policy_in: restore(now.policy_in, self.policy_in),
            policy_out: restore(now.policy_out, self.policy_out),
            dhcp: restore(now.dhcp, self.dhcp),
        }
    }
}

fn restore<T: PartialEq + Copy>(now: Option<T>, former: Option<T>) -> Setting<T> {
    match former {
        _ if now == former => Setting::Stays,
        Some(value) => Setting::Set(value),
        None => Setting::Unset,
    }
}

/// The keys of the first card that a profile may change, as they were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FormerCard {
    pub(super) bridge: Option<String>,
    pub(super) firewall: Option<String>,
}

impl FormerCard {
    /// Takes what a profile may change from a card.
    pub(super) fn of(card: &NetworkCard) -> Self {
        Self {
            bridge: card.get("bridge").map(str::to_owned),
            firewall: card.get("firewall").map(str::to_owned),
        }
    }

    /// Puts it back on a card; all else on it stays.
    pub(super) fn put_on(&self, card: &NetworkCard) -> NetworkCard {
        let keys = [("bridge", &self.bridge), ("firewall", &self.firewall)];
        keys.into_iter()
            .fold(card.clone(), |card, (key, value)| match value {
                Some(value) => card.with(key, value),
                None => card.without(key),
            })
    }
}

impl WayBack {
    /// Returns the profile that is on trial.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// Returns when the trial began, by the server's clock.
    pub fn began(&self) -> DateTime<Utc> {
        self.began
    }

    /// Returns when the trial ends and everything is put back, unless it was confirmed.
    ///
    /// A way back that is still there long after has been left behind by a proxdeck that is gone.
    pub fn ends(&self) -> DateTime<Utc> {
        self.ends
    }

    /// Tells whether the guest has nothing of the profile once it is back: it had nothing before.
    pub fn leaves_nothing(&self) -> bool {
        let had_rules = self
            .rules
            .iter()
            .any(|former| mark::profile_of_rule(&former.rule) == Some(self.profile.as_str()));
        !had_rules && self.added.is_empty() && self.removed.is_empty()
    }

    /// Takes out of sets what the trial added, of those that block or of all others.
    pub(super) fn take_out(&self, steps: &mut Steps, blocks: bool) {
        for (set, member) in &self.added {
            if mark::is_block_set(set) != blocks {
                continue;
            }
            let held = sets::find(steps.firewall(), set);
            let mut members = held.into_iter().flat_map(|set| &set.members);
            let found = members.find(|each| each.cidr.raw() == member);
            if let Some(member) = found.map(|member| member.cidr.clone()) {
                sets::remove(steps, set, &member, Role::Mends);
            }
        }
    }

    /// Finds the way back of a trial among a guest's rules.
    ///
    /// Comments come from strangers: what is not exactly such a record, whole and of sane size, is none.
    pub fn find(rules: &Rules) -> Option<Self> {
        rules.list.iter().find_map(Self::read)
    }

    /// Tells whether a rule is the record of a trial, be it broken.
    pub(super) fn is_record(rule: &Rule) -> bool {
        let mut words = rule
            .comment
            .iter()
            .flat_map(|it| it.raw().split_whitespace());
        mark::profile_of_rule(rule).is_some() && words.nth(1) == Some(WORD)
    }

    /// Returns the disabled rule that records it; `None` where its comment would be too long.
    pub(super) fn rule(&self) -> Option<Rule> {
        let sizes = [
            self.rules.len(),
            self.made_sets.len(),
            self.added.len(),
            self.removed.len(),
        ];
        if sizes.into_iter().any(|size| size > MOST_ITEMS) {
            return None;
        }
        let json = serde_json::to_string(&Record::from(self)).ok()?;
        let comment = format!("{} {WORD} {json}", mark::of(&self.profile));
        (comment.len() <= MOST_BYTES).then(|| Rule {
            is_enabled: false,
            comment: Some(comment.into()),
            ..Rule::new(Direction::Out, "DROP")
        })
    }

    fn read(rule: &Rule) -> Option<Self> {
        let profile = mark::profile_of_rule(rule)?;
        let comment = rule.comment.as_ref()?.raw();
        if comment.len() > MOST_BYTES {
            return None;
        }
        let (_, json) = comment.split_once(' ')?.1.split_once(' ')?;
        let record: Record = serde_json::from_str(json).ok()?;
        Self::is_record(rule).then_some(())?;
        record.into_way_back(profile)
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn way_back() -> WayBack {
        let time = |seconds: i64| DateTime::from_timestamp(1_795_424_445 + seconds, 0).unwrap();
        let former = Rule {
            protocol: Some("tcp".into()),
            destination: Some("+proxdeck-old-443".into()),
            destination_port: Some("443".into()),
            comment: Some("proxdeck:old".into()),
            ..Rule::new(Direction::Out, "ACCEPT")
        };
        WayBack {
            profile: "api_access".to_owned(),
            began: time(0),
            ends: time(120),
            options: FormerOptions {
                enable: Some(true),
                policy_in: None,
                policy_out: Some(Policy::Reject),
                dhcp: Some(false),
            },
            card: FormerCard {
                bridge: Some("vmbr0".to_owned()),
                firewall: None,
            },
            rules: vec![FormerRule {
                rule: former,
                foreign_above: 2,
            }],
            made_sets: vec!["proxdeck-api_access-443".to_owned()],
            added: vec![("proxdeck-x-all".to_owned(), "10.0.0.0/8".to_owned())],
            removed: vec![FormerMember {
                set: "proxdeck-x-all".to_owned(),
                cidr: "10.0.0.1".to_owned(),
                comment: None,
            }],
        }
    }

    fn read(comment: &str) -> Option<WayBack> {
        WayBack::read(&Rule {
            comment: Some(comment.into()),
            ..Rule::new(Direction::Out, "DROP")
        })
    }

    #[test]
    fn a_way_back_survives_the_comment_of_a_disabled_rule() {
        let rule = way_back().rule().unwrap();
        assert!(!rule.is_enabled && WayBack::is_record(&rule));
        let comment = rule.comment.clone().unwrap();
        assert!(!comment.raw().contains(char::is_control), "one line");
        let rules = Rules {
            list: vec![Rule::new(Direction::In, "DROP"), rule],
            digest: None,
        };
        assert_eq!(WayBack::find(&rules), Some(way_back()));
    }

    #[test]
    fn a_comment_that_is_no_whole_and_harmless_record_offers_no_way_back() {
        let good = way_back().rule().unwrap().comment.unwrap();
        let good = good.raw();
        assert!(read(good).is_some());
        for (part, other) in [
            ("proxdeck:api_access ", "proxdeck: "),
            ("proxdeck:api_access ", "proxdeck:\u{1b}[31m "),
            ("way-back", "way-out"),
            ("{", "{{"),
            ("\"ends\":\"2", "\"ends\":\"x"),
            ("\"bridge\":\"vmbr0\"", "\"bridge\":\"vmbr0,tag=5\""),
            ("\"REJECT\"", "\"MAYBE\""),
            ("[\"proxdeck-api_access-443\"]", "[\"mgmt\"]"),
            ("[\"proxdeck-x-all\"", "[\"x/../y\""),
            ("\"10.0.0.1\"", "\"everywhere\""),
            ("\"proxdeck:old\"", "\"not ours\""),
            ("\"ACCEPT\"", "\"webservers\""),
            ("\"type\":\"out\"", "\"type\":\"group\""),
            ("\"proto\"", "\"pos\""),
            ("}", ""),
        ] {
            assert!(good.contains(part), "{part}");
            assert_eq!(read(&good.replacen(part, other, 1)), None, "{other}");
        }
        let long = good.replacen(
            "way-back ",
            &format!("way-back {}", " ".repeat(MOST_BYTES)),
            1,
        );
        assert_eq!(read(&long), None);
        assert_eq!(read(""), None);
    }
}
