//! What a profile changes about a guest, and the steps in which that is written.

use super::action::{Action, CARD, OptionsChange, Setting};
use super::arrange::Steps;
use super::current::Current;
use super::goal::{self, Goal};
use super::mark;
use super::plan::{Change, Deed, NetworkPlan, Role, Warning};
use super::profile::NetworkProfile;
use super::resolved::Resolved;
use super::sets::{self, SetDifference};
use super::warnings;
use super::way_back::{FormerMember, WayBack};
use crate::domain::firewall::{GuestFirewall, Options, Policy, Rule};
use crate::domain::guest::GuestRef;
use crate::domain::id::GuestKind;
use crate::domain::network_card::NetworkCard;
use crate::domain::request::{Field, Objection};
use crate::domain::text::clean;

/// A firewall with more rules, or a set of ours with more addresses, is not one that people made.
const MOST_ITEMS: usize = 2000;

/// What a profile changes, before it is said what for.
pub(super) struct Draft<'a> {
    /// What is to be done; absent where too little is known for that.
    pub(super) parts: Option<Parts<'a>>,
    warnings: Vec<Warning>,
    objections: Vec<Objection>,
}

/// What is to be done to each part of a guest's network.
pub(super) struct Parts<'a> {
    /// The firewall as it is.
    pub(super) firewall: &'a GuestFirewall,
    /// The first card before and afterwards.
    pub(super) card: (NetworkCard, NetworkCard),
    /// The rule that records how to undo everything, for a trial.
    pub(super) record: Option<Rule>,
    goal: Goal,
    sets: Vec<SetPlan>,
    options: OptionsChange,
}

impl<'a> Draft<'a> {
    /// Compares what a profile wants with what is there; without `resolved` addresses are not looked at.
    pub(super) fn of(
        kind: GuestKind,
        profile: &NetworkProfile,
        resolved: Option<&Resolved>,
        current: &'a Current,
    ) -> Self {
        let mut draft = Self {
            parts: None,
            warnings: warnings::switches_but_own(current, profile),
            objections: Vec::new(),
        };
        if kind == GuestKind::Lxc {
            draft.object("network profiles are for virtual machines, this is a container");
            return draft;
        }
        let goal = Goal::of(profile, resolved);
        for reason in &goal.unresolved {
            draft.object(reason);
        }
        let card = first_card(current)
            .map_err(|reason| draft.object(&reason))
            .ok();
        let firewall = match &current.firewall {
            Ok(firewall) => firewall,
            Err(reason) => {
                draft.object(&format!("the guest's firewall could not be read: {reason}"));
                return draft;
            }
        };
        if let Some(reason) = too_much(firewall) {
            draft.object(&reason);
            return draft;
        }
        draft.clashes(&goal, firewall);
        let Some(card) = card else {
            return draft;
        };
        let cards = current.cards();
        let mut others = cards.iter().filter(|(key, _)| key != CARD);
        let others_fenced = others.any(|(_, card)| card.has_firewall());
        let options = goal::options(profile, &firewall.options, &card, others_fenced);
        if options.inbound_closes {
            draft.warnings.push(Warning::InboundCloses);
        }
        if !profile.blocks_everything() && firewall.options.policy_out() != Policy::Accept {
            let policy = firewall.options.policy_out();
            draft.warnings.push(Warning::PolicyOutStays(policy));
        }
        let time = resolved.map(Resolved::time);
        let sets = goal.sets.iter().map(|set| SetPlan {
            name: set.name.clone(),
            blocks: set.blocks,
            difference: SetDifference::of(firewall, set, time),
        });
        draft.parts = Some(Parts {
            firewall,
            sets: sets.collect(),
            goal,
            options: options.change,
            card: (card.clone(), goal::card(profile, &card)),
            record: None,
        });
        draft
    }

    /// Adds a reason for which nothing is done.
    pub(super) fn object(&mut self, reason: &str) {
        self.objections.push(Objection::new(Field::Network, reason));
    }

    /// Objects to sets and aliases of others that have our names.
    fn clashes(&mut self, goal: &Goal, firewall: &GuestFirewall) {
        for name in goal.sets.iter().map(|set| set.name.as_str()) {
            let foreign_set =
                sets::find(firewall, name).is_some_and(|set| mark::profile_of_set(set).is_none());
            let mut aliases = firewall.aliases.iter();
            let alias = aliases.any(|alias| alias.name.raw().eq_ignore_ascii_case(name));
            for (what, clashes) in [("a set", foreign_set), ("an alias", alias)] {
                if clashes {
                    self.object(&format!(
                        "{what} {name} is there and not ours: rename or remove it in the guest's firewall"
                    ));
                }
            }
        }
    }

    /// Returns the steps that mend a guest and what is said about them.
    pub(super) fn into_plan(
        mut self,
        guest: &GuestRef,
        profile: &NetworkProfile,
        current: &Current,
        deed: Deed,
    ) -> NetworkPlan {
        let mut changes = Vec::new();
        let mut foreign = Vec::new();
        if let Some(parts) = self.parts {
            foreign = warnings::foreign(parts.firewall);
            if !matches!(deed, Deed::Try(_)) {
                let under_way = WayBack::find(&parts.firewall.rules);
                let warning = under_way.map(|it| Warning::TrialUnderWay(Box::new(it)));
                self.warnings.extend(warning);
            }
            let written = parts.write(profile, current, &deed);
            self.warnings.extend(written.1);
            changes = written.0;
            // With nothing to change there is nothing to put back.
            if matches!(deed, Deed::Try(_)) && changes.len() == 1 {
                changes.clear();
            }
        }
        if !self.objections.is_empty() {
            changes.clear();
        }
        NetworkPlan {
            guest: guest.clone(),
            profile: profile.name.clone(),
            deed,
            changes,
            foreign,
            warnings: self.warnings,
            objections: self.objections,
            base: current.firewall.clone().unwrap_or_default(),
        }
    }
}

/// A set that a profile wants, and what it lacks and has too much.
struct SetPlan {
    name: String,
    blocks: bool,
    difference: SetDifference,
}

impl Parts<'_> {
    /// Tells whether a set loses what cannot be put in again as it was.
    pub(super) fn loses_for_good(&self) -> bool {
        let mut sets = self.sets.iter();
        sets.any(|set| set.difference.loses_for_good())
    }

    /// Returns the sets that are made.
    pub(super) fn made_sets(&self) -> Vec<String> {
        let made = self.sets.iter().filter(|set| set.difference.is_new());
        made.map(|set| set.name.clone()).collect()
    }

    /// Returns what is added to sets that are there, as set and address.
    pub(super) fn added(&self) -> Vec<(String, String)> {
        let of = |set: &SetPlan| -> Vec<(String, String)> {
            let added = set.difference.added();
            added
                .map(|cidr| (set.name.clone(), cidr.to_string()))
                .collect()
        };
        self.sets.iter().flat_map(of).collect()
    }

    /// Returns what is taken out of sets.
    pub(super) fn removed(&self) -> Vec<FormerMember> {
        let of = |set: &SetPlan| -> Vec<FormerMember> {
            let removed = set.difference.removed();
            let former = removed.map(|member| FormerMember {
                set: set.name.clone(),
                cidr: member.cidr.raw().to_owned(),
                comment: member.comment.as_ref().map(|it| it.raw().to_owned()),
            });
            former.collect()
        };
        self.sets.iter().flat_map(of).collect()
    }

    /// Writes sets, rules, options and card, and then removes what is too much (SPEC §5.9).
    ///
    /// A set that lets through loses what it has too much before new rules speak of it, one that
    /// blocks only after the old ones are gone.
    fn write(
        self,
        profile: &NetworkProfile,
        current: &Current,
        deed: &Deed,
    ) -> (Vec<Change>, Vec<Warning>) {
        let mut steps = Steps::new(self.firewall, self.goal.wanted());
        if let Some(record) = self.record {
            steps.record(record);
        }
        let growing = self.sets.iter().filter(|set| set.difference.grows());
        let growing: Vec<&str> = growing.map(|set| set.name.as_str()).collect();
        steps.close_growing(&growing);
        for set in &self.sets {
            set.difference.fill(&mut steps, &set.name, &profile.name);
            if !set.blocks {
                set.difference.thin_out(&mut steps, &set.name);
            }
        }
        steps.arrange();
        change_options(&mut steps, self.options);
        change_card(&mut steps, &self.card.0, self.card.1);
        steps.delete_old();
        for set in self.sets.iter().filter(|set| set.blocks) {
            set.difference.thin_out(&mut steps, &set.name);
        }
        let mut warnings =
            warnings::of_foreign(profile, current, self.firewall, &self.goal.rules, &steps);
        if !matches!(deed, Deed::Try(_)) {
            let wanted: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
            warnings.extend(delete_unused(&mut steps, |name| !wanted.contains(&name)));
            steps.delete_records();
        }
        (steps.into_changes(), warnings)
    }
}

/// Says why a firewall is too large to be planned, if so; a step for each rule would take hours.
pub(super) fn too_much(firewall: &GuestFirewall) -> Option<String> {
    let ours = firewall
        .sets
        .iter()
        .filter(|set| mark::profile_of_set(set).is_some());
    let members = ours.map(|set| set.members.len()).max().unwrap_or(0);
    for (count, what) in [
        (firewall.rules.list.len(), "rules"),
        (members, "addresses in one set of ours"),
    ] {
        if count > MOST_ITEMS {
            return Some(format!(
                "the guest's firewall holds {count} {what}, and no more than {MOST_ITEMS} can be \
                 planned: remove by hand what nobody needs"
            ));
        }
    }
    None
}

/// Removes sets of ours of which no rule speaks any more; says which ones a foreign rule keeps.
pub(super) fn delete_unused(steps: &mut Steps, unwanted: impl Fn(&str) -> bool) -> Vec<Warning> {
    let firewall = steps.firewall().clone();
    let mut stays = Vec::new();
    for set in &firewall.sets {
        if mark::profile_of_set(set).is_none() || !unwanted(set.name.raw()) {
            continue;
        }
        let mut rules = firewall.rules.list.iter();
        match rules.find(|rule| mark::speaks_of(rule, set.name.raw())) {
            None => sets::delete(steps, set),
            Some(rule) if mark::profile_of_rule(rule).is_some() => {}
            Some(_) => stays.push(Warning::SetStays(set.name.to_string())),
        }
    }
    stays
}

/// Changes the options, if there is something to change.
pub(super) fn change_options(steps: &mut Steps, change: OptionsChange) {
    if change.is_empty() {
        return;
    }
    let before = words(&steps.firewall().options, change);
    let action = Action::ChangeOptions(change);
    let mut changed = GuestFirewall {
        options: steps.firewall().options.clone(),
        ..GuestFirewall::default()
    };
    action.apply_to(&mut changed);
    let after = words(&changed.options, change);
    steps.push(action, Role::Mends, "options", Some(before), Some(after));
}

/// Writes the options that a change is about, `enable 1, policy_out DROP`; unset ones as `default`.
fn words(options: &Options, change: OptionsChange) -> String {
    let flag = |value: Option<bool>| value.map_or("default", |on| if on { "1" } else { "0" });
    let policy = |value: Option<Policy>| value.map_or("default", Policy::word);
    let parts = [
        (
            "enable",
            flag(options.enable),
            change.enable != Setting::Stays,
        ),
        (
            "policy_in",
            policy(options.policy_in),
            change.policy_in != Setting::Stays,
        ),
        (
            "policy_out",
            policy(options.policy_out),
            change.policy_out != Setting::Stays,
        ),
        ("dhcp", flag(options.dhcp), change.dhcp != Setting::Stays),
    ];
    let parts = parts.into_iter().filter(|(_, _, differs)| *differs);
    let parts: Vec<String> = parts
        .map(|(key, value, _)| format!("{key} {value}"))
        .collect();
    parts.join(", ")
}

/// Writes the first card, if it differs.
pub(super) fn change_card(steps: &mut Steps, before: &NetworkCard, after: NetworkCard) {
    if *before == after {
        return;
    }
    let words = [before, &after].map(|card| Some(clean(&card.to_string())));
    let [was, is] = words;
    let action = Action::SetCard {
        before: before.clone(),
        after,
    };
    steps.push(action, Role::Mends, CARD, was, is);
}

/// Returns the first card, or says why a profile cannot be put on it.
pub(super) fn first_card(current: &Current) -> Result<NetworkCard, String> {
    if let Err(reason) = &current.config {
        return Err(format!(
            "the guest's configuration could not be read: {reason}"
        ));
    }
    let cards = current.cards().into_iter();
    let mut first = cards.filter(|(key, _)| key == CARD);
    let card = first.next().map(|(_, card)| card);
    card.ok_or_else(|| "the guest has no net0: add a network card first".to_owned())
}
